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

import weakref
from typing import Any, NamedTuple

from trueno import memory
from trueno.dtypes import Dtype
from trueno.memory import NDArray, Storage, View
from trueno.ops import Op

Shape = tuple[int, ...]

# A pending graph deeper than this runs at once, so that a loop that never observes its result cannot
# grow it without end.
DEPTH_LIMIT = 200


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
    """

    __slots__ = (
        "__weakref__", "args", "axes", "backend", "buffer", "depth", "dtype", "errstate", "op",
        "readers", "result", "shape", "strides",
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
        self.depth: int
        depth = 0
        for arg in args:
            if type(arg) is Node:
                depth = max(depth, arg.depth)
                arg.readers.append(weakref.ref(self))
            elif type(arg) is Leaf:
                storage = arg.view.storage
                assert type(storage) is Buffer
                storage.readers.append(weakref.ref(self))
                if arg.source is not None:
                    depth = max(depth, arg.source.depth)
        self.depth = depth + 1

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

    def to_host(self) -> None:
        super().to_host()
        self.update()

    def device_written(self) -> None:
        super().device_written()
        self.plain = False

    @property
    def shared(self) -> bool:
        if self.foreign:
            return True
        if self.exports:
            self.exports = [r for r in self.exports if r() is not None]
        return bool(self.exports)

    def await_value(self, node: Node, target: NDArray) -> None:
        """Queues the write ``target`` = value of ``node``.

        A write that pends already must have the same target: the new one takes its place.
        """
        self.before = self.readers if self.node is None else self.before + self.readers
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
    axes are ordered as NumPy's iterator orders them: an insertion sort by absolute stride, innermost
    first, in which C order wins conflicts between operands.
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
