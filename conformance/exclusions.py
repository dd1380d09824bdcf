"""A pytest plugin: tests named in the file CONFORMANCE_EXCLUSIONS must fail.

The file holds a test id a line, without the folders above the library; what stands before it as a
comment is the reason. An id without parameters stands for all of them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conformance.results import EXCLUDED


def read(path: Path) -> dict[str, str]:
    """The excluded ids and their reasons."""
    reasons: dict[str, str] = {}
    comment: list[str] = []
    fresh = True
    for line in path.read_text("utf-8").splitlines():
        text = line.strip()
        if text.startswith("#"):
            comment = [*([] if fresh else comment), text.lstrip("# ")]
            fresh = False
        elif text:
            reasons[text] = " ".join(comment)
            fresh = True
    return reasons


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reasons = read(Path(os.environ["CONFORMANCE_EXCLUSIONS"]))
    for item in items:
        for name, reason in reasons.items():
            if item.nodeid.endswith(name) or item.nodeid.partition("[")[0].endswith(name):
                item.add_marker(pytest.mark.xfail(reason=EXCLUDED + reason, strict=True))
