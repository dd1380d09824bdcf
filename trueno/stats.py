"""What happens, told to whoever observes: ``trueno.profiling`` while a profile is open.

Nothing is measured while nobody observes: callers look at ``active`` first.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, Protocol

PACKAGE = str(Path(__file__).parent)
# Programs beneath the package that use it as a user does.
_USERS = (str(Path(PACKAGE, "bench", "programs")),)


class Happened(NamedTuple):
    """Something that ran.

    kind:  "kernel", "numpy" (a call handed to NumPy), "transfer" or "warning"
    where: the backend; "numpy"; the direction of a transfer
    what:  a plan.Launch or a plan.Call; a function and the reason; bytes; the warning's text
    start: by perf_counter, in seconds, as is end
    line:  "file:line" of the user's code
    """

    kind: str
    where: str
    what: Any
    start: float
    end: float
    line: str


class Observer(Protocol):
    """Is told what happens while it is among the observers."""

    def happened(self, event: Happened) -> None:
        """Takes an event. What it refers to is valid during the call only."""


observers: list[Observer] = []
_lock = threading.Lock()


def observe(observer: Observer) -> None:
    """Tells the observer of what happens from now on."""
    with _lock:
        observers.append(observer)


def forget(observer: Observer) -> None:
    """Tells the observer no more."""
    with _lock:
        observers.remove(observer)


def active() -> bool:
    """Whether anybody observes."""
    return bool(observers)


def now() -> float:
    """The time, or 0.0 where nobody observes."""
    return perf_counter() if observers else 0.0


def tell(kind: str, where: str, what: Any, start: float = 0.0) -> None:
    """Tells the observers of something that began at ``start`` (0.0: now) and has just ended."""
    if observers:
        end = perf_counter()
        event = Happened(kind, where, what, start or end, end, user_line())
        for observer in observers.copy():
            observer.happened(event)


def _ours(filename: str) -> bool:
    return filename.startswith(PACKAGE) and not filename.startswith(_USERS)


def user_depth() -> int:
    """The ``stacklevel`` that makes a warning of the caller point at the user's own line."""
    frame = sys._getframe(1)
    depth = 1
    while frame.f_back is not None and _ours(frame.f_code.co_filename):
        frame = frame.f_back
        depth += 1
    return depth


def user_line() -> str:
    """ "file:line" of the innermost frame outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _ours(frame.f_code.co_filename):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
