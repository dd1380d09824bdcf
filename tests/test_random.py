"""``trueno.random``: NumPy's streams, bit for bit, however the numbers are drawn."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import trueno as tn
from trueno import random
from trueno._numpy import drawing

JUMPING = (np.random.PCG64, np.random.PCG64DXSM, np.random.Philox)
BIT_GENERATORS = (*JUMPING, np.random.MT19937, np.random.SFC64)
LARGE = drawing.PARALLEL_FROM + 12345

CALLS: dict[str, Callable[[Any], Any]] = {
    "random": lambda g: g.random(LARGE),
    "random, float32": lambda g: g.random((3, LARGE // 2), dtype=np.float32),
    "uniform": lambda g: g.uniform(-3, 7, size=LARGE),
    "uniform, keywords": lambda g: g.uniform(size=(LARGE, 1), high=2.0),
    "integers": lambda g: g.integers(0, 100, LARGE),
    "integers, some drawn again": lambda g: g.integers(5, 3_000_000_000, LARGE),
    "integers, more than 32 bits": lambda g: g.integers(0, 1 << 40, LARGE),
    "integers, int32": lambda g: g.integers(3, 90, LARGE, dtype=np.int32, endpoint=True),
    "integers, uint8": lambda g: g.integers(0, 7, LARGE, dtype=np.uint8),
    "integers, all": lambda g: g.integers(0, 1 << 64, LARGE, dtype=np.uint64),
    "normal": lambda g: g.normal(2, 3, (LARGE // 4, 4)),
    "exponential": lambda g: g.exponential(size=LARGE),
    "poisson": lambda g: g.poisson(3.5, LARGE),
    "normal, arrays": lambda g: g.normal(np.arange(3), 1, (2, 3)),
    "choice": lambda g: g.choice(10, 5, replace=False),
    "permutation": lambda g: g.permutation(20),
    "none": lambda g: g.random((0, 3)),
}


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(np.all(np.asarray(a) == np.asarray(b)))


@pytest.mark.parametrize("before", [0, 1, 6])
@pytest.mark.parametrize("bits", BIT_GENERATORS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", CALLS)
def test_numbers_and_states_are_numpys(name: str, bits: Any, before: int) -> None:
    theirs, ours = np.random.Generator(bits(7)), random.Generator(bits(7))
    for generator in (theirs, ours):
        generator.random(3)
        generator.random(before, dtype=np.float32)  # an odd number leaves half a word
    expected, found = CALLS[name](theirs), CALLS[name](ours)
    assert type(found) is tn.TruenoArray and found.dtype == expected.dtype
    assert found.shape == expected.shape and same(found, expected)
    assert same(ours.bit_generator.state, theirs.bit_generator.state)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_any_number_of_threads_draws_the_same(threads: int) -> None:
    with tn.config(threads=threads):
        found = random.default_rng(3).random(LARGE)
    assert same(found, np.random.default_rng(3).random(LARGE))


def test_a_piece_that_took_more_draws_is_followed_by_what_numpy_draws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A range of which a third of the draws is drawn again, taken for one where none is."""
    monkeypatch.setattr(drawing, "_UNLIKELY", 1 << 60)
    theirs, ours = np.random.default_rng(1), random.default_rng(1)
    high = 3 << 30
    assert same(ours.integers(0, high, LARGE), theirs.integers(0, high, LARGE))
    assert same(ours.bit_generator.state, theirs.bit_generator.state)


def test_pieces_are_drawn_by_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    original = drawing._fill_in_parallel
    monkeypatch.setattr(
        drawing, "_fill_in_parallel", lambda *args: calls.append(args) or original(*args)
    )
    with tn.config(threads=2):
        random.default_rng(3).random(LARGE)
        random.default_rng(3).normal(size=LARGE)
        random.default_rng(3).random(1000)
    assert len(calls) == 1


def test_an_error_in_a_thread_is_raised() -> None:
    with pytest.raises(ValueError, match="low"):
        random.default_rng(3).integers(5, 3, LARGE)
    with pytest.raises(OverflowError):
        random.default_rng(3).uniform(0, np.inf, LARGE)


# ---------------------------------------------------------------- the namespace


def test_every_public_name_of_numpys_is_there() -> None:
    for name in dir(np.random):
        if not name.startswith("_"):
            assert hasattr(random, name)
    assert set(dir(np.random)) - set(dir(random)) <= {x for x in dir(np.random) if x[0] == "_"}
    for kind in ("Generator", "RandomState"):
        theirs, ours = getattr(np.random, kind), getattr(random, kind)
        assert {x for x in dir(theirs) if x[0] != "_"} <= set(dir(ours))
        assert issubclass(ours, theirs) and issubclass(theirs, ours)
    with pytest.raises(AttributeError, match="nonsense"):
        random.nonsense  # noqa: B018


@pytest.mark.parametrize(
    "call",
    [
        lambda r: r.rand(3, 2),
        lambda r: r.randn(4),
        lambda r: r.randint(0, 9, 5),
        lambda r: r.choice([1.5, 2.5], 3),
        lambda r: r.permutation(np.arange(5)),
        lambda r: r.multivariate_normal([0, 1], np.eye(2), 3),
        lambda r: r.dirichlet([1, 2, 3]),
        lambda r: r.random_sample(LARGE),
        lambda r: r.standard_normal(LARGE + 1),
    ],
)
def test_functions_share_numpys_state(call: Callable[[Any], Any]) -> None:
    np.random.seed(11)
    expected = [call(np.random), np.random.normal(), call(np.random)]
    random.seed(11)
    found = [call(random), np.random.normal(), call(random)]
    for a, b in zip(found, expected, strict=True):
        assert same(a, b)
    assert type(found[0]) is tn.TruenoArray
    state = random.RandomState(11)
    assert same(call(state), expected[0]) and state.normal() == expected[1]


def test_scalars() -> None:
    rng = random.default_rng(0)
    assert type(rng.random()) is float
    with tn.config(dropin=True):
        assert type(rng.integers(5)) is np.int64 and type(random.randint(3)) is int
    assert type(rng.integers(5)) is tn.TruenoArray


def test_writes_in_place() -> None:
    theirs, ours = np.random.default_rng(5), random.default_rng(5)
    for shape in (10, (4, 3)):
        x = np.arange(np.prod(shape)).reshape(shape)
        y = tn.asarray(x)
        later = y + 1
        for generator, array in ((theirs, x), (ours, y)):
            generator.shuffle(array)
        assert same(y, x) and same(later, np.arange(x.size).reshape(shape) + 1)
    out, theirs_out = tn.zeros(6), np.zeros(6)
    assert ours.random(out=out) is out
    theirs.random(out=theirs_out)
    assert ours.permuted(out, out=out) is out
    theirs.permuted(theirs_out, out=theirs_out)
    assert same(out, theirs_out)
    things = ["a", "b", "c"]
    ours.shuffle(things)
    assert sorted(things) == ["a", "b", "c"]


def test_copies_pickles_and_children() -> None:
    rng, theirs = random.default_rng(9), np.random.default_rng(9)
    for other in (pickle.loads(pickle.dumps(rng)), copy.deepcopy(rng)):
        assert type(other) is random.Generator and other.random() == copy.deepcopy(theirs).random()
    assert [type(child) for child in rng.spawn(2)] == [random.Generator] * 2
    assert str(rng) == str(theirs)
    state = random.RandomState(4)
    state.normal()  # the second of the pair is kept
    again = pickle.loads(pickle.dumps(state))
    assert type(again) is random.RandomState and again.normal() == state.normal()
    state.set_state(random.RandomState(4).get_state())
    assert state.rand() == np.random.RandomState(4).rand()


def test_generators_are_of_both_kinds() -> None:
    theirs, ours = np.random.default_rng(1), random.default_rng(1)
    assert isinstance(ours, np.random.Generator) and isinstance(theirs, random.Generator)
    assert not isinstance(theirs, random.RandomState)
    assert random.default_rng(ours) is ours and random.default_rng(theirs) is theirs
    assert random.default_rng(tn.arange(3)).random() == np.random.default_rng([0, 1, 2]).random()

    class Mine(random.Generator):
        pass

    assert isinstance(Mine(np.random.PCG64(1)), np.random.Generator)
    assert not isinstance(ours, Mine)
