"""Nodes, and the buffers that wait for them.

A *Node* is immutable and pure: an operation on operands, with shape, dtype and layout known. A
*Buffer* is memory that may have a write pending: "``target`` (a view of mine) becomes the value of
``node``". A fresh result is a buffer whose target is all of it; an in-place operation is a pending
write to existing memory.

What keeps deferral invisible: a node that reads a buffer is noted in the buffer's ``readers``. When
a new write is queued, those readers become the write's ``before``: whoever of them is still wanted
runs before the write does. So a node always finds the contents it was given, however late it runs.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, NamedTuple

from trueno import memory
from trueno.dtypes import Dtype
from trueno.memory import NDArray, Storage, View
from trueno.ops import Op

Shape = tuple[int, ...]

# Held while nodes are made, attached or run: arrays may be shared between threads.
lock = threading.RLock()


def _new_lock() -> None:
    global lock
    lock = threading.RLock()


# Another thread may hold the lock at the moment of a fork; it does not exist in the child.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)

# A pending graph deeper than this runs at once, so that a loop that never observes its result
# cannot grow it without end.
DEPTH_LIMIT = 200
# One that reads more buffers than this runs at once, since it keeps their memory.
LEAF_LIMIT = 16
# What must run before a write counts for this many operations: it nests evaluations.
_STEP_BEFORE = 8


class Leaf(NamedTuple):
    """An operand in memory: ``view``, whose contents are valid once ``source`` (if any) has run."""

    view: View
    source: Node | None


Operand = "Node | Leaf | np.generic[Any]"


class Node:
    """One operation on operands: pure, with its result's shape, dtype and strides decided.

    op:       the row of the operation table
    args:     Nodes (whole results, pending), Leaves (memory) and NumPy scalars; emptied once run
    axes:     for a reduction, the reduced axes; the result keeps them with length 1
    backend:  name of the backend that was chosen for it
    errstate: bits of the floating-point conditions to warn about (trueno.ops.DIVIDE, ...)
    result:   the view that holds the value, once computed
    buffer:   weak reference to the Buffer that waits for the value; dead, or waiting for another
              node, means that nobody but other nodes can ever see this value
    readers:  weak references to the nodes that take this value as an operand
    depth:    operations along the longest path below
    leaves:   identities of the buffers read below
    """

    __slots__ = (
        "__weakref__", "args", "axes", "backend", "buffer", "depth", "dtype", "errstate",
        "leaves", "op", "readers", "result", "shape", "strides",
    )  # fmt: skip

    def __init__(
        self,
        op: Op,
        args: tuple[Any, ...],
        shape: Shape,
        strides: Shape,
        dtype: Dtype,
        backend: str,
        errstate: int,
        axes: Shape = (),
    ) -> None:
        self.op = op
        self.args = args
        self.shape = shape
        self.strides = strides
        self.dtype = dtype
        self.backend = backend
        self.errstate = errstate
        self.axes = axes
        self.buffer: weakref.ref[Buffer] | None = None
        self.result: View | None = None
        self.readers: list[weakref.ref[Node]] = []
        self.depth = 1
        self.leaves: frozenset[int] = frozenset()
        reference = weakref.ref(self)
        for arg in args:
            if type(arg) is Node:
                self._on(arg, arg.readers, reference)
            elif type(arg) is Leaf:
                storage = arg.view.storage
                assert type(storage) is Buffer
                self._on(arg.source, storage.readers, reference)
                self.leaves |= {id(storage)}

    def _on(
        self, node: Node | None, readers: list[weakref.ref[Node]], reference: weakref.ref[Node]
    ) -> None:
        """Notes that this node needs ``node``; joins the ``readers`` of what it reads."""
        if node is not None:
            self.depth = max(self.depth, node.depth + 1)
            self.leaves |= node.leaves
        readers.append(reference)
        count = len(readers)
        if count >= 64 and not count & (count - 1):  # at powers of two, so that it costs little
            readers[:] = [r for r in readers if (n := r()) is not None and n.result is None]

    @property
    def due(self) -> bool:
        """Whether the graph below has grown so much that it should run now."""
        return self.depth > DEPTH_LIMIT or len(self.leaves) > LEAF_LIMIT

    @property
    def wanted(self) -> bool:
        """Whether a live buffer waits for this value: then it must be stored, not only used."""
        buffer = self.buffer() if self.buffer is not None else None
        return buffer is not None and buffer.node is self


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
    plain:        host memory is current, nothing pends, no pin: NumPy may read it right away
    """

    __slots__ = (
        "before", "exports", "foreign", "node", "pin", "plain", "readers", "target",
        "viewed", "whole",
    )  # fmt: skip

    def __init__(self, root: NDArray, whole: NDArray | None = None) -> None:
        super().__init__(root)
        self.whole: NDArray | None = root if whole is None else whole
        self.node: Node | None = None
        self.target: NDArray | None = None
        self.before: list[weakref.ref[Node]] = []
        self.readers: list[weakref.ref[Node]] = []
        self.exports: list[weakref.ref[NDArray]] = []
        self.foreign = False
        self.pin = "auto"
        self.viewed = False
        self.plain = True

    def __del__(self) -> None:
        self.target = self.whole = None
        memory.release(self.root)

    def update(self) -> None:
        """Recomputes ``plain`` after a change of state."""
        self.plain = self.node is None and self.host_valid and self.pin == "auto"

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

    def await_value(self, node: Node, target: NDArray) -> None:
        """Queues the write ``target`` = value of ``node``.

        A write that pends already must have the same target: the new one takes its place.
        """
        self.before = self.readers if self.node is None else self.before + self.readers
        for reader in [r() for r in self.before]:
            if reader is not None and reader is not node and reader.result is None:
                node.depth = max(node.depth, reader.depth + _STEP_BEFORE)
        self.readers = node.readers
        self.node = node
        self.target = target
        self.viewed = False
        self.plain = False
        node.buffer = weakref.ref(self)


def pending_buffer(node: Node, pin: str) -> tuple[Buffer, NDArray]:
    """New memory for a node's value, and the array over it."""
    root, array = memory.allocate(node.shape, node.strides, node.dtype)
    buffer = Buffer(root, array)
    buffer.pin = pin
    buffer.await_value(node, array)
    return buffer, array


def capture(array: NDArray, buffer: Buffer) -> Node | Leaf:
    """An operand for a new node: the elements that ``array`` shows of ``buffer``, as of now."""
    node = buffer.node
    if node is None:
        return Leaf(View(buffer, array), None)
    target = buffer.target
    assert target is not None
    if memory.same_elements(array, target):
        return node
    buffer.viewed = True
    return Leaf(View(buffer, array), node)


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
