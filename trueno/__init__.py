"""Trueno: NumPy, fast on any machine.

This module is a namespace of the Python array API standard, version 2025.12. Every other public
name of NumPy resolves here too: functions on our arrays, and NumPy's own classes and constants.
"""

from __future__ import annotations

import sys as _sys
from importlib import import_module as _import_module
from typing import Any

import numpy as _np

from trueno import _array_api, fft, linalg, nn, special
from trueno._array_api import *  # noqa: F403
from trueno._numpy import classes as _classes
from trueno._numpy import correlation as _correlation
from trueno._numpy import counting as _counting
from trueno._numpy import functions as _functions
from trueno._numpy import joining as _joining
from trueno._numpy import moving as _moving
from trueno._numpy import nan_functions as _nan_functions
from trueno._numpy import norms as _norms
from trueno._numpy import products as _products
from trueno._numpy import sets as _sets
from trueno._numpy.classes import *  # noqa: F403
from trueno._numpy.correlation import *  # noqa: F403
from trueno._numpy.counting import *  # noqa: F403
from trueno._numpy.fallback import names as _names
from trueno._numpy.fallback import publish as _publish
from trueno._numpy.fallback import resolve as _resolve
from trueno._numpy.functions import *  # noqa: F403
from trueno._numpy.joining import *  # noqa: F403
from trueno._numpy.moving import *  # noqa: F403
from trueno._numpy.nan_functions import *  # noqa: F403
from trueno._numpy.norms import *  # noqa: F403
from trueno._numpy.products import *  # noqa: F403
from trueno._numpy.sets import *  # noqa: F403
from trueno.array import TruenoArray
from trueno.config import backend, config
from trueno.errors import StrictError, TruenoWarning
from trueno.protocols import evaluate, evaluate_async, to_numpy

__array_api_version__ = "2025.12"

# Defined in modules that are imported when they are first asked for.
_LATER = {
    "accelerate_numpy": "trueno.acceleration",
    "explain": "trueno.explanation",
    "profile": "trueno.profiling",
}
_LATER |= dict.fromkeys(
    ("install", "load_ipython_extension", "uninstall", "unload_ipython_extension"), "trueno.running"
)

__all__ = [
    "StrictError",
    "TruenoArray",
    "TruenoWarning",
    "__array_api_version__",
    "backend",
    "config",
    "evaluate",
    "evaluate_async",
    "fft",
    "linalg",
    "nn",
    "special",
    "to_numpy",
]
__all__ += list(_LATER)
__all__ += _array_api.__all__
_chapters = (_classes, _correlation, _counting, _functions, _joining, _moving, _nan_functions)
for _chapter in (*_chapters, _norms, _products, _sets):
    __all__ += _chapter.__all__

# ``from trueno.array import ...`` above has bound this name to a module.
array = _functions.array
_publish(globals())

if hasattr(_sys.modules.get("threadpoolctl"), "register"):
    _import_module("trueno.threadpoolctl")
if "dask.array" in _sys.modules:
    _import_module("trueno.dask").register()


def __getattr__(name: str) -> Any:
    if name in _LATER:
        value = globals()[name] = getattr(_import_module(_LATER[name]), name)
        return value
    if name == "__version__":
        metadata = _import_module("importlib.metadata")
        try:
            return metadata.version("trueno")
        except metadata.PackageNotFoundError:  # run from a checkout
            return "0+unknown"
    return _resolve(_np, name, globals())


def __dir__() -> list[str]:
    return _names(_np, globals() | _LATER)
