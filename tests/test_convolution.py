"""Convolutions and linear layers: against their meaning in NumPy, and torch where it is there."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import trueno as tn
from tests.kernels import SIMD, digests  # noqa: F401 (the child process asks for SIMD)
from trueno import nn, windows

FLOATS = ("f4", "f8")


def close(ours: Any, expected: Any) -> None:
    """Equal but for rounding, which grows with the number of terms."""
    assert isinstance(ours, tn.TruenoArray)
    assert ours.shape == expected.shape
    assert ours.dtype == expected.dtype
    scale = float(np.abs(expected).max(initial=1e-30))
    tolerance = 64 * float(np.finfo(expected.dtype).eps) * scale
    np.testing.assert_allclose(np.asarray(ours), expected, rtol=0, atol=tolerance)


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of a convolution of one or two axes that fit together."""
    ndim = draw(st.integers(1, 2))
    most = (40, 12)[ndim - 1]

    def each(strategy: st.SearchStrategy[int]) -> tuple[int, ...]:
        return tuple([draw(strategy) for _ in range(ndim)])

    kernel, dilation = each(st.integers(1, 4)), each(st.integers(1, 3))
    padding, stride = each(st.integers(0, 3)), each(st.integers(1, 3))
    size = tuple(
        [
            draw(st.integers(max(1, (k - 1) * d + 1 - 2 * p), most))
            for k, d, p in zip(kernel, dilation, padding, strict=True)
        ]
    )
    groups, channels, rows = draw(st.sampled_from([(1, 1, 1), (1, 3, 9), (2, 2, 3), (3, 1, 2)]))
    batch = draw(st.integers(0, 3))
    dtype = draw(st.sampled_from(FLOATS))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return {
        "x": rng.standard_normal((batch, groups * channels, *size)).astype(dtype),
        "weight": rng.standard_normal((groups * rows, channels, *kernel)).astype(dtype),
        "bias": rng.standard_normal(groups * rows).astype(dtype) if draw(st.booleans()) else None,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
    }


def ours(problem: dict[str, Any]) -> Any:
    arrays = {
        name: None if problem[name] is None else tn.asarray(problem[name])
        for name in ("x", "weight", "bias")
    }
    f = nn.conv1d if problem["x"].ndim == 3 else nn.conv2d
    return f(**{**problem, **arrays})


def reference(problem: dict[str, Any]) -> Any:
    padding = tuple([(n, n) for n in problem["padding"]])
    return windows.convolve(**{**problem, "padding": padding})


@given(problem=problems())
def test_convolution_is_what_it_means(backend: str, problem: dict[str, Any]) -> None:
    close(ours(problem), reference(problem))


@given(problem=problems())
def test_convolution_is_torchs(problem: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    arrays = {
        name: None if problem[name] is None else torch.from_numpy(problem[name])
        for name in ("x", "weight", "bias")
    }
    f = torch.nn.functional.conv1d if problem["x"].ndim == 3 else torch.nn.functional.conv2d
    weight = arrays.pop("weight")
    x = arrays.pop("x")
    others = {k: v for k, v in problem.items() if k not in ("x", "weight", "bias")}
    close(ours(problem), f(x, weight, **arrays, **others).numpy())


@pytest.mark.parametrize(
    ("x", "weight", "others"),
    [
        ((2, 64, 30, 29), (70, 64, 3, 3), {"padding": 1}),  # two parts of the depth, odd panels
        ((1, 7, 5, 600), (5, 7, 2, 3), {"stride": (1, 2)}),  # blocks along both axes
        ((2, 600, 5, 5), (33, 600, 1, 1), {}),  # one element, flattened
        ((1, 40, 60, 60), (40, 1, 5, 5), {"padding": "same", "groups": 40}),  # depthwise
        ((1, 1, 1, 4000), (1, 1, 1, 700), {}),  # a kernel longer than a part of the depth
        ((1, 300, 8, 8), (200, 300, 3, 3), {"padding": 1}),  # rows shared out
        ((1, 3, 40, 40), (8, 3, 7, 7), {"stride": 2, "padding": 3, "dilation": 2}),
    ],
)
@pytest.mark.parametrize("dtype", FLOATS)
def test_large_convolutions(
    x: Any, weight: Any, others: Any, dtype: str, rng: np.random.Generator
) -> None:
    a = rng.standard_normal(x).astype(dtype)
    b = rng.standard_normal(weight).astype(dtype)
    with tn.config(backend="simd"), tn.profile() as profile:
        result = nn.conv2d(tn.asarray(a), tn.asarray(b), **others)
    assert profile.where() == {"simd": 1, "deferred": 0}
    with tn.config(backend="numpy"):
        close(result, np.asarray(nn.conv2d(tn.asarray(a), tn.asarray(b), **others)))


def test_same_and_valid_padding() -> None:
    x, weight = tn.ones((1, 1, 6)), tn.ones((1, 1, 4))
    assert nn.conv1d(x, weight, padding="valid").tolist() == [[[4, 4, 4]]]
    assert nn.conv1d(x, weight, padding="same").tolist() == [[[3, 4, 4, 4, 3, 2]]]
    assert nn.conv1d(x[0], weight, padding="same").shape == (1, 6)


def test_dtypes_promote() -> None:
    x, weight = np.arange(12.0).reshape(1, 2, 6), np.ones((3, 2, 2))
    for a, b, expected in [("i4", "u1", "f8"), ("f4", "f2", "f4"), ("f2", "f2", "f2")]:
        result = nn.conv1d(tn.asarray(x.astype(a)), tn.asarray(weight.astype(b)))
        assert result.dtype == expected
        assert np.asarray(result).tolist() == np.asarray(nn.conv1d(x, weight)).tolist()


def test_views_and_pending_operands(backend: str, rng: np.random.Generator) -> None:
    x, weight = rng.random((2, 6, 7, 4)), rng.random((3, 4, 2, 2))
    expected = windows.convolve(
        x.transpose(0, 3, 1, 2) + 1, weight,
        stride=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1,
    )  # fmt: skip
    close(nn.conv2d(tn.asarray(x).transpose(0, 3, 1, 2) + 1, tn.asarray(weight)), expected)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"weight": np.ones((3, 3, 2, 2))}, ValueError, "takes 3 channels .* has 4"),
        ({"weight": np.ones((3, 4, 2))}, ValueError, "weight must have 4 axes"),
        ({"weight": np.ones((3, 4, 9, 2))}, ValueError, "reaches over 9 elements"),
        ({"x": np.ones(4)}, ValueError, "x must have 4 axes"),
        ({"x": np.ones((2, 4, 0, 6))}, ValueError, "empty axis"),
        ({"bias": np.ones(2)}, ValueError, r"shape \(3,\), not \(2,\)"),
        ({"groups": 2}, ValueError, "in 2 groups"),
        ({"stride": 0}, ValueError, "stride must be .* at least 1, not 0"),
        ({"stride": (1, 1, 1)}, ValueError, "an integer or 2 of them"),
        ({"dilation": 1.5}, TypeError, "dilation must be an integer"),
        ({"padding": "full"}, ValueError, "'same' or 'valid', not 'full'"),
        ({"padding": "same", "stride": 2}, ValueError, "needs stride 1"),
        ({"x": np.ones((2, 4, 5, 6), "c16")}, TypeError, "real numbers, not complex128"),
    ],
)
def test_errors_say_what_was_expected(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    valid = {"x": np.ones((2, 4, 5, 6)), "weight": np.ones((3, 4, 2, 2))}
    with pytest.raises(error, match=rf"trueno\.conv2d: .*{message}"):
        nn.conv2d(**{**valid, **arguments})


def test_linear(backend: str, rng: np.random.Generator) -> None:
    x, weight, bias = rng.random((5, 3, 4)), rng.random((6, 4)), rng.random(6)
    close(nn.linear(tn.asarray(x), tn.asarray(weight), tn.asarray(bias)), x @ weight.T + bias)
    close(nn.linear(tn.asarray(x[0, 0]), tn.asarray(weight)), weight @ x[0, 0])
    with pytest.raises(ValueError, match=r"trueno\.linear: x must have a last axis of 4"):
        nn.linear(tn.ones((2, 5)), weight)
    with pytest.raises(ValueError, match=r"trueno\.linear: bias must have one element"):
        nn.linear(x, weight, bias[:2])


def digest() -> str:
    """A hash of results, each computed by several numbers of threads."""
    rng = np.random.default_rng(1)
    state = hashlib.sha256()
    for dtype in FLOATS:
        x = tn.asarray(rng.standard_normal((2, 70, 13, 11)).astype(dtype))
        weight = tn.asarray(rng.standard_normal((21, 70, 3, 3)).astype(dtype))
        a, b = (tn.asarray(rng.standard_normal((5000, 3, 3)).astype(dtype)) for _ in range(2))
        for f in (
            lambda x=x, weight=weight: nn.conv2d(x, weight, padding=1),
            lambda x=x, weight=weight: nn.conv2d(x, weight, stride=2),
            lambda a=a, b=b: a @ b,
        ):
            bits = set()
            for threads in (1, 2, 3):
                with tn.config(threads=threads, threshold=0):
                    bits.add(f().tobytes())
            assert len(bits) == 1
            state.update(bits.pop())
    return state.hexdigest()


def test_instruction_sets_give_the_same_bits() -> None:
    running = digests("tests.test_convolution")
    assert len({bits for _, bits in running.values()}) == 1, running


def test_pinned_to_the_gpu_stays(gpu: None) -> None:
    x = tn.ones((1, 2, 8, 8), dtype="f4", device="gpu")
    with tn.profile() as profile:
        result = nn.conv2d(x, tn.ones((3, 2, 3, 3), dtype="f4"))
    assert result.device == "gpu"
    assert profile.where()["deferred"] == 0
    assert np.asarray(result).tolist() == np.full((1, 3, 6, 6), 18.0).tolist()
