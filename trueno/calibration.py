"""``python -m trueno calibrate``: measures the machine's figures and keeps them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from trueno import machine
from trueno._array_api.creation_functions import asarray
from trueno.config import DEFAULT_THRESHOLD, THREADS, config
from trueno.machine import Machine
from trueno.ops import ELEMENTWISE, OPS, Op
from trueno.protocols import evaluate

# Bytes of three operands together.
_WORKING_SETS = tuple([1 << n for n in (17, 20, 23, 26, 29)])
# Elements that are in cache and take much longer than a launch.
_CACHED = 1 << 17
_PRODUCT = 1024
# Elements at which an addition is compared with NumPy's.
_SIZES = tuple([1 << n for n in range(13, 23)])
_ROUNDS = 7
# How much longer than NumPy's a call may take that pays.
_SLACK = 1.1


def _best(call: Callable[[], Any], rounds: int = _ROUNDS) -> float:
    """The least seconds of a call, after one that warms up."""
    call()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def _sum_of(x: Any, y: Any) -> Callable[[], Any]:
    return lambda: evaluate(x + y)


def _pair(size: int, dtype: str = "f8") -> tuple[Any, Any]:
    rng = np.random.default_rng(size)
    first, second = rng.random((2, size)).astype(dtype) * 0.8 + 0.1
    return asarray(first), asarray(second)


def _launch() -> float:
    return _best(_sum_of(*_pair(16)), 200) * 1e6


def bandwidth(nbytes: int, launch: float) -> tuple[int, float]:
    """GB/s of an addition whose operands take so many bytes; ``launch`` in microseconds."""
    size = nbytes // 24
    seconds = _best(_sum_of(*_pair(size)))
    return nbytes, 24 * size / max(seconds - launch * 1e-6, 1e-9) * 1e-9


def _cost(op: Op, dtype: str, copying: float) -> float | None:
    """Nanoseconds an element on one thread, without loads and stores; None without a kernel."""
    pair = _pair(_CACHED, dtype)
    operands = [*pair, pair[0]][: op.nin]
    if op.name == "acosh":
        operands = [operands[0] + 1]
    if op.name == "where":
        operands[0] = operands[0] > 0.5
    try:
        seconds = _best(lambda: evaluate(op.meaning(*operands)), 3)
    except TypeError:  # bitwise operations have no floats
        return None
    return max(seconds - copying, 0.02e-9 * _CACHED) / _CACHED * 1e9


def product(dtype: str) -> float:
    """GFLOP/s of a matrix product."""
    x = _pair(_PRODUCT * _PRODUCT, dtype)[0].reshape(_PRODUCT, _PRODUCT)
    return 2 * _PRODUCT**3 / _best(lambda: evaluate(x @ x), 3) * 1e-9


def _threshold() -> int:
    """Elements from which a cheap operation alone pays, found from the largest size downwards.

    An addition of float64 is what is timed; the table of gains says how that compares.
    """
    gain = OPS["add"].gain(np.dtype("f8"))
    least = _SIZES[-1]
    for size in reversed(_SIZES):
        ours = _pair(size)
        plain = np.asarray(ours[0]).copy(), np.asarray(ours[1]).copy()
        theirs, mine = math.inf, math.inf
        for _ in range(_ROUNDS):  # by turns; noise only adds
            theirs = min(theirs, _best(lambda plain=plain: np.add(*plain), 2))  # type: ignore[misc]
            mine = min(mine, _best(_sum_of(*ours), 2))
        if mine > _SLACK * theirs:
            break
        least = size
    return least * gain


def measure(threads: int = THREADS) -> Iterator[tuple[int, int, str, Machine | None]]:
    """Measures all figures: (done, all, what comes next, the figures at the end)."""
    ops = [op for op in ELEMENTWISE.values() if op.name != "cast" and op.group != "nn"]
    steps = len(_WORKING_SETS) + 2 * len(ops) + 4
    done = 0

    def step(name: str) -> tuple[int, int, str, None]:
        nonlocal done
        done += 1
        return done - 1, steps, name, None

    with config(threshold=0, backend="simd"), np.errstate(all="ignore"):
        yield step("launch")
        launch = _launch()
        rates = []
        for nbytes in _WORKING_SETS:
            yield step(f"memory, {nbytes >> 10} KiB")
            rates.append(bandwidth(nbytes, launch))
        costs = {}
        with config(threads=1):
            for dtype in ("f8", "f4"):
                x = _pair(_CACHED, dtype)[0]
                copying = _best(lambda x=x: evaluate(+x))  # type: ignore[misc]
                for op in ops:
                    yield step(f"{op.name} {dtype}")
                    cost = _cost(op, dtype, copying)
                    if cost is not None:
                        costs[f"{op.name}{dtype[1]}"] = cost
        products = {}
        for char, dtype in (("f", "f4"), ("d", "f8")):
            yield step(f"matrix product {dtype}")
            products[char] = product(dtype)
        yield step("threshold")
        threshold = _threshold()
    figures = Machine(machine.identity(threads), tuple(rates), costs, launch, products, threshold)
    yield steps, steps, "done", figures


def main(force: bool) -> int:
    """Measures and keeps the figures, unless they are there; prints them. The exit status."""
    console = Console()
    figures = machine.load(THREADS)
    if force or figures is machine.DEFAULT:
        columns = TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn()
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("calibrate")
            for done, steps, name, found in measure():
                progress.update(task, completed=done, total=steps, description=name)
                figures = found or figures
        try:
            console.print(f"kept in {machine.save(figures)}", soft_wrap=True)
        except OSError as error:
            console.print(f"could not be kept: {error}", soft_wrap=True)
            return 1
    else:
        path = machine.cache_file()
        console.print(f"measured before ({path}); --force measures again", soft_wrap=True)
    console.print("\n".join(summary(figures)), markup=False)
    return 0


def summary(figures: Machine) -> list[str]:
    """The figures in a few lines."""
    slowest = sorted(figures.costs.items(), key=lambda item: -item[1])[:5]
    rates = [f"{rate:.0f} up to {nbytes >> 10} KiB" for nbytes, rate in figures.bandwidth]
    usual = "" if figures.threshold != DEFAULT_THRESHOLD else " (as in use)"
    return [
        f"processor   {figures.identity[1] if figures.identity else ''}",
        f"memory      {', '.join(rates)} GB/s",
        f"launch      {figures.launch:.1f} us",
        f"products    {', '.join(f'{k} {v:.0f}' for k, v in figures.products.items())} GFLOP/s",
        f"threshold   {figures.threshold} elements{usual}",
        f"dearest     {', '.join(f'{name} {cost:.2f}' for name, cost in slowest)} ns an element",
    ]
