"""Statistical functions (the standard's chapter "Statistical Functions").

``axis`` is None (all), an int or a tuple of ints; AxisError (a ValueError) for one that the array
does not have. With ``keepdims`` reduced axes stay, with length 1.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from trueno._array_api._support import (
    NO_VALUE,
    call,
    given,
    implements,
    normal_axes,
    viewed,
)
from trueno.dispatch import elementwise
from trueno.handover import at_once, call_numpy, small_array
from trueno.kinds import COMPLEX64, COMPLEX128, FLOAT16, FLOAT64
from trueno.memory import NDArray
from trueno.moments import variance
from trueno.ops import OPS
from trueno.reductions import pays, reduce
from trueno.scans import CUMULATIVE_PROD, CUMULATIVE_SUM, accumulate

__all__ = [
    "cumulative_prod",
    "cumulative_sum",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
]


def kept(keepdims: Any) -> bool:
    """Whether reduced axes stay. TypeError for what is neither a bool nor an integer."""
    if keepdims is NO_VALUE:
        return False
    return bool(keepdims if isinstance(keepdims, np.bool) else operator.index(keepdims))


# What NumPy's functions call in the end: for small arrays the wrappers cost more than the work.
_SMALL: dict[str, Any] = {
    "sum": np.add.reduce,
    "prod": np.multiply.reduce,
    "max": np.maximum.reduce,
    "min": np.minimum.reduce,
    "all": np.logical_and.reduce,
    "any": np.logical_or.reduce,
}


def reduced(
    name: str,
    a: Any,
    axis: Any,
    dtype: Any,
    keepdims: Any,
    out: Any,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """The table's reduction ``name`` of ``a``, with NumPy's arguments, given or not."""
    x = given(a)
    keep = kept(keepdims)
    if out is None and initial is NO_VALUE and where is NO_VALUE:
        array = small_array(x, OPS[name])
        if (
            array is not None
            and name in _SMALL
            and array.dtype != object
            and (axis is None or not pays(OPS[name], array))
        ):
            return at_once(name, _SMALL[name], array, axis, dtype, None, keep)
        return reduce(OPS[name], x, axis, dtype, keep)
    others = {"out": out} if out is not None else {}
    if initial is not NO_VALUE:
        others["initial"] = initial
    if where is not NO_VALUE:
        others["where"] = where
    return reduce(OPS[name], x, axis, dtype, keep, **others)


@implements(np.sum)
def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """The sum. Small integers and bools add up in int64 or uint64, unless ``dtype`` is given."""
    return reduced("sum", a, axis, dtype, keepdims, out, initial, where)


@implements(np.prod)
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """The product. Small integers and bools: in int64 or uint64, unless ``dtype`` is given."""
    return reduced("prod", a, axis, dtype, keepdims, out, initial, where)


@implements(np.max, np.amax)
def max(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """The maximum; NaN if there is one. ValueError for no elements and no ``initial``."""
    return reduced("max", a, axis, None, keepdims, out, initial, where)


@implements(np.min, np.amin)
def min(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """The minimum; NaN if there is one. ValueError for no elements and no ``initial``."""
    return reduced("min", a, axis, None, keepdims, out, initial, where)


def _count(x: Any, axis: Any) -> int:
    """Elements that a reduction over ``axis`` takes; 0 where we leave the call to NumPy.

    That is so for float16 (NumPy computes in float32), without elements, and for wrong axes.
    """
    if x.dtype.kind not in "biufc" or x.dtype == FLOAT16:
        return 0
    axes = normal_axes(axis, x.ndim)
    if not axes:
        return 0
    count = 1
    for i in axes:
        count *= x.shape[i]
    return count if x.size else 0


@implements(np.mean)
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = NO_VALUE,
) -> Any:
    """The arithmetic mean: float64 for integers, else the array's dtype, unless ``dtype`` is given.

    NaN, with a RuntimeWarning, for no elements.
    """
    x = given(a)
    keep = kept(keepdims)
    if dtype is None and out is None and where is NO_VALUE:
        array = small_array(x)
        if array is not None and not pays(OPS["sum"], array):
            return at_once("mean", np.ndarray.mean, array, axis, keepdims=keep)
        count = _count(x, axis)
        if count:
            return _mean(x, axis, count, keep)
    return call(np.mean, x, axis, dtype, out, keep, where=where)


def _mean(x: Any, axis: Any, count: int, keepdims: bool) -> Any:
    total = reduce(OPS["sum"], x, axis, FLOAT64 if x.dtype.kind in "biu" else None, keepdims)
    if x.dtype == COMPLEX64:  # NumPy divides in complex128, as the count is a NumPy integer
        return elementwise(OPS["divide"], total.astype(COMPLEX128), count).astype(COMPLEX64)
    return elementwise(OPS["divide"], total, count)


@implements(np.var)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = NO_VALUE,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Any:
    """The variance: the sum of squared deviations from the mean, divided by N - correction.

    ``ddof`` is NumPy's name for ``correction`` (ValueError for both). Result dtype as of ``mean``.
    NaN or infinity, with a RuntimeWarning, where N - correction is not positive.
    """
    return _spread(np.ndarray.var, a, axis, dtype, out, ddof, keepdims, where, mean, correction)


@implements(np.std)
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = NO_VALUE,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Any:
    """The standard deviation: the square root of the variance; arguments as of ``var``."""
    return _spread(np.ndarray.std, a, axis, dtype, out, ddof, keepdims, where, mean, correction)


def _spread(
    f: Any,
    a: Any,
    axis: Any,
    dtype: Any,
    out: Any,
    ddof: Any,
    keepdims: Any,
    where: Any,
    mean: Any,
    correction: Any,
) -> Any:
    x = given(a)
    keep = kept(keepdims)
    if correction is not NO_VALUE:
        if ddof != 0:
            raise ValueError(
                f"trueno.{f.__name__}: ddof and correction can't be provided simultaneously."
            )
        ddof = correction
    simple = out is None and where is NO_VALUE and mean is NO_VALUE
    count = _count(x, axis) if simple and x.dtype.kind != "c" else 0
    if count > ddof:
        axes = normal_axes(axis, x.ndim)
        assert axes
        wish = None if dtype is None else np.dtype(dtype)
        found = variance(x, axes, wish, ddof, keep, f is np.ndarray.std)
        if found is not None:
            return found
    if simple and dtype is None:
        array = small_array(x)
        if array is not None and not pays(OPS["sum"], array):
            return at_once(f.__name__, f, array, axis, ddof=ddof, keepdims=keep)
        if count > ddof:
            centred = elementwise(OPS["subtract"], x, _mean(x, axis, count, True))
            squares = elementwise(OPS["square"], centred)
            del centred  # so that it need not be stored
            total = reduce(OPS["sum"], squares, axis, None, keep, spare=True)
            result = elementwise(OPS["divide"], total, count - ddof)
            return result if f is np.ndarray.var else elementwise(OPS["sqrt"], result)
    whole = np.var if f is np.ndarray.var else np.std
    return call(whole, x, axis, dtype, out, ddof, keep, where=where, mean=mean)


def _accumulated(
    x: Any, f: np.ufunc, axis: int | None, dtype: Any, include_initial: bool, out: Any = None
) -> NDArray:
    """``f`` accumulated in NumPy's dtypes, after its identity if ``include_initial`` says so."""
    x = np.atleast_1d(x)
    if axis is None:
        if x.ndim > 1:
            raise ValueError(
                "For arrays which have more than one dimension ``axis`` argument is required."
            )
        axis = 0
    accumulate: Any = np.cumsum if f is np.add else np.cumprod
    if not include_initial:
        result: NDArray = accumulate(x, axis, dtype, out)
        return result
    result = accumulate(x, axis, dtype)
    shape = list(x.shape)
    shape[axis] = 1
    return np.concatenate([np.full(shape, f.identity, result.dtype), result], axis, out=out)


def _cumulative(
    name: str, x: Any, f: np.ufunc, axis: Any, dtype: Any, out: Any, first: bool
) -> Any:
    handle = given(x)
    kwargs = {} if out is None else {"out": out}

    def numpy(reason: str) -> Any:
        arguments = (handle, f, axis, dtype, first)
        return call_numpy(_accumulated, arguments, kwargs, name=name, reason=reason)

    if out is not None or handle.ndim == 0 or (axis is None and handle.ndim > 1):
        return numpy("arguments")
    return accumulate(f, handle, 0 if axis is None else axis, dtype, first, numpy)


def _flat_cumulative(f: np.ufunc, whole: Any, a: Any, axis: Any, dtype: Any, out: Any) -> Any:
    """NumPy's cumsum and cumprod: without an axis, of the flattened array."""
    handle = given(a)

    def numpy(reason: str) -> Any:
        return call(whole, handle, axis, dtype, out)

    if out is not None or handle.ndim == 0:
        return numpy("arguments")
    if axis is None and handle.ndim > 1:
        handle, axis = viewed(handle, np.ravel, whole.__name__), 0
    return accumulate(f, handle, 0 if axis is None else axis, dtype, False, numpy)


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Running sums along ``axis`` (None: of the flattened array), dtype as of ``sum``."""
    return _flat_cumulative(np.add, np.cumsum, a, axis, dtype, out)


@implements(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """Running products along ``axis`` (None: of the flattened array), dtype as of ``prod``."""
    return _flat_cumulative(np.multiply, np.cumprod, a, axis, dtype, out)


@implements(*CUMULATIVE_SUM)
def cumulative_sum(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Any:
    """Running sums along ``axis``, which may be None for one axis only (else ValueError).

    With ``include_initial`` a 0 stands in front. Dtype as of ``sum``.
    """
    return _cumulative("cumulative_sum", x, np.add, axis, dtype, out, include_initial)


@implements(*CUMULATIVE_PROD)
def cumulative_prod(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Any:
    """Running products along ``axis``, which may be None for one axis only (else ValueError).

    With ``include_initial`` a 1 stands in front. Dtype as of ``prod``.
    """
    return _cumulative("cumulative_prod", x, np.multiply, axis, dtype, out, include_initial)
