"""Measures from how many elements each operation pays, and prints the table of ``trueno/gains.py``.

A call alone, observed at once, is the worst case of deferral: nothing is fused. For each operation
and dtype its time is compared with NumPy's over sizes a factor of two apart; it pays from the
size at which, and above which, it takes at most a little longer. The table holds ``BASE`` divided
by that size, at least 1; 0 where the call is much slower even at the largest size.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

import trueno as tn
from trueno.gains import BASE
from trueno.ops import ELEMENTWISE, OPS, REDUCTIONS, Op

# Each dtype stands for those of its size and kind.
DTYPES = "?bilefdFD"
SMALLEST, LARGEST = 1 << 10, 1 << 22
_BUDGET = 0.001  # seconds a round on each side
_ROUNDS = 5
# How much longer than NumPy's a call may take that pays: beyond the caches memory bounds both, and
# calls that are not alone gain there.
_SLACK_BELOW, _SLACK_ABOVE = 1.03, 1.1
_HOPELESS = 1.25


@cache
def _values(dtype: str, number: int, least: float) -> Any:
    """An operand of the largest size."""
    rng = np.random.default_rng(number)
    if dtype == "?":
        return rng.random(LARGEST) > 0.5
    if dtype in "efdFD":
        return (rng.random(LARGEST) * 0.8 + least).astype(dtype)
    return rng.integers(1, 10, LARGEST).astype(dtype)


def _operands(op: Op, dtype: str) -> list[Any]:
    least = 1.1 if op.name == "acosh" else 0.1
    operands = [_values(dtype, number, least) for number in range(op.nin)]
    if op.name == "where":
        operands[0] = _values("?", 0, least)
    return operands


def _once(call: Callable[..., Any], operands: list[Any], repeat: int, observe: bool) -> float:
    start = time.perf_counter()
    for _ in range(repeat):
        result = call(*operands)
        if observe:
            tn.evaluate(result)
    return (time.perf_counter() - start) / repeat


def ratio(op: Op, plain: list[Any], ours: list[Any]) -> float:
    """Our time over NumPy's for the call alone."""
    once = min([_once(op.meaning, plain, 1, False) for _ in range(2)])
    _once(op.meaning, ours, 2, True)
    repeat = max(1, int(_BUDGET / once))
    times: list[list[float]] = [[], []]
    for _ in range(_ROUNDS):
        times[0].append(_once(op.meaning, plain, repeat, False))
        times[1].append(_once(op.meaning, ours, repeat, True))
    return min(times[1]) / min(times[0])


def _until(most: float, op: Op, plain: list[Any], ours: list[Any]) -> Iterator[float]:
    """Ratios of up to four attempts, until one is at most ``most``: noise only adds to them."""
    for _ in range(4):
        slower = ratio(op, plain, ours)
        yield slower
        if slower <= most:
            break


def gain(op: Op, dtype: str) -> int:
    """``BASE`` over the size from which the call pays, found from the largest size downwards."""
    plain = _operands(op, dtype)
    ours = [tn.asarray(x) for x in plain]
    size, least = LARGEST, 0
    while size >= SMALLEST:
        most = _SLACK_ABOVE if size >= BASE else _SLACK_BELOW
        slower = min(_until(most, op, [x[:size] for x in plain], [x[:size] for x in ours]))
        if size == LARGEST and slower > _HOPELESS:
            return 0
        if slower > most:
            break
        least, size = size, size // 2
    return max(1, BASE // least) if least else 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="operations (default: all)")
    names = parser.parse_args().only or [*ELEMENTWISE, *REDUCTIONS]
    with tn.config(threshold=0, backend="simd"), np.errstate(all="ignore"):
        for name in names:
            op = OPS[name]
            if op.name == "cast" or (op.group == "nn" and op.name not in ("erf", "erfc")):
                continue
            row = {}
            for dtype in DTYPES:
                with tn.profile() as p:
                    try:
                        tn.evaluate(op.meaning(*[tn.asarray(x[:4]) for x in _operands(op, dtype)]))
                    except TypeError:
                        continue
                if not p.deferrals:
                    row[dtype] = gain(op, dtype)
            print(f'    "{name}": {row},', flush=True)


if __name__ == "__main__":
    main()
