"""Searching functions (the standard's chapter "Searching Functions")."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno import selection
from trueno._array_api._support import NO_VALUE, call, given, implements
from trueno._array_api.statistical_functions import kept, reduced
from trueno.dispatch import Refused, astype, elementwise
from trueno.handover import call_numpy
from trueno.kinds import INT64, NUMBER
from trueno.ops import OPS, ROUTINES
from trueno.reductions import reduce
from trueno.routines import compute

__all__ = [
    "argmax",
    "argmin",
    "count_nonzero",
    "nonzero",
    "searchsorted",
    "where",
]


@implements(np.argmax)
def argmax(a: Any, axis: int | None = None, out: Any = None, *, keepdims: Any = False) -> Any:
    """The position of the first maximum along ``axis`` (None: in the flattened array), int64.

    NaN counts as the maximum. ValueError for no elements.
    """
    return reduced("argmax", a, axis, None, keepdims, out)


@implements(np.argmin)
def argmin(a: Any, axis: int | None = None, out: Any = None, *, keepdims: Any = False) -> Any:
    """The position of the first minimum along ``axis`` (None: in the flattened array), int64.

    NaN counts as the minimum. ValueError for no elements.
    """
    return reduced("argmin", a, axis, None, keepdims, out)


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The number of elements that are not zero, along ``axis`` (None: all): an int64 array."""
    x = given(a)
    if x.dtype.kind not in "biufc":
        counts = call(np.count_nonzero, x, axis, keepdims=keepdims)
        return given(counts)
    if x.dtype.kind != "b":
        x = elementwise(OPS["not_equal"], x, 0)
    return reduce(OPS["sum"], x, axis, INT64, kept(keepdims))


@implements(np.nonzero, gain=ROUTINES["positions"].gain)
def nonzero(a: Any) -> tuple[Any, ...]:
    """The positions of elements that are not zero: an int64 array for each axis.

    ValueError for a zero-dimensional array.
    """

    try:
        return selection.nonzero(given(a))
    except Refused as refused:
        reason = str(refused)
    result: tuple[Any, ...] = call_numpy(np.nonzero, (a,), reason=reason)
    return result


@implements(np.searchsorted, gain=ROUTINES["searchsorted"].gain)
def searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    """Where ``v`` (an array or a scalar) would be inserted into sorted ``a`` (one axis): int64.

    side: "left" or "right" of equal elements; sorter: the positions that sort ``a``.
    """

    def numpy(reason: str = "no kernel") -> Any:
        return call_numpy(np.searchsorted, (a, v, side, sorter), reason=reason)

    if sorter is not None or side not in ("left", "right"):
        return numpy()
    table, values = given(a), given(v)
    common = np.result_type(table.dtype, values.dtype)
    if table.ndim != 1 or values.ndim == 0 or common not in NUMBER:
        return numpy()
    arrays = [x if x.dtype == common else astype(x, common) for x in (table, values)]
    shape = values.shape
    return compute("searchsorted", arrays, {"side": side}, [(shape, INT64)], numpy)


@implements(np.where)
def where(condition: Any, x1: Any = NO_VALUE, x2: Any = NO_VALUE, /) -> Any:
    """``x1`` where ``condition`` holds, ``x2`` elsewhere, in the dtype that both promote to.

    All three broadcast; scalars are allowed. With the condition alone: as ``nonzero``.
    """
    if x1 is NO_VALUE and x2 is NO_VALUE:
        return nonzero(condition)
    if x1 is NO_VALUE or x2 is NO_VALUE:
        raise ValueError("trueno.where: either both or neither of x and y should be given")
    return elementwise(OPS["where"], condition, x1, x2)
