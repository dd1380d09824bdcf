"""How each public function of NumPy is computed: a page of the site, made from the tables."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from tests.recipes import recipes
from trueno.ops import BY_UFUNC
from trueno.products import PRODUCTS
from trueno.protocols import IMPLEMENTED

KERNEL, OURS, NUMPY = "kernel", "Trueno", "NumPy"


def functions(module: str) -> dict[str, Any]:
    """The public functions of a module of NumPy, by name."""
    path = module.replace("numpy.emath", "numpy.lib.scimath")
    namespace = importlib.import_module(path)
    names = getattr(namespace, "__all__", dir(namespace))
    values = {name: getattr(namespace, name) for name in names if not name.startswith("_")}
    return {n: f for n, f in values.items() if callable(f) and not isinstance(f, type)}


def kind(f: Any) -> str:
    """What computes NumPy's function ``f`` on large TruenoArrays of dtypes with kernels."""
    if isinstance(f, np.ufunc):
        return KERNEL if f in BY_UFUNC or f in PRODUCTS else NUMPY
    return OURS if f in IMPLEMENTED else NUMPY


def page() -> str:
    """The page, in Markdown."""
    text = """# Every function of NumPy

Made from the operation table and the registered functions when this site was built. Each function
takes TruenoArrays and gives what NumPy gives; `tests/test_surface.py` calls all of them.

- *kernel*: an operation of the table, joined with others into one pass over memory;
- *Trueno*: a routine in C, or a composition of kernels, routines and views;
- *NumPy*: computed by NumPy, counted by `tn.profile()`; `tn.config(strict=True)` raises.

Small arrays, and dtypes without kernels, are NumPy's in every case.
"""
    for module in recipes():
        found: dict[str, list[str]] = {KERNEL: [], OURS: [], NUMPY: []}
        for name, f in sorted(functions(module).items()):
            found[kind(f)].append(f"`{name}`")
        parts = [f"*{key}*: {', '.join(names)}." for key, names in found.items() if names]
        if parts:
            text += f"\n## {module}\n\n" + "\n\n".join(parts) + "\n"
    return text
