"""The operation table: one frozen row a primitive, and every list of operations computed from it.

A row says what an operation *means* (a NumPy callable), how its dtypes resolve, which
floating-point conditions it may report, and how it is spelt in WGSL. The C spelling stands in
``csrc/ops.def``, one line an operation; ``trueno._backends.simd`` asserts at import that both
tables hold the same names.
To add an elementwise operation, add one row here and one line there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trueno import windows
from trueno.gains import GAINS
from trueno.kinds import Dtype

# Floating-point conditions, as bits: the order of NumPy's own FPE flags.
DIVIDE, OVERFLOW, UNDERFLOW, INVALID = 1, 2, 4, 8
_RAISES = {"d": DIVIDE, "o": OVERFLOW, "u": UNDERFLOW, "i": INVALID}


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One primitive.

    name:    the array API standard's name, or the field's where the standard has none
    nin:     number of operands
    meaning: the NumPy callable that defines the result
    types:   the ufunc whose promotion rules the operation follows (``meaning`` if it is one)
    raises:  conditions that NumPy may report: d(ivide by zero) o(verflow) u(nderflow) i(nvalid)
    wgsl:    WGSL expression of {0}, {1}, {2} and the type's suffix {T}; None: no GPU kernel
    reduce:  for a reduction, how two partial results combine; its ``meaning`` takes ``axis``
    gains:   by dtype character: with how many times fewer elements than a cheap operation it pays
             alone (``trueno.gains``)
    group:   where it is exported: "standard", "numpy" (beyond the standard) or "nn" (activations)
    """

    name: str
    nin: int
    meaning: Callable[..., Any]
    types: np.ufunc | None
    raises: int
    wgsl: str | None
    reduce: str | None = None
    gains: Mapping[str, int] = field(default_factory=dict)
    group: str = "standard"

    def __repr__(self) -> str:
        return f"<trueno op {self.name}>"

    def gain(self, dtype: Dtype) -> int:
        """With how many times fewer elements than a cheap operation this one pays in ``dtype``."""
        return self.gains.get(dtype.char, 1)

    def raises_in(self, dtype: Dtype) -> int:
        """The conditions that NumPy may report for operands of ``dtype``.

        Of complex operands any: theirs are the conditions of the steps that a formula takes.
        """
        return DIVIDE | OVERFLOW | UNDERFLOW | INVALID if dtype.kind == "c" else self.raises

    def resolve(self, dtypes: tuple[Any, ...]) -> tuple[Dtype, ...]:
        """Input dtypes and the result dtype, by NumPy's promotion (NEP 50).

        ``dtypes`` holds a dtype for an array and int, float or complex for a Python scalar.
        Raises TypeError where NumPy has no loop.
        """
        ufunc = self.types
        if ufunc is None:
            raise TypeError(f"{self.name} has no promotion rule of its own")
        resolved: tuple[Dtype, ...] = ufunc.resolve_dtypes((*dtypes, *((None,) * ufunc.nout)))
        return (*resolved[: self.nin], resolved[-1])


# ---------------------------------------------------------------- meanings that NumPy lacks

_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)


def _elementwise_from_python(f: np.ufunc) -> Callable[..., Any]:
    def apply(x: Any) -> Any:
        x = np.asarray(x)
        dtype = np.exp.resolve_dtypes((x.dtype, None))[-1]
        return np.asarray(f(x.astype(np.float64)), dtype=np.float64).astype(dtype)

    return apply


def _float(x: Any) -> Any:
    """``x`` in the dtype that ``numpy.exp`` would return for it."""
    x = np.asarray(x)
    return x.astype(np.exp.resolve_dtypes((x.dtype, None))[-1], copy=False)


def _one(x: Any) -> Any:
    return x.dtype.type(1)


def _rsqrt(x: Any) -> Any:
    x = _float(x)
    return _one(x) / np.sqrt(x)


def _relu(x: Any) -> Any:
    return np.maximum(x, np.asarray(x).dtype.type(0))


def _leaky_relu(x: Any, slope: Any) -> Any:
    x = _float(x)
    return np.where(x > 0, x, x * x.dtype.type(slope))


def _elu(x: Any, alpha: Any) -> Any:
    x = _float(x)
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)) * x.dtype.type(alpha))


SELU_ALPHA = 1.6732632423543772848170429916717  # Klambauer et al. 2017, Self-Normalizing Networks
SELU_SCALE = 1.0507009873554804934193349852946


def _selu(x: Any) -> Any:
    x = _float(x)
    negative = np.expm1(np.minimum(x, 0)) * x.dtype.type(SELU_ALPHA)
    return np.where(x > 0, x, negative) * x.dtype.type(SELU_SCALE)


def _sigmoid(x: Any) -> Any:
    x = _float(x)
    z = np.exp(-np.abs(x))
    return np.where(x >= 0, _one(x), z) / (_one(x) + z)


def _silu(x: Any) -> Any:
    x = _float(x)
    return x * _sigmoid(x)


def _softplus(x: Any) -> Any:
    x = _float(x)
    return np.logaddexp(x, x.dtype.type(0))


def _mish(x: Any) -> Any:
    x = _float(x)
    return x * np.tanh(_softplus(x))


def _gelu(x: Any) -> Any:
    x = _float(x)
    half, root = x.dtype.type(0.5), x.dtype.type(math.sqrt(0.5))
    return x * half * (_one(x) + _elementwise_from_python(_erf)(x * root))


def _gelu_tanh(x: Any) -> Any:
    x = _float(x)
    scale, cubic = x.dtype.type(math.sqrt(2 / math.pi)), x.dtype.type(0.044715)
    return x * x.dtype.type(0.5) * (_one(x) + np.tanh(scale * (x + cubic * x * x * x)))


def _hardsigmoid(x: Any) -> Any:
    x = _float(x)
    return np.minimum(np.maximum(x / 6 + x.dtype.type(0.5), 0), 1)


def _hardswish(x: Any) -> Any:
    x = _float(x)
    return x * _hardsigmoid(x)


def _softsign(x: Any) -> Any:
    x = _float(x)
    return x / (_one(x) + np.abs(x))


def _where(condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, x, y)


# The ufunc beneath numpy.clip, which knows how three operands promote.
_clip: np.ufunc = np._core.umath.clip  # type: ignore[attr-defined]

# ---------------------------------------------------------------- the table

_TABLE: dict[str, Op] = {}


def _raises(letters: str) -> int:
    return sum(_RAISES[c] for c in letters)


# NumPy takes several calls for an activation.
_NN_GAINS = {"f": 192, "d": 192}


def _ufunc(name: str, f: np.ufunc, raises: str, wgsl: str | None, group: str = "standard") -> None:
    _TABLE[name] = Op(
        name, f.nin, f, f, _raises(raises), wgsl, gains=GAINS.get(name, {}), group=group
    )


def _function(
    name: str, nin: int, f: Callable[..., Any], like: np.ufunc, raises: str, wgsl: str | None
) -> None:
    _TABLE[name] = Op(name, nin, f, like, _raises(raises), wgsl, gains=_NN_GAINS, group="nn")


def _reduction(name: str, f: Callable[..., Any], like: np.ufunc | None, combine: str) -> None:
    raises = like.nin == 2 and like in (np.add, np.multiply) if like is not None else False
    _TABLE[name] = Op(
        name, 1, f, like, _raises("oi") if raises else 0, None, combine, GAINS.get(name, {})
    )


# fmt: off
#      name                  meaning            raises  WGSL
_ufunc("add",                np.add,            "oi",   "add_{T}({0}, {1})")
_ufunc("subtract",           np.subtract,       "oi",   "subtract_{T}({0}, {1})")
_ufunc("multiply",           np.multiply,       "oui",  "multiply_{T}({0}, {1})")
_ufunc("divide",             np.divide,         "doui", "divide_{T}({0}, {1})")
_ufunc("floor_divide",       np.floor_divide,   "doi",  "floor_divide_{T}({0}, {1})")
_ufunc("remainder",          np.remainder,      "di",   "remainder_{T}({0}, {1})")
_ufunc("fmod",               np.fmod,           "di",   None, "numpy")
_ufunc("pow",                np.power,          "doui", None)
_ufunc("negative",           np.negative,       "",     "negative_{T}({0})")
_ufunc("positive",           np.positive,       "",     "{0}")
_ufunc("abs",                np.absolute,       "",     "abs_{T}({0})")
_ufunc("sign",               np.sign,           "",     "sign_{T}({0})")
_ufunc("square",             np.square,         "oui",  "square_{T}({0})")
_ufunc("reciprocal",         np.reciprocal,     "doui", "reciprocal_{T}({0})")
_ufunc("sqrt",               np.sqrt,           "i",    "sqrt_{T}({0})")
_ufunc("cbrt",               np.cbrt,           "",     None, "numpy")
_ufunc("exp",                np.exp,            "ou",   "exp_{T}({0})")
_ufunc("exp2",               np.exp2,           "ou",   None, "numpy")
_ufunc("expm1",              np.expm1,          "ou",   "expm1_{T}({0})")
_ufunc("log",                np.log,            "di",   "log_{T}({0})")
_ufunc("log2",               np.log2,           "di",   "log2_{T}({0})")
_ufunc("log10",              np.log10,          "di",   "log10_{T}({0})")
_ufunc("log1p",              np.log1p,          "di",   "log1p_{T}({0})")
_ufunc("logaddexp",          np.logaddexp,      "o",    "logaddexp_{T}({0}, {1})")
_ufunc("sin",                np.sin,            "i",    None)
_ufunc("cos",                np.cos,            "i",    None)
_ufunc("tan",                np.tan,            "i",    None)
_ufunc("asin",               np.arcsin,         "i",    None)
_ufunc("acos",               np.arccos,         "i",    None)
_ufunc("atan",               np.arctan,         "",     None)
_ufunc("atan2",              np.arctan2,        "",     None)
_ufunc("sinh",               np.sinh,           "ou",   "sinh_{T}({0})")
_ufunc("cosh",               np.cosh,           "o",    "cosh_{T}({0})")
_ufunc("tanh",               np.tanh,           "",     "tanh_{T}({0})")
_ufunc("asinh",              np.arcsinh,        "",     "asinh_{T}({0})")
_ufunc("acosh",              np.arccosh,        "i",    "acosh_{T}({0})")
_ufunc("atanh",              np.arctanh,        "di",   "atanh_{T}({0})")
_ufunc("hypot",              np.hypot,          "ou",   None)
_ufunc("floor",              np.floor,          "",     "floor_{T}({0})")
_ufunc("ceil",               np.ceil,           "",     "ceil_{T}({0})")
_ufunc("trunc",              np.trunc,          "",     "trunc_{T}({0})")
_ufunc("round",              np.rint,           "",     "round_{T}({0})")
_ufunc("copysign",           np.copysign,       "",     None)
_ufunc("nextafter",          np.nextafter,      "",     None)
_ufunc("maximum",            np.maximum,        "",     "maximum_{T}({0}, {1})")
_ufunc("minimum",            np.minimum,        "",     "minimum_{T}({0}, {1})")
_ufunc("fmax",               np.fmax,           "",     None, "numpy")
_ufunc("fmin",               np.fmin,           "",     None, "numpy")
_ufunc("clip",               _clip,             "",    "minimum_{T}(maximum_{T}({0}, {1}), {2})")
_ufunc("conj",               np.conjugate,      "",     "{0}")
_ufunc("equal",              np.equal,          "",     "equal_{T}({0}, {1})")
_ufunc("not_equal",          np.not_equal,      "",     "(!equal_{T}({0}, {1}))")
_ufunc("less",               np.less,           "",     "less_{T}({0}, {1})")
_ufunc("less_equal",         np.less_equal,     "",     "less_equal_{T}({0}, {1})")
_ufunc("greater",            np.greater,        "",     "less_{T}({1}, {0})")
_ufunc("greater_equal",      np.greater_equal,  "",     "less_equal_{T}({1}, {0})")
_ufunc("isnan",              np.isnan,          "",     "isnan_{T}({0})")
_ufunc("isinf",              np.isinf,          "",     "isinf_{T}({0})")
_ufunc("isfinite",           np.isfinite,       "",     "isfinite_{T}({0})")
_ufunc("signbit",            np.signbit,        "",     None)
_ufunc("logical_and",        np.logical_and,    "",     "(truth_{T}({0}) && truth_{T}({1}))")
_ufunc("logical_or",         np.logical_or,     "",     "(truth_{T}({0}) || truth_{T}({1}))")
_ufunc("logical_xor",        np.logical_xor,    "",     "(truth_{T}({0}) != truth_{T}({1}))")
_ufunc("logical_not",        np.logical_not,    "",     "(!truth_{T}({0}))")
_ufunc("bitwise_and",        np.bitwise_and,    "",     "bitwise_and_{T}({0}, {1})")
_ufunc("bitwise_or",         np.bitwise_or,     "",     "bitwise_or_{T}({0}, {1})")
_ufunc("bitwise_xor",        np.bitwise_xor,    "",     "bitwise_xor_{T}({0}, {1})")
_ufunc("bitwise_invert",     np.invert,         "",     "bitwise_invert_{T}({0})")
_ufunc("bitwise_left_shift", np.left_shift,     "",     "left_shift_{T}({0}, {1})")
_ufunc("bitwise_right_shift", np.right_shift,   "",     "right_shift_{T}({0}, {1})")

#         name          in meaning                          promotes like  raises  WGSL
_function("erf",        1, _elementwise_from_python(_erf),  np.exp,        "",     "erf_{T}({0})")
_function("erfc",       1, _elementwise_from_python(_erfc), np.exp,        "u",    "erfc_{T}({0})")
_function("rsqrt",      1, _rsqrt,                          np.exp,        "di",   "rsqrt_{T}({0})")
_function("relu",       1, _relu,                     np.absolute,   "", "maximum_{T}({0}, {T}(0))")
_function("leaky_relu", 2, _leaky_relu,               np.arctan2,    "", "leaky_relu_{T}({0}, {1})")
_function("elu",        2, _elu,                            np.arctan2,  "", "elu_{T}({0}, {1})")
_function("selu",       1, _selu,                           np.exp,        "",     "selu_{T}({0})")
_function("sigmoid",    1, _sigmoid,                        np.exp,  "", "sigmoid_{T}({0})")
_function("silu",       1, _silu,                           np.exp,        "",     "silu_{T}({0})")
_function("softplus",   1, _softplus,                       np.exp,  "", "softplus_{T}({0})")
_function("mish",       1, _mish,                           np.exp,        "",     None)
_function("gelu",       1, _gelu,                           np.exp,        "",     "gelu_{T}({0})")
_function("gelu_tanh",  1, _gelu_tanh,                      np.exp,  "", "gelu_tanh_{T}({0})")
_function("hardsigmoid", 1, _hardsigmoid,                   np.exp,  "", "hardsigmoid_{T}({0})")
_function("hardswish",  1, _hardswish,                      np.exp,  "", "hardswish_{T}({0})")
_function("softsign",   1, _softsign,                       np.exp,  "", "softsign_{T}({0})")

_TABLE["where"] = Op(
    "where", 3, _where, None, 0, "select({2}, {1}, {0})", gains=GAINS.get("where", {})
)
# The operand's value in another dtype; the result dtype stands in the instruction.
_TABLE["cast"] = Op("cast", 1, np.ndarray.astype, None, INVALID | OVERFLOW, "cast_{S}_{T}({0})")

#          name             meaning            promotes like   partial results combine by
_reduction("sum",           np.sum,            np.add,         "add")
_reduction("prod",          np.prod,           np.multiply,    "multiply")
_reduction("max",           np.max,            np.maximum,     "maximum")
_reduction("min",           np.min,            np.minimum,     "minimum")
_reduction("all",           np.all,            np.logical_and, "logical_and")
_reduction("any",           np.any,            np.logical_or,  "logical_or")
_reduction("argmax",        np.argmax,         None,           "argmax")
_reduction("argmin",        np.argmin,         None,           "argmin")
# fmt: on

# ---------------------------------------------------------------- routines


@dataclass(frozen=True, slots=True, eq=False)
class Routine:
    """Work that is no arithmetic on one element after another: it moves, orders, searches, folds.

    meaning: defines the result. Called with the inputs and, as keywords, the call's parameters; it
             returns an array, or a tuple of them, for the outputs. Of a routine that ``updates``,
             the first argument is the output, whose elements it changes; it returns None
    gain:    how many times fewer elements than of an elementwise operation make a call worth while;
             0: none do, so that the routine only runs where its operands lie on a device
    """

    name: str
    meaning: Callable[..., Any]
    gain: int = 1
    updates: bool = False


# The gain of what takes NumPy many passes: worth while for any number of elements.
ALWAYS = 1 << 30
# Elements of a mask between two counts of what it selects.
MASK_BLOCK = 4096
# Bits of a rank, by which elements are counted to find those of a place in the order.
RANK_BITS = 16


def _mask_count(mask: Any) -> Any:
    blocks = np.add.reduceat(mask.ravel(), np.arange(0, mask.size, MASK_BLOCK), dtype=np.int64)
    return np.concatenate(([0], np.cumsum(blocks)))


def _compress(x: Any, mask: Any, _before: Any) -> Any:
    return x[mask]


def _positions(mask: Any, _before: Any, *, axis_first: bool) -> Any:
    return np.stack(np.nonzero(mask), 0 if axis_first else 1)


def _expand(target: Any, values: Any, mask: Any, _before: Any) -> None:
    target[mask] = values


def _mask_fill(target: Any, value: Any, mask: Any) -> None:
    target[mask] = value[0]


def _take(x: Any, *indices: Any, axis: int, mode: Any) -> Any:
    if len(indices) == 1:
        return np.take(x, indices[0], axis, mode=mode)
    return x[(*[slice(None)] * axis, *indices)]


def _sort(x: Any, *, descending: bool) -> Any:
    order = _argsort(x, descending=descending)
    return np.take_along_axis(x, order, -1)


def _argsort(x: Any, *, descending: bool) -> Any:
    if not descending:
        return np.argsort(x, -1, stable=True)
    backwards = np.argsort(np.flip(x, -1), -1, stable=True)
    return x.shape[-1] - 1 - np.flip(backwards, -1)


def _put(target: Any, values: Any, *indices: Any) -> None:
    target[indices] = values


def _assemble(*sources: Any, shape: tuple[int, ...], keys: Any) -> Any:
    result = np.empty(shape, sources[0].dtype)
    for key, source in zip(keys, sources, strict=True):
        result[key] = source
    return result


def _repeat(x: Any, ends: Any) -> Any:
    return np.repeat(x, np.diff(ends, prepend=0))


def _sort_rows(target: Any) -> None:
    target.sort(-1, kind="stable")


def _bincount(x: Any, *, bins: int) -> Any:
    return np.bincount(x, minlength=bins)


def _histogram(x: Any, edges: Any, *, first: float, denominator: float) -> Any:
    bins, last = len(edges) - 1, edges[-1]
    x = x.ravel().astype(edges.dtype)
    x = x[(x >= edges.dtype.type(first)) & (x <= last)]
    at = ((x - edges.dtype.type(first)) / edges.dtype.type(denominator) * bins).astype(np.int64)
    at -= at == bins
    at -= x < edges[at]
    at += (x >= edges[at + 1]) & (at != bins - 1)
    return np.bincount(at, minlength=bins)


def _ranks(x: Any) -> Any:
    """The leading RANK_BITS of keys, unsigned numbers in the order of the elements."""
    bits = 8 * x.itemsize
    keys: Any = x.view(f"u{x.itemsize}")
    top = keys.dtype.type(1 << (bits - 1))
    if x.dtype.kind == "i":
        keys = keys ^ top
    elif x.dtype.kind == "f":
        positive = np.where(x == 0, top, keys | top)
        keys = np.where(np.signbit(x) & (x != 0), ~keys, positive)
        keys[np.isnan(x)] = ~keys.dtype.type(0)
    keys = keys.ravel().astype(np.uint64)
    return (
        keys << np.uint64(RANK_BITS - bits)
        if bits < RANK_BITS
        else keys >> np.uint64(bits - RANK_BITS)
    )


def _rank_counts(x: Any) -> Any:
    return np.bincount(_ranks(x).astype(np.int64), minlength=1 << RANK_BITS)


def _rank_mask(x: Any, wanted: Any) -> Any:
    return wanted[_ranks(x).astype(np.int64)].reshape(x.shape)


def _interpolate(x: Any, xs: Any, ys: Any, *slopes: Any, left: float, right: float) -> Any:
    del slopes
    return np.interp(x, xs, ys, left, right)


def _correlate(x: Any, kernel: Any, *, mode: Any, before: int) -> Any:
    del before  # the zeros in front, which the mode says
    return np.correlate(x, kernel, mode)


def _fourier(x: Any, *, name: str, n: int | None, axis: int, norm: str | None) -> Any:
    return getattr(np.fft, name)(x, n, axis, norm)


# The ufuncs that scans accumulate.
_SCANNED = {"sum": np.add, "prod": np.multiply, "max": np.maximum, "min": np.minimum}
# Floating-point sums are combined in another order than NumPy's: compared with more digits.
_WIDER: dict[str, Dtype] = {"f": np.dtype(np.float64), "d": np.dtype(np.longdouble)}


def _accumulate(x: Any, *, name: str, axis: int, dtype: Dtype, initial: bool) -> Any:
    f = _SCANNED[name]
    with np.errstate(all="ignore"):
        result = f.accumulate(x, axis, _WIDER.get(dtype.char, dtype)).astype(dtype)
    if not initial:
        return result
    first = np.full_like(result.take([0], axis), f.identity)
    return np.concatenate([first, result], axis)


def _moments(x: Any) -> Any:
    x = x.astype(np.float64)
    with np.errstate(all="ignore"):
        mean = x.mean(1, keepdims=True)
        return mean, np.square(x - mean).sum(1, keepdims=True)


# fmt: off
_ROUTINES = (
    # Masks: `before` is what mask_count gives, the number selected in front of each block.
    Routine("mask_count",   _mask_count,    gain=16),                # (mask)
    Routine("compress",     _compress,      gain=16),                # (x, mask, before)
    Routine("expand",       _expand,        gain=16, updates=True),  # (to, values, mask, before)
    Routine("mask_fill",    _mask_fill,     gain=16, updates=True),  # (target, (value,), mask)
    Routine("positions",    _positions,     gain=30),                 # (mask, before; axis_first)
    Routine("take",         _take,          gain=2),                  # (x, indices; axis, mode)
    # Of two threads each must look at all indices, lest equal ones change places: slower than one.
    Routine("put",          _put,           gain=0, updates=True),    # (target, values, indices)
    Routine("put_one",      _put,           gain=1, updates=True),    # (target, (value,), indices)
    Routine("sort",         _sort,          gain=300),                # (x; descending) along rows
    Routine("argsort",      _argsort,       gain=300),                # likewise
    Routine("searchsorted", np.searchsorted, gain=192),               # (sorted, values; side)
    Routine("sort_rows",    _sort_rows,     gain=300, updates=True),  # (target)
    Routine("rank_counts",  _rank_counts,   gain=8),                  # (x)
    Routine("rank_mask",    _rank_mask,     gain=8),                  # (x, wanted)
    Routine("bincount",     _bincount,      gain=8),                  # (x; bins)
    Routine("histogram",    _histogram,     gain=64),                 # (x, edges; first, ...)
    Routine("interpolate",  _interpolate,   gain=8),                   # (x, xs, ys[, slopes]; ...)
    Routine("assemble",     _assemble,      gain=1),                  # (*sources; shape, keys)
    Routine("repeat",       _repeat,        gain=32),                 # (x, ends)
    # NumPy calls its BLAS for the first; the second it does without.
    Routine("matmul",       np.matmul,      gain=32),                 # (a, b)
    Routine("matmul_without_blas", np.matmul, gain=1024),             # (a, b)
    Routine("correlate",    _correlate,     gain=64),                 # (x, kernel; mode, before)
    Routine("convolve",     windows.convolve, gain=ALWAYS),           # (x, weight, bias; ...)
    Routine("max_pool",     windows.max_pool, gain=ALWAYS),           # (x; kernel, stride, ...)
    Routine("avg_pool",     windows.avg_pool, gain=ALWAYS),           # (x; kernel, stride, ...)
    Routine("accumulate",   _accumulate,    gain=64),                 # (x; name, axis, ...)
    Routine("fourier",      _fourier,       gain=2),                  # (x; name, n, axis, norm)
    Routine("moments",      _moments,       gain=16),                 # (x) along the second of 3
)
# fmt: on
ROUTINES: dict[str, Routine] = {routine.name: routine for routine in _ROUTINES}

# ---------------------------------------------------------------- lists

OPS: dict[str, Op] = _TABLE
ELEMENTWISE: dict[str, Op] = {name: op for name, op in OPS.items() if op.reduce is None}
REDUCTIONS: dict[str, Op] = {name: op for name, op in OPS.items() if op.reduce is not None}
BY_UFUNC: dict[np.ufunc, Op] = {
    op.meaning: op for op in ELEMENTWISE.values() if isinstance(op.meaning, np.ufunc)
}
