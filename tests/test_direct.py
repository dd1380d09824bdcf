"""Small calls take NumPy's inner loops at once: its results to the bit, strides and warnings."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import trueno as tn
from tests.compare import same
from trueno.ops import BY_UFUNC

UFUNCS = [f for f in BY_UFUNC if f.nout == 1 and f.signature is None and f.nin < 3]
DTYPES = list("?bBhHiIlLqQefdFD")
NUMBERS: list[Any] = [
    *(0, 1, 2, -1, 127, 255, 256, -129, 1 << 24, (1 << 24) + 1, 1 << 53, (1 << 53) + 1, True),
    *(
        1 << 63,
        -(1 << 63),
        1 << 64,
        0.0,
        -0.0,
        0.1,
        0.5,
        2.0,
        1e300,
        -1e39,
        65520.0,
        np.inf,
        np.nan,
    ),
    *(1j, np.float64(0.1), np.float32(0.1), np.float16(2), np.int64(3), np.int32(3), np.uint8(7)),
    *(np.bool_(1), np.array(2.5), np.array(3), np.array(1, "f")),
]
LAYOUTS: list[Callable[[Any], Any]] = [
    lambda x: x, lambda x: x[::2], lambda x: x[::-1], lambda x: x.T, lambda x: x[..., 1:],
    lambda x: x[1:-1, 1:-1], lambda x: x[:, None], lambda x: x[None], lambda x: x[:1],
    lambda x: x[..., :1], lambda x: x.reshape(-1), lambda x: np.broadcast_to(x, (2, *x.shape)),
    lambda x: x[:0], lambda x: x[..., ::2], lambda x: x[1, 1:], lambda x: x[2, 3],
]  # fmt: skip
OPERAND = st.tuples(st.sampled_from(DTYPES), st.integers(0, 50), st.sampled_from(LAYOUTS))
OTHER = st.one_of(OPERAND, st.sampled_from(NUMBERS))


def _array(dtype: str, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "fc":
        special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-320, 6e4, 1e38, -1e308, 1.0, -2.0]
        values = rng.choice([*special, *rng.standard_normal(30)], (5, 6))
        with np.errstate(all="ignore"):
            return values.astype(dtype)
    return rng.integers(-200, 200, (5, 6)).astype(dtype)


def _side(convert: Callable[[Any], Any], operand: Any) -> Any:
    """An operand on one side: a view of an array, made there, or a number."""
    if not isinstance(operand, tuple):
        return operand
    dtype, seed, layout = operand
    return layout(convert(_array(dtype, seed)))


def _observed(f: Callable[..., Any], *operands: Any) -> tuple[Any, ...]:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            result = f(*operands)
            array, strides = np.asarray(result), result.strides
        except (TypeError, ValueError, OverflowError) as error:
            return (type(error),)
    told = sorted(str(w.message) for w in seen)
    return array.dtype, array.shape, strides, array.tobytes(), told


def _agree(f: Callable[..., Any], *operands: Any) -> None:
    results = [
        _observed(f, *[_side(convert, x) for x in operands]) for convert in (np.asarray, tn.asarray)
    ]
    assert results[0] == results[1]


@given(ufunc=st.sampled_from(UFUNCS), x=OPERAND, y=OTHER, same=st.booleans(), flipped=st.booleans())
def test_ufuncs(ufunc: Any, x: Any, y: Any, same: bool, flipped: bool) -> None:
    if same and isinstance(y, tuple):
        y = (x[0], *y[1:])
    if ufunc.nin == 1:
        _agree(ufunc, x)
    else:
        _agree(ufunc, *((y, x) if flipped else (x, y)))


BINARY = [
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod),
    *(operator.lt, operator.eq, operator.ge, operator.and_, operator.xor, operator.lshift),
    operator.pow,
]
UNARY = [operator.neg, operator.abs, operator.invert, operator.pos]
IN_PLACE = [
    *(operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv),
    *(operator.imod, operator.iand, operator.ior, operator.irshift, operator.ipow),
]


@given(f=st.sampled_from(BINARY), x=OPERAND, y=OTHER)
def test_operators(f: Any, x: Any, y: Any) -> None:
    _agree(f, x, y)
    _agree(f, y, x)
    for unary in UNARY:
        _agree(unary, x)


@given(f=st.sampled_from(IN_PLACE), x=OPERAND, y=OTHER, overlap=st.booleans())
def test_in_place(f: Any, x: Any, y: Any, overlap: bool) -> None:
    results = []
    for convert in (np.asarray, tn.asarray):
        base = convert(_array(*x[:2]))
        target = x[2](base)
        other = y[2](base) if overlap and isinstance(y, tuple) else _side(convert, y)
        seen = _observed(f, target, other)
        failed = isinstance(seen[0], type)  # perhaps in the midst of it
        results.append((seen[0], seen[-1], failed or np.asarray(base).tobytes()))
    assert results[0] == results[1]


REDUCTIONS = [np.sum, np.mean, np.max, np.min, np.any, np.all]


@given(f=st.sampled_from(REDUCTIONS), x=OPERAND)
def test_reductions(f: Any, x: Any) -> None:
    _agree(f, x)
    _agree(operator.methodcaller(f.__name__.replace("am", "m")), x)


@pytest.mark.parametrize("f", REDUCTIONS)
@pytest.mark.parametrize("dtype", ["?", "i", "l", "f", "d", "F"])
def test_reductions_of_any_length(f: Any, dtype: str, rng: np.random.Generator) -> None:
    everything = (rng.standard_normal(20_000) * 9).astype(dtype)
    for n in (*range(1, 300), 1000, 4097, 20_000):
        same(f(tn.asarray(everything[:n])), f(everything[:n]))


def test_errors_have_the_operations_name() -> None:
    x = tn.asarray(np.array([1000.0, 0.0]))
    with np.errstate(all="raise"):
        with pytest.raises(FloatingPointError, match="divide"):
            x / 0.0
        with pytest.raises(FloatingPointError, match="overflow"):
            np.exp(x)
        with pytest.raises(FloatingPointError, match="divide"):
            x /= 0.0
    told: list[str] = []
    with np.errstate(all="call", call=lambda kind, flag: told.append(kind)):
        tn.asarray(np.array([1.0, 0.0])) / 0.0
    assert sorted(told) == ["divide by zero", "invalid value"]
