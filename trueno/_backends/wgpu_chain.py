"""The geometry of chains of reductions along rows (``wgpu_rows``): a dispatch a launch."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from trueno._backends.wgpu_layout import (
    MAX_POINTS,
    LayoutError,
    Limits,
    Operand,
    Prepared,
    bind,
    kind_of,
    split_axes,
    step_of,
)
from trueno._backends.wgpu_rows import KEPT, Rows, chain_constants, chain_module, kept_registers
from trueno._backends.wgpu_shaders import lanes_of
from trueno.plan import Kernel

TURNS = 4  # of an invocation, where a row stays in registers


def _invocations(kernel: Kernel, n: int, lanes: int, limits: Limits) -> tuple[int, int]:
    """Invocations a row of n points, and their turns (0: any number, nothing is kept)."""
    vectors = -(-n // lanes)
    group = 32
    while group < limits.invocations and group * TURNS < vectors:
        group *= 2
    turns = -(-vectors // group)
    if turns > TURNS or kept_registers(kernel, turns * lanes) > KEPT:
        return min(256, group), 0
    return group, turns


def prepare_chain(
    kernel: Kernel,
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    inputs: Sequence[Operand],
    outputs: Sequence[Operand],
    limits: Limits,
) -> Prepared:
    """The dispatch of a kernel with reductions among its instructions.

    Raises LayoutError where the launch must be split or operands staged.
    """
    operands = [*inputs, *outputs]
    split = split_axes(shape, axes, operands, False)
    n, m = prod(split.reduced), prod(split.kept)
    if n * m > MAX_POINTS:
        raise LayoutError("too many points", split=True)
    rows = kernel.rows()
    single = [o.reduce is not None or rows[o.value] for o in kernel.outputs]
    if any(one and o.dtype.itemsize < 4 for one, o in zip(single, outputs, strict=True)):
        raise LayoutError("narrow values a row")
    lanes = lanes_of(o.dtype for o in operands)
    kinds = [
        kind_of(o, split.reduced, inner, outer or (0,), lanes)
        for o, inner, outer in zip(operands, split.inner, split.outer, strict=True)
    ]
    for k, one in enumerate(single, len(inputs)):
        if one:
            kinds[k] = "strided"
        elif kinds[k] in ("scalar", "broadcast"):
            raise LayoutError("an output without a place for each point")
    labels = list(range(len(operands)))
    bound = bind(operands, kinds, labels, len(outputs), shape, limits, lanes)
    group, turns = _invocations(kernel, n, lanes, limits)
    values = {"n": n, "m": m, "turns": -(-n // (group * lanes))}
    values |= {f"d{a}": size for a, size in enumerate(split.reduced)}
    values |= {f"e{a}": size for a, size in enumerate(split.kept)}
    for k in labels:
        values[f"o{k}"] = bound.starts[k]
        values |= {f"h{k}_{a}": s for a, s in enumerate(split.outer[k])}
        values |= {f"s{k}_{a}": s for a, s in enumerate(split.inner[k])}
    loads = tuple(bound.accesses[: len(inputs)])
    stores = tuple(bound.accesses[len(inputs) :])
    key = Rows(
        kernel, loads, stores, bound.bindings, len(split.kept), len(split.reduced),
        split.reduced[-1] % lanes == 0, group, turns, n == turns * group * lanes, lanes, True,
    )  # fmt: skip
    step = step_of(key, chain_module, chain_constants(kernel), values, bound, 0, m, limits)
    flags = len(kernel.body) + len(kernel.outputs)
    return Prepared((step,), (), flags if step.module.slots else 0)
