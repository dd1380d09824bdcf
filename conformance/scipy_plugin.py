"""A pytest plugin: SciPy's ``xp`` tests, with Trueno as their only namespace.

Loaded with ``-p`` before collection: SciPy's conftest is imported first, and its fixture ``xp``
declared anew, with SciPy's own marks (what to skip, what must fail) still obeyed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from scipy import conftest
from scipy._lib._array_api import default_xp

import trueno

conftest.xp_known_backends.add("trueno")


@pytest.fixture(params=[pytest.param(trueno, id="trueno")])
def xp(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The namespace of a test; what is asserted must be its arrays."""
    conftest.skip_or_xfail_xp_backends(request, "skip")
    conftest.skip_or_xfail_xp_backends(request, "xfail")
    with default_xp(request.param):
        yield request.param


conftest.xp = xp
conftest.xp_available_backends = [pytest.param(trueno, id="trueno")]
