"""Which namespaces stand for NumPy's where a program uses Trueno in its place: a table.

Submodules that are named nowhere here are made of NumPy's: their functions take and return our
arrays, all else is NumPy's own (``trueno._numpy.fallback.standing_for``).
"""

from __future__ import annotations

# NumPy's module to the module of ours that has its names.
NAMESPACES = {
    "numpy": "trueno",
    "numpy.fft": "trueno.fft",
    "numpy.linalg": "trueno.linalg",
    "numpy.random": "trueno.random",
    "numpy.testing": "trueno.testing",
}

# Modules, with their submodules, that make no arrays, or arrays of a class of their own.
UNCHANGED = (
    "numpy.core",
    "numpy.ctypeslib",
    "numpy.distutils",
    "numpy.dtypes",
    "numpy.exceptions",
    "numpy.f2py",
    "numpy.ma",
    "numpy.typing",
    "numpy.version",
)


def changes(name: str) -> bool:
    """Whether something else stands for NumPy's module ``name`` ("numpy.lib"); private ones stay.

    >>> changes("numpy.lib.stride_tricks"), changes("numpy.ma"), changes("numpy._core.umath")
    (True, False, False)
    """
    parts = name.split(".")
    if parts[0] != "numpy" or any(part.startswith("_") for part in parts):
        return False
    return not any(".".join(parts[:n]) in UNCHANGED for n in (2, len(parts)))
