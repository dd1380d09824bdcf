"""The measurement: warm up, take turns, take medians.

Every library runs the same benchmark on the same data by turns, so that the machine's noise meets
all alike; ratios are taken a round, and their median is what counts.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import trueno
from trueno import calibration, profiling
from trueno._array_api.creation_functions import asarray
from trueno.bench.benchmark import Benchmark
from trueno.bench.peers import PEERS, Peer
from trueno.config import SETTINGS, set_defaults
from trueno.protocols import evaluate

# Seconds that one timing of a benchmark without a fixed number of repeats takes at least.
_TIMING = 0.02


class Side(NamedTuple):
    """What one library calls, and on which inputs."""

    call: Callable[..., Any]
    inputs: tuple[Any, ...]

    def seconds(self, repeat: int) -> float:
        """The time of one call, the mean of ``repeat``."""
        call, inputs = self
        start = time.perf_counter()
        for _ in range(repeat):
            result = call(*inputs)
        elapsed = time.perf_counter() - start
        del result  # outside of what is timed: the next call finds the memory free
        return elapsed / repeat


def _observed(result: Any) -> Any:
    return evaluate(*result) if isinstance(result, tuple) else evaluate(result)


def _converted(inputs: tuple[Any, ...], convert: Callable[[Any], Any]) -> tuple[Any, ...]:
    return tuple([convert(x) if isinstance(x, np.ndarray) else x for x in inputs])


def _sides(benchmark: Benchmark, peers: list[Peer]) -> dict[str, Side]:
    plain = benchmark.arrays(np.random.default_rng(0))
    run = benchmark.run
    namespace: Any = trueno if benchmark.dropin else np

    def numpys(*inputs: Any) -> Any:
        return run(np, *inputs)

    def ours(*inputs: Any) -> Any:
        return run(namespace, *inputs)

    def observed(*inputs: Any) -> Any:
        return _observed(run(namespace, *inputs))

    sides = {
        "numpy": Side(numpys, plain),
        "trueno": Side(observed if benchmark.observe else ours, _converted(plain, asarray)),
    }
    for peer in peers:
        form = benchmark.form(peer.name)
        if form is not None:
            sides[peer.name] = Side(peer.prepare(form), _converted(plain, peer.convert))
    return sides


class Limits(NamedTuple):
    """What the machine can do: GB/s by bytes of the operands; GFLOP/s of products by itemsize."""

    bandwidth: tuple[tuple[int, float], ...]
    products: dict[int, float]

    def seconds(self, least: Least) -> float:
        """The time that no program can beat here."""
        rate = next((r for most, r in self.bandwidth if least.nbytes <= most), 0.0)
        rate = rate or self.bandwidth[-1][1]
        product = self.products.get(least.itemsize, math.inf)
        return max(least.nbytes / rate, least.products / product) * 1e-9


class Least(NamedTuple):
    """What a benchmark cannot do without: bytes of inputs and results; operations of products."""

    nbytes: int
    products: int
    itemsize: int


def limits() -> Limits:
    """The machine's limits, measured now with kernels of one addition and with BLAS."""
    sizes = (1 << 23, 1 << 26, 1 << 29)
    bandwidth = tuple([calibration.bandwidth(nbytes, 0.0) for nbytes in sizes])
    return Limits(bandwidth, {4: calibration.product("f4"), 8: calibration.product("f8")})


def _least(side: Side) -> Least:
    with profiling.profile() as profile:
        result = side.call(*side.inputs)
    results = result if isinstance(result, tuple) else (result,)
    arrays = [x for x in (*side.inputs, *results) if hasattr(x, "nbytes")]
    products = [row.operations for row in profile.rows.values() if row.name in _PRODUCTS]
    return Least(sum([x.nbytes for x in arrays]), sum(products), arrays[0].itemsize)


_PRODUCTS = ("matmul", "convolve")


def _check(benchmark: Benchmark, sides: dict[str, Side]) -> None:
    """Raises AssertionError where Trueno's result is not NumPy's."""
    theirs, ours = [side.call(*side.inputs) for side in (sides["numpy"], sides["trueno"])]
    many = isinstance(theirs, tuple)
    for expected, value in zip(theirs if many else [theirs], ours if many else [ours], strict=True):
        tolerance = benchmark.allowed(np.asarray(expected).dtype)
        np.testing.assert_allclose(
            np.asarray(value), expected, rtol=tolerance, atol=tolerance, err_msg=benchmark.name
        )


@contextlib.contextmanager
def _as_users_have_it(dropin: bool) -> Iterator[None]:
    """The settings of ``python -m trueno run`` for programs: for the process, as there."""
    former = SETTINGS.process.dropin
    set_defaults(dropin=dropin)
    try:
        yield
    finally:
        set_defaults(dropin=former)


def measure(
    benchmark: Benchmark,
    rounds: int,
    peers: list[Peer],
    bounds: Limits | None = None,
) -> dict[str, Any]:
    """Median seconds by library, and the ratios of NumPy's, and the best peer's, to Trueno's.

    bounds: to tell what fraction of them is reached
    """
    sides = _sides(benchmark, peers)
    with np.errstate(all="ignore"), _as_users_have_it(benchmark.dropin):
        if benchmark.observe:  # a call that writes would not see the same twice
            _check(benchmark, sides)
        repeat = benchmark.repeat or max(1, math.ceil(_TIMING / sides["numpy"].seconds(1)))
        times: dict[str, list[float]] = {name: [] for name in sides}
        for at in range(rounds + 2):
            for name, side in sides.items():
                elapsed = side.seconds(repeat)
                if at > 1:  # the first rounds warm up
                    times[name].append(elapsed)
    ours = times["trueno"]
    ratios = [n / t for n, t in zip(times["numpy"], ours, strict=True)]
    medians = {name: statistics.median(values) for name, values in times.items()}
    row: dict[str, Any] = {
        "name": benchmark.name,
        "large": benchmark.large,
        "seconds": medians,
        "ratio": statistics.median(ratios),
        "low": min(ratios),
        "high": max(ratios),
        "ratios": ratios,
    }
    if bounds is not None:
        row["of limit"] = bounds.seconds(_least(sides["trueno"])) / medians["trueno"]
    rivals = [name for name in PEERS if name in medians]
    if rivals:
        best = min(rivals, key=medians.__getitem__)
        row["best"] = best
        row["ratio to best"] = statistics.median(
            [p / t for p, t in zip(times[best], ours, strict=True)]
        )
    return row
