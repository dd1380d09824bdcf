"""Counting, and interpolation (csrc/count.c, csrc/search.c)."""

from __future__ import annotations

from trueno._backends.routine import Routine, dense, lib, number
from trueno.kinds import COMPLEXES, FLOAT16, FLOAT32, FLOAT64, NUMBER
from trueno.memory import address
from trueno.ops import RANK_BITS
from trueno.plan import Call

assert lib.TRUENO_RANKS == 1 << RANK_BITS

_MOST_BINS = 1 << 16  # of one width


def _performs_bincount(call: Call) -> bool:
    (x,), _ = call.inputs, call.outputs
    return x.array.dtype in NUMBER and x.array.dtype.kind in "biu" and dense(x)


def _bincount(call: Call) -> int:
    (x,), (out,) = call.inputs, call.outputs
    return lib.trueno_bincount(
        number(x.array.dtype), address(x.array), x.array.size, call.params["bins"],
        address(out.array),
    )  # fmt: skip


def _performs_histogram(call: Call) -> bool:
    x, edges = call.inputs
    dtype = x.array.dtype
    known = dtype in NUMBER and dtype.kind in "iuf" and dtype != FLOAT16
    computed = FLOAT32 if dtype == FLOAT32 else FLOAT64
    fits = edges.array.dtype == computed and edges.array.size <= _MOST_BINS
    return known and fits and dense(x, edges)


def _histogram(call: Call) -> int:
    (x, edges), (out,) = call.inputs, call.outputs
    return lib.trueno_histogram(
        number(x.array.dtype), address(x.array), x.array.size, address(edges.array),
        edges.array.size - 1, call.params["first"], call.params["denominator"],
        address(out.array),
    )  # fmt: skip


def _performs_ranks(call: Call) -> bool:
    dtype = call.inputs[0].array.dtype
    known = dtype in NUMBER and dtype not in COMPLEXES and dtype.isnative
    return known and dense(*call.inputs)


def _rank_counts(call: Call) -> int:
    (x,), (out,) = call.inputs, call.outputs
    return lib.trueno_rank_counts(
        number(x.array.dtype), address(x.array), x.array.size, address(out.array)
    )


def _rank_mask(call: Call) -> int:
    (x, wanted), (out,) = call.inputs, call.outputs
    return lib.trueno_rank_mask(
        number(x.array.dtype), address(x.array), x.array.size, address(wanted.array),
        address(out.array),
    )  # fmt: skip


def _performs_interpolate(call: Call) -> bool:
    return all(view.array.dtype == FLOAT64 for view in call.inputs) and dense(*call.inputs)


def _interpolate(call: Call) -> int:
    (x, xs, ys, *slopes), (out,) = call.inputs, call.outputs
    return lib.trueno_interpolate(
        address(x.array), x.array.size, address(xs.array), address(ys.array),
        address(slopes[0].array) if slopes else 0, xs.array.size, call.params["left"],
        call.params["right"], address(out.array),
    )  # fmt: skip


ROUTINES: dict[str, Routine] = {
    "bincount": Routine(_performs_bincount, _bincount),
    "histogram": Routine(_performs_histogram, _histogram),
    "rank_counts": Routine(_performs_ranks, _rank_counts),
    "rank_mask": Routine(_performs_ranks, _rank_mask),
    "interpolate": Routine(_performs_interpolate, _interpolate),
}
