"""What the CPU's routines share: a row of their tables, and what they ask of operands.

A routine's ``performs`` looks at the views' dtypes and layouts and at the parameters; its ``run``
passes addresses to one function of ``csrc/api.cdef`` and gives back that function's status.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from trueno._backends import _simd
from trueno.kinds import COMPLEXES, FLOAT16, NUMBER, Dtype
from trueno.memory import View
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
