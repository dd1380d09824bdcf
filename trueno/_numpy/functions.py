"""NumPy functions beyond the standard that stay deferred, since they only look or rearrange."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np

from trueno import dispatch
from trueno._array_api._support import call, converted, created, given, implements, viewed
from trueno.errors import named
from trueno.handles import Handle

__all__ = ["array", "copy", "diagonal", "ndim", "ravel", "shape", "size", "swapaxes"]


_IF_NEEDED = 2  # the value of a member of NumPy's _CopyMode; those of the others are bools


@implements(np.array)
def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: bool | None = True,
    order: Any = "K",
    subok: bool = False,
    ndmin: int = 0,
    like: Any = None,
    **kwargs: Any,
) -> Any:
    """As ``numpy.array``: a new array, unless ``copy`` is False or None and none is needed.

    With ``subok`` an instance of a subclass of ndarray stays one, and NumPy's.
    """
    kwargs |= {"order": order, "ndmin": ndmin, "subok": subok}
    if isinstance(copy, Enum):
        copy = None if copy.value == _IF_NEEDED else copy.value
    elif isinstance(copy, str):
        return call(np.array, object, dtype, copy=copy)  # NumPy's ValueError
    if like is not None and not isinstance(like, (Handle, np.ndarray)):
        return created("array", None, np.array, object, dtype, copy=copy, like=like, **kwargs)
    if not isinstance(object, Handle):
        object = converted(object)
        if copy:
            return created("array", None, np.array, object, dtype, copy=True, **kwargs)
        try:
            result = np.array(object, dtype, copy=copy, **kwargs)
            return given(result) if type(result) is np.ndarray else result
        except Exception as error:
            raise named(error, "array") from None
    plain = order in ("K", None) and ndmin <= object._array.ndim and len(kwargs) == 3
    abstract = isinstance(dtype, type) and issubclass(dtype, np.dtype)  # a class of dtypes
    if plain and not abstract and (dtype is None or np.dtype(dtype) == object._array.dtype):
        return dispatch.copy(object, "K") if copy else object
    return call(np.array, object, dtype, copy=copy, **kwargs)


@implements(np.copy)
def copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    """A copy in new memory."""
    return given(a).copy(order)


@implements(np.ndim)
def ndim(a: Any) -> int:
    """The number of axes."""
    return np.ndim(a._array if isinstance(a, Handle) else a)


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    """The lengths of the axes."""
    return np.shape(a._array if isinstance(a, Handle) else a)


@implements(np.size)
def size(a: Any, axis: Any = None) -> int:
    """The number of elements, or the length of an axis."""
    return np.size(a._array if isinstance(a, Handle) else a, axis)


@implements(np.ravel)
def ravel(a: Any, order: Any = "C") -> Any:
    """The elements along one axis: a view where possible."""
    return given(a).ravel(order)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes interchanged: a view."""
    return viewed(a, lambda x: np.swapaxes(x, axis1, axis2), "swapaxes")


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Diagonals of the matrices in two axes: a read-only view."""
    return viewed(a, lambda x: np.diagonal(x, offset, axis1, axis2), "diagonal")
