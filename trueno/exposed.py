"""What of a TruenoArray shows its memory as it is: addresses, the flat iterator, its size."""

from __future__ import annotations

import operator
import sys
from typing import Any

import numpy as np

from trueno._handle import raise_swallowed
from trueno.errors import named
from trueno.flat import flatiter
from trueno.handles import Handle, buffer_of, export
from trueno.handover import host
from trueno.kinds import Dtype

_OF_LETTERS = frozenset("biufcOSU")  # the kinds of which a letter and a size tell all


def _is_told(dtype: Dtype) -> bool:
    """Whether NumPy's array interface tells all of a dtype."""
    if dtype.kind == "T":
        return False
    try:
        return dtype == np.dtype(dtype.descr if dtype.names else dtype.str)
    except ValueError:  # fields that overlap
        return False


class Exposed(Handle):
    """The part of TruenoArray that other code reads memory by."""

    __slots__ = ()

    base: Any
    __array__: Any

    @property
    def flat(self) -> Any:
        """An iterator over the elements in C order; writing through it writes to the array."""
        return flatiter(self)

    @flat.setter
    def flat(self, values: Any) -> None:
        np.asarray(self).flat[...] = host(values)

    @property
    def ctypes(self) -> Any:
        """As ``numpy.ndarray.ctypes``: the memory counts as shared while the object lives."""
        return np.asarray(self).ctypes

    @property
    def data(self) -> memoryview:
        """A memoryview of the memory, which counts as shared while the memoryview lives."""
        return np.asarray(self).data

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """As ``numpy.ndarray.__array_interface__``; the memory counts as shared from now on.

        AttributeError for dtypes of which it cannot tell all: records with padding or titles, and
        those that are not built in.
        """
        if not _is_told(self._array.dtype):
            raise AttributeError("__array_interface__")
        if self._scalar:  # a copy, as a scalar's value never changes, which the table keeps alive
            copied = host(self).copy()
            return copied.__array_interface__ | {"__ref": copied}
        table = export(self).__array_interface__
        buffer_of(self).foreign = True  # nobody says for how long an address is used
        return table

    @property
    def __array_struct__(self) -> Any:
        """As ``numpy.ndarray.__array_struct__``; shared while the capsule lives.

        AttributeError for dtypes of which it cannot tell all: times, records, and those that are
        not built in. Raises what the computation of a pending value raised when NumPy asked for its
        buffer.
        """
        raise_swallowed(self)
        if self._array.dtype.kind not in _OF_LETTERS:
            raise AttributeError("__array_struct__")
        return np.asarray(self.__array__()).__array_struct__

    def resize(self, *new_shape: Any, refcheck: bool = True) -> None:
        """Changes shape and size in place; what is new is zero.

        ValueError where the memory is not the array's own, or, unless ``refcheck`` is False, where
        views of it live.
        """
        buffer = self._buffer
        try:
            # Three hold a buffer without other views: this handle, the name, and the call.
            if self.base is not None or (buffer and buffer.foreign):
                raise ValueError("cannot resize this array: it does not own its data")
            if operator.index(refcheck) and buffer and sys.getrefcount(buffer) > 3:
                raise ValueError(
                    "cannot resize an array that references or is referenced\nby another object in "
                    "this way.\nUse the np.resize function to get a new resized copy or\n set "
                    "refcheck=False to disable this check"
                )
            resized = host(self).copy(order="K")
            resized.resize(*new_shape, refcheck=False)
        except Exception as error:
            raise named(error, "resize") from None
        self._array, self._buffer = resized, None
        if buffer is not None and buffer.pin != "auto":
            buffer_of(self).pin_to(buffer.pin)
