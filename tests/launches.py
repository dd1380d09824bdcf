"""Launches for the tests of device backends: operands, layouts, kernels and a way to run them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import strategies as st

from trueno._backends.numpy import NumpyBackend
from trueno._backends.wgpu import WgpuBackend
from trueno.kinds import BOOL, FLOAT32, INT8, INT16, INT64, Dtype
from trueno.memory import Storage, View
from trueno.plan import Instruction, Kernel, Launch, Output

Array = np.ndarray[Any, Any]
REFERENCE = NumpyBackend()


def failing(stage: str, error: Exception) -> Callable[[str], None]:
    """A device's ``inject`` that raises ``error`` before each step of that kind."""

    def inject(at: str) -> None:
        if at == stage:
            raise error

    return inject


def view(array: Array) -> View:
    return View(Storage(array), array)


def run(
    backend: Any,
    kernel: Kernel,
    inputs: Sequence[Array],
    axes: tuple[int, ...] = (),
    consts: tuple[Any, ...] = (),
    outputs: Sequence[View] = (),
) -> tuple[list[Array], list[int]]:
    """Launches on the inputs; returns the outputs (made if not given) and the conditions."""
    shape = np.broadcast_shapes(*(x.shape for x in inputs))
    kept = tuple(1 if a in axes else n for a, n in enumerate(shape))
    outputs = list(outputs) or [
        view(np.zeros(kept if o.reduce else shape, o.dtype)) for o in kernel.outputs
    ]
    masks: list[int] = []
    ins = tuple(view(x) for x in inputs)
    backend.launch(Launch(kernel, shape, axes, ins, consts, tuple(outputs), masks.extend))
    for output in outputs:
        output.storage.to_host()
    return [output.array for output in outputs], masks or [0] * (
        len(kernel.body) + len(kernel.outputs)
    )


def differences(actual: Array, expected: Array, ulp: int = 0, zeros: bool = False) -> Array:
    """Where two arrays differ, NaN being equal to NaN and (unless ``zeros``) 0 not to -0."""
    if expected.dtype.kind != "f":
        return actual != expected
    with np.errstate(all="ignore"):
        near = np.abs(actual - expected) <= ulp * np.spacing(np.abs(expected)) if ulp else False
    same = (actual == expected) | near
    if not zeros:
        same &= np.signbit(actual) == np.signbit(expected)
    return ~(same | (np.isnan(actual) & np.isnan(expected)))


# ---------------------------------------------------------------- data


def special(dtype: Dtype) -> Array:
    if dtype == BOOL:
        return np.array([False, True])
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        edges = [info.max, info.max - 1, info.max // 2, info.min, info.min + 1]
        small = [0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 100]
        negative = [-1, -2, -3, -7, -8, -100] if dtype.kind == "i" else []
        return np.array([*edges, *small, *negative], dtype=object).astype(dtype)
    info_ = np.finfo(dtype)
    least = float(info_.smallest_subnormal)
    limits = [info_.max, -info_.max, info_.tiny, info_.eps, least, -3 * least]
    plain = [0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3, -7, 10, 1 / 3, 255.5, 300, -129]
    powers = [65535, 65536, 3e9, 1e19, 1e30, 88, -88, 709, -745, 2.0**52 + 0.5]
    exact = [s * 2.0**e for e in (31, 32, 53, 63, 64) for s in (1, -1)]
    values = [*limits, *plain, *powers, *exact, -(2.0**31) - 1025, np.inf, -np.inf, np.nan]
    with np.errstate(all="ignore"):
        return np.array(values, np.float64).astype(dtype)


def random(dtype: Dtype, n: int, rng: np.random.Generator) -> Array:
    if dtype == BOOL:
        return rng.random(n) < 0.5
    if dtype.kind in "iu":
        return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype)
    with np.errstate(all="ignore"):
        return (rng.standard_normal(n) * 10.0 ** rng.uniform(-5, 5, n)).astype(dtype)


def operands(dtypes: Sequence[Dtype]) -> list[Array]:
    """Every pair of special values, a third operand in another order, and random values."""
    rng = np.random.default_rng(7)
    groups = [special(dtype) for dtype in dtypes]
    if len(groups) > 1:
        first, second = (g.ravel() for g in np.meshgrid(groups[0], groups[1]))
        rest = [rng.permutation(np.resize(g, first.size)) for g in groups[2:]]
        groups = [first, second, *rest]
    return [np.concatenate([g, random(g.dtype, 501, rng)]) for g in groups]


LAYOUT_DTYPES = (FLOAT32, INT8, BOOL, INT16, INT64)


@st.composite
def layouts(draw: st.DrawFn, shape: tuple[int, ...], broadcast: bool) -> tuple[Any, ...]:
    """How to make an array of ``shape``: lengths kept, order of axes, steps, margins before."""
    kept = [broadcast and draw(st.integers(0, 3)) == 0 for _ in shape]
    order = draw(st.permutations(range(len(shape))))
    steps = [draw(st.sampled_from((1, 1, 1, 2, -1))) for _ in shape]
    margins = [draw(st.sampled_from((0, 0, 1, 4))) for _ in shape]
    return tuple(kept), tuple(order), tuple(steps), tuple(margins)


def laid_out(dtype: Dtype, shape: tuple[int, ...], layout: Any, seed: int) -> View:
    """A view of the shape, with the layout, in a root that holds more."""
    kept, order, steps, margins = layout
    lengths = [1 if k else n for k, n in zip(kept, shape, strict=True)]
    full = [lengths[a] * abs(steps[a]) + 2 * margins[a] for a in range(len(shape))]
    root = random(dtype, int(np.prod(full)), np.random.default_rng(seed)).copy()
    root = root.reshape([full[a] for a in order])
    array = root.transpose(np.argsort(order)) if shape else root
    index = []
    for length, step, margin in zip(lengths, steps, margins, strict=True):
        part = slice(margin, margin + length * abs(step), abs(step))
        index.append(part)
    array = array[(*index, ...)]
    array = array[(*(slice(None, None, -1) if s < 0 else slice(None) for s in steps), ...)]
    return View(Storage(root), array)


KERNELS = {
    dtype: Kernel(
        (dtype, dtype),
        (),
        (Instruction("add", (0, 1), dtype), Instruction("maximum", (2, 1), dtype)),
        (Output(3, None, dtype),),
    )
    for dtype in LAYOUT_DTYPES
}


def subsets(rank: int) -> list[tuple[int, ...]]:
    return [axes for n in range(1, rank + 1) for axes in combinations(range(rank), n)]


INCREMENT = Kernel(
    (FLOAT32,), (FLOAT32,), (Instruction("add", (0, 1), FLOAT32),), (Output(2, None, FLOAT32),)
)


def increment(wgpu: WgpuBackend, target: View, by: float, report: Any = lambda _: None) -> None:
    shape = target.array.shape
    wgpu.launch(Launch(INCREMENT, shape, (), (target,), (np.float32(by),), (target,), report))
