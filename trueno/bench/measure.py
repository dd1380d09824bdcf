"""The measurement: warm up, take turns, take medians, print a table.

Every library runs the same benchmark on the same data by turns, so that the machine's noise meets
all alike; ratios are taken a round, and their median is what counts.
"""

from __future__ import annotations

import json
import math
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from trueno import engine
from trueno._array_api.creation_functions import asarray
from trueno.bench.benchmark import Benchmark
from trueno.bench.cases import GROUPS
from trueno.bench.peers import PEERS, Peer, installed
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

    def call(*inputs: Any) -> Any:
        return run(np, *inputs)

    def observed(*inputs: Any) -> Any:
        return _observed(run(np, *inputs))

    sides = {
        "numpy": Side(call, plain),
        "trueno": Side(observed if benchmark.observe else call, _converted(plain, asarray)),
    }
    for peer in peers:
        form = benchmark.form(peer.name)
        if form is not None:
            sides[peer.name] = Side(peer.prepare(form), _converted(plain, peer.convert))
    return sides


def _check(benchmark: Benchmark, sides: dict[str, Side]) -> None:
    """Raises AssertionError where Trueno's result is not NumPy's."""
    theirs, ours = [side.call(*side.inputs) for side in (sides["numpy"], sides["trueno"])]
    many = isinstance(theirs, tuple)
    for expected, value in zip(theirs if many else [theirs], ours if many else [ours], strict=True):
        tolerance = benchmark.allowed(np.asarray(expected).dtype)
        np.testing.assert_allclose(
            np.asarray(value), expected, rtol=tolerance, atol=tolerance, err_msg=benchmark.name
        )


def measure(benchmark: Benchmark, rounds: int, peers: list[Peer]) -> dict[str, Any]:
    """Median seconds by library, and the ratios of NumPy's, and the best peer's, to Trueno's."""
    sides = _sides(benchmark, peers)
    with np.errstate(all="ignore"):
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
    rivals = [name for name in PEERS if name in medians]
    if rivals:
        best = min(rivals, key=medians.__getitem__)
        row["best"] = best
        row["ratio to best"] = statistics.median(
            [p / t for p, t in zip(times[best], ours, strict=True)]
        )
    return row


# A program that is slower than this is named below the table: measurements differ by as much.
_BEHIND = 0.95


def summary(rows: list[dict[str, Any]]) -> list[str]:
    """The geometric mean of the ratios, at large sizes and at others; what is behind NumPy."""
    lines = []
    for large, name in ((True, "large"), (False, "small")):
        ratios = [row["ratio"] for row in rows if row["large"] == large]
        if ratios:
            mean = statistics.geometric_mean(ratios)
            lines.append(f"geometric mean of {len(ratios)} at {name} sizes: {mean:.2f}x")
    behind = sorted([row for row in rows if row["ratio"] < _BEHIND], key=lambda row: row["ratio"])
    names = ", ".join([f"{row['name']} {row['ratio']:.2f}x" for row in behind])
    lines.append(f"under {_BEHIND}x: {names or 'none'}")
    return lines


_WIDTH = 120  # columns, where the output is no terminal of its own width


def _table(title: str, rows: list[dict[str, Any]], peers: list[Peer], small: bool) -> Table:
    scale = 1e6 if small else 1e3
    libraries = ["numpy", "trueno", *[peer.name for peer in peers]]
    table = Table(title=title, caption="microseconds" if small else "milliseconds")
    table.add_column("benchmark", no_wrap=True)
    for heading in (*libraries, "ratio", "low to high"):
        table.add_column(heading, justify="right", no_wrap=True)
    if small or peers:
        table.add_column("behind" if small else "to best peer", justify="right", no_wrap=True)
    for row in rows:
        seconds = row["seconds"]
        cells = [escape(row["name"])]
        cells += [f"{seconds[k] * scale:.2f}" if k in seconds else "" for k in libraries]
        cells += [f"{row['ratio']:.2f}x", f"{row['low']:.2f} to {row['high']:.2f}"]
        if small:
            cells.append(f"{(seconds['trueno'] - seconds['numpy']) * scale:+.2f}")
        elif peers:
            cells.append(f"{row['ratio to best']:.2f}x" if "best" in row else "")
        table.add_row(*cells)
    return table


def main(groups: list[str], rounds: int, record: Path | None, only: str = "") -> int:
    """Runs groups, or their benchmarks whose names contain ``only``; prints a table of each.

    Writes the figures as JSON to ``record``. Returns the exit status.
    """
    simd: Any = engine.backend("simd")
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    found: list[dict[str, Any]] = []
    for group in groups:
        cases = [b for b in GROUPS[group] if only in b.name]
        deferring = any(b.observe for b in cases)
        peers = installed(simd.threads) if group == "cpu" else []
        rows = [measure(b, rounds, peers) for b in track(cases, description=f"bench {group}")]
        title = (
            f"trueno bench {group}: medians of {rounds} interleaved rounds, {simd.threads} threads"
        )
        console.print(_table(title, rows, peers, not deferring))
        if rows and deferring:
            console.print("\n".join(summary(rows)), markup=False, soft_wrap=True)
        versions = {"numpy": np.__version__, **{peer.name: peer.version for peer in peers}}
        found.append({"group": group, "rounds": rounds, "versions": versions, "rows": rows})
    if record is not None:
        machine = {"processor": platform.processor(), "isa": simd.isa, "threads": simd.threads}
        record.write_text(json.dumps({"machine": machine, "groups": found}, indent=2))
    return 0
