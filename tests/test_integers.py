"""Integer division on the simd backend: by arrays, by one divisor, near and far from 2^53."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trueno as tn
from tests.kernels import NUMPY, SIMD, digests, launch, one_op, values
from trueno.kinds import SIGNED, UNSIGNED, Dtype

NAMES = ("floor_divide", "remainder", "fmod")
DTYPES = (*SIGNED, *UNSIGNED)
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def compared(name: str, x: Any, y: Any) -> None:
    """Values and conditions as NumPy's."""
    kernel = one_op(name, (x.dtype, y.dtype), x.dtype)
    actual, expected = np.empty(len(x), x.dtype), np.empty(len(x), x.dtype)
    masks = launch(SIMD, kernel, [x, y], [actual])
    assert masks == launch(NUMPY, kernel, [x, y], [expected])
    np.testing.assert_array_equal(actual, expected, err_msg=f"{name} by {y[:3]}")


def divisors(dtype: Dtype) -> Any:
    """Small ones, powers of two and their neighbours, and those at the ends of the range."""
    info = np.iinfo(dtype)
    powers = [1 << i for i in range(info.bits - (dtype.kind == "i"))]
    found = {p + d for p in powers for d in (-1, 0, 1)} | set(range(-13, 14))
    found |= {-p + d for p in powers for d in (-1, 0, 1)} | {info.max, info.max - 1, info.min}
    return np.array(sorted(y for y in found if info.min <= y <= info.max), dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_by_one_divisor(name: str, dtype: Dtype) -> None:
    info = np.iinfo(dtype)
    for y in divisors(dtype):
        x = values(dtype, 301, int(abs(int(y))) % 97)
        if y:  # multiples and their neighbours
            multiples = np.arange(-20, 20).astype(dtype) * y
            x = np.concatenate([x, multiples, multiples - dtype.type(1), multiples + dtype.type(1)])
        x = np.append(x, [info.min, info.max]).astype(dtype)
        compared(name, x, np.full(len(x), y))


@pytest.mark.parametrize("name", NAMES)
def test_every_pair_of_bytes(name: str) -> None:
    for dtype in (SIGNED[0], UNSIGNED[0]):
        every = np.arange(256).astype(dtype)
        compared(name, np.repeat(every, 256), np.tile(every, 256))
        for y in every:
            compared(name, every, np.full(256, y))


@pytest.mark.parametrize("bits", [20, 50, 51, 52, 63, 64])
@pytest.mark.parametrize("dtype", ["int64", "uint64", "int32", "uint32"])
@pytest.mark.parametrize("name", NAMES)
def test_by_an_array(name: str, dtype: str, bits: int) -> None:
    """Dividends of up to so many bits, next to multiples of divisors of any length."""
    t = np.dtype(dtype)
    rng = np.random.default_rng(bits)
    bits = min(bits, np.iinfo(t).bits)
    n = 5000
    word = rng.integers(0, 1 << 64, 2 * n, dtype=np.uint64)
    y = word[:n] >> rng.integers(64 - bits, 64, n).astype(np.uint64)
    x = word[n:] >> rng.integers(64 - bits, 64, n).astype(np.uint64)
    near = x - x % np.maximum(y, 1) + rng.integers(0, 3, n).astype(np.uint64) - np.uint64(1)
    x = np.where(rng.random(n) < 0.6, near, x)
    for sx, sy in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        a, b = (v.astype(t) * t.type(s) if s > 0 else -v.astype(t) for v, s in ((x, sx), (y, sy)))
        compared(name, a, b)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from(DTYPES), st.data())
def test_any_pair(name: str, dtype: Dtype, data: Any) -> None:
    info = np.iinfo(dtype)
    integers = st.integers(int(info.min), int(info.max))
    x = np.array(data.draw(st.lists(integers, min_size=1, max_size=40)), dtype)
    y = np.array(data.draw(st.lists(integers, min_size=len(x), max_size=len(x))), dtype)
    compared(name, x, y)
    compared(name, x, np.full(len(x), y[0]))


def test_in_place() -> None:
    for name, divisor in (("floor_divide", 7), ("remainder", -7)):
        x = np.arange(-3000, 3000)
        expected = getattr(np, name)(x, divisor)
        kernel = one_op(name, (x.dtype, x.dtype), x.dtype)
        launch(SIMD, kernel, [x, np.full(len(x), divisor)], [x])
        np.testing.assert_array_equal(x, expected)


def test_operators() -> None:
    with tn.config(threshold=0, backend="simd", strict=True):
        x = tn.arange(-5000, 5000)
        np.testing.assert_array_equal(np.asarray(x // 7 + x % -7), np.arange(-5000, 5000) // 7
                                      + np.arange(-5000, 5000) % -7)  # fmt: skip


def digest() -> str:
    """A hash of quotients and rests by arrays and by constants."""
    state = hashlib.sha256()
    for name in NAMES:
        for dtype in DTYPES:
            x, y = values(dtype, 3001, 1), values(dtype, 3001, 2)
            for divisor in (y, np.full(3001, 7, dtype), np.full(3001, y[0])):
                out = np.empty(3001, dtype)
                masks = launch(SIMD, one_op(name, (dtype, dtype), dtype), [x, divisor], [out])
                state.update(f"{name} {dtype} {masks}".encode() + out.tobytes())
    return state.hexdigest()


def test_instruction_sets_give_the_same_bits() -> None:
    running = digests("tests.test_integers")
    assert len({bits for _, bits in running.values()}) == 1, running
