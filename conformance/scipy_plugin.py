"""A pytest plugin: SciPy's ``xp`` tests, with one namespace, CONFORMANCE_NAMESPACE.

Loaded with ``-p`` before collection: SciPy's conftest is imported first, and its fixture ``xp``
declared anew, with SciPy's own marks (what to skip, what must fail) still obeyed.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from typing import Any

import pytest
from scipy import conftest
from scipy._lib._array_api import default_xp

NAME = os.environ.get("CONFORMANCE_NAMESPACE", "trueno")
PARAMETER = pytest.param(importlib.import_module(NAME), id=NAME)

conftest.xp_known_backends.add(NAME)


@pytest.fixture(params=[PARAMETER])
def xp(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The namespace of a test; what is asserted must be its arrays."""
    conftest.skip_or_xfail_xp_backends(request, "skip")
    conftest.skip_or_xfail_xp_backends(request, "xfail")
    with default_xp(request.param):
        yield request.param


conftest.xp = xp
conftest.xp_available_backends = [PARAMETER]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the tests that have no namespace."""
    others = [item for item in items if "xp" not in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if "xp" in getattr(item, "fixturenames", ())]
