"""Utility functions (the standard's chapter "Utility Functions")."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno._array_api._support import NO_VALUE, call, given, implements, normal_axes
from trueno._array_api.statistical_functions import reduced
from trueno.dispatch import elementwise
from trueno.indexing import getitem
from trueno.ops import OPS

__all__ = ["all", "any", "diff"]


@implements(np.all)
def all(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = NO_VALUE
) -> Any:
    """Whether all elements are true (not zero; NaN is true): bool. True for no elements."""
    return reduced("all", a, axis, None, keepdims, out, where=where)


@implements(np.any)
def any(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = NO_VALUE
) -> Any:
    """Whether any element is true (not zero; NaN is true): bool. False for no elements."""
    return reduced("any", a, axis, None, keepdims, out, where=where)


@implements(np.diff)
def diff(
    a: Any,
    n: int = 1,
    axis: int = -1,
    prepend: Any = NO_VALUE,
    append: Any = NO_VALUE,
) -> Any:
    """``n`` times the differences of neighbours along ``axis``, after joining prepend and append.

    Bools are compared instead of subtracted. ValueError for a negative ``n`` or no axes.
    """
    x = given(a)
    prepend = NO_VALUE if prepend is None else prepend
    append = NO_VALUE if append is None else append
    axes = normal_axes(axis, x.ndim)
    joined = prepend is not NO_VALUE or append is not NO_VALUE
    if n <= 0 or axes is None or len(axes) != 1 or joined:
        return call(np.diff, x, n, axis, prepend=prepend, append=append)
    op = OPS["not_equal" if x.dtype.kind == "b" else "subtract"]
    before = (slice(None),) * axes[0]
    later, earlier = (*before, slice(1, None)), (*before, slice(None, -1))
    for _ in range(n):
        x = elementwise(op, getitem(x, later), getitem(x, earlier))
    return x
