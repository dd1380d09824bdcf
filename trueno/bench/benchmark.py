"""What a benchmark is: a plain NumPy function and its inputs, and how a peer says the same.

A program is a file in ``trueno/bench/programs``: adding one is adding a file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from trueno.bench import programs

# Arrays, and the numbers that a program takes beside them.
Inputs = tuple[Any, ...]
Function = Callable[..., Any]

# How far a result may be from NumPy's, relatively and absolutely, by the dtype's itemsize: NumPy
# adds a cumulative sum up one by one, of 16 million float32 to three digits.
_TOLERANCE = {4: 1e-3, 8: 1e-8}


@dataclass(frozen=True)
class Benchmark:
    """name; what to run, given a namespace and inputs; what makes its inputs; peers' forms.

    repeat:    how often one timing repeats it; 0: as often as takes a few hundredths of a second
    observe:   whether results are computed within the timing; False where nothing is deferred
    torch:     a function of ``torch`` and the arrays, or None
    numexpr:   an expression of a, b, c, ..., or None
    jax:       whether JAX runs ``run`` (its namespace has NumPy's names)
    tolerance: how far results may be from NumPy's; 0: as far as their dtype suggests
    large:     whether the arrays are meant to be large enough for threads
    dropin:    whether ``run`` is a program, which gets the drop-in in the place of NumPy
    """

    name: str
    run: Function
    arrays: Callable[[np.random.Generator], Inputs]
    repeat: int = 1
    observe: bool = True
    torch: Function | None = None
    numexpr: str | None = None
    jax: bool = True
    tolerance: float = 0.0
    large: bool = True
    dropin: bool = False

    def form(self, peer: str) -> Any:
        """What a peer runs; None if nothing."""
        if peer == "jax":
            return self.run if self.jax else None
        return getattr(self, peer)

    def allowed(self, dtype: np.dtype[Any]) -> float:
        """How far a result of this dtype may be from NumPy's."""
        return self.tolerance or _TOLERANCE.get(dtype.itemsize, 1e-8)


def of_programs() -> list[Benchmark]:
    """Every file of ``trueno/bench/programs`` at each of its sizes, of which the last is large."""
    found = []
    for file in sorted(pkgutil.iter_modules(programs.__path__), key=lambda file: file.name):
        program = importlib.import_module(f"{programs.__name__}.{file.name}")
        *_, large = program.SIZES
        for label, size in program.SIZES.items():
            found.append(_at(program, f"{file.name} {label}", size, label == large))
    return found


def _at(program: Any, name: str, size: tuple[int, ...], large: bool) -> Benchmark:
    return Benchmark(
        name,
        program.run,
        lambda rng: program.inputs(rng, *size),
        repeat=0,
        jax=False,
        tolerance=getattr(program, "TOLERANCE", 0.0),
        large=large,
        dropin=True,
    )
