"""What a backend sees: a Kernel (cacheable), a Launch (one with its operands), a Call of a routine.

A kernel is a straight-line program over one iteration space. Values are numbered: first the array
inputs, then the scalar constants, then one value an instruction. Outputs store values elementwise
or reduce them. Nothing here knows of TruenoArray, of graphs or of which backend runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from trueno.kinds import Dtype
from trueno.memory import View
from trueno.ops import REDUCTIONS


class Instruction(NamedTuple):
    """``op`` applied to earlier values; operands already have the dtypes the operation computes in.

    ``dtype`` is the result's. A ``cast`` has one operand of any dtype and gives ``dtype``. Where
    ``op`` is a reduction, it is one over the launch's axes, which stay with length 1: the result
    has a value a row, as have those of other operations on such values and constants alone.
    """

    op: str
    args: tuple[int, ...]
    dtype: Dtype


class Output(NamedTuple):
    """Where a value goes. ``reduce`` is None (stored at every point) or a reduction's name.

    A reduction computes in ``dtype``: its operand has it already, but for all/any (operand of any
    dtype, bool result) and argmax/argmin (operand of any real dtype, int64 result).
    """

    value: int
    reduce: str | None
    dtype: Dtype


@dataclass(frozen=True)
class Kernel:
    """A program: hashable, independent of shapes and strides, so that backends cache by it."""

    inputs: tuple[Dtype, ...]
    consts: tuple[Dtype, ...]
    body: tuple[Instruction, ...]
    outputs: tuple[Output, ...]
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.inputs, self.consts, self.body, self.outputs)))

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        """The operations and reductions in a line."""
        names = [instruction.op for instruction in self.body]
        names += [f"{output.reduce}()" for output in self.outputs if output.reduce is not None]
        return " ".join(names) if names else "copy"

    def rows(self) -> list[bool]:
        """For each value: whether there is one a row."""
        rows = [False] * (len(self.inputs) + len(self.consts))
        consts = range(len(self.inputs), len(rows))
        for op, args, _ in self.body:
            few = [rows[arg] for arg in args if arg not in consts]
            rows.append(op in REDUCTIONS or (bool(few) and all(few)))
        return rows

    def dtype_of(self, value: int) -> Dtype:
        """The dtype of value number ``value``."""
        if value < len(self.inputs):
            return self.inputs[value]
        value -= len(self.inputs)
        if value < len(self.consts):
            return self.consts[value]
        return self.body[value - len(self.consts)].dtype


# Called with one bit mask (trueno.ops.DIVIDE, ...) an instruction of the body, then one an output:
# the floating-point conditions that arose. A CPU backend calls it once the outputs are written
# (also where a signal interrupts it then), a GPU when the conditions are known.
Report = Callable[[Sequence[int]], None]


def ignore(masks: Sequence[int]) -> None:
    """The report of what raises no conditions, or of whom nobody asks for them."""


class Launch(NamedTuple):
    """A kernel with its operands.

    shape:   the iteration space (no zero-length axis)
    axes:    the axes that the reducing outputs reduce, sorted; () if none does
    inputs:  views whose shapes broadcast to ``shape``
    consts:  NumPy scalars of the kernel's constant dtypes
    outputs: views to write: of ``shape`` for an elementwise output, of ``shape`` with 1 at the
             reduced axes for a reduction and for a value a row. Outputs never overlap each other;
             an output overlaps an input only where both are the same view (same address, strides
             and dtype size).
    report:  receives the floating-point conditions
    """

    kernel: Kernel
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    inputs: tuple[View, ...]
    consts: tuple[np.generic[Any], ...]
    outputs: tuple[View, ...]
    report: Report

    def __str__(self) -> str:
        return str(self.kernel)


class Call(NamedTuple):
    """A routine (a row of ``trueno.ops.ROUTINES``) with its operands.

    params:  what the row's meaning takes as keywords
    inputs:  views to read
    outputs: views to write, of the result's shapes and dtypes. They overlap no input, nor each
             other. A routine that ``updates`` has one, whose contents it changes.
    report:  receives the floating-point conditions, of routines that look for them on a GPU: one
             bit mask
    """

    routine: str
    params: dict[str, Any]
    inputs: tuple[View, ...]
    outputs: tuple[View, ...]
    report: Report = ignore

    def __str__(self) -> str:
        return self.routine
