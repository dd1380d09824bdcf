"""xarray's duck array tests, which its wheel carries, and ours of what users do with them."""

from __future__ import annotations

import argparse
import importlib.metadata
from pathlib import Path

from conformance import installed
from conformance.runner import Job, Suite

EXCLUSIONS = Path(__file__).with_name("xarray_exclusions.txt")
OURS = Path(__file__).with_name("consumers") / "xarray_workflows.py"


def _add_arguments(_: argparse.ArgumentParser) -> None:
    """Declares nothing: the suite has no arguments of its own."""


def _jobs(_: argparse.Namespace, __: str, scratch: Path) -> list[Job]:
    tests = installed.folder("xarray") / "tests"
    theirs = [tests / "test_duck_array_wrapping.py", tests / "test_array_api.py"]
    return [*installed.jobs("xarray", theirs, scratch), Job("workflows", scratch, [str(OURS)])]


SUITE = Suite(
    "xarray",
    lambda: f"xarray {importlib.metadata.version('xarray')}, duck array tests",
    _add_arguments,
    _jobs,
    {},
    EXCLUSIONS,
)
