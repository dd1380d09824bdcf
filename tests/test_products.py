"""Matrix products: NumPy's values, dtypes, shapes and errors, whoever computes them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import trueno as tn
from tests.compare import agree, outcome
from tests.compare import same as exactly

DTYPES = (*"?bhilBHILefdFD",)


def same(ours: Any, theirs: Any) -> None:
    """Integers exactly, floating-point numbers within the bound of a product's rounding."""
    theirs = np.asarray(theirs)
    if theirs.dtype.kind not in "fc":
        exactly(ours, theirs)
        return
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    scale = float(np.abs(theirs).max(initial=1e-30))
    tolerance = 64 * float(np.finfo(theirs.dtype).eps) * scale
    np.testing.assert_allclose(np.asarray(ours), theirs, rtol=0, atol=tolerance)


def numbers(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> Any:
    values = rng.integers(-120, 120, shape)
    return (values / 16 if dtype in "efdFD" else values).astype(dtype)


@given(data=st.data())
def test_matmul(backend: str, data: st.DataObject) -> None:
    m, k, n = (data.draw(st.sampled_from([1, 2, 3, 4, 5, 17, 40])) for _ in range(3))
    stack = data.draw(st.sampled_from([(), (1,), (3,), (2, 3)]))
    left = data.draw(st.sampled_from([(*stack, m, k), (m, k), (k,)]))
    right = data.draw(st.sampled_from([(*stack, k, n), (k, n), (k,)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    a = numbers(rng, data.draw(st.sampled_from(DTYPES)), left)
    b = numbers(rng, data.draw(st.sampled_from(DTYPES)), right)
    same(tn.asarray(a) @ tn.asarray(b), a @ b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_matmul(dtype: str, rng: np.random.Generator) -> None:
    a, b = numbers(rng, dtype, (70, 300)), numbers(rng, dtype, (300, 90))
    with tn.config(backend="simd", threshold=0, strict=dtype != "?"):
        same(tn.asarray(a) @ tn.asarray(b), a @ b)
        same(tn.asarray(a)[::2, ::3] @ tn.asarray(b)[::3, ::2], a[::2, ::3] @ b[::3, ::2])


def test_matmul_is_no_deferral(rng: np.random.Generator) -> None:
    a, bias = rng.random((400, 400)), rng.random(400)
    x = tn.asarray(a)
    with tn.config(strict=True, threshold=10_000), tn.profile() as profile:
        result = tn.evaluate(np.tanh(np.matmul(x + 1, x) + tn.asarray(bias)))
    same(result, np.tanh((a + 1) @ a + bias))
    assert profile.where() == {"simd": 3, "deferred": 0}  # x + 1, the product, what follows it


@pytest.mark.parametrize("dtype", ["l", "f", "D"])
@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("ij,jk->ik", (5, 6), (6, 7)),
        ("ij,jk->ki", (5, 6), (6, 7)),
        ("ij,jk", (5, 6), (6, 7)),
        ("ij,ij->i", (5, 6), (5, 6)),
        ("ij,ji->", (5, 6), (6, 5)),
        ("bij,bkj->bki", (3, 5, 6), (3, 4, 6)),
        ("ijkl,lj->ki", (2, 3, 4, 5), (5, 3)),
        ("i,j->ji", (5,), (6,)),
        ("ij,j->ij", (5, 6), (6,)),
        ("ii,ij->j", (5, 5), (5, 6)),
        ("ij,k->k", (5, 6), (4,)),
        ("...j,jk->...k", (2, 5, 6), (6, 7)),
    ],
)
def test_einsum(backend: str, dtype: str, text: str, left: Any, right: Any) -> None:
    rng = np.random.default_rng(3)
    a, b = numbers(rng, dtype, left), numbers(rng, dtype, right)
    same(np.einsum(text, tn.asarray(a), tn.asarray(b)), np.einsum(text, a, b))


@pytest.mark.parametrize("name", ["dot", "inner", "outer"])
def test_products_of_numpy(backend: str, name: str) -> None:
    rng = np.random.default_rng(4)
    shapes = [((4,), (4,)), ((3, 4), (4,)), ((4, 4), (4, 4)), ((2, 3, 4), (4, 4)), ((), (3, 4))]
    for left, right in [*shapes, ((2, 4), (2, 4, 3)), ((3, 4), (5, 7))]:
        a, b = numbers(rng, "d", left), numbers(rng, "d", right)
        f = getattr(np, name)
        theirs, expected = outcome(f, a, b)
        ours, raised = outcome(f, tn.asarray(a), tn.asarray(b))
        assert raised is expected
        if expected is None:
            same(ours, theirs)


def test_errors_are_numpys(backend: str) -> None:
    for right in (np.ones((3, 2)), np.ones(3), np.float64(2), np.ones((3, 4, 2))):
        agree(lambda xp, x, y=right: operator.matmul(x, y), np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"trueno\.matmul: "):
        tn.ones((2, 3)) @ tn.ones((2, 3))


def test_floating_point_errors_raise(backend: str) -> None:
    big = np.full((40, 40), 1e200)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match=r"trueno\.matmul: "):
        tn.asarray(big) @ tn.asarray(big)
    with pytest.warns(RuntimeWarning, match="overflow encountered in matmul"):
        tn.asarray(big) @ tn.asarray(big)
