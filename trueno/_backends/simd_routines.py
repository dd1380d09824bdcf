"""The CPU's routines: what each asks of its operands, and the call into C.

A routine's ``performs`` looks at the views' dtypes and layouts and at the parameters; its ``run``
passes addresses to one function of ``csrc/api.cdef`` and gives back that function's status.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from trueno._backends import _simd
from trueno.dtypes import COMPLEXES, FLOAT16, INT64, NUMBER, Dtype
from trueno.memory import View, address
from trueno.plan import Call

lib: Any = _simd.lib


class Routine(NamedTuple):
    """performs: whether it takes such a call; run: runs one and gives the status (< 0: an error)"""

    performs: Callable[[Call], bool]
    run: Callable[[Call], int]


def number(dtype: Dtype) -> int:
    """The dtype's number in C."""
    return NUMBER[dtype]


def ordered(dtype: Dtype) -> bool:
    """Whether C compares elements of this dtype."""
    return dtype in NUMBER and dtype != FLOAT16 and dtype not in COMPLEXES


def dense(*views: View) -> bool:
    """Whether every view's elements lie in C order without gaps, aligned."""
    return all(view.array.flags.c_contiguous and view.array.flags.aligned for view in views)


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


ROUTINES: dict[str, Routine] = {
    "accumulate": Routine(_performs_accumulate, _accumulate),
    "searchsorted": Routine(_performs_searchsorted, _searchsorted),
}
