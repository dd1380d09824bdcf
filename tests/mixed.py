"""Calls that mix TruenoArrays with others' objects: what they do with ndarrays, they do with ours.

A call is a function of ``c``, which makes its arrays: ndarrays, or ours of the same elements.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import trueno as tn

Call = Callable[[Any], Any]  # of what makes the arrays

V = np.array([3.0, 1.0, 2.0, 1.0])
K = np.array([1, 0, 1, 2])
B = np.array([True, False, True, False])
A = np.arange(12.0).reshape(3, 4) / 4


def pending(x: Any) -> Any:
    """Ours, of the same elements, still to be computed where that can be."""
    made = tn.asarray(x)
    if made.dtype.kind == "b":
        return np.logical_or(made, made)
    return np.multiply(made, made.dtype.type(1)) if made.dtype.kind in "iufc" else made


def plain(x: Any) -> Any:
    """``x`` with ndarrays in the place of ours."""
    if isinstance(x, tn.TruenoArray):
        return np.asarray(x)
    if isinstance(x, (tuple, list)):
        return type(x)(map(plain, x))
    return {key: plain(value) for key, value in x.items()} if isinstance(x, dict) else x


def same(ours: Any, theirs: Any) -> None:
    """Asserts that two results are alike; where NumPy's is a subclass of ndarray, in class too."""
    ours = plain(ours)
    if isinstance(theirs, (np.ndarray, np.generic)):
        if type(theirs) is not np.ndarray and not isinstance(theirs, np.generic):
            assert type(ours) is type(theirs)
        found, expected = np.asarray(ours), np.asarray(theirs)
        if expected.dtype.kind in "fc":
            np.testing.assert_allclose(found, expected, rtol=1e-14, strict=True)
        else:
            np.testing.assert_array_equal(found, expected, strict=True)
        if isinstance(theirs, np.ma.MaskedArray):
            np.testing.assert_array_equal(np.ma.getmaskarray(ours), np.ma.getmaskarray(theirs))
    elif isinstance(theirs, (tuple, list)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            same(a, b)
    elif hasattr(theirs, "iloc"):
        testing = pytest.importorskip("pandas").testing
        kind = {"DataFrame": "frame", "Series": "series"}[type(theirs).__name__]
        getattr(testing, f"assert_{kind}_equal")(ours, theirs)
    elif hasattr(theirs, "equals"):
        assert theirs.equals(ours)
    else:
        assert type(ours) is type(theirs)
        assert ours == theirs


def _outcome(call: Call, make: Any) -> tuple[Any, type[Exception] | None, set[type[Warning]]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value, error = plain(call(make)), None
        except Exception as raised:
            value, error = None, type(raised)
    return value, error, {w.category for w in caught}


def agree(call: Call) -> None:
    """Asserts that a call gives the same, or the same error, and the same kinds of warnings."""
    expected, error, warned = _outcome(call, np.array)
    found, raised, told = _outcome(call, pending)
    assert raised is error
    same(found, expected)
    assert told == warned
