"""``TruenoArray.flat``: the elements in C order, by one number each."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno.config import SETTINGS
from trueno.handles import Handle, export, wrap_value
from trueno.handover import host
from trueno.memory import NDArray


class flatiter:
    """As ``numpy.flatiter``: an iterator that reads and writes an array's elements.

    The array's memory counts as shared while the iterator lives.
    """

    __slots__ = ("_flat", "base")
    __array_priority__ = 1000.0

    def __init__(self, base: Handle) -> None:
        self.base = base
        self._flat: Any = export(base).flat

    @property
    def coords(self) -> tuple[int, ...]:
        """The index of the next element."""
        coords: tuple[int, ...] = self._flat.coords
        return coords

    @property
    def index(self) -> int:
        """The number of the next element."""
        return int(self._flat.index)

    def copy(self) -> Any:
        """The elements in one axis, copied."""
        return wrap_value(self._flat.copy())

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> NDArray:
        return np.array(self._flat, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self._flat)

    def __iter__(self) -> flatiter:
        return self

    def __next__(self) -> Any:
        return _result(next(self._flat))

    def __getitem__(self, key: Any) -> Any:
        return _result(self._flat[host(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._flat[host(key)] = host(value)

    def __delitem__(self, key: Any) -> None:
        raise TypeError("Cannot delete iterator elements")


def _result(value: Any) -> Any:
    """An element, as the drop-in setting has it, or an array."""
    if SETTINGS.get().dropin and isinstance(value, np.generic):
        return value
    return wrap_value(value)
