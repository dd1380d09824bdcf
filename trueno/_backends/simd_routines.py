"""The CPU's routines: one table of those of every family."""

from __future__ import annotations

from trueno._backends import simd_move, simd_sort
from trueno._backends.routine import Routine, dense, lib, number, ordered
from trueno.dtypes import INT64
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


ROUTINES: dict[str, Routine] = {
    **simd_move.ROUTINES,
    **simd_sort.ROUTINES,
    "searchsorted": Routine(_performs_searchsorted, _searchsorted),
}
