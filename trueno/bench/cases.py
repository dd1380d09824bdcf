"""The benchmarks: plain NumPy functions, and how a peer says the same where its names differ.

``run`` takes the namespace first: ``numpy`` for NumPy and for Trueno, ``jax.numpy`` for JAX.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from trueno import nn
from trueno.bench.benchmark import Benchmark, Function, Inputs, of_programs


def _floats(dtype: str, *shapes: tuple[int, ...]) -> Callable[[np.random.Generator], Inputs]:
    return lambda rng: tuple([rng.random(shape, np.dtype(dtype).type) for shape in shapes])


_N = (1 << 24,)
_SQUARE = (4000, 4000)
_10M = (10_000_000,)
_SMALL = (100,)
_TABLE = (10, 10)
_SCALAR = np.float64(1.5)


def _gelu(xp: Any, x: Any) -> Any:
    return 0.5 * x * (1 + xp.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


def _torch_gelu(torch: Any, x: Any) -> Any:
    return torch.nn.functional.gelu(x, approximate="tanh")


def _softmax(xp: Any, x: Any) -> Any:
    e = xp.exp(x - xp.max(x, axis=1, keepdims=True))
    return e / xp.sum(e, axis=1, keepdims=True)


def _black_scholes(xp: Any, s: Any, k: Any, t: Any) -> Any:
    """Call and put prices of European options (Black and Scholes 1973); 2 % interest, 30 % a year.

    The normal distribution through erf: SciPy's on ndarrays and TruenoArrays, JAX's on JAX's.
    """
    library = "jax.scipy" if xp.__name__ == "jax.numpy" else "scipy"
    erf = importlib.import_module(f"{library}.special").erf
    rate, sigma = 0.02, 0.3
    root = sigma * xp.sqrt(t)
    d1 = (xp.log(s / k) + (rate + 0.5 * sigma * sigma) * t) / root
    d2 = d1 - root
    paid = k * xp.exp(-rate * t)
    below1 = 0.5 + 0.5 * erf(d1 * math.sqrt(0.5))
    below2 = 0.5 + 0.5 * erf(d2 * math.sqrt(0.5))
    return s * below1 - paid * below2, paid * (1 - below2) - s * (1 - below1)


def _torch_black_scholes(torch: Any, s: Any, k: Any, t: Any) -> Any:
    rate, sigma = 0.02, 0.3
    root = sigma * torch.sqrt(t)
    d1 = (torch.log(s / k) + (rate + 0.5 * sigma * sigma) * t) / root
    d2 = d1 - root
    paid = k * torch.exp(-rate * t)
    below1 = 0.5 + 0.5 * torch.erf(d1 * math.sqrt(0.5))
    below2 = 0.5 + 0.5 * torch.erf(d2 * math.sqrt(0.5))
    return s * below1 - paid * below2, paid * (1 - below2) - s * (1 - below1)


def _options(rng: np.random.Generator) -> Inputs:
    return 50 + 100 * rng.random(_10M), 50 + 100 * rng.random(_10M), 0.1 + 2 * rng.random(_10M)


def _indices(rng: np.random.Generator) -> Inputs:
    return rng.random(_N, np.float32), rng.integers(0, _N[0], _N[0])


def _matmul_gelu(xp: Any, a: Any, b: Any, bias: Any) -> Any:
    return _gelu(xp, a @ b + bias)


def _math(name: str) -> Benchmark:
    """A float64 function, under the same name everywhere."""
    return Benchmark(
        f"{name} float64",
        lambda xp, x: getattr(xp, name)(x),
        _floats("f8", _10M),
        torch=lambda torch, x: getattr(torch, name)(x),
        numexpr=f"{name}(a)",
    )


def _fold(name: str, of_torch: Function | None = None) -> Benchmark:
    """A reduction of all of a float32 array."""
    return Benchmark(
        name,
        lambda xp, x: getattr(xp, name)(x),
        _floats("f4", _N),
        torch=of_torch or (lambda torch, x: getattr(torch, name)(x)),
    )


def _conv_arrays(rng: np.random.Generator) -> Inputs:
    return tuple([rng.standard_normal(s, np.float32) for s in ((8, 64, 56, 56), (64, 64, 3, 3))])


def _conv(_: Any, x: Any, weight: Any) -> Any:
    """A 3 x 3 convolution, padded by 1: Trueno's own, or im2col as one writes it in NumPy."""
    if type(x) is not np.ndarray:
        return nn.conv2d(x, weight, padding=1)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 64 * 9)
    product = columns @ weight.reshape(64, -1).T
    return np.ascontiguousarray(product.reshape(8, 56, 56, 64).transpose(0, 3, 1, 2))


def _assign(x: Any) -> Any:
    x[1:-1, 2:] = 0.0
    return x


def _small(name: str, f: Function, *shapes: tuple[int, ...], repeat: int = 5000) -> Benchmark:
    """A call on few elements, which is NumPy's at once: what is measured is the way there."""
    return Benchmark(
        name,
        lambda xp, *arrays: f(*arrays),
        _floats("f8", *shapes or (_SMALL,)),
        repeat=repeat,
        observe=False,
        large=False,
    )


# fmt: off
GROUPS: dict[str, list[Benchmark]] = {
    "gpu": [],  # trueno.bench.gpu has its own
    "programs": of_programs(),
    "cpu": [
        Benchmark("a + b", lambda xp, a, b: a + b, _floats("f4", _N, _N),
                  torch=lambda torch, a, b: a + b, numexpr="a + b"),
        Benchmark("2x + 3y - zx + 0.5", lambda xp, x, y, z: 2 * x + 3 * y - z * x + 0.5,
                  _floats("f4", _N, _N, _N),
                  torch=lambda torch, x, y, z: 2 * x + 3 * y - z * x + 0.5,
                  numexpr="2 * a + 3 * b - c * a + 0.5"),
        *([Benchmark("Black-Scholes float64", _black_scholes, _options,
                     torch=_torch_black_scholes)] if importlib.util.find_spec("scipy") else []),
        Benchmark("gelu (tanh)", _gelu, _floats("f4", _N),
                  torch=_torch_gelu,
                  numexpr="0.5 * a * (1 + tanh(0.7978845608 * (a + 0.044715 * a * a * a)))"),
        Benchmark("softmax rows", _softmax, _floats("f4", _SQUARE),
                  torch=lambda torch, x: torch.softmax(x, 1)),
        *[_math(name) for name in ("sin", "exp", "log", "tanh")],
        *[_fold(name) for name in ("sum", "mean")],
        _fold("var", lambda torch, x: torch.var(x, correction=0)),
        *[_fold(name) for name in ("min", "argmax")],
        Benchmark("sum over axis 0", lambda xp, x: xp.sum(x, axis=0), _floats("f4", _SQUARE),
                  torch=lambda torch, x: torch.sum(x, 0)),
        Benchmark("where(a > 0.5, b, c)", lambda xp, a, b, c: xp.where(a > 0.5, b, c),
                  _floats("f4", _N, _N, _N),
                  torch=lambda torch, a, b, c: torch.where(a > 0.5, b, c),
                  numexpr="where(a > 0.5, b, c)"),
        Benchmark("a[a > 0.5]", lambda xp, a: a[a > 0.5], _floats("f4", _N),
                  torch=lambda torch, a: a[a > 0.5], jax=False),
        Benchmark("a[indices]", lambda xp, a, i: a[i], _indices, torch=lambda torch, a, i: a[i]),
        Benchmark("transposed copy", lambda xp, a: a.T.copy(),
                  _floats("f4", _SQUARE), torch=lambda torch, a: a.T.contiguous()),
        Benchmark("cumsum", lambda xp, a: xp.cumsum(a), _floats("f4", _N),
                  torch=lambda torch, a: torch.cumsum(a, 0)),
        Benchmark("gelu(a @ b + bias)", _matmul_gelu, _floats("f4", *[(1500, 1500)] * 2, (1500,)),
                  torch=lambda torch, a, b, bias: _torch_gelu(torch, a @ b + bias)),
        Benchmark("sort", lambda xp, a: xp.sort(a), _floats("f4", _N),
                  torch=lambda torch, a: torch.sort(a)[0]),
        Benchmark("conv2d 3 x 3", _conv, _conv_arrays, jax=False,
                  torch=lambda torch, x, w: torch.nn.functional.conv2d(x, w, padding=1)),
    ],
    "small": [
        _small("x + y", lambda x, y: x + y, _SMALL, _SMALL),
        _small("x * 1.5", lambda x: x * 1.5),
        _small("x / np.float64", lambda x: x / _SCALAR),
        _small("np.float64 * x", lambda x: _SCALAR * x),
        _small("-x", lambda x: -x),
        _small("x[:, None] - y", lambda x, y: x[:, None] - y, (10,), (10,)),
        _small("np.add(x, y)", lambda x, y: np.add(x, y), _SMALL, _SMALL),
        _small("np.exp(x)", lambda x: np.exp(x)),
        _small("np.sum(x)", lambda x: np.sum(x)),
        _small("np.mean(x)", lambda x: np.mean(x), repeat=2000),
        _small("x.max(axis=1, keepdims=True)", lambda x: x.max(axis=1, keepdims=True), _TABLE),
        _small("x @ y", lambda x, y: x @ y, _TABLE, _TABLE),
        _small("np.where(m, x, y)", lambda x, y: np.where(x, x, y), _SMALL, _SMALL),
        _small("np.concatenate", lambda x, y: np.concatenate((x, y)), _SMALL, _SMALL),
        _small("np.roll(x, 1, 0)", lambda x: np.roll(x, 1, 0), _TABLE, repeat=2000),
        _small("np.reshape(x, (10, 10))", lambda x: np.reshape(x, (10, 10))),
        _small("x[3]", lambda x: x[3]),
        _small("x[1:]", lambda x: x[1:]),
        _small("x[1:-1, 2:]", lambda x: x[1:-1, 2:], _TABLE),
        _small("x[1:-1, 2:] = 0", _assign, _TABLE),
        _small("x[x > 0.5]", lambda x: x[x > 0.5]),
    ],
}
# fmt: on
