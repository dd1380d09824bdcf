"""Linear algebra functions (the standard's chapter "Linear Algebra Functions")."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno._array_api._support import call, implements, viewed
from trueno._array_api.elementwise_functions import from_ufunc

__all__ = ["matmul", "matrix_transpose", "tensordot", "vecdot"]

matmul = from_ufunc(np.matmul, "matmul")


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """The last two axes swapped: a view. ValueError under two axes."""
    return viewed(x, lambda array: array.mT, "matrix_transpose")


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """The sum of products over ``axes``: the last n of ``a`` and first n of ``b``, or a pair of tuples.

    ValueError where the lengths of these axes differ.
    """
    return call(np.tensordot, a, b, axes)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The sum over ``axis`` of conj(x1) * x2, the other axes broadcast.

    ValueError where the axes differ in length.
    """
    return call(np.linalg.vecdot, x1, x2, axis=axis)
