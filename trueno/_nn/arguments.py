"""What the layers' arguments may be, and the errors that say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trueno._array_api._support import given
from trueno.dispatch import astype
from trueno.handover import call_numpy
from trueno.kinds import FLOAT16, FLOAT32, FLOAT64, Dtype
from trueno.ops import ROUTINES
from trueno.routines import compute

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


def batched(x: Any, ndim: int) -> tuple[Any, bool]:
    """``x`` with an axis for the batch, and whether it came without one."""
    alone = x.ndim == ndim + 1
    return (x.reshape(1, *x.shape) if alone else x), alone


def windowed(
    name: str,
    routine: str,
    operands: Sequence[Any],
    params: dict[str, Any],
    size: Numbers,
    channels: int,
    alone: bool,
    dtype: Dtype,
) -> Any:
    """A routine's result (N, channels, *size) as the caller expects it: without a batch if alone.

    name: what errors and the profile call the layer
    """

    def numpy(reason: str) -> Any:
        meaning = ROUTINES[routine].meaning
        return call_numpy(meaning, tuple(operands), params, name=name, reason=reason)

    x = operands[0]
    shape = (x.shape[0], channels, *size)
    result = compute(routine, operands, params, [(shape, x.dtype)], numpy)
    return returned(result.reshape(shape[1:]) if alone else result, dtype)


def window_count(name: str, n: int, reach: int, stride: int, padding: int, ceil: bool) -> int:
    """How many windows begin on an axis of ``n`` elements and ``padding`` zeros in all.

    ceil: whether a last one may reach over the end. Raises ValueError where none fits.
    """
    room = n + padding - reach
    if room < 0:
        raise ValueError(
            f"trueno.{name}: a window reaches over {reach} elements, the padded input has only "
            f"{n + padding} along an axis"
        )
    return -(-room // stride) + 1 if ceil else room // stride + 1


def returned(result: Any, dtype: Dtype) -> Any:
    """A layer's result in the dtype that the caller expects."""
    return result if result.dtype == dtype else astype(result, dtype)
