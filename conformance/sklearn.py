"""scikit-learn's own array API tests, which its wheel carries."""

from __future__ import annotations

import argparse
import importlib.metadata
from pathlib import Path

from conformance import installed
from conformance.runner import Job, Suite

EXCLUSIONS = Path(__file__).with_name("sklearn_exclusions.txt")
NOTES = Path(__file__).with_name("sklearn_notes.md")


def _add_arguments(_: argparse.ArgumentParser) -> None:
    """Declares nothing: the suite has no arguments of its own."""


def _jobs(_: argparse.Namespace, __: str, scratch: Path) -> list[Job]:
    return installed.jobs("sklearn", installed.files("sklearn", "array_api"), scratch)


SUITE = Suite(
    "sklearn",
    lambda: f"scikit-learn {importlib.metadata.version('scikit-learn')}, array API tests",
    _add_arguments,
    _jobs,
    {"SCIPY_ARRAY_API": "1"},
    EXCLUSIONS,
    peers=True,
    notes=NOTES,
)
