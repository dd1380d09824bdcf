"""Functions of neural networks: activations, linear layers, convolution, pooling.

Activations and their kin work element by element: floating-point results, integers become float64.
Each is a row of the operation table (group "nn"); NumPy's promotion and broadcasting hold.
"""

from __future__ import annotations

from typing import Any

from trueno._array_api.elementwise_functions import from_row
from trueno._nn.convolution import conv1d, conv2d, linear
from trueno._nn.pooling import avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from trueno.dispatch import elementwise
from trueno.ops import OPS

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
    "leaky_relu",
    "linear",
    "max_pool1d",
    "max_pool2d",
    "mish",
    "relu",
    "rsqrt",
    "selu",
    "sigmoid",
    "silu",
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
