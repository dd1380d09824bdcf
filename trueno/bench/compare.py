"""Compares the ratios to NumPy of two runs: what got slower, beyond noise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.markup import escape
from rich.table import Table

# Resamples of the bootstrap (Efron 1979), and the interval that they give.
_RESAMPLES = 2000
_INTERVAL = (2.5, 97.5)
# Runs differ by this much more than the rounds of one run do.
_MARGIN = 0.05


class Change(NamedTuple):
    """How the ratio to NumPy of one benchmark changed: now over before, with its interval."""

    name: str
    before: float
    now: float
    change: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """ "slower" or "faster" where the whole interval says so, "" otherwise."""
        if self.high < 1 - _MARGIN:
            return "slower"
        return "faster" if self.low > 1 + _MARGIN else ""


def change(name: str, before: list[float], now: list[float]) -> Change:
    """The change between the ratios of two runs' rounds."""
    rng = np.random.default_rng(0)
    medians = [
        np.median(rng.choice(np.log(ratios), (_RESAMPLES, len(ratios))), axis=1)
        for ratios in (before, now)
    ]
    low, high = np.exp(np.percentile(medians[1] - medians[0], _INTERVAL))
    first, second = float(np.median(before)), float(np.median(now))
    return Change(name, first, second, second / first, float(low), float(high))


def _by_name(record: dict[str, Any]) -> dict[str, list[float]]:
    return {
        f"{group['group']}: {row['name']}": row["ratios"]
        for group in record["groups"]
        for row in group["rows"]
    }


def compare(record: dict[str, Any], baseline: dict[str, Any]) -> list[Change]:
    """The changes of all benchmarks that both records have, the most slowed down first."""
    before = _by_name(baseline)
    changes = [
        change(name, before[name], now) for name, now in _by_name(record).items() if name in before
    ]
    return sorted(changes, key=lambda found: found.change)


def read(path: Path) -> dict[str, Any]:
    """A record. Raises OSError, or ValueError where the file is none."""
    record = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(record, dict) or "groups" not in record:
        raise ValueError(f"{path} is no record of trueno bench")
    return record


def table(changes: list[Change]) -> Table:
    """What changed beyond noise, and how many did not."""
    told = [found for found in changes if found.verdict]
    same = len(changes) - len(told)
    shown = Table(title="ratios to NumPy against the baseline", caption=f"{same} as before")
    for heading in ("benchmark", "before", "now", "change", "95 % interval", ""):
        shown.add_column(heading, justify="left" if heading == "benchmark" else "right")
    for found in told:
        shown.add_row(
            escape(found.name),
            f"{found.before:.2f}x",
            f"{found.now:.2f}x",
            f"{found.change:.2f}",
            f"{found.low:.2f} to {found.high:.2f}",
            found.verdict,
        )
    return shown
