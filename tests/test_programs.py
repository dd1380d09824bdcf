"""Random programs of operations, views, writes, exports and observations, on NumPy and on us.

Deferral must be invisible. Each program runs on ndarrays and on TruenoArrays side by side; after
every step shapes, dtypes, strides, flags and errors must agree, at observations and at the end all
values and which arrays share memory. Arithmetic is kept exact (small integers and halves, special
values), so that a difference is a defect and never a rounding.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import trueno as tn
from tests.compare import recorded

# Programs a variant and backend, as a multiple of the hypothesis profile's examples: the full
# profile makes 2 000 a backend. A software GPU compiles every new kernel for tens of milliseconds.
PROGRAMS = {"numpy": 5.0, "simd": 5.0, "wgpu": 0.5}
SHAPES = [(6,), (3, 4), (1, 4), (3, 1), (), (2, 3, 4), (5,), (0, 4)]
DTYPES = ["f8", "f4", "i8", "i4", "u1", "?", "f8", "f8"]
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -2.0, 0.5]
KEYS: list[Any] = [
    slice(1, None),
    slice(None, -1),
    slice(None, None, -1),
    slice(None, None, 2),
    (Ellipsis, slice(1, None)),
    (Ellipsis, 0),
    0,
    -1,
    None,
    Ellipsis,
    (slice(None), None),
    (slice(None), slice(None, None, -2)),
    (0, Ellipsis),
]


def _initial(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    values = generator.integers(0 if dtype in ("u1", "?") else -8, 9, shape)
    array = np.asarray(values).astype(dtype)
    if dtype in ("f8", "f4") and array.size and seed % 3 == 0:
        flat = array.reshape(-1)
        flat[seed % flat.size] = SPECIAL[seed % len(SPECIAL)]
    return array


def _tame(value: Any) -> Any:
    """Keeps floating values exact under further arithmetic."""
    if value.dtype.kind == "f":
        return np.rint(np.clip(value, -1000, 1000))
    return value


class World:
    """One side of a program: its variables, and what outsiders hold."""

    def __init__(self, convert: Callable[[np.ndarray], Any]) -> None:
        self.convert = convert
        self.variables: list[Any] = []
        self.exports: list[np.ndarray] = []

    def pick(self, i: int) -> Any:
        return self.variables[i % len(self.variables)]

    def put(self, value: Any) -> None:
        self.variables.append(value)
        if len(self.variables) > 7:
            del self.variables[0]


BINARY = [np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.less, np.equal, np.divide]
UNARY = [np.negative, np.absolute, np.rint, np.square, np.isnan, np.sign, np.logical_not, np.sqrt]
REDUCE = ["sum", "max", "min", "any", "all", "prod", "argmax", "argmin"]


def is_scalar(x: Any) -> bool:
    """Whether ``x`` is a scalar in NumPy: an immutable value, not an array of no dimensions."""
    return isinstance(x, np.generic) or getattr(x, "_scalar", False)


def new(w: World, a: int, b: int, c: int) -> None:
    w.put(w.convert(_initial(SHAPES[a % len(SHAPES)], DTYPES[b % len(DTYPES)], c)))


def binary(w: World, a: int, b: int, c: int) -> None:
    w.put(_tame(BINARY[c % len(BINARY)](w.pick(a), w.pick(b))))


def operator(w: World, a: int, b: int, c: int) -> None:
    x, y = w.pick(a), w.pick(b)
    w.put(_tame([x + y, x - y, x * 2, 3 - x, x + 1.5][c % 5]))


def unary(w: World, a: int, b: int, c: int) -> None:
    w.put(_tame(UNARY[c % len(UNARY)](w.pick(a))))


def where(w: World, a: int, b: int, c: int) -> None:
    w.put(np.where(w.pick(a) > 0, w.pick(b), w.pick(c)))


def cast(w: World, a: int, b: int, c: int) -> None:
    x = w.pick(a)
    w.put(x.astype(["f8", "f4", "?"][b % 3] if x.dtype.kind == "f" else DTYPES[b % len(DTYPES)]))


def index(w: World, a: int, b: int, c: int) -> None:
    w.put(w.pick(a)[KEYS[b % len(KEYS)]])


def view(w: World, a: int, b: int, c: int) -> None:
    x = w.pick(a)
    w.put([lambda: x.T, lambda: x.reshape(-1), lambda: x.ravel(), lambda: x.squeeze(),
           lambda: np.expand_dims(x, 0), lambda: x.swapaxes(0, -1), lambda: np.flip(x),
           lambda: np.broadcast_to(x, (2, *x.shape)), lambda: x.reshape(x.shape[::-1]),
           lambda: x.real, lambda: x.diagonal()][b % 11]())  # fmt: skip


def copy(w: World, a: int, b: int, c: int) -> None:
    w.put(w.pick(a).copy())


def reduce(w: World, a: int, b: int, c: int) -> None:
    x = w.pick(a)
    axis = [None, 0, -1, 1][c % 4]
    w.put(_tame(getattr(x, REDUCE[b % len(REDUCE)])(axis=axis, keepdims=bool(c % 3 == 0))))


def in_place(w: World, a: int, b: int, c: int) -> None:
    x, y = w.pick(a), w.pick(b)
    if is_scalar(x) and c % 6 in (3, 4):
        return
    if c % 6 == 0:
        x += y
    elif c % 6 == 1:
        x -= 1
    elif c % 6 == 2:
        x *= 2
    elif c % 6 == 3:
        np.clip(x, -9, 9, out=x)
    elif c % 6 == 4:
        np.maximum(x, y, out=x)
    else:
        x += y * 2
    w.variables[a % len(w.variables)] = x  # a scalar is replaced, an array is the same


def set_item(w: World, a: int, b: int, c: int) -> None:
    x, y = w.pick(a), w.pick(b)
    if is_scalar(x):
        return
    key = KEYS[c % len(KEYS)]
    if y.dtype.kind == "f" and x.dtype.kind in "iu":
        y = 3
    x[key] = y if c % 2 else 5


def set_shifted(w: World, a: int, b: int, c: int) -> None:
    x = w.pick(a)
    if is_scalar(x):
        return
    if c % 2:
        x[1:] = x[:-1]
    else:
        x[:-1] += x[1:]


def set_masked(w: World, a: int, b: int, c: int) -> None:
    x = w.pick(a)
    if not is_scalar(x):
        x[x > 1] = 1


def export(w: World, a: int, b: int, c: int) -> None:
    w.exports.append(np.asarray(w.pick(a)))


def write_export(w: World, a: int, b: int, c: int) -> None:
    if w.exports:
        e = w.exports[b % len(w.exports)]
        if e.size:
            e[...] = c % 5


def drop_export(w: World, a: int, b: int, c: int) -> None:
    if w.exports:
        del w.exports[b % len(w.exports)]


def scribble(w: World, a: int, b: int, c: int) -> None:
    """Writes through an export that nobody keeps."""
    e = np.asarray(w.pick(a))
    if e.ndim:
        e[: b % 3] = c % 5


def foreign(w: World, a: int, b: int, c: int) -> None:
    outside = _initial(SHAPES[b % len(SHAPES)], "f8", c)
    w.put(_tame(w.pick(a) + outside))
    outside[...] = -77


def drop(w: World, a: int, b: int, c: int) -> None:
    if len(w.variables) > 1:
        del w.variables[a % len(w.variables)]


def observe(w: World, a: int, b: int, c: int) -> None:
    w.observed = np.array(w.pick(a))  # type: ignore[attr-defined]


STEPS = [new, binary, operator, unary, where, cast, index, view, copy, reduce, in_place, in_place,
         set_item, set_shifted, set_masked, export, write_export, drop_export, scribble, foreign,
         drop,
         observe, operator, index, in_place]  # fmt: skip


def _same(mine: Any, numpys: Any, context: str) -> None:
    a, b = np.array(mine), np.array(numpys)
    assert a.dtype == b.dtype, context
    assert a.shape == b.shape, context
    assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), f"{context}: {a!r} != {b!r}"


def run(program: list[tuple[int, int, int, int]]) -> None:
    """Runs a program on both sides and compares what can be observed."""
    sides = World(lambda x: x.copy()), World(lambda x: tn.asarray(x.copy()))
    for w in sides:
        new(w, 1, 0, 1)
        new(w, 0, 0, 2)
    for at, (code, a, b, c) in enumerate(program):
        step = STEPS[code % len(STEPS)]
        context = f"step {at}: {step.__name__}({a}, {b}, {c})"
        raised: list[type[BaseException] | None] = []
        for w in sides:
            w.observed = None  # type: ignore[attr-defined]
            try:
                step(w, a, b, c)
                raised.append(None)
            except (ValueError, TypeError, IndexError, OverflowError) as error:
                raised.append(type(error))
        assert raised[0] == raised[1], f"{context}: {raised}"
        numpys, mine = sides
        assert len(numpys.variables) == len(mine.variables), context
        for x, y in zip(numpys.variables, mine.variables, strict=True):
            assert (x.shape, x.dtype, x.ndim, x.size) == (y.shape, y.dtype, y.ndim, y.size), context
            if x.size > 1:  # along an axis of length one a stride means nothing
                steps = zip(x.shape, x.strides, y.strides, strict=True)
                assert all(n == 1 or s == t for n, s, t in steps), f"{context}: {x.shape}"
                assert x.flags.c_contiguous == y.flags.c_contiguous, context
            assert is_scalar(x) == is_scalar(y), context
            assert is_scalar(x) or x.flags.writeable == y.flags.writeable, context
        if numpys.observed is not None:  # type: ignore[attr-defined]
            _same(mine.observed, numpys.observed, context)  # type: ignore[attr-defined]
    for x, y in zip(numpys.variables, mine.variables, strict=True):
        _same(y, x, "at the end")
    for x, y in zip(numpys.exports, mine.exports, strict=True):
        _same(y, x, "an export at the end")
    for i, x in enumerate(numpys.variables):
        for j in range(i):
            if is_scalar(x) or is_scalar(numpys.variables[j]):
                continue
            ours = np.shares_memory(np.asarray(mine.variables[i]), np.asarray(mine.variables[j]))
            assert ours == np.shares_memory(x, numpys.variables[j]), f"sharing of {i} and {j}"


STEP = st.tuples(*[st.integers(0, 47)] * 4)


@pytest.mark.parametrize("forced", [False, True], ids=["deferred", "after every step"])
def test_programs_agree_with_numpy(backend: str, forced: bool) -> None:
    @settings(
        max_examples=int(settings.default.max_examples * PROGRAMS[backend]),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(st.lists(STEP, min_size=3, max_size=25))
    def check(program: list[tuple[int, int, int, int]]) -> None:
        steps = program
        if forced:
            observing = STEPS.index(observe)
            steps = [s for step in program for s in (step, (observing, step[1], 0, 0))]
        with warnings.catch_warnings(), np.errstate(all="ignore"), tn.config(validate=forced):
            warnings.simplefilter("ignore")
            run(steps)

    check()


def test_long_programs_agree_with_numpy(backend: str) -> None:
    generator = random.Random(2026)
    for _ in range(int(settings.default.max_examples * PROGRAMS[backend]) // 5):
        program = [tuple(generator.randrange(48) for _ in range(4)) for _ in range(60)]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            run(program)  # type: ignore[arg-type]


def test_warnings_are_those_of_numpy(backend: str) -> None:
    def program(x: Any, y: Any) -> None:
        z = x / y
        w = np.sqrt(x - 5)
        np.array(z + w)
        np.array(np.exp(x * 1000))

    def seen(convert: Callable[[Any], Any]) -> list[str]:
        with recorded() as caught:
            program(convert(np.array([1.0, 2.0, -3.0])), convert(np.array([0.0, 1.0, 0.0])))
        return sorted(str(w.message) for w in caught)

    assert seen(lambda x: tn.asarray(x)) == seen(np.asarray)
    with np.errstate(divide="ignore", invalid="ignore"):
        assert seen(lambda x: tn.asarray(x)) == seen(np.asarray)


def test_errstate_is_captured_with_the_call(backend: str) -> None:
    x = tn.asarray(np.array([1.0, 2.0]))
    with np.errstate(divide="ignore"):
        quiet = x / tn.asarray(np.zeros(2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.array(quiet)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError, match="divide by zero"):
        x / tn.asarray(np.zeros(2))


def test_a_warning_turned_into_an_error_leaves_the_data_whole(backend: str) -> None:
    x = tn.asarray(np.array([1.0, 2.0]))
    x /= tn.asarray(np.zeros(2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            np.array(x)
    assert np.array_equal(np.array(x), [np.inf, np.inf])


def test_long_chains_need_no_recursion(backend: str) -> None:
    x = tn.asarray(np.zeros(8))
    with np.errstate(all="ignore"):
        for _ in range(3000):
            x = x + 1
    assert np.array_equal(np.array(x), np.full(8, 3000.0))
    terms = [tn.asarray(np.full(8, float(i))) for i in range(500)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    assert np.array_equal(np.array(total), np.full(8, 500 * 499 / 2))


def test_diamonds_are_computed_once_a_level(backend: str) -> None:
    x = tn.asarray(np.ones(8))
    y = x
    for _ in range(60):
        y = (y + y) * 0.5
    assert np.array_equal(np.array(y), np.ones(8))
