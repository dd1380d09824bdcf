"""The GPU backend against the NumPy backend: launches of every operation, dtype, layout and
fault."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueno._backends.numpy import NumpyBackend
from trueno._backends.wgpu import GpuError, WgpuBackend, open_backend
from trueno.dtypes import (
    BOOL,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    Dtype,
)
from trueno.memory import Storage, View
from trueno.ops import ELEMENTWISE, OPS, UNDERFLOW
from trueno.plan import Instruction, Kernel, Launch, Output

pytestmark = pytest.mark.gpu
Array = np.ndarray[Any, Any]

DTYPES = (BOOL, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, FLOAT16, FLOAT32, FLOAT64)
REFERENCE = NumpyBackend()
# Which zero comes out is the instruction set's choice in NumPy too.
EITHER_ZERO = ("maximum", "minimum", "clip", "relu")
ULP = {"exp": 2}


@pytest.fixture(scope="module")
def opened(request: pytest.FixtureRequest) -> WgpuBackend:
    """A backend of its own, beside the engine's: its limits and faults are tampered with here."""
    backend = open_backend(os.environ.get("TRUENO_GPU") or "software")
    if backend is None:
        reason = "no GPU adapter; Debian's mesa-vulkan-drivers and libvulkan1 give a software one"
        (pytest.fail if request.config.getoption("--require-gpu", False) else pytest.skip)(reason)
    return backend


@pytest.fixture
def wgpu(opened: WgpuBackend) -> Iterator[WgpuBackend]:
    """The backend, its limits and fault hook put back after each test."""
    limits, inject = opened.gpu.limits, opened.gpu.inject
    yield opened
    opened.gpu.limits, opened.gpu.inject = limits, inject


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


# ---------------------------------------------------------------- every operation


def signatures(dtype: Dtype) -> dict[tuple[Dtype, ...], list[Instruction]]:
    """The operations that compute in ``dtype``, by operand dtypes."""
    found: dict[tuple[Dtype, ...], list[Instruction]] = {}
    for op in ELEMENTWISE.values():
        if op.wgsl is None or op.name == "cast":
            continue
        if op.name == "where":
            inputs, result = (BOOL, dtype, dtype), dtype
        else:
            try:
                *resolved, result = op.resolve((dtype,) * op.nin)
            except TypeError:
                continue
            inputs = tuple(resolved)
            if inputs[0] != dtype:
                continue
        args = tuple(range(op.nin))
        found.setdefault(inputs, []).append(Instruction(op.name, args, result))
    return found


def compare(wgpu: WgpuBackend, inputs: Sequence[Array], body: Sequence[Instruction]) -> None:
    """Runs instructions on the inputs as kernels of four outputs, and compares with NumPy."""
    dtypes = tuple(x.dtype for x in inputs)
    for start in range(0, len(body), 4):
        part = tuple(body[start : start + 4])
        outputs = tuple(Output(len(inputs) + k, None, i.dtype) for k, i in enumerate(part))
        kernel = Kernel(dtypes, (), part, outputs)
        actual, raised = run(wgpu, kernel, inputs)
        expected, conditions = run(REFERENCE, kernel, inputs)
        for i, a, e, r, c in zip(part, actual, expected, raised, conditions, strict=False):
            wrong = differences(a, e, ULP.get(i.op, 0), i.op in EITHER_ZERO)
            sample = [(*(x[j] for x in inputs), a[j], e[j]) for j in np.flatnonzero(wrong)[:5]]
            assert not sample, f"{i.op} {dtypes}: operands, GPU, NumPy: {sample}"
            assert r == c & ~UNDERFLOW, f"{i.op} {dtypes}: raised {r}, NumPy {c}"


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_operation_equals_numpy(wgpu: WgpuBackend, dtype: Dtype) -> None:
    for inputs, body in signatures(dtype).items():
        for i in body:
            if not wgpu.supports(i.op, inputs, i.dtype):
                pytest.skip(f"the adapter has no {dtype}")
        compare(wgpu, operands(inputs), body)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_casts_equal_numpy(wgpu: WgpuBackend, dtype: Dtype) -> None:
    if not wgpu.supports("cast", (dtype,), INT32):
        pytest.skip(f"the adapter has no {dtype}")
    (x,) = operands((dtype,))
    targets = [t for t in DTYPES if wgpu.supports("cast", (dtype,), t)]
    loose = dtype.kind == "f" and UINT32 in targets
    if loose:
        # NumPy's own vector and scalar loops convert numbers outside uint32 differently.
        targets.remove(UINT32)
        with np.errstate(invalid="ignore"):
            compare(wgpu, [x[(x >= 0) & (x < 2.0**32)]], [Instruction("cast", (0,), UINT32)])
    compare(wgpu, [x], [Instruction("cast", (0,), target) for target in targets])


@pytest.mark.parametrize(("dtype", "wide"), [(FLOAT32, np.float64), (FLOAT64, np.longdouble)])
def test_exp_is_within_its_ulp_bound(wgpu: WgpuBackend, dtype: Dtype, wide: Any) -> None:
    if not wgpu.supports("exp", (dtype,), dtype):
        pytest.skip(f"the adapter has no {dtype}")
    rng = np.random.default_rng(3)
    top = 88.7 if dtype == FLOAT32 else 709.7
    x = np.concatenate([rng.uniform(-top + 2, top, 100_000), rng.uniform(-1, 1, 100_000)])
    x = x.astype(dtype)
    kernel = Kernel((dtype,), (), (Instruction("exp", (0,), dtype),), (Output(1, None, dtype),))
    (actual,), _ = run(wgpu, kernel, [x])
    exact = np.exp(x.astype(wide))
    error = np.abs(actual.astype(wide) - exact) / np.spacing(exact.astype(dtype))
    assert error.max() <= 1.0


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_division_is_correctly_rounded_on_random_bits(wgpu: WgpuBackend, dtype: Dtype) -> None:
    if not wgpu.supports("divide", (dtype, dtype), dtype):
        pytest.skip(f"the adapter has no {dtype}")
    rng = np.random.default_rng(5)
    n = 200_000
    x, y = (np.frombuffer(rng.bytes(n * dtype.itemsize), dtype) for _ in range(2))
    names = ("divide", "sqrt", "remainder", "floor_divide")
    body = tuple(Instruction(name, (0, 1)[: OPS[name].nin], dtype) for name in names)
    kernel = Kernel((dtype,) * 2, (), body, tuple(Output(2 + k, None, dtype) for k in range(4)))
    near = [rng.uniform(0.5, 4, n).astype(dtype) for _ in range(2)]
    for pair in ([x, y], near):
        actual, _ = run(wgpu, kernel, pair)
        expected, _ = run(REFERENCE, kernel, pair)
        for name, a, e in zip(names, actual, expected, strict=True):
            assert not differences(a, e).any(), name


def test_a_product_is_rounded_before_it_is_added(wgpu: WgpuBackend) -> None:
    rng = np.random.default_rng(11)
    x, y = (rng.standard_normal(10_000).astype(np.float32) for _ in range(2))
    body = (
        Instruction("multiply", (0, 1), FLOAT32),
        Instruction("subtract", (2, 0), FLOAT32),
        Instruction("add", (3, 0), FLOAT32),
    )
    kernel = Kernel((FLOAT32,) * 2, (), body, (Output(4, None, FLOAT32),))
    (actual,), _ = run(wgpu, kernel, [x, y])
    np.testing.assert_array_equal(actual, (x * y - x) + x)


def test_constants_of_every_dtype(wgpu: WgpuBackend) -> None:
    for dtype in DTYPES:
        if not wgpu.supports("equal", (dtype, dtype), BOOL):
            continue
        x = special(dtype)
        body = (Instruction("maximum", (0, 1), dtype),)
        kernel = Kernel((dtype,), (dtype,), body, (Output(2, None, dtype),))
        for value in x[-3:]:
            (actual,), _ = run(wgpu, kernel, [x], consts=(value,))
            expected, _ = run(REFERENCE, kernel, [x], consts=(value,))
            assert not differences(actual, expected[0], zeros=True).any(), (dtype, value)


def test_what_is_not_supported(wgpu: WgpuBackend) -> None:
    assert not wgpu.supports("argmax", (FLOAT32,), INT64)
    assert not wgpu.supports("sin", (FLOAT32,), FLOAT32)
    assert not wgpu.supports("add", (np.dtype("c8"),) * 2, np.dtype("c8"))
    assert not wgpu.supports("subtract", (BOOL, BOOL), BOOL)


# ---------------------------------------------------------------- layouts

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


@settings(max_examples=120)
@given(data=st.data())
def test_every_layout_reads_and_writes_its_elements_only(
    opened: WgpuBackend, data: st.DataObject
) -> None:
    dtype = data.draw(st.sampled_from(LAYOUT_DTYPES))
    sizes = st.sampled_from((1, 2, 3, 4, 5, 8, 12))
    shape = tuple(data.draw(st.lists(sizes, min_size=0, max_size=3)))
    in_place = data.draw(st.booleans())
    plans = [data.draw(layouts(shape, broadcast)) for broadcast in (not in_place, True, False)]
    roots = []
    for backend in (opened, REFERENCE):
        with np.errstate(all="ignore"):
            x, y, z = (laid_out(dtype, shape, p, seed) for seed, p in enumerate(plans))
            target = x if in_place else z
            launch = Launch(KERNELS[dtype], shape, (), (x, y), (), (target,), lambda _: None)
            backend.launch(launch)
            target.storage.to_host()
            roots.append(target.storage.root)
    assert not differences(roots[0], roots[1], zeros=True).any()


def test_overlapping_inputs_and_outputs_of_one_buffer(wgpu: WgpuBackend) -> None:
    kernel = KERNELS[FLOAT32]
    results = []
    for backend in (wgpu, REFERENCE):
        root = np.arange(4096, dtype=np.float32)
        storage = Storage(root)
        parts = [View(storage, root[a : a + 1000]) for a in (0, 1001, 2048)]
        ins, outs = tuple(parts[:2]), (parts[2],)
        backend.launch(Launch(kernel, (1000,), (), ins, (), outs, lambda _: None))
        outs = (View(storage, root[1:1001]),)
        ins = (View(storage, root[1:1001]), parts[2])
        backend.launch(Launch(kernel, (1000,), (), ins, (), outs, lambda _: None))
        storage.to_host()
        results.append(root)
    np.testing.assert_array_equal(*results)


def test_one_buffer_written_as_another_dtype(wgpu: WgpuBackend) -> None:
    cast = Instruction("cast", (0,), INT32)
    kernel = Kernel((FLOAT32,), (), (cast,), (Output(1, None, INT32),))
    root = np.arange(1000, dtype=np.float32)
    storage = Storage(root)
    target = View(storage, root.view(np.int32))
    launch = Launch(kernel, (1000,), (), (View(storage, root),), (), (target,), lambda _: None)
    wgpu.launch(launch)
    storage.to_host()
    np.testing.assert_array_equal(target.array, np.arange(1000))


@pytest.mark.parametrize("dtype", [FLOAT32, INT8], ids=str)
def test_foreign_memory_with_gaps(wgpu: WgpuBackend, dtype: Dtype) -> None:
    memory = np.arange(600).astype(dtype)
    foreign, target = memory[::3], np.zeros(400, dtype)
    run(wgpu, KERNELS[dtype], [foreign, foreign[::-1]], outputs=[view(target[::2])])
    expected = np.maximum(foreign + foreign[::-1], foreign[::-1])
    np.testing.assert_array_equal(target[::2], expected)
    assert not target[1::2].any()


def test_narrow_elements_beside_an_output_survive(wgpu: WgpuBackend) -> None:
    x = np.ones(37, np.int8)
    for start in (0, 4, 5):
        root = np.full(64, 9, np.int8)
        run(wgpu, KERNELS[INT8], [x, x], outputs=[View(Storage(root), root[start : start + 37])])
        expected = np.full(64, 9, np.int8)
        expected[start : start + 37] = 2
        np.testing.assert_array_equal(root, expected)


# ---------------------------------------------------------------- reductions

SHAPES = ((7,), (3, 5, 4), (2, 1, 300), (70, 33), (2, 3000), (3000, 2), (3, 1, 70_000))
REDUCED = {
    "sum": (FLOAT32, FLOAT64, FLOAT16, INT32, INT64, INT8, UINT16),
    "prod": (FLOAT32, INT32, UINT64),
    "max": (FLOAT32, FLOAT64, FLOAT16, INT16, UINT64, BOOL),
    "min": (FLOAT32, INT8, UINT8, INT64, BOOL),
    "all": (BOOL, FLOAT32, UINT8),
    "any": (BOOL, INT16, FLOAT64),
}


def subsets(rank: int) -> list[tuple[int, ...]]:
    return [axes for n in range(1, rank + 1) for axes in combinations(range(rank), n)]


def reducible(name: str, dtype: Dtype, shape: tuple[int, ...]) -> Array:
    rng = np.random.default_rng(len(shape))
    n = int(np.prod(shape))
    if dtype.kind == "f":
        scale = 0.01 if name == "prod" else 1.0
        return (rng.standard_normal(n) * scale + (name == "prod")).astype(dtype).reshape(shape)
    if name in ("all", "any"):
        dense = rng.random(n) < (1 - 2 / n if name == "all" else 2 / n)
        return dense.astype(dtype).reshape(shape)
    return random(dtype, n, rng).reshape(shape)


@pytest.mark.parametrize("name", REDUCED)
def test_reductions_over_every_set_of_axes(wgpu: WgpuBackend, name: str) -> None:
    for dtype in REDUCED[name]:
        result = BOOL if name in ("all", "any") else dtype
        if not wgpu.supports(name, (dtype,), result):
            continue
        kernel = Kernel((dtype,), (), (), (Output(0, name, result),))
        for shape in SHAPES:
            x = reducible(name, dtype, shape)
            for axes in subsets(len(shape)):
                for array in (x, x.T.copy().T):
                    (actual,), _ = run(wgpu, kernel, [array], axes)
                    (expected,), _ = run(REFERENCE, kernel, [array], axes)
                    if dtype.kind == "f" and name in ("sum", "prod"):
                        _check_rounding(name, actual, array, axes)
                    else:
                        np.testing.assert_array_equal(actual, expected)


def _check_rounding(name: str, actual: Array, x: Array, axes: tuple[int, ...]) -> None:
    """The error is at most a few roundings of the sum of the absolute values."""
    wide = x.astype(np.longdouble)
    exact = getattr(wide, name)(axis=axes, keepdims=True)
    n = np.prod([x.shape[a] for a in axes])
    scale = np.abs(wide).sum(axis=axes, keepdims=True) if name == "sum" else n * np.abs(exact)
    bound = (12 if x.dtype != FLOAT16 else 2) * np.finfo(x.dtype).eps * scale
    assert (np.abs(actual - exact) <= bound).all()


def test_a_fused_operand_with_stored_and_reduced_outputs(wgpu: WgpuBackend) -> None:
    body = (Instruction("multiply", (0, 1), FLOAT32), Instruction("less", (0, 2), BOOL))
    outputs = (
        Output(3, None, FLOAT32),
        Output(3, "max", FLOAT32),
        Output(4, "any", BOOL),
        Output(4, None, BOOL),
    )
    kernel = Kernel((FLOAT32, FLOAT32), (FLOAT32,), body, outputs)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 1, 41)).astype(np.float32)
    y = rng.standard_normal((30, 1)).astype(np.float32)
    for axes in subsets(3):
        limit = (np.float32(-2.5),)
        actual, _ = run(wgpu, kernel, [x, y], axes, limit)
        expected, _ = run(REFERENCE, kernel, [x, y], axes, limit)
        for a, e in zip(actual, expected, strict=True):
            np.testing.assert_array_equal(a, e)


def test_a_long_sum_is_exact_enough_and_repeatable(wgpu: WgpuBackend) -> None:
    x = np.random.default_rng(1).random(3_000_001).astype(np.float32)
    kernel = Kernel((FLOAT32,), (), (), (Output(0, "sum", FLOAT32),))
    first, second = (run(wgpu, kernel, [x], (0,))[0][0] for _ in range(2))
    assert first == second
    exact = x.sum(dtype=np.float64)
    assert abs(first[0] - exact) <= 2 * abs(float(x.sum()) - exact) + exact * 2.0**-23


def test_nan_propagates_through_max(wgpu: WgpuBackend) -> None:
    x = np.ones((9, 700), np.float32)
    x[3, 500] = np.nan
    kernel = Kernel((FLOAT32,), (), (), (Output(0, "max", FLOAT32), Output(0, "min", FLOAT32)))
    for axes in subsets(2):
        actual, _ = run(wgpu, kernel, [x], axes)
        np.testing.assert_array_equal(actual[0], x.max(axis=axes, keepdims=True))
        np.testing.assert_array_equal(actual[1], x.min(axis=axes, keepdims=True))


# ---------------------------------------------------------------- limits


def test_more_points_than_one_dimension_of_workgroups(wgpu: WgpuBackend) -> None:
    n = 65_535 * 1024 + 77
    x = np.arange(n, dtype=np.uint8)
    body = (Instruction("bitwise_invert", (0,), UINT8),)
    kernel = Kernel((UINT8,), (), body, (Output(1, None, UINT8),))
    (actual,), _ = run(wgpu, kernel, [x])
    assert np.array_equal(actual, ~x)


def test_small_limits_split_fold_and_fall_back(wgpu: WgpuBackend) -> None:
    """Bindings of 64 KiB, 3 workgroups a dimension and no immediates, as some device might have."""
    wgpu.gpu.limits = wgpu.gpu.limits._replace(binding=1 << 16, groups=3, immediates=0)
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((300, 301)).astype(np.float32), rng.standard_normal(301)
    y = y.astype(np.float32)
    body = (Instruction("divide", (0, 1), FLOAT32), Instruction("add", (3, 2), FLOAT32))
    stored = Kernel((FLOAT32, FLOAT32), (FLOAT32,), body, (Output(4, None, FLOAT32),))
    (actual,), masks = run(wgpu, stored, [x, y], consts=(np.float32(2),))
    np.testing.assert_array_equal(actual, x / y + np.float32(2))
    assert masks == [0, 0, 0]
    largest = Kernel((FLOAT32,), (), (), (Output(0, "max", FLOAT32),))
    for axes in subsets(2):
        (actual,), _ = run(wgpu, largest, [x], axes)
        np.testing.assert_array_equal(actual, x.max(axis=axes, keepdims=True))


def test_too_many_operands_for_one_shader(wgpu: WgpuBackend) -> None:
    wgpu.gpu.limits = wgpu.gpu.limits._replace(bindings=4)
    body = [Instruction("add", (0, 1), INT32)]
    body += [Instruction("add", (6 + k, 2 + k), INT32) for k in range(4)]
    kernel = Kernel((INT32,) * 6, (), tuple(body), (Output(10, None, INT32),))
    x = [np.arange(100, dtype=np.int32) + k for k in range(6)]
    (actual,), _ = run(wgpu, kernel, x)
    np.testing.assert_array_equal(actual, sum(x))


# ---------------------------------------------------------------- asynchrony and conditions

INCREMENT = Kernel(
    (FLOAT32,), (FLOAT32,), (Instruction("add", (0, 1), FLOAT32),), (Output(2, None, FLOAT32),)
)


def increment(wgpu: WgpuBackend, target: View, by: float, report: Any = lambda _: None) -> None:
    shape = target.array.shape
    wgpu.launch(Launch(INCREMENT, shape, (), (target,), (np.float32(by),), (target,), report))


def test_a_thousand_launches_share_submissions(wgpu: WgpuBackend) -> None:
    target = view(np.zeros(100, np.float32))
    dispatched, submitted = wgpu.gpu.dispatched, wgpu.gpu.submitted
    for k in range(1000):
        increment(wgpu, target, k % 3)
    assert wgpu.gpu.dispatched == dispatched + 1000
    assert wgpu.gpu.submitted <= submitted + 17
    assert not target.storage.host_valid
    target.storage.to_host()
    np.testing.assert_array_equal(target.array, np.full(100, 999.0))


def test_conditions_arrive_with_the_next_read_and_none_is_lost(wgpu: WgpuBackend) -> None:
    wgpu.synchronize()
    seen: list[tuple[int, list[int]]] = []
    target = view(np.zeros(10, np.float32))
    for k in range(200):
        by = np.inf if k == 70 else (-np.inf if k == 150 else 1.0)
        increment(wgpu, target, by, lambda masks, k=k: seen.append((k, list(masks))))
    assert not seen
    other = view(np.zeros(3, np.float32))
    increment(wgpu, other, 1.0)
    other.storage.to_host()
    assert [k for k, _ in seen] == list(range(200))
    assert [(k, masks) for k, masks in seen if any(masks)] == [(150, [8, 0])]


def test_conditions_survive_a_full_table(
    wgpu: WgpuBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    wgpu.synchronize()
    monkeypatch.setattr("trueno._backends.wgpu_device.FLAG_WORDS", 64)
    seen: list[list[int]] = []
    big = np.float32(3e38)
    for _ in range(50):
        increment(wgpu, view(np.full(4, big)), float(big), lambda masks: seen.append(list(masks)))
    wgpu.synchronize()
    assert seen == [[2, 0]] * 50


def test_a_sum_reports_its_overflow(wgpu: WgpuBackend) -> None:
    kernel = Kernel((FLOAT32,), (), (), (Output(0, "sum", FLOAT32),))
    for value, expected in ((3e38, 2), (1.0, 0), (np.inf, 0)):
        _, masks = run(wgpu, kernel, [np.full(5000, value, np.float32)], (0,))
        assert masks == [expected]
    x = np.zeros(5000, np.float32)
    x[10], x[4000] = np.inf, -np.inf
    assert run(wgpu, kernel, [x], (0,))[1] == [8]


def test_a_raising_report_does_not_hide_the_data(wgpu: WgpuBackend) -> None:
    def report(masks: Sequence[int]) -> None:
        if any(masks):
            raise FloatingPointError("overflow")

    target = view(np.full(4, 3e38, np.float32))
    increment(wgpu, target, 3e38, report)
    with pytest.raises(FloatingPointError):
        target.storage.to_host()
    target.storage.to_host()
    assert np.isinf(target.array).all()


# ---------------------------------------------------------------- memory


def test_data_moves_once_each_way(wgpu: WgpuBackend) -> None:
    x, out = view(np.ones(1001, np.float32)), view(np.zeros(1001, np.float32))
    uploaded, downloaded = wgpu.gpu.uploaded, wgpu.gpu.downloaded
    for _ in range(3):
        launch = Launch(INCREMENT, (1001,), (), (x,), (np.float32(1),), (out,), lambda _: None)
        wgpu.launch(launch)
    out.storage.to_host()
    out.storage.to_host()
    assert wgpu.gpu.uploaded - uploaded == 4004
    assert wgpu.gpu.downloaded - downloaded == 4004


def test_host_writes_are_uploaded_before_the_next_launch_only(wgpu: WgpuBackend) -> None:
    """A write to the queue would overtake the recorded launches that read the old bytes."""
    x, first, second = (view(np.ones(64, np.float32)) for _ in range(3))
    one = (np.float32(1),)
    wgpu.launch(Launch(INCREMENT, (64,), (), (x,), one, (first,), lambda _: None))
    x.array[...] = 10
    x.storage.host_written()
    wgpu.launch(Launch(INCREMENT, (64,), (), (x,), one, (second,), lambda _: None))
    first.storage.to_host()
    second.storage.to_host()
    assert first.array[0] == 2
    assert second.array[0] == 11


def test_a_dropped_buffer_is_reused_and_not_overtaken(wgpu: WgpuBackend) -> None:
    total = view(np.zeros(512, np.float32))
    blocks = len(wgpu.gpu._blocks)
    body = (Instruction("add", (0, 1), FLOAT32),)
    kernel = Kernel((FLOAT32,) * 2, (), body, (Output(2, None, FLOAT32),))
    for k in range(100):
        x = view(np.full(512, k, np.float32))
        wgpu.launch(Launch(kernel, (512,), (), (total, x), (), (total,), lambda _: None))
        del x
        gc.collect(0)
    total.storage.to_host()
    assert (total.array == sum(range(100))).all()
    assert len(wgpu.gpu._blocks) <= blocks + 70


def test_a_read_only_and_a_fortran_root(wgpu: WgpuBackend) -> None:
    x = np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4))
    x.flags.writeable = False
    (actual,), _ = run(wgpu, INCREMENT, [x], consts=(np.float32(1),))
    np.testing.assert_array_equal(actual, x + 1)


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize("stage", ["allocate", "compile"])
def test_a_fault_before_recording_leaves_the_host_data(wgpu: WgpuBackend, stage: str) -> None:
    def fail(at: str) -> None:
        if at == stage:
            raise MemoryError("injected")

    kernels = {"allocate": "negative", "compile": "bitwise_invert"}  # not compiled before
    body = (Instruction("square", (0,), INT32), Instruction(kernels[stage], (1,), INT32))
    kernel = Kernel((INT32,), (), body, (Output(2, None, INT32),))
    x, out = view(np.arange(9, dtype=np.int32)), view(np.zeros(9, np.int32))
    launch = Launch(kernel, (9,), (), (x,), (), (out,), lambda _: None)
    wgpu.gpu.inject = fail
    with pytest.raises(GpuError, match="injected"):
        wgpu.launch(launch)
    assert x.storage.host_valid
    assert out.storage.host_valid
    wgpu.gpu.inject = len
    wgpu.launch(launch)
    out.storage.to_host()
    square = np.arange(9) ** 2
    np.testing.assert_array_equal(out.array, -square if stage == "allocate" else ~square)


def test_a_failed_submission_is_noticed_by_every_reader(wgpu: WgpuBackend) -> None:
    def fail(at: str) -> None:
        if at == "submit":
            raise RuntimeError("injected")

    target = view(np.zeros(8, np.float32))
    increment(wgpu, target, 1)
    wgpu.gpu.inject = fail
    with pytest.raises(GpuError, match="injected"):
        target.storage.to_host()
    wgpu.gpu.inject = len
    with pytest.raises(GpuError, match="injected"):
        target.storage.to_host()
    with pytest.raises(GpuError, match="injected"):
        increment(wgpu, target, 1)
    fresh = view(np.zeros(8, np.float32))
    increment(wgpu, fresh, 1)
    fresh.storage.to_host()
    assert (fresh.array == 1).all()


def test_a_failed_read_can_be_repeated(wgpu: WgpuBackend) -> None:
    def fail(at: str) -> None:
        if at == "read":
            raise RuntimeError("injected")

    target = view(np.zeros(8, np.float32))
    increment(wgpu, target, 1)
    wgpu.gpu.inject = fail
    with pytest.raises(GpuError, match="injected"):
        target.storage.to_host()
    wgpu.gpu.inject = len
    target.storage.to_host()
    assert (target.array == 1).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_forked_child_gets_a_clear_error(wgpu: WgpuBackend) -> None:
    target = view(np.zeros(8, np.float32))
    increment(wgpu, target, 1)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # no pytest in the child: report through the pipe and vanish
        try:
            increment(wgpu, target, 1)
        except GpuError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert "after fork" in pipe.read()
    target.storage.to_host()
    assert (target.array == 1).all()


def test_no_adapter_is_no_error() -> None:
    assert open_backend("off") is None
    assert open_backend("0") is None
    assert open_backend("no adapter has this name") is None
    assert open_backend("gpu:99") is None


def test_importing_the_module_does_not_import_wgpu() -> None:
    code = "import sys, trueno._backends.wgpu; sys.exit('wgpu' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
