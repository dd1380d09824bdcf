"""Set functions (the standard's chapter "Set Functions"). NaNs are distinct from each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno import sets
from trueno._array_api._support import call, implements, tried
from trueno.dispatch import Refused, elementwise
from trueno.handover import call_numpy
from trueno.ops import OPS, ROUTINES

__all__ = ["isin", "unique_all", "unique_counts", "unique_inverse", "unique_values"]


@implements(np.isin, gain=ROUTINES["sort"].gain)
def isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: Any = None,
) -> Any:
    """For each element of the first array or scalar, whether it occurs in the second: bool.

    ``invert`` negates the answer; ``assume_unique`` and ``kind`` choose NumPy's algorithm.
    """

    def ours() -> Any:
        if kind is not None:
            raise Refused("arguments")
        found = sets.isin(element, test_elements)
        return elementwise(OPS["logical_not"], found) if invert else found

    return tried(
        ours, np.isin, element, test_elements,
        assume_unique=assume_unique, invert=invert, kind=kind,
    )  # fmt: skip


def unique_all(x: Any, /) -> Any:
    """The distinct elements: a namedtuple (values, indices, inverse_indices, counts).

    ``indices`` are first occurrences; ``inverse_indices`` has the shape of ``x``; both int64.
    """
    return call(np.unique_all, x)


def unique_counts(x: Any, /) -> Any:
    """The distinct elements and how often each occurs: a namedtuple (values, counts)."""
    return call(np.unique_counts, x)


def unique_inverse(x: Any, /) -> Any:
    """The distinct elements and where ``x`` has them: a namedtuple (values, inverse_indices)."""
    return call(np.unique_inverse, x)


@implements(np.unique_values, gain=ROUTINES["sort"].gain)
def unique_values(x: Any) -> Any:
    """The distinct elements, ascending, along one axis.

    The standard leaves their order open, as NumPy does, whose order differs between versions;
    libraries rely on ascending values all the same.
    """
    try:
        return sets.unique(x, False, False, False)
    except Refused as refused:
        reason = str(refused)
    return call_numpy(np.unique, (x,), {"equal_nan": False}, name="unique_values", reason=reason)
