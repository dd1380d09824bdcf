"""Manipulation functions (the standard's chapter "Manipulation Functions").

What only rearranges axes is a view of the same memory. Axes may be negative; AxisError (a
ValueError) for one that the array does not have.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno import assembly
from trueno._array_api._support import call, given, implements, tried, viewed
from trueno.dispatch import Refused
from trueno.handles import root_of
from trueno.indexing import getitem
from trueno.memory import NDArray
from trueno.ops import ROUTINES

_GAIN = 4 * ROUTINES["assemble"].gain  # arrays that are large enough together

__all__ = [
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "concat",
    "expand_dims",
    "flip",
    "moveaxis",
    "permute_dims",
    "repeat",
    "reshape",
    "roll",
    "squeeze",
    "stack",
    "tile",
    "unstack",
]


@implements(np.broadcast_arrays)
def broadcast_arrays(*arrays: Any, subok: bool = False) -> tuple[Any, ...]:
    """The arrays broadcast to their common shape: a tuple of views.

    ValueError where shapes do not broadcast.
    """
    handles = [given(x) for x in arrays]
    shape = broadcast_shapes(*[x.shape for x in handles])

    def broadcast(array: NDArray) -> NDArray:
        return np.broadcast_arrays(array, np.broadcast_to(0, shape))[0]

    return tuple(
        [x if x.shape == shape else viewed(x, broadcast, "broadcast_arrays") for x in handles]
    )


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that arrays of these shapes broadcast to. ValueError where they do not."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError as error:
        raise ValueError(f"trueno.broadcast_shapes: {error}") from None


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    """A read-only view in a larger ``shape``. ValueError where it does not broadcast."""
    return viewed(array, lambda a: np.broadcast_to(a, shape), "broadcast_to")


def _listed(arrays: Any, out: Any) -> Any:
    if out is not None or not isinstance(arrays, (tuple, list)):
        raise Refused("arguments")
    return arrays


@implements(np.concatenate, gain=_GAIN)
def concat(
    arrays: Any,
    axis: int | None = 0,
    out: Any = None,
    *,
    dtype: Any = None,
    casting: Any = "same_kind",
) -> Any:
    """The arrays joined along an existing ``axis``, in the dtype they promote to.

    With ``axis=None`` each is flattened first. ValueError where the other axes differ in length.
    """
    return tried(
        lambda: assembly.joined(_listed(arrays, out), axis, dtype, casting),
        np.concatenate, arrays, axis, out=out, dtype=dtype, casting=casting,
    )  # fmt: skip


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """New axes of length 1 at the positions ``axis`` (an int or a tuple) of the result: a view."""
    return viewed(a, lambda array: np.expand_dims(array, axis), "expand_dims")


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    """The order of elements reversed along ``axis`` (an int, a tuple, None: all axes): a view."""
    return viewed(m, lambda array: np.flip(array, axis), "flip")


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Axes moved from ``source`` to ``destination`` (ints or tuples): a view."""
    return viewed(a, lambda array: np.moveaxis(array, source, destination), "moveaxis")


@implements(np.transpose)
def permute_dims(a: Any, axes: Any = None) -> Any:
    """The axes in the order ``axes`` (None: reversed): a view. ValueError for no permutation."""
    return viewed(a, lambda array: np.transpose(array, axes), "permute_dims")


@implements(np.repeat, gain=ROUTINES["repeat"].gain)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element ``repeats`` times (an int or an array) along ``axis`` (None: flattened)."""
    return tried(lambda: assembly.repeated(a, repeats, axis), np.repeat, a, repeats, axis)


@implements(np.reshape)
def reshape(
    a: Any, shape: Any = None, order: Any = "C", *, copy: bool | None = None, **deprecated: Any
) -> Any:
    """The elements in another ``shape``, of which one length may be -1: a view where possible.

    copy: True always copies; False never does, and raises ValueError where it would be needed.
    ValueError where the number of elements differs. ``newshape`` is an old name of NumPy's.
    """
    x = given(a)
    if deprecated or shape is None:
        return call(np.reshape, x, *([] if shape is None else [shape]), order=order, **deprecated)
    if copy and order == "C":
        x = x.copy("C")

    def reshaped(array: NDArray) -> NDArray:
        result = array.reshape(shape, order=order)
        if copy is False and root_of(result) is not root_of(array):
            raise ValueError("Unable to avoid creating a copy while reshaping.")
        return result

    result = viewed(x, reshaped, "reshape")
    return result.copy("K") if copy and order != "C" else result


@implements(np.roll, gain=_GAIN)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Elements moved ``shift`` places along ``axis``, round the end (None: flattened meanwhile)."""
    return tried(lambda: assembly.rolled(a, shift, axis), np.roll, a, shift, axis)


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    """Axes of length 1 removed (None: all such): a view. ValueError for a longer axis."""
    return viewed(a, lambda array: array.squeeze(axis), "squeeze")


@implements(np.stack, gain=_GAIN)
def stack(
    arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Any:
    """Arrays of one shape joined along a new ``axis``, in the dtype they promote to.

    ValueError where shapes differ.
    """
    return tried(
        lambda: assembly.stacked(_listed(arrays, out), axis, dtype, casting),
        np.stack, arrays, axis, out, dtype=dtype, casting=casting,
    )  # fmt: skip


@implements(np.tile, gain=_GAIN)
def tile(A: Any, reps: Any) -> Any:
    """The array ``reps`` times along each axis; the shorter of shape and reps gains ones."""
    return tried(lambda: assembly.tiled(A, reps), np.tile, A, reps)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The slices along ``axis``: a tuple of views (of copies for one axis, as ``x[i]`` is).

    ValueError for a zero-dimensional array.
    """
    x = given(x)
    if not x.ndim:
        raise ValueError("trueno.unstack: Input array must be at least 1-d.")
    moved = moveaxis(x, axis, 0)
    return tuple([getitem(moved, i) for i in range(moved.shape[0])])


if hasattr(np, "unstack"):  # NumPy 2.1
    implements(np.unstack)(unstack)
