"""Comparison of what Trueno and NumPy return for the same call: value, dtype, shape, kind, view."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import trueno as tn
from trueno import conditions

needs_numpy_21 = pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="NumPy 2.1 added or changed it"
)

# Units in the last place by which kernels of inexact functions may differ from NumPy's.
ULPS = 8


def same(ours: Any, theirs: Any, exact: bool = True) -> None:
    """Asserts that ``ours`` is what NumPy returned; arrays and NumPy scalars are TruenoArrays."""
    if isinstance(theirs, (np.ndarray, np.generic)):
        assert isinstance(ours, tn.TruenoArray), f"{type(ours)} instead of an array"
        theirs = np.asarray(theirs)
        assert ours.dtype == theirs.dtype
        assert ours.shape == theirs.shape
        values = np.asarray(ours)
        if theirs.dtype.kind not in "fc":
            times = theirs.dtype.kind in "mM"  # of which NaT differs from itself
            equal = np.array_equal(values, theirs, equal_nan=times)
            assert equal, f"{values!r} instead of {theirs!r}"
        elif exact:
            np.testing.assert_array_equal(values, theirs)
        else:
            tolerance = ULPS * float(np.finfo(theirs.dtype).eps)
            np.testing.assert_allclose(values, theirs, rtol=tolerance, atol=tolerance / 4)
    elif isinstance(theirs, (tuple, list)):
        assert isinstance(ours, (tuple, list))
        assert getattr(ours, "_fields", None) == getattr(theirs, "_fields", None)
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            same(a, b, exact)
    else:
        assert type(ours) is type(theirs)
        assert ours == theirs


@contextlib.contextmanager
def recorded() -> Iterator[list[warnings.WarningMessage]]:
    """The warnings of what runs in this block, in which calls wait as they do elsewhere."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        conditions.read_later()
        yield caught
    conditions.read_later()


def outcome(f: Callable[..., Any], *args: Any) -> tuple[Any, type[Exception] | None]:
    """``f(*args)`` and None, or None and the class of what it raised; warnings are silent."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return f(*args), None
        except Exception as error:
            return None, type(error)


def agree(f: Callable[[Any, Any], Any], array: Any, exact: bool = True) -> None:
    """Asserts that ``f(tn, ours)`` is as ``f(np, array)``: value, class of error, view or copy."""
    x = tn.asarray(array)
    if array.dtype == x.dtype and array.strides != x.strides:
        x = tn.asarray(array, copy=False)  # the layout is what is tested
    theirs, expected = outcome(f, np, array)
    ours, raised = outcome(f, tn, x)
    assert raised is expected, f"{raised} instead of {expected}"
    same(ours, theirs, exact)
    if isinstance(theirs, np.ndarray) and theirs.size:
        mine = np.shares_memory(np.asarray(ours), np.asarray(x))
        assert mine == np.shares_memory(theirs, array), "a view, or a copy, where NumPy is not"
