"""Functions of neural networks: activations, normalisations, linear layers, convolution, pooling.

Activations and their kin work element by element: floating-point results, integers become float64.
Each is a row of the operation table (group "nn"); NumPy's promotion and broadcasting hold.
Normalisations go along ``axis``: an int, a tuple of ints or None (all axes).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno._array_api._support import given
from trueno._array_api.elementwise_functions import from_row
from trueno._nn.convolution import conv1d, conv2d, linear
from trueno._nn.pooling import avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from trueno._numpy.fallback import publish
from trueno.dispatch import astype, elementwise
from trueno.ops import OPS
from trueno.reductions import reduce
from trueno.writes import update

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "conv1d",
    "conv2d",
    "elu",
    "erf",
    "erfc",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsumexp",
    "max_pool1d",
    "max_pool2d",
    "mish",
    "relu",
    "rsqrt",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "swish",
]

erf = from_row(OPS["erf"], "The error function.")
erfc = from_row(OPS["erfc"], "1 - erf(x), exact for large x.")
hardsigmoid = from_row(OPS["hardsigmoid"], "min(max(x/6 + 1/2, 0), 1) (Howard et al. 2019).")
hardswish = from_row(OPS["hardswish"], "x * hardsigmoid(x) (Howard et al. 2019).")
mish = from_row(OPS["mish"], "x * tanh(softplus(x)) (Misra 2019).")
relu = from_row(OPS["relu"], "max(x, 0), in the operand's own dtype; NaN stays.")
rsqrt = from_row(OPS["rsqrt"], "1 / sqrt(x).")
selu = from_row(OPS["selu"], "A scaled elu with fixed alpha (Klambauer et al. 2017).")
sigmoid = from_row(OPS["sigmoid"], "1 / (1 + exp(-x)), without overflow.")
silu = from_row(OPS["silu"], "x * sigmoid(x), also called swish (Hendrycks and Gimpel 2016).")
softplus = from_row(OPS["softplus"], "log(1 + exp(x)), without overflow.")
softsign = from_row(OPS["softsign"], "x / (1 + abs(x)).")
swish = silu


def leaky_relu(x: Any, negative_slope: Any = 0.01) -> Any:
    """x where x > 0, else ``negative_slope`` * x (Maas et al. 2013)."""
    return elementwise(OPS["leaky_relu"], x, negative_slope)


def elu(x: Any, alpha: Any = 1.0) -> Any:
    """x where x > 0, else ``alpha`` * (exp(x) - 1) (Clevert et al. 2015)."""
    return elementwise(OPS["elu"], x, alpha)


def gelu(x: Any, approximate: str = "none") -> Any:
    """x * P(X <= x) for a standard normal X (Hendrycks and Gimpel 2016).

    approximate: "none", by erf, or "tanh", by a polynomial in tanh. ValueError for another.
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"trueno.gelu: approximate must be 'none' or 'tanh', not {approximate!r}")
    return elementwise(OPS["gelu" if approximate == "none" else "gelu_tanh"], x)


def _floating(x: Any) -> Any:
    """A handle on ``x``, in the dtype that ``numpy.exp`` would return for it."""
    handle = given(x)
    dtype = np.exp.resolve_dtypes((handle.dtype, None))[-1]
    return handle if dtype == handle.dtype else astype(handle, dtype)


def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) / sum(exp(x)) along ``axis``, without overflow."""
    x = _floating(x)
    most = reduce(OPS["max"], x, axis, None, True)
    powers = elementwise(OPS["exp"], elementwise(OPS["subtract"], x, most))
    total = reduce(OPS["sum"], powers, axis, None, True)
    if total._node is not None:  # row by row, nothing is stored in between
        return elementwise(OPS["divide"], powers, total)
    return update(OPS["divide"], powers, powers, total)


def log_softmax(x: Any, axis: Any = -1) -> Any:
    """x - log(sum(exp(x))) along ``axis``, without overflow or loss of small probabilities."""
    x = _floating(x)
    most = reduce(OPS["max"], x, axis, None, True)
    powers = elementwise(OPS["exp"], elementwise(OPS["subtract"], x, most))
    total = elementwise(OPS["log"], reduce(OPS["sum"], powers, axis, None, True))
    del powers  # nobody else's: it need not be stored
    return elementwise(OPS["subtract"], elementwise(OPS["subtract"], x, most), total)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) along ``axis``, without overflow; -inf where all elements are."""
    x = _floating(x)
    most = reduce(OPS["max"], x, axis, None, True)
    most = elementwise(OPS["where"], elementwise(OPS["isfinite"], most), most, x.dtype.type(0))
    powers = elementwise(OPS["exp"], elementwise(OPS["subtract"], x, most))
    with np.errstate(divide="ignore"):
        total = elementwise(OPS["log"], reduce(OPS["sum"], powers, axis, None, True))
        result = elementwise(OPS["add"], total, most)
    if keepdims:
        return result
    axes = tuple(range(x.ndim)) if axis is None else axis
    return np.squeeze(result, axes)


def layer_norm(
    x: Any, axis: Any = -1, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """(x - mean) / sqrt(var + eps) along ``axis``, times weight, plus bias (Ba et al. 2016).

    weight, bias: arrays that broadcast against ``x``, or None. The variance is that of N.
    """
    x = _floating(x)
    deviation = elementwise(OPS["subtract"], x, np.mean(x, axis, keepdims=True))
    variance = np.mean(elementwise(OPS["square"], deviation), axis, keepdims=True)
    result = elementwise(
        OPS["divide"],
        deviation,
        elementwise(OPS["sqrt"], elementwise(OPS["add"], variance, float(eps))),
    )
    if weight is not None:
        result = elementwise(OPS["multiply"], result, weight)
    return result if bias is None else elementwise(OPS["add"], result, bias)


publish(globals())
