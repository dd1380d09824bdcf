"""array-api-extra's own tests, which its wheel carries."""

from __future__ import annotations

import argparse
import importlib.metadata
from pathlib import Path

from conformance import installed
from conformance.runner import Job, Suite

EXCLUSIONS = Path(__file__).with_name("array_api_extra_exclusions.txt")


def _add_arguments(_: argparse.ArgumentParser) -> None:
    """Declares nothing: the suite has no arguments of its own."""


def _jobs(_: argparse.Namespace, __: str, scratch: Path) -> list[Job]:
    files = installed.files("array_api_extra", "xp", "library", below="tests/main")
    return installed.jobs("array_api_extra", files, scratch)


SUITE = Suite(
    "array-api-extra",
    lambda: f"array-api-extra {importlib.metadata.version('array-api-extra')}, its own tests",
    _add_arguments,
    _jobs,
    {},
    EXCLUSIONS,
    peers=True,
)
