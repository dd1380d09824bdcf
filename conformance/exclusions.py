"""A pytest plugin: tests named in the file CONFORMANCE_EXCLUSIONS must fail.

The file holds a test id a line, without the folders above the library; what stands before it as a
comment is the reason. An id without parameters stands for all of them, and "*" for any text. One
behind "!" is not run, as it would end the process.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from conformance.results import EXCLUDED

CRASHES = "!"


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
    if not reasons:
        return
    names = [re.escape(name.removeprefix(CRASHES)).replace(r"\*", ".*") for name in reasons]
    pattern = re.compile(rf"(?:.*/)?(?:({')|('.join(names)}))(?:\[.*)?", re.DOTALL)
    for item in items:
        found = pattern.fullmatch(item.nodeid)
        if found and found.lastindex:
            name, reason = list(reasons.items())[found.lastindex - 1]
            run = not name.startswith(CRASHES)
            item.add_marker(pytest.mark.xfail(reason=EXCLUDED + reason, strict=True, run=run))
