"""SciPy's own tests of other namespaces (with the fixture ``xp``), which its wheel carries."""

from __future__ import annotations

import argparse
import importlib.metadata
from pathlib import Path

from conformance import installed
from conformance.runner import Job, Suite

EXCLUSIONS = Path(__file__).with_name("scipy_exclusions.txt")
NOTES = Path(__file__).with_name("scipy_notes.md")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--package", default="", help="one subpackage of SciPy, as signal (all)")


def _jobs(options: argparse.Namespace, _: str, scratch: Path) -> list[Job]:
    return installed.jobs("scipy", installed.files("scipy", "xp", below=options.package), scratch)


SUITE = Suite(
    "scipy",
    lambda: f"SciPy {importlib.metadata.version('scipy')}, xp tests",
    _add_arguments,
    _jobs,
    {"SCIPY_ARRAY_API": "1"},
    EXCLUSIONS,
    peers=True,
    notes=NOTES,
)
