"""NumPy functions beyond the standard that join, border and lengthen arrays."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from trueno import assembly
from trueno._array_api._support import call, created, given, implements, tried, viewed
from trueno._array_api.manipulation_functions import concat, moveaxis
from trueno._numpy.functions import ravel
from trueno.dispatch import NUMPYS_ERROR, Refused
from trueno.handles import Handle
from trueno.handover import host
from trueno.ops import ROUTINES
from trueno.routines import pays
from trueno.selection import masked

__all__ = [
    "append",
    "ascontiguousarray",
    "asfortranarray",
    "column_stack",
    "delete",
    "dstack",
    "hstack",
    "insert",
    "pad",
    "resize",
    "vstack",
]  # fmt: skip

_GAIN = 4 * ROUTINES["assemble"].gain  # arrays that are large enough together


def _joins(f: Any, view: Any, axis: Any) -> Any:
    """NumPy's function that joins ``view`` of each array along ``axis`` (called with the views)."""

    @implements(f, gain=_GAIN)
    def function(tup: Any, **kwargs: Any) -> Any:
        if (
            not isinstance(tup, (tuple, list))
            or not tup
            or not kwargs.keys() <= {"dtype", "casting"}
        ):
            return call(f, tup, **kwargs)
        views = [viewed(given(x), view, f.__name__) for x in tup]
        at = axis(views) if callable(axis) else axis
        return tried(lambda: assembly.joined(views, at, **kwargs), f, tup, **kwargs)

    function.__name__ = function.__qualname__ = f.__name__
    function.__doc__ = f"As :func:`numpy.{f.__name__}`: arrays joined, in new memory."
    return function


def _columns(a: Any) -> Any:
    return a if a.ndim > 1 else a.reshape(-1, 1)


vstack = _joins(np.vstack, np.atleast_2d, 0)
hstack = _joins(np.hstack, np.atleast_1d, lambda views: 0 if views[0].ndim == 1 else 1)
dstack = _joins(np.dstack, np.atleast_3d, 2)
column_stack = _joins(np.column_stack, _columns, 1)


@implements(np.append, gain=_GAIN)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """``values`` behind ``arr`` along ``axis`` (None: both flattened), in new memory."""
    first, second = given(arr), given(values)
    if axis is None:
        return concat((ravel(first), ravel(second)))
    return concat((first, second), axis)


@implements(np.resize, gain=_GAIN)
def resize(a: Any, new_shape: Any) -> Any:
    """The elements again and again, in C order, as many as ``new_shape`` takes."""

    def ours() -> Any:
        try:
            lengths = new_shape if isinstance(new_shape, (tuple, list)) else (new_shape,)
            shape = tuple([operator.index(n) for n in lengths])
        except TypeError:
            raise Refused("a shape of other types") from None
        if not all(n > 0 for n in shape):
            raise Refused(NUMPYS_ERROR)
        flat = assembly.flattened(assembly.handle(a))
        size, total = flat.size, math.prod(shape)
        if not size or total // size > 64:
            raise Refused("too many parts")
        starts = range(0, total, size)
        runs = [assembly.Run(at, min(at + size, total), slice(0, min(size, total - at)))
                for at in starts]  # fmt: skip
        return assembly.gathered(flat, [runs], (total,)).reshape(shape)

    return tried(ours, np.resize, a, new_shape)


def _pairs(value: Any, ndim: int) -> Any:
    try:
        return np.broadcast_to(np.asarray(value), (ndim, 2)).tolist()
    except (TypeError, ValueError) as error:
        raise Refused(NUMPYS_ERROR) from error


@implements(np.pad, gain=_GAIN)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """Borders around an array, in new memory.

    pad_width: how wide, for all, for (before, after), or for each axis
    mode:      what they hold: "constant", "edge", "wrap", "reflect", "symmetric" (with threads),
               and NumPy's others
    """

    def ours() -> Any:
        x = assembly.handle(array)
        width = _pairs(pad_width, x.ndim)
        if not x.ndim or not all(type(n) is int for pair in width for n in pair):
            raise Refused(NUMPYS_ERROR)
        if x._array.flags.fnc:
            raise Refused("the result is in Fortran's order")
        if mode == "constant" and kwargs.keys() <= {"constant_values"}:
            values = _pairs(kwargs.get("constant_values", 0), x.ndim)
            return assembly.bordered(x, width, values)
        even = mode in ("reflect", "symmetric") and kwargs == {"reflect_type": "even"}
        if (kwargs and not even) or mode not in ("edge", "wrap", "reflect", "symmetric"):
            raise Refused("a mode that NumPy computes")
        return assembly.padded(x, width, mode)

    return tried(ours, np.pad, array, pad_width, mode, **kwargs)


def _runs_without(length: int, begin: int, end: int) -> list[assembly.Run]:
    runs = [assembly.Run(0, begin, slice(0, begin)),
            assembly.Run(begin, length - (end - begin), slice(end, length))]  # fmt: skip
    return [run for run in runs if run.start < run.stop]


def _normal(axis: Any, ndim: int) -> int:
    if type(axis) is not int or not -ndim <= axis < ndim:
        raise Refused(NUMPYS_ERROR)
    return axis % ndim


def _along(x: Any, axis: int, runs: list[assembly.Run]) -> Any:
    """``x`` with other places along one axis."""
    every = [[assembly.Run(0, n, slice(0, n))] for n in x.shape]
    every[axis] = runs
    shape = tuple([axis_runs[-1].stop for axis_runs in every if axis_runs])
    if len(shape) < x.ndim or x._array.flags.fnc:
        raise Refused(NUMPYS_ERROR)
    return assembly.gathered(x, every, shape)


def _without(x: Any, axis: int, places: Any) -> Any:
    if axis or places.dtype.kind not in "biu" or not pays("compress", x.size):
        raise Refused("indices along an inner axis")
    try:
        keep = np.ones(x.shape[0], bool)
        keep[places,] = False
    except IndexError as error:
        raise Refused(NUMPYS_ERROR) from error
    return masked(x, keep)


@implements(np.delete, gain=_GAIN)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """The array without some places along ``axis`` (None: flattened): an int, a slice, indices."""

    def ours() -> Any:
        x = assembly.handle(arr)
        x = assembly.flattened(x) if axis is None else x
        at = 0 if axis is None else _normal(axis, x.ndim)
        length = x.shape[at]
        if type(obj) is slice:
            begin, end, step = obj.indices(length)
            if step != 1 or begin >= end:
                raise Refused("a slice with steps")
        elif type(obj) is int and -length <= obj < length:
            begin = obj % length
            end = begin + 1
        elif np.ndim(obj) == 0:
            raise Refused(NUMPYS_ERROR)
        else:
            return _without(x, at, np.asarray(host(obj)))
        return _along(x, at, _runs_without(length, begin, end))

    return tried(ours, np.delete, arr, obj, axis)


@implements(np.insert, gain=_GAIN)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """The array with ``values`` in front of place ``obj`` along ``axis`` (None: flattened)."""

    def ours() -> Any:
        x = assembly.handle(arr)
        x = assembly.flattened(x) if axis is None else x
        at = 0 if axis is None else _normal(axis, x.ndim)
        length = x.shape[at]
        if type(obj) is not int or not -length <= obj <= length or x._array.flags.fnc:
            raise Refused(NUMPYS_ERROR)
        place = obj + length if obj < 0 else obj
        new = np.moveaxis(np.array(host(values), dtype=x.dtype, ndmin=x.ndim), 0, at)
        if new.ndim != x.ndim or not all(
            n in (1, m) for i, (n, m) in enumerate(zip(new.shape, x.shape, strict=True)) if i != at
        ):
            raise Refused(NUMPYS_ERROR)
        count = new.shape[at]
        shape = (*x.shape[:at], length + count, *x.shape[at + 1 :])
        lead = (slice(None),) * at
        parts = [
            ((*lead, slice(0, place)), moveaxis(moveaxis(x, at, 0)[:place], 0, at)),
            ((*lead, slice(place, place + count)), assembly.handle(new)),
            ((*lead, slice(place + count, None)), moveaxis(moveaxis(x, at, 0)[place:], 0, at)),
        ]
        return assembly.assembled(shape, x.dtype, [part for part in parts if part[1].size])

    return tried(ours, np.insert, arr, obj, values, axis)


@implements(np.ascontiguousarray)
def ascontiguousarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """The array in C order, of at least one axis: itself if it is so already."""
    return _in_order(a, dtype, "C", np.ascontiguousarray, like)


@implements(np.asfortranarray)
def asfortranarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """The array in Fortran's order: itself if it is so already."""
    return _in_order(a, dtype, "F", np.asfortranarray, like)


def _in_order(a: Any, dtype: Any, order: str, f: Any, like: Any) -> Any:
    if like is not None and not isinstance(like, (Handle, np.ndarray)):
        return created(f.__name__, None, f, a, dtype, like=like)
    same = isinstance(a, Handle) and dtype in (None, a.dtype) and a.ndim
    if not same:
        return call(f, a, dtype)
    flags = a._array.flags
    return a if (flags.c_contiguous if order == "C" else flags.f_contiguous) else a.copy(order)
