"""Scans: cumulative sums, products, maxima and minima along an axis."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trueno import stats
from trueno.conditions import AT_ONCE, errstate_of, note
from trueno.config import SETTINGS
from trueno.dispatch import astype, elementwise
from trueno.engine import BELOW
from trueno.handles import Handle, handle_on
from trueno.handover import host
from trueno.kinds import FLOAT16, NUMBER, Dtype
from trueno.memory import NDArray
from trueno.ops import INVALID, OPS, OVERFLOW
from trueno.reductions import normal_axes, reduce, sum_dtype
from trueno.routines import compute

# The ufuncs that have a scan, by what the routine calls them.
NAMES: dict[np.ufunc, str] = {
    np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min",
}  # fmt: skip
# NumPy's functions for some of them; the last two are younger than NumPy 2.0.
CUMULATIVE_SUM = tuple([f for f in (getattr(np, "cumulative_sum", None),) if f])
CUMULATIVE_PROD = tuple([f for f in (getattr(np, "cumulative_prod", None),) if f])
FUNCTIONS = (np.cumsum, np.cumprod, *CUMULATIVE_SUM, *CUMULATIVE_PROD)


def accumulate(
    f: np.ufunc,
    x: Handle,
    axis: Any,
    dtype: Any,
    initial: bool,
    otherwise: Callable[[str], Any],
) -> Any:
    """``f.accumulate`` along one axis: a handle; or ``otherwise(reason)`` where NumPy does it.

    initial: whether the identity of ``f`` stands in front
    """
    array, name = x._array, NAMES[f]
    axes = None if isinstance(axis, tuple) or axis is None else normal_axes(axis, array.ndim)
    result = _dtype(name, array.dtype, dtype)
    if axes is None or array.dtype not in NUMBER or result not in NUMBER:
        return otherwise("NumPy decides the error")
    if not array.flags.c_contiguous or array.dtype == FLOAT16 or result.kind in "c":
        return otherwise("a layout or dtype without a scan")
    if not np.can_cast(array.dtype, result, "same_kind"):
        return otherwise("NumPy decides whether the dtypes fit")
    if SETTINGS.get().backend == "numpy":
        return otherwise(BELOW)  # the routine's meaning has more digits than NumPy's
    if name == "prod" and np.geterr()["under"] != "ignore":
        return otherwise("NumPy reports the conditions")
    source = x if result in (array.dtype, sum_dtype(array.dtype)) else astype(x, result)
    shape = list(array.shape)
    shape[axes[0]] += initial
    params = {"name": name, "axis": axes[0], "dtype": result, "initial": initial}
    raises = result.kind == "f" and name in ("sum", "prod")
    told = errstate_of("accumulate", OVERFLOW | INVALID) if raises else 0
    ours, noted = True, False

    def numpy(reason: str) -> Any:
        nonlocal ours
        ours = False
        return otherwise(reason)

    def report(masks: Sequence[int]) -> None:
        nonlocal noted
        noted = True
        if told and told & masks[0]:
            note("accumulate", told & masks[0])

    wanted = [(tuple(shape), result)]
    scanned = compute("accumulate", [source], params, wanted, numpy, report)
    if not ours or not raises:
        return scanned
    on_gpu = scanned._buffer is not None and not scanned._buffer.host_valid
    if told is not None and (on_gpu or noted):  # a GPU tells, when it has done it
        if told & AT_ONCE:
            host(scanned)
        return scanned
    if _ends_finite(scanned, axes[0]) or _warn(host(x), host(scanned), axes[0]):
        return scanned
    return otherwise("floating-point conditions raise, call or print")


def _ends_finite(scanned: Handle, axis: int) -> bool:
    """Whether every line ends in a finite number: what becomes infinite or NaN stays so."""
    array = scanned._array
    key = (*[slice(None)] * axis, slice(-1, None))
    if not array.size:
        return True
    if scanned._buffer is None or scanned._buffer.plain:
        return bool(np.isfinite(array[key]).all())
    ends = handle_on(array[key], scanned._buffer)  # where the data are
    return bool(host(reduce(OPS["all"], elementwise(OPS["isfinite"], ends))))


def _warn(x: NDArray, scanned: NDArray, axis: int) -> bool:
    """Warns as NumPy does of what overflowed or became invalid; False where it must raise."""
    modes = np.geterr()
    for mode, words, where in (
        (modes["over"], "overflow", np.isinf), (modes["invalid"], "invalid value", np.isnan),
    ):  # fmt: skip
        if mode == "ignore" or not _arises(x, scanned, axis, where):
            continue
        if mode != "warn":
            return False
        message = f"{words} encountered in accumulate"
        warnings.warn(message, RuntimeWarning, stacklevel=stats.user_depth())
    return True


def _arises(x: NDArray, scanned: NDArray, axis: int, where: Callable[[Any], NDArray]) -> bool:
    """Whether a line has its first NaN (or infinity) where its element is none."""
    found = where(scanned)
    first = np.expand_dims(found.argmax(axis), axis)
    before = scanned.shape[axis] - x.shape[axis]  # an initial value is finite
    element = np.take_along_axis(x, np.maximum(first - before, 0), axis)
    made = ~np.isnan(element) if where is np.isnan else np.isfinite(element)
    earlier = np.take_along_axis(scanned, np.maximum(first - 1, 0), axis)
    made &= ~np.isnan(earlier) | (first == 0)
    return bool((np.take_along_axis(found, first, axis) & made).any())


def _dtype(name: str, dtype: Dtype, wish: Any) -> Dtype:
    if wish is not None:
        return np.dtype(wish)
    return sum_dtype(dtype) if name in ("sum", "prod") else dtype
