"""Runs pytest with another build of the extension: ``python -m tests.extension FILE ARGUMENTS``."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest

NAME = "trueno._backends._simd"


class Finder:
    """Finds the extension in a file of its own."""

    def __init__(self, file: str) -> None:
        self.file = file

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """The extension's specification; None for every other module."""
        return spec_from_file_location(name, self.file) if name == NAME else None


def main() -> int:
    """Gives pytest's exit status."""
    file, *arguments = sys.argv[1:]
    sys.meta_path.insert(0, Finder(file))  # type: ignore[arg-type]
    assert Path(str(importlib.import_module(NAME).__file__)).samefile(file)
    return int(pytest.main(arguments))


if __name__ == "__main__":
    sys.exit(main())
