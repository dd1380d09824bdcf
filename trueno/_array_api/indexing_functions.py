"""Indexing functions (the standard's chapter "Indexing Functions")."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno._array_api._support import call

__all__ = ["take", "take_along_axis"]


def take(
    a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: Any = "raise"
) -> Any:
    """Elements of ``a`` at integer ``indices`` along ``axis`` (None: of the flattened array).

    mode: what an index out of bounds does: "raise" (IndexError), "wrap" or "clip".
    """
    return call(np.take, a, indices, axis, out=out, mode=mode)


def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """For each position of ``indices``, the element of ``arr`` at that place along ``axis``.

    ``indices`` are integers, and broadcast with ``arr`` on the other axes.
    """
    return call(np.take_along_axis, arr, indices, axis)
