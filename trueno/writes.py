"""Calls that write to arrays: queued where a backend takes them, NumPy's at once otherwise.

``update`` (in place) and ``assign``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno import engine, graph
from trueno._handle import write
from trueno.dispatch import CAST, NUMPYS_ERROR, Operands, Refused, cast_node, node_for
from trueno.errors import named
from trueno.graph import Buffer, Node, form, result_strides
from trueno.handles import Handle, buffer_of, handle_on
from trueno.handover import before_write, deferral, deferred, host
from trueno.kinds import NUMBER
from trueno.memory import NDArray, allocate, same_elements
from trueno.ops import OPS, Op


def _write(node: Node, target: NDArray, handle: Handle, operands: Operands) -> None:
    """Queues ``target`` (a view of ``handle``) = value of ``node``; at once if it could be seen."""
    buffer = buffer_of(handle)
    if buffer.viewed:
        engine.materialise(buffer)
    buffer.await_value(node, target)
    if operands.foreign or buffer.shared or node.due or len(buffer.before) > 64:
        engine.evaluate([node])


_WRITEABLE, _WARN_ON_WRITE = 1 << 10, 1 << 31  # flags of NumPy's C interface


def _is_open(target: NDArray) -> bool:
    """Whether a write raises no error and no warning, as those to broadcast arrays do."""
    return target.flags.num & (_WRITEABLE | _WARN_ON_WRITE) == _WRITEABLE


def _settle(handle: Handle, target: NDArray) -> None:
    """Performs a write that pends on the handle's memory, unless it is to the same elements."""
    buffer = handle._buffer
    pending = None if buffer is None else buffer.target
    if pending is not None and not same_elements(target, pending):
        engine.materialise(buffer_of(handle))


def update(op: Op, handle: Any, *operands: Any) -> Any:
    """``handle[...] = op(*operands)`` in place, as a ufunc with ``out=handle`` does."""
    with graph.lock:
        if handle._node is not None and _replaced(op, handle, operands):
            return handle
        target = handle._array
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


def _replaced(op: Op, handle: Any, operands: tuple[Any, ...]) -> bool:
    """Whether the operation's value took the place of a pending one that has no memory yet."""
    if not any(x is handle for x in operands):
        return False
    if write(op, handle, None, operands):
        return True
    try:
        node_for(op, Operands(op.name, operands))  # decides, and remembers
    except Refused:
        return False
    return write(op, handle, None, operands)


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
    if not _is_open(target):
        raise Refused(NUMPYS_ERROR)
    _settle(handle, target)
    gathered = Operands(op.name, operands)
    if gathered.pin == "auto" and handle._buffer is not None:
        gathered.pin = handle._buffer.pin
    node, _ = node_for(op, gathered, into=target)
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
    if isinstance(value, Handle) and target.size and _is_open(target):
        if (
            value._node is None
            and value._buffer is handle._buffer
            and same_elements(target, value._array)
        ):
            return  # the second half of ``x[key] += y``
        with graph.lock:
            try:
                _settle(handle, target)
                operands = Operands("__setitem__", (value,))
                if np.broadcast_shapes(value.shape, target.shape) != target.shape:
                    raise Refused(NUMPYS_ERROR)
                node = cast_node(operands, target.dtype, target.shape, target.strides, target)
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
