"""Reductions of handles: computed with the call where a backend takes them, NumPy's otherwise."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from trueno import engine, graph
from trueno._handle import gathered
from trueno.config import SETTINGS
from trueno.dispatch import (
    CAST,
    NUMPYS_ERROR,
    Operands,
    Refused,
    apart,
    fresh_strides,
    keep,
    warned_of,
)
from trueno.graph import Form, Leaf, Node, Shape, form, pending_view, result_strides
from trueno.handles import Handle, handle_for, handle_on
from trueno.handover import at_once, call_numpy, gain_apart, small_array
from trueno.kinds import BOOL, FLOAT32, FLOAT64, INT64, NUMBER, UINT64, Dtype
from trueno.memory import NDArray
from trueno.ops import Op


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
    *,
    spare: bool = False,
    **others: Any,
) -> Any:
    """A reduction of ``x`` over ``axis`` (None: all axes; an int or a tuple of ints).

    spare:  whether nobody else asks for ``x``, which then need not be stored
    others: ``out``, ``initial``, ``where`` as NumPy has them; NumPy computes calls that give one.
    """
    kwargs = others
    if dtype is not None:
        kwargs["dtype"] = dtype
    if keepdims:
        kwargs["keepdims"] = True
    if not isinstance(x, Handle):
        return call_numpy(op.meaning, (x,), {"axis": axis, **kwargs}, name=op.name)
    small = small_array(x, op)
    if small is not None and "out" not in others and (axis is None or not pays(op, small)):
        # The method costs half of the function.
        return at_once(op.name, getattr(small, op.name), axis, **kwargs)
    try:
        if len(others) > (dtype is not None) + bool(keepdims):
            raise Refused("out, initial or where given")
        with graph.lock:
            return _reduce(op, x, axis, dtype, keepdims, spare)
    except Refused as refused:
        reason = str(refused)
    return call_numpy(op.meaning, (x,), {"axis": axis, **kwargs}, name=op.name, reason=reason)


class _Reduction(NamedTuple):
    """What holds for all reductions of one operation on operands of one dtype and layout.

    refusal: why NumPy does them, "" if it does not; then the rest holds as well
    work:    elements, times the gain
    form:    the node's
    cast:    the form of the operand's cast, or None
    raises:  the floating-point conditions that may arise
    final:   the result's shape without the reduced axes
    kept:    the objects whose addresses the key holds
    """

    refusal: str
    work: float = 0
    form: Form | None = None
    cast: Form | None = None
    raises: int = 0
    final: Shape = ()
    kept: tuple[Any, ...] = ()


# NumPy has a price for each row: (shorter than this, the reduction pays with so many times fewer
# elements); positions are found by other code, which has less of it.
_SHORT_ROWS = ((16, 192), (64, 32))
MOST_SHORT_ROWS = 192


def pays(op: Op, array: NDArray | Form) -> bool:
    """Whether reducing an array of this shape and dtype is worth a launch."""
    return _work(op, array) >= SETTINGS.get().threshold


def _work(op: Op, array: NDArray | Form) -> float:
    """The elements of an array, times the gain of reducing it."""
    gain: float = op.gain(array.dtype)
    if apart(array):
        gain = gain_apart(gain)
    if array.ndim > 1 and op.types is not None:
        for length, short_gain in _SHORT_ROWS:
            if array.shape[-1] < length:
                gain = max(gain, short_gain)
    return math.prod(array.shape) * gain


def _reduce(op: Op, x: Any, axis: Any, dtype: Any, keepdims: bool, spare: bool) -> Any:
    taken = gathered(op, (x,), None)
    # Axes of other types may be equal to these, and still be none.
    usual = axis is None or {type(a) for a in (axis if type(axis) is tuple else (axis,))} == {int}
    if taken is None or not usual:
        return _reduce_any(op, x, axis, dtype, keepdims, spare)
    key, (arg,), pending = taken
    known: _Reduction | None = engine.decisions.get((key, axis, dtype))
    if known is None:
        operands = Operands(op.name, (x,))
        known = _new_reduction(op, operands, axis, dtype)
        known = known._replace(work=_work(op, x._layout), kept=tuple(operands.layout))
        keep((key, axis, dtype), known)
    if (not pending and known.work < SETTINGS.get().threshold) or 0 in x._layout.shape:
        raise Refused(engine.BELOW)
    return _computed(known, arg, "auto", keepdims, spare)


def _reduce_any(op: Op, x: Any, axis: Any, dtype: Any, keepdims: bool, spare: bool) -> Any:
    """The same of operands out of the common: pinned, on a GPU, foreign, unaligned."""
    operands = Operands(op.name, (x,))
    elsewhere = operands.pending or operands.on_gpu
    layout = x._layout
    if not (elsewhere or operands.pin == "gpu" or pays(op, layout)) or 0 in layout.shape:
        raise Refused(engine.BELOW)
    if not operands.aligned():
        raise Refused("unaligned memory")
    known = _new_reduction(op, operands, axis, dtype)
    operand, waits = operands.capture(0), not operands.foreign
    return _computed(known, operand, operands.pin, keepdims, spare, waits)


def _computed(
    known: _Reduction, operand: Any, pin: str, keepdims: bool, spare: bool, waits: bool = True
) -> Any:
    """The reduction of an operand of a node; it ``waits`` where that pays and nobody can tell."""
    if known.form is None:
        raise Refused(known.refusal)
    errstate = warned_of(known.form.op, known.raises)
    arg = operand if known.cast is None else Node(known.cast, (operand,), 0)
    node = Node(known.form, (arg,), errstate)
    if waits and keepdims and known.form.rows and not node.due:
        return handle_for(node, False)  # who keeps the axes goes on with the operand's rows
    buffer, array = pending_view(node)
    buffer.pin_to(pin)
    # At once: waiting would keep large operands for the sake of a small result.
    spared = operand if type(operand) is Node and (spare or _light(operand)) else None
    engine.evaluate([node], spared)
    if keepdims:
        return handle_on(array, buffer)
    return handle_on(array.reshape(known.final), buffer, not known.final)


# Operations that take no longer than to store their result and read it.
_LIGHT = frozenset(
    {
        "abs", "add", "cast", "clip", "copysign", "divide", "equal", "greater", "greater_equal",
        "isfinite", "isinf", "isnan", "less", "less_equal", "logical_and", "logical_not",
        "logical_or", "maximum", "minimum", "multiply", "negative", "not_equal", "square",
        "subtract", "where",
    }
)  # fmt: skip
_FEW = 4


def _light(node: Node) -> bool:
    """Whether to compute a pending value once more, if it is ever asked for, is as good as to store
    it now: mostly nobody asks, as in ``np.sum(x * y)``."""
    stack, count = [node], 0
    while stack:
        one = stack.pop()
        count += 1
        if count > _FEW or one.form.op.name not in _LIGHT:
            return False
        if any(type(arg) is Leaf for arg in one.args):
            return False
        stack += [arg for arg in one.args if type(arg) is Node and arg.result is None]
    return node.leaves <= 2


def _new_reduction(op: Op, operands: Operands, axis: Any, dtype: Any) -> _Reduction:
    array = operands.arrays[0]
    assert array is not None
    if array.dtype not in NUMBER:
        return _Reduction(f"{array.dtype} is computed by NumPy")
    positional = op.types is None  # argmax, argmin
    if positional and axis is not None and not isinstance(axis, (int, np.integer)):
        return _Reduction(NUMPYS_ERROR)
    normal = normal_axes(axis, array.ndim)
    if normal is None:
        return _Reduction(NUMPYS_ERROR)
    if not normal:
        return _Reduction(engine.BELOW)
    axes = tuple(sorted(normal))
    in_c_order = array.strides == result_strides(array.shape, array.dtype.itemsize, [])
    if positional and axis is None and array.ndim > 1 and not in_c_order:
        return _Reduction("positions are counted in C order")
    computed, result = _reduction_dtypes(op, array.dtype, dtype)
    backend, reason = engine.choose(op.name, (computed,), result, operands.pin, operands.on_gpu)
    if backend is None:
        return _Reduction(reason)
    cast = None
    if computed != array.dtype:
        if not np.can_cast(array.dtype, computed, "same_kind") or not engine.supports(
            backend, "cast", (array.dtype,), computed
        ):
            return _Reduction(f"a {op.name} of {array.dtype} in {computed}")
        strides = fresh_strides(array.shape, computed, operands)
        cast = form(CAST, array.shape, strides, computed, backend)
    kept = tuple([1 if i in axes else n for i, n in enumerate(array.shape)])
    # NumPy orders the result's axes as it iterates over all axes; positions it returns in C order.
    iterated = [] if positional else [(array.shape, array.strides)]
    order = result_strides(array.shape, 1, iterated)
    strides = result_strides(kept, result.itemsize, [(kept, order)])
    rows = operands.pin == "auto" and _by_rows(op, array, axes, computed)
    own = form(op, kept, strides, result, backend, axes, array.shape, rows)
    final = tuple([n for i, n in enumerate(array.shape) if i not in axes])
    return _Reduction("", 0, own, cast, op.raises_in(computed), final)


# Rows of so many bytes stay in the second-level cache while their results are used.
_SHORT_ROW = 1 << 18


def _by_rows(op: Op, array: NDArray | Form, axes: Shape, dtype: Dtype) -> bool:
    """Whether the reduction is along short rows: see ``Form``."""
    lengths = [array.shape[axis] for axis in axes]
    kept = [s for i, s in enumerate(array.strides) if i not in axes and array.shape[i] > 1]
    outermost = max([abs(array.strides[axis]) for axis in axes], default=0)
    return (
        op.name in ("sum", "prod", "max", "min")
        and dtype in (FLOAT32, FLOAT64)
        and 1 < math.prod(lengths) <= _SHORT_ROW // dtype.itemsize
        and all(abs(stride) > outermost for stride in kept)
    )


def _reduction_dtypes(op: Op, dtype: Dtype, wish: Any) -> tuple[Dtype, Dtype]:
    """The dtype that a reduction computes in, and its result's; ``wish`` is the caller's."""
    if op.name in ("sum", "prod"):
        computed = sum_dtype(dtype) if wish is None else np.dtype(wish)
        return computed, computed
    if op.name in ("all", "any"):
        return dtype, BOOL
    return dtype, INT64 if op.types is None else dtype


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
