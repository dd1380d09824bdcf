"""Fresh arrays that are put together of rectangular parts: joined, tiled, padded, rolled.

Every function raises ``Refused`` where NumPy should do the work.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from trueno.dispatch import NUMPYS_ERROR, Refused, astype
from trueno.engine import BELOW
from trueno.graph import Shape
from trueno.handles import Handle, foreign_buffer, handle_on
from trueno.indexing import view_of
from trueno.kinds import NUMBER, Dtype
from trueno.routines import compute, pays, refuse

_MOST_PARTS = 256

Key = tuple[slice, ...]


class Run(NamedTuple):
    """Consecutive places along an axis of the result, and the places they come from.

    A source of one place is repeated.
    """

    start: int
    stop: int
    source: slice


def handle(x: Any) -> Any:
    """An array as a handle; Refused for other objects."""
    if isinstance(x, Handle):
        return x
    if type(x) is np.ndarray:
        return handle_on(x, foreign_buffer(x))
    raise Refused("operands that are no arrays")


def _in_dtype(x: Any, dtype: Dtype) -> Any:
    if x.dtype == dtype:
        return x
    if x.dtype not in NUMBER or dtype not in NUMBER:
        raise Refused("NumPy converts these dtypes")
    return astype(x, dtype)


def assembled(shape: Shape, dtype: Dtype, parts: Sequence[tuple[Key, Any]]) -> Any:
    """An array of ``shape``, in C order, of which each key's part is (broadcast) an array."""
    if not pays("assemble", math.prod(shape)):
        raise Refused(BELOW)
    if dtype.hasobject or len(parts) > _MOST_PARTS:
        raise Refused("objects, or too many parts")
    filled = [(key, _in_dtype(x, dtype)) for key, x in parts if x.size and _holds(key)]
    if len(shape) > 32:
        raise Refused(NUMPYS_ERROR)
    params = {"shape": shape, "keys": tuple([key for key, _ in filled])}
    return compute("assemble", [x for _, x in filled], params, [(shape, dtype)], refuse)


def _holds(key: Key) -> bool:
    return all(part.start != part.stop or part.start is None for part in key)


def gathered(x: Any, runs: Sequence[Sequence[Run]], shape: Shape) -> Any:
    """An array whose places along each axis come from runs of places of ``x``."""
    if not x.size:
        raise Refused(BELOW)
    if math.prod([len(axis) for axis in runs]) > _MOST_PARTS:
        raise Refused("too many parts")
    parts = []
    for some in itertools.product(*runs):
        source = tuple([run.source for run in some])
        key = tuple([slice(run.start, run.stop) for run in some])
        parts.append((key, view_of(x, operator.itemgetter(source), "view")))
    return assembled(shape, x.dtype, parts)


# ---------------------------------------------------------------- joining


def _in_c_like_order(arrays: Sequence[Any]) -> bool:
    """Whether NumPy orders the axes of a result of these arrays as C does: no axis has a larger
    step than one before it. (A step of 0 says nothing.)"""
    for x in arrays:
        steps = [abs(s) for s in x.strides if s]
        if any(a < b for a, b in itertools.pairwise(steps)):
            return False
    return True


def _in_fortrans_order(arrays: Sequence[Any]) -> bool:
    for x in arrays:
        steps = [abs(s) for s in x.strides]
        if not all(steps) or not all(a < b for a, b in itertools.pairwise(steps)):
            return False
    return True


def joined(arrays: Sequence[Any], axis: Any, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """The arrays one behind the other along ``axis``, as ``numpy.concatenate`` has it."""
    handles = [handle(x) for x in arrays]
    if not handles:
        raise Refused(NUMPYS_ERROR)
    if axis is None:
        handles = [flattened(x) for x in handles]
        axis = 0
    first = handles[0].shape
    ndim = len(first)
    if type(axis) is not int or not -ndim <= axis < ndim:
        raise Refused(NUMPYS_ERROR)
    axis %= ndim
    others = first[:axis] + first[axis + 1 :]
    if any(x.ndim != ndim or x.shape[:axis] + x.shape[axis + 1 :] != others for x in handles):
        raise Refused(NUMPYS_ERROR)
    dtypes = [x.dtype for x in handles]
    result = np.result_type(*dtypes) if dtype is None else np.dtype(dtype)
    if not all(np.can_cast(kind, result, casting) for kind in dtypes):
        raise Refused(NUMPYS_ERROR)
    turned = not _in_c_like_order(handles)
    if turned:
        if not _in_fortrans_order(handles):
            raise Refused("axes in an order of their own")
        handles = [view_of(x, np.transpose, "transpose") for x in handles]
        axis = ndim - 1 - axis
    at, parts = 0, []
    for x in handles:
        end = at + x.shape[axis]
        parts.append((_along(axis, slice(at, end)), x))
        at = end
    shape = handles[0].shape
    whole = assembled((*shape[:axis], at, *shape[axis + 1 :]), result, parts)
    return view_of(whole, np.transpose, "transpose") if turned else whole


def _along(axis: int, part: slice) -> Key:
    return (*[slice(None)] * axis, part)


def flattened(x: Any) -> Any:
    """A view of the elements along one axis; Refused where that is a copy."""
    if not x._layout.ndim:
        raise Refused(NUMPYS_ERROR)
    if not x._array.flags.c_contiguous:
        raise Refused("flattened by NumPy")
    return view_of(x, lambda a: a.reshape(-1), "reshape")


def stacked(arrays: Sequence[Any], axis: Any, dtype: Any, casting: Any) -> Any:
    """The arrays along a new axis, as ``numpy.stack`` has it."""
    handles = [handle(x) for x in arrays]
    if len({x.shape for x in handles}) != 1:
        raise Refused(NUMPYS_ERROR)
    ndim = handles[0].ndim + 1
    if type(axis) is not int or not -ndim <= axis < ndim:
        raise Refused(NUMPYS_ERROR)
    axis %= ndim
    key = (*[slice(None)] * axis, None)
    return joined([view_of(x, lambda a: a[key], "view") for x in handles], axis, dtype, casting)


# ---------------------------------------------------------------- one array again and again


def tiled(x: Any, reps: Any) -> Any:
    """``x`` so many times along each axis, as ``numpy.tile`` has it."""
    counts = (reps,) if type(reps) is int else tuple(reps)
    if not all(type(n) is int and n > 0 for n in counts):
        raise Refused(NUMPYS_ERROR)
    x = handle(x)
    ndim = max(len(counts), x.ndim)
    if 2 * ndim > 32 or not x.ndim:
        raise Refused(NUMPYS_ERROR)
    counts = (1,) * (ndim - len(counts)) + counts
    lengths = (1,) * (ndim - x.ndim) + x.shape
    if all(n == 1 for n in counts):
        raise Refused("a copy by NumPy")
    apart = tuple([n for pair in zip(counts, lengths, strict=True) for n in pair])
    spread = tuple([n for length in lengths for n in (1, length)])
    if not x._array.flags.c_contiguous:
        raise Refused("the result is not in C order")
    source = view_of(x, lambda a: a.reshape(spread), "reshape")
    whole = assembled(apart, x.dtype, [((), source)])
    shape = tuple([n * m for n, m in zip(counts, lengths, strict=True)])
    return view_of(whole, lambda a: a.reshape(shape), "reshape")


def repeated(x: Any, repeats: Any, axis: Any) -> Any:
    """Each element, or slice along ``axis``, a number of times, as ``numpy.repeat`` has it."""
    x = handle(x)
    if axis is None:
        x, axis = flattened(x), 0
    if type(axis) is not int or not -x.ndim <= axis < x.ndim:
        raise Refused(NUMPYS_ERROR)
    axis %= x.ndim
    if type(repeats) is int:
        if repeats < 1:
            raise Refused(NUMPYS_ERROR)
        lengths = x.shape
        apart = (*lengths[: axis + 1], repeats, *lengths[axis + 1 :])
        key = (*[slice(None)] * (axis + 1), None)
        source = view_of(x, lambda a: a[key], "view")
        whole = assembled(apart, x.dtype, [((), source)])
        shape = (*lengths[:axis], lengths[axis] * repeats, *lengths[axis + 1 :])
        return view_of(whole, lambda a: a.reshape(shape), "reshape")
    return _repeated_by_counts(x, repeats, axis)


def _repeated_by_counts(x: Any, repeats: Any, axis: int) -> Any:
    counts = handle(repeats)
    if x.ndim != 1 or counts.shape != x.shape or counts.dtype.kind not in "iu" or axis:
        raise Refused("repeated by NumPy")
    if counts.dtype.itemsize == 8 and counts.dtype.kind == "u":
        raise Refused(NUMPYS_ERROR)
    if not pays("repeat", x.size) or x.dtype.hasobject:
        raise Refused(BELOW)
    if not x._array.flags.c_contiguous or int(np.min(counts)) < 0:
        raise Refused(NUMPYS_ERROR)
    ends = np.cumsum(counts, dtype=np.int64)
    return compute("repeat", [x, handle(ends)], {}, [((int(ends[-1]),), x.dtype)], refuse)


# ---------------------------------------------------------------- moved round, and bordered


def rolled(x: Any, shift: Any, axis: Any) -> Any:
    """The elements moved round, as ``numpy.roll`` has it."""
    x = handle(x)
    if axis is None:
        flat = rolled(flattened(x), shift, 0)
        return view_of(flat, lambda a: a.reshape(x.shape), "reshape")
    if not x._array.flags.c_contiguous:
        raise Refused("the result is not in C order")
    axes, shifts = (v if type(v) is tuple else (v,) for v in (axis, shift))
    if not all(type(n) is int for n in (*axes, *shifts)) or len(axes) != len(shifts):
        raise Refused(NUMPYS_ERROR)
    if not all(-x.ndim <= a < x.ndim for a in axes):
        raise Refused(NUMPYS_ERROR)
    total = dict.fromkeys(range(x.ndim), 0)
    for a, n in zip(axes, shifts, strict=True):
        total[a % x.ndim] += n
    runs = []
    for a, length in enumerate(x.shape):
        n = total[a] % length if length else 0
        whole = [Run(n, length, slice(0, length - n))]
        runs.append([Run(0, n, slice(length - n, length)), *whole] if n else whole)
    return gathered(x, runs, x.shape)


def _period(mode: str, n: int) -> list[tuple[int, int, int]]:
    """A period of the places that a border is made of: (first, how many, step) of runs of them."""
    if mode == "wrap":
        return [(0, n, 1)]
    if mode == "symmetric":
        return [(0, n, 1), (n - 1, n, -1)]
    return [(0, n - 1, 1), (n - 1, n - 1, -1)] if n > 1 else [(0, 1, 1)]  # reflect


def _slice(first: int, count: int, step: int) -> slice:
    end = first + count * step
    return slice(first, None if end < 0 else end, step)


def _border_runs(mode: str, n: int, before: int, after: int) -> list[Run]:
    """The runs of one axis of length n with borders."""
    total = before + n + after
    if mode == "edge":
        runs = [
            Run(0, before, slice(0, 1)),
            Run(before, before + n, slice(0, n)),
            Run(before + n, total, slice(n - 1, n)),
        ]
        return [run for run in runs if run.start < run.stop]
    period = _period(mode, n)
    length = sum(count for _, count, _ in period)
    if total // length * len(period) > _MOST_PARTS:
        raise Refused("too many parts")
    found = []
    at = before - -(-before // length) * length  # where the period begins that covers place 0
    while at < total:
        for first, count, step in period:
            skipped = max(0, -at)
            taken = min(count, total - at) - skipped
            if taken > 0:
                source = _slice(first + skipped * step, taken, step)
                found.append(Run(at + skipped, at + skipped + taken, source))
            at += count
    return found


def padded(x: Any, width: Any, mode: str) -> Any:
    """Borders of what the array holds: "edge", "wrap", "reflect", "symmetric" of ``numpy.pad``.

    width: (before, after) of each axis
    """
    x = handle(x)
    if not all(x.shape) or any(n < 0 for pair in width for n in pair):
        raise Refused(NUMPYS_ERROR)
    runs = [_border_runs(mode, n, *pair) for n, pair in zip(x.shape, width, strict=True)]
    return gathered(x, runs, tuple([axis[-1].stop for axis in runs]))


def bordered(x: Any, width: Any, values: Any) -> Any:
    """Borders of constants, of each axis (before, after); a later axis's lie around the others'."""
    x = handle(x)
    if not x.size or any(n < 0 for pair in width for n in pair):
        raise Refused(NUMPYS_ERROR)
    shape = tuple([a + n + b for n, (a, b) in zip(x.shape, width, strict=True)])
    inside = tuple([slice(a, a + n) for n, (a, _) in zip(x.shape, width, strict=True)])
    parts = [(inside, x)]
    for axis, (before, after) in enumerate(width):
        ends = (slice(0, before), slice(shape[axis] - after, shape[axis]))
        for part, value in zip(ends, values[axis], strict=True):
            cell = np.empty((), x.dtype)
            cell[...] = value
            key = (*[slice(None)] * axis, part, *inside[axis + 1 :])
            parts.append((key, handle(cell)))
    return assembled(shape, x.dtype, parts)
