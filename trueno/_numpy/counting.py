"""NumPy functions beyond the standard that count, rank and interpolate."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno import counting
from trueno._array_api._support import NO_VALUE, given, implements, tried
from trueno._array_api.searching_functions import searchsorted
from trueno.dispatch import Refused
from trueno.handles import scalar, wrap
from trueno.handover import host
from trueno.ops import ROUTINES

__all__ = [
    "bincount", "digitize", "histogram", "interp", "median", "nanmedian", "nanpercentile",
    "nanquantile", "percentile", "quantile",
]  # fmt: skip


@implements(np.bincount, gain=ROUTINES["bincount"].gain)
def bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Any:
    """How often each integer from 0 on occurs in ``x`` (one axis), or its ``weights``' sums."""

    def ours() -> Any:
        if weights is not None:
            raise Refused("weights")
        return counting.bincount(x, minlength)

    return tried(ours, np.bincount, x, weights, minlength)


@implements(np.histogram, gain=ROUTINES["histogram"].gain)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """How many elements lie between edges: the counts (int64), and the edges.

    bins: how many, of one width, or the edges, ascending; range: the first and last edge
    """

    def ours() -> Any:
        if weights is not None:
            raise Refused("weights")
        counts, edges = counting.histogram(a, bins, range)
        if density:
            n = host(counts)
            counts = wrap(n / np.array(np.diff(edges), float) / n.sum())
        return counts, given(edges if np.ndim(bins) == 0 else bins)

    return tried(ours, np.histogram, a, bins, range, density, weights)


@implements(np.digitize, gain=ROUTINES["searchsorted"].gain)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """Between which of the ``bins``, ascending or descending edges, each element lies."""

    def ours() -> Any:
        edges = np.asarray(host(bins))
        if edges.ndim != 1 or edges.dtype.kind not in "iuf" or given(x).dtype.kind not in "biuf":
            raise Refused("NumPy decides the error")
        if np.all(edges[:-1] <= edges[1:]):
            return searchsorted(edges, x, "left" if right else "right")
        if not np.all(edges[:-1] >= edges[1:]):
            raise Refused("NumPy decides the error")
        places = searchsorted(edges[::-1].copy(), x, "left" if right else "right")
        return len(edges) - places

    return tried(ours, np.digitize, x, bins, right)


@implements(np.interp, gain=ROUTINES["interpolate"].gain)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Linear interpolation at ``x`` between points (xp, fp), xp ascending: float64."""

    def ours() -> Any:
        if period is not None:
            raise Refused("a period")
        return counting.interpolated(x, xp, fp, left, right)

    return tried(ours, np.interp, x, xp, fp, left, right, period)


def _medians(f: Any, skips_nans: bool) -> Any:
    @implements(f, gain=ROUTINES["rank_counts"].gain)
    def function(
        a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
        keepdims: Any = NO_VALUE,
    ) -> Any:  # fmt: skip
        def ours() -> Any:
            if out is not None:
                raise Refused("arguments")
            keeps = keepdims is not NO_VALUE and bool(keepdims)
            result = counting.median(a, axis, keeps, skips_nans)
            return wrap(result) if keeps else scalar(result)

        return tried(ours, f, a, axis, out, overwrite_input, keepdims=keepdims)

    function.__name__ = function.__qualname__ = f.__name__
    function.__doc__ = f"As :func:`numpy.{f.__name__}`: of all elements in C, with threads."
    return function


def _quantiles(f: Any, parts: int, skips_nans: bool) -> Any:
    """NumPy's function of ``q`` in so many parts of the whole."""

    @implements(f, gain=ROUTINES["rank_counts"].gain)
    def function(a: Any, q: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
        def ours() -> Any:
            if args or kwargs:
                raise Refused("arguments")
            share = np.asarray(host(q))
            if parts > 1:
                share = np.asarray(np.true_divide(share, parts))
            weak = type(q) in (int, float)
            result = counting.quantile(a, share, weak, axis, skips_nans)
            return wrap(result) if isinstance(result, np.ndarray) else scalar(result)

        return tried(ours, f, a, q, axis, *args, **kwargs)

    function.__name__ = function.__qualname__ = f.__name__
    function.__doc__ = f"As :func:`numpy.{f.__name__}`: linear, of all elements in C, with threads."
    return function


median = _medians(np.median, False)
nanmedian = _medians(np.nanmedian, True)
percentile = _quantiles(np.percentile, 100, False)
quantile = _quantiles(np.quantile, 1, False)
nanpercentile = _quantiles(np.nanpercentile, 100, True)
nanquantile = _quantiles(np.nanquantile, 1, True)
