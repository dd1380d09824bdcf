"""Settings: one frozen record, scoped per context, with at most eight environment switches.

================== ==================================================================== =========
switch             meaning                                                              setting
================== ==================================================================== =========
TRUENO_BACKEND     "auto", "numpy", "simd" or "wgpu": where deferred work runs          backend
TRUENO_THRESHOLD   elements from which a cheap call is deferred (others: gains.py)      threshold
TRUENO_ISA         cap on the CPU instruction set: sse2, avx2, avx512, neon             (import)
TRUENO_NUM_THREADS threads of the CPU engine (default: the processors it may use)       threads
TRUENO_GPU         an adapter's name or index, "software", or "off"                     (first use)
TRUENO_VALIDATE    1: run every kernel on the numpy backend too and compare             validate
TRUENO_STRICT      1: raise where work would be handed to NumPy                         strict
TRUENO_DEBUG       1: print each kernel and its backend as it runs                       debug
================== ==================================================================== =========
"""

from __future__ import annotations

import dataclasses
import os
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from trueno import _handle, machine
from trueno.cores import available
from trueno.gains import BASE

BACKENDS = ("auto", "numpy", "simd", "wgpu")


def _threads() -> int:
    """Threads that a launch may use: TRUENO_NUM_THREADS, else the processors it may run on."""
    wish = os.environ.get("TRUENO_NUM_THREADS", "")
    if wish and (not wish.isdecimal() or int(wish) < 1):
        raise ValueError(f"trueno: TRUENO_NUM_THREADS must be a positive number, not {wish!r}")
    return int(wish) if wish else available()


THREADS = _threads()

# Under this many elements a cheap operation alone is as fast in NumPy as deferred: as measured by
# ``python -m trueno calibrate``, or as usual. One thread is no faster than NumPy's at any size:
# there, what is gained is that others join.
DEFAULT_THRESHOLD = machine.load(THREADS).threshold or (BASE if THREADS > 1 else 3 * BASE)


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``trueno.config`` can change. See the module's table."""

    backend: str = "auto"
    threshold: int = DEFAULT_THRESHOLD
    threads: int = 0  # 0: THREADS, or what threadpoolctl says
    validate: bool = False
    strict: bool = False
    debug: int = 0
    dropin: bool = False

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise ValueError(
                f"trueno.config: backend must be one of {BACKENDS}, not {self.backend!r}"
            )
        if not isinstance(self.threshold, int) or self.threshold < 0:
            raise ValueError(
                f"trueno.config: threshold must be an integer >= 0, not {self.threshold!r}"
            )
        if not isinstance(self.threads, int) or self.threads < 0:
            raise ValueError(
                f"trueno.config: threads must be an integer >= 0, not {self.threads!r}"
            )


def _from_environment() -> Settings:
    read = os.environ.get
    return Settings(
        backend=read("TRUENO_BACKEND", "auto"),
        threshold=int(read("TRUENO_THRESHOLD", str(DEFAULT_THRESHOLD))),
        validate=read("TRUENO_VALIDATE", "0") not in ("", "0"),
        strict=read("TRUENO_STRICT", "0") not in ("", "0"),
        debug=int(read("TRUENO_DEBUG", "0")),
    )


_scoped: ContextVar[Settings | None] = ContextVar("trueno settings", default=None)


class SETTINGS:
    """The settings in force: a context's own, or those of the process."""

    get = staticmethod(_handle.settings)
    process = _from_environment()
    scoped = False  # whether any context may have its own: until then none is asked

    @classmethod
    def set(cls, settings: Settings | None) -> None:
        """Gives the context settings of its own, or with None those of the process."""
        _scoped.set(settings)
        cls.scoped = True
        _handle.settings_from(_scoped.get, cls.process)


_handle.settings_from(None, SETTINGS.process)


def set_defaults(**changes: Any) -> None:
    """Changes the settings of the process: of every thread and task that has set none itself.

    Parameters and errors are those of ``trueno.config``.
    """
    SETTINGS.process = changed(SETTINGS.process, changes)
    _handle.settings_from(_scoped.get if SETTINGS.scoped else None, SETTINGS.process)


def changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """The settings with some changed; TypeError for an unknown name, ValueError for a value."""
    names = {field.name for field in dataclasses.fields(Settings)}
    unknown = sorted(set(changes) - names)
    if unknown:
        raise TypeError(f"trueno.config: unknown settings {unknown}; known: {sorted(names)}")
    return dataclasses.replace(settings, **changes)


class config:
    """Changes settings, from now on or for a ``with`` block.

    ``trueno.config(threshold=0)`` holds from the call on; used as ``with trueno.config(...)``, the
    former settings return at the end of the block. Settings belong to the context (thread or task).

    Parameters: ``backend`` (str), ``threshold`` (int, elements), ``threads`` (int: how many may
    work on what runs while the setting holds, the caller's among them; 0, the default: as many as
    TRUENO_NUM_THREADS says, or as there are processors), ``validate``, ``strict`` (bool),
    ``debug`` (int), ``dropin`` (bool: what NumPy returns as scalars, elements and whole sums among
    them, are NumPy's scalars instead of zero-dimensional arrays that can wait, and arrays print as
    NumPy's do; ``python -m trueno run`` sets it). Raises TypeError for an unknown name and
    ValueError for a bad value.

    >>> import trueno as tn
    >>> with tn.config(threads=1, strict=True) as settings:
    ...     settings.threads, settings.strict
    (1, True)
    """

    def __init__(self, **changes: Any) -> None:
        self._former = _scoped.get()
        SETTINGS.set(changed(SETTINGS.get(), changes))

    def __enter__(self) -> Settings:
        return SETTINGS.get()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        SETTINGS.set(self._former)


def backend(name: str) -> config:
    """Pins where deferred work runs: "auto", "numpy", "simd" or "wgpu"; scoped by ``with``."""
    return config(backend=name)
