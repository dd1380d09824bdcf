"""``trueno.profile``: what ran where, how long, and what was handed to NumPy and why."""

from __future__ import annotations

import ctypes
import importlib
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from trueno import costs, machine, stats
from trueno.stats import Happened

# Events kept for the trace; older ones are counted and forgotten.
EVENTS_KEPT = 200_000


class Event(NamedTuple):
    """One thing that happened.

    kind:       "kernel", "numpy" (a call handed to NumPy), "transfer" or "warning"
    where:      the backend, "numpy", or the direction of a transfer
    name:       the kernel's operations, the function's name, or the warning's text
    reason:     why a call was handed to NumPy; "" otherwise
    line:       "file:line" of the user's code
    start:      seconds since the profile was opened
    seconds:    how long it took; of a GPU's kernel, to record it
    elements, nbytes, operations: points computed, bytes moved at least, arithmetic done
    thread:     the identity of the thread
    """

    kind: str
    where: str
    name: str
    reason: str
    line: str
    start: float
    seconds: float
    elements: int
    nbytes: int
    operations: int
    thread: int


@dataclass(slots=True)
class Row:
    """All events of one kind, place, name, reason and, for calls handed to NumPy, line."""

    kind: str
    where: str
    name: str
    reason: str
    line: str
    calls: int = 0
    elements: int = 0
    nbytes: int = 0
    operations: int = 0
    seconds: float = 0.0

    @property
    def bandwidth(self) -> float:
        """Bytes moved a second, in GB/s."""
        return self.nbytes / self.seconds / 1e9 if self.seconds else 0.0

    @property
    def rate(self) -> float:
        """Arithmetic operations a second, in GFLOP/s."""
        return self.operations / self.seconds / 1e9 if self.seconds else 0.0

    @property
    def intensity(self) -> float:
        """Arithmetic operations a byte."""
        return self.operations / self.nbytes if self.nbytes else 0.0


_HEADINGS = ("where", "calls", "elements", "MB", "ms", "GB/s", "GFLOP/s", "what")


@dataclass(slots=True)
class Profile:
    """What happened while a ``with trueno.profile()`` block was open.

    rows:    by (kind, where, name, reason, line)
    events:  in the order in which they ended, the last ``EVENTS_KEPT`` of them
    seconds: from the block's beginning to its end
    peak:    most bytes of resident memory that the block added; None where the system does not say
    """

    rows: dict[tuple[str, str, str, str, str], Row] = field(default_factory=dict)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    seconds: float = 0.0
    peak: int | None = None
    opened: float = field(default_factory=time.perf_counter)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def happened(self, event: Happened) -> None:
        """Counts an event (``trueno.stats`` calls it)."""
        kind, where, what, start, end, line = event
        name, reason = str(what), ""
        elements = nbytes = operations = 0
        if kind == "kernel":
            elements, nbytes = costs.elements(what), costs.traffic(what)
            operations = costs.operations(what)
            line_of_row = ""
        else:
            line_of_row = line
            if kind == "numpy":
                name, reason = what
            elif kind == "transfer":
                name, nbytes = "copy", what
        seconds = end - start
        with self._lock:
            key = (kind, where, name, reason, line_of_row)
            row = self.rows.get(key)
            if row is None:
                row = self.rows[key] = Row(*key)
            row.calls += 1
            row.elements += elements
            row.nbytes += nbytes
            row.operations += operations
            row.seconds += seconds
            self.events.append(
                Event(
                    kind, where, name, reason, line, start - self.opened, seconds,
                    elements, nbytes, operations, threading.get_ident(),
                )
            )  # fmt: skip

    # ------------------------------------------------------------ what was collected

    def sorted(self) -> list[Row]:
        """The rows, those that took longest first."""
        return sorted(self.rows.values(), key=lambda row: (-row.seconds, row.name))

    def _of(self, kind: str) -> list[Row]:
        return [row for row in self.rows.values() if row.kind == kind]

    @property
    def kernels(self) -> dict[tuple[str, str], tuple[int, int, float]]:
        """(backend, kernel) to launches, elements and seconds."""
        return {
            (row.where, row.name): (row.calls, row.elements, row.seconds)
            for row in self._of("kernel")
        }

    @property
    def deferrals(self) -> Counter[tuple[str, str, str]]:
        """(function, reason, "file:line") to the number of calls handed to NumPy."""
        return Counter({(row.name, row.reason, row.line): row.calls for row in self._of("numpy")})

    @property
    def transfers(self) -> dict[str, tuple[int, int, float]]:
        """Direction ("host to gpu", "gpu to host") to their number, bytes and seconds."""
        found: dict[str, tuple[int, int, float]] = {}
        for row in self._of("transfer"):
            n, nbytes, seconds = found.get(row.where, (0, 0, 0.0))
            found[row.where] = n + row.calls, nbytes + row.nbytes, seconds + row.seconds
        return found

    @property
    def warnings(self) -> Counter[tuple[str, str]]:
        """(text, "file:line") of warnings to their number."""
        return Counter({(row.name, row.line): row.calls for row in self._of("warning")})

    def where(self) -> dict[str, int]:
        """Number of kernel launches by backend, and of calls handed to NumPy as "deferred"."""
        counts: Counter[str] = Counter()
        for row in self._of("kernel"):
            counts[row.where] += row.calls
        counts["deferred"] = sum(row.calls for row in self._of("numpy"))
        return dict(counts)

    # ------------------------------------------------------------ as text, trace and plot

    def _cells(self) -> list[tuple[str, ...]]:
        cells: list[tuple[str, ...]] = []
        for row in self.sorted():
            what = row.name if not row.reason else f"{row.name}: {row.reason}"
            cells.append(
                (
                    row.where,
                    str(row.calls),
                    str(row.elements or ""),
                    f"{row.nbytes / 1e6:.1f}" if row.nbytes else "",
                    f"{row.seconds * 1e3:.2f}",
                    f"{row.bandwidth:.1f}" if row.nbytes else "",
                    f"{row.rate:.1f}" if row.operations else "",
                    f"{what} ({row.line})" if row.line else what,
                )
            )
        return cells

    def _summary(self) -> str:
        spent: Counter[str] = Counter()
        for row in self.rows.values():
            spent[row.kind] += row.seconds  # type: ignore[assignment]
        parts = [f"{self.seconds * 1e3:.2f} ms"]
        for kind, words in (("kernel", "kernels"), ("numpy", "NumPy"), ("transfer", "transfers")):
            if kind in spent:
                parts.append(f"{words} {spent[kind] * 1e3:.2f}")
        if self.peak is not None:
            parts.append(f"peak memory {self.peak / 1e6:.1f} MB more")
        return ", ".join(parts)

    def __str__(self) -> str:
        table = [_HEADINGS, *self._cells()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = []
        for first, *middle, last in table:
            numbers = [cell.rjust(width) for cell, width in zip(middle, widths[1:-1], strict=True)]
            lines.append("  ".join([first.ljust(widths[0]), *numbers, last]))
        return "\n".join([*lines, self._summary()])

    def _repr_html_(self) -> str:
        escape = importlib.import_module("html").escape

        def line(tag: str, cells: tuple[str, ...]) -> str:
            return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(line("td", cells) for cells in self._cells())
        head = line("th", _HEADINGS)
        return f"<table>{head}{body}</table><p>{escape(self._summary())}</p>"

    def to_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Writes the events in the Trace Event Format, which Perfetto and chrome://tracing open."""
        pid = os.getpid()
        events: list[dict[str, Any]] = [
            {"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": {"name": "trueno"}}
        ]
        for event in self.events:
            arguments: dict[str, Any] = {"where": event.where, "line": event.line}
            if event.reason:
                arguments["reason"] = event.reason
            if event.nbytes:
                arguments |= {"bytes": event.nbytes, "operations": event.operations}
            shown: dict[str, Any] = {
                "name": event.name,
                "cat": event.kind,
                "ts": event.start * 1e6,
                "pid": pid,
                "tid": event.thread,
                "args": arguments,
            }
            if event.kind == "warning":
                shown |= {"ph": "i", "s": "t"}
            else:
                shown |= {"ph": "X", "dur": event.seconds * 1e6}
            events.append(shown)
        trace = {"traceEvents": events, "displayTimeUnit": "ms"}
        text = importlib.import_module("json").dumps(trace)
        Path(path).write_text(text, encoding="utf-8")

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """A roofline (Williams et al. 2009): each kernel's operations a second, over those a byte.

        Returns matplotlib's Figure, and saves it to ``path`` where one is given. Raises ImportError
        without matplotlib, an optional extra.
        """
        try:
            figures = importlib.import_module("matplotlib.figure")
        except ImportError as error:
            raise ImportError(
                "trueno.profile: plot() needs matplotlib: pip install 'trueno[plot]'"
            ) from error
        rows = [row for row in self._of("kernel") if row.operations and row.seconds]
        figure = figures.Figure(figsize=(8, 5), layout="constrained")
        axes = figure.add_subplot()
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="operations a byte",
            ylabel="GFLOP/s",
            title="trueno.profile: roofline",
        )
        if rows:
            _draw_roof(axes, rows)
        for row in sorted(rows, key=lambda row: -row.seconds):
            share = row.seconds / max(self.seconds, row.seconds)
            axes.scatter(row.intensity, row.rate, s=30 + 400 * share, alpha=0.6)
            axes.annotate(row.name[:40], (row.intensity, row.rate), fontsize=7)
        if path is not None:
            figure.savefig(path)
        return figure


def _draw_roof(axes: Any, rows: list[Row]) -> None:
    """What memory and BLAS allow here, as calibrated or as usual."""
    figures = machine.current()
    bandwidth = figures.bandwidth[-1][1]
    rate = max(figures.products.values())
    ridge = rate / bandwidth
    least = min([row.intensity for row in rows] + [ridge]) / 2
    most = max([row.intensity for row in rows] + [ridge]) * 2
    axes.plot([least, ridge, most], [least * bandwidth, rate, rate], color="gray")
    axes.annotate(f"memory {bandwidth:.0f} GB/s", (least, least * bandwidth), fontsize=8)
    axes.annotate(f"products {rate:.0f} GFLOP/s", (ridge, rate), fontsize=8)


# ---------------------------------------------------------------- memory


def resident(name: str) -> int:
    """A field of Linux's /proc/self/status ("VmRSS:", "VmHWM:"), in bytes. OSError elsewhere."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {name}")


def mark_memory() -> int | None:
    """Resident bytes now, from which on the high-water mark counts; None where it cannot be set.

    Resident pages, not reserved ones: memory for a value that is then fused away is never touched.
    Freed blocks that glibc keeps would hide their reuse. Writing 5 to clear_refs resets the mark
    (proc(5)).
    """
    try:
        with suppress(AttributeError, TypeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        return resident("VmRSS:")
    except OSError:  # not Linux
        return None


def added_memory(mark: int | None) -> int | None:
    """The most resident bytes since ``mark_memory`` beyond those of then."""
    try:
        return None if mark is None else max(resident("VmHWM:") - mark, 0)
    except OSError:
        return None


@contextmanager
def profile() -> Iterator[Profile]:
    """Collects what happens while the block runs: ``with trueno.profile() as p: ...``.

    Deferred work counts where it runs: observe results (``trueno.evaluate``) inside the block.
    ``print(p)`` shows a table sorted by time; ``p.to_chrome_trace(path)`` writes a trace for
    Perfetto; ``p.plot()`` draws a roofline.

    >>> import trueno as tn
    >>> x = tn.ones((2000, 1000))
    >>> with tn.profile() as p:
    ...     _ = tn.evaluate(x * x + 1)
    >>> [(row.name, row.calls, row.nbytes, row.operations) for row in p.sorted()]
    [('multiply add', 1, 32000000, 4000000)]
    """
    mark = mark_memory()
    collected = Profile()
    stats.observe(collected)
    try:
        yield collected
    finally:
        stats.forget(collected)
        collected.seconds = time.perf_counter() - collected.opened
        collected.peak = added_memory(mark)
