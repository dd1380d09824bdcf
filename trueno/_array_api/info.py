"""Inspection (the standard's chapter "Inspection")."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno import engine
from trueno.array import check_device

__all__ = ["__array_namespace_info__"]

_BOOL = ("bool",)
_SIGNED = ("int8", "int16", "int32", "int64")
_UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
_REAL = ("float32", "float64")
_COMPLEX = ("complex64", "complex128")
_KINDS: dict[str, tuple[str, ...]] = {
    "bool": _BOOL,
    "signed integer": _SIGNED,
    "unsigned integer": _UNSIGNED,
    "integral": _SIGNED + _UNSIGNED,
    "real floating": _REAL,
    "complex floating": _COMPLEX,
    "numeric": _SIGNED + _UNSIGNED + _REAL + _COMPLEX,
}
_ALL = _BOOL + _KINDS["numeric"]


class Devices(tuple[str, ...]):
    """The devices, as a tuple that also adds to lists: consumers write ``devices() + [None]``."""

    __slots__ = ()

    def __add__(self, other: Any) -> Any:
        return [*self, *other] if isinstance(other, list) else tuple(self) + other

    def __radd__(self, other: Any) -> Any:
        return [*other, *self] if isinstance(other, list) else NotImplemented


class Info:
    """What ``__array_namespace_info__()`` returns: capabilities, devices and dtypes."""

    def capabilities(self) -> dict[str, Any]:
        """Boolean indexing and data-dependent shapes work; arrays have at most 64 axes."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """ "auto": Trueno places the work."""
        return "auto"

    def devices(self) -> Devices:
        """ "auto" and "cpu", and "gpu" where a GPU was found."""
        gpu = ("gpu",) if engine.backend("wgpu") is not None else ()
        return Devices(("auto", "cpu", *gpu))

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        """Dtypes that creation functions use by default, the same on every device."""
        if device is not None:
            check_device(device, "default_dtypes")
        return {
            "real floating": np.dtype(np.float64),
            "complex floating": np.dtype(np.complex128),
            "integral": np.dtype(np.int64),
            "indexing": np.dtype(np.int64),
        }

    def dtypes(
        self, *, device: Any = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, Any]:
        """Names and dtypes of a ``kind`` of the standard, of several, or all.

        Raises ValueError for an unknown kind or device.
        """
        if device is not None:
            check_device(device, "dtypes")
        if kind is None:
            return {name: np.dtype(name) for name in _ALL}
        found: dict[str, Any] = {}
        for one in kind if isinstance(kind, tuple) else (kind,):
            if one not in _KINDS:
                raise ValueError(f"trueno.dtypes: unknown kind {one!r}; known: {sorted(_KINDS)}")
            found.update((name, np.dtype(name)) for name in _KINDS[one])
        return found


def __array_namespace_info__() -> Info:
    """The namespace's inspection functions, as the standard's ``Info`` object."""
    return Info()
