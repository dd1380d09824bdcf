"""The CPU's routines that fold windows and axes: convolution, pooling, matrix products.

float32 and float64; what has another dtype is cast before, or NumPy's.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trueno._backends import _simd
from trueno._backends.routine import Routine, dense, lib, number
from trueno.kinds import FLOAT16, FLOAT32, FLOAT64, NUMBER
from trueno.memory import NDArray, address
from trueno.ops import INVALID, OVERFLOW, UNDERFLOW
from trueno.plan import Call

_new: Any = _simd.ffi.new


def _of_one_float(call: Call) -> bool:
    """Whether all arrays are of one dtype that C computes in, and the results dense."""
    arrays = [view.array for view in (*call.inputs, *call.outputs)]
    dtype = arrays[0].dtype
    floats = dtype in (FLOAT32, FLOAT64) and all(array.dtype == dtype for array in arrays)
    return floats and dense(*call.outputs)


def _pair(numbers: tuple[int, ...], missing: int) -> tuple[int, int]:
    """The numbers of two axes; where there is one axis, ``missing`` is the first one's."""
    return numbers if len(numbers) == 2 else (missing, *numbers)  # type: ignore[return-value]


def _performs_windows(call: Call) -> bool:
    return _of_one_float(call) and call.inputs[0].array.ndim in (3, 4)


def _convolve(call: Call) -> int:
    x, weight, *bias = [np.ascontiguousarray(view.array) for view in call.inputs]
    out, params = call.outputs[0].array, call.params
    groups = params["groups"]
    return _convolution(
        x, weight, bias[0] if bias else None, out,
        batch=x.shape[0], groups=groups, channels=weight.shape[1], rows=weight.shape[0] // groups,
        size=_pair(x.shape[2:], 1), kernel=_pair(weight.shape[2:], 1),
        stride=_pair(params["stride"], 1), dilation=_pair(params["dilation"], 1),
        pad=_pair(tuple([before for before, _ in params["padding"]]), 0),
        result=_pair(out.shape[2:], 1),
    )  # fmt: skip


def _convolution(
    x: NDArray, weight: NDArray, bias: NDArray | None, out: NDArray, **geometry: Any
) -> int:
    at = {
        "x": address(x),
        "weight": address(weight),
        "bias": 0 if bias is None else address(bias),
        "out": address(out),
    }
    return lib.trueno_convolve(_new("Conv *", {"dtype": number(x.dtype), **geometry, **at}))


def _pool(call: Call) -> int:
    x, out, params = np.ascontiguousarray(call.inputs[0].array), call.outputs[0].array, call.params
    counts = [np.array(numbers, np.int64) for numbers in params.get("counts", ())]
    at = [address(numbers) for numbers in counts] or [0]
    pool = {
        "dtype": number(x.dtype),
        "planes": x.shape[0] * x.shape[1],
        "size": _pair(x.shape[2:], 1),
        "kernel": _pair(params["kernel"], 1),
        "stride": _pair(params["stride"], 1),
        "dilation": _pair(params.get("dilation", (1, 1)[: x.ndim - 2]), 1),
        "pad": _pair(tuple([before for before, _ in params["padding"]]), 0),
        "result": _pair(out.shape[2:], 1),
        "x": address(x),
        "out": address(out),
        "counts": at if len(at) == 2 else [address(_ONE) if counts else 0, *at],
    }
    return lib.trueno_pool(_new("Pool *", pool))


# The count along the first axis, where there is one axis.
_ONE = np.ones(1, np.int64)


def _performs_matmul(call: Call) -> bool:
    return all(view.array.dtype in NUMBER for view in (*call.inputs, *call.outputs))


def _matmul(call: Call) -> int:
    """By BLAS where NumPy calls it; by C for what NumPy does with plain loops, or many calls."""
    a, b = [view.array for view in call.inputs]
    out = call.outputs[0].array
    if a.ndim == 1:
        a, out = a[None], out[..., None, :] if b.ndim > 1 else out
    if b.ndim == 1:
        b, out = b[:, None], out[..., None]
    dtype = out.dtype
    if dtype == FLOAT16:
        np.copyto(out, np.matmul(a, b, dtype=FLOAT32), casting="same_kind")
        return 0
    a, b = [x.astype(dtype, copy=False) for x in (a, b)]
    (m, k), n = a.shape[-2:], b.shape[-1]
    if dtype.kind in "iu" and n >= _WIDE and m * k * n >= _LARGE:
        return _integers(_matrices(a, out), _matrices(b, out), out)
    if b.ndim == 2 and out.ndim > 2 and a.flags.c_contiguous:
        a, out = a.reshape(-1, k), out.reshape(-1, n)  # one product instead of a stack
    if out.ndim > 2 and dtype in (FLOAT32, FLOAT64):
        if max(m, k, n) <= _SMALL:
            return _small(_matrices(a, out), _matrices(b, out), out)
        if min(m, n) >= _SMALL and m * k * n <= _SHARED and _gemm(a, b, out):
            return 0
    np.matmul(_for_blas(a), _for_blas(b), out=out)
    return 0


# Matrices with no longer side are multiplied sooner than BLAS is called.
_SMALL = 4
# Multiplications of a product that BLAS shares among the threads as well as a stack can be.
_SHARED = 1 << 20
# Of integer matrices: columns that fill vectors, and multiplications that pay for the packing.
_WIDE = 16
_LARGE = 1 << 15


def _for_blas(x: NDArray) -> NDArray:
    """The array, in C order unless rows or columns of its matrices are contiguous."""
    rows, columns = x.strides[-2:]
    size = x.itemsize
    if (columns == size and rows >= size * x.shape[-1]) or (
        rows == size and columns >= size * x.shape[-2]
    ):
        return x
    return np.ascontiguousarray(x)


def _matrices(x: NDArray, out: NDArray) -> NDArray:
    """Dense matrices: one for all of ``out``'s, or as many."""
    if all(n == 1 for n in x.shape[:-2]):
        return np.ascontiguousarray(x.reshape(x.shape[-2:]))
    return np.ascontiguousarray(np.broadcast_to(x, (*out.shape[:-2], *x.shape[-2:])))


def _small(a: NDArray, b: NDArray, out: NDArray) -> int:
    (m, k), n = a.shape[-2:], b.shape[-1]
    return lib.trueno_small_products(
        number(a.dtype),
        address(a), m * k if a.ndim > 2 else 0,
        address(b), k * n if b.ndim > 2 else 0,
        address(out), out.size // (m * n), m, k, n,
    )  # fmt: skip


# What NumPy would warn of, or raise.
_CONDITIONS = (("over", OVERFLOW), ("under", UNDERFLOW), ("invalid", INVALID))


def _gemm(a: NDArray, b: NDArray, out: NDArray) -> bool:
    """Computes a stack of products in C, unless NumPy has to: for its warnings, or all of it."""
    a, b = _stacked(a, out), _stacked(b, out)
    steps = [[n // x.itemsize for n in x.strides] for x in (a, b)]
    product = {
        "dtype": number(a.dtype),
        "count": math.prod(out.shape[:-2]),
        "m": a.shape[-2], "k": a.shape[-1], "n": b.shape[-1],
        "a": address(a), "a_step": steps[0][0], "a_row": steps[0][1], "a_k": steps[0][2],
        "b": address(b), "b_step": steps[1][0], "b_k": steps[1][1], "b_column": steps[1][2],
        "out": address(out),
    }  # fmt: skip
    status = lib.trueno_gemm(_new("Gemm *", product))
    modes: Any = np.geterr()
    told = sum(bit for name, bit in _CONDITIONS if modes[name] != "ignore")
    return status >= 0 and not status & told


def _stacked(x: NDArray, out: NDArray) -> NDArray:
    """As many matrices as ``out`` has, along one axis: a view where strides can say it."""
    stack = out.shape[:-2]
    if len(stack) > 1 and math.prod(x.shape[:-2]) == 1:
        stack = (math.prod(stack),)
        x = x.reshape(x.shape[-2:])
    return np.broadcast_to(x, (*stack, *x.shape[-2:])).reshape(-1, *x.shape[-2:])


def _integers(a: NDArray, b: NDArray, out: NDArray) -> int:
    """A product as a convolution of ``b`` with kernels of one element, the rows of ``a``."""
    (m, k), n = a.shape[-2:], b.shape[-1]
    count = out.size // (m * n)
    if b.ndim == 2 and a.ndim > 2:
        batch, groups, rows = 1, 1, count * m
    else:
        batch, groups, rows = (count, 1, m) if a.ndim == 2 else (1, count, m)
    ones = (1, 1)
    return _convolution(
        b, a, None, out,
        batch=batch, groups=groups, channels=k, rows=rows, size=(1, n), kernel=ones,
        stride=ones, dilation=ones, pad=(0, 0), result=(1, n),
    )  # fmt: skip


def _performs_correlate(call: Call) -> bool:
    x, weight = [view.array for view in call.inputs]
    return x.dtype == weight.dtype and x.dtype.kind in "iuf" and x.dtype != FLOAT16


def _correlate(call: Call) -> int:
    """A convolution of one channel and image; blocks of it are shared among the threads."""
    x, weight = [np.ascontiguousarray(view.array) for view in call.inputs]
    out = call.outputs[0].array
    ones = (1, 1)
    return _convolution(
        x, weight, None, out,
        batch=1, groups=1, channels=1, rows=1, size=(1, x.size), kernel=(1, weight.size),
        stride=ones, dilation=ones, pad=(0, call.params["before"]), result=(1, out.size),
    )  # fmt: skip


ROUTINES: dict[str, Routine] = {
    "correlate": Routine(_performs_correlate, _correlate),
    "convolve": Routine(_performs_windows, _convolve),
    "max_pool": Routine(_performs_windows, _pool),
    "avg_pool": Routine(_performs_windows, _pool),
    "matmul": Routine(_performs_matmul, _matmul),
    "matmul_without_blas": Routine(_performs_matmul, _matmul),
}
