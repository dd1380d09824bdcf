"""Linear layers and convolutions, as functions of their weights."""

from __future__ import annotations

from typing import Any

from trueno._nn.arguments import (
    SPATIAL,
    Numbers,
    Pairs,
    batched,
    check_axes,
    floating,
    numbers,
    returned,
    window_count,
    windowed,
)

__all__ = ["conv1d", "conv2d", "linear"]


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """x @ weight.T + bias: ``x`` (..., I), ``weight`` (O, I), ``bias`` (O) or None: (..., O).

    dtypes promote as NumPy's. Raises ValueError where the shapes do not fit.
    """
    arrays, dtype = floating("linear", x, weight, *([] if bias is None else [bias]))
    x, weight, *rest = arrays
    check_axes("linear", "weight", weight, ("O", "I"))
    if x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"trueno.linear: x must have a last axis of {weight.shape[1]}, as weight "
            f"{weight.shape} says, not shape {x.shape}"
        )
    result = x @ weight.T
    if rest:
        _check_bias("linear", rest[0], weight.shape[0])
        result = result + rest[0]
    return returned(result, dtype)


def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The cross-correlation of sequences with a kernel of weights, one for each output channel.

    x:        (N, C, L), or (C, L) for one alone
    weight:   (O, C / groups, K)
    bias:     (O), added to the output channels, or None
    stride, dilation: steps between windows, and between the elements of one
    padding:  zeros on either side; "valid" (none) or "same" (L stays; needs stride 1; of an odd
              number of zeros the greater part goes behind)
    groups:   the channels fall in so many groups, each for O / groups output channels

    Returns (N, O, (L + padding - dilation * (K - 1) - 1) // stride + 1). dtypes promote as NumPy's;
    float16 is computed in float32. The order of additions depends on the shapes alone. Raises
    ValueError where shapes or numbers do not fit, TypeError for complex numbers and objects.
    """
    return _convolve("conv1d", 1, x, weight, bias, stride, padding, dilation, groups)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """The cross-correlation of images with a kernel of weights, one for each output channel.

    x:        (N, C, H, W), or (C, H, W) for one alone
    weight:   (O, C / groups, KH, KW)
    stride, padding, dilation: an integer for both axes or a pair (height, width)

    Returns (N, O, H', W'). Otherwise as ``conv1d``, axis by axis.
    """
    return _convolve("conv2d", 2, x, weight, bias, stride, padding, dilation, groups)


_KERNEL = {1: ("K",), 2: ("KH", "KW")}


def _convolve(
    name: str,
    ndim: int,
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
) -> Any:
    arrays, dtype = floating(name, x, weight, *([] if bias is None else [bias]))
    x, weight = arrays[:2]
    x, alone = batched(x, ndim)
    arrays[0] = x
    check_axes(name, "x", x, ("N", "C", *SPATIAL[ndim]))
    check_axes(name, "weight", weight, ("O", "C / groups", *_KERNEL[ndim]))
    if bias is not None:
        _check_bias(name, arrays[2], weight.shape[0])
    steps = numbers(name, "stride", stride, ndim, 1)
    spread = numbers(name, "dilation", dilation, ndim, 1)
    (count,) = numbers(name, "groups", groups, 1, 1)
    channels, rows = x.shape[1], weight.shape[0]
    if channels != weight.shape[1] * count or rows % count:
        raise ValueError(
            f"trueno.{name}: in {count} groups, weight {weight.shape} takes "
            f"{weight.shape[1] * count} channels and gives a multiple of {count}; "
            f"x {x.shape} has {channels}"
        )
    reach = tuple([d * (k - 1) + 1 for d, k in zip(spread, weight.shape[2:], strict=True)])
    pads = _padding(name, padding, reach, steps)
    axes = zip(x.shape[2:], reach, steps, pads, strict=True)
    size = tuple([window_count(name, n, r, s, sum(pair), False) for n, r, s, pair in axes])
    params = {"stride": steps, "padding": pads, "dilation": spread, "groups": count}
    return windowed(name, "convolve", arrays, params, size, rows, alone, dtype)


def _check_bias(name: str, bias: Any, rows: int) -> None:
    if bias.shape != (rows,):
        raise ValueError(
            f"trueno.{name}: bias must have one element an output, shape ({rows},), "
            f"not {bias.shape}"
        )


def _padding(name: str, padding: Any, reach: Numbers, stride: Numbers) -> Pairs:
    """Zeros before and after each axis."""
    if padding == "valid":
        return ((0, 0),) * len(reach)
    if padding == "same":
        if any(n != 1 for n in stride):
            raise ValueError(f"trueno.{name}: padding='same' needs stride 1, not {stride}")
        return tuple([((n - 1) // 2, n // 2) for n in reach])
    if isinstance(padding, str):
        raise ValueError(
            f"trueno.{name}: padding must be integers, 'same' or 'valid', not {padding!r}"
        )
    return tuple([(n, n) for n in numbers(name, "padding", padding, len(reach), 0)])
