"""The GPU backend against the NumPy backend: every operation, dtype, layout and reduction."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.launches import (
    KERNELS,
    LAYOUT_DTYPES,
    REFERENCE,
    Array,
    differences,
    laid_out,
    layouts,
    operands,
    random,
    run,
    special,
    subsets,
    view,
)
from trueno._backends import wgpu_exact, wgsl
from trueno._backends.simd import SimdBackend
from trueno._backends.wgpu import WgpuBackend
from trueno.kinds import (
    BOOL,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    FLOATS,
    INT8,
    INT16,
    INT32,
    INT64,
    SIGNED,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    UNSIGNED,
    Dtype,
)
from trueno.memory import Storage, View
from trueno.ops import ELEMENTWISE, OPS, UNDERFLOW
from trueno.plan import Instruction, Kernel, Launch, Output

pytestmark = pytest.mark.gpu

DTYPES = (BOOL, *SIGNED, *UNSIGNED, *FLOATS)
SIMD = SimdBackend()
# Which zero comes out is the instruction set's choice in NumPy too.
EITHER_ZERO = ("maximum", "minimum", "clip", "relu")
# Functions that are not correctly rounded: the SIMD backend's are within 1 ULP, and tested so.
FUNCTIONS = (
    "exp", "expm1", "log", "log2", "log10", "log1p", "asinh", "acosh", "atanh", "tanh", "sinh",
    "cosh", "erf", "erfc", "elu", "selu", "sigmoid", "silu", "softplus", "gelu", "gelu_tanh",
    "hardsigmoid", "hardswish", "rsqrt", "softsign",
)  # fmt: skip
ULP = {"exp": 2}


# ---------------------------------------------------------------- every operation


def signatures(dtype: Dtype) -> dict[tuple[Dtype, ...], list[Instruction]]:
    """The operations that compute in ``dtype``, by operand dtypes."""
    found: dict[tuple[Dtype, ...], list[Instruction]] = {}
    for op in ELEMENTWISE.values():
        if op.wgsl is None or op.name in ("cast", "logaddexp", *FUNCTIONS[1:]):
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


def subnormal(x: Array) -> Array:
    """Which elements are too small for a normal floating-point number."""
    if x.dtype.kind != "f":
        return np.zeros(x.shape, bool)
    return (x != 0) & (np.abs(x) < np.finfo(x.dtype).tiny)


def flushes(wgpu: WgpuBackend, dtype: Dtype) -> bool:
    """Whether the device takes subnormal numbers for zero, as the standard of Vulkan allows."""
    if dtype.kind != "f":
        return False
    doubled = Instruction("add", (0, 0), dtype)
    least = np.full(4, np.finfo(dtype).smallest_subnormal, dtype)
    (result,), _ = run(wgpu, Kernel((dtype,), (), (doubled,), (Output(1, None, dtype),)), [least])
    return not result.all()


def compare(wgpu: WgpuBackend, inputs: Sequence[Array], body: Sequence[Instruction]) -> None:
    """Runs instructions on the inputs as kernels of four outputs, and compares with NumPy."""
    dtypes = tuple(x.dtype for x in inputs)
    flushing = any(flushes(wgpu, dtype) for dtype in dtypes)
    if flushing:
        inputs = [np.where(subnormal(x), x.dtype.type(0), x) for x in inputs]
    for start in range(0, len(body), 4):
        part = tuple(body[start : start + 4])
        outputs = tuple(Output(len(inputs) + k, None, i.dtype) for k, i in enumerate(part))
        kernel = Kernel(dtypes, (), part, outputs)
        actual, raised = run(wgpu, kernel, inputs)
        expected, conditions = run(REFERENCE, kernel, inputs)
        for i, a, e, r, c in zip(part, actual, expected, raised, conditions, strict=False):
            wrong = differences(a, e, ULP.get(i.op, 0), i.op in EITHER_ZERO)
            if flushing:
                wrong &= ~subnormal(e)
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


@pytest.mark.parametrize(
    ("narrow", "dtype"),
    [(INT32, INT64), (UINT32, UINT64), (UINT32, INT64), (INT8, INT32), (INT16, FLOAT32)],
    ids=str,
)
def test_operations_on_fused_casts(wgpu: WgpuBackend, narrow: Dtype, dtype: Dtype) -> None:
    """Drivers' optimisers look through conversions, and not always rightly."""
    if not wgpu.supports("cast", (narrow,), dtype):
        pytest.skip(f"the adapter has no {dtype}")
    x = operands((narrow, narrow))
    casts = (Instruction("cast", (0,), dtype), Instruction("cast", (1,), dtype))
    body = [i for i in signatures(dtype).get((dtype, dtype), []) if i.op != "leaky_relu"]
    for start in range(0, len(body), 4):
        part = [i._replace(args=(2, 3)) for i in body[start : start + 4]]
        outputs = tuple(Output(4 + k, None, i.dtype) for k, i in enumerate(part))
        kernel = Kernel((narrow, narrow), (), (*casts, *part), outputs)
        actual, _ = run(wgpu, kernel, x)
        expected, _ = run(REFERENCE, kernel, x)
        for i, a, e in zip(part, actual, expected, strict=True):
            assert not differences(a, e, zeros=True).any(), i.op


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
    assert error.max() <= 2.0


def arguments(dtype: Dtype) -> Array:
    """Special values, and numbers where functions are steep, flat, tiny or large."""
    rng = np.random.default_rng(1)
    top = {FLOAT16: 11, FLOAT32: 88, FLOAT64: 700}[dtype]
    scales = 10.0 ** rng.uniform(-top / 2.5, top / 2.5, 4000)
    parts = [special(dtype), rng.uniform(-top, top, 4000), rng.uniform(-1, 1, 8000)]
    parts += [rng.standard_normal(8000) * 3, rng.choice([-1, 1], 4000) * scales]
    parts.append(1 + rng.uniform(-1, 1, 4000) * 1e-3)
    with np.errstate(all="ignore"):
        return np.concatenate(parts).astype(dtype)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_near_those_of_the_cpu(
    wgpu: WgpuBackend, name: str, dtypes: Sequence[Dtype] = (FLOAT32, FLOAT64)
) -> None:
    for dtype in dtypes:
        nin = OPS[name].nin
        if not wgpu.supports(name, (dtype,) * nin, dtype):
            continue
        x = arguments(dtype)
        if flushes(wgpu, dtype):
            x = np.where(subnormal(x), dtype.type(0), x)
        inputs = [x, np.full_like(x, 1.5)][:nin]
        body = (Instruction(name, tuple(range(nin)), dtype),)
        kernel = Kernel((dtype,) * nin, (), body, (Output(nin, None, dtype),))
        with np.errstate(all="ignore"):
            (actual,), raised = run(wgpu, kernel, inputs)
            (expected,), conditions = run(SIMD, kernel, inputs)
        wrong = differences(actual, expected, 2, zeros=True)
        if flushes(wgpu, dtype):
            wrong &= ~subnormal(expected)
        sample = [(x[j], actual[j], expected[j]) for j in np.flatnonzero(wrong)[:5]]
        assert not sample, f"{name} {dtype}: operand, GPU, CPU: {sample}"
        assert raised[0] == conditions[0] & ~UNDERFLOW


# Chains, of inputs a and b, in which one value tells of another that is not finite.
CHAINS = {
    "sums": [("multiply", 0, 1), ("add", 2, 0), ("subtract", 3, 1), ("sqrt", 4), ("exp", 5)],
    "quotients": [("add", 0, 0), ("divide", 2, 1), ("log", 3), ("divide", 1, 4), ("erf", 5)],
    "squares": [
        ("square", 0),
        ("subtract", 2, 2),
        ("negative", 3),
        ("expm1", 4),
        ("maximum", 5, 1),
    ],
    "hidden": [("divide", 0, 1), ("exp", 2), ("divide", 0, 3), ("tanh", 4), ("multiply", 5, 1)],
}


@pytest.mark.parametrize("dtype", [FLOAT16, FLOAT32, FLOAT64], ids=str)
@pytest.mark.parametrize("chain", CHAINS)
def test_conditions_within_a_chain(wgpu: WgpuBackend, chain: str, dtype: Dtype) -> None:
    """Each instruction's conditions, though not every value is looked at."""
    body = tuple([Instruction(op, tuple(args), dtype) for op, *args in CHAINS[chain]])
    if not all(wgpu.supports(i.op, (dtype,) * len(i.args), dtype) for i in body):
        pytest.skip(f"the adapter lacks {dtype}")
    kernel = Kernel((dtype, dtype), (), body, (Output(1 + len(body), None, dtype),))
    most = float(np.finfo(dtype).max)
    numbers = (0.0, -0.0, 1.5, -2.0, most, -most, np.inf, -np.inf, np.nan)
    for a, b in itertools.product(numbers, repeat=2):
        inputs = [np.full(5, a, dtype), np.full(5, b, dtype)]
        with np.errstate(all="ignore"):
            (actual,), raised = run(wgpu, kernel, inputs)
            (expected,), conditions = run(REFERENCE, kernel, inputs)
        assert (np.isnan(actual) == np.isnan(expected)).all(), (a, b)
        assert list(raised[: len(body)]) == [c & ~UNDERFLOW for c in conditions[: len(body)]], (
            a,
            b,
        )


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_logaddexp_is_near_its_larger_operand(wgpu: WgpuBackend, dtype: Dtype) -> None:
    """Where the terms cancel, the error is one of the larger operand."""
    if not wgpu.supports("logaddexp", (dtype, dtype), dtype):
        pytest.skip(f"the adapter has no {dtype}")
    x = arguments(dtype)
    y = np.random.default_rng(2).permutation(x)
    body = (Instruction("logaddexp", (0, 1), dtype),)
    kernel = Kernel((dtype, dtype), (), body, (Output(2, None, dtype),))
    (actual,), _ = run(wgpu, kernel, [x, y])
    (expected,), _ = run(SIMD, kernel, [x, y])
    with np.errstate(all="ignore"):
        far = np.abs(actual - expected) > 2 * np.spacing(
            np.maximum.reduce([np.abs(x), np.abs(y), np.ones_like(x)])
        )
    assert not (far & np.isfinite(expected)).any()
    assert not (np.isfinite(actual) != np.isfinite(expected)).any()


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
            wrong = differences(a, e)
            if flushes(wgpu, dtype):
                # A remainder may be the difference of a number and a subnormal one.
                with np.errstate(all="ignore"):
                    tiny = subnormal(np.fmod(*pair))
                wrong &= ~(tiny | subnormal(e) | subnormal(pair[0]) | subnormal(pair[1]))
            assert not wrong.any(), name


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
    assert not wgpu.supports("sin", (FLOAT32,), FLOAT32)
    assert not wgpu.supports("add", (np.dtype("c8"),) * 2, np.dtype("c8"))
    assert not wgpu.supports("subtract", (BOOL, BOOL), BOOL)


# ---------------------------------------------------------------- layouts


@settings(max_examples=80)
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


@pytest.mark.parametrize("dtype", [FLOAT32, INT64, INT16], ids=str)
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((40, 70), (1, 0)),
        ((33, 100, 64), (2, 1, 0)),
        ((5, 33, 40), (0, 2, 1)),
        ((3, 40, 5, 33), (2, 3, 0, 1)),
        ((40, 2, 3, 35), (3, 1, 2, 0)),
    ],
    ids=str,
)
def test_copies_between_memory_orders(
    wgpu: WgpuBackend, dtype: Dtype, shape: tuple[int, ...], axes: tuple[int, ...]
) -> None:
    if not wgpu.supports("cast", (dtype,), dtype):
        pytest.skip(f"the adapter has no {dtype}")
    kernel = Kernel((dtype,), (), (), (Output(0, None, dtype),))
    root = np.arange(2 * np.prod(shape)).astype(dtype)
    x = root[3 : 3 + np.prod(shape)].reshape(shape).transpose(axes)
    target = view(np.zeros((x.shape[0] + 1, *x.shape[1:]), dtype))
    part = View(target.storage, target.array[1:])
    source = View(Storage(root), x)
    wgpu.launch(Launch(kernel, x.shape, (), (source,), (), (part,), lambda _: None))
    target.storage.to_host()
    np.testing.assert_array_equal(target.array[1:], x)
    assert not target.array[0].any()


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


def test_narrow_outputs_that_share_words(wgpu: WgpuBackend) -> None:
    """Two outputs interleaved byte by byte in the buffer of the input, all on the device."""
    body = (Instruction("add", (0, 0), INT8), Instruction("negative", (0,), INT8))
    kernel = Kernel((INT8,), (), body, (Output(1, None, INT8), Output(2, None, INT8)))
    root = np.zeros((3, 1001), np.int8)
    root[0] = np.arange(1001).astype(np.int8)
    flat, storage = root.reshape(-1)[1001:2003], Storage(root)
    outputs = (View(storage, flat[0::2]), View(storage, flat[1::2]))
    source = View(storage, root[0, :501])
    downloaded = wgpu.gpu.downloaded
    wgpu.launch(Launch(kernel, (501,), (), (source,), (), outputs, lambda _: None))
    assert wgpu.gpu.downloaded == downloaded
    storage.to_host()
    np.testing.assert_array_equal(flat[0::2], source.array * np.int8(2))
    np.testing.assert_array_equal(flat[1::2], -source.array)
    assert not root.reshape(-1)[2003:].any()


def test_a_kernel_without_inputs(wgpu: WgpuBackend) -> None:
    kernel = Kernel((), (FLOAT64,), (), (Output(0, None, FLOAT64),))
    out = view(np.zeros((3, 5)))
    wgpu.launch(Launch(kernel, (3, 5), (), (), (np.float64(2.5),), (out,), lambda _: None))
    out.storage.to_host()
    assert (out.array == 2.5).all()


def test_narrow_elements_beside_an_output_survive(wgpu: WgpuBackend) -> None:
    x = np.ones(37, np.int8)
    for start in (0, 4, 5):
        root = np.full(64, 9, np.int8)
        run(wgpu, KERNELS[INT8], [x, x], outputs=[View(Storage(root), root[start : start + 37])])
        expected = np.full(64, 9, np.int8)
        expected[start : start + 37] = 2
        np.testing.assert_array_equal(root, expected)


# ---------------------------------------------------------------- reductions

SHAPES = ((7,), (3, 5, 4), (70, 33), (2, 1, 300), (2, 3000), (3000, 2), (3, 1, 70_000))
REDUCED = {
    "sum": (FLOAT32, FLOAT64, FLOAT16, INT32, INT64, INT8, UINT16),
    "prod": (FLOAT32, INT32, UINT64),
    "max": (FLOAT32, FLOAT64, FLOAT16, INT16, UINT64, BOOL),
    "min": (FLOAT32, INT8, UINT8, INT64, BOOL),
    "all": (BOOL, FLOAT32, UINT8),
    "any": (BOOL, INT16, FLOAT64),
}


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
        first = dtype == REDUCED[name][0]
        for shape in SHAPES if first else SHAPES[:-3]:
            x = reducible(name, dtype, shape)
            for axes in subsets(len(shape)):
                for array in (x, x.T.copy().T) if first else (x,):
                    (actual,), _ = run(wgpu, kernel, [array], axes)
                    (expected,), _ = run(REFERENCE, kernel, [array], axes)
                    if dtype.kind == "f" and name in ("sum", "prod"):
                        _check_rounding(name, actual, array, axes)
                    else:
                        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("name", ["argmax", "argmin", "max", "min"])
@pytest.mark.parametrize("dtype", [BOOL, INT8, UINT32, INT64, FLOAT16, FLOAT32, FLOAT64], ids=str)
def test_extremes_of_ties_and_nan(wgpu: WgpuBackend, name: str, dtype: Dtype) -> None:
    result = INT64 if name in ("argmax", "argmin") else dtype
    if not wgpu.supports(name, (dtype,), result):
        pytest.skip(f"the adapter has no {dtype}")
    kernel = Kernel((dtype,), (), (), (Output(0, name, result),))
    rng = np.random.default_rng(8)
    for shape in ((7,), (5, 300), (300, 5), (2, 3, 70_001), (70_001, 3)):
        few = rng.integers(0, 40, shape).astype(dtype)
        some = few.copy()
        if dtype.kind == "f":
            some[rng.random(shape) < 2 / shape[-1]] = np.nan
        far = some.copy()  # an infinity, which is looked at as a NaN would be
        if dtype.kind == "f":
            far[np.isnan(far)] = np.inf
            far.flat[::7] *= -1
        for x in (few, some, far):
            for axes in (tuple(range(len(shape))), *[(a,) for a in range(len(shape))]):
                (actual,), _ = run(wgpu, kernel, [x], axes)
                (expected,), _ = run(REFERENCE, kernel, [x], axes)
                np.testing.assert_array_equal(actual, expected)


@settings(max_examples=60)
@given(data=st.data())
def test_reductions_of_every_layout(opened: WgpuBackend, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from((FLOAT32, INT8, INT64)))
    sizes = st.sampled_from((1, 2, 3, 4, 8, 65))
    shape = tuple(data.draw(st.lists(sizes, min_size=1, max_size=3)))
    axes = data.draw(st.sampled_from(subsets(len(shape))))
    body = (Instruction("maximum", (0, 1), dtype),)
    kernel = Kernel((dtype, dtype), (), body, (Output(2, "min", dtype),))
    kept = tuple(1 if a in axes else n for a, n in enumerate(shape))
    plans = [data.draw(layouts(s, b)) for s, b in ((shape, False), (shape, True), (kept, False))]
    roots = []
    for backend in (opened, REFERENCE):
        x, y, z = (
            laid_out(dtype, s, p, k)
            for k, (s, p) in enumerate(zip((shape, shape, kept), plans, strict=True))
        )
        backend.launch(Launch(kernel, shape, axes, (x, y), (), (z,), lambda _: None))
        z.storage.to_host()
        roots.append(z.storage.root)
    assert not differences(roots[0], roots[1], zeros=True).any()


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


# ---------------------------------------------------------------- devices that compute exactly


def computing(monkeypatch: pytest.MonkeyPatch, wgpu: WgpuBackend, *exact: str) -> None:
    """Has the backend take its device for one that computes these operations exactly."""
    monkeypatch.setattr(wgpu.gpu, "exact", frozenset(exact))
    monkeypatch.setattr(wgpu.gpu, "_pipelines", {})
    monkeypatch.setattr(wgpu, "_ready", OrderedDict())


def quotients(wgpu: WgpuBackend, dtype: Dtype) -> None:
    """Asserts that quotients, and square roots, that are hard to round are NumPy's."""
    cases = wgpu_exact._cases(dtype)
    a, b, *_ = cases["divide"]
    rng = np.random.default_rng(5)
    inputs = [np.concatenate([x, random(dtype, 20000, rng)]) for x in (a, b)]
    body = [Instruction("divide", (0, 1), dtype), Instruction("reciprocal", (0,), dtype)]
    compare(wgpu, inputs, body)
    compare(wgpu, [np.abs(cases["sqrt"][0])], [Instruction("sqrt", (0,), dtype)])


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_quotients_on_a_device_that_rounds_loosely(
    wgpu: WgpuBackend, dtype: Dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    computing(monkeypatch, wgpu)
    if not wgpu.supports("add", (dtype, dtype), dtype):
        pytest.skip(f"the adapter lacks {dtype}")
    quotients(wgpu, dtype)


@pytest.fixture
def fused(wgpu: WgpuBackend, monkeypatch: pytest.MonkeyPatch) -> Iterator[WgpuBackend]:
    """A backend whose float32 fma is exact where the result is a float32 number."""
    if "shader-f64" not in wgpu.gpu.features:
        pytest.skip("the adapter lacks float64")
    if "fma_f32" not in wgpu.gpu.exact:
        source = wgsl.source
        exact = "fn fma_by_f64(a: f32, b: f32, c: f32) -> f32 {\n"
        exact += "    return f32(f64(a) * f64(b) + f64(c));\n}\n"
        monkeypatch.setattr(
            wgsl,
            "source",
            lambda name: (
                exact
                + source(name).replace(" fma(", " fma_by_f64(").replace("(fma(", "(fma_by_f64(")
                if name == "fused"
                else source(name)
            ),
        )
        wgsl.library.cache_clear()
    computing(monkeypatch, wgpu, "fma_f32")
    yield wgpu
    wgsl.library.cache_clear()


def test_quotients_by_fma(fused: WgpuBackend) -> None:
    quotients(fused, FLOAT32)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_by_fma(fused: WgpuBackend, name: str) -> None:
    test_functions_are_near_those_of_the_cpu(fused, name, (FLOAT32,))


def test_what_a_device_computes_exactly(wgpu: WgpuBackend) -> None:
    """One result off by a bit is enough."""
    for dtype in (FLOAT32, FLOAT64):
        for *operands_, expected in wgpu_exact._cases(dtype).values():
            assert all(x.dtype == dtype and x.size == expected.size for x in operands_)
    x = np.array([1.5, np.nan, 0.0])
    assert wgpu_exact._same(x, np.array([1.5, -np.nan, 0.0]))
    assert not wgpu_exact._same(x, np.array([1.5, np.nan, -0.0]))
    assert not wgpu_exact._same(x, np.array([np.nextafter(1.5, 2), np.nan, 0.0]))
    products = wgpu_exact._cases(FLOAT32)["fma"]
    a, b, c, expected = (np.longdouble(x) for x in products)
    np.testing.assert_array_equal((a * b + c).astype("f4")[1::2], expected[1::2])
    assert ((a * b).astype("f4") + c.astype("f4") != expected).mean() > 0.5
