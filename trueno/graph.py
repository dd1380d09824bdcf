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

import math
import os
import threading
import weakref
from typing import Any, NamedTuple, Protocol

from trueno import memory
from trueno.kinds import Dtype
from trueno.memory import NDArray, Storage, View, make_view
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


class Node:
    """One operation on operands: pure, with its result's shape, dtype and strides decided.

    form:     the operation, and its result's shape, strides and dtype
    args:     the operands; emptied once run
    errstate: bits of the floating-point conditions to warn about (trueno.ops.DIVIDE, ...)
    result:   the view that holds the value, once computed
    owner:    weak reference to the Buffer or the Holder that waits for the value; dead, or waiting
              for another node, means that nobody but other nodes can ever see this value
    readers:  weak references to the nodes that take this value as an operand
    depth:    operations along the longest path below
    leaves:   the bits of the buffers read below
    """

    __slots__ = (
        "__weakref__", "args", "depth", "errstate", "form", "leaves", "owner", "readers", "result",
    )  # fmt: skip

    def __init__(self, form: Form, args: tuple[Any, ...], errstate: int) -> None:
        self.form = form
        self.args = args
        self.errstate = errstate
        self.owner: weakref.ref[Any] | None = None
        self.result: View | None = None
        self.readers: list[weakref.ref[Node]] = []
        depth = leaves = 0
        reference = weakref.ref(self)
        for arg in args:
            kind = type(arg)
            if kind is View:
                readers = arg[0].readers
                leaves |= arg[0].bit
            elif kind is Node:
                readers = arg.readers
                leaves |= arg.leaves
                if arg.depth > depth:
                    depth = arg.depth
            elif kind is Leaf:
                (storage, _), source = arg
                readers = storage.readers
                leaves |= storage.bit | source.leaves
                depth = max(depth, source.depth)
            else:
                continue
            readers.append(reference)
            if len(readers) >= 64:
                _forget_finished(readers)
        self.depth: int = depth + 1
        self.leaves: int = leaves

    @property
    def due(self) -> bool:
        """Whether the graph below has grown so much that it should run now."""
        return self.depth > DEPTH_LIMIT or self.leaves.bit_count() > LEAF_LIMIT

    @property
    def wanted(self) -> bool:
        """Whether somebody alive waits for this value: then it must be stored, not only used."""
        owner = self.owner() if self.owner is not None else None
        if owner is None:
            return False
        return (owner.node if type(owner) is Buffer else owner._node) is self


def _forget_finished(readers: list[weakref.ref[Node]]) -> None:
    count = len(readers)
    if not count & (count - 1):  # at powers of two, so that it costs little
        readers[:] = [r for r in readers if (n := r()) is not None and n.result is None]


class Buffer(Storage):
    """Memory that may have a write pending.

    node, target: the pending write: ``target`` becomes the value of ``node``; None: nothing pending
    before:       nodes that read the contents from before the pending write
    readers:      nodes that read the present contents (the pending write's result, if there is one)
    exports:      weak references to ndarrays that outsiders hold over this memory
    foreign:      the memory belongs to someone else, who may write to it at any time
    whole:        the array that the memory was made for: the ``base`` of all others over it
    pin:          "auto", "cpu" or "gpu": where the user pinned it
    bit:          stands for the buffer in sets of buffers, which are integers: few share one
    viewed:       a node reads the pending write's result from memory: the write must happen before
                  another one takes its place
    plain:        host memory is current, nothing pends, no pin: NumPy may read it right away
    """

    __slots__ = ()

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
        node.owner = weakref.ref(self)


def pending_buffer(node: Node, pin: str) -> tuple[Buffer, NDArray]:
    """New memory for a node's value, and the array over it."""
    form = node.form
    root, array = memory.allocate(form.shape, form.strides, form.dtype)
    buffer = Buffer(root, array)
    buffer.pin = pin
    buffer.readers = node.readers
    buffer.node = node
    buffer.target = array
    buffer.plain = False
    node.owner = weakref.ref(buffer)
    return buffer, array


class Holder(Protocol):
    """What waits for a node's value and has no memory yet: most intermediate results never need it.

    While ``_node`` is there, ``_array`` and ``_buffer`` are not.
    """

    _node: Node | None
    _array: NDArray
    _buffer: Buffer | None


def give_memory(holder: Holder) -> None:
    """Makes the buffer and the array that a pending value of no memory will be written to."""
    with lock:
        node = holder._node
        if node is None:
            return
        if node.result is None:
            holder._buffer, holder._array = pending_buffer(node, "auto")
        else:  # a signal's handler raised before the holder was told
            storage, holder._array = node.result
            assert type(storage) is Buffer
            holder._buffer = storage
        holder._node = None


def capture(array: NDArray, buffer: Buffer) -> Node | Leaf | View:
    """An operand for a new node: the elements that ``array`` shows of ``buffer``, as of now."""
    node = buffer.node
    if node is None:
        return make_view(buffer, array)
    target = buffer.target
    assert target is not None
    if array is target or memory.same_elements(array, target):
        return node
    buffer.viewed = True
    return Leaf(make_view(buffer, array), node)


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
