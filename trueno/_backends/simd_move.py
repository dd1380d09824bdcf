"""Moving elements: picked by masks and index arrays, and in rectangular parts.

C: csrc/compact.c, csrc/gather.c, csrc/place.c.
"""

from __future__ import annotations

import math

import numpy as np

from trueno._backends.routine import Routine, dense, lib
from trueno.memory import NDArray, View, address
from trueno.ops import MASK_BLOCK
from trueno.plan import Call

assert lib.TRUENO_MASK_BLOCK == MASK_BLOCK

_SIZES = (1, 2, 4, 8, 16)  # bytes of the elements that C has loops for
_MODES = {"raise": 0, "wrap": 1, "clip": 2}


def _performs(call: Call) -> bool:
    return dense(*call.inputs, *call.outputs)


def _row_bytes(array: NDArray, axes: int) -> int:
    """The bytes that one place of the leading ``axes`` stands for."""
    return array.itemsize * math.prod(array.shape[axes:])


def _mask_count(call: Call) -> int:
    (mask,), (before,) = call.inputs, call.outputs
    return lib.trueno_mask_count(address(mask.array), mask.array.size, address(before.array))


def _compress(call: Call) -> int:
    (x, mask, before), (out,) = call.inputs, call.outputs
    return lib.trueno_compress(
        address(x.array), address(mask.array), mask.array.size, address(before.array),
        _row_bytes(x.array, mask.array.ndim), address(out.array),
    )  # fmt: skip


def _expand(call: Call) -> int:
    (values, mask, before), (target,) = call.inputs, call.outputs
    return lib.trueno_expand(
        address(values.array), address(mask.array), mask.array.size, address(before.array),
        _row_bytes(target.array, mask.array.ndim), address(target.array),
    )  # fmt: skip


def _performs_mask_fill(call: Call) -> bool:
    (_, mask), (target,) = call.inputs, call.outputs
    known = target.array.itemsize in _SIZES and mask.array.ndim == target.array.ndim
    return known and _performs(call)


def _mask_fill(call: Call) -> int:
    (value, mask), (target,) = call.inputs, call.outputs
    return lib.trueno_mask_fill(
        address(value.array), address(mask.array), mask.array.size, target.array.itemsize,
        address(target.array),
    )  # fmt: skip


def _positions(call: Call) -> int:
    (mask, before), (out,) = call.inputs, call.outputs
    count, ndim = int(before.array[-1]), mask.array.ndim
    steps = (1, count) if call.params["axis_first"] else (ndim, 1)
    shape = np.array(mask.array.shape, np.int64)
    return lib.trueno_positions(
        address(mask.array), mask.array.size, address(before.array), ndim, address(shape),
        *steps, address(out.array),
    )  # fmt: skip


def _places(indices: tuple[View, ...], array: NDArray, axis: int, mode: str) -> NDArray:
    words = [len(indices), _MODES[mode]]
    for i, index in enumerate(indices, axis):
        words += [address(index.array), array.shape[i], array.strides[i]]
    return np.array(words, np.int64)


def _take(call: Call) -> int:
    (x, *indices), (out,) = call.inputs, call.outputs
    array, axis = x.array, call.params["axis"]
    places = _places(tuple(indices), array, axis, call.params["mode"])
    return lib.trueno_take(
        address(places), math.prod(array.shape[:axis]), indices[0].array.size, 0,
        _row_bytes(array, axis), _row_bytes(array, axis + len(indices)), array.nbytes,
        address(array), address(out.array),
    )  # fmt: skip


def _put(call: Call) -> int:
    (values, *indices), (target,) = call.inputs, call.outputs
    array = target.array
    places = _places(tuple(indices), array, 0, "raise")
    size = _row_bytes(array, len(indices))
    return lib.trueno_put(
        address(places), indices[0].array.size, size, array.nbytes, address(values.array),
        size if values.array.nbytes > array.itemsize else 0, address(array),
    )  # fmt: skip


def _performs_assemble(call: Call) -> bool:
    (out,) = call.outputs
    dtype = out.array.dtype
    return not dtype.hasobject and all(view.array.dtype == dtype for view in call.inputs)


def _assemble(call: Call) -> int:
    out = call.outputs[0].array
    words: list[int] = []
    for key, source in zip(call.params["keys"], call.inputs, strict=True):
        part = out[(*key, ...)]
        lead = part.ndim - source.array.ndim
        layout = zip(source.array.shape, source.array.strides, strict=True)
        steps = [0] * lead + [step if n > 1 else 0 for n, step in layout]
        words += part.ndim, address(part), address(source.array)
        for dimension in zip(part.shape, part.strides, steps, strict=True):
            words += dimension
    parts = np.array(words, np.int64)
    return lib.trueno_place(address(parts), len(call.inputs), out.itemsize, out.nbytes)


def _performs_repeat(call: Call) -> bool:
    return call.inputs[0].array.itemsize in _SIZES and _performs(call)


def _repeat(call: Call) -> int:
    (x, ends), (out,) = call.inputs, call.outputs
    return lib.trueno_repeat(
        address(x.array), address(ends.array), x.array.size, x.array.itemsize, address(out.array)
    )


ROUTINES: dict[str, Routine] = {
    "mask_count": Routine(_performs, _mask_count),
    "compress": Routine(_performs, _compress),
    "expand": Routine(_performs, _expand),
    "mask_fill": Routine(_performs_mask_fill, _mask_fill),
    "positions": Routine(_performs, _positions),
    "take": Routine(_performs, _take),
    "put": Routine(_performs, _put),
    "put_one": Routine(_performs, _put),
    "assemble": Routine(_performs_assemble, _assemble),
    "repeat": Routine(_performs_repeat, _repeat),
}
