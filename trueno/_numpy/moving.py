"""NumPy functions beyond the standard that pick, count and move elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno import ordering, selection
from trueno._array_api._support import given, implements
from trueno._array_api.searching_functions import nonzero
from trueno._numpy.functions import ravel
from trueno.dispatch import Refused
from trueno.handles import Handle
from trueno.handover import call_numpy
from trueno.ops import ROUTINES

__all__ = ["argwhere", "compress", "extract", "flatnonzero"]


@implements(np.argwhere, gain=ROUTINES["positions"].gain)
def argwhere(a: Any) -> Any:
    """The positions of elements that are not zero: int64 of shape (n, ndim)."""
    try:
        return selection.positions(given(a), True).T
    except Refused as refused:
        reason = str(refused)
    return call_numpy(np.argwhere, (a,), reason=reason)


@implements(np.flatnonzero, gain=ROUTINES["positions"].gain)
def flatnonzero(a: Any) -> Any:
    """The positions, in the flattened array, of elements that are not zero: int64."""
    return nonzero(ravel(a))[0]


@implements(np.compress, gain=ROUTINES["compress"].gain)
def compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Any:
    """What lies along ``axis`` (None: of the flattened array) where ``condition`` holds."""

    try:
        if out is not None or axis not in (0, None):
            raise Refused("arguments")
        mask = _mask(condition)
        return selection.masked(given(a) if axis == 0 else ravel(a), mask)
    except Refused as refused:
        reason = str(refused)
    return call_numpy(np.compress, (condition, a, axis, out), reason=reason)


def _mask(condition: Any) -> Any:
    mask: Any = condition
    if not isinstance(condition, (Handle, np.ndarray)) or mask.dtype != bool:
        raise Refused("a condition that is no mask")
    return mask


@implements(np.extract, gain=ROUTINES["compress"].gain)
def extract(condition: Any, arr: Any) -> Any:
    """The elements of the flattened array where the flattened ``condition`` holds."""
    try:
        return selection.masked(ravel(arr), ravel(_mask(condition)))
    except Refused as refused:
        reason = str(refused)
    return call_numpy(np.extract, (condition, arr), reason=reason)


def _sorting(f: Any, ours: Any) -> None:
    """Registers NumPy's function, whose ``stable`` is not the standard's: here all sorting is."""

    @implements(f, gain=ROUTINES[f.__name__].gain)
    def function(
        a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
    ) -> Any:
        try:
            if order is not None or kind not in ordering.KINDS or (kind and stable is not None):
                raise Refused("arguments")
            return ours(given(a), axis, False)
        except Refused as refused:
            reason = str(refused)
        kwargs = {"axis": axis, "kind": kind, "order": order, "stable": stable}
        return call_numpy(f, (a,), kwargs, reason=reason)


_sorting(np.sort, ordering.sort)
_sorting(np.argsort, ordering.argsort)
