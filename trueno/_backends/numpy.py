"""The reference backend: runs any launch with NumPy itself, and so defines what a kernel means."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno.kinds import Dtype
from trueno.memory import NDArray
from trueno.ops import OPS, ROUTINES
from trueno.plan import Call, Instruction, Launch, Output


class _Conditions:
    """Collects the floating-point conditions of one call at a time, through NumPy's errcall."""

    def __init__(self) -> None:
        self.mask = 0

    def __call__(self, kind: str, flag: int) -> None:
        self.mask |= flag

    def take(self) -> int:
        mask, self.mask = self.mask, 0
        return mask


class NumpyBackend:
    """Every operation, every dtype, one whole-array NumPy call an instruction."""

    name = "numpy"
    device = "cpu"
    lost = False

    def supports(self, op: str, inputs: tuple[Dtype, ...], output: Dtype) -> bool:
        return op in OPS

    def synchronize(self) -> None:
        """Launches are finished when they return."""

    def launch(self, launch: Launch) -> None:
        kernel = launch.kernel
        values: list[Any] = [view.array for view in launch.inputs]
        values += [np.asarray(const) for const in launch.consts]
        masks: list[int] = []
        seen = _Conditions()
        with np.errstate(all="call", call=seen):
            for instruction in kernel.body:
                operands = [values[i] for i in instruction.args]
                values.append(_apply(instruction, operands, launch))
                masks.append(seen.take() & _raises(instruction, values))
            results = []
            for output in kernel.outputs:
                results.append(_result(output, values[output.value], launch))
                masks.append(seen.take())
        try:
            _write(launch, results, masks)
        except BaseException:  # a signal's handler raised: all outputs are written, or none
            _write(launch, results, masks)
            raise

    def performs(self, call: Call) -> bool:
        return call.routine in ROUTINES

    def call(self, call: Call) -> None:
        row = ROUTINES[call.routine]
        inputs = [view.array for view in call.inputs]
        outputs = [view.array for view in call.outputs]
        if row.updates:
            row.meaning(*outputs, *inputs, **call.params)
            return
        results = row.meaning(*inputs, **call.params)
        for output, result in zip(
            outputs, results if isinstance(results, tuple) else (results,), strict=True
        ):
            np.copyto(output, result)


def _write(launch: Launch, results: list[NDArray], masks: list[int]) -> None:
    for view, result in zip(launch.outputs, results, strict=True):
        np.copyto(view.array, result)
    launch.report(masks)


def _raises(instruction: Instruction, values: list[NDArray]) -> int:
    """The conditions that are the operation's own, and not of the steps that its meaning takes."""
    op = OPS[instruction.op]
    complex_loop = (
        isinstance(op.meaning, np.ufunc) and values[instruction.args[0]].dtype.kind == "c"
    )
    return -1 if complex_loop else op.raises


def _apply(instruction: Instruction, operands: list[NDArray], launch: Launch) -> NDArray:
    if OPS[instruction.op].reduce is not None:
        return _reduced(instruction.op, operands[0], instruction.dtype, launch)
    if instruction.op == "cast":
        return operands[0].astype(instruction.dtype)
    return np.asarray(OPS[instruction.op].meaning(*operands), dtype=instruction.dtype)


def _result(output: Output, value: NDArray, launch: Launch) -> NDArray:
    if output.reduce is None:
        return value
    return _reduced(output.reduce, value, output.dtype, launch)


def _reduced(name: str, value: NDArray, dtype: Dtype, launch: Launch) -> NDArray:
    op = OPS[name]
    operand = np.broadcast_to(value, launch.shape)
    if op.types is None:  # argmax, argmin: one axis, or all of them counted in C order
        axis = launch.axes[0] if len(launch.axes) == 1 else None
        return np.asarray(op.meaning(operand, axis=axis, keepdims=True))
    if op.name in ("sum", "prod"):
        return np.asarray(op.meaning(operand, axis=launch.axes, keepdims=True, dtype=dtype))
    return np.asarray(op.meaning(operand, axis=launch.axes, keepdims=True))
