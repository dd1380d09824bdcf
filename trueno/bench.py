"""``python -m trueno bench``: ratios to NumPy, measured in one run on the same data.

A benchmark is a plain NumPy function of arrays. It runs on ndarrays and on TruenoArrays by turns,
after a warm-up, and the medians are compared, so that the machine's noise meets both alike.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from trueno._array_api.creation_functions import asarray
from trueno.protocols import evaluate

Arrays = tuple[np.ndarray[Any, Any], ...]


@dataclass(frozen=True)
class Benchmark:
    """name; what to run; what makes its arrays; how often one timing repeats it."""

    name: str
    run: Callable[..., Any]
    arrays: Callable[[np.random.Generator], Arrays]
    repeat: int = 1


def _floats(dtype: str, *shapes: tuple[int, ...]) -> Callable[[np.random.Generator], Arrays]:
    return lambda rng: tuple([rng.random(shape).astype(dtype) for shape in shapes])


_N = (1 << 24,)
_SMALL = (100,)


def _gelu(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


def _softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


def _pairs(f: Callable[..., Any], n: int = 1) -> tuple[Any, Any]:
    return f, _floats("f8", *[_SMALL] * n)


# fmt: off
GROUPS: dict[str, list[Benchmark]] = {
    "cpu": [
        Benchmark("a + b", lambda a, b: a + b, _floats("f4", _N, _N)),
        Benchmark("2x + 3y - zx + 0.5", lambda x, y, z: 2 * x + 3 * y - z * x + 0.5,
                  _floats("f4", _N, _N, _N)),
        Benchmark("where(a > 0.5, b, c)", lambda a, b, c: np.where(a > 0.5, b, c),
                  _floats("f4", _N, _N, _N)),
        Benchmark("gelu (tanh)", _gelu, _floats("f4", _N)),
        Benchmark("softmax rows", _softmax, _floats("f4", (4000, 4000))),
        Benchmark("exp float64", lambda x: np.exp(x), _floats("f8", (10_000_000,))),
        Benchmark("log float64", lambda x: np.log(x), _floats("f8", (10_000_000,))),
        Benchmark("sin float64", lambda x: np.sin(x), _floats("f8", (10_000_000,))),
        Benchmark("tanh float64", lambda x: np.tanh(x), _floats("f8", (10_000_000,))),
        Benchmark("sum", lambda x: np.sum(x), _floats("f4", _N)),
        Benchmark("mean", lambda x: np.mean(x), _floats("f4", _N)),
        Benchmark("var", lambda x: np.var(x), _floats("f4", _N)),
        Benchmark("max", lambda x: np.max(x), _floats("f4", _N)),
        Benchmark("argmax", lambda x: np.argmax(x), _floats("f4", _N)),
        Benchmark("sum over axis 0", lambda x: np.sum(x, axis=0), _floats("f4", (4000, 4000))),
    ],
    "small": [
        Benchmark("x + y", *_pairs(lambda x, y: x + y, 2), repeat=5000),
        Benchmark("x * 1.5", *_pairs(lambda x: x * 1.5), repeat=5000),
        Benchmark("-x", *_pairs(lambda x: -x), repeat=5000),
        Benchmark("np.add(x, y)", *_pairs(lambda x, y: np.add(x, y), 2), repeat=5000),
        Benchmark("np.exp(x)", *_pairs(lambda x: np.exp(x)), repeat=5000),
        Benchmark("np.sum(x)", *_pairs(lambda x: np.sum(x)), repeat=5000),
        Benchmark("np.mean(x)", *_pairs(lambda x: np.mean(x)), repeat=2000),
        Benchmark("np.where(m, x, y)", *_pairs(lambda x, y: np.where(x, x, y), 2), repeat=5000),
        Benchmark("np.concatenate", *_pairs(lambda x, y: np.concatenate((x, y)), 2), repeat=5000),
        Benchmark("np.reshape(x, (10, 10))", *_pairs(lambda x: np.reshape(x, (10, 10))),
                  repeat=5000),
        Benchmark("x[3]", *_pairs(lambda x: x[3]), repeat=5000),
        Benchmark("x[1:]", *_pairs(lambda x: x[1:]), repeat=5000),
    ],
}
# fmt: on


def _time(benchmark: Benchmark, arrays: tuple[Any, ...], observe: bool) -> float:
    f, repeat = benchmark.run, benchmark.repeat
    start = time.perf_counter()
    for _ in range(repeat):
        result = f(*arrays)
        if observe:
            evaluate(result)
    return (time.perf_counter() - start) / repeat


def measure(benchmark: Benchmark, rounds: int) -> dict[str, Any]:
    """Median seconds on NumPy and on Trueno, their ratio, and the spread of the ratio's rounds."""
    plain = benchmark.arrays(np.random.default_rng(0))
    ours = tuple([asarray(a) for a in plain])
    large = benchmark.repeat == 1
    times: tuple[list[float], list[float]] = ([], [])
    for at in range(rounds + 1):
        pair = _time(benchmark, plain, False), _time(benchmark, ours, large)
        if at:  # the first round warms up
            times[0].append(pair[0])
            times[1].append(pair[1])
    ratios = sorted([n / t for n, t in zip(*times, strict=True)])
    return {
        "name": benchmark.name,
        "numpy": statistics.median(times[0]),
        "trueno": statistics.median(times[1]),
        "ratio": statistics.median(ratios),
        "low": ratios[0],
        "high": ratios[-1],
    }


def main(group: str, rounds: int, record: Path | None) -> int:
    """Runs a group, prints its table, and writes it as JSON to ``record``."""
    rows = [measure(b, rounds) for b in track(GROUPS[group], description=f"bench {group}")]
    small = GROUPS[group][0].repeat > 1
    scale, unit = (1e6, "µs") if small else (1e3, "ms")
    table = Table(title=f"trueno bench {group}: medians of {rounds} interleaved rounds")
    for heading in ("benchmark", f"NumPy {unit}", f"Trueno {unit}", "ratio", "low to high"):
        table.add_column(heading, justify="left" if heading == "benchmark" else "right")
    if small:
        table.add_column("behind, µs", justify="right")
    for row in rows:
        cells = [
            row["name"],
            f"{row['numpy'] * scale:.2f}",
            f"{row['trueno'] * scale:.2f}",
            f"{row['ratio']:.2f}x",
            f"{row['low']:.2f} to {row['high']:.2f}",
        ]
        if small:
            cells.append(f"{(row['trueno'] - row['numpy']) * scale:+.2f}")
        table.add_row(*cells)
    Console().print(table)
    if record is not None:
        record.write_text(json.dumps({"group": group, "rounds": rounds, "rows": rows}, indent=2))
    return 0
