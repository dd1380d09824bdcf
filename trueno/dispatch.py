"""Calls on handles: deferred where a backend takes them, NumPy's at once otherwise.

``elementwise`` and ``astype``; those that write to arrays stand in writes.py.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from trueno import conditions, engine, graph
from trueno._handle import bind, gathered, small
from trueno._handle import deferred as known
from trueno.config import SETTINGS
from trueno.graph import (
    Buffer,
    Form,
    Node,
    Shape,
    capture,
    form,
    pending_view,
    result_strides,
)
from trueno.handles import Handle, buffer_of, foreign_buffer, handle_for, handle_on
from trueno.handover import (
    call_numpy,
    converted,
    gain_apart,
    small_below,
)
from trueno.kinds import BOOL, NUMBER, Dtype
from trueno.memory import NDArray
from trueno.ops import OPS, Op

_WEAK = (int, float, complex)

# ---------------------------------------------------------------- operands


def _any_array(operands: tuple[Any, ...]) -> bool:
    """Whether one of the operands is no scalar."""
    ours = Handle.result_class
    return any(type(x) is ours and (x._node is not None or x._array.ndim) for x in operands)


class Operands:
    """The operands of one call: arrays and scalars told apart, states gathered.

    given:   the operands
    keys:    dtypes, and int, float, complex for weak scalars
    layout:  the keys, that of an array followed by its shape and strides
    values:  the operands, NumPy's scalars converted
    arrays:  the arrays' ndarrays, None for scalars
    buffers: the arrays' buffers, None where there is none yet
    lazily:  pending operands need no memory: instead of array and buffer stand form and node
    foreign: whether others may write to one of them
    """

    __slots__ = (
        "_misaligned", "arrays", "buffers", "foreign", "given", "keys", "layout", "on_gpu",
        "pending", "pin", "values",
    )  # fmt: skip

    def __init__(self, name: str, operands: tuple[Any, ...], lazily: bool = True) -> None:
        self.given = operands
        self.keys: list[Any] = []
        self.layout: list[Any] = []
        self.values: list[Any] = []
        self.arrays: list[Any] = []
        self.buffers: list[Any] = []
        self.pin = "auto"
        self.pending = self.on_gpu = self.foreign = self._misaligned = False
        ours = Handle.result_class
        joins = _any_array(operands)
        for operand in operands:
            x = operand
            kind: Any = type(x)
            buffer = None
            if kind is ours:
                if lazily and (node := x._node) is not None:
                    self.pending = True
                    self.layout.append(node.form)
                    self.keys.append(node.form.dtype)
                    self.values.append(x)
                    self.arrays.append(node.form)
                    self.buffers.append(node)
                    continue
                array = x._array
                buffer = x._buffer
                plain = buffer is None or buffer.plain
                if lazily and joins and not array.ndim and plain and array.dtype in NUMBER:
                    x = array[()]  # its element needs no memory
                    array = buffer = None
                    kind = x.dtype
                elif buffer is not None:
                    if not buffer.plain:
                        self._add_state(name, buffer)
                    if buffer.foreign or (buffer.exports and buffer.shared):
                        self.foreign = True
            elif kind in _WEAK:
                array = None
            elif isinstance(x, (np.generic, bool)):
                array = None
                x = np.asarray(x)[()]
                kind = x.dtype
            elif isinstance(x, _WEAK):  # a subclass, such as an IntEnum's member
                array = None
                kind = next(kind for kind in _WEAK if isinstance(x, kind))
                x = kind(x)
            else:
                array = np.asarray(converted(x))
                self.foreign = True
            if array is not None:
                kind = array.dtype
                self.layout += kind, array.shape, array.strides
                if not array.flags.aligned:
                    self._misaligned = True
            else:
                self.layout.append(kind)
            self.keys.append(kind)
            self.values.append(x)
            self.arrays.append(array)
            self.buffers.append(buffer)

    def _add_state(self, name: str, buffer: Buffer) -> None:
        self.pending |= buffer.node is not None
        self.on_gpu |= not buffer.host_valid
        if buffer.pin != "auto":
            if self.pin not in ("auto", buffer.pin):
                raise ValueError(
                    f"trueno.{name}: operands are pinned to different devices, "
                    f"{self.pin!r} and {buffer.pin!r}; move one with to_device()"
                )
            self.pin = buffer.pin

    def shape(self) -> Shape:
        """The broadcast shape. Raises ValueError as NumPy does."""
        shapes = [array.shape for array in self.arrays if array is not None]
        if not shapes:
            return ()
        first: Shape = shapes[0]
        if all(shape == first for shape in shapes):
            return first
        return np.broadcast_shapes(*shapes)

    def aligned(self) -> bool:
        """Whether every array's elements stand at multiples of their size."""
        return not self._misaligned

    def scalar(self, i: int, dtype: Dtype) -> Any:
        """The scalar that operand ``i`` is, as NumPy's of ``dtype``."""
        value = self.values[i]
        if type(value) not in _WEAK:
            return value.astype(dtype)
        try:
            return dtype.type(value)
        except OverflowError as error:  # a Python integer that the dtype cannot hold
            raise Refused(NUMPYS_ERROR) from error

    def buffer(self, i: int) -> Buffer:
        """The buffer of the array that operand ``i`` is, made now if there was none."""
        buffer: Buffer | None = self.buffers[i]
        if buffer is None:
            value, array = self.values[i], self.arrays[i]
            assert array is not None
            buffer = buffer_of(value) if isinstance(value, Handle) else foreign_buffer(array)
        return buffer

    def capture(self, i: int) -> Any:
        """The array that operand ``i`` is, for a node."""
        buffer = self.buffers[i]
        return buffer if type(buffer) is Node else capture(self.arrays[i], self.buffer(i))

    def layouts(self) -> list[tuple[Shape, Shape]]:
        return [(array.shape, array.strides) for array in self.arrays if array is not None]


def fresh_strides(shape: Shape, dtype: Dtype, operands: Operands) -> Shape:
    """Strides of a fresh result of the call."""
    return result_strides(shape, dtype.itemsize, operands.layouts())


# ---------------------------------------------------------------- elementwise


def resolve(op: Op, keys: tuple[Any, ...]) -> tuple[Dtype, ...]:
    """The dtypes that a call computes in, and its result's; TypeError where NumPy has none."""
    if op.name == "where":
        # numpy.result_type takes instances of Python scalars, not their types, as weak.
        result = np.result_type(*[key(0) if isinstance(key, type) else key for key in keys[1:]])
        return (BOOL, result, result, result)
    return op.resolve(keys)


class Refused(Exception):  # noqa: N818 (a signal, not an error)
    """Why a call is not deferred."""


class _Decision(NamedTuple):
    """What holds for all calls of one operation on operands of certain dtypes and layouts.

    size:    the result's elements; None if the operands do not broadcast
    gain:    in the dtype computed in, the operation pays with this many times fewer elements
    refusal: why NumPy does such calls, "" if it does not; then the rest holds as well
    form:    the node's
    ins:     the dtypes in which the operands are taken
    casts:   the form of each operand's cast, or None
    raises:  the floating-point conditions that may arise
    scalar:  whether NumPy returns a scalar
    scalars: which operands are numbers of another dtype, and what makes NumPy's scalars of them
    """

    size: int | None
    gain: float
    refusal: str
    form: Form | None = None
    ins: tuple[Dtype, ...] = ()
    casts: tuple[Form | None, ...] = ()
    raises: int = 0
    scalar: bool = False
    scalars: tuple[tuple[int, Any], ...] = ()


NUMPYS_ERROR = engine.NUMPYS_ERROR
CAST, _POW = OPS["cast"], OPS["pow"]


_DECISIONS_KEPT = 8192


class _Known(NamedTuple):
    """What C must know of calls of one kind to make nodes of them (csrc/python/deferred.c).

    work:    elements, times the gain
    scalars: which operands are numbers of another dtype, and what makes NumPy's scalars of them
    memory:  what was known of conditions when they were looked up last, and what they were; how
             many calls under the threshold are NumPy's before one is tried
    kept:    the objects whose addresses the key holds
    The rest as in _Decision.
    """

    form: Form
    work: float
    raises: int
    scalar: bool
    scalars: tuple[tuple[int, Any], ...]
    casts: tuple[Form | None, ...]
    op: Op
    memory: list[Any]
    kept: tuple[Any, ...]


def _remember(op: Op, decision: _Decision, operands: Operands, into: NDArray | None) -> None:
    """Lets C make nodes of the next calls of this kind, if it can."""
    form, size = decision.form, decision.size
    if form is None or not size or op is _POW or (into is not None and form.dtype != into.dtype):
        return
    taken = gathered(op, operands.given, into)
    if taken is None:
        return
    key = taken[0]
    kept = (*operands.layout, op, None if into is None else into.dtype)
    if engine.quick_decisions.get(key) is None:
        if len(engine.quick_decisions) >= _DECISIONS_KEPT:
            engine.quick_decisions.clear()
        engine.quick_decisions[key] = _Known(
            form, size * decision.gain, decision.raises, decision.scalar, decision.scalars,
            decision.casts, op, [None, None, 0], kept,
        )  # fmt: skip


def apart(array: NDArray | Form) -> bool:
    """Whether no two elements are neighbours in memory."""
    steps = [abs(s) for n, s in zip(array.shape, array.strides, strict=True) if n > 1 and s]
    return bool(steps) and min(steps) > array.dtype.itemsize


def _new_decision(op: Op, operands: Operands, into: NDArray | None) -> _Decision:
    try:
        shape = operands.shape()
        if into is not None and np.broadcast_shapes(shape, into.shape) != into.shape:
            return _Decision(None, 1, NUMPYS_ERROR)
    except ValueError:
        return _Decision(None, 1, NUMPYS_ERROR)
    if into is not None:
        shape = into.shape
    size = math.prod(shape)
    try:
        *ins, out = resolve(op, tuple(operands.keys))
    except TypeError:
        return _Decision(size, 1, NUMPYS_ERROR)
    gain: float = max(
        [op.gain(key) for key in operands.keys if not isinstance(key, type)], default=1
    )
    if any(array is not None and apart(array) for array in operands.arrays):
        gain = gain_apart(gain)
    backend, reason = engine.choose(op.name, tuple(ins), out, operands.pin, operands.on_gpu)
    if backend is None:
        return _Decision(size, gain, reason)
    strides = into.strides if into is not None else fresh_strides(shape, out, operands)
    casts: list[Form | None] = []
    for key, dtype, array in zip(operands.keys, ins, operands.arrays, strict=True):
        if isinstance(key, type) or key == dtype:
            casts.append(None)
            continue
        if key not in NUMBER or not engine.supports(backend, "cast", (key,), dtype):
            return _Decision(size, gain, f"{key} is computed by NumPy")
        casts.append(None if array is None else form(CAST, shape, strides, dtype, backend))
    return _Decision(
        size,
        gain,
        "",
        form(op, shape, strides, out, backend),
        tuple(ins),
        tuple(casts),
        op.raises_in(ins[0]),
        # Of no dimensions, ufuncs return scalars; other functions, arrays.
        not shape and isinstance(op.meaning, np.ufunc),
        tuple(
            [
                (i, ins[i].type)
                for i, array in enumerate(operands.arrays)
                if array is None and operands.keys[i] is not ins[i]
            ]
        ),
    )


def warned_of(op: Op, raises: int) -> int:
    """Those of the conditions to warn about when the operation runs, by what holds now."""
    errstate = conditions.errstate(op, raises) if raises else 0
    if errstate is None:
        raise Refused("floating-point conditions raise, call or print")
    return errstate


def _decision(op: Op, operands: Operands, into: NDArray | None) -> _Decision:
    # The target's layout comes first: behind a scalar's dtype it would look like an array's.
    target = None if into is None else (into.shape, into.strides)
    key = (op, SETTINGS.get().backend, operands.pin, operands.on_gpu, target, *operands.layout)
    decision: _Decision | None = engine.decisions.get(key)
    if decision is None:
        decision = _new_decision(op, operands, into)
        keep(key, decision)
    return decision


def keep(key: Any, decision: Any) -> None:
    """Keeps what was decided for calls of one kind."""
    if len(engine.decisions) >= _DECISIONS_KEPT:
        engine.decisions.clear()
    engine.decisions[key] = decision


# Operations of which NumPy and every backend give the same bits, but for complex numbers.
_EXACT = frozenset(
    {
        "abs", "add", "bitwise_and", "bitwise_invert", "bitwise_or", "bitwise_xor", "ceil",
        "divide", "equal", "floor", "fmax", "fmin", "greater", "greater_equal", "less",
        "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum",
        "minimum", "multiply", "negative", "not_equal", "sqrt", "square", "subtract", "trunc",
    }
)  # fmt: skip


@functools.cache
def _keep_freed_memory() -> None:
    """Lets the C library keep some freed memory: twice the largest block that was freed so far.

    Where calls wait, more of NumPy's own results live at once, and die at once. Were their pages
    given back each time, fresh ones would cost more than what is computed on them.
    """
    np.empty(31 << 20, np.uint8)  # the largest that counts is 32 MiB; its pages are not touched


def learn(op: Op, given: tuple[Any, ...]) -> None:
    """Decides on a kind of call under the threshold, for C to try whether it joins others."""
    _keep_freed_memory()
    operands = Operands(op.name, given)
    decision = _decision(op, operands, None)
    form = decision.form
    complex_ = any(dtype.kind == "c" for dtype in decision.ins)
    if form is not None and form.backend == "simd" and op.name in _EXACT and not complex_:
        _remember(op, decision, operands, None)
    elif (taken := gathered(op, given, None)) is not None:
        engine.quick_decisions.setdefault(taken[0], None)


bind(learn=learn)


def node_for(op: Op, operands: Operands, into: NDArray | None = None) -> tuple[Node, bool]:
    """A node for the call, and whether NumPy returns a scalar.

    into: the array that the result will be written to: its shape, strides and dtype hold.

    Raises Refused, with the reason, where NumPy should do the call at once.
    """
    settings = SETTINGS.get()
    decision = _decision(op, operands, into)
    size = decision.size
    if size is not None and (
        size == 0
        or (
            not (operands.pending or operands.on_gpu or size * decision.gain >= settings.threshold)
            and operands.pin != "gpu"
        )
    ):
        raise Refused(engine.BELOW)
    if decision.form is None:
        raise Refused(decision.refusal)
    if not operands.aligned():
        raise Refused("unaligned memory")
    raises = decision.raises
    errstate = warned_of(op, raises) if raises else 0
    if op is _POW and decision.ins[1].kind == "i":
        exponent = operands.values[1]
        if type(exponent) is not int or exponent < 0:
            raise Refused("NumPy checks integer exponents")
    if operands.pin == "auto" and not operands.on_gpu:
        _remember(op, decision, operands, into)
    args = []
    arrays = operands.arrays
    for i, dtype in enumerate(decision.ins):
        array = arrays[i]
        if array is None:
            args.append(operands.scalar(i, dtype))
        else:
            arg = operands.capture(i)
            cast = decision.casts[i]
            args.append(arg if cast is None else Node(cast, (arg,), 0))
    return Node(decision.form, tuple(args), errstate), decision.scalar


def _pending(node: Node, operands: Operands, scalar: bool) -> Any:
    """A handle that waits for ``node``, or holds its value where waiting could be seen."""
    if operands.pin == "auto":
        handle = handle_for(node, scalar)
    else:
        buffer, array = pending_view(node)
        buffer.pin_to(operands.pin)
        handle = handle_on(array, buffer, scalar)
    if operands.foreign or node.due:
        engine.evaluate([node])
    return handle


# What tells small calls of each operation.
_SMALL: dict[Op, bytes] = {op: small_below(op) for op in OPS.values()}


def elementwise(op: Op, *operands: Any) -> Any:
    """``op`` on arrays and scalars that broadcast together: a handle."""
    result = small(op.meaning, operands, op.name, _SMALL[op])
    if result is not NotImplemented:
        return result
    handle = known(op, *operands)
    if handle is not None:
        return handle
    all_of_them = Operands(op.name, operands)
    try:
        with graph.lock:
            node, scalar = node_for(op, all_of_them)
            return _pending(node, all_of_them, scalar)
    except Refused as refused:
        reason = str(refused)
    return call_numpy(op.meaning, operands, name=op.name, reason=reason)


def astype(x: Any, dtype: Dtype, order: Any = "K") -> Any:
    """A copy of ``x`` in another (or the same) dtype, in NumPy's "unsafe" casting.

    order: "K", "C", "F" or "A", as NumPy's. Raises ValueError for another.
    """
    operands = Operands("astype", (x,))
    try:
        with graph.lock:
            node = cast_node(operands, dtype, x.shape, _copy_strides(x, dtype, order))
            return _pending(node, operands, x._scalar)
    except Refused as refused:
        reason = str(refused)
    result = call_numpy(np.ndarray.astype, (x, dtype, order), name="astype", reason=reason)
    result._scalar = x._scalar
    return result


def _copy_strides(x: Any, dtype: Dtype, order: Any) -> Shape:
    """Strides of a copy, whose axes NumPy orders by another rule than those of ufuncs' results."""
    layout = x._layout
    in_c_order = result_strides(layout.shape, layout.dtype.itemsize, [])
    if order in ("K", "C", "A") and layout.strides == in_c_order:
        return result_strides(layout.shape, dtype.itemsize, [])
    strides: Shape = np.empty_like(x._array, dtype, order).strides
    return strides


# A copy whose axes change places jumps through memory in NumPy: it pays with fewer elements.
TRANSPOSING_GAIN = 8


def copy(x: Any, order: Any) -> Any:
    """A copy of ``x`` with its axes in the given order: "K", "C", "F" or "A"."""
    array, buffer = x._array, x._buffer
    small = array.size * TRANSPOSING_GAIN < SETTINGS.get().threshold
    if small and (buffer is None or buffer.plain):
        return handle_on(array.copy(order), None, x._scalar)
    return astype(x, array.dtype, order)


def _order(strides: Shape) -> list[int]:
    """Axes from the outermost to the innermost."""
    return sorted(range(len(strides)), key=lambda axis: -abs(strides[axis]))


def cast_node(
    operands: Operands, dtype: Dtype, shape: Shape, strides: Shape, into: NDArray | None = None
) -> Node:
    key = operands.keys[0]
    if key.kind == "c" and dtype.kind not in "cb":
        raise Refused("NumPy gives its ComplexWarning")
    elsewhere = operands.pending or operands.on_gpu
    array = operands.arrays[0]
    turned = array is not None and array.ndim > 1 and _order(array.strides) != _order(strides)
    gain = TRANSPOSING_GAIN if turned else CAST.gain(dtype)
    size = math.prod(shape)
    reason = engine.refusal(size, gain, operands.pin, elsewhere)
    if reason is not None:
        raise Refused(reason)
    backend, reason = engine.choose("cast", (key,), dtype, operands.pin, operands.on_gpu)
    if backend is None:
        raise Refused(reason)
    if not operands.aligned():
        raise Refused("unaligned memory")
    raises = CAST.raises_in(dtype)
    own = form(CAST, shape, strides, dtype, backend)
    errstate = warned_of(CAST, raises)
    if into is not None and array.ndim and operands.pin == "auto" and not operands.on_gpu:
        decision = _Decision(size, gain, "", own, (key,), (None,), raises)
        _remember(CAST, decision, operands, into)
    return Node(own, (operands.capture(0),), errstate)
