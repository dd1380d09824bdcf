"""Calls on handles: deferred where a backend takes them, NumPy's at once otherwise.

``elementwise``, ``astype``, ``reduce``; and the writes: ``update`` (in place) and ``assign``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from trueno import engine, graph
from trueno.config import SETTINGS
from trueno.core import Handle, buffer_of, foreign_buffer, handle_on
from trueno.dtypes import BOOL, INT64, NUMBER, UINT64, Dtype
from trueno.errors import named
from trueno.graph import (
    Leaf,
    Node,
    Shape,
    capture,
    pending_buffer,
    result_strides,
)
from trueno.handover import at_once, before_write, call_numpy, deferral, host, small_array
from trueno.memory import NDArray, View, same_elements
from trueno.ops import DIVIDE, INVALID, OPS, OVERFLOW, Op

_WEAK = (int, float, complex)

# ---------------------------------------------------------------- operands


class Operands:
    """The operands of one call: arrays and scalars told apart, states gathered."""

    __slots__ = ("arrays", "buffers", "foreign", "keys", "on_gpu", "pending", "pin", "values")

    def __init__(self, name: str, operands: tuple[Any, ...]) -> None:
        self.keys: list[Any] = []  # dtypes, and int, float, complex for weak scalars
        self.values: list[Any] = []
        self.arrays: list[NDArray | None] = []
        self.buffers: list[Any] = []
        self.pin = "auto"
        self.pending = self.on_gpu = self.foreign = False
        for x in operands:
            if isinstance(x, Handle):
                array = x._array
                buffer = x._buffer
                if buffer is not None and not buffer.plain:
                    self.pending |= buffer.node is not None
                    self.on_gpu |= not buffer.host_valid
                    if buffer.pin != "auto":
                        if self.pin not in ("auto", buffer.pin):
                            raise ValueError(
                                f"trueno.{name}: operands are pinned to different devices, "
                                f"{self.pin!r} and {buffer.pin!r}; move one with to_device()"
                            )
                        self.pin = buffer.pin
                if buffer is not None and buffer.shared:
                    self.foreign = True
                self._add(array.dtype, x, array, buffer)
            elif type(x) in _WEAK:
                self._add(type(x), x, None, None)
            elif isinstance(x, (np.generic, bool)):
                scalar = np.asarray(x)[()]
                self._add(scalar.dtype, scalar, None, None)
            elif isinstance(x, _WEAK):  # a subclass, such as an IntEnum's member
                kind: Any = next(kind for kind in _WEAK if isinstance(x, kind))
                self._add(kind, kind(x), None, None)
            else:
                array = np.asarray(x)
                self.foreign = True
                self._add(array.dtype, x, array, None)

    def _add(self, key: Any, value: Any, array: NDArray | None, buffer: Any) -> None:
        self.keys.append(key)
        self.values.append(value)
        self.arrays.append(array)
        self.buffers.append(buffer)

    def shape(self) -> Shape:
        """The broadcast shape. Raises ValueError as NumPy does."""
        shapes = [array.shape for array in self.arrays if array is not None]
        if not shapes:
            return ()
        first: Shape = shapes[0]
        if all(shape == first for shape in shapes):
            return first
        return np.broadcast(*[array for array in self.arrays if array is not None]).shape

    def aligned(self) -> bool:
        return all(array.flags.aligned for array in self.arrays if array is not None)

    def capture(self, i: int, dtype: Dtype) -> Any:
        """Operand ``i`` for a node, scalars as NumPy scalars of ``dtype``."""
        array = self.arrays[i]
        if array is None:
            value = self.values[i]
            return dtype.type(value) if type(value) in _WEAK else value.astype(dtype)
        value = self.values[i]
        if not isinstance(value, Handle):
            return Leaf(View(foreign_buffer(array), array), None)
        return capture(array, buffer_of(value))

    def layouts(self) -> list[tuple[Shape, Shape]]:
        return [(array.shape, array.strides) for array in self.arrays if array is not None]


def _strides(shape: Shape, dtype: Dtype, operands: Operands) -> Shape:
    itemsize = dtype.itemsize
    for array in operands.arrays:
        if array is not None and (array.shape != shape or not array.flags.c_contiguous):
            return result_strides(shape, itemsize, operands.layouts())
    strides = []
    for n in reversed(shape):
        strides.append(itemsize)
        itemsize *= n
    return tuple(reversed(strides))


def _size(shape: Shape) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


# ---------------------------------------------------------------- elementwise


def resolve(op: Op, keys: tuple[Any, ...]) -> tuple[Dtype, ...]:
    """The dtypes that a call computes in, and its result's; TypeError where NumPy has none."""
    if op.name == "where":
        # numpy.result_type takes instances of Python scalars, not their types, as weak.
        result = np.result_type(*[key(0) if isinstance(key, type) else key for key in keys[1:]])
        return (BOOL, result, result, result)
    return op.resolve(keys)


class _Refused(Exception):  # noqa: N818 (a signal, not an error)
    """Why a call is not deferred."""


class _Decision(NamedTuple):
    """How calls of one operation on operands of certain dtypes are computed."""

    ins: tuple[Dtype, ...]
    out: Dtype
    backend: str
    casts: tuple[bool, ...]


NUMPYS_ERROR = "NumPy decides the error"
_CAST, _POW = OPS["cast"], OPS["pow"]


def _decide(op: Op, operands: Operands) -> _Decision:
    """Dtypes and backend for a call; raises _Refused where it has none."""
    key = (op, tuple(operands.keys), operands.pin, operands.on_gpu, SETTINGS.get().backend)
    decision = engine.decisions.get(key)
    if decision is None:
        decision = engine.decisions[key] = _new_decision(op, operands)
    if not isinstance(decision, _Decision):
        raise _Refused(decision)
    return decision


def _new_decision(op: Op, operands: Operands) -> _Decision | str:
    try:
        *ins, out = resolve(op, tuple(operands.keys))
    except TypeError:
        return NUMPYS_ERROR
    backend, reason = engine.choose(op.name, tuple(ins), out, operands.pin, operands.on_gpu)
    if backend is None:
        return reason
    casts = [
        not isinstance(key, type) and key != dtype
        for key, dtype in zip(operands.keys, ins, strict=True)
    ]
    for cast, key, dtype in zip(casts, operands.keys, ins, strict=True):
        if cast and (key not in NUMBER or not engine.supports(backend, "cast", (key,), dtype)):
            return f"{key} is computed by NumPy"
    return _Decision(tuple(ins), out, backend, tuple(casts))


def _errstate(op: Op, dtype: Dtype) -> int:
    """The conditions to warn about when the operation runs, by what holds now."""
    raises = DIVIDE | OVERFLOW | INVALID if dtype.kind == "c" else op.raises
    if not raises:
        return 0
    errstate = engine.errstate(op, raises)
    if errstate is None:
        raise _Refused("floating-point conditions raise, call or print")
    return errstate


def _node(op: Op, operands: Operands, into: NDArray | None = None) -> Node:
    """A node for the call; raises _Refused, with the reason, where NumPy should do it at once.

    into: the array that the result will be written to: its shape, strides and dtype hold.
    """
    try:
        shape = operands.shape()
        if into is not None and shape != into.shape:
            shape = np.broadcast_shapes(shape, into.shape)
    except ValueError as error:
        raise _Refused(NUMPYS_ERROR) from error
    if into is not None and shape != into.shape:
        raise _Refused(NUMPYS_ERROR)
    slow = bool(op.heavy) and any(getattr(key, "char", "") in op.heavy for key in operands.keys)
    elsewhere = operands.pending or operands.on_gpu
    reason = engine.refusal(_size(shape), slow, operands.pin, elsewhere)
    if reason is not None:
        raise _Refused(reason)
    ins, out, backend, casts = _decide(op, operands)
    if not operands.aligned():
        raise _Refused("unaligned memory")
    errstate = _errstate(op, ins[0])
    if op is _POW and ins[1].kind == "i":
        exponent = operands.values[1]
        if type(exponent) is not int or exponent < 0:
            raise _Refused("NumPy checks integer exponents")
    strides = into.strides if into is not None else _strides(shape, out, operands)
    args = []
    for i, dtype in enumerate(ins):
        try:
            arg = operands.capture(i, dtype)
        except OverflowError as error:  # a Python integer that the dtype cannot hold
            raise _Refused(NUMPYS_ERROR) from error
        if casts[i] and operands.arrays[i] is not None:
            arg = Node(_CAST, (arg,), shape, strides, dtype, backend, 0)
        args.append(arg)
    return Node(op, tuple(args), shape, strides, out, backend, errstate)


def _pending(node: Node, operands: Operands, scalar: bool) -> Any:
    """A handle that waits for ``node``, or holds its value where waiting could be seen."""
    buffer, array = pending_buffer(node, operands.pin)
    if operands.foreign or node.due:
        engine.evaluate([node])
    return handle_on(array, buffer, scalar)


def elementwise(op: Op, *operands: Any) -> Any:
    """``op`` on arrays and scalars that broadcast together: a handle."""
    if op.nin == 1 and isinstance(operands[0], Handle):
        small = small_array(operands[0], op.heavy)
        if small is not None:
            return at_once(op.name, op.meaning, small)
    gathered = Operands(op.name, operands)
    with graph.lock:
        try:
            node = _node(op, gathered)
        except _Refused as refused:
            reason = str(refused)
        else:
            # Of no dimensions, ufuncs return scalars; other functions, arrays.
            scalar = not node.shape and isinstance(op.meaning, np.ufunc)
            return _pending(node, gathered, scalar)
    return call_numpy(op.meaning, operands, name=op.name, reason=reason)


def astype(x: Any, dtype: Dtype) -> Any:
    """A copy of ``x`` in another (or the same) dtype, in NumPy's "unsafe" casting."""
    operands = Operands("astype", (x,))
    array = x._array
    with graph.lock:
        try:
            # NumPy orders the axes of a copy by another rule than those of a ufunc's result.
            strides = np.empty_like(array, dtype).strides
            node = _cast(operands, dtype, array.shape, strides)
        except _Refused as refused:
            reason = str(refused)
        else:
            return _pending(node, operands, x._scalar)
    result = call_numpy(np.ndarray.astype, (x, dtype), name="astype", reason=reason)
    result._scalar = x._scalar
    return result


def _cast(operands: Operands, dtype: Dtype, shape: Shape, strides: Shape) -> Node:
    key = operands.keys[0]
    if key.kind == "c" and dtype.kind != "c":
        raise _Refused("NumPy gives its ComplexWarning")
    reason = engine.refusal(_size(shape), False, operands.pin, operands.pending or operands.on_gpu)
    if reason is not None:
        raise _Refused(reason)
    backend, reason = engine.choose("cast", (key,), dtype, operands.pin, operands.on_gpu)
    if backend is None:
        raise _Refused(reason)
    if not operands.aligned():
        raise _Refused("unaligned memory")
    errstate = _errstate(_CAST, dtype)
    return Node(_CAST, (operands.capture(0, key),), shape, strides, dtype, backend, errstate)


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
        except _Refused as refused:
            reason = str(refused)
        else:
            _write(node, target, handle, gathered)
            return handle
    deferral(op.name, reason)
    before_write(handle)
    try:
        op.meaning(*[host(x) for x in operands], out=target)
    except Exception as error:
        raise named(error, op.name) from None
    return handle


def _update_node(op: Op, handle: Any, operands: tuple[Any, ...]) -> tuple[Node, Operands]:
    """The node whose value an in-place operation writes, in the dtype of what it writes to."""
    target = handle._array
    if not target.flags.writeable:
        raise _Refused(NUMPYS_ERROR)
    _settle(handle, target)
    gathered = Operands(op.name, operands)
    if gathered.pin == "auto" and handle._buffer is not None:
        gathered.pin = handle._buffer.pin
    node = _node(op, gathered, into=target)
    if node.dtype != target.dtype:
        if not np.can_cast(node.dtype, target.dtype, "safe"):
            raise _Refused("NumPy decides whether the result fits")
        if target.dtype not in NUMBER or not engine.supports(
            node.backend, "cast", (node.dtype,), target.dtype
        ):
            raise _Refused(f"{target.dtype} is computed by NumPy")
        args = (node,)
        node = Node(_CAST, args, node.shape, node.strides, target.dtype, node.backend, 0)
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
                    raise _Refused(NUMPYS_ERROR)
                node = _cast(operands, target.dtype, target.shape, target.strides)
            except (_Refused, ValueError):
                pass  # NumPy does it, or gives its error, below
            else:
                _write(node, target, handle, operands)
                return
    before_write(handle)
    try:
        target[...] = host(value)
    except Exception as error:
        raise named(error, "__setitem__") from None


# ---------------------------------------------------------------- reductions


def sum_dtype(dtype: Dtype) -> Dtype:
    """The dtype in which NumPy sums and multiplies elements of ``dtype``."""
    if dtype.kind in "bi":
        return INT64 if dtype.itemsize < 8 else dtype
    if dtype.kind == "u":
        return UINT64 if dtype.itemsize < 8 else dtype
    return dtype


def reduce(
    op: Op,
    x: Any,
    axis: Any = None,
    dtype: Any = None,
    keepdims: bool = False,
    **others: Any,
) -> Any:
    """A reduction of ``x`` over ``axis`` (None: all axes; an int or a tuple of ints).

    others: ``out``, ``initial``, ``where`` as NumPy has them; NumPy computes calls that give one.
    """
    kwargs = others
    if dtype is not None:
        kwargs["dtype"] = dtype
    if keepdims:
        kwargs["keepdims"] = True
    if not isinstance(x, Handle):
        return call_numpy(op.meaning, (x,), {"axis": axis, **kwargs}, name=op.name)
    small = small_array(x)
    if small is not None and "out" not in others:
        # The method costs half of the function.
        return at_once(op.name, getattr(small, op.name), axis, **kwargs)
    try:
        if len(others) > (dtype is not None) + bool(keepdims):
            raise _Refused("out, initial or where given")
        with graph.lock:
            return _reduce(op, x, axis, dtype, keepdims)
    except _Refused as refused:
        reason = str(refused)
    return call_numpy(op.meaning, (x,), {"axis": axis, **kwargs}, name=op.name, reason=reason)


def _reduce(op: Op, x: Any, axis: Any, dtype: Any, keepdims: bool) -> Any:
    array = x._array
    ndim = array.ndim
    if array.dtype not in NUMBER:
        raise _Refused(f"{array.dtype} is computed by NumPy")
    if ndim == 0 or not array.size:
        raise _Refused(engine.BELOW)
    positional = op.types is None  # argmax, argmin
    if positional and axis is not None and not isinstance(axis, (int, np.integer)):
        raise _Refused(NUMPYS_ERROR)
    normal = normal_axes(axis, ndim)
    if normal is None:
        raise _Refused(NUMPYS_ERROR)
    if not normal:
        raise _Refused(engine.BELOW)
    axes = tuple(sorted(normal))
    if positional and axis is None and ndim > 1 and not array.flags.c_contiguous:
        raise _Refused("positions are counted in C order")
    if op.name in ("sum", "prod"):
        computed = np.dtype(dtype) if dtype is not None else sum_dtype(array.dtype)
        result = computed
    elif op.name in ("all", "any"):
        computed, result = array.dtype, BOOL
    else:
        computed = array.dtype
        result = INT64 if positional else computed
    operands = Operands(op.name, (x,))
    small = engine.refusal(array.size, False, operands.pin, operands.pending or operands.on_gpu)
    if small is not None:
        raise _Refused(small)
    backend, reason = engine.choose(op.name, (computed,), result, operands.pin, operands.on_gpu)
    if backend is None:
        raise _Refused(reason)
    if not operands.aligned():
        raise _Refused("unaligned memory")
    errstate = _errstate(op, computed)
    if computed != array.dtype and (
        not np.can_cast(array.dtype, computed, "same_kind")
        or not engine.supports(backend, "cast", (array.dtype,), computed)
    ):
        raise _Refused(f"a {op.name} of {array.dtype} in {computed}")
    arg = operands.capture(0, computed)
    if computed != array.dtype:
        strides = _strides(array.shape, computed, operands)
        arg = Node(_CAST, (arg,), array.shape, strides, computed, backend, 0)
    kept = tuple([1 if i in axes else n for i, n in enumerate(array.shape)])
    # NumPy orders the result's axes as it iterates over all axes; positions it returns in C order.
    iterated = [] if positional else [(array.shape, array.strides)]
    order = result_strides(array.shape, 1, iterated)
    strides = result_strides(kept, result.itemsize, [(kept, order)])
    node = Node(op, (arg,), kept, strides, result, backend, errstate, axes)
    handle = _pending(node, operands, False)
    # At once: waiting would keep large operands for the sake of a small result.
    engine.evaluate([node])
    if keepdims:
        return handle
    final = tuple([n for i, n in enumerate(array.shape) if i not in axes])
    return handle_on(handle._array.reshape(final), handle._buffer, not final)


def normal_axes(axis: Any, ndim: int) -> tuple[int, ...] | None:
    """``axis`` (None: all) as a tuple of axes from 0 to ndim - 1; None where NumPy raises."""
    if axis is None:
        return tuple(range(ndim))
    try:
        axes = [int(a.__index__()) for a in (axis if isinstance(axis, tuple) else (axis,))]
    except (AttributeError, TypeError):
        return None
    normal = [a + ndim if a < 0 else a for a in axes]
    valid = all(0 <= a < ndim for a in normal) and len(set(normal)) == len(normal)
    return tuple(normal) if valid else None
