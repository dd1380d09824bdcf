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
    if backend == "wgpu":  # does not warn: a deviation that its module's docstring names
        return
    with pytest.warns(RuntimeWarning, match="overflow encountered in matmul"):
        tn.asarray(big) @ tn.asarray(big)


def stack(rng: np.random.Generator, dtype: str, order: str, count: int, m: int, n: int) -> Any:
    """A stack of matrices that lie in C order, transposed, or with gaps both ways."""
    if order == "transposed":
        return rng.standard_normal((count, n, m)).astype(dtype).swapaxes(1, 2)
    if order == "spread":
        return rng.standard_normal((count, 2 * m, 3 * n)).astype(dtype)[:, ::2, ::-3]
    return rng.standard_normal((count, m, n)).astype(dtype)


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("left", ["dense", "transposed", "spread"])
@pytest.mark.parametrize("right", ["dense", "transposed", "spread"])
def test_stacks(dtype: str, left: str, right: str, rng: np.random.Generator) -> None:
    """Every remainder of rows and columns, and depths of more than one block."""
    sizes = [(5, 6, 7), (8, 8, 8), (9, 3, 4), (12, 400, 17), (23, 10, 49), (66, 8, 100)]
    with tn.config(backend="simd", threshold=0):
        for m, k, n in sizes:
            for count in (1, 2, 70):
                a = stack(rng, dtype, left, count, m, k)
                b = stack(rng, dtype, right, count, k, n)
                exact = np.matmul(a.astype(np.longdouble), b.astype(np.longdouble))
                bound = 4 * k**0.5 * np.finfo(dtype).eps * np.abs(exact).max()
                assert np.abs(np.asarray(tn.asarray(a) @ tn.asarray(b)) - exact).max() < bound
                same(tn.asarray(a) @ tn.asarray(b[:1]), a @ b[:1])
                same(tn.asarray(a)[None] @ tn.asarray(b[0]), a[None] @ b[0])


def test_stacks_are_the_same_for_any_number_of_threads(rng: np.random.Generator) -> None:
    a, b = rng.random((500, 7, 9)), rng.random((500, 9, 6))
    with tn.config(threads=1):
        alone = np.asarray(tn.asarray(a) @ tn.asarray(b))
    for threads in (2, 3):
        with tn.config(threads=threads):
            np.testing.assert_array_equal(np.asarray(tn.asarray(a) @ tn.asarray(b)), alone)
    np.testing.assert_array_equal(np.asarray(tn.asarray(a[7:9]) @ tn.asarray(b[7:9])), alone[7:9])


def test_stacks_of_infinities(rng: np.random.Generator) -> None:
    """Only where NumPy would have warned too; what is read beside a matrix raises nothing."""
    a, b = rng.random((200, 8, 8)), rng.random((200, 8, 5))
    b[:, :, 0] = np.inf
    with tn.config(backend="simd", threshold=0), np.errstate(all="raise"):
        exactly(np.isinf(tn.asarray(a) @ tn.asarray(b)), np.isinf(a @ b))
    a[3] *= 1e300
    b[3] = 1e300
    with tn.config(backend="simd", threshold=0):
        with pytest.warns(RuntimeWarning, match="overflow encountered in matmul"):
            tn.asarray(a) @ tn.asarray(b)
        with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow"):
            tn.asarray(a) @ tn.asarray(b)


@pytest.mark.parametrize("dtype", ["l", "f", "D"])
@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("ij,jk,kl->il", [(5, 6), (6, 7), (7, 2)]),
        ("i,ij,j->", [(5,), (5, 6), (6,)]),
        ("ij, jk, kl, li -> i", [(5, 6), (6, 7), (7, 2), (2, 5)]),
        ("bij,bjk,k->bi", [(3, 5, 6), (3, 6, 7), (7,)]),
        ("ij,kl,m->mlkji", [(2, 3), (4, 5), (6,)]),
        ("ii,ij,jk->ik", [(5, 5), (5, 6), (6, 7)]),
        ("ij,jk,kl", [(5, 6), (6, 7), (7, 2)]),
    ],
)
def test_einsum_of_several(backend: str, dtype: str, text: str, shapes: Any) -> None:
    rng = np.random.default_rng(3)
    arrays = [numbers(rng, dtype, shape) for shape in shapes]
    for optimize in (False, True):
        ours = np.einsum(text, *[tn.asarray(x) for x in arrays], optimize=optimize)
        same(ours, np.einsum(text, *arrays, optimize=optimize))


@pytest.mark.parametrize("dtype", ["b", "l", "f", "D"])
def test_tensordot(backend: str, dtype: str) -> None:
    rng = np.random.default_rng(5)
    a, b = numbers(rng, dtype, (3, 4, 5)), numbers(rng, dtype, (5, 4, 3))
    for axes in (1, 0, 3, 4, -1, ([1, 2], [1, 0]), (0, 2), ((0, 1), (2, 1)), ([0, 0], [2, 2])):
        expected = outcome(np.tensordot, a, b, axes)
        ours = outcome(np.tensordot, tn.asarray(a), tn.asarray(b), axes)
        assert ours[1] is expected[1]
        if expected[1] is None:
            same(ours[0], expected[0])


@pytest.mark.parametrize("dtype", ["b", "d", "F"])
def test_kron(backend: str, dtype: str) -> None:
    rng = np.random.default_rng(6)
    for left, right in [((3, 4), (2, 5)), ((3,), (2, 5)), ((2, 3, 4), (5,)), ((), (3, 4))]:
        a, b = numbers(rng, dtype, left), numbers(rng, dtype, right)
        same(np.kron(tn.asarray(a), tn.asarray(b)), np.kron(a, b))
