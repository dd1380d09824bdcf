"""Statistical functions (the standard's chapter "Statistical Functions").

``axis`` is None (all), an int or a tuple of ints; AxisError (a ValueError) for one that the array
does not have. With ``keepdims`` reduced axes stay, with length 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno._array_api._support import (
    NO_VALUE,
    call,
    direct,
    given,
    implements,
    normal_axes,
    small,
)
from trueno.dispatch import call_numpy, elementwise, reduce
from trueno.dtypes import FLOAT64
from trueno.memory import NDArray
from trueno.ops import OPS

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


def reduced(
    name: str, a: Any, axis: Any, dtype: Any = None, *, keepdims: Any = False, **others: Any
) -> Any:
    """The table's reduction ``name``; ``others`` are NumPy's further arguments, given or not."""
    extra = {
        key: value
        for key, value in others.items()
        if value is not NO_VALUE and not (key == "out" and value is None)
    }
    keep = keepdims is not NO_VALUE and bool(keepdims)
    return reduce(OPS[name], given(a), axis, dtype, keep, **extra)


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
    """The sum. Small integers and bools add up in int64 or uint64, unless ``dtype`` says otherwise."""
    return reduced("sum", a, axis, dtype, keepdims=keepdims, out=out, initial=initial, where=where)


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
    """The product. Small integers and bools multiply in int64 or uint64, unless ``dtype`` is given."""
    return reduced("prod", a, axis, dtype, keepdims=keepdims, out=out, initial=initial, where=where)


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
    return reduced("max", a, axis, keepdims=keepdims, out=out, initial=initial, where=where)


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
    return reduced("min", a, axis, keepdims=keepdims, out=out, initial=initial, where=where)


def _count(x: Any, axis: Any) -> int:
    """Elements that a reduction over ``axis`` takes; 0 where we leave the call to NumPy.

    That is so for small arrays, for float16 and complex (NumPy computes in other dtypes), without
    elements, and for wrong axes.
    """
    if x.dtype.kind not in "biuf" or x.dtype.itemsize == 2 and x.dtype.kind == "f":
        return 0
    axes = normal_axes(axis, x.ndim)
    if not axes or small(x):
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
    keep = keepdims is not NO_VALUE and bool(keepdims)
    if dtype is None and out is None and where is NO_VALUE:
        count = _count(x, axis)
        if count:
            return _mean(x, axis, count, keep)
        if small(x):
            return direct(np.mean, x, axis, keepdims=keep)
    return call(np.mean, x, axis, dtype, out, keep, where=where)


def _mean(x: Any, axis: Any, count: int, keepdims: bool) -> Any:
    total = reduce(OPS["sum"], x, axis, FLOAT64 if x.dtype.kind in "biu" else None, keepdims)
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
    return _spread(np.var, a, axis, dtype, out, ddof, keepdims, where, mean, correction)


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
    return _spread(np.std, a, axis, dtype, out, ddof, keepdims, where, mean, correction)


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
    keep = keepdims is not NO_VALUE and bool(keepdims)
    if correction is not NO_VALUE:
        if ddof != 0:
            raise ValueError(
                f"trueno.{f.__name__}: ddof and correction can't be provided simultaneously."
            )
        ddof = correction
    if dtype is None and out is None and where is NO_VALUE and mean is NO_VALUE:
        count = _count(x, axis)
        if count > ddof:
            centre = _mean(x, axis, count, True)
            deviation = elementwise(OPS["subtract"], x, centre)
            squares = elementwise(OPS["square"], deviation)
            total = reduce(OPS["sum"], squares, axis, None, keep)
            result = elementwise(OPS["divide"], total, count - ddof)
            return result if f is np.var else elementwise(OPS["sqrt"], result)
        if small(x):
            return direct(f, x, axis, ddof=ddof, keepdims=keep)
    return call(f, x, axis, dtype, out, ddof, keep, where=where, mean=mean)


def _accumulated(
    x: Any, f: Any, initial: int, axis: int | None, dtype: Any, out: Any, include_initial: bool = False
) -> NDArray:
    """``f.accumulate``, with NumPy's accumulator dtypes, after ``initial`` if that is included."""
    x = np.atleast_1d(x)
    if axis is None:
        if x.ndim > 1:
            raise ValueError(
                "For arrays which have more than one dimension ``axis`` argument is required."
            )
        axis = 0
    cumulate = np.cumsum if f is np.add else np.cumprod
    if not include_initial:
        return cumulate(x, axis, dtype, out)
    shape = list(x.shape)
    result = cumulate(x, axis, dtype)
    shape[axis] = 1
    first = np.full(shape, initial, result.dtype)
    return np.concatenate([first, result], axis, out=out)


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
    kwargs = {"out": out, "include_initial": include_initial}
    return call_numpy(_accumulated, (x, np.add, 0, axis, dtype), kwargs, name="cumulative_sum")


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
    kwargs = {"out": out, "include_initial": include_initial}
    return call_numpy(_accumulated, (x, np.multiply, 1, axis, dtype), kwargs, name="cumulative_prod")
