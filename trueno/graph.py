"""Nodes, and the buffers that wait for them.

A *Node* is immutable and pure: an operation on operands, with shape, dtype and layout known. A
*Buffer* is memory that may have a write pending: "``target`` (a view of mine) becomes the value of
``node``". A fresh result is a buffer whose target is all of it; an in-place operation is a pending
write to existing memory.

What keeps deferral invisible: a node that reads a buffer is noted in the buffer's ``readers``. When
a new write is queued, those readers become the write's ``before``: whoever of them is still wanted
runs before the write does. So a node always finds the contents it was given, however late it runs.

Nodes and the fields of buffers are C (``csrc/python/node.c``, ``block.c``). A node has:

form:     the operation, and its result's shape, strides and dtype
args:     the operands; emptied once run
errstate: bits of the floating-point conditions to warn about (trueno.ops.DIVIDE, ...), and
          conditions.AT_ONCE
result:   the view that holds the value, once computed
owner:    weak reference to the Buffer or the handle that waits for the value; dead, or waiting for
          another node, means that nobody but other nodes can ever see this value
readers:  weak references to the nodes that take this value as an operand
depth:    operations along the longest path below
leaves:   how many buffers are read below
wanted:   whether somebody alive waits for this value: then it must be stored, not only used
due:      whether it should run now: as AT_ONCE says, or since the graph below has grown so much
"""

from __future__ import annotations

import math
import os
import threading
from typing import Any, NamedTuple

from trueno._handle import DEPTH_LIMIT, Node, bind, capture, pending_view
from trueno.kinds import Dtype
from trueno.memory import Storage, View
from trueno.ops import Op

__all__ = [
    "DEPTH_LIMIT", "Buffer", "Form", "Leaf", "Node", "Operand", "Shape", "capture", "form",
    "pending_view", "result_strides",
]  # fmt: skip

Shape = tuple[int, ...]

# Held while nodes are made, attached or run: arrays may be shared between threads.
lock = threading.RLock()


def _new_lock() -> None:
    global lock
    lock = threading.RLock()
    bind(acquire=lock.acquire, give_up=lock.release)


bind(acquire=lock.acquire, give_up=lock.release)
# Another thread may hold the lock at the moment of a fork; it does not exist in the child.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


class Leaf(NamedTuple):
    """An operand in memory that is still to be written: ``view``, valid once ``source`` has run."""

    view: View
    source: Node


# Node (a whole result, pending), View (memory as it is now), Leaf, or a NumPy scalar.
Operand = "Node | View | Leaf | np.generic[Any]"


class Form:
    """What is alike in all nodes of one kind: everything but operands and contents.

    There is one object a kind (``form`` makes it), so that plans are found by identity.

    op:      the row of the operation table
    shape:   the result's shape; a reduction keeps its axes with length 1
    strides: the result's strides, in bytes
    dtype:   the result's dtype
    compact: the strides in memory made for the result: the same order of axes, without gaps
    backend: name of the backend that was chosen
    axes:    for a reduction, the reduced axes
    space:   the iteration space: a reduction's is its operand's shape
    rows:    for a reduction, whether what it reduces are short rows that lie together in memory:
             then what is done with the results can follow while a row is in the cache
    """

    __slots__ = ("axes", "backend", "compact", "dtype", "op", "rows", "shape", "space", "strides")

    def __init__(
        self,
        op: Op,
        shape: Shape,
        strides: Shape,
        dtype: Dtype,
        backend: str,
        axes: Shape,
        space: Shape,
        rows: bool,
    ) -> None:
        self.op = op
        self.shape = shape
        self.strides = strides
        self.compact = result_strides(shape, dtype.itemsize, [(shape, strides)])
        self.dtype = dtype
        self.backend = backend
        self.axes = axes
        self.space = space
        self.rows = rows

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)


_forms: dict[tuple[Any, ...], Form] = {}
_FORMS_KEPT = 8192


def form(
    op: Op,
    shape: Shape,
    strides: Shape,
    dtype: Dtype,
    backend: str,
    axes: Shape = (),
    space: Shape | None = None,
    rows: bool = False,
) -> Form:
    """The one Form of this kind; ``space`` is the shape where it is not given."""
    key = (op, shape, strides, dtype, backend, axes, space, rows)
    known = _forms.get(key)
    if known is None:
        if len(_forms) >= _FORMS_KEPT:  # shapes that vary without end are not worth keeping
            _forms.clear()
        known = _forms[key] = Form(
            op, shape, strides, dtype, backend, axes, shape if space is None else space, rows
        )
    return known


class Buffer(Storage):
    """Memory that may have a write pending.

    node, target: the pending write: ``target`` becomes the value of ``node``; None: nothing pending
    before:       nodes that read the contents from before the pending write
    readers:      nodes that read the present contents (the pending write's result, if there is one)
    exports:      weak references to ndarrays that outsiders hold over this memory
    foreign:      the memory belongs to someone else, who may write to it at any time
    whole:        the array that the memory was made for: the ``base`` of all others over it
    pin:          "auto", "cpu" or "gpu": where the user pinned it
    viewed:       a node reads the pending write's result from memory: the write must happen before
                  another one takes its place
    plain:        host memory is current, nothing pends, no pin: NumPy may read it right away;
                  ``update`` recomputes it after a change of state
    owner:        a weak reference to the handle that it was made for, if it was made for one
    """

    __slots__ = ()

    def pin_to(self, device: str) -> None:
        """Pins the memory to "cpu" or "gpu", or to nothing ("auto")."""
        self.pin = device
        self.update()

    def to_host(self) -> None:
        super().to_host()
        self.update()

    def device_written(self) -> None:
        super().device_written()
        self.plain = False

    @property
    def shared(self) -> bool:
        if self.exports and not self.foreign:
            with lock:
                self.exports = [r for r in self.exports if r() is not None]
        return self.foreign or bool(self.exports)


bind(buffer_class=Buffer, view_class=View, leaf_class=Leaf)


def result_strides(shape: Shape, itemsize: int, layouts: list[tuple[Shape, Shape]]) -> Shape:
    """Strides of a fresh elementwise result: NumPy's order="K".

    ``layouts`` holds (shape, strides) of the array operands, broadcast to ``shape`` or not. The
    axes are ordered as NumPy's iterator orders them: an insertion sort by absolute stride,
    innermost first, in which C order wins conflicts between operands.
    """
    ndim = len(shape)
    if ndim < 2:
        return (itemsize,) * ndim
    padded = []
    for other, strides in layouts:
        lead = ndim - len(other)
        padded.append(
            [0] * lead + [abs(s) if n != 1 else 0 for n, s in zip(other, strides, strict=True)]
        )
    order = [ndim - 1]  # axes, innermost first
    for axis in range(ndim - 2, -1, -1):
        position = len(order)
        for place in range(len(order) - 1, -1, -1):
            swap: bool | None = None
            for strides_ in padded:
                mine, theirs = strides_[axis], strides_[order[place]]
                if mine and theirs:
                    if theirs <= mine:
                        swap = False
                    elif swap is None:
                        swap = True
            if swap is None:
                continue
            if not swap:
                break
            position = place
        order.insert(position, axis)
    result = [0] * ndim
    stride = itemsize
    for axis in order:
        result[axis] = stride
        stride *= shape[axis]
    return tuple(result)
