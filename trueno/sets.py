"""Arrays as sets: from sorted or counted elements, and searches among them.

Every function raises ``Refused`` where NumPy should do the work.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from trueno import assembly, ordering
from trueno.dispatch import Refused, elementwise
from trueno.engine import BELOW
from trueno.handles import wrap
from trueno.handover import host
from trueno.kinds import COMPLEXES, INT64, NUMBER, UINT64, Dtype
from trueno.ops import OPS
from trueno.reductions import reduce
from trueno.routines import pays

_RANGE = 4  # integers that are counted, not sorted: up to so many for each element,
_MOST_COUNTED = 1 << 16  # and no more than bins that threads count on their own
_SAMPLE = 64  # elements that are looked at first, of which at most
_FEW = 4  # may be distinct for all others to be compared with these


def _checked(x: Any) -> Any:
    """The elements along one axis, if their dtype can be sorted in C and there are enough."""
    x = assembly.handle(x)
    if x.dtype not in NUMBER or x.dtype in COMPLEXES:
        raise Refused(f"{x.dtype} is computed by NumPy")
    if not pays("sort", x.size):
        raise Refused(BELOW)
    return assembly.flattened(x)


class _Counted(NamedTuple):
    """How often each integer from ``low`` on occurs, and the array less ``low``."""

    counts: Any
    low: int
    shifted: Any

    def values(self, dtype: Dtype) -> Any:
        """The integers that occur."""
        found = np.flatnonzero(self.counts)
        return (found + self.low if self.low else found).astype(dtype)


def _counted(x: Any) -> _Counted | None:
    """None for an array of other elements, or of integers too far apart."""
    if x.dtype.kind not in "iu":
        return None
    low, high = (int(host(reduce(OPS[name], x))) for name in ("min", "max"))
    if high - low > min(_RANGE * x.size, _MOST_COUNTED) or high > np.iinfo(np.int64).max:
        return None
    if 0 <= low <= high - low:
        low = 0
    wide = x.astype(INT64) if low or x.dtype == UINT64 else x
    shifted = wide - low if low else wide
    return _Counted(np.bincount(shifted), low, shifted)


def _distinct(x: Any, equal_nan: bool = True) -> Any:
    """The distinct elements of one axis, ascending."""
    counted = _counted(x)
    if counted is not None:
        return counted.values(x.dtype)
    few = _few(x) if x.dtype.kind == "f" else None
    if few is not None:
        return few
    return _first_of_equals(ordering.sort(x, -1, False), equal_nan)


def _few(x: Any) -> Any:
    """The distinct elements if those of a sample are all, as of labels; None if not, or of NaN.

    Elements are compared bit by bit, as zeros of both signs are one element.
    """
    values = host(x)
    bits = np.unique(values[:: max(1, values.size // _SAMPLE)].view(f"i{x.itemsize}"))
    found = np.sort(bits.view(x.dtype))
    if bits.size > _FEW or (found[1:] == found[:-1]).any() or np.isnan(found).any():
        return None
    patterns = x.view(f"i{x.itemsize}")
    known = patterns == bits[0]
    for pattern in bits[1:]:
        known = known | (patterns == pattern)
    return wrap(found) if bool(reduce(OPS["all"], known)) else None


def _first_of_equals(ordered: Any, equal_nan: bool) -> Any:
    array, n = host(ordered), ordered.size
    if equal_nan and ordered.dtype.kind == "f" and np.isnan(array[-1]):
        n = int(np.searchsorted(array, array[-1])) + 1  # the first NaN stands for all
    mask = wrap(np.ones(n, bool))
    mask[1:] = elementwise(OPS["not_equal"], ordered[1:n], ordered[: n - 1])
    return ordered[:n][mask]


def unique(x: Any, inverse: bool, counts: bool, equal_nan: bool) -> Any:
    """The distinct elements, ascending; asked for more, a tuple with where and how often."""
    flat = _checked(x)
    if inverse or counts:
        return _unique_and(flat, x.shape, inverse, counts)
    return _distinct(flat, equal_nan)


def _unique_and(x: Any, shape: Any, inverse: bool, counts: bool) -> Any:
    """With the places of each element among the distinct, and with how often these occur."""
    counted = _counted(x)
    if counted is None:
        raise Refused("NumPy orders these")
    results = [counted.values(x.dtype)]
    if inverse:
        places = wrap(np.cumsum(host(counted.counts) != 0) - 1)
        results.append(np.take(places, counted.shifted).reshape(shape))
    if counts:
        results.append(counted.counts[host(counted.counts) != 0])
    return tuple(results)


def _same_kind(a: Any, b: Any) -> None:
    if a.dtype != b.dtype:
        raise Refused("NumPy promotes the dtypes")


def isin(element: Any, test_elements: Any) -> Any:
    """For each element of the first array, whether it occurs in the second."""
    x, table = assembly.handle(element), assembly.handle(test_elements)
    _same_kind(x, table)
    flat = _checked(x)
    if not table.size:
        raise Refused(BELOW)
    looked_up = _looked_up(flat, table) if x.dtype.kind in "iu" else None
    if looked_up is None:
        looked_up = _occurs(flat, np.unique(assembly.flattened(table)))
    return looked_up.reshape(x.shape)


def _looked_up(x: Any, table: Any) -> Any:
    """Whether each integer is in the table, by a byte for each it may hold; None if too many."""
    if not pays("bincount", x.size):
        raise Refused(BELOW)
    low, high = (int(host(reduce(OPS[name], table))) for name in ("min", "max"))
    if high - low > _RANGE * (x.size + table.size) or high > np.iinfo(np.int64).max:
        return None
    holds = np.zeros(high - low + 1, bool)
    holds[host(table).astype(INT64, copy=False).ravel() - low] = True
    places = (x if x.dtype == INT64 else x.astype(INT64)) - low
    inside = (places >= 0) & (places < holds.size)
    return np.take(wrap(holds), elementwise(OPS["where"], inside, places, 0)) & inside


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
