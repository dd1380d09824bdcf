"""Pooling: against its meaning in NumPy, and torch where it is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import trueno as tn
from tests.test_convolution import close
from trueno import nn


@st.composite
def problems(draw: st.DrawFn) -> tuple[str, Any, dict[str, Any]]:
    """A function's name, an array and arguments that fit together."""
    ndim = draw(st.integers(1, 2))
    kind = draw(st.sampled_from(["max", "avg"]))
    kernel = tuple([draw(st.integers(1, 5)) for _ in range(ndim)])
    others: dict[str, Any] = {
        "kernel_size": kernel,
        "stride": draw(st.none() | st.tuples(*[st.integers(1, 4)] * ndim)),
        "padding": tuple([draw(st.integers(0, k // 2)) for k in kernel]),
        "ceil_mode": draw(st.booleans()),
    }
    if kind == "max":
        others["dilation"] = tuple([draw(st.integers(1, 3)) for _ in range(ndim)])
    else:
        others["count_include_pad"] = draw(st.booleans())
    spread = others.get("dilation", (1,) * ndim)
    size = tuple(
        [
            draw(st.integers(max(1, (k - 1) * d + 1 - 2 * p), 20))
            for k, d, p in zip(kernel, spread, others["padding"], strict=True)
        ]
    )
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.standard_normal((2, 3, *size)).astype(draw(st.sampled_from(["f4", "f8"])))
    if kind == "max" and draw(st.booleans()):
        x[rng.random(x.shape) < 0.1] = np.nan
    return f"{kind}_pool{ndim}d", x, others


def same(ours: Any, expected: Any) -> None:
    values = np.asarray(ours)
    assert np.array_equal(np.isnan(values), np.isnan(expected))
    close(tn.asarray(np.nan_to_num(values)), np.nan_to_num(expected))


@given(problem=problems())
def test_backends_agree(problem: tuple[str, Any, dict[str, Any]]) -> None:
    name, x, others = problem
    results = []
    for backend in ("simd", "numpy"):
        with tn.config(backend=backend), tn.profile() as profile:
            results.append(np.asarray(getattr(nn, name)(tn.asarray(x), **others)))
        assert profile.where() == {backend: 1, "deferred": 0}
    same(tn.asarray(results[0]), results[1])


@given(problem=problems())
def test_pooling_is_torchs(problem: tuple[str, Any, dict[str, Any]]) -> None:
    torch = pytest.importorskip("torch")
    name, x, others = problem
    if others["stride"] is None:
        del others["stride"]
    expected = getattr(torch.nn.functional, name)(torch.from_numpy(x), **others).numpy()
    same(getattr(nn, name)(tn.asarray(x), **others), expected)


def test_by_hand(backend: str) -> None:
    x = tn.asarray(np.arange(10.0).reshape(1, 1, 10))
    assert nn.max_pool1d(x, 3).tolist() == [[[2, 5, 8]]]
    assert nn.max_pool1d(x, 3, ceil_mode=True).tolist() == [[[2, 5, 8, 9]]]
    assert nn.max_pool1d(x[0], 2, 4, dilation=3).tolist() == [[3, 7]]
    assert nn.avg_pool1d(x, 4, padding=2).tolist() == [[[0.25, 3.5, 7.5]]]
    assert nn.avg_pool1d(x, 4, padding=2, count_include_pad=False).tolist() == [[[0.5, 3.5, 7.5]]]
    square = tn.asarray(np.arange(16, dtype="f4").reshape(1, 1, 4, 4))
    assert nn.max_pool2d(square, 2).tolist() == [[[[5, 7], [13, 15]]]]
    assert nn.avg_pool2d(square, (1, 4)).tolist() == [[[[1.5], [5.5], [9.5], [13.5]]]]


def test_dtypes(backend: str) -> None:
    x = np.arange(12).reshape(1, 2, 6)
    for dtype, average in (("i4", "f8"), ("u1", "f8"), ("f2", "f2"), ("f4", "f4")):
        array = tn.asarray(x.astype(dtype))
        assert nn.max_pool1d(array, 2).tolist() == [[[1, 3, 5], [7, 9, 11]]]
        assert nn.max_pool1d(array, 2).dtype == dtype
        assert nn.avg_pool1d(array, 2).tolist() == [[[0.5, 2.5, 4.5], [6.5, 8.5, 10.5]]]
        assert nn.avg_pool1d(array, 2).dtype == average


def test_threads_share_large_images(rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 3, 301, 257)).astype("f4")
    for name in ("max_pool2d", "avg_pool2d"):
        bits = set()
        for threads in (1, 2, 3):
            with tn.config(backend="simd", threads=threads):
                bits.add(getattr(nn, name)(tn.asarray(x), 3, 2, 1).tobytes())
        assert len(bits) == 1
        with tn.config(backend="numpy"):
            expected = getattr(nn, name)(tn.asarray(x), 3, 2, 1)
        close(
            tn.asarray(np.frombuffer(bits.pop(), "f4").reshape(2, 3, 151, 129)),
            np.asarray(expected),
        )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": np.ones((4, 4))}, ValueError, "x must have 4 axes"),
        ({"kernel_size": 0}, ValueError, "kernel_size must be .* at least 1"),
        ({"kernel_size": 2.0}, TypeError, "kernel_size must be an integer"),
        ({"kernel_size": (2, 9)}, ValueError, "reaches over 9 elements"),
        ({"padding": 2}, ValueError, r"at most half .*\(2, 2\)"),
        ({"x": np.ones((1, 1, 4, 4), "c8")}, TypeError, "real numbers, not complex64"),
    ],
)
def test_errors_say_what_was_expected(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    valid = {"x": np.ones((1, 1, 4, 4)), "kernel_size": 2}
    with pytest.raises(error, match=rf"trueno\.max_pool2d: .*{message}"):
        nn.max_pool2d(**{**valid, **arguments})
