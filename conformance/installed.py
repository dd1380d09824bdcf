"""Suites that lie in an installed library."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def arguments(library: str, *words: str, folder: str = "") -> list[str]:
    """pytest's arguments for those test files of ``library`` in which one of ``words`` occurs.

    The library's plugin, ``conformance/<library>_plugin.py``, names the tests after Trueno.
    SystemExit where the library is not installed.
    """
    found = importlib.util.find_spec(library)
    if found is None or found.origin is None:
        raise SystemExit(f"conformance: {library} is not installed")
    root = Path(found.origin).parent / folder
    files = [
        str(path)
        for path in sorted(root.rglob("test_*.py"))
        if any(word in path.read_text("utf-8") for word in words)
    ]
    plugins = ["-p", f"conformance.{library}_plugin", "-p", "conformance.exclusions"]
    return [*plugins, "-k", "trueno", *files]
