"""``ndarray`` and ``ufunc`` as classes: what scripts check for, call and inherit from."""

from __future__ import annotations

import functools
from types import MethodDescriptorType, WrapperDescriptorType
from typing import Any

import numpy as np

from trueno._array_api._support import given
from trueno.array import TruenoArray
from trueno.errors import named

__all__ = ["ndarray", "ufunc"]

_ARRAYS = (np.ndarray, TruenoArray)
# What Python itself must find to be the class's own.
_OWN = frozenset(("__class__", "__mro__", "__new__", "__subclasses__"))


class _Arrays(type):
    """Makes a class out of two, NumPy's array and ours; what it says of itself is NumPy's."""

    def __new__(
        meta, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any
    ) -> Any:
        if not bases:
            return super().__new__(meta, name, bases, namespace)
        # NumPy's subclasses are its own: their instances are ndarrays, not ours.
        numpys = tuple([np.ndarray if isinstance(base, _Arrays) else base for base in bases])
        made = type(name, numpys, namespace, **kwargs)
        if "view" not in namespace:
            made.view = _view(made)  # type: ignore[attr-defined]
        return made

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, _ARRAYS)

    def __subclasscheck__(cls, c: type) -> bool:
        return c is cls or issubclass(c, _ARRAYS)

    def __eq__(cls, other: Any) -> Any:
        return other is cls or other in _ARRAYS if isinstance(other, type) else NotImplemented

    def __hash__(cls) -> int:
        return hash(TruenoArray)  # for functions that are looked up by the type of an argument

    def __repr__(cls) -> str:
        return repr(np.ndarray)

    def __getattribute__(cls, name: str) -> Any:
        if name in _OWN:
            return super().__getattribute__(name)
        value = getattr(np.ndarray, name)
        if not isinstance(value, (MethodDescriptorType, WrapperDescriptorType)):
            return value

        @functools.wraps(value)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(self, TruenoArray):
                return getattr(self, name)(*args, **kwargs)
            return value(self, *args, **kwargs)

        return method


def _view(cls: Any) -> Any:
    """The method ``view`` of a subclass, which knows the class that programs call ndarray."""

    @functools.wraps(np.ndarray.view)
    def view(self: Any, *args: Any, **kwargs: Any) -> Any:
        numpys = [np.ndarray if x is ndarray else x for x in args]
        named = {key: np.ndarray if x is ndarray else x for key, x in kwargs.items()}
        return super(cls, self).view(*numpys, **named)

    return view


class ndarray(metaclass=_Arrays):
    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is not ndarray:
            return np.ndarray.__new__(cls, *args, **kwargs)  # type: ignore[type-var]
        try:
            return given(np.ndarray(*args, **kwargs))
        except Exception as error:
            raise named(error, "ndarray") from None


class _Ufuncs(type):
    """Makes a class of NumPy's ufuncs and our functions that stand for one."""

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, np.ufunc) or isinstance(getattr(x, "ufunc", None), np.ufunc)

    def __repr__(cls) -> str:
        return repr(np.ufunc)

    def __getattribute__(cls, name: str) -> Any:
        return super().__getattribute__(name) if name in _OWN else getattr(np.ufunc, name)


class ufunc(metaclass=_Ufuncs):
    def __new__(cls) -> Any:
        raise TypeError("cannot create 'numpy.ufunc' instances")
