"""Calls of NumPy's public functions and methods, as source: what tests/test_surface.py runs.

A line of a file is an expression. In the file of a module it is a call of the module's function
that it begins with; ``np`` is the module's namespace, so that a call may use others
(``np.ix_``). The arrays are those of ``arrays()``; ``file`` is an empty binary file, ``saved`` one
that holds an array, ``text`` one of lines.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def arrays() -> dict[str, np.ndarray[Any, Any]]:
    """Fresh arrays by the names that recipes use."""
    values = (np.arange(12) * 7 % 12).reshape(3, 4)
    square = np.array([[4.0, 1, 0.5], [1, 3, 0.25], [0.5, 0.25, 2]])
    row = np.arange(6) * 5 % 6
    return {
        "a": values / 4 + 0.5,
        "b": values[:, ::-1] / 3 + 0.25,
        "c": values + 1j * values[::-1],
        "d": np.array(["2020-03-01", "2019-01-02", "2021-12-31", "NaT"], "M8[D]"),
        "e": np.array(2.5),
        "f": (values / 8).astype("f4"),
        "g": np.array([3, 1, 2], object),
        "h": square,
        "i": values - 5,
        "j": values[::-1] + 1,
        "k": row,
        "l": row > 2,
        "m": values > 4,
        "n": np.where(values % 5 == 1, np.nan, values / 3),
        "o": np.sort(row / 2),
        "q": row.astype("u1"),
        "r": np.array([(2, 0.5), (1, 1.5)], [("x", "i4"), ("y", "f8")]),
        "s": np.add(square, [[0, 1, 0], [0, 0, 2], [0, 0, 0]]),
        "t": (np.arange(24) * 7 % 24 / 5).reshape(2, 3, 4),
        "u": np.array(["pear", "Fig", "apple", " x "]),
        "v": row / 2 - 1,
        "w": row[::-1] / 4 + 0.5,
        "y": np.array([b"pear", b"Fig", b"a\tb"]),
        "z": row - 1j * row[::-1],
    }


# The modules of series of polynomials, and the prefixes of their functions: P in a line.
PREFIXES = {
    "polynomial": "poly", "chebyshev": "cheb", "legendre": "leg", "laguerre": "lag",
    "hermite": "herm", "hermite_e": "herme",
}  # fmt: skip

# Functions that take no arrays and make none: settings, help, types, tools of tests.
NO_ARRAYS = {
    "numpy": """
    get_include get_printoptions getbufsize geterr geterrcall info isdtype issubdtype printoptions
    set_printoptions setbufsize seterr seterrcall show_config show_runtime test""",
    "numpy.lib": "add_docstring add_newdoc",
    "numpy.lib.introspect": "opt_func_info",
    "numpy.polynomial": "set_default_printstyle",
    "numpy.polynomial.polyutils": "format_float",
    "numpy.ctypeslib": "as_ctypes_type load_library ndpointer",
    "numpy.testing": """
    assert_ assert_array_compare assert_no_gc_cycles assert_no_warnings assert_raises
    assert_raises_regex assert_string_equal assert_warns break_cycles build_err_msg
    check_support_sve decorate_methods jiffies measure memusage print_assert_equal run_threaded
    rundocs runstring tempdir temppath""",
}


def lines(*names: str) -> list[str]:
    """The lines of files of this folder; none of a file that is not there."""
    paths = [Path(__file__).with_name(f"{name}.txt") for name in names]
    return [line for path in paths if path.exists() for line in path.read_text().splitlines()]


def _named(template: list[str], mark: str, name: str) -> list[str]:
    """The lines with ``name`` for ``mark`` in the function's name."""
    parts = [line.partition("(") for line in template]
    return [f.replace(mark, name) + bracket + rest for f, bracket, rest in parts]


def _ufuncs(module: Any, known: set[str]) -> list[str]:
    """Calls of those ufuncs of the module that are not known: have no lines of their own."""
    ufuncs = {n: getattr(module, n) for n in module.__all__ if n not in known}
    return [
        line
        for name, f in ufuncs.items()
        if isinstance(f, np.ufunc)
        for line in _named(lines(f"ufunc{f.nin}"), "F", name)
    ]


def recipes() -> dict[str, list[str]]:
    """The lines of each public module of NumPy."""
    own = (
        "numpy", "numpy.ctypeslib", "numpy.fft", "numpy.lib", "numpy.lib.array_utils",
        "numpy.lib.introspect", "numpy.lib.scimath", "numpy.lib.stride_tricks", "numpy.linalg",
        "numpy.polynomial", "numpy.polynomial.polyutils", "numpy.rec", "numpy.testing",
    )  # fmt: skip
    calls = {name: lines(name) for name in own}
    calls["numpy"] += _ufuncs(np, {line.partition("(")[0] for line in calls["numpy"]})
    calls["numpy.emath"] = calls["numpy.lib.scimath"]
    for name in ("numpy.char", "numpy.strings"):
        calls[name] = lines("strings", name)
    for name, prefix in PREFIXES.items():
        template = lines("series", "polynomial" if name == "polynomial" else "orthogonal")
        full = f"numpy.polynomial.{name}"
        calls[full] = _named(template, "P", prefix) + lines(full)
    return calls
