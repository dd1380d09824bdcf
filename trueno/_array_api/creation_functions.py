"""Creation functions (the standard's chapter "Creation Functions").

``device`` is "auto" (Trueno places the work), "cpu", "gpu" or None, which means "auto", and for the
``*_like`` functions the device of the array. ValueError for a device that is unknown or missing.
``like``, as NumPy's, is an array of another library that makes the array.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno._array_api._support import call, converted, created, given, implements, same_device
from trueno._array_api.manipulation_functions import broadcast_arrays
from trueno.array import check_device
from trueno.config import SETTINGS
from trueno.dispatch import elementwise
from trueno.errors import named
from trueno.handles import Handle, buffer_of, copied, foreign_buffer, handle_on, wrap
from trueno.handover import host
from trueno.kinds import NUMBER
from trueno.ops import OPS

__all__ = [
    "arange",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "full",
    "full_like",
    "linspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tril",
    "triu",
    "zeros",
    "zeros_like",
]


_DLPACK_CPU = 1
_DLPACK_COPY = np.lib.NumpyVersion(np.__version__) >= "2.1.0"


@implements(np.asarray, np.asanyarray)
def asarray(
    a: Any,
    dtype: Any = None,
    order: Any = None,
    *,
    device: Any = None,
    copy: bool | None = None,
    like: Any = None,
) -> Any:
    """An array of ``a``: an array, a scalar, (nested) sequences of those, or a buffer.

    copy: True always copies; False never does (ValueError where that is impossible); None copies
    whatever is not a TruenoArray already, so that the result owns its memory (in the drop-in as
    little as NumPy does: an ndarray's memory is shared). ``order`` is NumPy's.
    """
    if like is not None and not isinstance(like, (Handle, np.ndarray)):
        return created("asarray", device, np.asarray, a, dtype, order, copy=copy, like=like)
    if isinstance(a, Handle):
        return _from_handle(a, dtype, order, device, copy)
    check_device("auto" if device is None else device, "asarray")
    try:
        if copy is False:
            array = np.asarray(a, dtype, order, copy=False)
            result = handle_on(array, foreign_buffer(array))
        elif copy is None and SETTINGS.get().dropin:
            array = np.asarray(converted(a), dtype, order)
            others = hasattr(a, "__array__") and not isinstance(a, np.ndarray)
            apart = array is not a and array.base is None and not others
            result = wrap(array) if apart else handle_on(array, foreign_buffer(array))
        else:
            a = converted(a)  # another library's array need not know of ``copy``
            # Not "dtype in (None, ...)": NumPy's float64 equals None.
            same = type(a) is np.ndarray and order in (None, "K")
            same = same and (dtype is None or dtype == a.dtype)
            result = copied(a) if same else wrap(np.array(a, dtype, order=order or "K", copy=True))
    except Exception as error:
        raise named(error, "asarray") from None
    return same_device(result, None, device, "asarray")


def _from_handle(x: Any, dtype: Any, order: Any, device: Any, copy: bool | None) -> Any:
    wanted = x.dtype if dtype is None else np.dtype(dtype)
    flags = x._array.flags
    laid_out = (
        order in (None, "K", "A")
        or (order == "C" and flags.c_contiguous)
        or (order == "F" and flags.f_contiguous)
    )
    moved = device is not None and device != x.device
    if wanted == x.dtype and laid_out and not moved:
        return x.copy(order or "K") if copy else x
    if copy is False:
        raise ValueError(
            "trueno.asarray: copy=False, but the dtype, order or device asked for needs a copy"
        )
    if moved:
        check_device(device, "asarray")
    result = x.astype(wanted) if laid_out else x.astype(wanted, order=order)
    return same_device(result, x, device, "asarray")


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """An array over the memory that ``x`` exports through DLPack, or a copy of it.

    device: where the result is pinned. copy: True copies; False and None share the memory, but that
    None copies to reach a GPU. Raises BufferError or ValueError where the exporter cannot share.
    """
    if device is not None:
        check_device(device, "from_dlpack")
    to_gpu = device == "gpu"
    if to_gpu and copy is False and not (isinstance(x, Handle) and buffer_of(x).pin == "gpu"):
        raise ValueError("trueno.from_dlpack: memory cannot be shared with a GPU; copy it")
    if isinstance(x, Handle):
        if copy or (device is not None and device != buffer_of(x).pin):
            return same_device(wrap(host(x).copy()), x, device, "from_dlpack")
        try:
            np.from_dlpack(x._array)  # BufferError for what cannot be told in DLPack
        except Exception as error:
            raise named(error, "from_dlpack") from None
        return handle_on(x._array.view(), buffer_of(x))
    keywords: dict[str, Any] = {}  # NumPy 2.0 knows none: given only where they matter
    try:
        if device is not None and x.__dlpack_device__()[0] != _DLPACK_CPU:
            keywords["device"] = "cpu"
        if copy is False and _DLPACK_COPY:
            keywords["copy"] = False
        array = np.from_dlpack(x, **keywords)
    except Exception as error:
        raise named(error, "from_dlpack") from None
    apart = copy or to_gpu
    result = wrap(array.copy()) if apart else handle_on(array, foreign_buffer(array))
    return same_device(result, None, device, "from_dlpack")


@implements(np.arange)
def arange(
    start: Any = None,
    stop: Any = None,
    step: Any = 1,
    dtype: Any = None,
    *,
    device: Any = None,
    like: Any = None,
) -> Any:
    """Values from ``start`` (0 if it is the only one) up to, without, ``stop``, one axis.

    Raises ZeroDivisionError for a ``step`` of 0.
    """
    if stop is None:
        if start is None:
            raise TypeError("trueno.arange: arange() requires stop to be specified.")
        start, stop = 0, start
    start = 0 if start is None else start
    return created("arange", device, np.arange, start, stop, step, dtype=dtype, like=like)


@implements(np.empty)
def empty(
    shape: Any, dtype: Any = None, order: Any = "C", *, device: Any = None, like: Any = None
) -> Any:
    """An array of ``shape`` (float64 by default) whose contents are arbitrary."""
    return created("empty", device, np.empty, shape, dtype, order, like=like)


@implements(np.zeros)
def zeros(
    shape: Any, dtype: Any = None, order: Any = "C", *, device: Any = None, like: Any = None
) -> Any:
    """Zeros of ``shape``, float64 by default."""
    return created("zeros", device, np.zeros, shape, dtype, order, like=like)


@implements(np.ones)
def ones(
    shape: Any, dtype: Any = None, order: Any = "C", *, device: Any = None, like: Any = None
) -> Any:
    """Ones of ``shape``, float64 by default."""
    return created("ones", device, np.ones, shape, dtype, order, like=like)


@implements(np.full)
def full(
    shape: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "C",
    *,
    device: Any = None,
    like: Any = None,
) -> Any:
    """``fill_value`` everywhere in an array of ``shape``; by default in the value's own dtype."""
    return created("full", device, np.full, shape, fill_value, dtype, order, like=like)


def _like(f: Any, x: Any, *args: Any, shape: Any, dtype: Any, order: Any, device: Any) -> Any:
    """NumPy's ``*_like`` function; only the layout of ``x`` is read: it may stay pending."""
    x = given(x)
    try:
        result = wrap(f(x._array, *args, dtype, order, False, shape))
    except Exception as error:
        raise named(error, f.__name__) from None
    return same_device(result, x, device, f.__name__)


@implements(np.empty_like)
def empty_like(
    prototype: Any,
    /,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """An array like ``prototype`` in shape, dtype and layout, with arbitrary contents."""
    return _like(
        np.empty_like, prototype,
        shape=shape, dtype=dtype, order=order, device=device,
    )  # fmt: skip


@implements(np.zeros_like)
def zeros_like(
    a: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """Zeros in the shape, dtype and layout of ``a``."""
    return _like(np.zeros_like, a, shape=shape, dtype=dtype, order=order, device=device)


@implements(np.ones_like)
def ones_like(
    a: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """Ones in the shape, dtype and layout of ``a``."""
    return _like(np.ones_like, a, shape=shape, dtype=dtype, order=order, device=device)


@implements(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """``fill_value`` everywhere, in the shape, dtype and layout of ``a``."""
    return _like(
        np.full_like, a, host(fill_value),
        shape=shape, dtype=dtype, order=order, device=device,
    )  # fmt: skip


@implements(np.eye)
def eye(
    N: int,
    M: int | None = None,
    k: int = 0,
    dtype: Any = None,
    order: Any = "C",
    *,
    device: Any = None,
    like: Any = None,
) -> Any:
    """Ones on diagonal ``k`` (above the main one for k > 0) of N rows, M columns of zeros, float64.

    M: None for as many columns as rows.
    """
    dtype = np.float64 if dtype is None else dtype
    return created("eye", device, np.eye, N, M, k, dtype, order, like=like)


@implements(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """``num`` evenly spaced values from ``start`` to ``stop``; without ``endpoint``, up to it.

    With ``retstep`` a tuple of the array and the step. Raises ValueError for a negative ``num``.
    """
    if not retstep:
        return created(
            "linspace", device, np.linspace, start, stop, num, endpoint, dtype=dtype, axis=axis
        )
    result, step = call(np.linspace, start, stop, num, endpoint, True, dtype, axis)
    return same_device(result, None, device, "linspace"), step


@implements(np.meshgrid)
def meshgrid(*arrays: Any, copy: bool = True, sparse: bool = False, indexing: Any = "xy") -> Any:
    """Coordinate matrices of one-dimensional coordinate vectors: a tuple of arrays.

    indexing: "xy" (Cartesian: the first two axes swapped) or "ij" (matrix); ValueError for others.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"trueno.meshgrid: indexing is {indexing!r}, not 'xy' or 'ij'")
    count = len(arrays)
    shapes = [[-1 if i == j else 1 for j in range(count)] for i in range(count)]
    if indexing == "xy" and count > 1:
        for shape in shapes:
            shape[0], shape[1] = shape[1], shape[0]
    grids = [given(x).reshape(shape) for x, shape in zip(arrays, shapes, strict=True)]
    if not sparse:
        grids = list(broadcast_arrays(*grids))
    return tuple([x.copy() for x in grids] if copy else grids)


def _triangle(x: Any, k: int, lower: bool) -> Any:
    x = given(x)
    if x.ndim < 2 or x.dtype not in NUMBER:
        return call(np.tril if lower else np.triu, x, k)
    rows, columns = x.shape[-2:]
    mask = np.tri(rows, columns, k if lower else k - 1, dtype=bool)
    zero = x.dtype.type(0)
    return elementwise(OPS["where"], wrap(mask), *((x, zero) if lower else (zero, x)))


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """The lower triangles of (stacked) matrices, zeros above diagonal ``k``; a copy."""
    return _triangle(m, k, True)


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """The upper triangles of (stacked) matrices, zeros below diagonal ``k``; a copy."""
    return _triangle(m, k, False)
