"""NumPy's functions of arrays as sets, beyond the standard's."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno import sets
from trueno._array_api._support import implements, tried
from trueno.dispatch import Refused
from trueno.ops import ROUTINES

__all__ = ["intersect1d", "setdiff1d", "union1d", "unique"]

_GAIN = ROUTINES["sort"].gain


@implements(np.unique, gain=_GAIN)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    **kwargs: Any,
) -> Any:
    """The distinct elements, ascending, and where they are and how often, as ``numpy.unique``."""

    def ours() -> Any:
        flat = axis is None or (type(axis) is int and axis in (0, -1) and np.ndim(ar) == 1)
        if not flat or return_index or not kwargs.keys() <= {"equal_nan"}:
            raise Refused("arguments")
        return sets.unique(ar, return_inverse, return_counts, kwargs.get("equal_nan", True))

    return tried(ours, np.unique, ar, return_index, return_inverse, return_counts, axis, **kwargs)


@implements(np.intersect1d, gain=_GAIN)
def intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    """The distinct elements that are in both arrays, ascending."""

    def ours() -> Any:
        if assume_unique or return_indices:
            raise Refused("arguments")
        return sets.intersection(ar1, ar2)

    return tried(ours, np.intersect1d, ar1, ar2, assume_unique, return_indices)


@implements(np.setdiff1d, gain=_GAIN)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """The distinct elements of the first array that are not in the second, ascending."""

    def ours() -> Any:
        if assume_unique:
            raise Refused("arguments")
        return sets.difference(ar1, ar2)

    return tried(ours, np.setdiff1d, ar1, ar2, assume_unique)


@implements(np.union1d, gain=_GAIN)
def union1d(ar1: Any, ar2: Any) -> Any:
    """The distinct elements of both arrays, ascending."""
    return tried(lambda: sets.union(ar1, ar2), np.union1d, ar1, ar2)
