"""Indices of every kind, mixed: what they read, and what is written through them, as NumPy's."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import trueno as tn
from tests.compare import outcome, same

DTYPES = ("?", "i1", "i4", "i8", "u2", "e", "f", "d", "F")
Key = tuple[Any, ...]


@st.composite
def arrays(draw: Any) -> Any:
    """Small numbers, all different where the dtype can tell, in an array laid out anyhow."""
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    if draw(st.booleans()):
        shape = tuple(max(n, 1) for n in shape)
    array = (
        np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(draw(st.sampled_from(DTYPES)))
    )
    if draw(st.booleans()):
        array = array.transpose(draw(st.permutations(range(array.ndim))))
    if array.ndim and draw(st.booleans()):
        array = np.repeat(array, 2, axis=0)[:: draw(st.sampled_from((2, -2)))]
    return array


@st.composite
def index_arrays(draw: Any, size: int, shape: tuple[int, ...]) -> Any:
    """Positions along an axis of that size, broadcastable to ``shape``; seldom one too far."""
    lead = draw(st.integers(0, len(shape)))
    kept = tuple(n if draw(st.booleans()) else 1 for n in shape[lead:])
    wrong = draw(st.integers(0, 19)) == 0
    low, high = (-size - 1, size) if wrong or not size else (-size, size - 1)
    items = draw(st.lists(st.integers(low, high), min_size=(n := int(np.prod(kept))), max_size=n))
    array = (
        np.array(items, int).astype(draw(st.sampled_from(("i8", "i4", "i1", "u1")))).reshape(kept)
    )
    return array.tolist() if kept and draw(st.integers(0, 3)) == 0 else array


@st.composite
def keys(draw: Any, shape: tuple[int, ...]) -> Key:
    """An index of up to as many parts as there are axes, a few of no axis among them."""
    together = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    kinds = ("int", "slice", "slice", "array", "array", "mask", "none", "bool", "stop")
    key: list[Any] = []
    at = 0
    while at < len(shape):
        kind, size = draw(st.sampled_from(kinds)), shape[at]
        at += kind not in ("none", "bool")
        if kind == "int":
            key.append(draw(st.integers(-size, max(size - 1, 0))))
        elif kind == "slice":
            ends = st.none() | st.integers(-size - 1, size + 1)
            step = st.sampled_from((None, 1, 2, -1, -2))
            key.append(slice(draw(ends), draw(ends), draw(step)))
        elif kind == "array":
            key.append(draw(index_arrays(size, together)))
        elif kind == "mask":
            axes = shape[at - 1 : at - 1 + draw(st.integers(1, 2))]
            at += len(axes) - 1
            bits = st.lists(st.booleans(), min_size=(n := int(np.prod(axes))), max_size=n)
            key.append(np.array(draw(bits), bool).reshape(axes))
        elif kind == "none":
            key.append(None)
        elif kind == "bool":
            key.append(draw(st.booleans()))
        else:
            break
    if draw(st.integers(0, 2)) == 0:
        key.insert(draw(st.integers(0, len(key))), ...)
    return tuple(key)


def _ours(part: Any, chosen: bool) -> Any:
    return tn.asarray(part) if chosen and isinstance(part, np.ndarray) else part


class Pair:
    """An ndarray and ours with the same elements: pending, of a layout like it, or shown too."""

    def __init__(self, draw: Any) -> None:
        self.array = draw(arrays())
        state = draw(st.sampled_from(("pending", "shared", "shown")))
        if state == "shared":
            self.x = tn.asarray(self.array.copy(order="K"), copy=False)
        else:
            self.x = tn.asarray(self.array)
        if state == "pending" and self.array.ndim and self.array.dtype != bool:
            self.x = self.x + self.array.dtype.type(1)
            self.array = self.array + self.array.dtype.type(1)
        else:
            self.array = self.array.copy(order="K")
        self.shown = np.asarray(self.x) if state == "shown" else None
        self.view = _backwards(self.x)

    def index(self, draw: Any) -> tuple[Any, Any]:
        """An index of ndarrays, and the same with some of them ours."""
        key = draw(keys(self.array.shape))
        mine = tuple(_ours(part, draw(st.booleans())) for part in key)
        if len(key) == 1 and draw(st.booleans()):
            return key[0], mine[0]
        return key, mine

    def agree(self) -> None:
        """Whoever shows the elements shows NumPy's."""
        same(self.view, _backwards(self.array))
        same(self.x, self.array)
        if self.shown is not None:
            np.testing.assert_array_equal(self.shown, self.array)


@given(data=st.data())
def test_reads(backend: str, data: st.DataObject) -> None:
    pair = Pair(data.draw)
    key, mine = pair.index(data.draw)
    expected, error = outcome(operator.getitem, pair.array, key)
    found, raised = outcome(operator.getitem, pair.x, mine)
    assert raised is error
    if error is None:
        same(found, expected)
        if isinstance(expected, np.ndarray) and expected.size:
            shared = np.shares_memory(np.asarray(found), np.asarray(pair.x))
            assert shared == np.shares_memory(expected, pair.array)
    pair.agree()


def values(draw: Any, shape: tuple[int, ...]) -> Any:
    """What is written to a place of that shape: a number, an array that broadcasts, or a list."""
    if draw(st.booleans()):
        return draw(st.sampled_from((3, -1, 2.5, True, np.float32(7), np.int8(5))))
    lead = draw(st.integers(0, len(shape)))
    kept = tuple(n if draw(st.integers(0, 3)) else 1 for n in shape[lead:])
    array = np.arange(np.prod(kept, dtype=int)).reshape(kept) % 100
    array = array.astype(draw(st.sampled_from(("i1", "i8", "f", "d", "?"))))
    return array.tolist() if draw(st.integers(0, 5)) == 0 else array


def _backwards(x: Any) -> Any:
    return x[..., ::-1] if x.ndim else x


def _assign(x: Any, key: Any, value: Any) -> None:
    x[key] = value


def _add(x: Any, key: Any, value: Any) -> None:
    x[key] += value


def _mirror(x: Any, key: Any, value: Any) -> None:
    x[key] = _backwards(x)[key]


WRITES: list[Callable[..., Any]] = [_assign, _add, _mirror]


@given(data=st.data())
def test_writes(backend: str, data: st.DataObject) -> None:
    """Of what an index picks, and in place."""
    pair = Pair(data.draw)
    for _ in range(data.draw(st.integers(1, 3))):
        key, mine = pair.index(data.draw)
        place, _ = outcome(operator.getitem, pair.array, key)
        value = values(data.draw, np.shape(place))
        given_value = _ours(value, data.draw(st.booleans()))
        write = data.draw(st.sampled_from(WRITES))
        _, error = outcome(write, pair.array, key, value)
        _, raised = outcome(write, pair.x, mine, given_value)
        assert raised is error
    pair.agree()


ATS: list[Callable[..., Any]] = [np.add, np.subtract, np.multiply, np.maximum, np.minimum]


@given(data=st.data())
def test_unbuffered_updates(backend: str, data: st.DataObject) -> None:
    """``ufunc.at``: an index may pick an element several times."""
    pair = Pair(data.draw)
    ufunc = data.draw(st.sampled_from(ATS))
    key, mine = pair.index(data.draw)
    place, _ = outcome(operator.getitem, pair.array, key)
    value = values(data.draw, np.shape(place))
    _, error = outcome(ufunc.at, pair.array, key, value)
    _, raised = outcome(ufunc.at, pair.x, mine, _ours(value, data.draw(st.booleans())))
    assert raised is error
    pair.agree()


@given(data=st.data())
def test_functions_that_index(backend: str, data: st.DataObject) -> None:
    pair = Pair(data.draw)
    ndim, size = pair.array.ndim, pair.array.size
    axis = data.draw(st.none() | st.integers(-ndim, max(ndim - 1, 0)))
    along = size if axis is None or not ndim else pair.array.shape[axis]
    index = np.asarray(data.draw(index_arrays(along, (2, 3))))
    # NumPy never returns from wrapping around an axis of length 0.
    mode = data.draw(st.sampled_from(("raise", "clip", "wrap") if size else ("raise", "clip")))
    mask = np.arange(size).reshape(pair.array.shape) % 3 == 0
    for f in (
        lambda x, i, m: np.take(x, i, axis, mode=mode),
        lambda x, i, m: np.compress(i.ravel() > 0, x, axis),
        lambda x, i, m: np.extract(m, x),
        lambda x, i, m: np.take_along_axis(x, np.atleast_1d(i.ravel()[:1]), axis),
        lambda x, i, m: np.put(x, i, (1, 0, 3), mode),
        lambda x, i, m: np.place(x, m, (1, 0)),
        lambda x, i, m: np.putmask(x, m, _backwards(x)),
        lambda x, i, m: np.copyto(x, 1, where=m),
        lambda x, i, m: np.delete(x, i, axis),
    ):
        expected, error = outcome(f, pair.array, index, mask)
        chosen = data.draw(st.booleans())
        found, raised = outcome(f, pair.x, _ours(index, chosen), _ours(mask, chosen))
        assert raised is error
        same(found, expected)
    pair.agree()
