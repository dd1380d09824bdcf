"""What the chapters share: operands as handles, NumPy's defaults, NumPy's own calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from trueno.array import check_device, pin
from trueno.dispatch import Refused
from trueno.errors import named
from trueno.handles import Handle, buffer_of, foreign_buffer, handle_on, wrap
from trueno.handover import call_numpy, converted, converted_items, host, unwrapped
from trueno.indexing import view_of
from trueno.memory import NDArray
from trueno.protocols import implements
from trueno.reductions import normal_axes

__all__ = [
    "NO_VALUE",
    "call",
    "converted",
    "created",
    "given",
    "implements",
    "normal_axes",
    "same_device",
    "tried",
    "viewed",
]

# NumPy's mark for an argument that was not given; its functions pass it to each other.
NO_VALUE: Any = np._NoValue


def given(x: Any) -> Any:
    """``x`` as a handle: an ndarray's memory stays its owner's; other objects become new arrays."""
    if isinstance(x, Handle):
        return x
    if isinstance(x, np.ndarray):
        array = np.asarray(x)
        return handle_on(array, foreign_buffer(array))
    array = np.asarray(converted(x))
    shared = array.base is not None or hasattr(x, "__array__") or hasattr(x, "__array_interface__")
    return handle_on(array, foreign_buffer(array)) if shared else wrap(array)


def call(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """``f`` by NumPy, counted as a deferral, without the arguments that were not given."""
    return call_numpy(f, args, {key: x for key, x in kwargs.items() if x is not NO_VALUE})


def tried(ours: Callable[[], Any], f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """``ours()``, or, where that is refused, ``f(*args, **kwargs)`` by NumPy, counted."""
    try:
        return ours()
    except Refused as refused:
        reason = str(refused)
    given = {key: x for key, x in kwargs.items() if x is not NO_VALUE}
    return call_numpy(f, args, given, reason=reason)


def viewed(x: Any, f: Callable[[NDArray], NDArray], name: str) -> Any:
    """``f``'s view of ``x`` (a copy where NumPy must copy)."""
    return view_of(given(x), f, name)


def created(
    name: str,
    device: Any,
    f: Callable[..., Any],
    *args: Any,
    like: Any = None,
    **kwargs: Any,
) -> Any:
    """A fresh array ``f(*args, **kwargs)``, pinned to ``device`` unless that is None.

    like: an array whose library makes the array, if it is neither ours nor NumPy's. Raises
    ValueError for an unknown device or one that this machine lacks.
    """
    if device is not None:
        check_device(device, name)
    if like is not None:
        kwargs["like"] = like
    try:
        given = {key: host(x) for key, x in kwargs.items()}
        try:
            array = f(*[host(x) for x in args], **given)
        except (TypeError, ValueError):  # perhaps it took ours of no axes, in a list, for sequences
            array = f(*[converted_items(unwrapped(x)) for x in args], **given)
        if args and type(args[0]) is list and array.dtype.char in "gG":  # read as doubles from ours
            array = f(*[unwrapped(x) for x in args], **given)
        if type(array) is not np.ndarray:
            return array  # another library's, or an instance of a subclass
        handle = wrap(array)
    except Exception as error:
        raise named(error, name) from None
    if device is not None:
        pin(handle, device)
    return handle


def same_device(result: Any, x: Any, device: Any, name: str) -> Any:
    """``result``, just made, pinned to ``device`` or else to where ``x`` is pinned."""
    if device is None:
        device = getattr(x, "device", "auto") if isinstance(x, Handle) else "auto"
    check_device(device, name)
    if result.device != device:
        buffer_of(result).pin_to(device)
    return result
