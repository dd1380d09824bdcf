"""Calls on handles: deferred where a backend takes them, NumPy's at once otherwise.

``elementwise``, ``astype``; and the writes: ``update`` (in place) and ``assign``.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from trueno import conditions, engine, graph
from trueno._handle import small
from trueno.config import SETTINGS
from trueno.errors import named
from trueno.graph import (
    DEPTH_LIMIT,
    LEAF_LIMIT,
    Buffer,
    Form,
    Node,
    Shape,
    capture,
    form,
    pending_buffer,
    result_strides,
)
from trueno.handles import Handle, buffer_of, foreign_buffer, handle_for, handle_on
from trueno.handover import (
    before_write,
    call_numpy,
    deferral,
    deferred,
    gain_apart,
    host,
    small_below,
)
from trueno.kinds import BOOL, NUMBER, Dtype
from trueno.memory import NDArray, allocate, make_view, same_elements
from trueno.ops import OPS, Op

_WEAK = (int, float, complex)

# ---------------------------------------------------------------- operands


class Operands:
    """The operands of one call: arrays and scalars told apart, states gathered.

    keys:    dtypes, and int, float, complex for weak scalars
    layout:  the keys, that of an array followed by its shape and strides
    values:  the operands as given, NumPy's scalars converted
    arrays:  the arrays' ndarrays, None for scalars
    buffers: the arrays' buffers, None where there is none yet
    lazily:  pending operands need no memory: instead of array and buffer stand form and node
    foreign: whether others may write to one of them
    """

    __slots__ = (
        "_misaligned", "arrays", "buffers", "foreign", "keys", "layout", "on_gpu", "pending",
        "pin", "values",
    )  # fmt: skip

    def __init__(self, name: str, operands: tuple[Any, ...], lazily: bool = False) -> None:
        self.keys: list[Any] = []
        self.layout: list[Any] = []
        self.values: list[Any] = []
        self.arrays: list[Any] = []
        self.buffers: list[Any] = []
        self.pin = "auto"
        self.pending = self.on_gpu = self.foreign = self._misaligned = False
        ours = Handle.result_class
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
                if buffer is not None:
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
                array = np.asarray(x)
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
        array = self.arrays[i]
        assert array is not None
        return capture(array, self.buffer(i))

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
    scalars: which operands are Python's numbers, and what makes NumPy's scalars of them
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


def _remember(
    decision: _Decision, key: tuple[Any, ...], operands: Operands, into: NDArray | None
) -> None:
    if len(engine.decisions) >= _DECISIONS_KEPT:
        engine.decisions.clear()
        engine.quick_decisions.clear()
    engine.decisions[key] = decision
    simple = decision.size and into is None and operands.pin == "auto" and not operands.on_gpu
    if simple and decision.form is not None and not any(decision.casts) and key[0] is not _POW:
        engine.quick_decisions[(*key[:2], *operands.layout)] = decision


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
        tuple([(i, ins[i].type) for i, key in enumerate(operands.keys) if isinstance(key, type)]),
    )


def warned_of(op: Op, raises: int) -> int:
    """Those of the conditions to warn about when the operation runs, by what holds now."""
    errstate = conditions.errstate(op, raises) if raises else 0
    if errstate is None:
        raise Refused("floating-point conditions raise, call or print")
    return errstate


def _node(op: Op, operands: Operands, into: NDArray | None = None) -> tuple[Node, bool]:
    """A node for the call, and whether NumPy returns a scalar.

    into: the array that the result will be written to: its shape, strides and dtype hold.

    Raises Refused, with the reason, where NumPy should do the call at once.
    """
    settings = SETTINGS.get()
    key = (op, settings.backend, operands.pin, operands.on_gpu, *operands.layout)
    if into is not None:
        key = (*key, into.shape, into.strides)
    decision: _Decision | None = engine.decisions.get(key)
    if decision is None:
        decision = _new_decision(op, operands, into)
        _remember(decision, key, operands, into)
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
    args = []
    arrays = operands.arrays
    for i, dtype in enumerate(decision.ins):
        array = arrays[i]
        if array is None:
            args.append(operands.scalar(i, dtype))
        else:
            buffer = operands.buffers[i] or operands.buffer(i)
            if type(buffer) is Node:
                arg: Any = buffer
            else:
                arg = make_view(buffer, array) if buffer.node is None else capture(array, buffer)
            cast = decision.casts[i]
            args.append(arg if cast is None else Node(cast, (arg,), 0))
    return Node(decision.form, tuple(args), errstate), decision.scalar


def _pending(node: Node, operands: Operands, scalar: bool) -> Any:
    """A handle that waits for ``node``, or holds its value where waiting could be seen."""
    if operands.pin == "auto":
        handle = handle_for(node, scalar)
    else:
        buffer, array = pending_buffer(node, operands.pin)
        handle = handle_on(array, buffer, scalar)
    if operands.foreign or node.due:
        engine.evaluate([node])
    return handle


def _quick(op: Op, operands: tuple[Any, ...]) -> Any:
    """``elementwise`` in one go, for a call of a kind that was decided before; None for any other.

    Taken are arrays of our own, on the host and aligned, without pins and exports, and Python's
    numbers: what nearly all operands are.
    """
    settings = SETTINGS.get()
    key: list[Any] = [op, settings.backend]
    args: list[Any] = []
    pending = False
    ours = Handle.result_class
    for x in operands:
        kind = type(x)
        if kind is ours:
            node = x._node
            if node is not None:
                pending = True
                key.append(node.form)
                args.append(node)
                continue
            buffer = x._buffer or buffer_of(x)
            array = x._array
            if buffer.exports or buffer.foreign or not array.flags.aligned:
                return None
            if buffer.plain:
                args.append(make_view(buffer, array))
            elif buffer.target is array and buffer.host_valid and buffer.pin == "auto":
                pending = True
                args.append(buffer.node)
            else:
                return None
            key.append(array.dtype)
            key.append(array.shape)
            key.append(array.strides)
        elif kind is float or kind is int:
            key.append(kind)
            args.append(x)
        else:
            return None
    decision = engine.quick_decisions.get(tuple(key))
    if decision is None or not (pending or decision.size * decision.gain >= settings.threshold):
        return None
    raises = decision.raises
    errstate = conditions.errstate(op, raises) if raises else 0
    if errstate is None:
        return None
    if decision.scalars:
        try:
            for i, make in decision.scalars:
                args[i] = make(args[i])
        except OverflowError:  # a Python integer that the dtype cannot hold
            return None
    node = Node(decision.form, tuple(args), errstate)
    handle = handle_for(node, decision.scalar)
    if node.depth > DEPTH_LIMIT or node.leaves.bit_count() > LEAF_LIMIT:
        engine.evaluate([node])
    return handle


# What tells small calls of each operation.
_SMALL: dict[Op, bytes] = {op: small_below(op) for op in OPS.values()}


def elementwise(op: Op, *operands: Any) -> Any:
    """``op`` on arrays and scalars that broadcast together: a handle."""
    result = small(op.meaning, operands, op.name, _SMALL[op])
    if result is not NotImplemented:
        return result
    with graph.lock:
        handle = _quick(op, operands)
    if handle is not None:
        return handle
    gathered = Operands(op.name, operands, lazily=True)
    try:
        with graph.lock:
            node, scalar = _node(op, gathered)
            return _pending(node, gathered, scalar)
    except Refused as refused:
        reason = str(refused)
    return call_numpy(op.meaning, operands, name=op.name, reason=reason)


def astype(x: Any, dtype: Dtype, order: Any = "K") -> Any:
    """A copy of ``x`` in another (or the same) dtype, in NumPy's "unsafe" casting.

    order: "K", "C", "F" or "A", as NumPy's. Raises ValueError for another.
    """
    operands = Operands("astype", (x,))
    array = x._array
    try:
        with graph.lock:
            # NumPy orders the axes of a copy by another rule than those of a ufunc's result.
            strides = np.empty_like(array, dtype, order).strides
            node = _cast(operands, dtype, array.shape, strides)
            return _pending(node, operands, x._scalar)
    except Refused as refused:
        reason = str(refused)
    result = call_numpy(np.ndarray.astype, (x, dtype, order), name="astype", reason=reason)
    result._scalar = x._scalar
    return result


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


def _cast(operands: Operands, dtype: Dtype, shape: Shape, strides: Shape) -> Node:
    key = operands.keys[0]
    if key.kind == "c" and dtype.kind not in "cb":
        raise Refused("NumPy gives its ComplexWarning")
    elsewhere = operands.pending or operands.on_gpu
    array = operands.arrays[0]
    turned = array is not None and array.ndim > 1 and _order(array.strides) != _order(strides)
    gain = TRANSPOSING_GAIN if turned else CAST.gain(dtype)
    reason = engine.refusal(math.prod(shape), gain, operands.pin, elsewhere)
    if reason is not None:
        raise Refused(reason)
    backend, reason = engine.choose("cast", (key,), dtype, operands.pin, operands.on_gpu)
    if backend is None:
        raise Refused(reason)
    if not operands.aligned():
        raise Refused("unaligned memory")
    raises = CAST.raises_in(dtype)
    args = (operands.capture(0),)
    return Node(form(CAST, shape, strides, dtype, backend), args, warned_of(CAST, raises))


# ---------------------------------------------------------------- writes


def _write(node: Node, target: NDArray, handle: Handle, operands: Operands) -> None:
    """Queues ``target`` (a view of ``handle``) = value of ``node``; at once if it could be seen."""
    buffer = buffer_of(handle)
    if buffer.viewed:
        engine.materialise(buffer)
    buffer.await_value(node, target)
    if operands.foreign or buffer.shared or node.due or len(buffer.before) > 64:
        engine.evaluate([node])


def _settle(handle: Handle, target: NDArray) -> None:
    """Performs a write that pends on the handle's memory, unless it is to the same elements."""
    buffer = handle._buffer
    pending = None if buffer is None else buffer.target
    if pending is not None and not same_elements(target, pending):
        engine.materialise(buffer_of(handle))


def update(op: Op, handle: Any, *operands: Any) -> Any:
    """``handle[...] = op(*operands)`` in place, as a ufunc with ``out=handle`` does."""
    target = handle._array
    with graph.lock:
        try:
            node, gathered = _update_node(op, handle, operands)
        except Refused as refused:
            reason = str(refused)
        else:
            _write(node, target, handle, gathered)
            return handle
    start = deferral(op.name, reason)
    before_write(handle)
    try:
        op.meaning(*[host(x) for x in operands], out=target)
    except Exception as error:
        raise named(error, op.name) from None
    finally:
        deferred(op.name, reason, start)
    return handle


def update_where(handle: Any, mask: Any, value: np.generic[Any]) -> bool:
    """``handle[mask] = value``, deferred; False where that cannot be.

    mask: of a shape that broadcasts to the handle's; value: of the handle's dtype
    """
    with graph.lock:
        try:
            node, gathered = _update_node(OPS["where"], handle, (mask, value, handle))
        except Refused:
            return False
        _write(node, handle._array, handle, gathered)
    return True


def _update_node(op: Op, handle: Any, operands: tuple[Any, ...]) -> tuple[Node, Operands]:
    """The node whose value an in-place operation writes, in the dtype of what it writes to."""
    target = handle._array
    if not target.flags.writeable:
        raise Refused(NUMPYS_ERROR)
    _settle(handle, target)
    gathered = Operands(op.name, operands)
    if gathered.pin == "auto" and handle._buffer is not None:
        gathered.pin = handle._buffer.pin
    node, _ = _node(op, gathered, into=target)
    computed = node.form
    if computed.dtype != target.dtype:
        if not np.can_cast(computed.dtype, target.dtype, "safe"):
            raise Refused("NumPy decides whether the result fits")
        if target.dtype not in NUMBER or not engine.supports(
            computed.backend, "cast", (computed.dtype,), target.dtype
        ):
            raise Refused(f"{target.dtype} is computed by NumPy")
        shape, strides = computed.shape, computed.strides
        node = Node(form(CAST, shape, strides, target.dtype, computed.backend), (node,), 0)
    return node, gathered


def assign(handle: Any, target: NDArray, value: Any) -> None:
    """``target[...] = value`` where ``target`` is a view of the handle's array."""
    if isinstance(value, Handle) and target.size and target.flags.writeable:
        if value._buffer is handle._buffer and same_elements(target, value._array):
            return  # the second half of ``x[key] += y``
        with graph.lock:
            try:
                _settle(handle, target)
                operands = Operands("__setitem__", (value,))
                if np.broadcast_shapes(value._array.shape, target.shape) != target.shape:
                    raise Refused(NUMPYS_ERROR)
                node = _cast(operands, target.dtype, target.shape, target.strides)
            except (Refused, ValueError):
                pass  # NumPy does it, or gives its error, below
            else:
                _write(node, target, handle, operands)
                return
    before_write(handle)
    try:
        target[...] = host(value)
    except Exception as error:
        raise named(error, "__setitem__") from None


def in_c_order(x: Any) -> Any:
    """The handle itself if its elements lie in C order without gaps, else a copy that does."""
    array = x._array
    if array.flags.c_contiguous and array.flags.aligned:
        return x
    shape, dtype = array.shape, array.dtype
    root, copy = allocate(shape, result_strides(shape, dtype.itemsize, []), dtype)
    handle = handle_on(copy, Buffer(root, copy))
    assign(handle, copy, x)
    return handle
