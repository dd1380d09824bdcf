"""Sums of products with a kernel that slides along a sequence: ``convolve``, ``correlate``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from trueno._array_api._support import given, implements
from trueno.dispatch import astype
from trueno.engine import BELOW
from trueno.handover import call_numpy, host
from trueno.kinds import FLOAT16, NUMBER
from trueno.ops import ROUTINES
from trueno.products import array_of
from trueno.routines import compute

__all__ = ["convolve", "correlate"]

_GAIN = ROUTINES["correlate"].gain
# Taps of kernels that NumPy has loops for, which are as fast as the copy to planes here.
_FEW = 8


@implements(np.convolve, gain=_GAIN)
def convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    """The sums of a[i] * v[k - i]: of the shorter sequence, reversed, sliding along the longer.

    mode: "full" (every k where they overlap), "same" (the middle of them, as many as the longer
          one has elements) or "valid" (where they overlap wholly)

    ValueError for empty sequences and those of more than one axis.
    """

    def numpy(reason: str) -> Any:
        return call_numpy(np.convolve, (a, v, mode), reason=reason)

    reason = _refusal(a, v)
    if reason is not None:
        return numpy(reason)
    x, kernel = (a, v) if len(a) >= len(v) else (v, a)
    return _slide(given(x), given(kernel)[::-1], mode, numpy)


@implements(np.correlate, gain=_GAIN)
def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """The sums of a[k + i] * conj(v[i]). Modes and errors as of ``convolve``."""

    def numpy(reason: str) -> Any:
        return call_numpy(np.correlate, (a, v, mode), reason=reason)

    reason = _refusal(a, v)
    if reason is not None or len(a) < len(v):
        return numpy(reason or "arguments")
    return _slide(given(a), given(v), mode, numpy)


def _refusal(*operands: Any) -> str | None:
    """Why a call is NumPy's; None for sequences of numbers that C slides."""
    arrays = [array_of(x) for x in operands]
    for array in arrays:
        if array is None or array.ndim != 1 or not array.size:
            return "arguments"
        if array.size < _FEW:
            return BELOW
    dtype = np.result_type(*arrays)
    return None if dtype.kind in "iuf" and dtype in NUMBER and dtype != FLOAT16 else f"{dtype}"


def _slide(x: Any, kernel: Any, mode: Any, numpy: Callable[[str], Any]) -> Any:
    """``kernel`` along ``x``, which is no shorter; zeros stand for what lies outside."""
    n, taps = len(x), len(kernel)
    known = {
        "full": (n + taps - 1, taps - 1),
        "same": (n, taps // 2),
        "valid": (n - taps + 1, 0),
    }
    if not isinstance(mode, str) or mode not in known:
        return numpy("arguments")
    size, before = known[mode]
    if size > n - taps + 1 and not np.isfinite(host(kernel)).all():
        return numpy("zeros would meet infinities")
    dtype = np.result_type(x.dtype, kernel.dtype)
    operands = [y if y.dtype == dtype else astype(y, dtype) for y in (x, kernel)]
    params = {"mode": mode, "before": before}
    return compute("correlate", operands, params, [((size,), dtype)], numpy)
