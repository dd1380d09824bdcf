"""SciPy's own tests of other namespaces (with the fixture ``xp``), which its wheel carries."""

from __future__ import annotations

import argparse
import importlib.metadata
from pathlib import Path

from conformance.installed import arguments
from conformance.runner import Suite

EXCLUSIONS = Path(__file__).with_name("scipy_exclusions.txt")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--package", default="", help="one subpackage, as signal (all)")


def _prepare(options: argparse.Namespace, scratch: Path) -> tuple[Path, list[str]]:
    return scratch, arguments("scipy", "xp", folder=options.package)


SUITE = Suite(
    "scipy",
    lambda: f"SciPy {importlib.metadata.version('scipy')}, xp tests",
    _add_arguments,
    _prepare,
    {"SCIPY_ARRAY_API": "1"},
    EXCLUSIONS,
)
