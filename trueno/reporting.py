"""``python -m trueno run --report``: what is printed when the program ends."""

from __future__ import annotations

import atexit
import math
import sys
import threading
import time

from trueno import machine, stats
from trueno.plan import Launch
from trueno.profiling import Profile, Row
from trueno.stats import Happened

# Rows of a part of the report at most.
_SHOWN = 12


class Report:
    """Observes a program, and says what came of it.

    alone: seconds that the kernels' operations take one by one, on one thread, as NumPy does them,
           at least: each by its arithmetic or by the memory that its operands pass
    """

    def __init__(self) -> None:
        self.profile = Profile()
        self.alone = 0.0
        self._lock = threading.Lock()

    def happened(self, event: Happened) -> None:
        """Counts an event (``trueno.stats`` calls it)."""
        self.profile.happened(event)
        if isinstance(event.what, Launch):
            seconds = _one_by_one(event.what)
            with self._lock:
                self.alone += seconds

    def __str__(self) -> str:
        profile = self.profile
        seconds = time.perf_counter() - profile.opened
        lines = [f"trueno: {seconds:.3f} s"]
        for kind, words in _PARTS:
            rows = [row for row in profile.sorted() if row.kind == kind]
            spent = sum([row.seconds for row in rows])
            calls = sum([row.calls for row in rows])
            lines.append(f"{words}: {calls}, {spent * 1e3:.1f} ms")
            lines += [_line(row) for row in rows[:_SHOWN]]
            if len(rows) > _SHOWN:
                lines.append(f"  and {len(rows) - _SHOWN} more")
        lines.append(self._gain(seconds))
        return "\n".join(lines)

    def _gain(self, seconds: float) -> str:
        kernels = [row for row in self.profile.rows.values() if row.kind == "kernel"]
        spent = sum([row.seconds for row in kernels])
        if not spent:
            return "likely gain: none, as no array was large enough for a kernel"
        without = seconds - spent + self.alone
        return (
            f"likely gain: {without / seconds:.2f}x (operations one by one "
            f"{self.alone * 1e3:.1f} ms, in kernels {spent * 1e3:.1f} ms)"
        )


_PARTS = (
    ("kernel", "kernels"),
    ("numpy", "handed to NumPy"),
    ("transfer", "transfers"),
    ("warning", "warnings"),
)


def _line(row: Row) -> str:
    what = f"{row.name}: {row.reason}" if row.reason else row.name
    at = f" ({row.line})" if row.line else ""
    moved = f"{row.nbytes / 1e6:10.1f} MB" if row.nbytes else " " * 13
    return f"  {row.seconds * 1e3:9.2f} ms {row.calls:7d}x {moved}  {row.where}: {what}{at}"


def _one_by_one(launch: Launch) -> float:
    """Seconds that a launch's operations take if each reads and writes memory, on one thread."""
    figures = machine.current()
    n = math.prod(launch.shape)
    seconds = 0.0
    for instruction in launch.kernel.body:
        dtype = launch.kernel.dtype_of(instruction.args[0])
        nbytes = n * dtype.itemsize * (len(instruction.args) + 1)
        memory = nbytes / figures.rate(nbytes) / 1e9
        seconds += max(memory, n * figures.cost(instruction.op, dtype) * 1e-9)
    for output in launch.kernel.outputs:
        if output.reduce:
            nbytes = n * output.dtype.itemsize
            seconds += nbytes / figures.rate(nbytes) / 1e9
    return seconds


def begin() -> None:
    """Observes from now on, and prints the report to stderr at exit."""
    report = Report()
    stats.observe(report)

    def finish() -> None:
        stats.forget(report)
        print(report, file=sys.stderr)

    atexit.register(finish)
