"""A pytest plugin: tests run while ``trueno.accelerate_numpy()`` holds.

What fails runs again without it, and is expected to fail if it does then too.
"""

from __future__ import annotations

import pytest
from _pytest.runner import runtestprotocol

import trueno

_acceleration = trueno.accelerate_numpy()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    global _acceleration
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    failed = [report for report in reports if report.failed]
    if failed:
        _acceleration.undo()
        again = runtestprotocol(item, nextitem=nextitem, log=False)
        _acceleration = trueno.accelerate_numpy()
        for report in failed if any(report.failed for report in again) else ():
            report.outcome = "skipped"
            report.wasxfail = "fails without accelerate_numpy too"
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
