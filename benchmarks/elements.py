"""What reads and writes of single elements cost in the drop-in, beside NumPy: nanoseconds, ratios.

``python benchmarks/elements.py``; the aim is a ratio of at most 1.3. Random numbers drawn one by
one are measured too.
"""

from __future__ import annotations

import timeit

import numpy as np

import trueno as tn

STATEMENTS = (
    "x[3, 4]",
    "x[3, 4] = 1.5",
    "x[3, 4] += 1.5",
    "x[3][4]",
    "v[3]",
    "v[-1] = 2",
    "v[3] * v[4] + 1.0",
    "for e in v: pass",
    "rng.random()",
    "rng.normal(0.0, 1.0)",
)


def fastest(statement: str, names: dict[str, object], loops: int = 2000) -> float:
    """Nanoseconds a statement: the least of several repeats."""
    times = timeit.repeat(statement, globals=names, number=loops, repeat=40)
    return min(times) / loops * 1e9


def main() -> None:
    """Prints a line a statement."""
    tn.config(dropin=True)
    spaces = [
        {"x": xp.ones((10, 10)), "v": xp.ones(100), "rng": xp.random.default_rng(0)}
        for xp in (np, tn)
    ]
    print(f"{'statement':24}{'NumPy':>8}{'Trueno':>8}{'ratio':>8}")
    for statement in STATEMENTS:
        theirs, ours = (fastest(statement, names) for names in spaces)
        print(f"{statement:24}{theirs:8.0f}{ours:8.0f}{ours / theirs:8.2f}")


if __name__ == "__main__":
    main()
