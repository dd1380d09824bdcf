"""Counts, histograms, medians, quantiles, sets and interpolation, on every backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import trueno as tn
from tests.compare import agree, outcome, same

INTEGERS = (*"?bhilBHIL",)
REAL = (*"bhilBHILefd",)


def numbers(dtype: str, least: int = 0) -> st.SearchStrategy[np.ndarray]:
    """Arrays of up to 60 small numbers, halves among them, with special values."""
    if np.dtype(dtype).kind == "f":
        values = st.one_of(
            st.integers(-9, 9).map(lambda n: n / 2), st.sampled_from([-0.0, 0.1, 1 / 3, 2.5e4])
        )
    else:
        values = st.integers(0 if dtype in "?BHIL" else -9, 1 if dtype == "?" else 9)
    return hnp.arrays(dtype, st.integers(least, 60), elements=values)


@given(data=st.data())
def test_bincount(backend: str, data: st.DataObject) -> None:
    array = data.draw(numbers(data.draw(st.sampled_from((*INTEGERS, "d")))))
    least = data.draw(st.integers(-1, 30))
    agree(lambda xp, x: xp.bincount(x, minlength=least), array)
    agree(lambda xp, x: xp.bincount(abs(x), x * 0.5), array)
    agree(lambda xp, x: xp.bincount(abs(x)), array)


@given(data=st.data())
def test_histogram(backend: str, data: st.DataObject) -> None:
    array = data.draw(numbers(data.draw(st.sampled_from(REAL))))
    bins = data.draw(st.integers(1, 40))
    low = data.draw(st.floats(-10, 10))
    limits = (low, low + data.draw(st.floats(0, 10)))
    edges = np.sort(data.draw(hnp.arrays("d", st.integers(1, 6), elements=st.floats(-9, 9))))
    agree(lambda xp, x: xp.histogram(x, bins), array)
    agree(lambda xp, x: xp.histogram(x, bins, limits), array)
    agree(lambda xp, x: xp.histogram(x, bins, (-3, 4), density=True), array)
    agree(lambda xp, x: xp.histogram(x, edges), array)
    agree(lambda xp, x: xp.histogram(x, [-2, 0, 0, 3]), array)
    agree(lambda xp, x: xp.histogram(x, 4, weights=x), array)
    agree(lambda xp, x: xp.digitize(x, edges), array)
    agree(lambda xp, x: xp.digitize(x, edges[::-1], right=True), array)


def test_values_at_the_edges_of_bins() -> None:
    """Where the quotient says another bin than the edges do."""
    for dtype in ("f4", "f8"):
        for bins in (3, 7, 49, 1000):
            edges = np.linspace(0, 1, bins + 1, dtype=dtype)
            near = [np.nextafter(edges, np.array(end, dtype)) for end in (-1, 2)]
            array = np.concatenate((edges, *near, [np.nan, np.inf, -np.inf])).astype(dtype)
            with tn.config(backend="simd", threshold=0, strict=True):
                for limits in ((0, 1), (0.1, 0.7), (edges[1], edges[-2])):
                    if limits[0] < limits[1]:
                        ours = np.histogram(tn.asarray(array), bins, limits)
                        same(ours, np.histogram(array, bins, limits))


@given(data=st.data())
def test_medians_and_quantiles(backend: str, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(REAL))
    array = data.draw(numbers(dtype, 1))
    if array.dtype.kind == "f" and data.draw(st.booleans()):
        array[:: data.draw(st.integers(1, 9))] = np.nan
    q: Any = data.draw(st.one_of(st.floats(0, 1), st.just([0.0, 0.25, 0.9, 1.0])))
    agree(lambda xp, x: xp.median(x), array)
    agree(lambda xp, x: xp.median(x, 0, keepdims=True), array)
    agree(lambda xp, x: xp.median(x.reshape(1, -1), -1), array)
    agree(lambda xp, x: xp.nanmedian(x), array)
    for name in ("quantile", "nanquantile"):
        agree(lambda xp, x, name=name: getattr(xp, name)(x, q), array)
        agree(lambda xp, x, name=name: getattr(xp, name)(x, np.float64(0.3)), array)
        agree(lambda xp, x, name=name: getattr(xp, name)(x, 0.7, method="nearest"), array)
    agree(lambda xp, x: xp.percentile(x, 40.0), array)
    agree(lambda xp, x: xp.percentile(x, 120.0), array)
    agree(lambda xp, x: xp.nanpercentile(x, [5, 95]), array)


@given(data=st.data())
def test_sets(backend: str, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from((*REAL, "?", "D")))
    array, other = data.draw(numbers(dtype)), data.draw(numbers(dtype))
    if array.dtype.kind == "f":
        array[::5] = other[::7] = np.nan
    if data.draw(st.booleans()) and dtype in "il":
        array *= 10**8  # too far apart to be counted
    agree(lambda xp, x: xp.unique(x), array)
    agree(lambda xp, x: xp.unique(x, equal_nan=False), array)
    agree(lambda xp, x: xp.unique(x, return_inverse=True, return_counts=True), array)
    agree(lambda xp, x: xp.unique(x, True, False, True), array)
    for name in ("isin", "intersect1d", "setdiff1d", "union1d"):
        theirs, error = outcome(getattr(np, name), array, other)
        ours, raised = outcome(getattr(np, name), tn.asarray(array), tn.asarray(other))
        assert raised is error
        same(ours, theirs)
    same(tn.isin(tn.asarray(array), other, invert=True), np.isin(array, other, invert=True))


@pytest.mark.parametrize("size", [6, 100])
def test_nans_are_one_element(backend: str, size: int) -> None:
    array = np.zeros(size, np.float32)
    array[::5] = np.nan
    agree(lambda xp, x: xp.unique(x), array)
    agree(lambda xp, x: xp.unique(x, equal_nan=False), array)


@given(data=st.data())
def test_interpolation(backend: str, data: st.DataObject) -> None:
    array = data.draw(numbers(data.draw(st.sampled_from(REAL))))
    count = data.draw(st.integers(1, 9))
    xs = np.sort(data.draw(hnp.arrays("d", count, elements=st.integers(-4, 4))))
    ys = data.draw(hnp.arrays("d", count, elements=st.sampled_from([0.1, -3, 7, np.inf, np.nan])))
    if array.dtype.kind == "f":
        array[::7] = np.nan
    agree(lambda xp, x: xp.interp(x, xs, ys), array)
    agree(lambda xp, x: xp.interp(x, xs, ys, left=-1, right=2.5), array)
    agree(lambda xp, x: xp.interp(x, xs, ys, period=3.0), array)
    agree(lambda xp, x: xp.interp(x[:3].reshape(-1, 1), xs, ys), array)


@given(data=st.data())
def test_sorting_in_place(backend: str, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from((*REAL, "?", "F")))
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=9))
    array = data.draw(hnp.arrays(dtype, shape))
    x = tn.asarray(array.copy())
    pending = x + 0
    theirs = array.copy()
    theirs.sort(kind="stable")
    assert x.sort(kind="stable") is None
    same(x, theirs)
    same(pending, array + 0)
    x[...] = array
    x.sort(0)
    same(x, np.sort(array, 0, kind="stable"))


@pytest.mark.parametrize("dtype", ["u1", "i4", "i8", "f4", "f8"])
def test_many_split_among_threads(rng: np.random.Generator, dtype: str) -> None:
    array = (rng.standard_normal(300_001) * 50).astype(dtype)
    positive = np.abs(array.astype("i4")).astype("u1" if dtype == "u1" else "i4")
    line = np.linspace(-9, 9, 50)
    with tn.config(backend="simd", threshold=0, threads=3, strict=True):
        x, p = tn.asarray(array), tn.asarray(positive)
        same(np.bincount(p), np.bincount(positive))
        same(np.histogram(x, 100), np.histogram(array, 100))
        same(np.histogram(x, 5000), np.histogram(array, 5000))
        same(np.median(x), np.median(array))
        same(np.quantile(x, [0.01, 0.5, 0.99]), np.quantile(array, [0.01, 0.5, 0.99]))
        same(np.unique(x), np.unique(array))
        same(np.interp(x, line, line**2), np.interp(array, line, line**2))
        same(np.isin(x, x[:500]), np.isin(array, array[:500]))
        table, values = np.sort(array), np.sort(array[::-3])
        for side in ("left", "right"):
            ours = np.searchsorted(tn.asarray(table), tn.asarray(values), side)
            same(ours, np.searchsorted(table, values, side))
        x.sort()
        same(x, np.sort(array))


def test_a_scalar_to_many_places(rng: np.random.Generator) -> None:
    index = rng.integers(-50_000, 50_000, 70_001)
    for dtype in ("u1", "f2", "f4", "f8", "c16"):
        array = np.zeros(50_000, dtype)
        with tn.config(backend="simd", threshold=0, threads=3, strict=True):
            x = tn.asarray(array)
            x[tn.asarray(index)] = 3
        array[index] = 3
        same(x, array)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("odd", [None, 7.0, -0.0, np.nan, np.inf])
def test_distinct_labels(dtype: str, odd: float | None, rng: np.random.Generator) -> None:
    x = rng.integers(0, 3, (50, 41)).astype(dtype)
    if odd is not None:
        x[17, 3] = odd  # not among the sample that is looked at first
    with tn.config(backend="simd", threshold=0), tn.profile() as profile:
        ours = tn.asarray(x)
        same(np.unique(ours), np.unique(x))
        same(tn.unique_values(ours), np.unique(x, equal_nan=False))
        same(np.unique(ours[:, ::2]), np.unique(x[:, ::2]))
    assert ("sort" in str(profile)) == (odd is not None)
