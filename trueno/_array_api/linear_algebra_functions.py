"""Linear algebra functions (the standard's chapter "Linear Algebra Functions")."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from trueno._array_api._support import call, given, implements, normal_axes, viewed
from trueno._array_api.elementwise_functions import from_ufunc
from trueno.kinds import NUMBER
from trueno.memory import NDArray
from trueno.products import BLAS, array_of

__all__ = ["matmul", "matrix_transpose", "tensordot", "vecdot"]

matmul = from_ufunc(np.matmul, "matmul")
vecdot = from_ufunc(np.vecdot, "vecdot")


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """The last two axes swapped: a view. ValueError under two axes."""
    return viewed(x, np.matrix_transpose, "matrix_transpose")


@implements(np.tensordot, gain=32)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """The sum of products over ``axes``, which must have the same lengths (else ValueError).

    axes: a pair of tuples, or n for the last n axes of ``a`` and the first n of ``b``.
    """
    folded = _folded(array_of(a), array_of(b), axes)
    if folded is None:
        return call(np.tensordot, a, b, axes)
    summed, (rows, columns), shape = folded
    product = matmul(
        given(a).transpose([*rows, *summed[0]]).reshape([-1, _length(a, summed[0])]),
        given(b).transpose([*summed[1], *columns]).reshape([_length(b, summed[1]), -1]),
    )
    return product.reshape(shape)


def _length(x: Any, axes: Sequence[int]) -> int:
    return math.prod([x.shape[axis] for axis in axes])


def _folded(a: NDArray | None, b: NDArray | None, axes: Any) -> Any:
    """The axes that are summed over, those that stay, and the shape.

    None where NumPy decides: of what BLAS multiplies it makes one product, too.
    """
    if a is None or b is None or not a.size or not b.size:
        return None
    if a.dtype not in NUMBER or b.dtype not in NUMBER or np.result_type(a, b).char in BLAS:
        return None
    if isinstance(axes, int):
        axes = (range(-axes, 0), range(axes))
    try:
        pairs = [(i,) if isinstance(i, int) else tuple(i) for i in axes]
        found = [normal_axes(i, x.ndim) for i, x in zip(pairs, (a, b), strict=True)]
    except (TypeError, ValueError):
        return None
    summed = [axes for axes in found if axes is not None]
    if len(summed) < 2:
        return None
    lengths = [[x.shape[i] for i in s] for x, s in zip((a, b), summed, strict=True)]
    if lengths[0] != lengths[1]:
        return None
    kept = [[i for i in range(x.ndim) if i not in s] for x, s in zip((a, b), summed, strict=True)]
    shape = [x.shape[i] for x, axes in zip((a, b), kept, strict=True) for i in axes]
    return summed, kept, shape
