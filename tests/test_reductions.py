"""Variances in one pass, chains of reductions along rows, and what both promise of accuracy."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests.compare import recorded
from trueno._backends import _simd
from trueno.kinds import BOOL, FLOATS, SIGNED, UNSIGNED

REALS = (BOOL, *SIGNED, *UNSIGNED, *FLOATS)
Array = np.ndarray[Any, Any]


def simd() -> Any:
    return tn.config(backend="simd", threshold=1)


def launches(f: Callable[[], Any]) -> list[str]:
    """The kernels that ran during ``f()``, in a line each."""
    with simd(), tn.profile() as profile:
        f()
    return [name for (_, name), (n, _, _) in profile.kernels.items() for _ in range(int(n))]


# ---------------------------------------------------------------- variance

LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "C": lambda x: x,
    "F": np.asfortranarray,
    "transposed": lambda x: x.transpose(range(x.ndim)[::-1]),
    "strided": lambda x: x[::2],
}


@pytest.mark.filterwarnings("ignore:Degrees of freedom")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", REALS, ids=str)
def test_variance_equals_numpys(dtype: Any, layout: str, rng: np.random.Generator) -> None:
    tolerance = {"e": 2e-2, "f": 1e-4}.get(dtype.char, 1e-10)
    for shape in ((5001,), (3, 3001), (3001, 3), (70, 90), (13, 8, 65), (2, 1, 700)):
        x = LAYOUTS[layout](rng.integers(0, 100, shape).astype(dtype))
        if x.dtype.kind == "f":
            x = x + rng.random(x.shape).astype(dtype)
        for count in range(x.ndim + 1):
            for axes in itertools.combinations(range(x.ndim), count):
                for f, keepdims in ((np.var, False), (np.std, True)):
                    kwargs = {"axis": axes or None, "ddof": 1, "keepdims": keepdims}
                    with simd(), np.errstate(all="ignore"):
                        expected, got = f(x, **kwargs), f(tn.asarray(x), **kwargs)
                    got = np.asarray(got)
                    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
                    np.testing.assert_allclose(got, expected, tolerance, tolerance)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, 1e30, 3e38])
@pytest.mark.filterwarnings("error::trueno.errors.TruenoWarning")
def test_special_values_and_warnings_are_numpys(special: float) -> None:
    x = np.ones((50, 200), "f")
    x[3, 5] = special
    for axis in (None, 0, 1):
        told = []
        for operand in (x, tn.asarray(x)):
            with simd(), warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                result = np.asarray(np.var(operand, axis=axis))
            told.append(({str(w.message).split()[0] for w in caught}, result))
        assert told[0][0] == told[1][0]
        np.testing.assert_allclose(told[1][1], told[0][1], 1e-4)


def test_a_wider_dtype_and_a_wrong_one() -> None:
    x = np.arange(6000, dtype="f").reshape(60, 100)
    with simd():
        for dtype in ("d", "f", "F"):
            got, expected = np.asarray(np.var(tn.asarray(x), 0, dtype)), np.var(x, 0, dtype)
            assert got.dtype == expected.dtype
            np.testing.assert_allclose(got, expected, 1e-5)
        with pytest.raises(np.exceptions.AxisError):
            np.var(tn.asarray(x), axis=2)


# ---------------------------------------------------------------- accuracy

HARD: dict[str, Callable[[np.random.Generator], Array]] = {
    "far from zero": lambda rng: 1e5 + rng.random(60000),
    "spread": lambda rng: rng.normal(size=60000) * 10.0 ** rng.integers(-6, 6, 60000),
    "cancelling": lambda rng: np.concatenate([v := rng.normal(size=30000), 1e-3 - v]),
    "steps": lambda rng: np.repeat([1.0, 1e4, -1e4, 3.0], 15000) + rng.random(60000),
    "constant": lambda rng: np.full(60000, 0.1),
}


def exact(x: Array) -> dict[str, float]:
    """Of float32 or float64 elements: sums by ``math.fsum``, of products without rounding."""
    values = [float(v) for v in x.ravel()]
    total = math.fsum(values)
    mean = total / len(values)
    deviations = [v - mean for v in values]
    rest = math.fsum(deviations)
    squares = math.fsum([d * d for d in deviations]) - rest * rest / len(values)
    return {"sum": total, "mean": mean, "var": squares / len(values)}


@pytest.mark.parametrize("name", ["sum", "mean", "var"])
@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("data", HARD)
def test_no_less_accurate_than_numpy(
    data: str, dtype: str, name: str, rng: np.random.Generator
) -> None:
    x = HARD[data](rng).astype(dtype)
    right = exact(x)[name]
    scale = float(np.abs(x).sum(dtype="d")) / (1 if name == "sum" else x.size)
    step = float(np.finfo(dtype).eps) * (abs(right) if name == "var" else scale)
    with simd():
        ours = abs(float(getattr(np, name)(tn.asarray(x))) - right)
    numpys = abs(float(getattr(np, name)(x)) - right)
    assert ours <= max(numpys, 2 * step)


# ---------------------------------------------------------------- chains


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def normalised(x: Any) -> Any:
    d = x - x.mean(-1, keepdims=True)
    return d / np.sqrt((d * d).mean(-1, keepdims=True) + 1e-5)


def log_sum(x: Any) -> Any:
    m = x.max(-1, keepdims=True)
    return np.log(np.exp(x - m).sum(-1, keepdims=True)) + m


def scaled(x: Any) -> Any:
    return x / np.sqrt((x * x).sum(-1, keepdims=True)) * 3


ROWS = [(40, 4000), (500, 70), (3000, 7), (9, 30000), (3, 40, 1025)]


@pytest.mark.parametrize("shape", ROWS, ids=str)
@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("f", [softmax, normalised, log_sum, scaled])
def test_a_chain_is_one_launch(
    f: Callable[[Any], Any], dtype: str, shape: Any, rng: np.random.Generator
) -> None:
    x = rng.normal(size=shape).astype(dtype)
    a = tn.asarray(x)
    tolerance = 2e-5 if dtype == "f" else 1e-12
    with simd():
        np.testing.assert_allclose(np.asarray(f(a)), f(x), tolerance, tolerance)
    assert len(launches(lambda: tn.evaluate(f(a)))) == 1
    if len(shape) == 2:  # rows that lie apart are no rows of memory
        b = tn.asarray(np.asfortranarray(x))
        with simd():
            np.testing.assert_allclose(np.asarray(f(b)), f(x), tolerance, tolerance)
        assert len(launches(lambda: tn.evaluate(f(b)))) > 1


def test_what_is_wanted_of_a_chain_is_stored(rng: np.random.Generator) -> None:
    x = rng.normal(size=(300, 500))
    with simd():
        a = tn.asarray(x)
        m = a.max(-1, keepdims=True)
        e = np.exp(a - m)
        s = e.sum(-1, keepdims=True)
        y, twice = e / s, s * 2
    assert launches(lambda: tn.evaluate(y, twice)) == ["max subtract exp sum divide multiply"]
    right = np.exp(x - x.max(-1, keepdims=True))
    total = right.sum(-1, keepdims=True)
    for got, expected in (
        (m, x.max(-1, keepdims=True)), (e, right), (s, total), (y, right / total),
        (twice, 2 * total),
    ):  # fmt: skip
        np.testing.assert_allclose(np.asarray(got), expected, 1e-12)


def test_an_operand_may_change_before_its_reduction_is_read() -> None:
    x = np.arange(12.0).reshape(3, 4)
    with simd():
        a = tn.asarray(x)
        most = a.max(1, keepdims=True)
        a += 100
        a[0] = 0
        assert np.asarray(most).ravel().tolist() == [3, 7, 11]
        a = tn.asarray(x)
        a -= a.mean(1, keepdims=True)
        assert np.asarray(a).tolist() == (x - x.mean(1, keepdims=True)).tolist()
        a[...] = softmax(a)
        np.testing.assert_allclose(np.asarray(a), softmax(x), 1e-12)


def test_a_chain_warns_once_a_call() -> None:
    x = np.ones((40, 50))
    x[3] = 0
    with simd(), recorded() as caught:
        a = tn.asarray(x)
        tn.evaluate(a / a.sum(-1, keepdims=True))
    assert [str(w.message) for w in caught] == ["invalid value encountered in divide"]


def test_rows_of_different_axes_do_not_chain(rng: np.random.Generator) -> None:
    x = rng.random((20, 30, 40))
    with simd():
        a = tn.asarray(x)
        got = (a - a.max(2, keepdims=True)) / a.sum((1, 2), keepdims=True)
        got = got + got.max(1, keepdims=True)
    right = (x - x.max(2, keepdims=True)) / x.sum((1, 2), keepdims=True)
    np.testing.assert_allclose(np.asarray(got), right + right.max(1, keepdims=True), 1e-12)


def test_a_reduction_does_not_store_what_is_cheap_to_compute_again() -> None:
    x = np.arange(12.0).reshape(3, 4)
    with simd():
        a = tn.asarray(x)
        product = a * a
        assert float(product.sum()) == (x * x).sum()
        assert product._node is not None  # still pending
        a += 1
        assert np.asarray(product).tolist() == (x * x).tolist()
        costly = np.sin(a)
        costly.sum()
        assert costly._node is None


# ---------------------------------------------------------------- without NaN


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("name", ["nansum", "nanmean", "nanmax", "nanmin", "nanvar", "nanstd"])
def test_what_leaves_nan_out_equals_numpys(name: str, dtype: str, rng: np.random.Generator) -> None:
    some = rng.normal(size=(30, 500)).astype(dtype)
    some[rng.random(some.shape) < 0.1] = np.nan
    row = some.copy()
    row[7] = np.nan
    tolerance = 1e-4 if dtype == "f" else 1e-12
    for x, axis, keepdims in itertools.product((some, row), (None, 0, 1, (0, 1)), (False, True)):
        told = []
        for operand in (x, tn.asarray(x)):
            with simd(), warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                result = np.asarray(getattr(np, name)(operand, axis=axis, keepdims=keepdims))
            told.append(([str(w.message) for w in caught], result))
        (words, expected), (ours, got) = told
        assert (ours, got.dtype, got.shape) == (words, expected.dtype, expected.shape)
        np.testing.assert_allclose(got, expected, tolerance, tolerance)


# ---------------------------------------------------------------- norms and ranges


@pytest.mark.parametrize("order", [None, 2, 1, np.inf, -np.inf, 0, 3, "fro", "nuc"], ids=str)
@pytest.mark.parametrize("dtype", ["f", "d", "i"])
def test_norms_equal_numpys(dtype: str, order: Any, rng: np.random.Generator) -> None:
    x = rng.normal(0, 50, (20, 30, 40)).astype(dtype)
    a = tn.asarray(x)
    for axis, keepdims in itertools.product((None, 0, 2, (0, 1), (2, 0), (0, 1, 2)), (False, True)):
        got: list[Any] = []
        for operand in (x, a):
            try:
                with simd():
                    norm = np.linalg.norm(operand, order, axis, keepdims)  # type: ignore[arg-type]
                    got.append(np.asarray(norm))
            except (ValueError, np.linalg.LinAlgError) as error:
                got.append(type(error))
        if isinstance(got[0], type):
            assert got[0] is got[1]
            continue
        assert (got[0].dtype, got[0].shape) == (got[1].dtype, got[1].shape)
        np.testing.assert_allclose(got[1], got[0], 1e-5)


def test_ranges_and_averages_equal_numpys(rng: np.random.Generator) -> None:
    for dtype, axis in itertools.product("fdiB", (None, 0, (0, 2))):
        x = rng.normal(100, 50, (20, 30, 40)).astype(dtype)
        for f in (np.ptp, np.average, np.linalg.vector_norm):
            with simd():
                got, expected = np.asarray(f(tn.asarray(x), axis=axis)), f(x, axis=axis)  # type: ignore[operator]
            assert got.dtype == expected.dtype
            np.testing.assert_allclose(got, expected, 1e-5)


# ---------------------------------------------------------------- the same bits everywhere


def digest() -> str:
    """Of variances and chains on any number of threads, which must agree."""
    rng = np.random.default_rng(7)
    found = set()
    data = [rng.normal(3, 2, shape).astype(d) for shape in ((300001,), *ROWS) for d in "fd"]
    for threads in (1, 2, 3):
        state = hashlib.sha256()
        with simd(), tn.config(threads=threads):
            for x in map(tn.asarray, data):
                for axis in (None, *range(x.ndim)):
                    state.update(np.asarray(np.var(x, axis=axis)).tobytes())
                for f in (softmax, normalised, log_sum) if x.ndim > 1 else ():
                    state.update(np.asarray(f(x)).tobytes())
        found.add(state.hexdigest())
    (one,) = found
    return one


def test_the_same_bits_on_every_instruction_set_and_number_of_threads() -> None:
    names, lib = [], _simd.lib
    while (name := lib.trueno_isa(len(names))) != _simd.ffi.NULL:
        names.append(_simd.ffi.string(name).decode())
    program = "from tests.test_reductions import digest; print(digest())"
    found = set()
    for name in names:
        environment = os.environ | {"TRUENO_ISA": name}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        found.add(done.stdout.strip())
    assert len(found) == 1
