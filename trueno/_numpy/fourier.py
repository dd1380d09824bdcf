"""Fourier transforms (``numpy.fft``): NumPy's bits; the lines are shared among threads.

Transforms along several axes are NumPy's sequence of transforms along one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trueno._array_api._support import given, implements, normal_axes, tried
from trueno._array_api.manipulation_functions import roll
from trueno.dispatch import Refused
from trueno.handover import call_numpy
from trueno.indexing import view_of
from trueno.kinds import NUMBER
from trueno.ops import ROUTINES
from trueno.products import array_of
from trueno.routines import compute, refuse

__all__ = ["along_axes", "along_axis", "shifted"]

# The transforms of the last axis and of those before it, and whether the last comes first.
_STAGES: dict[str, tuple[str, str, bool]] = {
    "fftn": ("fft", "fft", True),
    "ifftn": ("ifft", "ifft", True),
    "rfftn": ("rfft", "fft", True),
    "irfftn": ("irfft", "ifft", False),
}


def along_axis(
    name: str, a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None
) -> Any:
    """``numpy.fft.name`` of ``a``, with its errors: a transform along one axis."""
    f = getattr(np.fft, name)
    if out is not None:
        return call_numpy(f, (a, n, axis, norm), {"out": out}, reason="arguments")
    return tried(lambda: _shared(name, a, n, axis, norm), f, a, n, axis, norm)


def _shared(name: str, a: Any, n: Any, axis: Any, norm: Any) -> Any:
    array = array_of(a)
    if array is None or array.ndim < 2 or array.dtype not in NUMBER or 0 in array.strides:
        raise Refused("computed by NumPy")
    axes = normal_axes(axis, array.ndim)
    if axes is None or len(axes) != 1:
        raise Refused("NumPy decides the error")
    # The result's axes lie in memory in the operand's order.
    order = sorted(range(array.ndim), key=lambda i: -abs(array.strides[i]))
    at, lines = order.index(axes[0]), array.transpose(order)
    try:
        none = getattr(np.fft, name)(lines[:0] if at else lines[:, :0], n, at, norm)
    except Exception:
        raise Refused("NumPy decides the error") from None
    shape = (*lines.shape[:at], none.shape[at], *lines.shape[at + 1 :])
    ordered = view_of(given(a), lambda x: x.transpose(order), "transpose")
    params = {"name": name, "n": n, "axis": at, "norm": norm}
    result = compute("fourier", [ordered], params, [(shape, none.dtype)], refuse)
    return view_of(result, lambda x: x.transpose(np.argsort(order)), "transpose")


def along_axes(
    name: str, a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None
) -> Any:
    """``numpy.fft.name`` of ``a``, with its errors: a transform along several axes."""
    array = array_of(a)
    plan = None if array is None or out is not None else _plan(name, array.shape, s, axes)
    if plan is None:
        return call_numpy(getattr(np.fft, name), (a, s, axes, norm), {"out": out})
    for stage, n, axis in plan:
        a = along_axis(stage, a, n, axis, norm)
    return a


def _plan(name: str, shape: Sequence[int], s: Any, axes: Any) -> list[tuple[str, int, int]] | None:
    """Transform, length and axis of each stage; None for arguments that NumPy warns of or refuses.

    These are the steps of NumPy's ``_raw_fftnd``, ``rfftn`` and ``irfftn``.
    """
    ndim = len(shape)
    if axes is None and s is None:
        axes = range(ndim)
    if not isinstance(axes, (tuple, list, range)) or not axes or not _integers(axes):
        return None
    if any(not -ndim <= axis < ndim for axis in axes):
        return None
    last, rest, last_first = _STAGES[name]
    if s is None:
        lengths = [shape[axis] for axis in axes]
        if name == "irfftn":
            lengths[-1] = 2 * (lengths[-1] - 1)
    elif isinstance(s, (tuple, list)) and len(s) == len(axes) and _integers(s) and min(s) > 0:
        lengths = list(s)
    else:
        return None
    stages = [(rest, n, axis) for n, axis in zip(lengths, axes, strict=True)]
    stages[-1] = (last, *stages[-1][1:])
    return stages[::-1] if last_first else stages


def _integers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int) for value in values)


def shifted(sign: int, name: str, x: Any, axes: Any = None) -> Any:
    """Every axis in ``axes`` (None: all) rolled by half its length, forward if ``sign`` is 1."""
    array = array_of(x)
    normal = None if array is None else normal_axes(axes, array.ndim)
    if array is None or normal is None:
        return call_numpy(getattr(np.fft, name), (x, axes))
    return roll(x, tuple([sign * (array.shape[i] // 2) for i in normal]), normal)


def _in_planes(
    name: str, a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None
) -> Any:
    return along_axes(name, a, s, axes, norm, out)


def _register(ours: Callable[..., Any], name: str, numpys: str) -> None:
    numpy = getattr(np.fft, numpys)
    function = functools.update_wrapper(functools.partial(ours, name), numpy)
    implements(numpy, gain=ROUTINES["fourier"].gain)(function)


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    _register(along_axis, _name, _name)
for _name in _STAGES:
    _register(along_axes, _name, _name)
    _register(_in_planes, _name, f"{_name[:-1]}2")
for _name, _sign in (("fftshift", 1), ("ifftshift", -1)):
    _register(functools.partial(shifted, _sign), _name, _name)
