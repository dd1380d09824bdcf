"""``numpy.testing``, whose comparisons take TruenoArrays as NumPy's take ndarrays."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy.testing as _numpys

from trueno._numpy.fallback import names as _names
from trueno.handles import Handle as _Handle
from trueno.handover import host as _host

# What compares values, and looks at the class of what it is given.
_COMPARISONS = frozenset(
    (
        "assert_allclose", "assert_almost_equal", "assert_approx_equal",
        "assert_array_almost_equal", "assert_array_almost_equal_nulp", "assert_array_compare",
        "assert_array_equal", "assert_array_less", "assert_array_max_ulp", "assert_equal",
        "build_err_msg", "print_assert_equal",
    )
)  # fmt: skip


def _values(x: Any) -> Any:
    """``x`` with ndarrays, and NumPy's scalars, in the place of our arrays, in sequences too."""
    if isinstance(x, _Handle):
        return _host(x)[()] if x._scalar else _host(x)
    if type(x) in (list, tuple):
        return type(x)([_values(item) for item in x])
    if type(x) is dict:
        return {key: _values(item) for key, item in x.items()}
    return x


def comparing(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that compares values, on ndarrays and NumPy's scalars in the place of ours."""

    @functools.wraps(f)
    def compare(*args: Any, **kwargs: Any) -> Any:
        return f(*_values(args), **_values(kwargs))

    return compare


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(_numpys, name)
    if name in _COMPARISONS:
        value = comparing(value)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return _names(_numpys, globals())
