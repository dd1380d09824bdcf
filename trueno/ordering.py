"""Sorting along an axis. Raises ``Refused`` where NumPy should do it."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno.config import SETTINGS
from trueno.dispatch import NUMPYS_ERROR, Refused
from trueno.engine import BELOW
from trueno.handles import buffer_of, handle_on
from trueno.kinds import COMPLEXES, INT64, NUMBER
from trueno.routines import compute, pays, refuse, update
from trueno.writes import in_c_order

# Names of algorithms that NumPy takes; it tells of others. All of them keep equal elements' order.
KINDS = (None, "quicksort", "stable", "mergesort", "heapsort")

# Elements of a row below which NumPy's sorting networks are faster than passes by digits.
_SHORTEST = 1024


def sort(x: Any, axis: int | None, descending: bool) -> Any:
    """The elements in order along ``axis`` (None: flattened); equal ones keep theirs. NaN last."""
    return _sorted("sort", x, axis, descending)


def argsort(x: Any, axis: int | None, descending: bool) -> Any:
    """The positions, int64, that sort along ``axis``."""
    return _sorted("argsort", x, axis, descending)


def sort_in_place(x: Any, axis: Any) -> None:
    """Brings the elements of each row in order; Refused where the rows are not the last axis."""
    array = x._array
    last = type(axis) is int and array.ndim and axis in (-1, array.ndim - 1)
    if not last or not array.flags.writeable or x._scalar:
        raise Refused(NUMPYS_ERROR)
    _check("sort_rows", x, array.shape[-1])
    if not array.flags.c_contiguous:
        raise Refused("rows that are not in C order")
    update("sort_rows", x, array, [], {}, refuse)


def _check(routine: str, x: Any, n: int) -> None:
    """Refused where rows of n elements are not worth it, or their dtype is NumPy's."""
    if not pays(routine, x.size) or n < min(_SHORTEST, SETTINGS.get().threshold):
        raise Refused(BELOW)
    if x.dtype not in NUMBER or x.dtype in COMPLEXES:
        raise Refused(f"{x.dtype} is computed by NumPy")


def _sorted(routine: str, x: Any, axis: int | None, descending: bool) -> Any:
    layout = x._layout
    shape, dtype = layout.shape, layout.dtype
    if axis is None and len(shape) == 1:
        axis = 0
    if axis is None or not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
        raise Refused(NUMPYS_ERROR)
    n = shape[axis]
    _check(routine, x, n)
    if not x._array.flags.c_contiguous:
        raise Refused("the result is not in C order")
    rows = x
    if axis % len(shape) != len(shape) - 1:
        rows = in_c_order(handle_on(np.moveaxis(x._array, axis, -1), buffer_of(x)))
    result = dtype if routine == "sort" else INT64
    params = {"descending": descending}
    done = compute(routine, [rows], params, [(rows.shape, result)], refuse)
    if rows is x:
        return done
    return in_c_order(handle_on(np.moveaxis(done._array, -1, axis), buffer_of(done)))
