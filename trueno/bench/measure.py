"""The measurement: warm up, take turns, take medians, print a table.

Every library runs the same benchmark on the same data by turns, so that the machine's noise meets
all alike; ratios are taken a round, and their median is what counts.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from trueno import engine
from trueno._array_api.creation_functions import asarray
from trueno.bench.cases import GROUPS, Benchmark
from trueno.bench.peers import PEERS, Peer, installed
from trueno.protocols import evaluate


def _seconds(call: Callable[..., Any], arrays: tuple[Any, ...], repeat: int) -> float:
    start = time.perf_counter()
    for _ in range(repeat):
        result = call(*arrays)
    elapsed = time.perf_counter() - start
    del result  # outside of what is timed: the next call finds the memory free
    return elapsed / repeat


def _observed(result: Any) -> Any:
    return evaluate(*result) if isinstance(result, tuple) else evaluate(result)


def _calls(benchmark: Benchmark, peers: list[Peer]) -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """What each library calls, and on which arrays."""
    plain = benchmark.arrays(np.random.default_rng(0))
    run = benchmark.run
    small = benchmark.repeat > 1  # then nothing is deferred
    calls: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "numpy": (lambda *arrays: run(np, *arrays), plain),
        "trueno": (
            (lambda *arrays: run(np, *arrays)) if small else (lambda *a: _observed(run(np, *a))),
            tuple([asarray(a) for a in plain]),
        ),
    }
    for peer in peers:
        form = benchmark.form(peer.name)
        if form is not None:
            calls[peer.name] = peer.prepare(form), tuple([peer.convert(a) for a in plain])
    return calls


def _check(benchmark: Benchmark, calls: dict[str, tuple[Any, tuple[Any, ...]]]) -> None:
    """Raises AssertionError where Trueno's result is not NumPy's."""
    theirs, ours = [calls[name][0](*calls[name][1]) for name in ("numpy", "trueno")]
    many = isinstance(theirs, tuple)
    for expected, value in zip(theirs if many else [theirs], ours if many else [ours], strict=True):
        # NumPy adds a cumulative sum up one by one: of 16 million float32, to three digits.
        tolerance = 1e-3 if np.asarray(expected).dtype == np.float32 else 1e-10
        np.testing.assert_allclose(
            np.asarray(value), expected, rtol=tolerance, atol=tolerance, err_msg=benchmark.name
        )


def measure(benchmark: Benchmark, rounds: int, peers: list[Peer]) -> dict[str, Any]:
    """Median seconds by library, and the ratios of NumPy's, and the best peer's, to Trueno's."""
    calls = _calls(benchmark, peers)
    _check(benchmark, calls)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for at in range(rounds + 2):
        for name, (call, arrays) in calls.items():
            elapsed = _seconds(call, arrays, benchmark.repeat)
            if at > 1:  # the first rounds warm up
                times[name].append(elapsed)
    ours = times["trueno"]
    ratios = sorted([n / t for n, t in zip(times["numpy"], ours, strict=True)])
    medians = {name: statistics.median(values) for name, values in times.items()}
    row: dict[str, Any] = {
        "name": benchmark.name,
        "seconds": medians,
        "ratio": statistics.median(ratios),
        "low": ratios[0],
        "high": ratios[-1],
    }
    rivals = [name for name in PEERS if name in medians]
    if rivals:
        best = min(rivals, key=medians.__getitem__)
        row["best"] = best
        row["ratio to best"] = statistics.median(
            [p / t for p, t in zip(times[best], ours, strict=True)]
        )
    return row


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


def main(group: str, rounds: int, record: Path | None, only: str = "") -> int:
    """Runs a group, or its benchmarks whose names contain ``only``; prints its table.

    Writes the figures as JSON to ``record``. Returns the exit status.
    """
    cases = [b for b in GROUPS[group] if only in b.name]
    simd: Any = engine.backend("simd")
    small = cases[0].repeat > 1 if cases else False
    peers = [] if small else installed(simd.threads)
    rows = [measure(b, rounds, peers) for b in track(cases, description=f"bench {group}")]
    versions = {"numpy": np.__version__, **{peer.name: peer.version for peer in peers}}
    title = f"trueno bench {group}: medians of {rounds} interleaved rounds, {simd.threads} threads"
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(_table(title, rows, peers, small))
    if record is not None:
        machine = {"processor": platform.processor(), "isa": simd.isa, "threads": simd.threads}
        found = {"group": group, "rounds": rounds, "machine": machine, "versions": versions}
        record.write_text(json.dumps({**found, "rows": rows}, indent=2))
    return 0
