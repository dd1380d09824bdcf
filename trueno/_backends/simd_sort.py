"""Sorting rows (csrc/sort.c)."""

from __future__ import annotations

import math

from trueno._backends.routine import Routine, dense, lib, number
from trueno.kinds import COMPLEXES, INT64, NUMBER, UINT8
from trueno.memory import address, allocate, release
from trueno.plan import Call


def _performs_sort(call: Call) -> bool:
    (x,), (out,) = call.inputs, call.outputs
    dtype = x.array.dtype
    known = dtype in NUMBER and dtype not in COMPLEXES and dtype.isnative
    return known and out.array.dtype == dtype and dense(x, out)


def _performs_argsort(call: Call) -> bool:
    (x,), (out,) = call.inputs, call.outputs
    dtype, n = x.array.dtype, x.array.shape[-1]
    known = dtype in NUMBER and dtype not in COMPLEXES and dtype.isnative
    return known and out.array.dtype == INT64 and n < 1 << 32 and dense(x, out)


def _run(call: Call, arg: bool, spare_bytes: int) -> int:
    (x,), (out,) = call.inputs, call.outputs
    *rows, n = x.array.shape
    root, spare = allocate((spare_bytes * x.array.size,), (1,), UINT8)
    status: int = lib.trueno_sort(
        number(x.array.dtype), address(x.array), math.prod(rows), n, arg,
        bool(call.params["descending"]), address(spare), address(out.array),
    )  # fmt: skip
    del spare
    release(root)
    return status


def _sort(call: Call) -> int:
    return _run(call, False, call.inputs[0].array.itemsize)


def _argsort(call: Call) -> int:
    return _run(call, True, 32 if call.inputs[0].array.itemsize == 8 else 16)


def _performs_sort_rows(call: Call) -> bool:
    (target,) = call.outputs
    dtype = target.array.dtype
    known = dtype in NUMBER and dtype not in COMPLEXES and dtype.isnative
    return known and dense(target)


def _sort_rows(call: Call) -> int:
    params = {"descending": False}
    return _sort(call._replace(params=params, inputs=call.outputs))


ROUTINES: dict[str, Routine] = {
    "sort": Routine(_performs_sort, _sort),
    "argsort": Routine(_performs_argsort, _argsort),
    "sort_rows": Routine(_performs_sort_rows, _sort_rows),
}
