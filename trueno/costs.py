"""What a launch or a call moves and computes: bytes and arithmetic operations."""

from __future__ import annotations

import math

from trueno.memory import NDArray
from trueno.plan import Call, Kernel, Launch

# Instructions that only move, choose or look at values.
_FREE = frozenset(
    {
        "abs", "cast", "conj", "copysign", "equal", "greater", "greater_equal", "isfinite",
        "isinf", "isnan", "less", "less_equal", "logical_and", "logical_not", "logical_or",
        "logical_xor", "negative", "not_equal", "positive", "signbit", "where",
    }
)  # fmt: skip
# Real operations that one operation on complex numbers takes; others count as two.
_COMPLEX = {"multiply": 6, "divide": 11, "square": 5}
# Reductions that add or multiply.
_FOLDS = frozenset({"sum", "prod"})


def touched(array: NDArray) -> int:
    """Bytes of the distinct elements that an array shows: a broadcast axis repeats them."""
    count = math.prod([n for n, s in zip(array.shape, array.strides, strict=True) if s])
    return count * array.itemsize


def traffic(work: Launch | Call) -> int:
    """Bytes read and written, each operand's once: the least that must pass the memory."""
    return sum([touched(view.array) for view in (*work.inputs, *work.outputs)])


def elements(work: Launch | Call) -> int:
    """Points of a launch's iteration space; the largest operand of a call."""
    if isinstance(work, Launch):
        return math.prod(work.shape)
    return max([view.array.size for view in (*work.inputs, *work.outputs)])


def arithmetic(kernel: Kernel) -> int:
    """Floating-point and integer operations a point; a function such as ``exp`` counts as one."""
    count = 0
    for instruction in kernel.body:
        if instruction.op not in _FREE:
            computed = kernel.dtype_of(instruction.args[0])
            count += _COMPLEX.get(instruction.op, 2) if computed.kind == "c" else 1
    for output in kernel.outputs:
        if output.reduce in _FOLDS:
            count += 2 if output.dtype.kind == "c" else 1
    return count


def operations(work: Launch | Call) -> int:
    """Arithmetic operations of a launch, or of a product; 0 for what moves, orders or searches."""
    if isinstance(work, Launch):
        return arithmetic(work.kernel) * math.prod(work.shape)
    shapes = [view.array.shape for view in work.inputs]
    out = work.outputs[0].array.size
    if work.routine.startswith("matmul"):
        return 2 * out * shapes[0][-1]
    if work.routine == "convolve":
        return 2 * out * math.prod(shapes[1][1:])
    return 0
