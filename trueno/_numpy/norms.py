"""Norms of vectors and ranges of values: reductions of compositions, which are never stored."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trueno._array_api._support import NO_VALUE, call, given, implements, normal_axes
from trueno._array_api.statistical_functions import kept, mean
from trueno.dispatch import elementwise
from trueno.kinds import FLOAT32, FLOAT64, NUMBER
from trueno.ops import OPS
from trueno.reductions import pays, reduce

__all__ = ["average", "ptp"]


def _pays(x: Any) -> bool:
    return bool(x.size and (x._node is not None or pays(OPS["sum"], x._layout)))


def _norm(x: Any, axis: tuple[int, ...], keepdims: bool, order: Any) -> Any:
    """The norm of vectors along axes; None where NumPy computes it."""
    if x.dtype not in (FLOAT32, FLOAT64) or not _pays(x):
        return None
    if order == 2:
        return elementwise(
            OPS["sqrt"], reduce(OPS["sum"], elementwise(OPS["square"], x), axis, None, keepdims)
        )
    name = {1: "sum", math.inf: "max", -math.inf: "min"}.get(order)
    if name is None:
        return None
    return reduce(OPS[name], elementwise(OPS["abs"], x), axis, None, keepdims)


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    """The norm of vectors (``axis`` an int) or matrices (a pair); None: of the whole array.

    Matrices: "fro" (also for None), and NumPy's others; vectors: 2 (None), 1, inf, -inf, others.
    """
    handle = given(x)
    axes = None if axis is None else normal_axes(axis, handle.ndim)
    if axes is not None:
        order = 2 if ord is None or (len(axes) == 2 and ord in ("fro", "f")) else ord
        vectors = len(axes) == 1 or (len(axes) == 2 and ord in (None, "fro", "f"))
        known = isinstance(order, (int, float)) and not isinstance(order, bool)
        found = _norm(handle, axes, kept(keepdims), order) if vectors and known else None
        if found is not None:
            return found
    return call(np.linalg.norm, x, ord, axis, keepdims)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
    """The ``ord``-norm of vectors along ``axis`` (an int, a tuple, None: of all elements)."""
    handle = given(x)
    axes = normal_axes(axis, handle.ndim)
    if axes and isinstance(ord, (int, float)) and not isinstance(ord, bool):
        found = _norm(handle, axes, kept(keepdims), ord)
        if found is not None:
            return found
    return call(np.linalg.vector_norm, x, axis=axis, keepdims=keepdims, ord=ord)


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO_VALUE) -> Any:
    """The largest element less the smallest, along ``axis`` (None: all)."""
    x = given(a)
    if out is not None or x.dtype not in NUMBER or x.dtype.kind not in "iuf" or not _pays(x):
        return call(np.ptp, x, axis, out, keepdims=keepdims)
    most, least = [reduce(OPS[name], x, axis, None, kept(keepdims)) for name in ("max", "min")]
    return elementwise(OPS["subtract"], most, least)


@implements(np.average)
def average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = NO_VALUE,
) -> Any:
    """The mean, weighted where ``weights`` are given; with ``returned`` also their sum."""
    if weights is None and not returned:
        return mean(a, axis, keepdims=keepdims)
    return call(np.average, a, axis, weights, returned, keepdims=keepdims)
