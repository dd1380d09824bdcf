"""Handles: the state of a TruenoArray, and how handles are made. What users call is in array.py.

``Handle`` is C (``csrc/python/handle.c``), since every call on arrays meets it. Its state:

_array:  shape, dtype, strides and address; its elements are current if the buffer is plain
_buffer: the memory's state, shared by all views of it; None as long as nothing is known but that
         the memory is ours and current (then nothing else refers to it)
_node:   the pending value of a handle that has neither of them yet; both are made when somebody
         asks for one, or the value is computed. None otherwise
_scalar: whether NumPy would have returned a scalar, which in-place operators replace and of which
         nothing is a view
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from trueno import engine, graph
from trueno._handle import Handle, buffer_of, exported, handle_for, handle_on, wrap
from trueno.graph import Buffer
from trueno.kinds import NUMBER
from trueno.memory import POOLED_FROM, NDArray, allocate, block

__all__ = [
    "Handle", "buffer_of", "copied", "export", "foreign_buffer", "handle_for", "handle_on",
    "pooled", "root_of", "scalar", "wrap", "wrap_value",
]  # fmt: skip


def scalar(value: Any) -> Any:
    """A zero-dimensional handle on a NumPy scalar."""
    return handle_on(np.asarray(value), None, True)


def copied(array: NDArray) -> Any:
    """A handle on a copy of an ndarray, in memory of the pool: aligned, and warm if it was used."""
    if array.nbytes < POOLED_FROM or array.dtype not in NUMBER:
        return wrap(array.copy(order="K"))
    root, copy = allocate(array.shape, np.empty_like(array).strides, array.dtype)
    np.copyto(copy, array)
    return handle_on(copy, Buffer(root, copy))


def pooled(nbytes: int) -> Buffer:
    """A buffer over memory of the pool."""
    return Buffer(block(nbytes))


def wrap_value(value: Any) -> Any:
    """A handle on a fresh NumPy result: scalars become zero-dimensional, other objects stay."""
    if type(value) is np.ndarray:
        return wrap(value)
    return scalar(value) if isinstance(value, np.generic) else value


def root_of(array: NDArray) -> NDArray:
    """The ndarray at the end of the chain of bases: it stands for the whole memory."""
    while type(array.base) is np.ndarray:
        array = array.base
    return array


def foreign_buffer(array: NDArray) -> Buffer:
    """A buffer over memory that belongs to someone else."""
    buffer = Buffer(array)
    buffer.foreign = True
    return buffer


class _Exported:
    """The base of an exported array.

    As it is no ndarray, NumPy does not look through it: every view that outsiders make of the
    export keeps the export alive.
    """

    __slots__ = ("buffer",)

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer  # keeps the memory alive


def export(handle: Handle) -> NDArray:
    """An ndarray over the handle's memory for an outsider to keep, with current contents.

    While it lives, the buffer counts as shared: what reads it runs at once. What may be written
    through it holds for longer, so that a device's copy is stale from now on.
    """
    array = handle._array
    with graph.lock:
        buffer = buffer_of(handle)
        engine.settle(buffer)
        buffer.host_written()
        array = exported(array, _Exported(buffer))
        buffer.exports = [r for r in buffer.exports if r() is not None]
        buffer.exports.append(weakref.ref(array))
    return array
