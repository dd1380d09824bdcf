"""Handle: the state of a TruenoArray, and how handles are made. What users call is in array.py."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import numpy as np

from trueno import engine, graph
from trueno.dtypes import NUMBER
from trueno.graph import Buffer, Form, Node
from trueno.memory import POOLED_FROM, NDArray, allocate


class Handle:
    """An ndarray over memory whose contents may be pending or on a GPU.

    _array:  shape, dtype, strides and address; its elements are current if the buffer is plain
    _buffer: the memory's state, shared by all views of it; None as long as nothing is known but
             that the memory is ours and current (then nothing else refers to it)
    _node:   the pending value of a handle that has neither of them yet; both are made when somebody
             asks for one, or the value is computed. None otherwise
    _scalar: whether NumPy would have returned a scalar, which in-place operators replace and of
             which nothing is a view
    """

    # Order matters: _array must be cleared before _buffer, so that the buffer sees itself unshared.
    __slots__ = ("__weakref__", "_array", "_buffer", "_node", "_scalar")

    _array: NDArray
    _buffer: Buffer | None
    _node: Node | None
    _scalar: bool

    def __getattr__(self, name: str) -> Any:
        if name in ("_array", "_buffer"):
            graph.give_memory(self)
            return object.__getattribute__(self, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def _layout(self) -> NDArray | Form:
        """What has the shape, strides and dtype: no memory is made to tell them."""
        node = self._node
        return self._array if node is None else node.form

    # The class of new handles: set by trueno.array, which stands above this module.
    result_class: ClassVar[type[Handle]]


_new = object.__new__


def wrap(array: NDArray) -> Any:
    """A handle on an ndarray that nobody else holds."""
    handle = _new(Handle.result_class)
    handle._array = array
    handle._buffer = None
    handle._node = None
    handle._scalar = False
    return handle


def handle_on(array: NDArray, buffer: Buffer | None, scalar: bool = False) -> Any:
    """A handle on an array over a buffer's memory."""
    handle = _new(Handle.result_class)
    handle._array = array
    handle._buffer = buffer
    handle._node = None
    handle._scalar = scalar
    return handle


def handle_for(node: Node, scalar: bool) -> Any:
    """A handle that waits for a node's value, without memory as long as nobody asks for it."""
    handle = _new(Handle.result_class)
    handle._node = node
    handle._scalar = scalar
    node.owner = weakref.ref(handle)
    return handle


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


def buffer_of(handle: Handle) -> Buffer:
    """The handle's buffer, made now if nothing needed it before."""
    buffer = handle._buffer
    if buffer is None:
        buffer = handle._buffer = Buffer(root_of(handle._array))
    return buffer


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

    __slots__ = ("__array_interface__", "buffer")

    def __init__(self, array: NDArray, buffer: Buffer) -> None:
        self.__array_interface__ = array.__array_interface__
        self.buffer = buffer  # keeps the memory alive


def export(handle: Handle) -> NDArray:
    """An ndarray over the handle's memory for an outsider to keep, with current contents.

    While it lives, the buffer counts as shared: what reads it runs at once.
    """
    array = handle._array
    with graph.lock:
        buffer = buffer_of(handle)
        engine.settle(buffer)
        if array.dtype not in NUMBER:  # an array interface does not carry every dtype
            buffer.foreign = True
            return array.view()
        exported: NDArray = np.asarray(_Exported(array, buffer))
        buffer.exports = [r for r in buffer.exports if r() is not None]
        buffer.exports.append(weakref.ref(exported))
    return exported
