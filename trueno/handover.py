"""Handing work to NumPy: ``call_numpy`` is the one way in which that is done."""

from __future__ import annotations

import functools
import inspect
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from trueno import engine, stats
from trueno.config import SETTINGS
from trueno.errors import StrictError, named
from trueno.handles import (
    Handle,
    buffer_of,
    foreign_buffer,
    handle_on,
    root_of,
    scalar,
    wrap,
    wrap_value,
)
from trueno.kinds import FLOAT32, FLOAT64
from trueno.memory import NDArray
from trueno.ops import Op

SCALARS = frozenset((bool, int, float, complex))


def host(x: Any) -> Any:
    """What NumPy is given for ``x``: a handle's array with current contents; others as they are."""
    return engine.host(x._array, x._buffer) if isinstance(x, Handle) else x


def small_array(x: Handle, op: Op | None = None) -> NDArray | None:
    """The handle's array if NumPy may and should be called on it right away, for speed.

    op: the operation, if its gain counts.
    """
    if x._node is not None:
        return None
    buffer = x._buffer
    if buffer is None or buffer.plain:
        array = x._array
        gain = 1 if op is None else op.gain(array.dtype)
        if array.size * gain < SETTINGS.get().threshold:
            return array
    return None


# Numbers of the dtypes whose gains are told apart.
_NUMBERED = [np.dtype(char) for char in "?bBhHiIlLqQfdgFDGOSUVMme"]


def small_below(
    op: Op | None,
    gain: float = 1,
    *,
    by_dtype: Mapping[str, float] | None = None,
    at: int = 0,
    short_rows: float = 0,
) -> bytes:
    """What tells the small calls of an operation or a function: ``Gains`` of csrc/python/handle.h.

    op:         whose gains in each dtype hold; None: ``gain`` does, but for the dtypes (by
                character) in ``by_dtype``
    at:         the argument whose dtype counts, 0 or -1
    short_rows: the gain for arrays of more than one axis, if it is larger; 0: the same
    """
    gains = [gain] * len(_NUMBERED)
    if op is not None:
        for dtype in _NUMBERED:
            gains[dtype.num] = op.gain(dtype)
    for char, own in (by_dtype or {}).items():
        gains[np.dtype(char).num] = own
    gathers = 0 if op is None else GATHERING_LOSS
    return struct.pack(
        f"{len(gains) + 4}d", *gains, at, short_rows, gathers, op is not None and _keeps_floats(op)
    )


def _keeps_floats(op: Op) -> bool:
    """Whether the operation is a ufunc whose result of float32 or float64 has that dtype."""
    if op.reduce is not None or not isinstance(op.meaning, np.ufunc):
        return False
    try:
        return all(op.resolve((dtype,) * op.nin)[-1] == dtype for dtype in (FLOAT32, FLOAT64))
    except TypeError:
        return False


# Elements that lie apart (``x[::2]``) are gathered into tiles first, which NumPy's loops spare
# themselves: a call alone pays with so many times more elements, and a cheap one never.
GATHERING_LOSS = 64


def gain_apart(gain: float) -> float:
    """What is left of an operation's gain where no two elements are neighbours in memory."""
    return gain / GATHERING_LOSS if gain >= GATHERING_LOSS else 0


# What to do instead of what NumPy computes, by how the reason begins or ends; "" is any other.
_ADVICE = (
    ("", "is computed by NumPy", "Use a dtype with kernels: x.astype(...)."),
    ("unaligned memory", "", "Copy the array first: x.copy()."),
    ("floating-point conditions", "", "Let numpy.errstate warn or ignore."),
    ("NumPy reports the conditions", "", "Let numpy.errstate ignore them."),
    ("arguments", "", "Call it without out=, where=, initial= or order=: they have no kernel."),
    ("out, initial or where", "", "Call it without them: x[...] = result, np.where(mask, x, 0)."),
    ("operand of", "", "Give it an array or a number."),
    ("", "", "Compose it of what has a kernel, or hand it over: f(np.asarray(x))."),
)


def _advice(reason: str) -> str:
    return next(
        text for begin, end, text in _ADVICE if reason.startswith(begin) and reason.endswith(end)
    )


def deferral(name: str, reason: str) -> float:
    """When a call that NumPy does for us begins, for ``deferred``; StrictError in strict mode.

    Calls on arrays below the threshold are NumPy's by design, and its errors its own: they are no
    deferrals.
    """
    if reason == engine.BELOW:
        return 0.0
    if SETTINGS.get().strict and reason != engine.NUMPYS_ERROR:
        raise StrictError(
            f"trueno.{name}: would be handed to NumPy: {reason}. {_advice(reason)} "
            "Or allow it: trueno.config(strict=False)."
        )
    return stats.now()


def deferred(name: str, reason: str, start: float) -> None:
    """Counts a call that NumPy has done, if ``deferral`` says when it began."""
    if start:
        stats.tell("numpy", "numpy", (name, reason), start)


def call_numpy(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None = None,
    *,
    name: str | None = None,
    reason: str = "no kernel",
    writes: tuple[Any, ...] = (),
) -> Any:
    """``f(*args, **kwargs)`` by NumPy on host arrays, at once; handles in, handles out.

    writes: the arguments that ``f`` changes in place, beside ``out``. Results that are views of an
    argument's memory stay views of it. Raises what NumPy raises, with ``name`` in front.
    """
    start = deferral(name or f.__name__, reason)
    kwargs = kwargs or {}
    out = kwargs.get("out")
    at = _out_position(f)
    if out is None and at is not None and len(args) > at:
        out = args[at]
    outs: tuple[Any, ...] = () if out is None else out if isinstance(out, tuple) else (out,)
    for target in (*writes, *outs):
        if isinstance(target, Handle):
            before_write(target)
    handles: list[Any] = []
    given = [unwrapped(x, handles) for x in args]
    try:
        named_given = {key: unwrapped(x, handles) for key, x in kwargs.items()}
        result = called(f, *given, **named_given)
    except Exception as error:
        raise named(error, name or f.__name__) from None
    finally:
        if start:
            deferred(name or f.__name__, reason, start)
    if outs and isinstance(result, tuple):
        return tuple([_returned(x, outs, handles) for x in result])
    return _returned(result, outs, handles)


def at_once(name: str, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """``f`` on host arrays by NumPy where that is no deferral but the fastest way: a handle."""
    try:
        return wrap_value(f(*args, **kwargs))
    except Exception as error:
        raise named(error, name) from None


# Where ``out`` stands among the arguments of functions that do not tell.
_OUT = {
    "choose": 2, "compress": 3, "concatenate": 2, "cumprod": 3, "cumsum": 3, "dot": 2, "take": 3,
    "trace": 5,
}  # fmt: skip


@functools.lru_cache(maxsize=1024)
def _out_position(f: Callable[..., Any]) -> int | None:
    """The position of ``out`` among a function's positional arguments, if it has one there."""
    if isinstance(f, np.ufunc):  # NumPy gives us a ufunc's outputs by keyword
        return None
    try:
        parameters = inspect.signature(f).parameters
    except (TypeError, ValueError):
        return _OUT.get(getattr(f, "__name__", ""))
    if "out" not in parameters or parameters["out"].kind is inspect.Parameter.KEYWORD_ONLY:
        return None
    return list(parameters).index("out")


def _returned(x: Any, outs: tuple[Any, ...], handles: list[Any]) -> Any:
    """``rewrap``, but what the caller gave as ``out`` comes back as it is."""
    return x if any(x is out for out in outs) else rewrap(x, handles)


def before_write(handle: Handle) -> None:
    """Readies the handle's host memory for a write that NumPy does now."""
    buffer = handle._buffer
    if buffer is not None and (buffer.readers or buffer.device is not None or not buffer.plain):
        engine.before_write(buffer)


def _unwrap(x: Any, handles: list[Any]) -> Any:
    """``x`` with every handle in it, in nested sequences too, replaced by its host array.

    Notes the handles, and the ndarrays, which results may be views of.
    """
    kind = type(x)
    if kind is Handle.result_class:
        handles.append(x)
        buffer = x._buffer
        return x._array if buffer is None or buffer.plain else engine.host(x._array, buffer)
    if kind is tuple or kind is list:
        found = len(handles)
        items = [_unwrap(item, handles) for item in x]
        return x if len(handles) == found else kind(items)
    if kind is dict:
        return {key: _unwrap(item, handles) for key, item in x.items()}
    if kind is np.ndarray:
        handles.append(x)
    elif kind not in WHOLE and isinstance(x, Sequence) and not isinstance(x, (str, bytes)):
        # A named tuple, a deque, ...: NumPy would look into it and call us back.
        found = len(handles)
        items = [_unwrap(item, handles) for item in x]
        return x if len(handles) == found else items
    return x


def unwrapped(x: Any, handles: list[Any] | None = None) -> Any:
    """``_unwrap``, but of a list that holds itself: NumPy says what it thinks of it."""
    try:
        return _unwrap(x, [] if handles is None else handles)
    except RecursionError:
        return x


def converted(x: Any) -> Any:
    """What NumPy can make an array of: ``x``, or what its ``__array__`` gives, if that is ours.

    A class written for NumPy makes that with ``asarray``, which in the drop-in is ours.
    """
    if isinstance(x, Handle) or not hasattr(x, "__array__") or isinstance(x, type):
        return x
    if isinstance(x, (np.ndarray, np.generic)):
        return x
    try:
        return np.asarray(x)
    except ValueError:
        array = x.__array__()
        if not isinstance(array, Handle):
            raise
        return host(array)


def _converted_items(x: Any) -> Any:
    if type(x) is tuple or type(x) is list:
        return type(x)([_converted_items(item) for item in x])
    return converted(x)


def converted_items(x: Any) -> Any:
    """``converted``, of what stands in nested tuples and lists too; of lists in themselves, not."""
    try:
        return _converted_items(x)
    except RecursionError:
        return x


# NumPy's error where an object's ``__array__`` gives one of ours, which it does not know.
_NOT_NUMPYS = "object __array__ method not producing an array"


def called(f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """``f(*args, **kwargs)``, if need be of what ``converted_items`` makes of them."""
    try:
        return f(*args, **kwargs)
    except ValueError as error:
        if error.args != (_NOT_NUMPYS,):
            raise
    given = [converted_items(x) for x in args]
    return f(*given, **{key: converted_items(x) for key, x in kwargs.items()})


# Types that hold no handles, of which most arguments are.
WHOLE = SCALARS | {
    str, bytes, np.str_, np.bytes_, np.void, bytearray, memoryview, range, type(None), type,
}  # fmt: skip


def rewrap(x: Any, handles: list[Any]) -> Any:
    """A NumPy result with every array in it as a handle: on shared memory where it is a view."""
    kind = type(x)
    if kind is np.ndarray:
        for handle in handles:
            if type(handle) is not np.ndarray and x is handle._array:
                return handle
        root = root_of(x)
        between = getattr(root.base, "base", None)  # NumPy's stride tricks put an object there
        if type(between) is np.ndarray:
            root = root_of(between)
        for handle in handles:
            if type(handle) is np.ndarray:
                if root is root_of(handle):
                    return handle_on(x, foreign_buffer(x))
            elif root is root_of(handle._array):
                return handle_on(x, buffer_of(handle))
        if root.base is not None:  # memory of another kind of object: bytes, a file, an export
            return handle_on(x, foreign_buffer(x))
        return pinned(wrap(x), handles)
    if isinstance(x, np.generic):
        return pinned(scalar(x), handles)
    if isinstance(x, tuple):
        items = [rewrap(item, handles) for item in x]
        return kind(*items) if hasattr(x, "_fields") else tuple(items)
    if kind is list:
        return [rewrap(item, handles) for item in x]
    return x


def pinned(result: Any, handles: list[Any]) -> Any:
    """``result`` on the device that the operands are pinned to."""
    for handle in handles:
        source = None if type(handle) is np.ndarray else handle._buffer
        if source is not None and source.pin != "auto":
            buffer_of(result).pin_to(source.pin)
            break
    return result
