"""scikit-learn's own array API tests, which its wheel carries."""

from __future__ import annotations

import argparse
import importlib.metadata
from pathlib import Path

from conformance.installed import arguments
from conformance.runner import Suite

EXCLUSIONS = Path(__file__).with_name("sklearn_exclusions.txt")


def _add_arguments(_: argparse.ArgumentParser) -> None:
    """Declares nothing: the suite has no arguments of its own."""


def _prepare(_: argparse.Namespace, scratch: Path) -> tuple[Path, list[str]]:
    return scratch, arguments("sklearn", "yield_namespace", "yield_mixed_namespace")


SUITE = Suite(
    "sklearn",
    lambda: f"scikit-learn {importlib.metadata.version('scikit-learn')}, array API tests",
    _add_arguments,
    _prepare,
    {"SCIPY_ARRAY_API": "1"},
    EXCLUSIONS,
)
