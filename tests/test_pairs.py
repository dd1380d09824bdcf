"""Pairs of operations that the simd backend computes in one loop: the values and conditions are the
numpy backend's."""

from __future__ import annotations

import hashlib
import itertools
import random
from typing import Any

import numpy as np
import pytest

from tests.kernels import F32, F64, NUMPY, SIMD, digests, launch, values
from trueno._backends.base import Backend
from trueno.ops import INVALID, OVERFLOW
from trueno.plan import Instruction, Kernel, Output

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

FIRSTS = ("add", "subtract", "multiply", "square")
SECONDS = ("add", "subtract", "multiply")
CASES = list(itertools.product(FIRSTS, SECONDS, (0, 1)))


def pair(first: str, second: str, place: int) -> Kernel:
    """``second`` on ``first(x, y)``, as its operand number ``place``, and on z."""
    operands = (0,) if first == "square" else (0, 1)
    body = (
        Instruction(first, operands, F32),
        Instruction(second, (2, 3) if place else (3, 2), F32),
    )
    return Kernel((F32,) * 3, (), body, (Output(4, None, F32),))


def steps(kernel: Kernel) -> int:
    """How many steps the kernel's program has, which was compiled by a launch."""
    count: int = SIMD._programs[kernel].pointer.steps
    return count


def same(actual: Any, expected: Any) -> None:
    """Bit by bit, but for the payloads of NaN."""
    nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(actual), nan)
    assert actual[~nan].tobytes() == expected[~nan].tobytes()


@pytest.mark.parametrize("case", CASES)
def test_values(case: tuple[str, str, int]) -> None:
    kernel = pair(*case)
    for n in (1, 13, 3001):
        operands = [values(F32, n, seed) for seed in range(3)]
        actual, expected = np.empty(n, F32), np.empty(n, F32)
        masks = launch(SIMD, kernel, operands, [actual])
        assert masks == launch(NUMPY, kernel, operands, [expected])
        same(actual, expected)
    assert steps(kernel) == 1


@pytest.mark.parametrize("case", CASES)
def test_whose_condition_it_is(case: tuple[str, str, int]) -> None:
    kernel = pair(*case)
    info = np.finfo(F32)
    points = [0.0, -1.5, np.inf, -np.inf, np.nan, info.max, -info.max, info.tiny]
    met = set()
    for point in itertools.product(points, repeat=3):
        operands = [np.full(3, x, F32) for x in point]
        expected = launch(NUMPY, kernel, operands, [np.empty(3, F32)])
        assert launch(SIMD, kernel, operands, [np.empty(3, F32)]) == expected, point
        met.add(tuple(bool(mask) for mask in expected[:2]))
    assert met == {(False, False), (True, False), (False, True), (True, True)}


def test_conditions_of_later_tiles() -> None:
    """A tile whose conditions are known tells nothing of those that follow."""
    kernel = pair("multiply", "subtract", 0)
    x, y, z = (np.ones(20_000, F32) for _ in range(3))
    x[0:12_000] = y[0:12_000] = 1e30  # the first overflows,
    x[15_000] = -np.finfo(F32).max  # then the second,
    z[15_000] = np.finfo(F32).max
    masks = launch(SIMD, kernel, [x, y, z], [np.empty_like(x)])
    assert masks[:2] == [OVERFLOW, OVERFLOW]
    z[5_000] = np.inf  # now an infinity less an infinity before that
    masks = launch(SIMD, kernel, [x, y, z], [np.empty_like(x)])
    assert masks[:2] == [OVERFLOW, OVERFLOW | INVALID]
    x[19_999], y[19_999] = 0, np.inf
    masks = launch(SIMD, kernel, [x, y, z], [np.empty_like(x)])
    assert masks[:2] == [OVERFLOW | INVALID, OVERFLOW | INVALID]


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("n", [700, 5000])
def test_result_in_the_memory_of_an_operand(at: int, n: int) -> None:
    """The operands are read again where a condition arises."""
    kernel = pair("multiply", "add", 0)
    operands = [values(F32, n, seed) for seed in range(3)]
    expected = np.empty(n, F32)
    masks = launch(NUMPY, kernel, operands, [expected])
    assert masks[0] and masks[1]
    assert launch(SIMD, kernel, operands, [operands[at]]) == masks
    same(operands[at], expected)


def test_what_is_read_elsewhere_stays_alone() -> None:
    product, total = Instruction("multiply", (0, 1), F32), Instruction("add", (2, 0), F32)
    twice = Instruction("add", (2, 2), F32)
    results = Output(2, None, F32), Output(3, None, F32)
    both = Kernel((F32, F32), (), (product, total), results)
    doubled = Kernel((F32, F32), (), (product, twice), results[1:])
    later = (product, total, Instruction("subtract", (3, 2), F32))
    shared = Kernel((F32, F32), (), later, (Output(4, None, F32),))
    for kernel, count in ((both, 2), (doubled, 2), (shared, 2)):
        operands = [values(F32, 3001, seed) for seed in range(2)]
        actual, expected = ([np.empty(3001, F32) for _ in kernel.outputs] for _ in range(2))
        masks = launch(SIMD, kernel, operands, actual)
        assert masks == launch(NUMPY, kernel, operands, expected)
        for x, y in zip(actual, expected, strict=True):
            same(x, y)
        assert steps(kernel) == count


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed: int) -> None:
    choose = random.Random(seed)
    dtype = choose.choice([F32, F64])
    inputs, consts = choose.randint(1, 3), choose.randint(0, 2)
    count, body = inputs + consts, []
    for value in range(count, count + choose.randint(2, 14)):
        name = choose.choice([*SECONDS * 3, "square", "negative", "maximum", "sqrt", "divide"])
        nin = 1 if name in ("square", "negative", "sqrt") else 2
        near = choose.choice([value, 3])  # mostly the values just computed
        operands = [value - 1 - choose.randrange(min(value, near)) for _ in range(nin)]
        body.append(Instruction(name, tuple(operands), dtype))
    last = count + len(body) - 1
    kept = {last, choose.randint(count, last)}
    kernel = Kernel(
        (dtype,) * inputs,
        (dtype,) * consts,
        tuple(body),
        tuple(Output(value, None, dtype) for value in sorted(kept)),
    )
    constants = tuple(dtype.type(choose.choice([0.5, 3, -2])) for _ in range(consts))
    operands = [values(dtype, 5000, seed + i) for i in range(inputs)]
    actual, expected = ([np.empty(5000, dtype) for _ in kept] for _ in range(2))
    masks = launch(SIMD, kernel, operands, actual, consts=constants)
    assert masks == launch(NUMPY, kernel, operands, expected, consts=constants)
    for x, y in zip(actual, expected, strict=True):
        same(x, y)


def results(backend: Backend) -> str:
    """A hash of every pair's results and conditions, NaN made equal."""
    state = hashlib.sha256()
    for case in CASES:
        for n in (5, 3001):
            operands = [values(F32, n, seed) for seed in range(3)]
            out = np.empty(n, F32)
            masks = launch(backend, pair(*case), operands, [out])
            out[np.isnan(out)] = np.nan
            state.update(f"{case} {masks}".encode() + out.tobytes())
    return state.hexdigest()


def digest() -> str:
    return results(SIMD)


def test_instruction_sets_give_numpys_bits() -> None:
    running = digests("tests.test_pairs")
    assert {bits for _, bits in running.values()} == {results(NUMPY)}, running
