"""Random launches on the simd backend and on the numpy backend: same values, same conditions.

A launch is drawn whole: a program of several operations in mixed dtypes, operands of any layout
(permuted, strided, reversed, broadcast, unaligned, overlapping each other), outputs stored or
reduced, of which one may lie in an input's memory. Operations are those whose results NumPy's own
loops, vectorised or not, agree on to the last bit: errors of others would grow from step to step.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.kernels import (
    APPROXIMATE,
    COMPOSED,
    NUMPY,
    SIMD,
    TYPED,
    launch,
    same,
    shapes,
    strided,
    values,
)
from trueno.config import config
from trueno.kinds import BOOL, INT64, Dtype
from trueno.ops import REDUCTIONS, UNDERFLOW
from trueno.plan import Instruction, Kernel, Output

STEPS, INPUTS, CONSTS, OUTPUTS = 6, 3, 2, 3

# The sign of a zero, and a float's value as an integer out of range, depend on NumPy's position.
ELUSIVE = {"fmax", "fmin", "nextafter"}


def agreed(name: str, inputs: tuple[Dtype, ...], output: Dtype) -> bool:
    if name in APPROXIMATE | COMPOSED | ELUSIVE or not SIMD.supports(name, inputs, output):
        return False
    if inputs[-1].kind == "c":
        return name in ("add", "subtract", "negative", "conj", "where", "equal")
    return name != "cast" or inputs[0].kind != "f" or output.kind in "fb"


CASES = [case for case in TYPED if agreed(*case)]
TAKING = {dtype: [case for case in CASES if case[1][-1] == dtype] for _, (*_, dtype), _ in CASES}
DTYPES = sorted(TAKING, key=lambda dtype: dtype.num)


# Reductions that kernels go on with.
CHAINED = ("sum", "prod", "max", "min")


class Drawn(NamedTuple):
    """A launch; ``over`` is the input in whose memory the first output lies, or None."""

    kernel: Kernel
    axes: tuple[int, ...]
    inputs: list[Any]
    consts: tuple[Any, ...]
    outputs: list[Any]
    over: int | None


@st.composite
def programs(draw: st.DrawFn, reducing: bool) -> Kernel:
    inputs = tuple(draw(st.lists(st.sampled_from(DTYPES), min_size=1, max_size=INPUTS)))
    consts = tuple(draw(st.lists(st.sampled_from(DTYPES), max_size=CONSTS)))
    body: list[Instruction] = []
    dtypes = [*inputs, *consts]
    for _ in range(draw(st.integers(0, STEPS))):
        last = draw(st.sampled_from(dtypes))
        name, wanted, result = draw(st.sampled_from(TAKING[last]))
        args = []
        for dtype in wanted:
            fitting = [i for i, d in enumerate(dtypes) if d == dtype]
            if fitting:
                args.append(draw(st.sampled_from(fitting)))
        if len(args) == len(wanted):
            body.append(Instruction(name, tuple(args), result))
            dtypes.append(result)
        inner = [name for name in CHAINED if reducing and reducible(name, dtypes[-1])]
        if inner and draw(st.integers(0, 3)) == 0:
            name = draw(st.sampled_from(inner))
            body.append(Instruction(name, (len(dtypes) - 1,), dtypes[-1]))
            dtypes.append(dtypes[-1])
    outputs = []
    for _ in range(draw(st.integers(1, OUTPUTS))):
        value = draw(st.integers(0, len(dtypes) - 1))
        dtype = dtypes[value]
        names = [name for name in sorted(REDUCTIONS) if reducible(name, dtype)] if reducing else []
        reduce = draw(st.sampled_from([None, *names]))
        fixed = {"all": BOOL, "any": BOOL, "argmax": INT64, "argmin": INT64}
        outputs.append(Output(value, reduce, fixed.get(reduce or "", dtype)))
    return Kernel(inputs, consts, tuple(body), tuple(outputs))


def reducible(name: str, dtype: Dtype) -> bool:
    """Whether every order of combining gives the same result."""
    if name in ("sum", "prod"):
        return dtype.kind in "iu"
    output = {"all": BOOL, "any": BOOL, "argmax": INT64, "argmin": INT64}.get(name, dtype)
    return dtype.kind != "c" and SIMD.supports(name, (dtype,), output)


@st.composite
def drawn(draw: st.DrawFn) -> Drawn:
    shape = draw(shapes)
    axes: tuple[int, ...] = ()
    if shape and draw(st.booleans()):
        axes = tuple(sorted(draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))))
    kernel = draw(programs(bool(axes)))
    if any(o.reduce in ("argmax", "argmin") for o in kernel.outputs) and len(axes) != len(shape):
        axes = axes[:1]
    rows = kernel.rows()
    by_row = [output.reduce is not None or rows[output.value] for output in kernel.outputs]
    chained = any(instruction.op in REDUCTIONS for instruction in kernel.body)
    if not chained and not any(by_row):
        axes = ()
    inputs = [draw(strided(shape, dtype)) for dtype in kernel.inputs]
    if chained:
        assume(np.broadcast_shapes(*[x.shape for x in inputs]) == shape)
        assume(math.prod([shape[axis] for axis in axes]) > 1)
    if len(inputs) > 1 and draw(st.integers(0, 3)) == 0 and inputs[0].dtype == inputs[1].dtype:
        inputs[1] = inputs[0][(..., *(slice(None, None, -1) for _ in shape))]  # overlapping
    consts = tuple(values(dtype, 20, 3)[draw(st.integers(0, 19))] for dtype in kernel.consts)
    kept = tuple(1 if axis in axes else n for axis, n in enumerate(shape))
    outputs = [
        draw(strided(kept if few else shape, output.dtype, output=True))
        for output, few in zip(kernel.outputs, by_row, strict=True)
    ]
    first, over = kernel.outputs[0], None
    for i, x in enumerate(inputs):
        fits = not by_row[0] and x.shape == shape and x.dtype == first.dtype
        alone = not any(np.may_share_memory(x, y) for j, y in enumerate(inputs) if j != i)
        if over is None and fits and alone and x.flags.writeable and draw(st.booleans()):
            over = i
    if over is not None:
        outputs[0] = inputs[over]
    return Drawn(kernel, axes, inputs, consts, outputs, over)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(drawn(), st.sampled_from([1, 3]))
def test_any_launch(case: Drawn, threads: int) -> None:
    kernel, axes, inputs, consts, outputs, _ = case
    shape = np.broadcast_shapes(*(x.shape for x in (*inputs, *outputs)))
    expected = [np.empty(output.shape, output.dtype) for output in outputs]
    whole = [np.broadcast_to(x, shape).copy() for x in inputs]
    want = launch(NUMPY, kernel, whole, expected, axes, consts)
    with config(threads=threads):
        got = launch(SIMD, kernel, inputs, outputs, axes, consts)
    for actual, right in zip(outputs, expected, strict=True):
        same(actual, right, "")
    assert [mask & ~UNDERFLOW for mask in got] == [mask & ~UNDERFLOW for mask in want]
