"""What convolution and pooling mean, in NumPy: sums and extremes over windows that slide.

Axes are (batch, channel, *spatial). ``stride``, ``dilation`` hold a number an axis, ``padding`` a
pair (before, after) an axis.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Numbers = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]


def _windows(
    x: Any, kernel: Numbers, stride: Numbers, padding: Pairs, dilation: Numbers, fill: Any
) -> Any:
    """The elements that each position's window holds, in the last axes: a view of padded ``x``."""
    padded = np.pad(x, ((0, 0), (0, 0), *padding), constant_values=fill)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    views = sliding_window_view(padded, reach, tuple(range(2, x.ndim)))
    steps = [slice(None, None, n) for n in (*stride, *dilation)]
    return views[(slice(None), slice(None), *steps)]


def convolve(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: Numbers,
    padding: Pairs,
    dilation: Numbers,
    groups: int,
) -> Any:
    """out[n, o] = bias[o] + the sum over c of the correlation of x[n, c] with weight[o, c].

    x (N, groups * C, *S); weight (O, C, *K), of which each group takes O / groups; bias (O).
    """
    kernel = weight.shape[2:]
    windows = _windows(x, kernel, stride, padding, dilation, 0)
    folded = (1, *range(-len(kernel), 0)), tuple(range(1, weight.ndim))
    parts = [
        np.tensordot(part, filters, folded)
        for part, filters in zip(
            np.split(windows, groups, axis=1), np.split(weight, groups), strict=True
        )
    ]
    result = np.moveaxis(np.concatenate(parts, axis=-1), -1, 1)
    return result if bias is None else result + bias.reshape(-1, *[1] * len(kernel))


def max_pool(x: Any, *, kernel: Numbers, stride: Numbers, padding: Pairs, dilation: Numbers) -> Any:
    """The largest element of each window; NaN where it holds one. Padding is never the largest."""
    least = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    windows = _windows(x, kernel, stride, padding, dilation, least)
    return windows.max(axis=tuple(range(-len(kernel), 0)))


def avg_pool(
    x: Any, *, kernel: Numbers, stride: Numbers, padding: Pairs, counts: tuple[Numbers, ...]
) -> Any:
    """The sum of each window over its number of elements: the product of an axis' ``counts``."""
    windows = _windows(x, kernel, stride, padding, (1,) * len(kernel), 0)
    sums = windows.sum(axis=tuple(range(-len(kernel), 0)))
    areas = functools.reduce(np.multiply, np.ix_(*counts))
    return sums / areas.astype(x.dtype)
