"""Every ufunc and reduction against NumPy, by size, dtype and layout: is any call slower?

``python benchmarks/sweep.py`` times one call and the observation of its result, on ndarrays and on
TruenoArrays by turns, and prints the ratios' geometric means by class of operation and size, and
the worst cases. The bounds: no case under 0.9 of NumPy's speed above 10 000 elements, none more
than 1 µs behind below. What misses one is timed again with more rounds before it counts.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import trueno as tn
from trueno.ops import BY_UFUNC, REDUCTIONS, Op

SIZES = (1, 100, 1_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
DTYPES = ("f4", "f8", "i8")
LAYOUTS = ("contiguous", "strided")
LARGE = 10_000  # elements above which ratios count, and up to which differences do
SLOWEST_RATIO = 0.9
MOST_BEHIND = 1e-6  # seconds
_BUDGET = 0.004  # seconds a round on each side, at least one call

_CLASSES = {
    "arithmetic": "add subtract multiply negative positive abs sign square conj",
    "division": "divide floor_divide remainder fmod reciprocal",
    "functions": "pow sqrt cbrt exp exp2 expm1 log log2 log10 log1p logaddexp sin cos tan asin "
    "acos atan atan2 sinh cosh tanh asinh acosh atanh hypot",
    "rounding": "floor ceil trunc round copysign nextafter",
    "comparison": "maximum minimum fmax fmin clip equal not_equal less less_equal greater "
    "greater_equal isnan isinf isfinite signbit",
    "bits": "logical_and logical_or logical_xor logical_not bitwise_and bitwise_or bitwise_xor "
    "bitwise_invert bitwise_left_shift bitwise_right_shift",
}
_BELOW_ONE = ("asin", "acos", "atanh")  # what they take: no integers but 0
CLASS_OF = {name: label for label, names in _CLASSES.items() for name in names.split()}


@dataclass
class Case:
    """One call at one size. ``call`` takes the operands; times are seconds a call, best of rounds.

    behind: how much longer we take than NumPy
    """

    op: Op
    dtype: str
    layout: str
    size: int
    call: Callable[..., Any]
    times: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))

    @property
    def label(self) -> str:
        return f"{self.op.name} {self.dtype} {self.layout} {self.size}"

    @property
    def kind(self) -> str:
        return "reductions" if self.op.reduce else CLASS_OF.get(self.op.name, "others")

    @property
    def best(self) -> tuple[float, float]:
        return min(self.times[0]), min(self.times[1])

    @property
    def ratio(self) -> float:
        numpy, ours = self.best
        return numpy / ours

    @property
    def behind(self) -> float:
        numpy, ours = self.best
        return ours - numpy

    @property
    def misses(self) -> bool:
        if self.size > LARGE:
            return self.ratio < SLOWEST_RATIO
        return self.behind > MOST_BEHIND


def _operand(case: Case, rng: np.random.Generator) -> Any:
    """Values that the operation is defined for, so that no condition arises."""
    count = case.size if case.layout == "contiguous" else 2 * case.size
    if case.dtype[0] == "f":
        least = 1.1 if case.op.name == "acosh" else 0.1
        values = (rng.random(count) * 0.8 + least).astype(case.dtype)
    else:
        values = rng.integers(1, 10, count).astype(case.dtype)
    return values if case.layout == "contiguous" else values[::2]


def _calls() -> Iterator[tuple[Op, Callable[..., Any]]]:
    for ufunc, op in BY_UFUNC.items():
        yield op, ufunc
    for op in REDUCTIONS.values():
        yield op, op.meaning


def cases(sizes: tuple[int, ...], only: str) -> Iterator[list[Case]]:
    """The cases of one call and dtype, sizes and layouts together."""
    rng = np.random.default_rng(0)
    for op, call in _calls():
        if only and only not in op.name:
            continue
        for dtype in DTYPES:
            if dtype[0] == "i" and op.name in _BELOW_ONE:
                continue
            try:
                call(*[_operand(Case(op, dtype, LAYOUTS[0], 1, call), rng)] * op.nin)
            except TypeError:
                continue
            yield [Case(op, dtype, layout, size, call) for layout in LAYOUTS for size in sizes]


def measure(case: Case, rounds: int) -> None:
    """Adds ``rounds`` timings of either side, by turns, after one to warm up."""
    rng = np.random.default_rng(0)
    plain = [_operand(case, rng) for _ in range(case.op.nin)]
    bases = [tn.asarray(x if x.base is None else x.base) for x in plain]
    ours = [b if x.base is None else b[::2] for b, x in zip(bases, plain, strict=True)]
    tn.evaluate(case.call(*ours))
    start = time.perf_counter()
    case.call(*plain)
    repeat = max(1, int(_BUDGET / max(time.perf_counter() - start, 1e-7)))
    repeat = min(repeat, 2000)
    for at in range(rounds + 1):
        pair = [_time(case.call, operands, repeat) for operands in (plain, ours)]
        if at:
            for times, taken in zip(case.times, pair, strict=True):
                times.append(taken)


def _time(call: Callable[..., Any], operands: list[Any], repeat: int) -> float:
    """Seconds a call. Large results are observed, on both sides, as ours may be pending."""
    turns = range(repeat)
    if operands[0].size <= LARGE:
        start = time.perf_counter()
        for _ in turns:
            call(*operands)
        return (time.perf_counter() - start) / repeat
    start = time.perf_counter()
    for _ in turns:
        tn.evaluate(call(*operands))
    return (time.perf_counter() - start) / repeat


def _mean(values: list[float]) -> float:
    return math.exp(sum(math.log(v) for v in values) / len(values))


def report(done: list[Case], worst: int) -> int:
    """Prints means by class and size, and the worst cases. Gives the number that miss a bound."""
    kinds = sorted({case.kind for case in done})
    sizes = sorted({case.size for case in done})
    print("geometric mean of NumPy's time over ours")
    print(f"{'':<12}" + "".join([f"{size:>10}" for size in sizes]))
    for kind in kinds:
        row = []
        for size in sizes:
            ratios = [c.ratio for c in done if c.kind == kind and c.size == size]
            row.append(f"{_mean(ratios):>10.2f}" if ratios else f"{'':>10}")
        print(f"{kind:<12}" + "".join(row))
    missed = [case for case in done if case.misses]
    large = [case for case in done if case.size > LARGE]
    small = [case for case in done if case.size <= LARGE]
    print(f"\n{len(done)} cases, {len(missed)} miss a bound")
    if large:
        print(f"above {LARGE} elements: geometric mean {_mean([c.ratio for c in large]):.2f}x")
        for case in sorted(large, key=lambda c: c.ratio)[:worst]:
            numpy, ours = case.best
            print(
                f"  {case.ratio:5.2f}x  {case.label:<44} {numpy * 1e6:10.1f} {ours * 1e6:10.1f} µs"
            )
    if small:
        print(f"up to {LARGE} elements: at most {max(c.behind for c in small) * 1e6:.2f} µs behind")
        for case in sorted(small, key=lambda c: -c.behind)[:worst]:
            numpy, ours = [f"{seconds * 1e6:10.2f}" for seconds in case.best]
            print(f"  {case.behind * 1e6:+5.2f} µs {case.label:<44} {numpy} {ours} µs")
    return len(missed)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds a case (default 3)")
    parser.add_argument("--again", type=int, default=12, help="rounds more for what misses a bound")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="sizes, by commas")
    parser.add_argument("--worst", type=int, default=25, help="worst cases to print")
    parser.add_argument("--seconds", type=float, default=math.inf, help="stop after that long")
    parser.add_argument("--part", default="1/1", help="k/n: the k-th of n parts of the cases")
    parser.add_argument("only", nargs="?", default="", help="part of an operation's name")
    arguments = parser.parse_args()
    sizes = tuple(map(int, arguments.sizes.split(",")))
    k, n = map(int, arguments.part.split("/"))
    end = time.perf_counter() + arguments.seconds
    done: list[Case] = []
    calls = list(dict.fromkeys([op.name for op, _ in _calls()]))
    mine = set(calls[k - 1 :: n])
    groups = [group for group in cases(sizes, arguments.only) if group[0].op.name in mine]
    for case in [case for group in groups for case in group]:
        measure(case, arguments.rounds)
        if case.misses:
            measure(case, arguments.again)
        done.append(case)
        if time.perf_counter() > end:
            break
    return 1 if report(done, arguments.worst) else 0


if __name__ == "__main__":
    raise SystemExit(main())
