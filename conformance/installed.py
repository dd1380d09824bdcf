"""Suites that lie in an installed library."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path

from conformance.runner import Job


def jobs(library: str, files: Iterable[Path], scratch: Path) -> list[Job]:
    """A job for each subpackage (or test file of none) in which ``files`` of a library lie.

    The library's plugin, ``conformance/<library>_plugin.py``, puts the namespace into its tests.
    """
    root = folder(library)
    groups: dict[str, list[str]] = {}
    for path in files:
        parts = path.relative_to(root).parts
        groups.setdefault(parts[0] if parts[0] != "tests" else path.stem, []).append(str(path))
    plugin = ["-p", f"conformance.{library}_plugin"]
    return [Job(group, scratch, [*plugin, *paths]) for group, paths in groups.items()]


def files(library: str, *words: str, below: str = "") -> list[Path]:
    """Those test files of an installed library in which one of ``words`` occurs."""
    return [
        path
        for path in sorted((folder(library) / below).rglob("test_*.py"))
        if any(word in path.read_text("utf-8") for word in words)
    ]


def folder(library: str) -> Path:
    """Where the library lies. SystemExit if it is not installed."""
    found = importlib.util.find_spec(library)
    if found is None or found.origin is None:
        raise SystemExit(f"conformance: {library} is not installed")
    return Path(found.origin).parent
