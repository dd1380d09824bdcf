"""NumPy's own tests as they are, on ndarrays, while ``trueno.accelerate_numpy()`` holds.

One that fails is run once more without it; if it fails again it counts as expected.
"""

from __future__ import annotations

import argparse
import importlib.metadata
from pathlib import Path

from conformance import installed
from conformance.numpy import PARTS
from conformance.runner import Job, Suite

EXCLUSIONS = Path(__file__).with_name("accelerated_exclusions.txt")


def _add_arguments(_: argparse.ArgumentParser) -> None:
    """Declares nothing: the suite has no arguments of its own."""


def _jobs(_: argparse.Namespace, __: str, scratch: Path) -> list[Job]:
    root = installed.folder("numpy")
    arguments = ["-p", "conformance.accelerated_plugin", "-m", "not slow"]
    parts = (*PARTS, "ma", "polynomial", "random")
    return [Job(part, scratch, [*arguments, str(root / part / "tests")]) for part in parts]


SUITE = Suite(
    "accelerated",
    lambda: f"NumPy {importlib.metadata.version('numpy')}, its tests with accelerate_numpy",
    _add_arguments,
    _jobs,
    {"NPY_AVAILABLE_MEM": "1 GB"},
    EXCLUSIONS,
)
