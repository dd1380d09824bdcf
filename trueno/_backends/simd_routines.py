"""The CPU's routines: one table of those of every family."""

from __future__ import annotations

import math

from trueno._backends import simd_conv, simd_count, simd_fourier, simd_move, simd_sort
from trueno._backends.routine import Routine, dense, lib, number, ordered
from trueno.kinds import INT64, NUMBER, Dtype
from trueno.memory import address
from trueno.plan import Call


def _performs_searchsorted(call: Call) -> bool:
    (table, values), (at,) = call.inputs, call.outputs
    dtype = table.array.dtype
    return (
        ordered(dtype)
        and values.array.dtype == dtype
        and at.array.dtype == INT64
        and dense(table, values, at)
    )


def _searchsorted(call: Call) -> int:
    (table, values), (at,) = call.inputs, call.outputs
    return lib.trueno_searchsorted(
        number(table.array.dtype),
        address(table.array),
        table.array.size,
        address(values.array),
        values.array.size,
        call.params["side"] == "right",
        address(at.array),
    )


_SCANS = {"sum": 0, "prod": 1, "max": 2, "min": 3}


def _scan_dtypes(call: Call) -> tuple[int, Dtype, Dtype]:
    (x,), (out,) = call.inputs, call.outputs
    return _SCANS[call.params["name"]], x.array.dtype, out.array.dtype


def _performs_accumulate(call: Call) -> bool:
    kind, source, target = _scan_dtypes(call)
    if not dense(*call.inputs, *call.outputs) or source not in NUMBER or target not in NUMBER:
        return False
    return lib.trueno_scan(kind, number(source), number(target), 0, 0, 1, 1, 1, 0) == 0


def _accumulate(call: Call) -> int:
    kind, source, target = _scan_dtypes(call)
    (x,), (out,), axis = call.inputs, call.outputs, call.params["axis"]
    shape = x.array.shape
    return lib.trueno_scan(
        kind,
        number(source),
        number(target),
        address(x.array),
        address(out.array),
        math.prod(shape[:axis]),
        shape[axis],
        math.prod(shape[axis + 1 :]),
        call.params["initial"],
    )


def _performs_moments(call: Call) -> bool:
    dtype = call.inputs[0].array.dtype
    return ordered(dtype) and dense(*call.inputs, *call.outputs)


def _moments(call: Call) -> int:
    x = call.inputs[0].array
    results = [address(view.array) for view in call.outputs]
    return lib.trueno_moments(number(x.dtype), x.itemsize, address(x), *x.shape, *results)


ROUTINES: dict[str, Routine] = {
    **simd_conv.ROUTINES,
    **simd_count.ROUTINES,
    **simd_fourier.ROUTINES,
    **simd_move.ROUTINES,
    **simd_sort.ROUTINES,
    "accumulate": Routine(_performs_accumulate, _accumulate),
    "moments": Routine(_performs_moments, _moments),
    "searchsorted": Routine(_performs_searchsorted, _searchsorted),
}
