"""``trueno.special``: SciPy's functions, dtypes and special values, fused where a kernel exists."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

import trueno as tn

X = np.array([-np.inf, -3.0, -1e-300, -0.0, 0.0, 1e-300, 0.3, 1.0, 30.0, np.inf, np.nan])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["entr", "erf", "erfc", "expit", "gammaln", "ndtr"])
def test_one_operand(name: str, dtype: str, backend: str) -> None:
    x = X.astype(dtype)
    result = getattr(tn.special, name)(tn.asarray(x, device="cpu"))
    expected = getattr(special, name)(x)
    assert result.dtype == expected.dtype
    assert result.device == "cpu"
    np.testing.assert_allclose(result, expected, rtol=4 * np.finfo(dtype).eps)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(result)[known], np.signbit(expected)[known])


@pytest.mark.parametrize("name", ["xlogy", "xlog1py"])
def test_two_operands(name: str, backend: str) -> None:
    x, y = np.meshgrid(X, X)
    result = getattr(tn.special, name)(tn.asarray(x), tn.asarray(y))
    np.testing.assert_allclose(result, getattr(special, name)(x, y), rtol=1e-15)


@pytest.mark.parametrize("dtype", ["int64", "float16", "complex128"])
def test_dtypes_without_kernels_are_scipys(dtype: str) -> None:
    x = np.arange(5).astype(dtype)
    result = tn.special.erf(tn.asarray(x))
    assert isinstance(result, tn.TruenoArray)
    assert result.dtype == special.erf(x).dtype
    np.testing.assert_array_equal(result, special.erf(x))


def test_kernels_run_fused_on_large_arrays() -> None:
    x = tn.ones(100_000)
    with tn.backend("simd"), tn.config(threshold=0), tn.profile() as profile:
        tn.evaluate(tn.special.xlogy(x + 1, tn.special.expit(x)))
    assert profile.where() == {"simd": 1, "deferred": 0}


def test_functions_that_are_no_ufuncs() -> None:
    x = tn.asarray([2.0, 3.0], device="cpu")
    result = tn.special.multigammaln(x, 2)
    assert isinstance(result, tn.TruenoArray)
    assert result.device == "cpu"
    np.testing.assert_array_equal(result, special.multigammaln(np.asarray(x), 2))


def test_a_name_that_scipy_lacks() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tn.special.nothing  # noqa: B018
    assert "gammaln" in dir(tn.special)
