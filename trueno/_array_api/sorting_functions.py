"""Sorting functions (the standard's chapter "Sorting Functions"). NaN sorts last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from trueno import ordering
from trueno._array_api._support import NO_VALUE, call, given
from trueno.dispatch import Refused
from trueno.handover import call_numpy

__all__ = ["argsort", "sort"]


def _descending_argsort(x: Any, axis: int) -> Any:
    """Positions that sort downwards, ties in their original order."""
    x = np.asarray(x)
    backwards = np.argsort(np.flip(x, axis), axis, stable=True)
    return x.shape[axis] - 1 - np.flip(backwards, axis)


def _descending_sort(x: Any, axis: int) -> Any:
    return np.flip(np.sort(np.flip(x, axis), axis, stable=True), axis).copy()


class _Way(NamedTuple):
    """What orders elements: our routine, NumPy's function, and one of ndarrays for downwards."""

    ours: Callable[..., Any]
    numpys: Callable[..., Any]
    downwards: Callable[..., Any]


_ARGSORT = _Way(ordering.argsort, np.argsort, _descending_argsort)
_SORT = _Way(ordering.sort, np.sort, _descending_sort)


def _ordered(
    way: _Way,
    a: Any,
    axis: int | None,
    kind: Any,
    order: Any,
    descending: bool,
    stable: bool | None,
) -> Any:
    if kind is None and order is None:
        try:
            return way.ours(given(a), axis, descending)
        except Refused:
            pass  # NumPy does it
    if descending:
        x, at = (call(np.ravel, a), -1) if axis is None else (a, axis)
        return call_numpy(way.downwards, (x, at), name=way.numpys.__name__)
    if kind is not None or order is not None:
        asked = NO_VALUE if stable is None else stable  # which NumPy refuses
        return call(way.numpys, a, axis, kind, order, stable=asked)
    return call(way.numpys, a, axis, stable=stable is not False)


def argsort(
    a: Any,
    axis: int | None = -1,
    kind: Any = None,
    order: Any = None,
    *,
    descending: bool = False,
    stable: bool | None = None,
) -> Any:
    """The positions (int64) that sort ``a`` along ``axis`` (None: flattened).

    stable: ties keep their order (also if it is None). ``kind`` and ``order`` are NumPy's, and
    stand in the place of ``stable``.
    """
    return _ordered(_ARGSORT, a, axis, kind, order, descending, stable)


def sort(
    a: Any,
    axis: int | None = -1,
    kind: Any = None,
    order: Any = None,
    *,
    descending: bool = False,
    stable: bool | None = None,
) -> Any:
    """A copy of ``a``, sorted along ``axis`` (None: flattened).

    stable: ties keep their order (also if it is None). ``kind`` and ``order`` are NumPy's, and
    stand in the place of ``stable``.
    """
    return _ordered(_SORT, a, axis, kind, order, descending, stable)
