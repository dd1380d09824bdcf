"""Dask over TruenoArrays: operations over chunks, the schedulers, data larger than the memory."""

from __future__ import annotations

import argparse
import importlib.metadata
from pathlib import Path

from conformance.runner import Job, Suite

EXCLUSIONS = Path(__file__).with_name("dask_exclusions.txt")
_OURS = Path(__file__).with_name("consumers")


def _add_arguments(_: argparse.ArgumentParser) -> None:
    """Declares nothing: the suite has no arguments of its own."""


def _jobs(_: argparse.Namespace, __: str, scratch: Path) -> list[Job]:
    return [
        Job(name, scratch, [str(_OURS / f"dask_{name}.py")]) for name in ("operations", "cluster")
    ]


SUITE = Suite(
    "dask",
    lambda: f"Dask {importlib.metadata.version('dask')}, our operations and clusters",
    _add_arguments,
    _jobs,
    {},
    EXCLUSIONS,
)
