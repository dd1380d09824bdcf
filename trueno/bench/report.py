"""``python -m trueno bench``: runs groups, prints tables, compares, records and draws."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from trueno import engine, machine
from trueno.bench import compare, gpu, plots
from trueno.bench.cases import GROUPS
from trueno.bench.measure import limits, measure
from trueno.bench.peers import Peer, installed
from trueno.config import THREADS


class Options(NamedTuple):
    """rounds: timed; only: benchmarks whose names contain it; short: without large sizes;
    record: file for the figures; plot: folder for pictures; baseline: record to compare with."""

    rounds: int = 9
    only: str = ""
    short: bool = False
    record: Path | None = None
    plot: Path | None = None
    baseline: Path | None = None


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
    limited = any("of limit" in row for row in rows)
    if limited:
        table.add_column("of limit", justify="right", no_wrap=True)
    for row in rows:
        seconds = row["seconds"]
        cells = [escape(row["name"])]
        cells += [f"{seconds[k] * scale:.2f}" if k in seconds else "" for k in libraries]
        cells += [f"{row['ratio']:.2f}x", f"{row['low']:.2f} to {row['high']:.2f}"]
        if small:
            cells.append(f"{(seconds['trueno'] - seconds['numpy']) * scale:+.2f}")
        elif peers:
            cells.append(f"{row['ratio to best']:.2f}x" if "best" in row else "")
        if limited:
            cells.append(f"{row['of limit']:.0%}" if "of limit" in row else "")
        table.add_row(*cells)
    return table


def _run(group: str, options: Options, console: Console) -> dict[str, Any]:
    """Measures a group and prints its table."""
    if group == "gpu":
        rows = gpu.run(options.only, options.short, console)
        return {
            "group": group,
            "rounds": 1,
            "versions": {"numpy": np.__version__},
            "rows": [],
            "gpu": rows,
        }
    cases = [b for b in GROUPS[group] if options.only in b.name]
    if options.short:
        cases = [b for b in cases if not b.large]
    deferring = any(b.observe for b in cases)
    whole = group == "cpu"  # one operation or expression each: what bounds it is known
    peers = installed(THREADS) if group == "cpu" else []
    bounds = limits() if group == "cpu" and cases else None
    rows = [
        measure(b, options.rounds, peers, bounds)
        for b in track(cases, description=f"bench {group}", console=console)
    ]
    title = f"bench {group}: medians of {options.rounds} interleaved rounds, {THREADS} threads"
    console.print(_table(title, rows, peers, not deferring))
    if rows and deferring and not whole:
        console.print("\n".join(summary(rows)), markup=False, soft_wrap=True)
    versions = {"numpy": np.__version__, **{peer.name: peer.version for peer in peers}}
    return {"group": group, "rounds": options.rounds, "versions": versions, "rows": rows}


def main(groups: list[str], options: Options) -> int:
    """Runs groups; prints a table of each and what changed against a baseline.

    The exit status: 0; 1 if anything became slower than in the baseline, or something is missing.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    simd: Any = engine.backend("simd")
    if "gpu" in groups and engine.backend("wgpu") is None:
        print("trueno bench: no GPU was found", file=sys.stderr)
        return 1
    try:
        baseline = None if options.baseline is None else compare.read(options.baseline)
    except (OSError, ValueError) as error:
        print(f"trueno bench: {error}", file=sys.stderr)
        return 1
    found = {
        "machine": {
            "identity": machine.identity(THREADS), "isa": simd.isa, "threads": THREADS,
        },
        "groups": [_run(group, options, console) for group in groups],
    }  # fmt: skip
    if options.record is not None:
        options.record.write_text(json.dumps(found, indent=2), encoding="utf-8")
    if options.plot is not None:
        for path in plots.draw(found, options.plot):
            console.print(f"drawn: {path}", soft_wrap=True)
    if baseline is None:
        return 0
    changes = compare.compare(found, baseline)
    if baseline["machine"] != json.loads(json.dumps(found["machine"])):
        console.print("the baseline is another machine's: ratios may differ for that reason")
    console.print(compare.table(changes))
    return int(any(change.verdict == "slower" for change in changes))
