"""Means and variances in one pass over memory: the ``moments`` routine, then what is left.

NumPy subtracts the mean in the array's own dtype and reports what overflows or is invalid on the
way. Here all is float64; where the result says that NumPy might have had something to report, there
is none, and the caller takes NumPy's own steps.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from trueno.handles import Handle, handle_on
from trueno.indexing import view_of
from trueno.kinds import FLOAT16, FLOAT32, FLOAT64, NUMBER, Dtype
from trueno.memory import NDArray
from trueno.routines import compute


class _Cut(NamedTuple):
    """How an array's axes become the three of the routine.

    order:   the axes from the outermost in memory to the innermost
    runs:    lengths of the runs of neighbouring axes that are all reduced, or all kept, in turn
    reduced: which of the runs are reduced
    along:   the run that the routine goes along
    """

    order: tuple[int, ...]
    runs: tuple[int, ...]
    reduced: tuple[bool, ...]
    along: int


def _cut(array: NDArray, axes: tuple[int, ...]) -> _Cut | None:
    """None for an array whose elements do not fill their memory."""
    order = tuple(sorted(range(array.ndim), key=lambda axis: -array.strides[axis]))
    if not array.transpose(order).flags.c_contiguous:
        return None
    long = [axis for axis in order if array.shape[axis] > 1]
    runs = [
        (reduced, math.prod([array.shape[axis] for axis in run]))
        for reduced, run in itertools.groupby(long, key=lambda axis: axis in axes)
    ]
    innermost = [i for i, (reduced, _) in enumerate(runs) if reduced]
    if not innermost:
        return None
    return _Cut(order, tuple([n for _, n in runs]), tuple([r for r, _ in runs]), innermost[-1])


def _moments(x: Handle, cut: _Cut) -> tuple[NDArray, NDArray] | None:
    """Means and sums of squared deviations, with every run that is left as an axis."""
    runs, along = cut.runs, cut.along
    outer, length, inner = math.prod(runs[:along]), runs[along], math.prod(runs[along + 1 :])
    view = view_of(x, lambda a: a.transpose(cut.order).reshape(outer, length, inner), "var")
    wanted = ((outer, 1, inner), FLOAT64)
    results = compute("moments", [view], {}, [wanted, wanted], lambda _: None)
    if results is None:
        return None
    shape = (*runs[:along], 1, *runs[along + 1 :])
    mean, squares = [handle._array.reshape(shape) for handle in results]
    rest = tuple([i for i, reduced in enumerate(cut.reduced) if reduced and i != along])
    if rest:
        means = mean
        mean = means.mean(rest, keepdims=True)
        squares = squares.sum(rest, keepdims=True)
        squares += length * np.square(means - mean).sum(rest, keepdims=True)
    return mean, squares


def variance(
    x: Handle, axes: tuple[int, ...], dtype: Dtype | None, ddof: Any, keepdims: bool, root: bool
) -> Any:
    """The variance of a computed array (its square root, with ``root``), or None: then NumPy's way.

    axes: from 0 to ndim - 1; ddof: less than the number of elements along them
    """
    buffer = x._buffer if x._node is None else None
    if x._node is not None or not (buffer is None or buffer.plain):
        return None
    array = x._array
    kept_dtype = array.dtype if array.dtype.kind == "f" else FLOAT64
    result_dtype = kept_dtype if dtype is None else dtype
    if array.dtype not in NUMBER or array.dtype == FLOAT16 or array.dtype.kind == "c":
        return None
    if result_dtype not in (kept_dtype, FLOAT64) or np.geterr()["under"] != "ignore":
        return None
    cut = _cut(array, axes)
    if cut is not None and sum(cut.reduced) > 1 and array.dtype != FLOAT32:
        return None  # NumPy's arithmetic is not less precise than what joins the rest
    found = None if cut is None else _moments(x, cut)
    if cut is None or found is None:
        return None
    mean, squares = found
    count = math.prod([array.shape[axis] for axis in axes])
    most = float(np.finfo(result_dtype).max)
    with np.errstate(all="ignore"):
        # NaN is less than nothing
        if not (squares.max() <= most and np.abs(mean).max() * count <= most):
            return None
        squares /= count - ddof
        result = squares.astype(result_dtype, copy=False)
        if root:
            result = np.sqrt(result)
    kept = [1 if axis in axes else array.shape[axis] for axis in cut.order]
    result = result.reshape(kept).transpose(np.argsort(cut.order))
    if keepdims:
        return handle_on(result, None)
    final = tuple([n for axis, n in enumerate(array.shape) if axis not in axes])
    return handle_on(result.reshape(final), None, not final)
