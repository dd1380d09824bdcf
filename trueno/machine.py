"""What this machine can do, in figures: what ``trueno.explain`` predicts with, and the threshold.

``python -m trueno calibrate`` measures them and keeps them in the user's cache folder, for the
machine and the versions that they were measured with. The defaults are those of two cores of a
Zen 4 with AVX-512.
"""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trueno.kinds import Dtype


@dataclass(frozen=True, slots=True)
class Machine:
    """Figures of a machine.

    identity:  what they hold for: processor, instruction set, threads, versions
    bandwidth: (bytes of all operands, GB/s read and written by all threads), ascending in bytes
    costs:     nanoseconds an element on one thread in cache, by operation and itemsize ("exp8")
    launch:    microseconds that deferring and launching one kernel takes at least
    products:  GFLOP/s of matrix products on all threads, by dtype character
    threshold: elements from which a cheap operation alone pays, where that was measured
    """

    identity: tuple[str, ...] = ()
    bandwidth: tuple[tuple[int, float], ...] = (
        (1 << 17, 38.0), (1 << 20, 48.0), (1 << 23, 87.0), (1 << 29, 30.0),
    )  # fmt: skip
    costs: dict[str, float] = field(default_factory=dict)
    launch: float = 15.0
    products: dict[str, float] = field(default_factory=lambda: {"f": 190.0, "d": 95.0})
    threshold: int | None = None

    def rate(self, nbytes: int) -> float:
        """GB/s for operands of so many bytes together."""
        for most, rate in self.bandwidth:
            if nbytes <= most:
                return rate
        return self.bandwidth[-1][1]

    def cost(self, op: str, dtype: Dtype) -> float:
        """Nanoseconds an element of an operation that computes in ``dtype``, on one thread."""
        known = self.costs.get(f"{op}{dtype.itemsize}")
        return _COSTS.get(op, _SIMPLE) * dtype.itemsize / 8 if known is None else known


# Nanoseconds an element of float64, in cache: docs/function-speed.md; simple steps last.
_COSTS = {
    "exp": 0.63, "exp2": 0.49, "expm1": 1.12, "log": 0.85, "log2": 0.87, "log10": 0.90,
    "log1p": 1.24, "sin": 1.06, "cos": 1.03, "tan": 1.61, "asin": 1.48, "acos": 1.60,
    "atan": 1.43, "sinh": 1.61, "cosh": 1.00, "tanh": 1.23, "asinh": 1.96, "acosh": 1.65,
    "atanh": 1.64, "cbrt": 1.42, "atan2": 1.79, "pow": 2.41, "hypot": 0.70, "logaddexp": 2.31,
    "rsqrt": 0.85, "erf": 1.93, "erfc": 2.96, "sigmoid": 1.85, "softplus": 1.97, "gelu": 2.2,
    "gelu_tanh": 1.6, "mish": 3.5, "silu": 1.9, "divide": 0.4, "sqrt": 0.6, "remainder": 3.0,
    "floor_divide": 3.0, "fmod": 3.0,
}  # fmt: skip
_SIMPLE = 0.12


DEFAULT = Machine()
_current = DEFAULT


def current() -> Machine:
    """The figures of this machine, or the defaults."""
    return _current


def identity(threads: int) -> tuple[str, ...]:
    """What figures hold for. Cheap, since it is asked for at every start."""
    name = ""
    try:
        with open("/proc/cpuinfo") as file:
            lines = [line for line in file.read(4096).splitlines() if line.startswith("model name")]
            name = lines[0].partition(":")[2].strip() if lines else ""
    except OSError:  # not Linux
        pass
    cap = os.environ.get("TRUENO_ISA", "")
    return sys.platform, name, str(os.cpu_count()), str(threads), cap, np.__version__


def cache_file() -> Path:
    """Where the figures are kept: in what platformdirs calls the user's cache folder.

    Found here without it, which would be a tenth of the time that Trueno takes to import.
    """
    home = Path.home()
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
        folder = local / "trueno" / "trueno" / "Cache"
    elif sys.platform == "darwin":
        folder = home / "Library" / "Caches" / "trueno"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME", "").strip() or home / ".cache") / "trueno"
    return folder / "machine.json"


def load(threads: int) -> Machine:
    """Takes the figures measured on this machine, where there are any, for ``current``.

    Figures of another machine, of other versions, or that cannot be read are left alone.
    """
    global _current
    _current = DEFAULT
    try:
        text = cache_file().read_text(encoding="utf-8")
    except (OSError, RuntimeError):  # not measured yet, or no home
        return DEFAULT
    try:
        found: dict[str, Any] = importlib.import_module("json").loads(text)
        if tuple(found["identity"]) == identity(threads):
            found["identity"] = tuple(found["identity"])
            found["bandwidth"] = tuple([(int(n), float(rate)) for n, rate in found["bandwidth"]])
            _current = Machine(**found)
    except (KeyError, TypeError, ValueError):
        pass
    return _current


def save(figures: Machine) -> Path:
    """Keeps the figures for processes to come; the file's path. Raises OSError."""
    path = cache_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    text = importlib.import_module("json").dumps(asdict(figures), indent=1)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)  # at once: another process may be reading
    return path
