"""``convolve`` and ``correlate``: NumPy's values, dtypes, shapes and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import trueno as tn
from tests.compare import agree

DTYPES = (*"?bHlefdF",)


def check(name: str, a: Any, v: Any, mode: str) -> None:
    """Sums of integers are exact in every dtype here, whatever their order."""
    agree(lambda xp, x, y: getattr(np, name)(x, y, mode), a, v)


@given(data=st.data())
def test_correlation(backend: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["convolve", "correlate"]))
    mode = data.draw(st.sampled_from(["full", "same", "valid"]))
    lengths = [data.draw(st.sampled_from([1, 2, 3, 8, 17, 64, 65, 300])) for _ in range(2)]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    a, v = [rng.integers(0, 4, n).astype(data.draw(st.sampled_from(DTYPES))) for n in lengths]
    check(name, a, v, mode)


def test_large(rng: np.random.Generator) -> None:
    a, v = rng.integers(-9, 9, 70_001).astype(float), rng.integers(-9, 9, 33).astype(float)
    with tn.config(strict=True):
        check("convolve", a, v, "same")
        check("correlate", a[::2], v[::-3], "full")


def test_infinite_weights_meet_no_zeros(backend: str) -> None:
    a, v = np.arange(1.0, 12.0), np.array([np.inf, *np.ones(8)])
    for mode in ("full", "same", "valid"):
        check("convolve", a, v, mode)
        check("convolve", v, a, mode)


@pytest.mark.parametrize(
    ("a", "v", "mode"),
    [
        (np.ones(0), np.ones(3), "full"),
        (np.ones((2, 2)), np.ones(3), "full"),
        (np.ones(4), np.ones(3), "wrong"),
    ],
)
def test_errors_are_numpys(backend: str, a: Any, v: Any, mode: str) -> None:
    check("convolve", a, v, mode)
