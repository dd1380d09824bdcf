"""Arrays as sets: from sorted or counted elements, and searches among them.

Every function raises ``Refused`` where NumPy should do the work.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno import assembly, ordering
from trueno.counting import bincount
from trueno.dispatch import Refused, elementwise
from trueno.dtypes import COMPLEXES, INT64, NUMBER
from trueno.engine import BELOW
from trueno.handover import host
from trueno.ops import OPS
from trueno.reductions import reduce
from trueno.routines import pays
from trueno.selection import masked, nonzero

_RANGE = 4  # integers that are counted, not sorted: up to so many for each element


def _checked(x: Any) -> Any:
    """The elements along one axis, if their dtype can be sorted in C and there are enough."""
    x = assembly.handle(x)
    if x.dtype not in NUMBER or x.dtype in COMPLEXES:
        raise Refused(f"{x.dtype} is computed by NumPy")
    if not pays("sort", x.size):
        raise Refused(BELOW)
    return assembly.flattened(x)


def _counts(x: Any) -> tuple[Any, int] | None:
    """How often each integer occurs, from the smallest (the second) on; None for a wide range."""
    if x.dtype.kind not in "iu":
        return None
    low, high = (int(host(reduce(OPS[name], x))) for name in ("min", "max"))
    if high - low > _RANGE * x.size or high > np.iinfo(np.int64).max:
        return None
    shifted = x
    if low < 0 or low > high - low:
        shifted, offset = x.astype(INT64) - low, low
    else:
        offset = 0
        shifted = x if x.dtype.kind == "i" or x.dtype.itemsize < 8 else x.astype(INT64)
    return bincount(shifted, 0), offset


def _distinct(x: Any, equal_nan: bool = True) -> Any:
    """The distinct elements of one axis, ascending."""
    counted = _counts(x)
    if counted is not None:
        counts, offset = counted
        values = nonzero(counts)[0]
        return (values + offset if offset else values).astype(x.dtype)
    ordered = ordering.sort(x, -1, False)
    return _first_of_equals(ordered, equal_nan)


def _first_of_equals(ordered: Any, equal_nan: bool) -> Any:
    array, n = ordered._array, ordered.size
    if equal_nan and ordered.dtype.kind == "f" and np.isnan(array[-1]):
        n = int(np.searchsorted(array, array[-1])) + 1  # the first NaN stands for all
    first = np.ones(1, bool)
    differs = elementwise(OPS["not_equal"], ordered[1:n], ordered[: n - 1])
    mask = assembly.assembled(
        (n,), differs.dtype, [((slice(0, 1),), assembly.handle(first)), ((slice(1, n),), differs)]
    )
    return masked(ordered[:n], mask)


def unique(x: Any, inverse: bool, counts: bool, equal_nan: bool) -> Any:
    """The distinct elements, ascending; asked for more, a tuple with where and how often."""
    flat = _checked(x)
    if inverse or counts:
        return _unique_and(flat, x.shape, inverse, counts)
    return _distinct(flat, equal_nan)


def _unique_and(x: Any, shape: Any, inverse: bool, counts: bool) -> Any:
    """With the places of each element among the distinct, and with how often these occur."""
    counted = _counts(x)
    if counted is None:
        raise Refused("NumPy orders these")
    numbers, offset = counted
    found = nonzero(numbers)[0]
    values = (found + offset if offset else found).astype(x.dtype)
    results = [values]
    if inverse:
        places = np.cumsum(host(numbers) != 0) - 1
        shifted = x.astype(INT64) - offset if offset else x
        results.append(np.take(assembly.handle(places), shifted).reshape(shape))
    if counts:
        results.append(numbers[found])
    return tuple(results)


def _same_kind(a: Any, b: Any) -> None:
    if a.dtype != b.dtype:
        raise Refused("NumPy promotes the dtypes")


def isin(element: Any, test_elements: Any) -> Any:
    """For each element of the first array, whether it occurs in the second."""
    x, table = assembly.handle(element), assembly.handle(test_elements)
    _same_kind(x, table)
    return _occurs(_checked(x), np.unique(assembly.flattened(table))).reshape(x.shape)


def _occurs(x: Any, table: Any) -> Any:
    """Whether each element is among those of ``table``, which ascend."""
    if not table.size:
        raise Refused(BELOW)
    places = np.minimum(np.searchsorted(table, x), table.size - 1)
    return elementwise(OPS["equal"], np.take(table, places), x)


def _two(first: Any, second: Any) -> tuple[Any, Any]:
    """Both arrays' distinct elements."""
    a, b = assembly.handle(first), assembly.handle(second)
    _same_kind(a, b)
    if max(a.size, b.size) == 0 or not min(a.size, b.size):
        raise Refused(BELOW)
    if not pays("sort", max(a.size, b.size)):
        raise Refused(BELOW)
    return np.unique(assembly.flattened(a)), np.unique(assembly.flattened(b))


def intersection(first: Any, second: Any) -> Any:
    """The distinct elements that are in both arrays, ascending."""
    a, b = _two(first, second)
    return a[_occurs(a, b)]


def difference(first: Any, second: Any) -> Any:
    """The distinct elements of the first array that are not in the second, ascending."""
    a, b = _two(first, second)
    return a[elementwise(OPS["logical_not"], _occurs(a, b))]


def union(first: Any, second: Any) -> Any:
    """The distinct elements of both arrays, ascending."""
    a, b = assembly.handle(first), assembly.handle(second)
    return unique(np.concatenate((a, b), axis=None), False, False, True)
