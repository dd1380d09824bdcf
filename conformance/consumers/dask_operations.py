"""Operations of Dask's over chunks of TruenoArrays: values, dtypes, and the type of the chunks.

Each case is a function of an array and a namespace, which runs with ``numpy`` and with
``dask.array``. Every block of the result must be a TruenoArray, but where Dask itself makes its
blocks with NumPy.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
from dask.base import tokenize
from dask.sizeof import sizeof
from distributed.protocol import deserialize, serialize

import trueno as tn

SHAPE = (24, 30)
Case = Callable[[Any, Any], Any]


def _rows(x: Any) -> Any:
    """``x`` with undivided rows, where it is Dask's."""
    return x.rechunk({1: -1}) if isinstance(x, da.Array) else x


def _square(x: Any, xp: Any) -> Any:
    """A well-conditioned symmetric matrix of four blocks."""
    a = x[:, :24] @ x[:, :24].T + 24 * xp.eye(24)
    return a.rechunk(12) if xp is da else a


def _line(x: Any) -> Any:
    """The elements in one block, of which quantiles are exact."""
    return x.ravel().rechunk(-1) if isinstance(x, da.Array) else x.ravel()


def _sorted(xp: Any) -> Any:
    """Sorted numbers in the namespace's arrays."""
    return da.from_array(tn.linspace(0, 1, 7), chunks=-1) if xp is da else np.linspace(0, 1, 7)


def _cholesky(x: Any, xp: Any) -> Any:
    a = _square(x, xp)
    return da.linalg.cholesky(a, lower=True) if xp is da else np.linalg.cholesky(a)


def _neighbours(x: Any) -> Any:
    """A stencil of five points with reflecting borders."""
    return x + np.roll(x, 1, 0) + np.roll(x, -1, 0) + np.roll(x, 1, 1) + np.roll(x, -1, 1)


def _stencil(x: Any, xp: Any) -> Any:
    if xp is da:
        return x.map_overlap(_neighbours, depth=1, boundary="periodic")
    return _neighbours(x)


def _assigned(x: Any, xp: Any) -> Any:
    y = x.copy()
    y[2:9, ::3] = -1.0
    return y


def _stored(x: Any, xp: Any) -> Any:
    target = np.zeros(SHAPE)
    if xp is np:
        target[:] = x * 2
    else:
        da.store(x * 2, target, lock=False)
    return target


ARITHMETIC: dict[str, Case] = {
    "add": lambda x, xp: x + 1.5,
    "subtract": lambda x, xp: 2 - x,
    "multiply": lambda x, xp: x * x.T[:1, :1],
    "divide": lambda x, xp: 1 / x,
    "power": lambda x, xp: x**2,
    "remainder": lambda x, xp: x % 0.3,
    "floor_divide": lambda x, xp: x // 0.3,
    "negative": lambda x, xp: -x,
    "absolute": lambda x, xp: abs(x - 0.5),
    "compare": lambda x, xp: x > 0.5,
    "logic": lambda x, xp: (x > 0.2) & ~(x > 0.7),
    "fused": lambda x, xp: xp.sqrt(x**2 + 1) * xp.exp(-x),
    "numpy ufunc": lambda x, xp: np.arctan2(x, 0.5),
    "clip": lambda x, xp: xp.clip(x, 0.2, 0.8),
    "where": lambda x, xp: xp.where(x > 0.5, x, 0.0),
    "astype": lambda x, xp: x.astype("float32"),
    "round": lambda x, xp: xp.round(x, 2),
    "isfinite": lambda x, xp: xp.isfinite(x),
    "outer": lambda x, xp: xp.outer(x[0], x[:, 0]),
    "with an ndarray": lambda x, xp: x + np.arange(30.0),
    "with a TruenoArray": lambda x, xp: x * (np.arange(30.0) if xp is np else tn.arange(30.0)),
}
REDUCTIONS: dict[str, Case] = {
    "sum": lambda x, xp: x.sum(),
    "sum of axis": lambda x, xp: xp.sum(x, axis=0),
    "prod": lambda x, xp: xp.prod(x + 0.5, axis=1),
    "mean": lambda x, xp: x.mean(axis=1, keepdims=True),
    "var": lambda x, xp: xp.var(x, axis=0, ddof=1),
    "std": lambda x, xp: x.std(),
    "min": lambda x, xp: x.min(axis=0),
    "max": lambda x, xp: x.max(),
    "argmin": lambda x, xp: xp.argmin(x, axis=1),
    "argmax": lambda x, xp: xp.argmax(x, axis=0),
    "any": lambda x, xp: xp.any(x > 0.99, axis=0),
    "all": lambda x, xp: xp.all(x > 0.01, axis=1),
    "cumsum": lambda x, xp: xp.cumsum(x, axis=0),
    "cumprod": lambda x, xp: xp.cumprod(x + 0.5, axis=1),
    "nansum": lambda x, xp: xp.nansum(xp.where(x > 0.5, x, np.nan), axis=1),
    "nanmean": lambda x, xp: xp.nanmean(xp.where(x > 0.1, x, np.nan), axis=0),
    "nanmax": lambda x, xp: xp.nanmax(xp.where(x > 0.1, x, np.nan), axis=0),
    "median": lambda x, xp: xp.median(x, axis=0),
    "percentile": lambda x, xp: xp.percentile(_line(x), [10, 50, 90]),
    "average": lambda x, xp: xp.average(x, axis=0, weights=np.arange(24.0)),
    "histogram": lambda x, xp: xp.histogram(x, bins=7, range=(0, 1))[0],
    "bincount": lambda x, xp: xp.bincount((_line(x) * 9).astype(int), minlength=9),
    "count_nonzero": lambda x, xp: xp.count_nonzero(x > 0.5, axis=0),
    "topk": lambda x, xp: da.topk(x, 3, axis=1) if xp is da else -np.sort(-x)[:, :3],
}
MOVING: dict[str, Case] = {
    "slice": lambda x, xp: x[3:20:2, ::-1],
    "newaxis": lambda x, xp: x[:, None, 5],
    "index array": lambda x, xp: x[[5, 1, 9, 1]],
    "mask": lambda x, xp: x[x > 0.5],
    "assign": _assigned,
    "take": lambda x, xp: xp.take(x, [4, 2, 20], axis=0),
    "transpose": lambda x, xp: x.T,
    "reshape": lambda x, xp: x.reshape(6, 4, 30),
    "ravel": lambda x, xp: x.ravel(),
    "concatenate": lambda x, xp: xp.concatenate([x, x[:5]], axis=0),
    "stack": lambda x, xp: xp.stack([x, x + 1], axis=1),
    "block": lambda x, xp: xp.block([[x, x], [x, -x]]),
    "roll": lambda x, xp: xp.roll(x, 3, axis=1),
    "flip": lambda x, xp: xp.flip(x, axis=0),
    "pad": lambda x, xp: xp.pad(x, 2, mode="edge"),
    "repeat": lambda x, xp: xp.repeat(x, 2, axis=1),
    "tile": lambda x, xp: xp.tile(x, (2, 1)),
    "broadcast_to": lambda x, xp: xp.broadcast_to(x, (2, *SHAPE)),
    "rechunk": lambda x, xp: x.rechunk((5, 11)) if xp is da else x,
    "diff": lambda x, xp: xp.diff(x, axis=1),
    "tril": lambda x, xp: xp.tril(x),
    "unique": lambda x, xp: xp.unique(xp.round(x, 1)),
    "searchsorted": lambda x, xp: xp.searchsorted(_sorted(xp), x),
    "digitize": lambda x, xp: xp.digitize(x, np.linspace(0, 1, 5)),
    "coarsen": lambda x, xp: (
        da.coarsen(np.sum, x.rechunk((12, 10)), {0: 2, 1: 5})
        if xp is da
        else x.reshape(12, 2, 6, 5).sum((1, 3))
    ),
    "stencil over blocks": _stencil,
    "map_blocks": lambda x, xp: da.map_blocks(np.sin, x) if xp is da else np.sin(x),
    "apply_along_axis": lambda x, xp: xp.apply_along_axis(np.sum, 1, x),
    "store": _stored,
}
ALGEBRA: dict[str, Case] = {
    "matmul": lambda x, xp: x @ x.T,
    "dot": lambda x, xp: xp.dot(x, x[0]),
    "vdot": lambda x, xp: xp.vdot(x, x),
    "tensordot": lambda x, xp: xp.tensordot(x, x, axes=([0], [0])),
    "einsum": lambda x, xp: xp.einsum("ij,kj->ik", x, x),
    "singular values": lambda x, xp: xp.linalg.svd(_rows(x).T if xp is da else x.T)[1],
    "R of QR": lambda x, xp: abs(xp.linalg.qr(_rows(x[:, :5]))[1]),
    "cholesky": _cholesky,
    "solve": lambda x, xp: xp.linalg.solve(
        _square(x, xp), x[:, 0].rechunk(12) if xp is da else x[:, 0]
    ),
    "inverse": lambda x, xp: xp.linalg.inv(_square(x, xp)),
    "norm": lambda x, xp: xp.linalg.norm(x, axis=1),
    "fft": lambda x, xp: xp.fft.fft(_rows(x), axis=1),
    "rfft": lambda x, xp: xp.fft.rfft(_rows(x), axis=1),
    "cov": lambda x, xp: xp.cov(x),
    "corrcoef": lambda x, xp: xp.corrcoef(x),
}
CASES = ARITHMETIC | REDUCTIONS | MOVING | ALGEBRA

# Blocks that Dask makes with NumPy, or passes to what does, whatever the chunks are.
NUMPYS = {
    "cholesky": "the blocks of zeros are made with NumPy",
    "inverse": "solved by scipy.linalg.solve_triangular, which returns ndarrays",
    "solve": "solved by scipy.linalg.solve_triangular, which returns ndarrays",
    "unique": "values and counts are fields of a structured ndarray",
}


@pytest.fixture(scope="module")
def numbers() -> np.ndarray:
    """Numbers between 0 and 1, exact in float64."""
    return np.random.default_rng(7).random(SHAPE)


@pytest.mark.parametrize("name", CASES)
def test_values_and_chunks(name: str, numbers: np.ndarray) -> None:
    expected = CASES[name](numbers.copy(), np)
    chunked = da.from_array(numbers, chunks=(8, 10)).map_blocks(tn.asarray)
    with dask.config.set(scheduler="threads", num_workers=2):
        result = CASES[name](chunked, da)
        if not isinstance(result, da.Array):
            np.testing.assert_allclose(result, expected, rtol=1e-12)
            return
        blocks = dask.compute(*result.to_delayed().ravel())
        value = np.asarray(result.compute())
    np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12)
    assert value.dtype == np.asarray(expected).dtype
    if name not in NUMPYS:
        assert {type(block) for block in blocks} == {tn.TruenoArray}


@pytest.mark.parametrize("make", ["ones", "zeros", "full", "arange"])
def test_the_backend_makes_our_chunks(make: str) -> None:
    arguments = {"ones": ((5, 4),), "zeros": ((5, 4),), "full": ((5, 4), 7.0), "arange": (9,)}
    with dask.config.set({"array.backend": "trueno"}):
        made = getattr(da, make)(*arguments[make], chunks=2)
    assert isinstance(made.compute(), tn.TruenoArray)
    np.testing.assert_array_equal(made.compute(), getattr(np, make)(*arguments[make]))


def test_to_backend_and_back(numbers: np.ndarray) -> None:
    ours = da.from_array(numbers, chunks=8).to_backend("trueno")
    assert isinstance(ours.compute(), tn.TruenoArray)
    assert type(ours.to_backend("numpy").compute()) is np.ndarray


def test_sizes_count_memory_once() -> None:
    assert 8000 <= sizeof(tn.zeros(1000)) < 8200
    repeated = tn.asarray(np.broadcast_to(np.float64(1), (1000, 1000)), copy=False)
    assert sizeof(repeated) < 200


def test_tokens_follow_the_contents() -> None:
    x = tn.arange(5.0)
    before = tokenize(x)
    assert before == tokenize(tn.arange(5.0))
    x += 1
    assert tokenize(x) != before
    assert tokenize(tn.arange(5.0, device="cpu")) != before


def test_memory_travels_out_of_band(numbers: np.ndarray) -> None:
    x = tn.asarray(numbers, device="cpu") * 2
    buffers: list[pickle.PickleBuffer] = []
    stream = pickle.dumps(x, protocol=5, buffer_callback=buffers.append)
    assert len(stream) < 500
    assert sum(len(buffer.raw()) for buffer in buffers) == numbers.nbytes
    header, frames = serialize(x)
    back = deserialize(header, [bytearray(frame) for frame in frames])
    assert isinstance(back, tn.TruenoArray)
    assert back.device == "cpu"
    np.testing.assert_array_equal(back, numbers * 2)


def test_the_list_is_long_enough() -> None:
    assert len(CASES) >= 60
