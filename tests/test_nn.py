"""Softmax, logarithms of sums of exponentials and layer normalisation against their formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import trueno as tn

AXES: tuple[Any, ...] = (-1, 0, (0, 2), None)


def softmax(x: Any, axis: Any) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def logsumexp(x: Any, axis: Any) -> Any:
    m = x.max(axis=axis, keepdims=True)
    return m + np.log(np.exp(x - m).sum(axis=axis, keepdims=True))


def layer_norm(x: Any, axis: Any) -> Any:
    variance = x.var(axis=axis, keepdims=True)
    return (x - x.mean(axis=axis, keepdims=True)) / np.sqrt(variance + 1e-5)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("dtype", ["e", "f", "d", "i"])
def test_values(backend: str, dtype: str, axis: Any, rng: np.random.Generator) -> None:
    x = (rng.random((5, 6, 70)) * 20 - 10).astype(dtype)
    a = tn.asarray(x)
    wide = x.astype("d")
    tolerance = {"e": 2e-2, "f": 1e-5, "d": 1e-12, "i": 1e-12}[dtype]
    for ours, expected in (
        (tn.nn.softmax(a, axis), softmax(wide, axis)),
        (tn.nn.log_softmax(a, axis), wide - logsumexp(wide, axis)),
        (tn.nn.logsumexp(a, axis, keepdims=True), logsumexp(wide, axis)),
        (tn.nn.layer_norm(a, axis), layer_norm(wide, axis)),
    ):
        assert ours.dtype == (np.dtype(dtype) if dtype != "i" else np.float64)
        np.testing.assert_allclose(np.asarray(ours, "d"), expected, tolerance, tolerance)
    squeezed = np.asarray(tn.nn.logsumexp(a, axis), "d")
    np.testing.assert_allclose(squeezed, np.squeeze(logsumexp(wide, axis), axis), tolerance)


def test_nothing_overflows(backend: str) -> None:
    a = tn.asarray([[1000.0, 1000.0], [-1000.0, -1000.0]])
    with np.errstate(all="raise", under="ignore"):
        assert np.asarray(tn.nn.softmax(a)).tolist() == [[0.5, 0.5], [0.5, 0.5]]
        assert np.asarray(tn.nn.log_softmax(a))[0, 0] == pytest.approx(-math.log(2))
        assert np.asarray(tn.nn.logsumexp(a, -1)) == pytest.approx(
            [1000 + math.log(2), -1000 + math.log(2)]
        )
    assert float(tn.nn.logsumexp(tn.asarray([-math.inf, -math.inf]))) == -math.inf


def test_operands_stay_as_they_are(backend: str) -> None:
    x = tn.asarray([1.0, 2.0, 3.0])
    before = np.asarray(x).copy()
    tn.nn.softmax(x)
    tn.nn.layer_norm(x)
    assert (np.asarray(x) == before).all()


def test_weight_and_bias(backend: str, rng: np.random.Generator) -> None:
    x, weight, bias = rng.random((4, 8)), rng.random(8), rng.random(8)
    ours = tn.nn.layer_norm(tn.asarray(x), -1, tn.asarray(weight), bias)
    np.testing.assert_allclose(np.asarray(ours), layer_norm(x, -1) * weight + bias, 1e-12)
