"""NumPy's public names beyond the standard, resolved when they are first asked for."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from trueno._array_api.elementwise_functions import from_ufunc
from trueno._handle import public
from trueno.protocols import IMPLEMENTED, call_function

# numpy.array_function_dispatch makes functions of this type from Python functions.
_FUNCTIONS = (FunctionType, BuiltinFunctionType, type(np.sum), type(np.concatenate))

# Functions that say something about NumPy, its files or its settings, and make no arrays.
_AS_THEY_ARE = frozenset(
    (
        "errstate", "get_include", "get_printoptions", "getbufsize", "geterr", "geterrcall", "info",
        "issubdtype", "printoptions", "set_printoptions", "setbufsize", "seterr", "seterrcall",
        "show_config", "show_runtime", "test", "vectorize",
    )
)  # fmt: skip


# Our functions to what users call: a function in two namespaces is one object.
_PUBLISHED: dict[Callable[..., Any], Callable[..., Any]] = {}


def _wrapped(f: Callable[..., Any]) -> Callable[..., Any]:
    ours = IMPLEMENTED.get(f)
    if ours is not None:
        return ours

    @functools.wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        return call_function(f, args, kwargs)

    return function


def publish(namespace: dict[str, Any]) -> None:
    """Makes the functions in the namespace's ``__all__`` what users call: see the drop-in setting.

    Our modules, which import from those below, call each other's functions as they are.
    """
    module = namespace["__name__"]
    numpys = sys.modules.get(module.replace("trueno", "numpy"))
    for name in namespace["__all__"]:
        f = namespace.get(name)
        if isinstance(f, FunctionType):
            its = getattr(numpys, name, None)
            namespace[name] = _PUBLISHED.setdefault(f, public(f, module, its))


def resolve(module: ModuleType, name: str, namespace: dict[str, Any]) -> Any:
    """``module.name`` for our ``namespace``, where it is kept; AttributeError for a private name.

    Functions take and return our arrays; classes, constants and submodules are NumPy's own.
    """
    if name.startswith("_") or not hasattr(module, name):
        raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
    value = getattr(module, name)
    if isinstance(value, np.ufunc):
        value = public(from_ufunc(value, name), namespace["__name__"], value)
    elif isinstance(value, _FUNCTIONS) and name not in _AS_THEY_ARE:
        value = public(_wrapped(value), namespace["__name__"], value)
    namespace[name] = value
    return value


def names(module: ModuleType, namespace: dict[str, Any]) -> list[str]:
    """What ``dir`` of a namespace shows: its own public names and the module's."""
    public = {name for name in dir(module) if not name.startswith("_")}
    return sorted(public | {name for name in namespace if not name.startswith("_")})
