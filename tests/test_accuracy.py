"""csrc/math_f64.h against mpmath, csrc/math_f32.h against it, and both on every instruction set.

The headers are compiled here, by the system's C compiler, into small shared libraries: one an
instruction set that this processor can run. The complete sweep over all 2^32 float32 inputs is
``python -m benchmarks.accuracy``.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_features__ as cpu

from trueno.ops import OPS

mp = mpmath.mp.clone()
mp.prec = 160
CSRC = Path(__file__).resolve().parent.parent / "csrc"
COMPILER = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fwrapv"]
pytestmark = pytest.mark.skipif(COMPILER is None, reason="no C compiler")

TRIGONOMETRIC = ("sin", "cos", "tan")
RANGED = ("exp", "exp2", "log", "log2", "log10", "pow")
PRELUDE = r"""
#include "math_f32.h"
#include "math_f64.h"
#define LOOP(f, T, S, call) \
    void S##_##f(const T *restrict a, const T *restrict b, T *restrict out, long n) { \
        (void)b; \
        for (long i = 0; i < n; i++) out[i] = call; \
    }
#define UNARY(f) LOOP(f, double, f64, t_##f##_f64(a[i])) LOOP(f, float, f32, t_##f##_f32(a[i]))
#define BINARY(f) \
    LOOP(f, double, f64, t_##f##_f64(a[i], b[i])) LOOP(f, float, f32, t_##f##_f32(a[i], b[i]))
#define BIG(f) \
    LOOP(f##_big, double, f64, t_##f##_big_f64(a[i])) \
    LOOP(f##_big, float, f32, t_##f##_big_f32(a[i]))
#define RANGED(f, ARGUMENTS) \
    LOOP(f##_near, double, f64, t_##f##_near_f64 ARGUMENTS) \
    LOOP(f##_near, float, f32, t_##f##_near_f32 ARGUMENTS) \
    LOOP(f##_is_near, double, f64, t_##f##_is_near_f64 ARGUMENTS < 0 ? 0 : 1) \
    LOOP(f##_is_near, float, f32, t_##f##_is_near_f32 ARGUMENTS < 0 ? 0 : 1)
"""


# ---------------------------------------------------------------- reference functions


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _softplus(x: Any) -> Any:
    return mp.log1p(mp.exp(x)) if x < 200 else x + mp.exp(-x)


def _gelu_tanh(x: Any) -> Any:
    return x * _sigmoid(2 * mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3))


def _selu(x: Any) -> Any:
    alpha, scale = mp.mpf("1.6732632423543772848170429916717"), "1.0507009873554804934193349852946"
    return mp.mpf(scale) * (x if x > 0 else alpha * mp.expm1(x))


def _hardsigmoid(x: Any) -> Any:
    return min(max((x + 3) / 6, mp.zero), mp.one)


def _logaddexp(x: Any, y: Any) -> Any:
    return max(x, y) + mp.log1p(mp.exp(-abs(x - y)))


EXP = (-745.2, 709.9)
# name: (reference, range of the finite samples, ULP allowed in float64)
UNARY: dict[str, tuple[Callable[[Any], Any], tuple[float, float], float]] = {
    "exp": (mp.exp, EXP, 1),
    "exp2": (lambda x: mp.mpf(2) ** x, (-1075, 1024), 1),
    "expm1": (mp.expm1, (-50, 709.9), 1),
    "log": (mp.log, (0, math.inf), 1),
    "log2": (lambda x: mp.log(x) / mp.log(2), (0, math.inf), 1.1),
    "log10": (lambda x: mp.log(x) / mp.log(10), (0, math.inf), 1),
    "log1p": (mp.log1p, (-1, math.inf), 1),
    "sin": (mp.sin, (-math.inf, math.inf), 1),
    "cos": (mp.cos, (-math.inf, math.inf), 1),
    "tan": (mp.tan, (-math.inf, math.inf), 1),
    "asin": (mp.asin, (-1, 1), 1),
    "acos": (mp.acos, (-1, 1), 1),
    "atan": (mp.atan, (-math.inf, math.inf), 1.5),
    "sinh": (mp.sinh, (-710.4, 710.4), 1.2),
    "cosh": (mp.cosh, (-710.4, 710.4), 1.2),
    "tanh": (mp.tanh, (-1000, 1000), 1),
    "asinh": (mp.asinh, (-math.inf, math.inf), 1.5),
    "acosh": (mp.acosh, (1, math.inf), 1.6),
    "atanh": (mp.atanh, (-1, 1), 1.2),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), (-math.inf, math.inf), 0.51),
    "rsqrt": (lambda x: 1 / mp.sqrt(x), (0, math.inf), 0.51),
    "erf": (mp.erf, (-30, 30), 1.3),
    "erfc": (mp.erfc, (-30, 27.3), 1.2),
    "sigmoid": (_sigmoid, (-745, 1000), 1),
    "softplus": (_softplus, (-745, 1000), 1.5),
    "silu": (lambda x: x * _sigmoid(x), (-755, 1000), 1),
    "mish": (lambda x: x * mp.tanh(_softplus(x)), (-755, 1000), 1.2),
    "gelu": (lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2, (-38.6, 100), 1.2),
    "gelu_tanh": (_gelu_tanh, (-22, 100), 1),
    "selu": (_selu, (-1000, 1000), 1.7),
    "hardsigmoid": (_hardsigmoid, (-10, 10), 1.2),
    "hardswish": (lambda x: x * _hardsigmoid(x), (-10, 10), 2),
    "softsign": (lambda x: x / (1 + abs(x)), (-1000, 1000), 1.6),
}
BINARY: dict[str, tuple[Callable[[Any, Any], Any], float]] = {
    "atan2": (mp.atan2, 1.6),
    "pow": (mp.power, 1),
    "hypot": (mp.hypot, 1.1),
    "logaddexp": (_logaddexp, 1.5),
}
FUNCTIONS = [*UNARY, *BINARY]


# ---------------------------------------------------------------- compiled libraries

Function = Callable[..., "np.ndarray[Any, Any]"]


class Library:
    """The functions of one build: ``library.call("f64", "exp", x)``."""

    def __init__(self, path: Path) -> None:
        self.handle = ctypes.CDLL(str(path))

    def raw(self, name: str, x: Any, y: Any) -> Any:
        out = np.empty_like(x)
        pointers = [ctypes.c_void_p(v.ctypes.data) for v in (x, y, out)]
        getattr(self.handle, name)(*pointers, ctypes.c_long(x.size))
        return out

    def call(self, dtype: str, name: str, x: Any, y: Any = None) -> Any:
        out = self.raw(f"{dtype}_{name}", x, x if y is None else y)
        if name in TRIGONOMETRIC:
            limit = 2.0**38 if dtype == "f64" else 2.0**40
            big = np.abs(x) > limit
            out[big] = self.raw(f"{dtype}_{name}_big", x[big], x[big])
        return out


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Library]:
    """A library an instruction set, the best last."""
    targets = {"base": []}
    if cpu.get("AVX2") and cpu.get("FMA3"):
        targets["avx2"] = ["-march=x86-64-v3"]
    if cpu.get("AVX512_SKX"):
        targets["avx512"] = ["-march=x86-64-v4", "-mprefer-vector-width=512"]
    folder = tmp_path_factory.mktemp("accuracy")
    lines = [f"UNARY({name})" for name in UNARY] + [f"BINARY({name})" for name in BINARY]
    lines += [f"BIG({name})" for name in TRIGONOMETRIC]
    lines += [f"RANGED({name}, ({'a[i], b[i]' if name in BINARY else 'a[i]'}))" for name in RANGED]
    (folder / "functions.c").write_text(PRELUDE + "\n".join(lines) + "\n")
    command = [str(COMPILER), *FLAGS, "-shared", "-fPIC", f"-I{CSRC}", "functions.c"]
    running = [
        subprocess.Popen([*command, *flags, "-o", f"{name}.so", "-lm"], cwd=folder)
        for name, flags in targets.items()
    ]
    assert [process.wait() for process in running] == [0] * len(running)
    return {name: Library(folder / f"{name}.so") for name in targets}


@pytest.fixture(scope="session")
def best(libraries: dict[str, Library]) -> Library:
    return list(libraries.values())[-1]


# ---------------------------------------------------------------- samples


def _closest_to_quadrants() -> list[float]:
    """Of each binade, the float64 number closest to a multiple of pi/2 (continued fractions)."""
    with mpmath.workprec(1400):
        found = []
        for exponent in range(-52, 971):
            rest = mpmath.ldexp(2 / mpmath.pi, exponent)
            before, last = 0, 1
            while rest and last < 2**53:
                best = last
                rest = 1 / (rest - mpmath.floor(rest))
                before, last = last, int(mpmath.floor(rest)) * last + before
            found.append(math.ldexp(best, exponent))
    return found


LANDMARKS = [
    # powers of two and halves: thresholds, roots, poles, saturation
    *(s * m * 2.0**e for e in range(-30, 12) for m in (1, 1.5) for s in (1, -1)),
    *(0.3, 0.4142, 0.5, 0.7, 3.0, 5.95, 20.0, 40.0, 50.0, 2.0**38, 2.0**60, 2.0**510, 2.0**-450),
    *(math.sqrt(0.5), math.sqrt(2), math.e, 2.2250738585072014e-308, 1.7976931348623157e308),
    *(k * math.log(2) / 2 for k in range(-2200, 2100, 41)),
    *(k * math.pi / 4 for k in range(-40, 41)),
    *(-708.4, -709.0, -740.0, -745.1, 709.78, 710.4, 26.5, 27.2, -37.6, -38.4, 1e-300, 5e-324),
]


def _samples(lo: float, hi: float, count: int = 250) -> Any:
    """Uniform, all binades alike, and both neighbours of every landmark."""
    rng = np.random.default_rng(7)
    landmarks = np.array(LANDMARKS)
    top = np.finfo(float).max
    x = [
        rng.uniform(max(lo, -40), min(hi, 40), count),
        rng.uniform(max(lo, -1e6), min(hi, 1e6), count),
        rng.choice([-1.0, 1.0], count) * rng.uniform(1, 2, count)
        * 2.0 ** rng.integers(-1074, 1024, count).astype(float),
        *(np.nextafter(landmarks, to) for to in (-top, top)),
        landmarks,
    ]  # fmt: skip
    values = np.unique(np.concatenate(x))
    return values[(values > lo) & (values < hi) & (values != 0)]


def _ulps(result: float, exact: Any) -> float:
    """The error in spacings of float64 at ``exact``; infinity counts as 2^1024."""
    huge = mp.mpf(2) ** 1024
    exact = min(max(exact, -huge), huge)
    got = min(max(mp.mpf(result), -huge), huge)
    spacing = mp.mpf(2) ** max(min(mp.frexp(exact)[1], 1024) - 53, -1074)
    return float(abs(got - exact) / spacing)


def _worst(results: Any, exact: list[Any], arguments: list[Any]) -> tuple[float, Any]:
    assert not np.isnan(results).any()
    errors = [_ulps(r, e) for r, e in zip(results.tolist(), exact, strict=True)]
    k = int(np.argmax(errors))
    return errors[k], arguments[k]


# ---------------------------------------------------------------- tests


@pytest.mark.parametrize("name", UNARY)
def test_float64_against_mpmath(name: str, best: Library) -> None:
    reference, (lo, hi), allowed = UNARY[name]
    x = _samples(lo, hi)
    error, where = _worst(best.call("f64", name, x), [reference(mp.mpf(v)) for v in x], list(x))
    assert error <= allowed, f"{name}({float(where).hex()}): {error:.3f} ULP"


@pytest.mark.parametrize("name", TRIGONOMETRIC)
def test_float64_closest_to_multiples_of_half_pi(name: str, best: Library) -> None:
    x = np.array(_closest_to_quadrants())
    reference = UNARY[name][0]
    with mp.workprec(300):
        exact = [reference(mp.mpf(v)) for v in x]
    error, where = _worst(best.call("f64", name, x), exact, list(x))
    assert error <= 1, f"{name}({float(where).hex()}): {error:.3f} ULP"


@pytest.mark.parametrize("name", BINARY)
def test_float64_pairs_against_mpmath(name: str, best: Library) -> None:
    reference, allowed = BINARY[name]
    rng = np.random.default_rng(11)
    a, b = (s * rng.uniform(0, 8, 800) for s in rng.choice([-1.0, 1.0], (2, 800)))
    a[:300], b[:300] = (2.0 ** rng.uniform(-1070, 1020, 300) for _ in "ab")
    if name == "pow":
        a = np.abs(a)
        a[300:400] = 1 + rng.uniform(-1, 1, 100) * 2.0 ** -rng.integers(1, 50, 100)
        with np.errstate(all="ignore"):
            b = rng.uniform(-1076, 1026, 800) / np.log2(a)
        b[400:600] = rng.integers(-9, 9, 200)
    if name == "logaddexp":
        a, b = np.minimum(np.abs(a), 900), np.minimum(np.abs(b), 900)
    exact = [reference(mp.mpf(u), mp.mpf(v)) for u, v in zip(a, b, strict=True)]
    error, where = _worst(best.call("f64", name, a, b), exact, list(zip(a, b, strict=True)))
    assert error <= allowed, f"{name}{where}: {error:.3f} ULP"


@pytest.mark.parametrize("name", UNARY)
def test_float32_against_float64(name: str, best: Library) -> None:
    """A stride of the 2^32 inputs; at most 1 ULP."""
    x = np.arange(0, 2**32, 16381, dtype=np.uint64).astype(np.uint32).view(np.float32)
    result = best.call("f32", name, x)
    with np.errstate(over="ignore", invalid="ignore"):
        exact = best.call("f64", name, x.astype(np.float64))
        assert np.array_equal(np.isnan(result), np.isnan(exact))
        got, exact = (np.clip(v.astype(np.float64), -(2.0**128), 2.0**128) for v in (result, exact))
        spacing = 2.0 ** np.clip(np.frexp(exact)[1] - 24, -149, 104)
        error = np.nan_to_num(np.abs(got - exact) / spacing)
    assert error.max() <= 1, f"{name}({float(x[error.argmax()]).hex()}): {error.max():.3f} ULP"


SPECIAL = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.0, -2.0, 3.0, -3.0, -2.5, 1e-320, -1e-320]
SPECIAL += [math.inf, -math.inf, math.nan]
HUGE = {"f32": [3e38, -3e38], "f64": [1e308, -1e308, 2.0**53 + 2, -(2.0**53) + 1]}


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values_are_numpys(name: str, dtype: str, best: Library) -> None:
    """NaN, infinities and signed zeros fall where NumPy has them."""
    kind = np.float32 if dtype == "f32" else np.float64
    values = SPECIAL + HUGE[dtype] if OPS[name].group != "nn" else SPECIAL
    pairs = list(itertools.product(values, values if name in BINARY else [0.0]))
    a, b = (np.array(v).astype(kind) for v in zip(*pairs, strict=True))
    with np.errstate(all="ignore"):
        expected = OPS[name].meaning(*((a, b) if name in BINARY else (a,)))
    result = best.call(dtype, name, a, b)
    edge = ~np.isfinite(expected) | (expected == 0)
    np.testing.assert_array_equal(result[edge], expected[edge])
    # min(-0, 0), of which selu is made in NumPy, has a sign that depends on the processor
    zero = (expected == 0) & (name != "selu")
    np.testing.assert_array_equal(np.signbit(result[zero]), np.signbit(expected[zero]))
    np.testing.assert_allclose(result[~edge], expected[~edge], rtol=1e-4, atol=1e-300)


def test_exact_results(best: Library) -> None:
    def call(name: str, x: Any, y: Any = None) -> Any:
        return best.call("f64", name, x, y)

    k = np.arange(-1074, 1024, dtype=np.float64)
    powers = np.ldexp(1.0, k.astype(np.int64))
    np.testing.assert_array_equal(call("exp2", k), powers)
    np.testing.assert_array_equal(call("log2", powers), k)
    np.testing.assert_array_equal(call("pow", np.full_like(k, 2.0), k), powers)
    tens = np.array([float(10**e) for e in range(23)])
    np.testing.assert_array_equal(call("log10", tens), np.arange(23.0))
    roots = np.arange(-3000, 3000, dtype=np.float64)
    np.testing.assert_array_equal(call("cbrt", roots**3), roots)
    np.testing.assert_array_equal(call("pow", roots, np.full_like(roots, 1.0)), roots)
    np.testing.assert_array_equal(call("pow", roots, np.full_like(roots, 2.0)), roots**2)
    single = np.arange(-149, 128, dtype=np.float32)
    expected = np.ldexp(np.float32(1), single.astype(int))
    np.testing.assert_array_equal(best.call("f32", "exp2", single), expected)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_every_instruction_set_gives_the_same_bits(
    dtype: str, libraries: dict[str, Library]
) -> None:
    if len(libraries) < 2:
        pytest.skip("this processor runs one build only")
    rng = np.random.default_rng(3)
    words = np.uint32 if dtype == "f32" else np.uint64
    bits = rng.integers(0, np.iinfo(words).max, (2, 2000), words, endpoint=True)
    kind = np.float32 if dtype == "f32" else np.float64
    a, b = (np.concatenate([v.view(kind), rng.uniform(-9, 9, 2003).astype(kind)]) for v in bits)
    for name in FUNCTIONS:
        first, *others = (library.call(dtype, name, a, b) for library in libraries.values())
        for other in others:
            same = (first.view(words) == other.view(words)) | (np.isnan(first) & np.isnan(other))
            assert same.all(), f"{name}({a[~same][0]!r}, {b[~same][0]!r})"


@pytest.mark.parametrize("dtype", ["f32", "f64"])
@pytest.mark.parametrize("name", RANGED)
def test_the_way_for_usual_arguments_gives_the_same_bits(
    name: str, dtype: str, best: Library
) -> None:
    kind = np.float32 if dtype == "f32" else np.float64
    words = np.uint32 if dtype == "f32" else np.uint64
    rng = np.random.default_rng(5)
    bits = rng.integers(0, np.iinfo(words).max, (2, 20000), words, endpoint=True)
    special = np.array([*SPECIAL, *HUGE[dtype], *np.linspace(-1100, 1100, 8801)])
    a, b = (np.concatenate([v.view(kind), rng.uniform(-40, 40, 20000).astype(kind)]) for v in bits)
    a[: special.size], b[: special.size] = special, special[::-1]
    near = best.call(dtype, f"{name}_is_near", a, b) > 0
    full, short = (best.call(dtype, way, a, b)[near] for way in (name, f"{name}_near"))
    assert not np.isnan(full).any() and near.sum() > 1000 and not near.all()
    np.testing.assert_array_equal(full.view(words), short.view(words))
