"""array-api-extra's own tests, which its wheel carries."""

from __future__ import annotations

import argparse
import importlib.metadata
from pathlib import Path

from conformance import installed
from conformance.runner import Job, Suite

EXCLUSIONS = Path(__file__).with_name("array_api_extra_exclusions.txt")
NOTES = Path(__file__).with_name("array_api_extra_notes.md")


def _add_arguments(_: argparse.ArgumentParser) -> None:
    """Declares nothing: the suite has no arguments of its own."""


def _jobs(_: argparse.Namespace, __: str, scratch: Path) -> list[Job]:
    found = installed.files("array_api_extra", "xp", "library", below="tests/main")
    # Those of deprecations hold under the warnings filters of the project's own settings only.
    files = [str(path) for path in found if path.stem != "test_deprecation"]
    return [Job("all", scratch, ["-p", "conformance.array_api_extra_plugin", *files])]


SUITE = Suite(
    "array-api-extra",
    lambda: f"array-api-extra {importlib.metadata.version('array-api-extra')}, its own tests",
    _add_arguments,
    _jobs,
    {},
    EXCLUSIONS,
    peers=True,
    notes=NOTES,
)
