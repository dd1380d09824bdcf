"""complex64 and complex128 on the simd backend against NumPy, and as users call them."""

from __future__ import annotations

import hashlib
import itertools
import warnings
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trueno as tn
from tests.kernels import (
    F32,
    NUMPY,
    REALS,
    SIMD,
    digests,
    launch,
    one_op,
    reduction,
    shapes,
    strided,
    values,
)
from trueno.kinds import BOOL, COMPLEX64, COMPLEX128, COMPLEXES, FLOAT64, Dtype
from trueno.ops import ELEMENTWISE, OVERFLOW, UNDERFLOW
from trueno.plan import Instruction, Kernel, Output

# Components that may differ from NumPy's in the last bits; all others are equal to the bit.
APPROXIMATE = {"abs", "sign", "sqrt", "exp"}
# NumPy computes these.
WITHOUT_KERNEL = {
    "pow", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos",
    "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "clip", "erf", "erfc", "rsqrt",
    "selu", "sigmoid", "silu", "softplus", "mish", "gelu", "gelu_tanh", "hardsigmoid", "hardswish",
    "softsign", "relu",
}  # fmt: skip
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def typed_ops() -> list[tuple[str, tuple[Dtype, ...], Dtype]]:
    """Every elementwise operation in the complex dtypes for which NumPy has a loop, casts apart."""
    found: list[tuple[str, tuple[Dtype, ...], Dtype]] = []
    for dtype, (name, op) in itertools.product(COMPLEXES, ELEMENTWISE.items()):
        if name == "where":
            found.append((name, (BOOL, dtype, dtype), dtype))
        elif name != "cast":
            try:
                *operands, result = op.resolve((dtype,) * op.nin)
            except TypeError:
                continue
            found.append((name, tuple(operands), result))
    return found


TYPED = typed_ops()
SUPPORTED = [case for case in TYPED if case[0] not in WITHOUT_KERNEL]


def identifier(case: tuple[str, tuple[Dtype, ...], Dtype]) -> str:
    return f"{case[0]}-{case[1][-1].name}"


def paired(re: Any, im: Any, dtype: Dtype) -> Any:
    """re + i im, without arithmetic, which would spoil infinities and zeros."""
    z = np.empty(np.broadcast_shapes(np.shape(re), np.shape(im)), dtype)
    z.real, z.imag = re, im
    return z


def special(dtype: Dtype) -> Any:
    """All pairs of special parts."""
    info = np.finfo(dtype)
    parts: list[Any] = [0.0, -0.0, 1, -1, 2.5, np.inf, -np.inf, np.nan, 80, -80, 1000, -1000, 5]
    parts += [info.max, -info.max, info.max / 2, info.tiny, info.smallest_subnormal]
    parts += [-info.smallest_subnormal, 1e-30, 1e15]
    return paired(np.repeat(parts, len(parts)), np.tile(parts, len(parts)), dtype)


def operands_of(inputs: tuple[Dtype, ...], seed: int = 3) -> list[Any]:
    """Special values, in all pairs if there are two operands, and random ones."""
    rng = np.random.default_rng(seed)
    z = special(inputs[-1])
    random = [paired(rng.standard_normal(999), rng.standard_normal(999), z.dtype) for _ in inputs]
    if len(inputs) == 1:
        return [np.concatenate([z, random[0]])]
    rest = [np.repeat(z, len(z)), np.tile(z, len(z))]
    rest = [np.concatenate(pair) for pair in zip(rest, random[-2:], strict=True)]
    return rest if len(inputs) == 2 else [rng.random(len(rest[0])) < 0.5, *rest]


def parts(z: Any) -> Any:
    """The real and imaginary parts, side by side along a further axis; real numbers as they are."""
    if z.dtype.kind != "c":
        return z
    strides = (*z.strides, z.itemsize // 2)
    return np.lib.stride_tricks.as_strided(z.real, (*z.shape, 2), strides)


def same(actual: Any, expected: Any, name: str) -> None:
    if actual.dtype.kind not in "fc":
        np.testing.assert_array_equal(actual, expected, strict=True)
        return
    a, e = parts(actual), parts(expected)
    if name in APPROXIMATE:
        info = np.finfo(a.dtype)
        np.testing.assert_allclose(a, e, rtol=4 * info.eps, atol=2 * info.smallest_subnormal)
    else:
        np.testing.assert_array_equal(a, e)
    zero = (a == 0) & (e == 0)
    np.testing.assert_array_equal(np.signbit(a[zero]), np.signbit(e[zero]))


# ---------------------------------------------------------------- kernels


def test_what_is_supported() -> None:
    assert {case[0] for case in TYPED if not SIMD.supports(*case)} == WITHOUT_KERNEL
    for name, inputs, output in TYPED:
        for wrong in {BOOL, F32, FLOAT64, *COMPLEXES} - {output}:
            assert not SIMD.supports(name, inputs, wrong), (name, wrong)
    for name, dtype in itertools.product(("max", "min", "argmax", "argmin"), COMPLEXES):
        assert not SIMD.supports(name, (dtype,), reduction(name, dtype).outputs[0].dtype)


@pytest.mark.parametrize("case", SUPPORTED, ids=identifier)
def test_operation(case: tuple[str, tuple[Dtype, ...], Dtype]) -> None:
    name, inputs, output = case
    operands = operands_of(inputs)
    actual, expected = (np.empty(len(operands[0]), output) for _ in range(2))
    launch(SIMD, one_op(name, inputs, output), operands, [actual])
    launch(NUMPY, one_op(name, inputs, output), operands, [expected])
    same(actual, expected, name)


@pytest.mark.parametrize("case", SUPPORTED, ids=identifier)
def test_conditions(case: tuple[str, tuple[Dtype, ...], Dtype]) -> None:
    """One operand at a time, each condition that NumPy reports is reported, and no other.

    But for the overflow of a division: NumPy's compiled code adds where it subtracts as well, and
    throws the sum away.
    """
    name, inputs, output = case
    kernel, ignored = one_op(name, inputs, output), UNDERFLOW
    if name == "divide":
        ignored |= OVERFLOW
    operands = operands_of(inputs)
    rng = np.random.default_rng(8)
    count = len(special(inputs[-1])) ** (1 if len(inputs) == 1 else 2)
    for at in range(count) if count < 1000 else rng.integers(0, count, 500):
        point = [np.full(3, x[at], x.dtype) for x in operands]
        masks = [
            launch(backend, kernel, point, [np.empty(3, output)])[0] & ~ignored
            for backend in (SIMD, NUMPY)
        ]
        assert masks[0] == masks[1], [x[0] for x in point]


def test_overflow_of_a_division() -> None:
    x, y = paired([1e308], [1e308], COMPLEX128), paired([1e-10], [1], COMPLEX128)
    kernel = one_op("divide", (COMPLEX128,) * 2, COMPLEX128)
    assert launch(SIMD, kernel, [x, y], [np.empty(1, complex)]) == [0, 0]
    assert launch(SIMD, kernel, [x, y * 1e-5], [np.empty(1, complex)]) == [OVERFLOW, 0]


def test_quiet_values_report_nothing() -> None:
    for name, inputs, output in SUPPORTED:
        x = [np.full(1500, 0.5 + 0.25j if d.kind == "c" else True, d) for d in inputs]
        out = [np.empty(1500, output)]
        assert launch(SIMD, one_op(name, inputs, output), x, out) == [0, 0], name


ALL_CASTS = [
    *itertools.product(COMPLEXES, (*REALS, *COMPLEXES)),
    *itertools.product(REALS, COMPLEXES),
]


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("source,target", ALL_CASTS, ids=str)
def test_casts(source: Dtype, target: Dtype) -> None:
    n = 1104
    x = values(source if source.kind != "c" else parts(np.empty(1, source)).dtype, n, 5)
    if source.kind == "c":
        if target.kind in "iu":  # what C leaves undefined, NumPy's loops do one way or another
            x = np.nan_to_num(x, posinf=100, neginf=0) % 100
        x = paired(x, x[::-1], source)
    actual, expected = np.empty(n, target), np.empty(n, target)
    masks = [
        launch(backend, one_op("cast", (source,), target), [x], [out])[0]
        for backend, out in ((SIMD, actual), (NUMPY, expected))
    ]
    same(actual, expected, "cast")
    assert (masks[0] ^ masks[1]) & ~UNDERFLOW == 0


@pytest.mark.parametrize("dtype", COMPLEXES, ids=str)
@pytest.mark.parametrize("name", ["exp", "sqrt", "abs"])
def test_accuracy(name: str, dtype: Dtype) -> None:
    """At most 2 ULP a component, against mpmath; docs/accuracy.md states it."""
    rng = np.random.default_rng(11)
    real = parts(np.empty(1, dtype)).dtype
    info = np.finfo(real)
    n = 1500
    small = [rng.standard_normal(n) * 10.0 ** rng.integers(-3, 3, n) for _ in range(2)]
    wide = [
        np.ldexp(rng.standard_normal(n), rng.integers(info.minexp - 20, info.maxexp, n))
        for _ in range(2)
    ]
    z = paired(np.concatenate([small[0], wide[0]]), np.concatenate([small[1], wide[1]]), dtype)
    if name == "exp":
        z[n:].real = rng.uniform(-1.3, 1.3, n) * np.log(float(info.max))
    out = np.empty(len(z), real if name == "abs" else dtype)
    launch(SIMD, one_op(name, (dtype,), out.dtype), [z], [out])
    mp = mpmath.mp.clone()
    mp.prec = 200
    exact = {"exp": mp.exp, "sqrt": mp.sqrt, "abs": abs}[name]
    for x, y in zip(z, parts(out).reshape(len(z), -1), strict=True):
        if not np.isfinite(x):
            continue
        right = exact(mp.mpc(float(x.real), float(x.imag)))
        for ours, theirs in zip(y, (right.real, right.imag), strict=False):
            if abs(theirs) > float(info.max):
                assert np.isinf(ours) or abs(ours) == info.max, x
            else:
                ulp = max(float(np.spacing(real.type(abs(float(theirs))))), mp.mpf(2) ** -1074)
                assert abs(mp.mpf(float(ours)) - theirs) <= 2 * ulp, x


def mixed() -> Kernel:
    """abs(conj(x) y + r), stored with x == y and x y: complex64 with a float32 operand."""
    body = (
        Instruction("conj", (0,), COMPLEX64),
        Instruction("multiply", (4, 1), COMPLEX64),
        Instruction("cast", (2,), COMPLEX64),
        Instruction("add", (5, 6), COMPLEX64),
        Instruction("abs", (7,), F32),
        Instruction("equal", (0, 1), BOOL),
        Instruction("cast", (7,), COMPLEX128),
        Instruction("multiply", (10, 3), COMPLEX128),
    )
    outputs = (Output(8, None, F32), Output(9, None, BOOL), Output(11, None, COMPLEX128))
    return Kernel((COMPLEX64, COMPLEX64, F32), (COMPLEX128,), body, outputs)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_strides(data: Any) -> None:
    """Exact arithmetic, as NumPy's products of a scalar and an array round otherwise."""
    shape = data.draw(shapes)
    operands = [data.draw(strided(shape, dtype)) for dtype in (COMPLEX64, COMPLEX64, F32)]
    for x in operands:
        parts(x)[...] = np.random.default_rng(x.size).integers(-9, 9, parts(x).shape)
    outputs = [data.draw(strided(shape, o.dtype, output=True)) for o in mixed().outputs]
    expected = [np.empty(shape, o.dtype) for o in mixed().outputs]
    consts = (np.complex128(1 + 2j),)
    launch(SIMD, mixed(), operands, outputs, consts=consts)
    whole = [np.broadcast_to(x, shape) for x in operands]
    launch(NUMPY, mixed(), whole, expected, consts=consts)
    np.testing.assert_allclose(outputs[0], expected[0], rtol=1e-6)
    np.testing.assert_array_equal(outputs[1], expected[1])
    same(outputs[2], expected[2], "multiply")


@pytest.mark.parametrize("dtype", COMPLEXES, ids=str)
@pytest.mark.parametrize("name", ["sum", "prod", "all", "any"])
def test_reductions(name: str, dtype: Dtype) -> None:
    rng = np.random.default_rng(2)
    for shape in ((70000,), (3, 30011), (30011, 3), (130, 8, 65), (5, 1)):
        x = paired(rng.standard_normal(shape), rng.standard_normal(shape), dtype)
        if name == "prod":  # of absolute value near 1
            x /= np.abs(x)
        if name in ("all", "any"):
            x *= rng.random(shape) < (0.9 if name == "all" else 0.001)
        for count in range(1, len(shape) + 1):
            for axes in itertools.combinations(range(len(shape)), count):
                kernel = reduction(name, dtype)
                kept = tuple(1 if axis in axes else n for axis, n in enumerate(shape))
                actual = np.empty(kept, kernel.outputs[0].dtype)
                launch(SIMD, kernel, [x], [actual], axes)
                wide: Any = x.astype(np.clongdouble)
                exact = getattr(np, name)(wide, axis=axes, keepdims=True)
                if name in ("all", "any"):
                    np.testing.assert_array_equal(actual, exact)
                    continue
                terms = 40 if name == "sum" else 3 * x.size // exact.size
                scale = np.abs(x).sum(axis=axes, keepdims=True) if name == "sum" else 1
                error = np.abs(actual - exact)
                assert (error <= scale * terms * np.finfo(dtype).eps).all(), (shape, axes)


def test_reductions_of_special_values() -> None:
    for dtype, name in itertools.product(COMPLEXES, ("sum", "prod")):
        for z in special(dtype):
            x = np.array([[z, z]], dtype)
            got, want = np.empty((1, 2), dtype), np.empty((1, 2), dtype)
            masks = [
                launch(backend, reduction(name, dtype), [x], [out], (0,))[0] & ~UNDERFLOW
                for backend, out in ((SIMD, got), (NUMPY, want))
            ]
            same(got, want, name)
            assert masks[0] == masks[1], (name, z)


def digest() -> str:
    """A hash of every operation's results and conditions, NaN made equal."""
    state = hashlib.sha256()
    for name, inputs, output in SUPPORTED:
        operands = operands_of(inputs, 4)
        out = np.empty(len(operands[0]), output)
        masks = launch(SIMD, one_op(name, inputs, output), operands, [out])
        if output.kind in "fc":
            components = parts(out)
            components[np.isnan(components)] = np.nan
        state.update(f"{name} {inputs} {output} {masks}".encode() + out.tobytes())
    rng = np.random.default_rng(5)
    for name, dtype in itertools.product(("sum", "prod"), COMPLEXES):
        x = paired(rng.standard_normal((3001, 7)), rng.standard_normal((3001, 7)), dtype)
        cases: Any = (((0,), (1, 7)), ((1,), (3001, 1)), ((0, 1), (1, 1)))
        for axes, kept in cases:
            out = np.empty(kept, dtype)
            launch(SIMD, reduction(name, dtype), [x], [out], axes)
            state.update(np.nan_to_num(out).tobytes())
    return state.hexdigest()


def test_instruction_sets_give_the_same_bits() -> None:
    running = digests("tests.test_complex")
    assert len({bits for _, bits in running.values()}) == 1, running


def test_thread_counts_give_the_same_bits() -> None:
    rng = np.random.default_rng(8)
    x = paired(rng.standard_normal((999, 501)), rng.standard_normal((999, 501)), COMPLEX128)
    for axes, kept in (((0,), (1, 501)), ((1,), (999, 1)), ((0, 1), (1, 1))):
        seen = set()
        for count in (1, 2, 3):
            out = np.empty(kept, COMPLEX128)
            with tn.config(threads=count):
                launch(SIMD, reduction("sum", COMPLEX128), [x], [out], axes)
            seen.add(out.tobytes())
        assert len(seen) == 1


# ---------------------------------------------------------------- as users call them


def test_expressions(backend: str) -> None:
    rng = np.random.default_rng(1)
    a = paired(rng.integers(-9, 9, (40, 30)), rng.integers(-9, 9, (40, 30)), COMPLEX64)
    r = rng.integers(-9, 9, 30).astype(np.float32)

    def program(xp: Any, z: Any, r: Any) -> list[Any]:
        w = z * xp.conj(z) + r
        w[1:] -= 2j * z[:-1]
        return [w, w.real, w.imag, xp.where(r > 0, z, 1j), z == w, xp.isfinite(w), w.sum(axis=0),
                z.astype(bool), z.mean(), z.T + 1, (r + 1j * r).dtype, -z, abs(z.real)]  # fmt: skip

    ours = program(tn, tn.asarray(a), tn.asarray(r))
    for got, want in zip(ours, program(np, a, r), strict=True):
        assert got.dtype == want.dtype if hasattr(want, "dtype") else got == want
        np.testing.assert_array_equal(np.asarray(got), want)


def test_kernels_do_it() -> None:
    with tn.config(threshold=0, backend="simd", strict=True):
        z = tn.asarray(np.arange(2000) + 1j)
        y = tn.exp(tn.sqrt(z) / (z + 1)) * tn.sign(z)
        total = (tn.abs(y) + tn.real(y)).sum() + tn.asarray(z.mean()).imag
        assert np.isfinite(float(total))


def test_the_warning_of_a_cast_to_real_numbers_comes_at_the_call() -> None:
    with tn.config(threshold=0, backend="simd"):
        z = tn.asarray(np.arange(5) + 1j) * 1
        with pytest.warns(np.exceptions.ComplexWarning):
            x = z.astype(np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_array_equal(np.asarray(x), np.arange(5.0))
            assert np.asarray(z.astype(bool)).all()


def test_floating_point_state() -> None:
    with tn.config(threshold=0, backend="simd"):
        z = tn.asarray(np.array([1 + 1j, 0j]))
        with np.errstate(all="raise"), pytest.raises(FloatingPointError):
            _ = 1 / z
        with np.errstate(all="ignore"):
            quiet = 1 / z
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tn.evaluate(quiet)
        with pytest.warns(RuntimeWarning, match="invalid value encountered in divide"):
            tn.evaluate(1 / z)


@pytest.mark.gpu
def test_pinned_to_a_gpu(gpu: None) -> None:
    """There are no complex kernels there: NumPy computes, counted, and results stay pinned."""
    a = np.arange(3000) * (1 + 2j)
    with tn.config(threshold=0):
        z = tn.asarray(a).to_device("gpu")
        with tn.profile() as seen:
            y = tn.exp(z * 0.001) + abs(z)
        np.testing.assert_array_equal(np.asarray(y), np.exp(a * 0.001) + abs(a))
        assert y.device == "gpu" and seen.deferrals


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("n", [1, 3, 17, 5000])
def test_division_by_real_and_by_imaginary_numbers_raises_no_condition(dtype: str, n: int) -> None:
    divisors = np.where(np.arange(n) % 3, np.arange(n), 2j).astype(dtype)
    with warnings.catch_warnings(), tn.config(backend="simd", threshold=0):
        warnings.simplefilter("error")
        for divisor in (np.full(n, 3, dtype), np.full(n, 3j, dtype), divisors):
            x = tn.asarray(divisor)
            tn.evaluate(x / x, np.reciprocal(x), 1 / x)
