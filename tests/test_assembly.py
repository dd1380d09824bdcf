"""Joining, tiling, padding, rolling: fresh arrays of rectangular parts, on every backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import trueno as tn
from tests.compare import agree, outcome, same

DTYPES = ("?", "b", "e", "f", "i", "d", "l", "F", "D", "S3", "M8[s]", "O")


def filled(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 100).astype(dtype)


def laid_out(array: np.ndarray, layout: int) -> np.ndarray:
    """The array's elements in one of several layouts."""
    if layout == 1:
        return np.asfortranarray(array)
    if layout == 2:
        return array[::-1]
    return np.repeat(array, 2, -1)[..., ::2] if layout == 3 else array


def arrays(min_dims: int = 1, min_side: int = 0) -> st.SearchStrategy[np.ndarray]:
    shapes = hnp.array_shapes(min_dims=min_dims, max_dims=3, min_side=min_side, max_side=9)
    drawn = st.builds(filled, shapes, st.sampled_from(DTYPES))
    return st.builds(laid_out, drawn, st.integers(0, 3))


def joins(f: Callable[[Any, Any], Any], parts: list[np.ndarray]) -> None:
    """``f(np, parts)`` and ``f(tn, ours)`` agree: value, error and the order of the axes."""
    theirs, error = outcome(f, np, parts)
    ours, raised = outcome(f, np, [tn.asarray(x) for x in parts])
    assert raised is error
    same(ours, theirs)
    if theirs is not None and theirs.size:
        assert ours.strides == theirs.strides


@given(data=st.data())
def test_joining(backend: str, data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=7))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    parts = []
    for _ in range(data.draw(st.integers(1, 4))):
        lengths = list(shape)
        lengths[axis] = data.draw(st.integers(0, 7))
        dtype = data.draw(st.sampled_from(DTYPES[:9]))
        parts.append(laid_out(filled(tuple(lengths), dtype), data.draw(st.integers(0, 3))))
    joins(lambda xp, p: xp.concatenate(p, axis), parts)
    joins(lambda xp, p: xp.concatenate(p, None), parts)
    joins(lambda xp, p: xp.concatenate(p, axis, dtype="f4", casting="same_kind"), parts)
    for name in ("vstack", "hstack", "dstack", "column_stack"):
        joins(lambda xp, p, name=name: getattr(xp, name)(p), parts)
    joins(lambda xp, p: xp.append(p[0], p[-1], axis), parts)
    joins(lambda xp, p: xp.append(p[0], 3), parts)


@given(data=st.data())
def test_stacking(backend: str, data: st.DataObject) -> None:
    array = data.draw(arrays())
    axis = data.draw(st.integers(-array.ndim - 2, array.ndim + 1))
    joins(lambda xp, p: xp.stack(p, axis), [array, array[::-1], array.copy()])
    joins(lambda xp, p: xp.block([p, p]), [array, array])


@given(data=st.data())
def test_repeating(backend: str, data: st.DataObject) -> None:
    array = data.draw(arrays())
    reps = data.draw(st.one_of(st.integers(0, 4), st.tuples(*[st.integers(0, 3)] * 2)))
    axis = data.draw(st.one_of(st.none(), st.integers(-array.ndim, array.ndim - 1)))
    agree(lambda xp, x: xp.tile(x, reps), array)
    agree(lambda xp, x: xp.repeat(x, 3, axis), array)
    agree(lambda xp, x: x.repeat(2, axis), array)
    counts = data.draw(hnp.arrays("i8", array.shape[0], elements=st.integers(-1 if axis else 0, 4)))
    agree(lambda xp, x: xp.repeat(x, counts, 0), array)
    agree(lambda xp, x: xp.repeat(x.ravel(), counts), array[..., :1])
    agree(lambda xp, x: xp.resize(x, (3, 5)), array)


@given(data=st.data())
def test_rolling(backend: str, data: st.DataObject) -> None:
    array = data.draw(arrays())
    axis = data.draw(st.integers(-array.ndim, array.ndim - 1))
    shift = data.draw(st.integers(-20, 20))
    agree(lambda xp, x: xp.roll(x, shift), array)
    agree(lambda xp, x: xp.roll(x, shift, axis), array)
    agree(lambda xp, x: xp.roll(x, (shift, 1), (axis, 0)), array)


@pytest.mark.parametrize("mode", ["constant", "edge", "wrap", "reflect", "symmetric", "mean"])
@given(data=st.data())
def test_padding(backend: str, mode: Any, data: st.DataObject) -> None:
    array = data.draw(arrays())
    widths = st.tuples(st.integers(0, 12), st.integers(0, 12))
    width = data.draw(st.tuples(*[widths] * array.ndim))
    if array.dtype.kind in "SMO" and mode == "mean":
        return
    agree(lambda xp, x: xp.pad(x, width, mode), array)
    agree(lambda xp, x: xp.pad(x, 2, mode), array)
    if mode == "constant":
        agree(lambda xp, x: xp.pad(x, width, mode, constant_values=(1, 2)), array)
    if mode in ("reflect", "symmetric") and array.dtype.kind in "fi":
        agree(lambda xp, x: xp.pad(x, 3, mode, reflect_type="odd"), array)


@given(data=st.data())
def test_inserting_and_deleting(backend: str, data: st.DataObject) -> None:
    array = data.draw(arrays())
    axis = data.draw(st.one_of(st.none(), st.integers(-array.ndim, array.ndim - 1)))
    place = data.draw(st.integers(-11, 11))
    span = slice(place, data.draw(st.integers(-11, 11)), data.draw(st.sampled_from((1, 2, -1))))
    few = data.draw(hnp.arrays("i8", st.integers(0, 4), elements=st.integers(-9, 8)))
    agree(lambda xp, x: xp.insert(x, place, 7, axis), array)
    agree(lambda xp, x: xp.insert(x, place, [7, 8], axis), array)
    for which in (place, span, few):
        agree(lambda xp, x, which=which: xp.delete(x, which, axis), array)


@given(data=st.data())
def test_copies_in_another_order(backend: str, data: st.DataObject) -> None:
    array = data.draw(arrays())
    for order in ("C", "F", "A", "K"):
        agree(lambda xp, x, order=order: x.flatten(order), array)
        agree(lambda xp, x, order=order: x.ravel(order), array)
        agree(lambda xp, x, order=order: xp.ravel(x, order), array)
    for name in ("asfortranarray", "ascontiguousarray"):
        agree(lambda xp, x, name=name: getattr(xp, name)(x), array)
        ours = getattr(tn, name)(tn.asarray(array))
        assert ours.flags.f_contiguous if name == "asfortranarray" else ours.flags.c_contiguous


@given(data=st.data())
def test_coordinate_matrices(backend: str, data: st.DataObject) -> None:
    lines = [np.arange(float(data.draw(st.integers(0, 4)))) for _ in range(3)]
    count = data.draw(st.integers(0, 3))
    for indexing in ("xy", "ij"):
        for sparse in (False, True):
            kwargs: Any = {"indexing": indexing, "sparse": sparse}
            ours = tn.meshgrid(*[tn.asarray(x) for x in lines[:count]], **kwargs)
            same(ours, tuple(np.meshgrid(*lines[:count], **kwargs)))


@pytest.mark.parametrize("dtype", ["u1", "f2", "f4", "f8", "c16", "S3"])
def test_large_parts_split_among_threads(rng: np.random.Generator, dtype: str) -> None:
    wide = rng.integers(0, 100, (700, 900)).astype(dtype)
    with tn.config(backend="simd", threshold=0, threads=3, strict=True):
        x = tn.asarray(wide)
        same(np.concatenate((x, x[:, ::-1], x[:, :1]), 1), np.c_[wide, wide[:, ::-1], wide[:, :1]])
        same(np.concatenate((x.T, x.T)), np.concatenate((wide.T, wide.T)))
        same(np.stack((x, x), -1), np.stack((wide, wide), -1))
        same(np.repeat(x, 3), np.repeat(wide, 3))
        same(np.repeat(x, 2, 0), np.repeat(wide, 2, 0))
        same(np.tile(x, (2, 3)), np.tile(wide, (2, 3)))
        same(np.pad(x, 40, "reflect"), np.pad(wide, 40, "reflect"))
        same(np.pad(x, 3), np.pad(wide, 3))
        same(np.roll(x, (5, -7), (0, 1)), np.roll(wide, (5, -7), (0, 1)))
        same(np.roll(x, 1001), np.roll(wide, 1001))


def test_pending_parts_are_computed(backend: str) -> None:
    x = tn.arange(6.0)
    same(np.concatenate((x + 1, x * 2)), np.r_[np.arange(6.0) + 1, np.arange(6.0) * 2])
    y = tn.zeros(6)
    joined = np.concatenate((y, x))
    y += 1.0
    same(joined, np.r_[np.zeros(6), np.arange(6.0)])


def test_out_and_odd_arguments_are_numpys(backend: str) -> None:
    x, array = tn.arange(4.0), np.arange(4.0)
    out, theirs = tn.zeros(8), np.zeros(8)
    result = np.concatenate((x, x), out=out)
    assert result is out
    same(out, np.concatenate((array, array), out=theirs))
    same(np.concatenate([x, [1, 2]]), np.concatenate([array, [1, 2]]))
    same(np.concatenate(x.reshape(2, 2)), array)
    with pytest.raises(ValueError, match="dimension"):
        np.concatenate((x, tn.ones((2, 2))))
    with pytest.raises(ValueError, match="at least one"):
        tn.concat([])
    with pytest.raises(TypeError):
        np.concatenate((x, x), dtype="i4")
    with pytest.raises(ValueError, match=r"trueno\.pad"):
        np.pad(x, -1)
    with pytest.raises(ValueError, match="broadcast"):
        np.insert(tn.ones((3, 4)), 1, np.ones(3), 0)
