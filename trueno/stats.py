"""Counters of what ran where, and what was handed to NumPy and why."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGE = str(Path(__file__).parent)


class Profile:
    """What happened while a ``with trueno.profile()`` block was open.

    kernels:   (backend, kernel description) to [launches, elements, seconds]
    deferrals: (function, reason, "file:line") to number of calls handed to NumPy
    """

    def __init__(self) -> None:
        self.kernels: dict[tuple[str, str], list[float]] = {}
        self.deferrals: Counter[tuple[str, str, str]] = Counter()
        self.seconds = 0.0

    def launched(self, backend: str, name: str, elements: int, seconds: float) -> None:
        row = self.kernels.setdefault((backend, name), [0, 0, 0.0])
        row[0] += 1
        row[1] += elements
        row[2] += seconds

    def where(self) -> dict[str, int]:
        """Number of kernel launches by backend, and of calls handed to NumPy as "deferred"."""
        counts: Counter[str] = Counter()
        for (backend, _), (launches, _, _) in self.kernels.items():
            counts[backend] += int(launches)
        counts["deferred"] = sum(self.deferrals.values())
        return dict(counts)

    def __str__(self) -> str:
        lines = [f"{'backend':<8} {'launches':>8} {'elements':>12} {'ms':>9}  kernel"]
        for (backend, name), (n, elements, seconds) in sorted(
            self.kernels.items(), key=lambda item: -item[1][2]
        ):
            lines.append(
                f"{backend:<8} {int(n):>8} {int(elements):>12} {seconds * 1e3:>9.2f}  {name}"
            )
        for (function, reason, line), n in self.deferrals.most_common():
            lines.append(f"{'numpy':<8} {n:>8} {'':>12} {'':>9}  {function}: {reason} ({line})")
        return "\n".join(lines)


_active: list[Profile] = []
_lock = threading.Lock()


@contextmanager
def profile() -> Iterator[Profile]:
    """Collects kernels and deferrals while the block runs: ``with trueno.profile() as p: ...``.

    Deferred work counts where it runs: observe results (``trueno.evaluate``) inside the block.
    """
    collected = Profile()
    start = time.perf_counter()
    with _lock:
        _active.append(collected)
    try:
        yield collected
    finally:
        with _lock:
            _active.remove(collected)
        collected.seconds = time.perf_counter() - start


def active() -> bool:
    """Whether any profile is being collected."""
    return bool(_active)


def launched(backend: str, name: str, elements: int, seconds: float) -> None:
    """Notes a kernel launch in every open profile."""
    for collected in _active:
        collected.launched(backend, name, elements, seconds)


def deferred(function: str, reason: str) -> None:
    """Notes a call handed to NumPy in every open profile."""
    for collected in _active:
        collected.deferrals[function, reason, user_line()] += 1


def user_depth() -> int:
    """The ``stacklevel`` that makes a warning of the caller point at the user's own line."""
    frame = sys._getframe(1)
    depth = 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
        depth += 1
    return depth


def user_line() -> str:
    """ "file:line" of the innermost frame outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
