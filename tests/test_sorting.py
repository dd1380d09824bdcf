"""Sorting: stable, NaN last, in every real dtype, on every backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import trueno as tn
from tests.compare import same

REAL = (*"?bhilqBHILQefd",)


@given(data=st.data())
def test_sort_and_argsort(backend: str, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from((*REAL, "F", "M8[s]")))
    array = data.draw(hnp.arrays(dtype, hnp.array_shapes(max_dims=3, max_side=12)))
    axis = data.draw(st.one_of(st.none(), st.integers(-array.ndim, array.ndim - 1)))
    x = tn.asarray(array)
    same(np.sort(x, axis), np.sort(array, axis))
    same(np.sort(x, axis, kind="stable"), np.sort(array, axis, kind="stable"))
    same(np.argsort(x, axis, stable=True), np.argsort(array, axis, stable=True))
    if array.dtype.kind in "iuf":
        same(tn.sort(x, axis=axis), np.sort(array, axis))
        down = tn.argsort(x, axis=axis, descending=True)
        flat = array.ravel() if axis is None else array
        at = -1 if axis is None else axis
        backwards = np.argsort(np.flip(flat, at), at, stable=True)
        expected = flat.shape[at] - 1 - np.flip(backwards, at)
        same(down, expected)
        ordered = np.take_along_axis(flat, expected, at)
        same(tn.sort(x, axis=axis, descending=True), ordered)


@pytest.mark.parametrize("dtype", ["i1", "u2", "f2", "i4", "f4", "i8", "f8"])
@pytest.mark.parametrize("n", [1, 5, 70_000, 150_001])
def test_sizes(rng: np.random.Generator, dtype: str, n: int) -> None:
    """Through the caches, past them, and shared among threads."""
    array = (rng.standard_normal(n) * 100).astype(dtype)
    if dtype[0] == "f":
        array[::7], array[::5], array[::6] = np.nan, -0.0, 0.0
    order = np.argsort(array, stable=True)
    with tn.config(backend="simd", threshold=0, threads=3), tn.profile() as profile:
        x = tn.asarray(array)
        positions, ascending = np.argsort(x), np.sort(x)
        again = np.sort(ascending)
    same(positions, order)
    assert np.asarray(ascending).tobytes() == array[order].tobytes()
    assert np.asarray(again).tobytes() == array[order].tobytes()
    assert profile.where() == {"simd": 3, "deferred": 0}


@pytest.mark.slow
def test_past_the_caches(rng: np.random.Generator) -> None:
    array = rng.standard_normal(4_300_001).astype("f4")
    order = np.argsort(array, stable=True)
    with tn.config(backend="simd", threshold=0, threads=2):
        same(np.argsort(tn.asarray(array)), order)
        same(np.sort(tn.asarray(np.concatenate((array, -array)))), np.sort(np.r_[array, -array]))


def test_many_rows(rng: np.random.Generator) -> None:
    array: Any = rng.random((40, 1500, 3))
    with tn.config(backend="simd", threshold=0):
        for axis in (0, 1, 2):
            same(np.sort(tn.asarray(array), axis), np.sort(array, axis))
            same(np.argsort(tn.asarray(array), axis), np.argsort(array, axis))
