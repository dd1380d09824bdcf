"""NumPy's ufuncs with and without ``trueno.accelerate_numpy``, loop by loop.

``python benchmarks/loops.py`` prints the tables of ``trueno/loops.py``: from how many elements our
kernels are faster than NumPy's loops, threads share the work at a gain, and reductions pay.
``--check`` compares each replaced loop with NumPy's own, from 1 to 10⁷ elements: contiguous,
strided, in place, and with a fresh result; it prints the geometric means and the worst cases.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import trueno as tn
from trueno import acceleration
from trueno._backends.simd_ufuncs import Entry, has_kernel, has_reducer

DTYPES = "fdl"
LARGEST = 10_000_000
ALONE = tuple(1 << k for k in range(15, 4, -2))  # sizes at which kernels are compared,
TOGETHER = tuple(1 << k for k in range(23, 13, -1))  # at which threads are,
SIZES = (1, 100, 1_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, LARGEST)
BUDGET = 1e-4  # seconds a round on each side, at least one call
ROUNDS = 5
ATTEMPTS = 3  # at a size that fails, as noise only adds to times
# NumPy's loops that raise exceptions, as threads of the pool must not.
RAISING = {("power", "l")}
# Loops of ours that differ from NumPy's in the conditions that they tell of.
UNLIKE = {"floor_divide": "fd", "logaddexp": "fd", "nextafter": "fd"}
# What counts as a gain: of kernels at the largest size, and below; of threads.
GAIN_AT_LAST, GAIN, GAIN_OF_THREADS = 1.1, 1.04, 1.1

Sizes = tuple[int, int, int]

_RANGES = {
    **dict.fromkeys(["log", "log2", "log10", "log1p", "sqrt", "power", "float_power"], (0.1, 10)),
    **dict.fromkeys(["arcsin", "arccos", "arctanh"], (-0.9, 0.9)),
    "arccosh": (1, 10),
}
_INTEGERS = {"left_shift": (0, 10), "right_shift": (0, 10)}


def operands(ufunc: np.ufunc, dtype: Any, n: int) -> list[Any]:
    """Usual ones, of which none is special and few results are."""
    rng = np.random.default_rng(0)
    name = ufunc.__name__
    if dtype.kind == "i":
        return [rng.integers(*_INTEGERS.get(name, (1, 1000)), n) for _ in range(ufunc.nin)]
    low, high = _RANGES.get(name, (-10, 10))
    if name == "clip":
        return [rng.uniform(-3, 3, n).astype(dtype), *np.repeat([[-1], [1]], n, 1).astype(dtype)]
    return [rng.uniform(low, high, n).astype(dtype) for _ in range(ufunc.nin)]


def ratio(entry: Entry, call: Callable[[], Any], sizes: Sizes, base: Sizes = (0, 0, 0)) -> float:
    """The time with sizes ``base`` (as it is: NumPy's own) over that with ``sizes``, both the best
    of rounds by turns."""
    entry.begin(*base)
    repeat = max(1, int(BUDGET / min(_timed(call, 1) for _ in range(2))))
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for found, begin in zip(times, (base, sizes), strict=True):
            entry.begin(*begin)
            found.append(_timed(call, repeat))
    return min(times[0]) / min(times[1])


def _timed(call: Callable[[], Any], repeat: int) -> float:
    start = time.perf_counter()
    for _ in range(repeat):
        call()
    return (time.perf_counter() - start) / repeat


def _least(sizes: tuple[int, ...], gains: Callable[[int], bool]) -> int:
    """The size from which on all gain; 0 if there is none."""
    least = 0
    for n in sizes:
        if not any(gains(n) for _ in range(ATTEMPTS)):
            break
        least = n
    return least


# ---------------------------------------------------------------- the tables


def _loops() -> Iterator[tuple[np.ufunc, str]]:
    ufuncs = {f for f in vars(np).values() if isinstance(f, np.ufunc) and not f.signature}
    ufuncs.add(np._core.umath.clip)  # type: ignore[attr-defined]
    for ufunc in sorted(ufuncs, key=lambda f: f.__name__):
        for char in DTYPES:
            known = any(types.startswith(char * ufunc.nin + "->") for types in ufunc.types)
            if known and (ufunc.__name__, char) not in RAISING:
                yield ufunc, char


def _call(entry: Entry, n: int) -> Callable[[], Any]:
    ufunc = entry.ufunc
    xs = operands(ufunc, entry.dtypes[0], n)
    outs = tuple(np.ones(n, dtype) for dtype in entry.dtypes[ufunc.nin :])
    return lambda: ufunc(*xs, out=outs)


def _row(entry: Entry, computes: bool, folds: bool) -> Sizes:
    """From how many elements each way pays; 0: never."""

    def alone(n: int) -> bool:
        enough = GAIN_AT_LAST if n == max(ALONE) else GAIN
        return ratio(entry, _call(entry, n), (1, 0, 0)) > enough

    own = _least(ALONE, alone) if computes else 0

    def together(n: int) -> bool:
        gain = ratio(entry, _call(entry, n), (own, 1, 0), (own, 0, 0))
        return gain > GAIN_OF_THREADS

    def folded(n: int) -> bool:
        x = operands(entry.ufunc, entry.dtypes[0], n)[0]
        return ratio(entry, lambda: entry.ufunc.reduce(x), (0, 0, 1)) > GAIN

    return own, _least(TOGETHER, together), _least(TOGETHER, folded) if folds else 0


def tables(only: list[str]) -> None:
    """Measures and prints them."""
    found: dict[str, dict[str, Sizes]] = {}
    for number, (ufunc, char) in enumerate(_loops()):
        name = ufunc.__name__
        if only and name not in only:
            continue
        dtypes = acceleration.types_of(ufunc, char)
        computes = has_kernel(ufunc, dtypes) and char not in UNLIKE.get(name, "")
        folds = has_reducer(ufunc, dtypes[0]) and not (name == "multiply" and char in "fd")
        entry = Entry(number, ufunc, dtypes, int(computes), 1, int(folds))
        acceleration.put(entry)
        found.setdefault(name, {})[char] = _row(entry, computes, folds)
        acceleration.take_back(entry)
    for which, title in enumerate(("OWN", "SHARED", "FOLDED")):
        print(f"{title}: dict[str, dict[str, int]] = {{")
        for name, row in found.items():
            sizes = {char: three[which] for char, three in row.items() if three[which]}
            if sizes:
                print(f"    {name!r}: {sizes},")
        print("}")


# ---------------------------------------------------------------- the check


def _calls(entry: Entry, n: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    ufunc = entry.ufunc
    xs = operands(ufunc, entry.dtypes[0], n)
    outs = tuple(np.ones(n, dtype) for dtype in entry.dtypes[ufunc.nin :])
    yield "contiguous", lambda: ufunc(*xs, out=outs)
    halves = [np.repeat(x, 2)[::2] for x in xs]
    yield "strided", lambda: ufunc(*halves, out=outs)
    yield "fresh", lambda: ufunc(*xs)
    if len(outs) == 1 and entry.dtypes[-1] == entry.dtypes[0]:
        yield "in place", lambda: ufunc(*xs, out=xs[0])
    if entry.reduces:
        yield "reduce", lambda: ufunc.reduce(xs[0])


def check(only: list[str], sizes: list[int]) -> None:
    """Compares what ``accelerate_numpy`` puts in place with what was there."""
    found: dict[tuple[str, int], dict[str, float]] = {}
    with tn.accelerate_numpy(), np.errstate(all="ignore"):
        for entry in acceleration.entries():
            name = entry.ufunc.__name__
            if only and name not in only:
                continue
            for n in sizes:
                for layout, call in _calls(entry, n):
                    gain = ratio(entry, call, entry.sizes)
                    if gain < 0.97:  # noise only ever adds
                        gain = max(gain, ratio(entry, call, entry.sizes))
                    case = f"{name} {entry.dtypes[0]}"
                    found.setdefault((layout, n), {})[case] = gain
            entry.begin(*entry.sizes)
    for (layout, n), gains in sorted(found.items()):
        mean = math.exp(sum(map(math.log, gains.values())) / len(gains))
        worst = sorted(gains, key=lambda case: gains[case])[:4]
        shown = ", ".join(f"{case} {gains[case]:.2f}" for case in worst)
        print(f"{layout:10s} {n:>9d}: mean {mean:.2f}; least {shown}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare what is replaced")
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="for --check")
    parser.add_argument("only", nargs="*", help="ufuncs (default: all)")
    arguments = parser.parse_args()
    if arguments.check:
        check(arguments.only, arguments.sizes)
    else:
        with np.errstate(all="ignore"):
            tables(arguments.only)


if __name__ == "__main__":
    main()
