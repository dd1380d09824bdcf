"""A pytest plugin: tests named in the file CONFORMANCE_EXCLUSIONS must fail.

The file holds a test id a line, without the folders above the library; what stands before it as a
comment is the reason. An id without parameters stands for all of them, and "*" for any text. One
behind "!" is not run, as it would end the process; one followed by " (simd)" must fail on that
backend, and pass on the others.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path

import pytest

from conformance.results import EXCLUDED

CRASHES = "!"
ELSEWHERE = (" (numpy)", " (simd)", " (wgpu)")


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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """pytest records the warnings of a test: calls in it may wait all the same."""
    if "trueno" in sys.modules:
        importlib.import_module("trueno.conditions").read_later()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = f" ({os.environ.get('TRUENO_BACKEND')})"
    reasons = {
        name.removesuffix(here): reason
        for name, reason in read(Path(os.environ["CONFORMANCE_EXCLUSIONS"])).items()
        if name.endswith(here) or not name.endswith(ELSEWHERE)
    }
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
