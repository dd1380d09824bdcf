"""Counts, places in the order, and interpolation: what the functions of statistics are made of.

Every function raises ``Refused`` where NumPy should do the work.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from trueno.assembly import handle
from trueno.dispatch import NUMPYS_ERROR, Refused, astype, elementwise
from trueno.engine import BELOW
from trueno.handles import Handle, handle_on
from trueno.handover import host
from trueno.kinds import BOOL, COMPLEXES, FLOAT16, FLOAT32, FLOAT64, INT64, NUMBER, UINT64
from trueno.memory import NDArray
from trueno.ops import OPS, RANK_BITS
from trueno.reductions import reduce
from trueno.routines import compute, pays, refuse
from trueno.selection import masked
from trueno.writes import in_c_order

_EXACT = 1 << 53  # integers that float64 tells from each other
_MOST_BINS = 1 << 16  # for which each thread counts on its own
_SAMPLE = 64  # elements that tell of more bins, mostly, before all are looked at


def _all(op: str, x: Any) -> Any:
    """A reduction over all elements as a NumPy scalar."""
    return host(reduce(OPS[op], x))[()]


# ---------------------------------------------------------------- bins


def bincount(x: Any, minlength: Any) -> Any:
    """How often each integer occurs, as ``numpy.bincount`` has it."""
    x = handle(x)
    dtype = x.dtype
    if x.ndim != 1 or dtype not in NUMBER or dtype.kind not in "biu" or dtype == UINT64:
        raise Refused(NUMPYS_ERROR)
    if type(minlength) is not int or minlength < 0:
        raise Refused(NUMPYS_ERROR)
    if not pays("bincount", x.size):
        raise Refused(BELOW)
    if host(x)[:: -(-x.size // _SAMPLE)].max() >= _MOST_BINS:
        raise Refused("more bins than a thread counts on its own")
    if dtype.kind == "i" and _all("min", x) < 0:
        raise Refused(NUMPYS_ERROR)
    bins = max(int(_all("max", x)) + 1, minlength)
    if bins > _MOST_BINS:
        raise Refused("more bins than a thread counts on its own")
    return compute("bincount", [in_c_order(x)], {"bins": bins}, [((bins,), INT64)], refuse)


def _edge(value: Any) -> Any:
    if isinstance(value, Handle) and not value.ndim:
        value = host(value)[()]
    if type(value) is bool or not isinstance(value, (int, float, np.integer, np.floating)):
        raise Refused("edges that are no numbers")
    return value


def histogram(x: Any, bins: Any, limits: Any) -> tuple[Any, NDArray]:
    """Counts of values between edges, and the edges, as ``numpy.histogram`` has them."""
    x = handle(x)
    dtype = x.dtype
    if dtype not in NUMBER or dtype.kind not in "iuf" or dtype == FLOAT16:
        raise Refused(f"{dtype} is computed by NumPy")
    if not pays("histogram", x.size):
        raise Refused(BELOW)
    x = in_c_order(x)
    if isinstance(bins, (int, np.integer)) and not isinstance(bins, bool):
        return _histogram_of_equal_bins(x, int(bins), limits)
    if isinstance(bins, str):
        raise Refused("bins chosen by NumPy")
    edges = np.asarray(host(bins))
    if edges.ndim != 1 or edges.size < 2 or edges.dtype.kind not in "iuf":
        raise Refused(NUMPYS_ERROR)
    if not np.all(edges[:-1] <= edges[1:]):
        raise Refused(NUMPYS_ERROR)
    return _histogram_between(x, edges), edges


def _limits(x: Any, limits: Any) -> tuple[Any, Any]:
    """The first and the last edge."""
    if limits is None:
        first, last = _all("min", x), _all("max", x)
    else:
        first, last = (_edge(value) for value in limits)
    if not (np.isfinite(first) and np.isfinite(last)) or first > last:
        raise Refused(NUMPYS_ERROR)
    return (first - 0.5, last + 0.5) if first == last else (first, last)


def _histogram_of_equal_bins(x: Any, bins: int, limits: Any) -> tuple[Any, NDArray]:
    first, last = _limits(x, limits)
    try:  # of the two outermost values NumPy makes the same edges as of all
        few = np.array([first, last]).astype(x.dtype) if limits is None else np.zeros(1, x.dtype)
        edges = np.histogram_bin_edges(few, bins, (first, last))
    except Exception as error:
        raise Refused(NUMPYS_ERROR) from error
    wide = edges.dtype == FLOAT64
    if x.dtype.kind in "iu" and max(abs(int(first)), abs(int(last))) + 1 >= _EXACT:
        raise Refused("integers that float64 rounds")
    if wide and x.dtype == FLOAT32:
        x = astype(x, FLOAT64)
    if edges.dtype != (FLOAT32 if x.dtype == FLOAT32 else FLOAT64):
        raise Refused(f"edges of {edges.dtype}")
    whole = isinstance(first, (int, np.integer)) and isinstance(last, (int, np.integer))
    with np.errstate(all="ignore"):
        width = float(int(last) - int(first)) if whole else float(last - first)
    if not math.isfinite(width):
        raise Refused("NumPy reports the conditions")
    params = {"first": float(first), "denominator": width}
    counts = compute("histogram", [x, handle(edges)], params, [((bins,), INT64)], refuse)
    return counts, edges


def _histogram_between(x: Any, edges: NDArray) -> Any:
    """Counts between edges that ascend: what lies behind the last one comes in the last bin."""
    common = np.result_type(x.dtype, edges.dtype)
    if common not in NUMBER or common == FLOAT16:
        raise Refused(f"{common} is computed by NumPy")
    values = x if x.dtype == common else astype(x, common)
    table = edges.astype(common)
    flat = handle_on(values._array.reshape(-1), values._buffer)
    operands = [handle(table), flat]
    at = compute("searchsorted", operands, {"side": "right"}, [(flat.shape, INT64)], refuse)
    bins = edges.size + 1
    found = compute("bincount", [at], {"bins": bins}, [((bins,), INT64)], refuse)
    counts = host(found)[1:-1].copy()
    last = elementwise(OPS["equal"], flat, table[-1])
    counts[-1] += int(reduce(OPS["sum"], last, None, INT64))
    return handle_on(counts, None)


# ---------------------------------------------------------------- places in the order


def order_statistics(x: Any, places: Sequence[int] | NDArray) -> NDArray:
    """The elements that sorting would bring to the given places of all of them."""
    dtype = x.dtype
    if dtype not in NUMBER or dtype in COMPLEXES or not dtype.isnative:
        raise Refused(f"{dtype} is computed by NumPy")
    if not pays("rank_counts", x.size) or not x.size:
        raise Refused(BELOW)
    x = in_c_order(x)
    ranks = 1 << RANK_BITS
    counted = compute("rank_counts", [x], {}, [((ranks,), INT64)], refuse)
    counts = host(counted)
    ends = np.cumsum(counts)
    found = np.searchsorted(ends, places, "right")
    wanted = np.zeros(ranks, BOOL)
    wanted[found] = 1
    mask = compute("rank_mask", [x, handle(wanted)], {}, [(x.shape, BOOL)], refuse)
    some = host(masked(x, mask))
    skipped = np.cumsum(np.where(wanted, 0, counts))
    at = np.asarray(places) - skipped[found]
    return np.partition(some, np.unique(at))[at]


def _flat(x: Any, axis: Any) -> Any:
    """``x`` if the statistic is one of all its elements."""
    x = handle(x)
    if not x.ndim or not (axis is None or (x.ndim == 1 and axis in (0, -1))):
        raise Refused("along an axis")
    return x


def _without_nans(x: Any) -> Any:
    if x.dtype.kind != "f":
        return x
    known = elementwise(OPS["logical_not"], elementwise(OPS["isnan"], x))
    count = int(reduce(OPS["sum"], known, None, INT64))
    if not count:
        raise Refused("NumPy warns of no elements")
    return x if count == x.size else masked(x, known)


def median(x: Any, axis: Any, keepdims: bool, skips_nans: bool = False) -> Any:
    """The mean of the two elements (or the one) in the middle of the order."""
    x = _flat(x, axis)
    ndim = x.ndim
    if x.dtype.kind == "b":
        raise Refused("bool is computed by NumPy")
    if not pays("rank_counts", x.size):
        raise Refused(BELOW)
    if skips_nans:
        x = _without_nans(x)
    n = x.size
    *middle, last = order_statistics(x, [(n - 1) // 2, n // 2, n - 1])
    result = np.mean(np.array(middle if n % 2 == 0 else middle[:1]))
    if x.dtype.kind == "f" and np.isnan(last):
        result = last
    return np.full((1,) * ndim, result) if keepdims else result


# Older ones compute in other dtypes.
_KNOWN_QUANTILES = np.lib.NumpyVersion(np.__version__) >= "2.4.0"


def quantile(x: Any, q: NDArray, weak: bool, axis: Any, skips_nans: bool = False) -> Any:
    """Between the elements next to ``q`` times the last place of the order, linearly.

    weak: whether the result has the dtype of ``x``, as it has for a Python number
    """
    x = _flat(x, axis)
    valid = q.ndim < 2 and q.dtype.kind == "f" and q.size and q.min() >= 0 and q.max() <= 1
    if not valid or x.dtype.kind not in "iuf" or not _KNOWN_QUANTILES:
        raise Refused(NUMPYS_ERROR)
    if not pays("rank_counts", x.size):
        raise Refused(BELOW)
    if skips_nans:
        x = _without_nans(x)
    n = x.size
    at = (n - 1) * q
    before = np.floor(at)
    part: Any = np.asanyarray(at - np.where(at >= n - 1, -1, before), dtype=at.dtype)
    before = np.where(at >= n - 1, n - 1, before).astype(np.int64)
    after = np.minimum(before + 1, n - 1)
    places = np.concatenate((before.ravel(), after.ravel(), [n - 1]))
    values = order_statistics(x, places)
    low = values[: q.size].reshape(q.shape)[()]
    high = values[q.size : -1].reshape(q.shape)[()]
    if weak:
        part = float(part)
    result = _between(low, high, part)
    if x.dtype.kind == "f" and np.isnan(values[-1]):
        return values[-1] if not result.ndim else np.full_like(result, values[-1])
    return result


def _between(low: Any, high: Any, part: Any) -> Any:
    """Linear interpolation, from the nearer end."""
    step = high - low
    result = np.asarray(low + step * part)
    np.subtract(
        high, step * (1 - part), out=result, where=np.asarray(part) >= 0.5,
        casting="unsafe", dtype=result.dtype,
    )  # fmt: skip
    return result[()]


# ---------------------------------------------------------------- interpolation


def interpolated(x: Any, xs: Any, ys: Any, left: Any, right: Any) -> Any:
    """What lies at ``x`` on the line through points, as ``numpy.interp`` has it."""
    x = handle(x)
    if not pays("interpolate", x.size) or not x.ndim:
        raise Refused(BELOW)
    points = [np.asarray(host(p)) for p in (xs, ys)]
    kinds = {x.dtype.kind, points[0].dtype.kind, points[1].dtype.kind}
    if not kinds <= set("biuf") or points[0].ndim != 1 or points[0].shape != points[1].shape:
        raise Refused(NUMPYS_ERROR)
    xs, ys = (p.astype(np.float64) for p in points)
    if xs.size < 2 or not np.all(xs[:-1] <= xs[1:]):
        raise Refused("points in no order")
    ends = [y if y is not None else z for y, z in ((left, ys[0]), (right, ys[-1]))]
    params = {"left": float(_edge(ends[0])), "right": float(_edge(ends[1]))}
    values = in_c_order(x if x.dtype == FLOAT64 else astype(x, FLOAT64))
    operands = [values, handle(xs), handle(ys)]
    if xs.size <= x.size:
        with np.errstate(all="ignore"):
            operands.append(handle(np.diff(ys) / np.diff(xs)))
    return compute("interpolate", operands, params, [(x.shape, FLOAT64)], refuse)
