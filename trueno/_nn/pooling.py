"""Pooling: the largest element, or the mean, of windows that slide over the last axes."""

from __future__ import annotations

from typing import Any

from trueno._array_api._support import given
from trueno._nn.arguments import (
    SPATIAL,
    Numbers,
    batched,
    check_axes,
    floating,
    numbers,
    window_count,
    windowed,
)

__all__ = ["avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d"]


def max_pool1d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """The largest of every ``kernel_size`` elements along the last axis; NaN where there is one.

    x:         (N, C, L), or (C, L), of real numbers
    stride:    the step from one window to the next; None: ``kernel_size``
    padding:   elements on either side that are never the largest, at most half a window's reach
    dilation:  the step between the elements of a window
    ceil_mode: whether a last window may reach over the end; it begins within x or its left padding

    Returns (N, C, (L + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1), of the dtype
    of x; with ``ceil_mode`` the quotient is rounded up. Raises ValueError for numbers that do not
    fit, TypeError for what is no integer and for arrays of other than real numbers.
    """
    return _pool("max_pool1d", 1, x, kernel_size, stride, padding, dilation, ceil_mode, None)


def max_pool2d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """The largest element of every window of the last two axes; NaN where it holds one.

    x is (N, C, H, W) or (C, H, W); numbers are integers for both axes or pairs (height, width).
    Otherwise as ``max_pool1d``, axis by axis.
    """
    return _pool("max_pool2d", 2, x, kernel_size, stride, padding, dilation, ceil_mode, None)


def avg_pool1d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of every ``kernel_size`` elements along the last axis.

    count_include_pad: whether zeros of the padding count as elements. What a last window holds
    beyond the padding never does.

    dtypes: floating-point ones stay, integers become float64. Otherwise as ``max_pool1d``.
    """
    return _pool("avg_pool1d", 1, x, kernel_size, stride, padding, 1, ceil_mode, count_include_pad)


def avg_pool2d(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of every window of the last two axes.

    x is (N, C, H, W) or (C, H, W); numbers are integers for both axes or pairs (height, width).
    Otherwise as ``avg_pool1d``, axis by axis.
    """
    return _pool("avg_pool2d", 2, x, kernel_size, stride, padding, 1, ceil_mode, count_include_pad)


def _pool(
    name: str,
    ndim: int,
    x: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    count_padding: bool | None,
) -> Any:
    """Means where ``count_padding`` says what to count; the largest elements where it is None."""
    if count_padding is None and given(x).dtype.kind in "iu":
        x, dtype = given(x), given(x).dtype
    else:
        (x,), dtype = floating(name, x)
    x, alone = batched(x, ndim)
    check_axes(name, "x", x, ("N", "C", *SPATIAL[ndim]))
    kernel = numbers(name, "kernel_size", kernel_size, ndim, 1)
    steps = kernel if stride is None else numbers(name, "stride", stride, ndim, 1)
    pads = numbers(name, "padding", padding, ndim, 0)
    spread = numbers(name, "dilation", dilation, ndim, 1)
    reach = tuple([d * (k - 1) + 1 for d, k in zip(spread, kernel, strict=True)])
    if any(2 * p > r for p, r in zip(pads, reach, strict=True)):
        raise ValueError(
            f"trueno.{name}: padding must be at most half of what a window reaches over, "
            f"{reach}, not {pads}"
        )
    axes = list(zip(x.shape[2:], reach, steps, pads, strict=True))
    size = tuple([_count(name, ceil_mode, *axis) for axis in axes])
    params: dict[str, Any] = {
        "kernel": kernel,
        "stride": steps,
        "padding": tuple(
            [
                (p, max(0, (m - 1) * s + r - n - p))
                for m, (n, r, s, p) in zip(size, axes, strict=True)
            ]
        ),
    }
    if count_padding is None:
        params["dilation"] = spread
    else:
        params["counts"] = tuple(
            [_elements(m, bool(count_padding), *axis) for m, axis in zip(size, axes, strict=True)]
        )
    routine = "max_pool" if count_padding is None else "avg_pool"
    return windowed(name, routine, (x,), params, size, x.shape[1], alone, dtype)


def _count(name: str, ceil_mode: bool, n: int, reach: int, stride: int, pad: int) -> int:
    """Windows along an axis: a last one begins within it or the padding in front."""
    count = window_count(name, n, reach, stride, 2 * pad, ceil_mode)
    return count - 1 if ceil_mode and (count - 1) * stride >= n + pad else count


def _elements(count: int, padding: bool, n: int, reach: int, stride: int, pad: int) -> Numbers:
    """How many elements each window along an axis holds, with or without those of the padding."""
    first, last = (-pad, n + pad) if padding else (0, n)
    starts = [i * stride - pad for i in range(count)]
    return tuple([min(start + reach, last) - max(start, first) for start in starts])
