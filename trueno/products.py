"""Matrix products: what NumPy's BLAS does, in memory of the pool, and what it does slowly.

A result of elements that NumPy would return as a scalar, or a call that NumPy refuses, is NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from trueno import engine
from trueno.handles import Handle
from trueno.handover import call_numpy, small_below
from trueno.kinds import BOOL, NUMBER
from trueno.memory import NDArray
from trueno.ops import ROUTINES
from trueno.routines import compute

__all__ = ["BLAS", "PRODUCTS", "SMALL_PRODUCTS", "array_of", "matmul"]


def array_of(x: Any) -> NDArray | None:
    """The shape and dtype of an operand that NumPy takes as an array: a handle's or its own."""
    if isinstance(x, Handle):
        return x._array
    return x if type(x) is np.ndarray else None


# The dtypes that BLAS has.
BLAS = "fdFD"


def matmul(x1: Any, x2: Any) -> Any:
    """``x1 @ x2``: matrices in the last two axes, the others broadcast; one axis is a vector.

    dtypes promote as NumPy's; integers wrap. ValueError where lengths do not fit or an operand has
    no axes.
    """

    def numpy(reason: str) -> Any:
        return call_numpy(np.matmul, (x1, x2), reason=reason)

    a, b = array_of(x1), array_of(x2)
    if a is None or b is None or not a.ndim or not b.ndim or a.ndim + b.ndim == 2:
        return numpy(engine.BELOW)
    rows, columns = a.shape[-2:-1], b.shape[-1:] if b.ndim > 1 else ()
    if a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
        return numpy(engine.BELOW)
    try:
        stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        return numpy(engine.BELOW)
    if a.dtype not in NUMBER or b.dtype not in NUMBER:
        return numpy(f"{a.dtype} @ {b.dtype} is computed by NumPy")
    dtype = np.result_type(a, b)
    if dtype == BOOL:  # NumPy stops at the first pair that is true
        return numpy("bool is computed by NumPy")
    routine = "matmul" if dtype.char in BLAS else "matmul_without_blas"
    return compute(routine, (x1, x2), {}, [((*stack, *rows, *columns), dtype)], numpy)


# What tells products that are NumPy's for being small.
SMALL_PRODUCTS = small_below(
    None,
    ROUTINES["matmul_without_blas"].gain,
    by_dtype=dict.fromkeys(BLAS, ROUTINES["matmul"].gain),
)
# What our arrays' protocol calls for NumPy's generalised ufuncs.
PRODUCTS: dict[np.ufunc, Callable[..., Any]] = {np.matmul: matmul}
