"""Calls on handles: deferred where a backend takes them, NumPy's at once otherwise.

Everything that users call goes through one of these: ``elementwise``, ``assign`` and ``update``
(writes), ``reduce``, ``view_of``, and ``call_numpy``, the one way in which work is handed to NumPy.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from trueno import engine, graph, stats
from trueno.config import SETTINGS
from trueno.core import (
    Handle,
    buffer_of,
    export,
    foreign_buffer,
    handle_on,
    root_of,
    scalar,
    wrap,
    wrap_value,
)
from trueno.dtypes import BOOL, INT64, NUMBER, UINT64, Dtype
from trueno.errors import StrictError, named
from trueno.graph import (
    Leaf,
    Node,
    Shape,
    capture,
    pending_buffer,
    result_strides,
)
from trueno.memory import NDArray, View, same_elements
from trueno.ops import DIVIDE, INVALID, OPS, OVERFLOW, Op

_WEAK = (int, float, complex)
SCALARS = frozenset((bool, int, float, complex))


def host(x: Any) -> Any:
    """What NumPy is given for ``x``: a handle's array with current contents; others as they are."""
    return engine.host(x._array, x._buffer) if isinstance(x, Handle) else x


def small_array(x: Handle, heavy: bool = False) -> NDArray | None:
    """The handle's array if NumPy may and should be called on it right away, for speed."""
    buffer = x._buffer
    if buffer is None or buffer.plain:
        array = x._array
        if array.size < engine.limit(heavy):
            return array
    return None


# ---------------------------------------------------------------- handing work to NumPy


def deferral(name: str, reason: str) -> None:
    """Counts a call that NumPy does for us; raises StrictError in strict mode.

    Calls on arrays below the threshold are NumPy's by design: they do not count.
    """
    if reason == engine.BELOW:
        return
    if SETTINGS.get().strict:
        raise StrictError(
            f"trueno.{name}: would be handed to NumPy: {reason}. "
            "Use a dtype or function with a kernel, or trueno.config(strict=False)."
        )
    if stats.active():
        stats.deferred(name, reason)


def call_numpy(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
    *,
    name: str | None = None,
    reason: str = "no kernel",
    writes: tuple[Any, ...] = (),
) -> Any:
    """``f(*args, **kwargs)`` by NumPy on host arrays, at once; handles in, handles out.

    writes: the arguments that ``f`` changes in place, beside ``out``. Results that are views of an
    argument's memory stay views of it. Raises what NumPy raises, with ``name`` in front.
    """
    deferral(name or f.__name__, reason)
    kwargs = kwargs or {}
    out = kwargs.get("out")
    at = _out_position(f)
    if out is None and at is not None and len(args) > at:
        out = args[at]
    outs: tuple[Any, ...] = () if out is None else out if isinstance(out, tuple) else (out,)
    for target in (*writes, *outs):
        if isinstance(target, Handle):
            _before_write(target)
    handles: list[Any] = []
    given = [_unwrap(x, handles) for x in args]
    try:
        if kwargs:
            result = f(*given, **{key: _unwrap(x, handles) for key, x in kwargs.items()})
        else:
            result = f(*given)
    except Exception as error:
        raise named(error, name or f.__name__) from None
    if outs and isinstance(result, tuple):
        return tuple([_returned(x, outs, handles) for x in result])
    return _returned(result, outs, handles)


# Where ``out`` stands among the arguments of functions that do not tell.
_OUT = {
    "choose": 2, "compress": 3, "concatenate": 2, "cumprod": 3, "cumsum": 3, "dot": 2, "take": 3,
    "trace": 5,
}  # fmt: skip


@functools.cache
def _out_position(f: Callable[..., Any]) -> int | None:
    """The position of ``out`` among a function's positional arguments, if it has one there."""
    if isinstance(f, np.ufunc):  # NumPy gives us a ufunc's outputs by keyword
        return None
    try:
        parameters = inspect.signature(f).parameters
    except (TypeError, ValueError):
        return _OUT.get(getattr(f, "__name__", ""))
    if "out" not in parameters or parameters["out"].kind is inspect.Parameter.KEYWORD_ONLY:
        return None
    return list(parameters).index("out")


def _returned(x: Any, outs: tuple[Any, ...], handles: list[Any]) -> Any:
    """``rewrap``, but what the caller gave as ``out`` comes back as it is."""
    return x if any(x is out for out in outs) else rewrap(x, handles)


def _before_write(handle: Handle) -> None:
    """Readies the handle's host memory for a write that NumPy does now."""
    buffer = handle._buffer
    if buffer is not None and (buffer.readers or buffer.device is not None or not buffer.plain):
        engine.before_write(buffer)


def _unwrap(x: Any, handles: list[Any]) -> Any:
    """``x`` with every handle in it, in nested sequences too, replaced by its host array.

    Notes the handles, and the ndarrays, which results may be views of.
    """
    kind = type(x)
    if kind is Handle.result_class:
        handles.append(x)
        buffer = x._buffer
        return x._array if buffer is None or buffer.plain else engine.host(x._array, buffer)
    if kind is tuple or kind is list:
        return kind([_unwrap(item, handles) for item in x])
    if kind is dict:
        return {key: _unwrap(item, handles) for key, item in x.items()}
    if kind is np.ndarray:
        handles.append(x)
    return x


def rewrap(x: Any, handles: list[Any]) -> Any:
    """A NumPy result with every array in it as a handle: on shared memory where it is a view."""
    kind = type(x)
    if kind is np.ndarray:
        root = root_of(x)
        for handle in handles:
            if type(handle) is np.ndarray:
                if root is root_of(handle):
                    return handle_on(x, foreign_buffer(x))
            elif root is root_of(handle._array):
                return handle if x is handle._array else handle_on(x, buffer_of(handle))
        return _pinned(wrap(x), handles)
    if isinstance(x, np.generic):
        return _pinned(scalar(x), handles)
    if isinstance(x, tuple):
        items = [rewrap(item, handles) for item in x]
        return kind(*items) if hasattr(x, "_fields") else tuple(items)
    if kind is list:
        return [rewrap(item, handles) for item in x]
    return x


def _pinned(result: Any, handles: list[Any]) -> Any:
    """``result`` on the device that the operands are pinned to."""
    for handle in handles:
        source = None if type(handle) is np.ndarray else handle._buffer
        if source is not None and source.pin != "auto":
            buffer = buffer_of(result)
            buffer.pin = source.pin
            buffer.update()
            break
    return result


# ---------------------------------------------------------------- operands


class _Operands:
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


def _strides(shape: Shape, dtype: Dtype, operands: _Operands) -> Shape:
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


def _decide(op: Op, operands: _Operands) -> _Decision:
    """Dtypes and backend for a call; raises _Refused where it has none."""
    key = (op, tuple(operands.keys), operands.pin, operands.on_gpu, SETTINGS.get().backend)
    decision = engine.decisions.get(key)
    if decision is None:
        decision = engine.decisions[key] = _new_decision(op, operands)
    if not isinstance(decision, _Decision):
        raise _Refused(decision)
    return decision


def _new_decision(op: Op, operands: _Operands) -> _Decision | str:
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


def _node(op: Op, operands: _Operands, into: NDArray | None = None) -> Node:
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
    reason = engine.refusal(
        _size(shape), op.heavy, operands.pin, operands.pending or operands.on_gpu
    )
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


def _pending(node: Node, operands: _Operands, scalar: bool) -> Any:
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
            try:
                return wrap_value(op.meaning(small))
            except Exception as error:
                raise named(error, op.name) from None
    gathered = _Operands(op.name, operands)
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
    operands = _Operands("astype", (x,))
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


def _cast(operands: _Operands, dtype: Dtype, shape: Shape, strides: Shape) -> Node:
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


def _write(node: Node, target: NDArray, handle: Handle, operands: _Operands) -> None:
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
    _before_write(handle)
    try:
        op.meaning(*[host(x) for x in operands], out=target)
    except Exception as error:
        raise named(error, op.name) from None
    return handle


def _update_node(op: Op, handle: Any, operands: tuple[Any, ...]) -> tuple[Node, _Operands]:
    """The node whose value an in-place operation writes, in the dtype of what it writes to."""
    target = handle._array
    if not target.flags.writeable:
        raise _Refused(NUMPYS_ERROR)
    _settle(handle, target)
    gathered = _Operands(op.name, operands)
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
                operands = _Operands("__setitem__", (value,))
                if np.broadcast_shapes(value._array.shape, target.shape) != target.shape:
                    raise _Refused(NUMPYS_ERROR)
                node = _cast(operands, target.dtype, target.shape, target.strides)
            except (_Refused, ValueError):
                pass  # NumPy does it, or gives its error, below
            else:
                _write(node, target, handle, operands)
                return
    _before_write(handle)
    try:
        target[...] = host(value)
    except Exception as error:
        raise named(error, "__setitem__") from None


# ---------------------------------------------------------------- views and indexing


def view_of(handle: Any, f: Callable[[NDArray], NDArray], name: str) -> Any:
    """``f`` of the handle's array where ``f`` gives a view; where it must copy, a copy."""
    try:
        array = f(handle._array)
        if type(array) is not np.ndarray and isinstance(array, np.ndarray):
            return f(export(handle))  # a subclass has its own meaning of every operation
        if isinstance(array, np.generic):
            return _pinned(scalar(f(host(handle))), [handle])
        if root_of(array) is root_of(handle._array):
            if handle._scalar:
                array = np.asarray(f(host(handle).copy()))
                return _pinned(handle_on(array, None, not array.ndim), [handle])
            return handle_on(array, buffer_of(handle))
        if handle._buffer is not None and not handle._buffer.plain:
            array = np.asarray(f(host(handle)))
    except Exception as error:
        raise named(error, name) from None
    return _pinned(wrap(array), [handle])


def is_basic(key: Any) -> bool:
    """Whether an index makes a view: integers, slices, None and Ellipsis only."""
    for item in key if type(key) is tuple else (key,):
        if not (
            item is None
            or item is Ellipsis
            or isinstance(item, slice)
            or (isinstance(item, (int, np.integer)) and not isinstance(item, bool))
        ):
            return False
    return True


def _view_key(key: Any) -> tuple[Any, ...]:
    """A basic index that gives an array, also where ``key`` picks one element."""
    items = key if type(key) is tuple else (key,)
    return items if Ellipsis in items else (*items, ...)


def _plain_key(key: Any) -> Any:
    """The index with handles replaced by host arrays, and zero-dimensional integers by int."""
    if isinstance(key, Handle):
        array = host(key)
        return int(array) if array.ndim == 0 and array.dtype.kind in "iu" else array
    if type(key) is tuple:
        return tuple([_plain_key(item) for item in key])
    if type(key) is slice:
        return slice(*[_plain_key(part) for part in (key.start, key.stop, key.step)])
    if type(key) is list:
        return [_plain_key(item) for item in key]
    return key


def getitem(handle: Any, key: Any) -> Any:
    """``handle[key]``: a view for basic indices; a copy for elements, masks and integer arrays."""
    key = _plain_key(key)
    buffer = handle._buffer
    array = handle._array
    if buffer is not None and not buffer.plain:
        if is_basic(key):
            items = key if type(key) is tuple else (key,)
            try:
                result = array[_view_key(key)]
            except IndexError as error:
                raise named(error, "__getitem__") from None
            if not handle._scalar and (result.ndim or Ellipsis in items):
                return handle_on(result, buffer)
        array = host(handle)
    try:
        result = array[key]
    except Exception as error:
        raise named(error, "__getitem__") from None
    if type(result) is not np.ndarray:
        return _pinned(wrap_value(result), [handle]) if buffer is not None else wrap_value(result)
    base = result.base
    if handle._scalar:
        result = result.copy()
    elif base is not None and (base is array or base is array.base):
        return handle_on(result, buffer_of(handle))
    return _pinned(wrap(result), [handle])


def setitem(handle: Any, key: Any, value: Any) -> None:
    """``handle[key] = value``."""
    if type(key) is not int:
        key = _plain_key(key)
    array = handle._array
    if is_basic(key) and isinstance(value, Handle):
        try:
            target = array[_view_key(key)]
        except IndexError:
            pass  # NumPy raises its error below, after those that come before
        else:
            element = target.ndim == 0 and Ellipsis not in (key if type(key) is tuple else (key,))
            if element and value._array.ndim:
                pass  # an element takes no array, unless it is an object
            elif target.size >= SETTINGS.get().threshold or small_array(value) is None:
                assign(handle, target, value)
                return
    _before_write(handle)
    try:
        array[key] = host(value)
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
        try:  # the method costs half of the function
            return wrap_value(getattr(small, op.name)(axis, **kwargs))
        except Exception as error:
            raise named(error, op.name) from None
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
    axes = _axes(axis, ndim)
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
    operands = _Operands(op.name, (x,))
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


def _axes(axis: Any, ndim: int) -> Shape:
    if axis is None:
        return tuple(range(ndim))
    try:
        axes = [int(a.__index__()) for a in (axis if isinstance(axis, tuple) else (axis,))]
    except (TypeError, AttributeError) as error:
        raise _Refused(NUMPYS_ERROR) from error
    if not axes:
        raise _Refused(engine.BELOW)
    normal = sorted([a + ndim if a < 0 else a for a in axes])
    if normal[0] < 0 or normal[-1] >= ndim or len(set(normal)) < len(normal):
        raise _Refused(NUMPYS_ERROR)
    return tuple(normal)
