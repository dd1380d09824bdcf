"""A thin array over ``numpy.ndarray``, to compare with: the array API, and nothing of NumPy's.

The namespace is array_api_compat's view of NumPy with every array wrapped. What passes with it is
what a consumer's suite lets any complete namespace pass; it has one device and no protocols but
``__array__`` and DLPack.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import array_api_compat.numpy as _numpy
import array_api_strict
import numpy as np


def _bare(x: Any) -> Any:
    """``x`` with every ThinArray in it, in sequences too, replaced by its ndarray."""
    if isinstance(x, ThinArray):
        return x.array
    return type(x)(map(_bare, x)) if type(x) in (list, tuple) else x


def _thin(x: Any) -> Any:
    """``x`` with every array and NumPy scalar in it as a ThinArray."""
    if isinstance(x, (np.ndarray, np.generic)):
        return ThinArray(np.asarray(x))
    if isinstance(x, tuple):
        items = [_thin(item) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else tuple(items)
    return [_thin(item) for item in x] if type(x) is list else x


def _lifted(f: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        return _thin(f(*map(_bare, args), **{key: _bare(x) for key, x in kwargs.items()}))

    return function


def _binary(name: str) -> Callable[..., Any]:
    def method(self: ThinArray, other: Any) -> Any:
        if not isinstance(other, (ThinArray, bool, int, float, complex)):
            return NotImplemented
        return _thin(getattr(self.array, name)(_bare(other)))

    return method


def _in_place(f: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: ThinArray, other: Any) -> ThinArray:
        self.array = f(self.array, _bare(other))
        return self

    return method


def _converted(convert: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda self: convert(self.array[()])


class ThinArray:
    """An ndarray with the array API's attributes and methods."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        return sys.modules[__name__]

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> np.ndarray:
        return np.array(self.array, dtype=dtype, copy=copy)

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()

    device = "cpu"
    dtype = property(lambda self: self.array.dtype)
    shape = property(lambda self: self.array.shape)
    ndim = property(lambda self: self.array.ndim)
    size = property(lambda self: self.array.size)
    T = property(lambda self: ThinArray(self.array.T))
    mT = property(lambda self: ThinArray(self.array.mT))  # noqa: N815

    def to_device(self, device: str, /, *, stream: None = None) -> ThinArray:  # noqa: ARG002
        if device != "cpu":
            raise ValueError(f"unknown device {device!r}")
        return self

    def __getitem__(self, key: Any) -> Any:
        return _thin(self.array[_bare(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.array[_bare(key)] = _bare(value)

    def __repr__(self) -> str:
        return f"Thin{self.array!r}"

    def __len__(self) -> int:
        return len(self.array)


_UNARY = ("abs", "invert", "neg", "pos")
_COMPARISONS = ("eq", "ge", "gt", "le", "lt", "ne")
_ARITHMETIC = (
    "add", "and", "floordiv", "lshift", "matmul", "mod", "mul", "or", "pow", "rshift", "sub",
    "truediv", "xor",
)  # fmt: skip
for _name in (*_COMPARISONS, *_ARITHMETIC, *(f"r{name}" for name in _ARITHMETIC)):
    setattr(ThinArray, f"__{_name}__", _binary(f"__{_name}__"))
for _name in _ARITHMETIC:
    setattr(ThinArray, f"__i{_name}__", _in_place(getattr(operator, f"__i{_name}__")))
for _name in _UNARY:
    setattr(ThinArray, f"__{_name}__", _lifted(getattr(operator, f"__{_name}__")))
for _convert in (bool, complex, float, int, operator.index):
    setattr(ThinArray, f"__{_convert.__name__}__", _converted(_convert))


class _Namespace(ModuleType):
    """The functions of a module of array_api_compat's on ThinArrays; the rest as it is."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.__dict__["wrapped"], name)
        if callable(value) and not isinstance(value, type):
            value = _lifted(value)
        setattr(self, name, value)
        return value


def _namespace(module: ModuleType) -> _Namespace:
    namespace = _Namespace(module.__name__)
    namespace.wrapped = module
    return namespace


fft = _namespace(_numpy.fft)
linalg = _namespace(_numpy.linalg)
_main = _namespace(_numpy)
_STANDARD = frozenset(dir(array_api_strict))


class __array_namespace_info__(type(_numpy.__array_namespace_info__())):  # type: ignore[misc]
    """What the namespace can do."""

    def devices(self) -> list[str]:
        return ["cpu"]  # a list, as consumers expect


def __getattr__(name: str) -> Any:
    if name not in _STANDARD:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_main, name)
