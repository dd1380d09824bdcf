"""Data type functions (the standard's chapter "Data Type Functions")."""

from __future__ import annotations

from types import GenericAlias
from typing import Any

import numpy as np

from trueno._array_api._support import call, given, implements, same_device
from trueno.config import SETTINGS
from trueno.handles import Handle
from trueno.kinds import Dtype

__all__ = ["astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]

_bool = bool


@implements(np.astype)
def astype(x: Any, dtype: Any, /, *, copy: _bool = True, device: Any = None) -> Any:
    """``x`` in another dtype, by NumPy's "unsafe" casting, in a new array of the same shape.

    With ``copy=False``, ``x`` itself where dtype and device are right already. Complex values cast
    to real dtypes lose their imaginary part, with NumPy's ComplexWarning.
    """
    if not isinstance(x, (Handle, np.ndarray, np.generic)):
        return call(np.astype, x, dtype)  # NumPy's TypeError
    x = given(x)
    wanted = np.dtype(dtype)
    if device is not None and device != x.device:
        return same_device(x.astype(wanted), x, device, "astype")
    return x.astype(wanted, copy=copy)


def _dtype_of(x: Any) -> Any:
    if isinstance(x, Handle):
        return x._array.dtype
    return x.dtype if isinstance(x, np.ndarray) else x


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> _bool:
    """Whether a dtype (or an array's dtype) casts to ``to`` under the rule ``casting``.

    Raises TypeError for Python scalars.
    """
    return _bool(np.can_cast(_dtype_of(from_), to, casting))


class finfo:
    """Limits of a floating-point dtype: of ``dtype``, of an array's, or of a complex one's parts.

    ``bits`` is an int; ``eps``, ``max``, ``min``, ``smallest_normal`` are Python floats (in the
    drop-in NumPy's scalars); ``dtype`` is the real dtype. Further attributes are NumPy's. Raises
    ValueError for other dtypes.
    """

    __slots__ = ("_numpy",)
    __class_getitem__: Any = classmethod(GenericAlias)

    def __init__(self, type: Any, /) -> None:
        self._numpy = np.finfo(_dtype_of(type))

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._numpy, name)
        scalar = isinstance(value, np.floating) and not SETTINGS.get().dropin
        return float(value) if scalar else value

    def __repr__(self) -> str:
        return repr(self._numpy)

    def __eq__(self, other: object) -> _bool:
        return isinstance(other, finfo) and other._numpy is self._numpy

    def __hash__(self) -> int:
        return hash(self._numpy)


class iinfo:
    """Limits of an integer dtype, or of an array's: ``bits``, ``max``, ``min`` (ints), ``dtype``.

    Raises ValueError for other dtypes.
    """

    __slots__ = ("_numpy",)
    __class_getitem__: Any = classmethod(GenericAlias)

    def __init__(self, type: Any, /) -> None:
        self._numpy = np.iinfo(_dtype_of(type))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numpy, name)

    def __repr__(self) -> str:
        return repr(self._numpy)

    def __eq__(self, other: object) -> _bool:
        return isinstance(other, iinfo) and other._numpy.dtype == self._numpy.dtype

    def __hash__(self) -> int:
        return hash(self._numpy.dtype)


def isdtype(dtype: Any, kind: Any) -> _bool:
    """Whether ``dtype`` is of a ``kind``: a dtype, a name ("integral", ...), a tuple of those."""
    return _bool(np.isdtype(dtype, kind))


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> Dtype:
    """The dtype that arrays, dtypes and Python scalars promote to. TypeError where there is none.

    ValueError without an argument.
    """
    return np.result_type(*[_dtype_of(x) for x in arrays_and_dtypes])
