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
    """The sum of products over ``axes``, which must have the same lengths (else ValueError).

    axes: a pair of tuples, or n for the last n axes of ``a`` and the first n of ``b``.
    """
    return call(np.tensordot, a, b, axes)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The sum over ``axis`` of conj(x1) * x2, the other axes broadcast.

    ValueError where the axes differ in length.
    """
    return call(np.linalg.vecdot, x1, x2, axis=axis)
