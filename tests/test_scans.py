"""Cumulative sums, products, maxima and minima: NumPy's values, dtypes, layouts and warnings."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests.compare import same

DTYPES = (*"?bhilqBHILQefd",)
# Lines of one piece, of several, and of several groups of pieces; side by side, narrow and wide.
SHAPES = ((1,), (2000,), (2001,), (40_001,), (3, 5), (9, 100), (5, 2100), (3, 70, 65), (300, 3))
CALLS: dict[str, Callable[..., Any]] = {
    "cumsum": lambda xp, x, axis: np.cumsum(x, axis),
    "cumprod": lambda xp, x, axis: np.cumprod(x, axis),
    "flat": lambda xp, x, axis: np.cumsum(x),
    "add": lambda xp, x, axis: np.add.accumulate(x, axis),
    "multiply": lambda xp, x, axis: np.multiply.accumulate(x, axis=axis),
    "maximum": lambda xp, x, axis: np.maximum.accumulate(x, axis),
    "minimum": lambda xp, x, axis: np.minimum.accumulate(x, axis),
    "initial": lambda xp, x, axis: xp.cumulative_sum(x, axis=axis, include_initial=True),
    "initial product": lambda xp, x, axis: xp.cumulative_prod(x, axis=axis, include_initial=True),
}


def whole_numbers(shape: tuple[int, ...], dtype: str, rng: np.random.Generator) -> Any:
    """Few values, whose sums are exact in every order."""
    return rng.integers(0, 3, shape).astype(dtype)


@pytest.mark.skipif(not hasattr(np, "cumulative_sum"), reason="NumPy before 2.1")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values(backend: str, call: str, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    for dtype in DTYPES:
        x = whole_numbers(shape, dtype, rng)
        for axis in range(-1, len(shape) - 1):
            with np.errstate(all="ignore"):
                ours = CALLS[call](tn, tn.asarray(x), axis)
                expected = CALLS[call](np, x, axis)
            same(ours, expected)
            assert ours.strides == expected.strides


def test_runs_in_c(rng: np.random.Generator) -> None:
    x = tn.asarray(rng.random(50_000))
    with tn.config(backend="simd", threshold=0), tn.profile() as profile:
        np.cumsum(x)
        np.maximum.accumulate(x)
        np.cumsum(x, dtype="f4")
    assert profile.where()["deferred"] == 0


def test_special_values(backend: str) -> None:
    for values in ([-0.0, -0.0], [math.nan, 1.0], [1.0, math.nan, 2.0], [math.inf, -1.0]):
        for f in (np.add, np.multiply, np.maximum, np.minimum):
            x = np.array(values)
            ours, expected = np.asarray(f.accumulate(tn.asarray(x))), f.accumulate(x)
            np.testing.assert_array_equal(ours, expected)
            np.testing.assert_array_equal(np.signbit(ours), np.signbit(expected))


@pytest.mark.parametrize("at", [0, 3, 5000])
@pytest.mark.parametrize(
    "values", [(1e308, 1e308), (math.inf, -math.inf), (math.nan,), (math.inf,)]
)
def test_warnings(backend: str, values: tuple[float, ...], at: int) -> None:
    x = np.zeros(9000)
    x[at : at + len(values)] = values
    for shaped in (x, x.reshape(2, 4500), np.stack([x, x], axis=1)):
        for axis in range(shaped.ndim):
            told = []
            for a in (shaped, tn.asarray(shaped)):
                with warnings.catch_warnings(record=True) as seen:
                    warnings.simplefilter("always")
                    np.asarray(np.add.accumulate(a, axis))  # a GPU tells when it is read
                told.append([str(w.message) for w in seen])
            assert told[0] == told[1]


def test_what_raises_raises(backend: str) -> None:
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow"):
        np.cumsum(tn.asarray(np.array([1e308, 1e308])))


def test_errors_are_numpys(backend: str) -> None:
    x = tn.ones((3, 4))
    with pytest.raises(np.exceptions.AxisError):
        np.cumsum(x, axis=2)
    with pytest.raises(ValueError, match="axis"):
        tn.cumulative_sum(x)
    with pytest.raises(TypeError):
        np.add.accumulate(tn.asarray(1.0))


def test_sums_are_as_accurate_as_in_one_chain(rng: np.random.Generator) -> None:
    x = rng.random(60_000).astype("f4")
    with tn.config(backend="simd", threshold=0):
        ours = np.asarray(np.cumsum(tn.asarray(x)))
    exact = np.array([float(v) for v in np.cumsum([Fraction(float(v)) for v in x])])
    assert np.abs(ours - exact).max() <= np.abs(np.cumsum(x) - exact).max()


def test_differences_of_sums_are_as_accurate_as_in_one_chain(rng: np.random.Generator) -> None:
    """As rolling means take them: no element jumps where pieces of a line meet."""
    x = (100 + rng.random(200_000)) ** 2
    with tn.config(backend="simd", threshold=0):
        ours = np.asarray(np.cumsum(tn.asarray(x)))
    exact = np.cumsum(x.astype(np.longdouble))
    errors = [np.abs((y[20:] - y[:-20]) - (exact[20:] - exact[:-20])) for y in (ours, np.cumsum(x))]
    assert errors[0].max() <= errors[1].max()


@pytest.mark.parametrize("length", [2001, 15_999, 16_000, 16_001, 16_007, 40_000, 50_021])
def test_long_lines_of_integers_are_exact(length: int, rng: np.random.Generator) -> None:
    x = rng.integers(-9, 9, (3, length))
    with tn.config(backend="simd", threshold=0):
        same(np.cumsum(tn.asarray(x), axis=1), np.cumsum(x, axis=1))
        same(np.cumsum(tn.asarray(x.astype("f4")), 1), np.cumsum(x.astype("f4"), 1))
        same(np.maximum.accumulate(tn.asarray(x), 1), np.maximum.accumulate(x, 1))


def test_thread_counts_give_the_same_bits(rng: np.random.Generator) -> None:
    x = tn.asarray(rng.random(300_000).astype("f4"))
    with tn.config(backend="simd", threshold=0):
        results = []
        for threads in (1, 2, 3):
            with tn.config(threads=threads):
                results.append(np.asarray(np.cumsum(x)).tobytes())
    assert len(set(results)) == 1


def test_the_numpy_backend_adds_as_numpy(rng: np.random.Generator) -> None:
    x = rng.random((6, 1000))
    with tn.config(backend="numpy", threshold=0):
        ours = np.cumsum(tn.asarray(x), axis=1)
    same(ours, np.cumsum(x, axis=1))
