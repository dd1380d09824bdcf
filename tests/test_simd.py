"""The simd backend against NumPy: every operation and dtype, layouts, reductions, conditions."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels import (
    COMPOSED,
    F32,
    F64,
    NUMPY,
    REALS,
    SIMD,
    TYPED,
    digests,
    identifier,
    launch,
    one_op,
    reduction,
    same,
    shapes,
    strided,
    values,
    view,
)
from trueno.config import config
from trueno.kinds import ACCELERATED, BOOL, FLOATS, INT64, Dtype
from trueno.ops import ELEMENTWISE, OPS, OVERFLOW, REDUCTIONS, UNDERFLOW
from trueno.plan import Instruction, Kernel, Launch, Output

# ---------------------------------------------------------------- operations


def test_supports_every_numpy_loop_that_keeps_the_dtype() -> None:
    missing = [identifier(case) for case in TYPED if not SIMD.supports(*case)]
    # NumPy raises for negative integer exponents, which only its own loop can find
    assert missing == [f"pow-{t}-{t}-{t}" for t in ("int8", "int16", "int32", "int64")]


def test_supports_nothing_else() -> None:
    known = set(TYPED)
    for name in set(ELEMENTWISE) - {"cast"}:
        nin = OPS[name].nin
        for dtype, output in itertools.product(REALS, ACCELERATED):
            case = (name, ((BOOL, dtype, dtype) if name == "where" else (dtype,) * nin), output)
            assert case in known or not SIMD.supports(*case), identifier(case)
    assert not SIMD.supports("add", (F32, F64), F64)
    assert not SIMD.supports("add", (F32,), F32)
    assert not SIMD.supports("nonsense", (F32,), F32)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", [c for c in TYPED if SIMD.supports(*c)], ids=identifier)
def test_operation(case: tuple[str, tuple[Dtype, ...], Dtype]) -> None:
    name, inputs, output = case
    kernel = one_op(name, inputs, output)
    n = 1024 + 80  # NumPy's casts to uint32 give other results in its scalar remainders
    operands = [values(dtype, n, seed) for seed, dtype in enumerate(inputs)]
    actual, expected = np.empty(n, output), np.empty(n, output)
    if name in COMPOSED:
        operands = [np.nan_to_num(x, posinf=50, neginf=-50) for x in operands]
        operands = [np.clip(x, -200, 200) for x in operands]
    launch(SIMD, kernel, operands, [actual])
    launch(NUMPY, kernel, operands, [expected])
    # Which of two zeros NumPy gives depends on the position, or on its version.
    if name in ("fmax", "fmin") or (name == "nextafter" and output == np.float16):
        actual, expected = actual + output.type(0), expected + output.type(0)
    same(actual, expected, name)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", [c for c in TYPED if SIMD.supports(*c)], ids=identifier)
def test_conditions(case: tuple[str, tuple[Dtype, ...], Dtype]) -> None:
    """One operand at a time, each condition that NumPy reports is reported, and no other."""
    name, inputs, output = case
    if not OPS[name].raises:
        return
    kernel = one_op(name, inputs, output)
    wanted = OPS[name].raises & ~UNDERFLOW
    few = {dtype: np.unique(values(dtype, 60, 5)) for dtype in inputs}
    for point in itertools.product(*[few[dtype][:24] for dtype in inputs]):
        operands = [np.full(3, x, dtype) for x, dtype in zip(point, inputs, strict=True)]
        masks = [
            launch(backend, kernel, operands, [np.empty(3, output)])[0] & wanted
            for backend in (SIMD, NUMPY)
        ]
        assert masks[0] == masks[1], point


def test_quiet_values_report_nothing() -> None:
    """Vectorised code raises flags that no element warrants; none of them may come out."""
    quiet = {"acosh": 1.5, "left": 1}
    for name, inputs, output in TYPED:
        if not SIMD.supports(name, inputs, output) or name == "cast":
            continue
        x = [np.full(1500, quiet.get(name, 0.5), dtype) for dtype in inputs]
        if inputs[-1].kind in "iub":
            x = [np.ones(1500, dtype) for dtype in inputs]
        elif len(inputs) == 1 and name not in ("acosh", "atanh"):
            x[0][::7] = np.nan
        masks = launch(SIMD, one_op(name, inputs, output), x, [np.empty(1500, output)])
        assert masks == [0, 0], name


@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod"])
@pytest.mark.parametrize("dtype", ["int64", "uint64", "float32", "float64", "int32", "uint8"])
def test_division_next_to_multiples(name: str, dtype: str) -> None:
    """Where a rounded quotient is 1 off: operands just above and below multiples of the divisor,
    all of them in reach of the fast division."""
    rng, t = np.random.default_rng(7), np.dtype(dtype)
    bits = {"float32": 24, "float64": 52, "int32": 30, "uint8": 7}.get(dtype, 51)
    lengths = rng.integers(1, bits, 4000)
    y = rng.integers(1, 2**lengths)
    x = rng.integers(1, 2 ** (bits - lengths + 1)) * y + rng.integers(-1, 2, 4000)
    for sx, sy in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
        if t.kind == "u" and min(sx, sy) < 0:
            continue
        operands = [(sx * np.abs(x)).astype(t), (sy * y).astype(t)]
        if t.kind == "f":
            operands[0] *= t.type(0.7)
        actual, expected = np.empty(4000, t), np.empty(4000, t)
        launch(SIMD, one_op(name, (t, t), t), operands, [actual])
        launch(NUMPY, one_op(name, (t, t), t), operands, [expected])
        same(actual, expected, name)


# ---------------------------------------------------------------- layouts


def fused() -> Kernel:
    """2x + 3y - zx + 0.5, with a comparison as a second output."""
    body = (
        Instruction("multiply", (3, 0), F32),
        Instruction("multiply", (4, 1), F32),
        Instruction("add", (6, 7), F32),
        Instruction("multiply", (2, 0), F32),
        Instruction("subtract", (8, 9), F32),
        Instruction("add", (10, 5), F32),
        Instruction("less", (0, 1), BOOL),
    )
    return Kernel((F32,) * 3, (F32,) * 3, body, (Output(11, None, F32), Output(12, None, BOOL)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=250, deadline=None)
@given(st.data())
def test_any_strides(data: Any) -> None:
    shape = data.draw(shapes)
    operands = [data.draw(strided(shape, F32)) for _ in range(3)]
    outputs = [data.draw(strided(shape, dtype, output=True)) for dtype in (F32, BOOL)]
    expected = [np.empty(shape, F32), np.empty(shape, bool)]
    consts = tuple(np.float32(c) for c in (2, 3, 0.5))
    masks = launch(SIMD, fused(), operands, outputs, consts=consts)
    want = launch(NUMPY, fused(), [np.broadcast_to(a, shape) for a in operands], expected,
                  consts=consts)  # fmt: skip
    for actual, right in zip(outputs, expected, strict=True):
        np.testing.assert_array_equal(actual, right)
    assert [m & ~UNDERFLOW for m in masks] == [m & ~UNDERFLOW for m in want]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=250, deadline=None)
@given(st.data())
def test_any_reduction(data: Any) -> None:
    name = data.draw(st.sampled_from(sorted(REDUCTIONS)))
    dtype = data.draw(st.sampled_from(REALS))
    shape = data.draw(shapes.filter(len))
    axes = data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1).map(sorted))
    if name.startswith("arg") and len(axes) not in (1, len(shape)):
        axes = axes[:1]
    operand = data.draw(strided(shape, dtype, output=True))
    kernel = reduction(name, dtype)
    kept = tuple(1 if axis in axes else n for axis, n in enumerate(shape))
    actual = data.draw(strided(kept, kernel.outputs[0].dtype, output=True))
    expected = np.empty(kept, kernel.outputs[0].dtype)
    launch(SIMD, kernel, [operand], [actual], axes)
    launch(NUMPY, kernel, [operand], [expected], axes)
    if name in ("sum", "prod") and dtype.kind == "f":
        check_sum(name, operand, actual, expected, tuple(axes))
    else:
        np.testing.assert_array_equal(actual, expected)


def check_sum(name: str, operand: Any, actual: Any, expected: Any, axes: tuple[int, ...]) -> None:
    """Infinities and NaN depend on the order of additions if partial sums overflow: skip those."""
    wide = operand.astype(np.longdouble)
    exact = getattr(np, name)(wide, axis=axes, keepdims=True)
    scale = np.sum(np.abs(wide), axis=axes, keepdims=True) if name == "sum" else np.abs(exact)
    largest = float(np.finfo(operand.dtype).max)
    finite = np.isfinite(exact) & (scale < largest) & (scale > float(np.finfo(operand.dtype).tiny))
    if name == "prod":  # the partial products may overflow or vanish
        finite &= np.isfinite(expected) & np.isfinite(actual) & (actual != 0)
        finite &= np.max(np.abs(wide), axis=axes, keepdims=True) < 100
    terms = 40 if name == "sum" else operand.size // exact.size + 2
    slack = terms * float(np.finfo(operand.dtype).eps)
    error = np.abs(np.where(finite, actual.astype(np.longdouble) - exact, 0))
    assert (error <= np.where(finite, scale, 1) * slack).all()
    if name == "sum":
        special = ~np.isfinite(wide).all(axis=axes, keepdims=True)
        np.testing.assert_array_equal(actual[special], expected[special])


@pytest.mark.parametrize("dtype", REALS, ids=str)
@pytest.mark.parametrize("name", sorted(REDUCTIONS))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_large_reductions(name: str, dtype: Dtype) -> None:
    """Every axis subset of shapes that are split into parts and blocks in different ways."""
    if not SIMD.supports(name, (dtype,), reduction(name, dtype).outputs[0].dtype):
        pytest.fail("unsupported")
    for shape in ((70000,), (3, 30011), (30011, 3), (700, 90), (130, 8, 65)):
        operand = values(dtype, int(np.prod(shape)), 3).reshape(shape)
        if dtype.kind == "f":  # few NaN, so that results are not all NaN
            operand = np.where(np.isfinite(operand), operand % dtype.type(7), 1).astype(dtype)
            operand.flat[12345] = np.nan
            if name == "prod":  # near 1, so that it neither overflows nor vanishes
                operand = (1 + operand * dtype.type(1e-4)).astype(dtype)
        for count in range(1, len(shape) + 1):
            for axes in itertools.combinations(range(len(shape)), count):
                if name.startswith("arg") and count not in (1, len(shape)):
                    continue
                kernel = reduction(name, dtype)
                kept = tuple(1 if axis in axes else n for axis, n in enumerate(shape))
                actual = np.empty(kept, kernel.outputs[0].dtype)
                expected = np.empty_like(actual)
                launch(SIMD, kernel, [operand], [actual], axes)
                launch(NUMPY, kernel, [operand], [expected], axes)
                if name in ("sum", "prod") and dtype.kind == "f":
                    check_sum(name, operand, actual, expected, axes)
                else:
                    np.testing.assert_array_equal(actual, expected, err_msg=f"{shape} {axes}")


def test_reductions_fused_with_their_operand() -> None:
    """sqrt(x) stored, and reduced in four ways at once, over an axis that is not the last."""
    x = np.random.default_rng(1).random((40, 50, 60)).astype(np.float32)
    outputs = (
        Output(1, None, F32),
        *(Output(1, name, F32) for name in ("sum", "max", "min")),
        Output(1, "argmax", INT64),
    )
    kernel = Kernel((F32,), (), (Instruction("sqrt", (0,), F32),), outputs)
    got = [np.empty(x.shape, F32), *(np.empty((40, 1, 60), F32) for _ in range(3))]
    got.append(np.empty((40, 1, 60), INT64))
    launch(SIMD, kernel, [x], got, (1,))
    root = np.sqrt(x)
    np.testing.assert_array_equal(got[0], root)
    np.testing.assert_allclose(got[1], root.sum(1, keepdims=True), rtol=1e-6)
    np.testing.assert_array_equal(got[2], root.max(1, keepdims=True))
    np.testing.assert_array_equal(got[3], root.min(1, keepdims=True))
    np.testing.assert_array_equal(got[4], root.argmax(1, keepdims=True))


def test_all_and_any_stop_where_the_result_is_known() -> None:
    for name in ("all", "any"):
        for where in (None, 0, 5, 70_000, 299_999):
            x = np.full((3, 300_000), name == "all", bool)
            if where is not None:
                x[1, where] ^= True
            for axes, kept in (((0, 1), (1, 1)), ((1,), (3, 1)), ((0,), (1, 300_000))):
                out = np.empty(kept, bool)
                launch(SIMD, reduction(name, BOOL), [x], [out], axes)
                expected = getattr(np, name)(x, axis=axes, keepdims=True)
                np.testing.assert_array_equal(out, expected)


def test_large_arrays() -> None:
    """Long tiles, prefetching and stores past the cache, at any alignment."""
    rng = np.random.default_rng(6)
    for n, offset in ((8 * 1024 + 3, 0), (300_001, 1), (9_000_001, 3)):
        x, y = (rng.random(n + offset).astype(F32)[offset:] for _ in range(2))
        out = np.empty(n + 1, F32)[1:]
        launch(SIMD, one_op("add", (F32, F32), F32), [x, y], [out])
        np.testing.assert_array_equal(out, x + y)
        below = np.empty(n, bool)
        launch(SIMD, fused(), [x, y, x], [out, below], consts=tuple(map(np.float32, (2, 3, 0.5))))
        np.testing.assert_array_equal(out, 2 * x + 3 * y - x * x + F32.type(0.5))
        np.testing.assert_array_equal(below, x < y)


def test_sum_is_as_accurate_as_pairwise() -> None:
    x = np.random.default_rng(2).random(3_000_001).astype(np.float32)
    exact = x.astype(np.longdouble).sum()
    got = np.empty(1, F32)
    launch(SIMD, reduction("sum", F32), [x], [got], (0,))
    assert abs(got[0] - exact) <= max(abs(x.sum() - exact), exact * np.finfo(F32).eps)


def test_sum_conditions() -> None:
    big = np.full(5000, np.finfo(F32).max)
    opposite = np.array([np.inf, -np.inf] * 900, F32)
    for x in (big, opposite, np.array([np.nan, 1, 2], F32), np.array([np.inf, 1], F32)):
        outputs = np.empty(1, F32), np.empty(1, F32)
        got = launch(SIMD, reduction("sum", F32), [x], outputs[:1], (0,))
        want = launch(NUMPY, reduction("sum", F32), [x], outputs[1:], (0,))
        assert got == want
    half = np.full(3000, 60000, np.float16)
    out = np.empty(1, np.float16)
    assert launch(SIMD, reduction("sum", half.dtype), [half], [out], (0,)) == [OVERFLOW]
    assert np.isinf(out[0])


# ---------------------------------------------------------------- aliasing, errors, concurrency


def test_output_in_the_memory_of_an_input() -> None:
    """r = x + y into x, although x is read again: s = r * x; and log(x) into x, then checked."""
    rng = np.random.default_rng(4)
    for shape, step in (((5000,), 1), ((60, 70), 2)):
        x = rng.random(shape).astype(F32)[..., ::step]
        y = rng.random(x.shape).astype(F32)
        before, product = x.copy(), np.empty(x.shape, F32)
        body = (Instruction("add", (0, 1), F32), Instruction("multiply", (2, 0), F32))
        kernel = Kernel((F32, F32), (), body, (Output(2, None, F32), Output(3, None, F32)))
        launch(SIMD, kernel, [x, y], [x, product])
        np.testing.assert_array_equal(x, before + y)
        np.testing.assert_array_equal(product, (before + y) * before)
        x[...] = -1
        assert launch(SIMD, one_op("log", (F32,), F32), [x], [x]) == [8, 0]


def test_copies() -> None:
    for dtype in REALS:
        source = values(dtype, 60 * 70, 9).reshape(60, 70)
        kernel = Kernel((dtype,), (), (), (Output(0, None, dtype), Output(0, None, dtype)))
        first, second = np.empty((60, 70), dtype), np.empty((70, 60), dtype)
        launch(SIMD, kernel, [source], [first, second.T])
        assert first.tobytes() == source.tobytes()
        assert second.T.tobytes() == source.tobytes()


TRANSPOSED = [  # shapes of the source, and the order of its axes in the copy
    ((67, 1300), (1, 0)),
    ((1300, 67), (1, 0)),
    ((3, 2100), (1, 0)),
    ((2100, 3), (1, 0)),
    ((2, 300, 33), (0, 2, 1)),
    ((19, 7, 260), (2, 1, 0)),
    ((40, 5, 300), (1, 2, 0)),
]


@pytest.mark.parametrize("dtype", [np.dtype(c) for c in "?hfdFD"], ids=str)
def test_transposed_copies(dtype: Dtype) -> None:
    """Several tiles at once; both orders, a dense and a broadcast operand beside, an offset."""
    where = Kernel(
        (BOOL, dtype, dtype),
        (),
        (Instruction("where", (0, 1, 2), dtype),),
        (Output(3, None, dtype),),
    )
    copy = Kernel((dtype,), (), (), (Output(0, None, dtype),))
    for shape, order in TRANSPOSED:
        whole = values(dtype, int(np.prod(shape)) + 1, 9)
        source = whole[1:].reshape(shape).transpose(order)
        out = np.empty(source.shape, dtype)
        launch(SIMD, copy, [source], [out])
        assert out.tobytes() == source.tobytes()
        launch(SIMD, copy, [out], [whole[1:].reshape(shape).transpose(order)])
        assert out.tobytes() == source.tobytes()
        mask, row = values(BOOL, out.size, 3).reshape(out.shape), values(dtype, out.shape[-1], 4)
        launch(SIMD, where, [mask, source, row], [out])
        assert out.tobytes() == np.where(mask, source, row).tobytes()


def test_windows_across_panels() -> None:
    """Tiles at one address of which more or fewer steps follow: overlapping windows."""
    base = np.arange(9000.0)
    copy = Kernel((F64,), (), (), (Output(0, None, F64),))
    for shape in ((5, 40, 300), (3, 17, 900)):
        source = np.lib.stride_tricks.as_strided(base, shape, (8, 8, 72))
        out = np.empty(shape)
        launch(SIMD, copy, [source], [out])
        assert np.array_equal(out, source)


def test_constants_only() -> None:
    kernel = Kernel((), (F64,), (), (Output(0, None, F64),))
    out = np.empty((3, 1000))
    launch(SIMD, kernel, [], [out], consts=(np.float64(2.5),))
    assert (out == 2.5).all()


def test_wrong_operands_are_refused() -> None:
    masks: list[int] = []
    x = np.ones(10, F32)
    kernel = one_op("negative", (F32,), F32)
    with pytest.raises(TypeError, match="float64"):
        launch(SIMD, kernel, [x.astype(F64)], [np.empty(10, F32)])
    read_only = np.empty(10, F32)
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        launch(SIMD, kernel, [x], [read_only])
    with pytest.raises(ValueError, match="shape"):
        short, long = view(x), view(np.empty(11, F32))
        SIMD.launch(Launch(kernel, (11,), (), (short,), (), (long,), masks.extend))
    with pytest.raises(TypeError, match="no SIMD kernel"):
        launch(SIMD, one_op("bitwise_and", (F32, F32), F32), [x, x], [x.copy()])


def test_equal_dtypes_and_subclasses() -> None:
    """NumPy may have two int64 dtypes, and views may be of its subclasses."""
    x = np.arange(10, dtype=np.longlong)
    out = np.empty(10, INT64)
    launch(SIMD, one_op("negative", (INT64,), INT64), [x.view(np.recarray)], [out])
    assert (out == -x).all()


def test_sixty_four_dimensions() -> None:
    x = np.arange(8.0).reshape((1, 2) * 3 + (1,) * 58)
    out = np.empty((1,) * 64)
    launch(SIMD, reduction("sum", F64), [x], [out], range(64))
    assert out.item() == 28


def test_thread_counts_give_the_same_bits() -> None:
    rng = np.random.default_rng(8)
    cases = [
        (rng.standard_normal(shape).astype(dtype), axes)
        for dtype in FLOATS
        for shape, axes in (((1_000_003,), (0,)), ((999, 1001), (0,)), ((999, 1001), (1,)))
    ]
    bits: list[set[bytes]] = [set() for _ in cases]
    for count in (1, 2, 3, 8):
        for seen, (x, axes) in zip(bits, cases, strict=True):
            kept = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
            out = np.empty(kept, x.dtype)
            with config(threads=count):
                launch(SIMD, reduction("sum", x.dtype), [x], [out], axes)
            seen.add(out.tobytes())
    assert all(len(seen) == 1 for seen in bits)


def test_concurrent_callers() -> None:
    x = np.random.default_rng(3).random(400_000)
    want = np.sqrt(x)
    failures = []

    def work() -> None:
        out = np.empty_like(x)
        for _ in range(20):
            out[...] = 0
            launch(SIMD, one_op("sqrt", (F64,), F64), [x], [out])
            if not np.array_equal(out, want):
                failures.append(out)

    callers = [threading.Thread(target=work) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not failures


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork() -> None:
    x = np.ones(1_000_000)
    out = np.empty(1)
    launch(SIMD, reduction("sum", F64), [x], [out], (0,))
    child = os.fork()
    if child == 0:
        out[0] = 0
        launch(SIMD, reduction("sum", F64), [x], [out], (0,))
        os._exit(0 if out[0] == 1_000_000 else 1)
    assert os.waitpid(child, 0)[1] == 0


def digest() -> str:
    """A hash of every operation's results and conditions on many values, NaN made equal."""
    state = hashlib.sha256()
    for name, inputs, output in TYPED:
        if SIMD.supports(name, inputs, output):
            operands = [values(dtype, 3001, seed) for seed, dtype in enumerate(inputs)]
            out = np.empty(3001, output)
            masks = launch(SIMD, one_op(name, inputs, output), operands, [out])
            if output.kind == "f":
                out[np.isnan(out)] = np.nan
            state.update(f"{name} {inputs} {output} {masks}".encode() + out.tobytes())
    for name in REDUCTIONS:
        for dtype in REALS:
            kernel = reduction(name, dtype)
            cases: Any = (((0,), (1, 7)), ((1,), (3001, 1)), ((0, 1), (1, 1)))
            for axes, kept in cases:
                x = np.nan_to_num(values(dtype, 21007, 6)).reshape(3001, 7)
                out = np.empty(kept, kernel.outputs[0].dtype)
                launch(SIMD, kernel, [x], [out], axes)
                state.update(np.nan_to_num(out).tobytes())
    return state.hexdigest()


def test_instruction_sets_give_the_same_bits() -> None:
    running = digests("tests.test_simd")
    assert len({bits for _, bits in running.values()}) == 1, running


def test_unknown_isa_is_refused() -> None:
    command = [sys.executable, "-c", "from trueno._backends.simd import SimdBackend; SimdBackend()"]
    for switch in ("TRUENO_ISA", "TRUENO_NUM_THREADS"):
        environment = {**os.environ, switch: "abacus"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert switch in done.stderr
