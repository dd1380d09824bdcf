"""``trueno.special``: the functions of ``scipy.special`` on our arrays; some are kernels.

SciPy looks here for what a namespace computes itself (``SCIPY_ARRAY_API=1``), so that
``scipy.special`` and whatever is built on it keep an array's device. Names resolve when they are
first asked for, as that needs SciPy: AttributeError where it lacks the function or is missing.
Results have SciPy's dtypes. As in SciPy, no floating-point conditions are reported.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from importlib import import_module as _import_module
from typing import Any

import numpy as np

from trueno._array_api.searching_functions import where
from trueno._handle import public
from trueno.dispatch import elementwise
from trueno.handles import Handle
from trueno.handover import call_numpy, small_array
from trueno.ops import OPS

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def _entr(x: Any) -> Any:
    outside = where(x < 0, -np.inf, x + 0.0)  # NaN stays, -0.0 becomes 0.0
    return where(x > 0, -x * np.log(x), outside)


def _xlogy(x: Any, y: Any) -> Any:
    return where((x == 0) & (y == y), 0.0, x * np.log(y))


def _xlog1py(x: Any, y: Any) -> Any:
    return where((x == 0) & (y == y), 0.0, x * np.log1p(y))


# What one fused kernel computes, for operands of real floating-point dtypes with kernels.
_KERNELS: dict[str, Callable[..., Any]] = {
    "entr": _entr,
    "erf": functools.partial(elementwise, OPS["erf"]),
    "erfc": functools.partial(elementwise, OPS["erfc"]),
    "expit": functools.partial(elementwise, OPS["sigmoid"]),
    "xlog1py": _xlog1py,
    "xlogy": _xlogy,
}


def _pays(args: tuple[Any, ...]) -> bool:
    """Whether every operand is ours and has kernels, and one of them is large or pending."""
    return all(isinstance(x, Handle) and x.dtype in _FLOATS for x in args) and any(
        small_array(x) is None for x in args
    )


def _fused(ufunc: Any, kernel: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(ufunc, assigned=("__name__", "__doc__"))
    def function(*args: Any, **kwargs: Any) -> Any:
        if kwargs or not _pays(args):
            return ufunc(*args, **kwargs)
        with np.errstate(all="ignore"):
            return kernel(*args)

    return function


def _called(f: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        return call_numpy(f, args, kwargs, reason="computed by SciPy")

    return function


def __getattr__(name: str) -> Any:
    try:
        value = None if name.startswith("_") else getattr(_import_module("scipy.special"), name)
    except (AttributeError, ImportError):
        value = None
    if value is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}, or SciPy is missing")
    value = inspect.unwrap(value)  # SciPy's dispatcher, which would ask us again
    if isinstance(value, np.ufunc):  # dispatches to our arrays itself
        value = public(_fused(value, _KERNELS[name]), __name__) if name in _KERNELS else value
    elif inspect.isfunction(value):
        value = public(_called(value), __name__)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(name for name in dir(_import_module("scipy.special")) if not name.startswith("_"))
