"""Arrow's C data interface, by which pyarrow, polars and others take an array without a copy.

https://arrow.apache.org/docs/format/CDataInterface.html and CDataInterface/PyCapsuleInterface.html:
two capsules, each with a structure whose ``release`` its consumer calls when it has done with it.
"""

from __future__ import annotations

import ctypes
import itertools
from ctypes import POINTER, c_char_p, c_int64, c_void_p, py_object
from typing import Any

import numpy as np

from trueno.memory import NDArray

# Arrow's format of each dtype's kind and size; those of one bit are packed.
_FORMATS = {
    "b1": b"b", "i1": b"c", "u1": b"C", "i2": b"s", "u2": b"S", "i4": b"i", "u4": b"I",
    "i8": b"l", "u8": b"L", "f2": b"e", "f4": b"f", "f8": b"g",
}  # fmt: skip


class _Schema(ctypes.Structure):
    """``struct ArrowSchema``."""

    _fields_ = [
        ("format", c_char_p), ("name", c_char_p), ("metadata", c_char_p), ("flags", c_int64),
        ("n_children", c_int64), ("children", c_void_p), ("dictionary", c_void_p),
        ("release", c_void_p), ("private_data", c_void_p),
    ]  # fmt: skip


class _Array(ctypes.Structure):
    """``struct ArrowArray``."""

    _fields_ = [
        ("length", c_int64), ("null_count", c_int64), ("offset", c_int64), ("n_buffers", c_int64),
        ("n_children", c_int64), ("buffers", POINTER(c_void_p)), ("children", c_void_p),
        ("dictionary", c_void_p), ("release", c_void_p), ("private_data", c_void_p),
    ]  # fmt: skip


_SCHEMA, _ARRAY = b"arrow_schema", b"arrow_array"  # capsules' names, which live as long as this

# What a structure points to, by its ``private_data``, until it is released.
_lent: dict[int, Any] = {}
# The structures of capsules that live, by address.
_held: dict[int, ctypes.Structure] = {}
_numbers = itertools.count(1)

_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype, _new_capsule.argtypes = py_object, (c_void_p, c_char_p, c_void_p)


def _releaser(kind: type[_Schema | _Array]) -> Any:
    def release(at: int) -> None:
        structure = kind.from_address(at)  # the consumer may have moved it
        _lent.pop(structure.private_data, None)
        structure.release = None

    return ctypes.CFUNCTYPE(None, c_void_p)(release)


_RELEASE = {_Schema: _releaser(_Schema), _Array: _releaser(_Array)}


def _forget(capsule: int) -> None:
    """A capsule's destructor: its structure is released unless it was moved, and freed."""
    name = _name(capsule)
    at = _pointer(capsule, name)
    structure = _held.pop(at)
    if structure.release:
        _RELEASE[type(structure)](at)


_DESTRUCTOR = ctypes.PYFUNCTYPE(None, c_void_p)(_forget)
_name = ctypes.PYFUNCTYPE(c_char_p, c_void_p)(("PyCapsule_GetName", ctypes.pythonapi))
_pointer = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def _capsule(name: bytes, structure: _Schema | _Array, lent: Any) -> Any:
    number = next(_numbers)
    _lent[number] = lent
    structure.private_data = number
    structure.release = ctypes.cast(_RELEASE[type(structure)], c_void_p).value
    at = ctypes.addressof(structure)
    _held[at] = structure
    return _new_capsule(at, name, ctypes.cast(_DESTRUCTOR, c_void_p))


def export(x: NDArray) -> tuple[Any, Any]:
    """The capsules "arrow_schema" and "arrow_array" of an array of one axis, over its memory.

    Copied are bool, of which Arrow keeps eight in a byte, and elements that lie apart. TypeError
    for a dtype that Arrow lacks, and for any other number of axes.
    """
    format_ = _FORMATS.get(f"{x.dtype.kind}{x.dtype.itemsize}")
    if format_ is None or x.ndim != 1:
        raise TypeError(
            f"trueno.__arrow_c_array__: Arrow has no array of {x.ndim} axes of {x.dtype}; "
            "numbers and bool along one axis are exchanged"
        )
    if x.dtype == bool:
        values = np.packbits(x, bitorder="little")
    else:
        values = np.require(x, x.dtype.newbyteorder("="), ["C", "A"])
    buffers = (c_void_p * 2)(None, values.ctypes.data)  # no element is missing
    array = _Array(length=len(x), n_buffers=2, buffers=buffers)
    return (
        _capsule(_SCHEMA, _Schema(format=format_, name=b""), format_),
        _capsule(_ARRAY, array, (values, buffers)),
    )
