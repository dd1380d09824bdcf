"""Elements picked by data: boolean masks, and index arrays.

Every function raises ``Refused`` where NumPy should do the work: it does not pay, no routine takes
it, or it is an error that NumPy words.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trueno.dispatch import NUMPYS_ERROR, Refused, astype, elementwise
from trueno.engine import BELOW
from trueno.handles import Handle, foreign_buffer, handle_on
from trueno.handover import host
from trueno.kinds import BOOL, INT64
from trueno.memory import NDArray
from trueno.ops import MASK_BLOCK, OPS, ROUTINES
from trueno.routines import compute, pays, refuse, update
from trueno.writes import in_c_order, update_where

# Of all that an index may ask for: how many times fewer elements than elsewhere are enough.
SELECTION_GAIN = max(
    ROUTINES[name].gain for name in ("compress", "expand", "mask_fill", "take", "put_one")
)
_UNSUPPORTED = "an index that no routine takes"
_MOST_INDICES = 8  # that a routine takes at once


def _handle(x: Any) -> Any:
    return x if isinstance(x, Handle) else handle_on(x, foreign_buffer(x))


# ---------------------------------------------------------------- masks


def _mask(array: NDArray, mask: Any) -> Any:
    """The mask as a handle in C order, if it selects from ``array``."""
    if not mask.ndim or mask.shape != array.shape[: mask.ndim] or array.dtype.hasobject:
        raise Refused(NUMPYS_ERROR)
    return in_c_order(_handle(mask))


def _before(mask: Any) -> tuple[Any, int]:
    """How many elements the mask selects in front of each block of it, and in all."""
    blocks = -(-mask.size // MASK_BLOCK)
    before = compute("mask_count", [mask], {}, [((blocks + 1,), INT64)], refuse)
    count = int(host(before)[-1])
    if not count:
        raise Refused("nothing is selected")
    return before, count


def masked(handle: Any, mask: Any) -> Any:
    """``handle[mask]``: the elements, or rows, where the mask of the leading axes holds."""
    if not pays("compress", mask.size):
        raise Refused(BELOW)
    array = handle._array
    mask = _mask(array, mask)
    before, count = _before(mask)
    shape = (count, *array.shape[mask.ndim :])
    operands = [in_c_order(handle), mask, before]
    return compute("compress", operands, {}, [(shape, array.dtype)], refuse)


def set_masked(handle: Any, mask: Any, value: Any) -> None:
    """``handle[mask] = value``."""
    array = handle._array
    if not pays("expand", mask.size):
        raise Refused(BELOW)
    if not array.flags.writeable:
        raise Refused(NUMPYS_ERROR)
    cell = _cell(array, value)
    fusible = cell is not None and _pends(mask) and mask.shape == array.shape
    if fusible and update_where(handle, mask, cell[0]):
        return
    if not array.flags.c_contiguous:
        raise Refused("the target is not in C order")
    mask = _mask(array, mask)
    if cell is not None:
        update("mask_fill", handle, array, [cell, mask], {}, refuse)
        return
    before, count = _before(mask)
    values = _values(value, (count, *array.shape[mask.ndim :]), array)
    update("expand", handle, array, [values, mask, before], {}, refuse)


def _pends(x: Any) -> bool:
    """Whether the value waits to be computed, so that more may be fused with it."""
    if not isinstance(x, Handle):
        return False
    return x._node is not None or (x._buffer is not None and x._buffer.node is not None)


def _cell(array: NDArray, value: Any) -> Any:
    """A scalar as an array of one element of the dtype, converted as an assignment does it."""
    if isinstance(value, Handle) and not value._layout.ndim:
        value = host(value)[()]
    if isinstance(value, (np.generic, int, float, complex)):
        cell = np.empty(1, array.dtype)
        try:
            cell[0] = value
        except Exception as error:
            raise Refused(NUMPYS_ERROR) from error
        return cell
    return None


def _values(value: Any, shape: tuple[int, ...], array: NDArray) -> Any:
    """The values to write, if they have just this shape and fit ``array``."""
    if not isinstance(value, (Handle, np.ndarray)):
        raise Refused("values that are no array")
    values: Any = value
    if values.shape != shape:
        raise Refused("values of another shape")
    if values.dtype != array.dtype:
        if not isinstance(value, Handle):
            raise Refused("values of another dtype")
        values = astype(value, array.dtype)
    return in_c_order(_handle(values))


def positions(handle: Any, axis_first: bool) -> Any:
    """The coordinates of what is not zero: (n, ndim) int64, or (ndim, n) if ``axis_first``."""
    mask = handle
    if not mask.ndim or not pays("positions", mask.size):
        raise Refused(BELOW)
    if mask.dtype.kind in "iufc":
        mask = elementwise(OPS["not_equal"], mask, 0)
    if mask.dtype != BOOL:
        raise Refused(f"{mask.dtype} is computed by NumPy")
    mask = in_c_order(mask)
    before, count = _before(mask)
    shape = (mask.ndim, count) if axis_first else (count, mask.ndim)
    params = {"axis_first": axis_first}
    return compute("positions", [mask, before], params, [(shape, INT64)], refuse)


# ---------------------------------------------------------------- index arrays


def _indices(items: tuple[Any, ...]) -> list[Any]:
    """Index arrays of one shape as int64 in C order."""
    if not 0 < len(items) <= _MOST_INDICES:
        raise Refused(_UNSUPPORTED)
    shape = items[0].shape
    found = []
    for item in items:
        if item.dtype.kind not in "iu" or item.shape != shape or not item.ndim:
            raise Refused(_UNSUPPORTED)
        if item.dtype != INT64:
            same = astype(item, INT64) if isinstance(item, Handle) else item.astype(INT64)
        else:
            same = item
        found.append(in_c_order(_handle(same)))
    return found


def taken(handle: Any, items: tuple[Any, ...], axis: int, mode: str) -> Any:
    """Elements, or rows, at the places that index arrays name, of axes from ``axis`` on."""
    array = handle._array
    if array.dtype.hasobject or axis + len(items) > array.ndim:
        raise Refused(NUMPYS_ERROR)
    others = array.shape[:axis] + array.shape[axis + len(items) :]
    if not pays("take", items[0].size * math.prod(others)):
        raise Refused(BELOW)
    indices = _indices(items)
    shape = (*array.shape[:axis], *indices[0].shape, *array.shape[axis + len(items) :])
    params = {"axis": axis, "mode": mode}
    operands = [in_c_order(handle), *indices]
    return compute("take", operands, params, [(shape, array.dtype)], refuse)


def put(handle: Any, target: NDArray, items: tuple[Any, ...], value: Any) -> None:
    """``target[items] = value`` where ``target`` is a view of the handle's array."""
    cell = _cell(target, value)
    routine = "put" if cell is None else "put_one"
    if not pays(routine, items[0].size):
        raise Refused(BELOW)
    if (
        not target.flags.writeable
        or not target.flags.c_contiguous
        or target.dtype.hasobject
        or len(items) > target.ndim
    ):
        raise Refused(NUMPYS_ERROR)
    indices = _indices(items)
    if cell is None:
        values = _values(value, (*indices[0].shape, *target.shape[len(items) :]), target)
    elif len(items) < target.ndim:
        raise Refused("one value for rows")
    else:
        values = cell
    update(routine, handle, target, [values, *indices], {}, refuse)


# ---------------------------------------------------------------- keys


def _arrays(key: Any) -> tuple[int, tuple[Any, ...]] | None:
    """The axis that the index arrays of a key begin at, and those; None for other keys."""
    items = key if type(key) is tuple else (key,)
    axis = 0
    while axis < len(items) and _is_whole(items[axis]):
        axis += 1
    end = len(items)
    while end > axis and (_is_whole(items[end - 1]) or items[end - 1] is Ellipsis):
        end -= 1
    arrays = items[axis:end]
    if not arrays or not all(isinstance(x, (Handle, np.ndarray)) for x in arrays):
        return None
    return axis, arrays


def _is_whole(item: Any) -> bool:
    return type(item) is slice and item == slice(None)


def select(handle: Any, key: Any) -> Any:
    """``handle[key]`` where the key holds arrays."""
    found = _arrays(key)
    if found is None:
        raise Refused(_UNSUPPORTED)
    axis, items = found
    if items[0].dtype == BOOL and len(items) == 1 and not axis:
        return masked(handle, items[0])
    return taken(handle, items, axis, "raise")


def store(handle: Any, key: Any, value: Any) -> None:
    """``handle[key] = value`` where the key holds arrays."""
    found = _arrays(key)
    if found is None or found[0]:
        raise Refused(_UNSUPPORTED)
    items = found[1]
    if items[0].dtype == BOOL and len(items) == 1:
        set_masked(handle, items[0], value)
    else:
        put(handle, handle._array, items, value)


def nonzero(x: Any) -> tuple[Any, ...]:
    """One array of positions an axis, as ``numpy.nonzero`` gives them: columns of one array."""
    found = positions(x, False)
    return tuple([handle_on(found._array[:, i], found._buffer) for i in range(x.ndim)])
