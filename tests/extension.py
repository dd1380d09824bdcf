"""``python -m tests.extension FOLDER ARGUMENTS``: pytest with the extensions built there."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest

NAMES = ("trueno._handle", "trueno._backends._simd")


class Finder:
    """Finds the extensions in a folder of their own."""

    def __init__(self, folder: str) -> None:
        self.files = {name: Path(folder) / f"{name.rpartition('.')[2]}.abi3.so" for name in NAMES}

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """An extension's specification; None for every other module."""
        file = self.files.get(name)
        return None if file is None else spec_from_file_location(name, file)


def main() -> int:
    """Gives pytest's exit status."""
    folder, *arguments = sys.argv[1:]
    finder = Finder(folder)
    sys.meta_path.insert(0, finder)  # type: ignore[arg-type]
    for name, file in finder.files.items():
        assert Path(str(importlib.import_module(name).__file__)).samefile(file)
    return int(pytest.main(arguments))


if __name__ == "__main__":
    sys.exit(main())
