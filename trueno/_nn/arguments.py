"""What the layers' arguments may be, and the errors that say so."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno._array_api._support import given
from trueno.dispatch import astype
from trueno.dtypes import FLOAT16, FLOAT32, FLOAT64, Dtype

# What the last axes are called.
SPATIAL = {1: ("L",), 2: ("H", "W")}

Numbers = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]


def numbers(function: str, name: str, value: Any, ndim: int, least: int) -> Numbers:
    """An integer for each axis: ``value`` is one for all, or a sequence. None is below ``least``.

    Raises TypeError for what is no integer, ValueError for too few, too many or too small ones.
    """
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,) * ndim
    wanted = f"an integer or {ndim} of them" if ndim > 1 else "an integer"
    try:
        found = tuple([n.__index__() for n in given])
    except AttributeError:
        raise TypeError(f"trueno.{function}: {name} must be {wanted}, not {value!r}") from None
    if len(found) != ndim or any(n < least for n in found):
        raise ValueError(
            f"trueno.{function}: {name} must be {wanted}, at least {least}, not {value!r}"
        )
    return found


def check_axes(function: str, name: str, x: Any, axes: tuple[str, ...]) -> None:
    """Raises ValueError unless ``x`` has these axes, none of them empty but the first."""
    if x.ndim != len(axes):
        raise ValueError(
            f"trueno.{function}: {name} must have {len(axes)} axes ({', '.join(axes)}), "
            f"not shape {x.shape}"
        )
    if 0 in x.shape[1:]:
        raise ValueError(f"trueno.{function}: {name} has an empty axis: shape {x.shape}")


def floating(function: str, *arrays: Any) -> tuple[list[Any], Dtype]:
    """Arrays as handles of the dtype that a layer computes in, and the dtype of its result.

    They promote as NumPy's do; integers become float64, and float16 is computed in float32. Raises
    TypeError for what is not a real number.
    """
    handles = [given(x) for x in arrays]
    dtype = np.result_type(*[x.dtype for x in handles])
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise TypeError(f"trueno.{function}: expected arrays of real numbers, not {dtype}")
    result = dtype if dtype.kind == "f" else FLOAT64
    computed = FLOAT32 if result == FLOAT16 else result
    return [x if x.dtype == computed else astype(x, computed) for x in handles], result


def returned(result: Any, dtype: Dtype) -> Any:
    """A layer's result in the dtype that the caller expects."""
    return result if result.dtype == dtype else astype(result, dtype)
