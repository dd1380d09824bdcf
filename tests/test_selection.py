"""Masks and index arrays: reading and writing what they pick, on every backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import trueno as tn
from tests.compare import outcome, same

# Every element size from 1 to 16 bytes, one that no loop is made for, and one that NumPy keeps.
DTYPES = ("?", "b", "H", "f", "i", "d", "l", "F", "D", "S3", "M8[s]", "O")

Function = Callable[[Any, Any], Any]  # of the array and of what picks


def arrays(min_dims: int = 1) -> st.SearchStrategy[np.ndarray]:
    """Arrays of small numbers in any dtype, some of them not in C order."""

    def make(shape: tuple[int, ...], dtype: str, layout: int) -> np.ndarray:
        array = np.arange(np.prod(shape, dtype=int)).reshape(shape) % 100
        array = array.astype(dtype)
        if layout == 1:
            return np.asfortranarray(array)
        return array[::-1] if layout == 2 else array

    shapes = hnp.array_shapes(min_dims=min_dims, max_dims=3, min_side=0, max_side=9)
    return st.builds(make, shapes, st.sampled_from(DTYPES), st.integers(0, 2))


def ours(array: np.ndarray) -> Any:
    return tn.asarray(array.copy("K"))


def agrees(f: Function, array: np.ndarray, picked: Any) -> None:
    """``f`` gives and leaves behind the same for NumPy's arrays and ours, or the same error."""
    theirs, mine = array.copy("K"), ours(array)
    mine_picked = tuple(map(tn.asarray, picked)) if type(picked) is tuple else tn.asarray(picked)
    expected, error = outcome(f, theirs, picked)
    result, raised = outcome(f, mine, mine_picked)
    assert raised is error
    same(result, expected)
    same(mine, theirs)


def read(x: Any, picked: Any) -> Any:
    return x[picked]


@given(data=st.data())
def test_reading_a_mask(backend: str, data: st.DataObject) -> None:
    array = data.draw(arrays())
    dims = data.draw(st.integers(1, array.ndim))
    mask = data.draw(hnp.arrays(bool, array.shape[:dims]))
    agrees(read, array, mask)
    agrees(lambda x, m: np.compress(m.ravel(), x), array, mask)
    agrees(lambda x, m: np.extract(m, x), array, mask)


@given(data=st.data())
def test_writing_through_a_mask(backend: str, data: st.DataObject) -> None:
    array = data.draw(arrays())
    dims = data.draw(st.integers(1, array.ndim))
    mask = data.draw(hnp.arrays(bool, array.shape[:dims]))

    def write(value: Any) -> Function:
        def f(x: Any, m: Any) -> None:
            x[m] = value

        return f

    agrees(write(7), array, mask)
    agrees(write(tn.asarray(7).sum()), array, mask)
    values = np.arange(array[mask].size).reshape(array[mask].shape)
    agrees(write(values.astype(array.dtype)), array, mask)
    agrees(write(tn.asarray(values)), array, mask)
    agrees(write(np.arange(50)), array, mask)


@given(array=hnp.arrays(np.float32, hnp.array_shapes(max_dims=2)), row=st.booleans())
def test_a_mask_that_is_pending(backend: str, array: np.ndarray, row: bool) -> None:
    def f(x: Any, unused: Any) -> Any:
        y = x + 1
        mask = y[:, 0] > 1 if row and y.ndim == 2 else y > 1
        y[mask] = 0
        x[mask] = 2.5
        return y, y[~mask], x

    agrees(f, array, np.ones(1))


@given(data=st.data())
def test_positions(backend: str, data: st.DataObject) -> None:
    array = data.draw(arrays())
    agrees(lambda x, m: np.nonzero(x), array, ())
    agrees(lambda x, m: np.argwhere(x), array, ())
    agrees(lambda x, m: np.flatnonzero(x), array, ())
    agrees(lambda x, m: x.nonzero(), array, ())
    agrees(lambda x, m: np.where(x), array, ())


@given(data=st.data())
def test_index_arrays(backend: str, data: st.DataObject) -> None:
    array = data.draw(arrays())
    count = data.draw(st.integers(1, array.ndim))
    shape = data.draw(hnp.array_shapes(max_dims=2, min_side=0, max_side=6))
    dtype = data.draw(st.sampled_from("lihBQ"))
    low = 0 if dtype in "BQ" else -11
    index = tuple(
        data.draw(hnp.arrays(dtype, shape, elements=st.integers(low, 10))) for _ in range(count)
    )
    if data.draw(st.booleans()):  # most examples in bounds
        index = tuple(i % max(n, 1) for i, n in zip(index, array.shape, strict=False))
    agrees(read, array, index)
    agrees(lambda x, i: x[(slice(None), *i)], array, index)
    agrees(lambda x, i: x[(*i, ...)], array, index)
    agrees(lambda x, i: x[i[0]], array, index)
    agrees(lambda x, i: x.__setitem__(i, 3), array, index)
    agrees(lambda x, i: x.__setitem__(i[0], x[i[0]][::-1]), array, index)
    values = np.arange(index[0].size).reshape(shape).astype(array.dtype)
    agrees(lambda x, i: x.__setitem__(i, values), array, index)
    # NumPy never returns from wrapping around an axis of length 0.
    for mode in ("raise", "wrap", "clip") if array.size else ("raise", "clip"):
        for axis in (None, 0, -1):
            kwargs = {"axis": axis, "mode": mode}
            agrees(lambda x, i, kwargs=kwargs: np.take(x, i[0], **kwargs), array, index)
    agrees(lambda x, i: x.take(i[0]), array, index)


def test_large_selections_split_among_threads(rng: np.random.Generator) -> None:
    array = rng.random(100_003)
    mask, index = array > 0.5, rng.integers(-100_003, 100_003, 70_001)
    wide = rng.random((3001, 7))
    with tn.config(backend="simd", threshold=0, strict=True):
        x, m, i = tn.asarray(array), tn.asarray(mask), tn.asarray(index)
        same(x[m], array[mask])
        same(x[i], array[index])
        same(np.nonzero(m), np.nonzero(mask))
        same(np.argwhere(tn.asarray(wide) > 0.5), np.argwhere(wide > 0.5))
        same(tn.asarray(wide)[:, tn.asarray(np.array([6, 0, 0, 5]))], wide[:, [6, 0, 0, 5]])
        same(tn.asarray(wide)[tn.asarray(wide[:, 0] > 0.5)], wide[wide[:, 0] > 0.5])
        x[m] = array[mask][::-1].copy()
        array[mask] = array[mask][::-1]
        same(x, array)
        x[i] = np.arange(70_001.0)
        array[index] = np.arange(70_001.0)  # many indices repeat: the last one wins
        same(x, array)
        x[m] = -1.0
        array[mask] = -1.0
        same(x, array)


def test_errors_are_numpys(backend: str) -> None:
    x = tn.arange(5.0)
    with pytest.raises(IndexError, match=r"trueno\.__getitem__: index 5 is out of bounds.*size 5"):
        x[tn.asarray([0, 5, 7])]
    with pytest.raises(IndexError, match=r"trueno\.__setitem__: index -6 is out of bounds"):
        x[tn.asarray([0, -6])] = 1.0
    same(x, np.arange(5.0))
    with pytest.raises(IndexError, match=r"trueno\.take: index 9 is out of bounds"):
        np.take(x, tn.asarray([1, 9]))
    with pytest.raises(IndexError, match="boolean index did not match"):
        x[tn.asarray([True, False])]
    with pytest.raises(ValueError, match="assign"):
        x[x > 1] = np.arange(7.0)
    read_only = tn.asarray(np.broadcast_to(np.arange(3.0), (2, 3)), copy=False)
    with pytest.raises(ValueError, match="read-only"):
        read_only[tn.ones((2, 3), dtype=bool)] = 0.0


def test_an_index_into_itself(backend: str) -> None:
    array = np.array([2, 0, 1, 1])
    x = tn.asarray(array)
    x[x] = x
    array[array] = array.copy()
    same(x, array)
    same(x[x], array[array])
