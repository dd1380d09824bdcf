"""Indexing functions (the standard's chapter "Indexing Functions")."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno._array_api._support import call, given, implements, viewed
from trueno.dispatch import NUMPYS_ERROR, Refused
from trueno.handles import Handle
from trueno.handover import call_numpy
from trueno.ops import ROUTINES
from trueno.selection import taken

__all__ = ["take", "take_along_axis"]


@implements(np.take, gain=ROUTINES["take"].gain)
def take(
    a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: Any = "raise"
) -> Any:
    """Elements of ``a`` at integer ``indices`` along ``axis`` (None: of the flattened array).

    mode: what an index out of bounds does: "raise" (IndexError), "wrap" or "clip".
    """

    try:
        return _taken(a, indices, axis, out, mode)
    except Refused as refused:
        reason = str(refused)
    return call_numpy(np.take, (a, indices, axis, out, mode), reason=reason)


def _taken(a: Any, indices: Any, axis: Any, out: Any, mode: Any) -> Any:
    if out is not None or mode not in ("raise", "wrap", "clip"):
        raise Refused("arguments")
    if not isinstance(indices, (Handle, np.ndarray)):
        raise Refused("indices that are no array")
    x = given(a)
    if axis is None:
        if not x._array.flags.c_contiguous:
            raise Refused("flattened by NumPy")
        return taken(viewed(x, np.ravel, "take"), (indices,), 0, mode)
    if not isinstance(axis, int) or not -x.ndim <= axis < x.ndim:
        raise Refused(NUMPYS_ERROR)
    return taken(x, (indices,), axis % x.ndim, mode)


def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """For each position of ``indices``, the element of ``arr`` at that place along ``axis``.

    ``indices`` are integers, and broadcast with ``arr`` on the other axes.
    """
    return call(np.take_along_axis, arr, indices, axis)
