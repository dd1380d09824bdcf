"""NumPy's public names beyond the standard, resolved when they are first asked for."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from trueno import dropin
from trueno._array_api._support import given
from trueno._array_api.elementwise_functions import from_ufunc
from trueno._handle import public
from trueno._numpy.makers import OURS
from trueno.protocols import IMPLEMENTED, call_function

# numpy.array_function_dispatch makes functions of this type from Python functions.
_FUNCTIONS = (FunctionType, BuiltinFunctionType, type(np.sum), type(np.concatenate))

# Functions that say something about NumPy, its files or its settings, and make no arrays.
_AS_THEY_ARE = frozenset(
    (
        "errstate", "get_include", "get_printoptions", "getbufsize", "geterr", "geterrcall", "info",
        "issubdtype", "printoptions", "set_printoptions", "setbufsize", "seterr", "seterrcall",
        "show_config", "show_runtime", "test",
    )
)  # fmt: skip


# What a small call of a function is: csrc/python/public.c.
_OURS_ALONE, _OF_UFUNC, _OF_FUNCTION, _OF_NUMBERS = range(4)
# NumPy's functions that make arrays of numbers, as ours do on the host.
_MAKE = (
    np.arange, np.array, np.asarray, np.empty, np.eye, np.full, np.geomspace, np.identity,
    np.linspace, np.logspace, np.ones, np.tri, np.zeros,
)  # fmt: skip
# Namespaces whose functions mean what NumPy's of that name mean, but for two of them, whose results
# are complex whatever their values are.
_AS_NUMPYS = frozenset(("trueno.fft", "trueno.linalg"))
_NOT_NUMPYS = frozenset((np.linalg.eig, np.linalg.eigvals))


def _public(f: Callable[..., Any], module: str, its: Any) -> Callable[..., Any]:
    """What users call: ``f``, or NumPy's ``its`` for small calls that mean the same."""
    small, nin = _OURS_ALONE, 0
    if isinstance(its, np.ufunc):
        alike = vars(f).get("ufunc") is its and not hasattr(f, "__wrapped__")
        small, nin = (_OF_UFUNC, its.nin) if alike else (small, nin)
    elif its in _MAKE:
        small = _OF_NUMBERS
    elif (
        IMPLEMENTED.get(its) is f
        or getattr(f, "__wrapped__", None) is its is not None
        or (module in _AS_NUMPYS and isinstance(its, type(np.sum)) and its not in _NOT_NUMPYS)
    ):
        small = _OF_FUNCTION
    return public(f, module, its, small, nin)


# Our functions, and NumPy's for which they stand, to what users call: one object in namespaces
# where those are one, too.
_PUBLISHED: dict[tuple[Callable[..., Any], Any], Callable[..., Any]] = {}


def publish(namespace: dict[str, Any]) -> None:
    """Makes the functions in the namespace's ``__all__`` what users call: see the drop-in setting.

    Our modules, which import from those below, call each other's functions as they are.
    """
    module = namespace["__name__"]
    numpys = sys.modules.get(module.replace("trueno", "numpy"))
    for name in namespace["__all__"]:
        if isinstance(namespace.get(name), FunctionType):
            f, its = namespace[name], getattr(numpys, name, None)
            namespace[name] = _PUBLISHED.setdefault((f, its), _public(f, module, its))


def _wrapped(f: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        return call_function(f, args, kwargs)

    return function


def _ours(value: Any, name: str, module: str) -> Any:
    """What a namespace has for NumPy's ``value``: NumPy's own, if it makes no arrays."""
    if isinstance(value, ModuleType) and value.__name__.startswith("numpy."):
        ours = dropin.NAMESPACES.get(value.__name__)
        return importlib.import_module(ours) if ours else standing_for(value.__name__)
    if isinstance(value, np.ndarray):
        return given(value)
    if isinstance(value, np.ufunc):
        return _public(from_ufunc(value, name), module, value)
    if isinstance(value, _FUNCTIONS) and name not in _AS_THEY_ARE:
        return _public(IMPLEMENTED.get(value) or _wrapped(value), module, value)
    return OURS.get(id(value), value)


def resolve(module: ModuleType, name: str, namespace: dict[str, Any]) -> Any:
    """``module.name`` for our ``namespace``, where it is kept; AttributeError for a private name.

    Functions take and return our arrays; of NumPy's submodules, so do those of what stands for
    them. Most classes and constants are NumPy's own.
    """
    own = namespace["__name__"]
    if name.startswith("_"):
        raise AttributeError(f"module {own!r} has no attribute {name!r}")
    try:
        theirs = getattr(module, name)
    except AttributeError as error:  # NumPy says what became of a name
        text = str(error).replace(f"module {module.__name__!r}", f"module {own!r}")
        raise AttributeError(text, name=name, obj=sys.modules.get(own)) from None
    value = _ours(theirs, name, own)
    if name in vars(module):  # others are found anew, with a warning, each time
        namespace[name] = value
    return value


# NumPy's modules, by name, to what stands for them.
_standing: dict[str, ModuleType] = {}

# What a module's namespace shares with NumPy's from the beginning, where that has it.
_ATTRIBUTES = (
    "__all__", "__file__", "__loader__", "__package__", "__path__", "__spec__", "__version__",
)  # fmt: skip


def standing_for(name: str) -> ModuleType:
    """What stands for NumPy's module ``name``, which has been imported, in a program of NumPy.

    It has that module's name, attributes and public names, all of them, and ours for their values;
    where none of them differs it is NumPy's module.
    """
    module = _standing.get(name)
    if module is None:
        theirs = sys.modules[name]
        module = _stand_in(name, theirs) if dropin.changes(name) else theirs
        module = _standing.setdefault(name, module)
    return module


def _stand_in(name: str, theirs: ModuleType) -> ModuleType:
    module = ModuleType(name, theirs.__doc__)  # of this very class: its attributes are fast
    namespace = vars(module)
    for attribute in _ATTRIBUTES:
        if attribute in vars(theirs):
            namespace[attribute] = vars(theirs)[attribute]
    ours = dropin.NAMESPACES.get(name)

    def attribute_of(attribute: str) -> Any:
        value = getattr(theirs, attribute)  # AttributeError in NumPy's words
        if isinstance(value, ModuleType) and value.__name__.startswith("numpy."):
            value = standing_for(value.__name__)
        elif attribute.startswith("_"):
            return value
        elif ours is None:
            value = _ours(value, attribute, name)
        else:
            value = getattr(importlib.import_module(ours), attribute)
        if attribute in vars(theirs):
            namespace[attribute] = value
        return value

    namespace["__getattr__"] = attribute_of
    namespace["__dir__"] = lambda: dir(theirs)
    return module


def names(module: ModuleType, namespace: dict[str, Any]) -> list[str]:
    """What ``dir`` of a namespace shows: its own public names and the module's."""
    public = {name for name in dir(module) if not name.startswith("_")}
    return sorted(public | {name for name in namespace if not name.startswith("_")})
