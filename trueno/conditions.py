"""Floating-point conditions: which to warn of, and the warnings, once a call, in NumPy's words.

While ``warnings.catch_warnings(record=True)`` keeps warnings in a list, which may be read at any
time, calls that may warn run at once.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trueno import stats
from trueno._handle import bind, conditions_now
from trueno.graph import Node
from trueno.ops import DIVIDE, INVALID, OVERFLOW, UNDERFLOW, Op

# Conditions that launches have reported and nobody has been warned of yet.
_conditions: list[tuple[str, int]] = []  # what NumPy calls the operation, which conditions

_MODE_BITS = (
    ("divide", DIVIDE), ("over", OVERFLOW), ("under", UNDERFLOW), ("invalid", INVALID),
)  # fmt: skip
_MESSAGES = (
    (DIVIDE, "divide by zero"), (OVERFLOW, "overflow"),
    (UNDERFLOW, "underflow"), (INVALID, "invalid value"),
)  # fmt: skip
# The object that numpy.errstate and numpy.seterr replace; where this NumPy keeps it elsewhere,
# what it says, which is a new object every time.
_variable = getattr(np._core.umath, "_extobj_contextvar", None)  # type: ignore[attr-defined]
_modes: Callable[[], Any] = np.geterr if _variable is None else _variable.get


# In a node's ``errstate``, beside conditions: the node runs when it is made (csrc/python/handle.h).
AT_ONCE = 16

# The recorder that is read only after the calls have run: a test runner's, around a whole test.
_patient: Any = None


def read_later() -> None:
    """Says of the recorder of warnings that is at work now that its list is read in the end only.

    For test runners, which record the warnings of each test: calls in a test may then wait.
    """
    global _patient
    _patient = _recorder()


def _recorder() -> Any:
    """What appends warnings to a list, if something does."""
    shows = getattr(warnings, "_showwarnmsg_impl", None)
    return shows if isinstance(getattr(shows, "__self__", None), list) else None


def errstate(op: Op, raises: int) -> int | None:
    """Those of ``raises`` to warn about, as ``numpy.errstate`` and the warnings filters now say.

    With ``AT_ONCE`` where such a warning is recorded. None where one raises, calls or prints: then
    the operation must run at once.
    """
    known: dict[tuple[Op, int], int | None] = conditions_now()
    try:
        return known[op, raises]
    except KeyError:
        known[op, raises] = bits = errstate_of(_numpy_name(op), raises)
        return bits


bind(modes=_modes, errstate=errstate)


def errstate_of(name: str, raises: int) -> int | None:
    """``errstate`` of what NumPy's warnings call ``name``."""
    bits = 0
    modes = np.geterr()
    for key, bit in _MODE_BITS:
        mode = modes[key]  # type: ignore[literal-required]
        if mode == "warn":
            bits |= bit
        elif mode != "ignore" and bit & raises:
            return None
    bits &= raises
    told = _filtered(name, bits, warnings.filters) if bits else 0
    if not told:
        return told
    recorder = _recorder()
    return told if recorder is None or recorder is _patient else told | AT_ONCE


def _filtered(name: str, bits: int, filters: Sequence[Any]) -> int | None:
    """The bits that the filters do not ignore; None where they raise, or ask for a module."""
    for bit, words in _MESSAGES:
        if not bits & bit:
            continue
        message = f"{words} encountered in {name}"
        for action, text, category, module, line in filters:
            if issubclass(RuntimeWarning, category) and (text is None or text.match(message)):
                if module is not None or line or action == "error":
                    return None
                if action == "ignore":
                    bits &= ~bit
                break
    return bits


def _numpy_name(op: Op) -> str:
    """What NumPy's warnings call the operation."""
    if op.reduce is not None:
        return "reduce"
    if op.name == "cast":
        return "cast"
    return getattr(op.meaning, "__name__", op.name).lstrip("_")


class Report:
    """A launch's ``report``: notes that its outputs are written, and what to warn the user of.

    nodes: those of the kernel's instructions and of its outputs
    """

    __slots__ = ("asked", "nodes", "written")

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        self.asked: list[tuple[Op, int, weakref.ref[Node] | None]] = []
        self.written = False

    def wait(self) -> None:
        """Forgets the nodes but for what must be known of them.

        A GPU keeps reports until it knows of conditions: not the nodes' results as long.
        """
        self.asked = self._asked()
        self.nodes = ()

    def _asked(self) -> list[tuple[Op, int, weakref.ref[Node] | None]]:
        return [
            (node.form.op, node.errstate, weakref.ref(node) if node.errstate else None)
            for node in self.nodes
        ]

    def __call__(self, masks: Sequence[int]) -> None:
        self.written = True
        if not any(masks):
            return
        for (op, errstate, reference), mask in zip(self.asked or self._asked(), masks, strict=True):
            told = mask & errstate
            if told and reference is not None:
                node = reference()
                if node is not None:
                    if not node.errstate:
                        continue  # another kernel computes the same call and told already
                    node.errstate = 0
                note(_numpy_name(op), told)


def note(name: str, told: int) -> None:
    """Conditions of which to warn the user, in what NumPy calls ``name``."""
    _conditions.append((name, told))


def warn() -> None:
    """Gives the warnings that are due: one for each call the user made, in NumPy's words.

    Only once results are stored, since a warnings filter may turn a warning into an exception; then
    the rest is dropped, as NumPy would not have come to it.
    """
    if not _conditions:
        return
    due = _conditions.copy()
    _conditions.clear()
    for name, mask in due:
        for bit, words in _MESSAGES:
            if mask & bit:
                text = f"{words} encountered in {name}"
                stats.tell("warning", "numpy", text)
                warnings.warn(text, RuntimeWarning, stacklevel=stats.user_depth())
