"""Reductions that leave NaN out: compositions, fused into the reduction.

Where every element of a slice is NaN, NumPy decides what to warn of and to return.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno._array_api._support import NO_VALUE, call, given, implements
from trueno._array_api.statistical_functions import kept
from trueno.dispatch import elementwise
from trueno.handles import wrap_value
from trueno.handover import host
from trueno.kinds import FLOAT32, FLOAT64, INT64
from trueno.memory import NDArray
from trueno.ops import OPS
from trueno.reductions import pays, reduce

__all__ = ["nanmax", "nanmean", "nanmin", "nanstd", "nansum", "nanvar"]


def _ours(x: Any, *others: Any) -> bool:
    """Whether the call is worth a composition: on floats, without rarer arguments."""
    simple = all(other is None or other is NO_VALUE for other in others)
    return bool(
        simple
        and x.dtype in (FLOAT32, FLOAT64)
        and x.size
        and (x._node is not None or pays(OPS["sum"], x._layout))
    )


def _replaced(x: Any, value: float) -> Any:
    nan = elementwise(OPS["isnan"], x)
    return elementwise(OPS["where"], nan, x.dtype.type(value), x)


def _counts(x: Any, axis: Any) -> NDArray:
    numbers = elementwise(OPS["logical_not"], elementwise(OPS["isnan"], x))
    counts: NDArray = host(reduce(OPS["sum"], numbers, axis, INT64, True))
    return counts


def _result(array: NDArray, x: Any, axis: Any, keepdims: bool) -> Any:
    array = array.astype(x.dtype, copy=False)
    return wrap_value(array if keepdims else array.squeeze(axis)[()])


@implements(np.nansum)
def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """The sum, with 0 in place of NaN."""
    x = given(a)
    if not _ours(x, dtype, out, initial, where):
        return call(np.nansum, x, axis, dtype, out, keepdims, initial=initial, where=where)
    return reduce(OPS["sum"], _replaced(x, 0.0), axis, None, kept(keepdims))


def _extreme(f: Any, name: str, least: float, a: Any, axis: Any, out: Any, **others: Any) -> Any:
    x, keepdims = given(a), others["keepdims"]
    if _ours(x, out, others["initial"], others["where"]):
        found = reduce(OPS[name], _replaced(x, least), axis, None, kept(keepdims))
        if not (host(found) == least).any():
            return found
    return call(f, x, axis, out, **others)


@implements(np.nanmax)
def nanmax(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """The maximum of what is not NaN; NaN, with a RuntimeWarning, where nothing else is."""
    others = {"keepdims": keepdims, "initial": initial, "where": where}
    return _extreme(np.nanmax, "max", -np.inf, a, axis, out, **others)


@implements(np.nanmin)
def nanmin(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """The minimum of what is not NaN; NaN, with a RuntimeWarning, where nothing else is."""
    others = {"keepdims": keepdims, "initial": initial, "where": where}
    return _extreme(np.nanmin, "min", np.inf, a, axis, out, **others)


@implements(np.nanmean)
def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
) -> Any:
    """The mean of what is not NaN; NaN, with a RuntimeWarning, where nothing else is."""
    x = given(a)
    if _ours(x, dtype, out, where):
        counts = _counts(x, axis)
        if counts.all():
            total = host(reduce(OPS["sum"], _replaced(x, 0.0), axis, None, True))
            return _result(total / counts, x, axis, kept(keepdims))
    return call(np.nanmean, x, axis, dtype, out, keepdims=keepdims, where=where)


def _spread(f: Any, a: Any, axis: Any, dtype: Any, out: Any, ddof: Any, **others: Any) -> Any:
    x, keepdims = given(a), others.pop("keepdims")
    if _ours(x, dtype, out, *others.values()):
        counts = _counts(x, axis)
        if (counts > ddof).all():
            total = host(reduce(OPS["sum"], _replaced(x, 0.0), axis, None, True))
            mean = wrap_value((total / counts).astype(x.dtype))
            deviation = _replaced(elementwise(OPS["subtract"], x, mean), 0.0)
            squares = elementwise(OPS["square"], deviation)
            squared = host(reduce(OPS["sum"], squares, axis, None, True))
            result = (squared / (counts - ddof)).astype(x.dtype)
            root = np.sqrt(result) if f is np.nanstd else result
            return _result(root, x, axis, kept(keepdims))
    return call(f, x, axis, dtype, out, ddof, keepdims=keepdims, **others)


@implements(np.nanvar)
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Any:
    """The variance of what is not NaN; arguments as of ``var``."""
    others = {"keepdims": keepdims, "where": where, "mean": mean, "correction": correction}
    return _spread(np.nanvar, a, axis, dtype, out, ddof, **others)


@implements(np.nanstd)
def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Any:
    """The standard deviation of what is not NaN; arguments as of ``var``."""
    others = {"keepdims": keepdims, "where": where, "mean": mean, "correction": correction}
    return _spread(np.nanstd, a, axis, dtype, out, ddof, **others)
