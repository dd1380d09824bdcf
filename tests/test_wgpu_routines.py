"""The GPU backend's routines against their meanings in the operation table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.launches import Array, view
from trueno._backends import wgpu_winograd
from trueno._backends.wgpu import WgpuBackend
from trueno.kinds import FLOAT16, FLOAT32, FLOAT64, INT8, INT32, INT64, UINT64, Dtype
from trueno.memory import Storage, View
from trueno.ops import ROUTINES
from trueno.plan import Call

pytestmark = pytest.mark.gpu


def perform(
    backend: WgpuBackend,
    routine: str,
    inputs: Sequence[Array],
    outputs: Sequence[Array],
    **params: Any,
) -> list[Array]:
    """Runs a routine on views of the arrays; skips where the adapter lacks a dtype."""
    call = Call(routine, params, tuple(map(part, inputs)), tuple(map(view, outputs)))
    if not backend.performs(call):
        pytest.skip("the adapter lacks a dtype")
    downloaded = backend.gpu.downloaded
    backend.call(call)
    assert backend.gpu.downloaded == downloaded, "the routine ran on the host"
    for output in call.outputs:
        output.storage.to_host()
    return [output.array for output in call.outputs]


def part(array: Array) -> View:
    """An array as a view of the storage of the whole that it is part of."""
    root = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    return View(Storage(root), array)


def numbers(rng: np.random.Generator, shape: tuple[int, ...], dtype: Dtype) -> Array:
    """Small integers, whose products and sums are exact in every dtype."""
    return rng.integers(-4, 5, shape).astype(dtype)


# ---------------------------------------------------------------- matrix products

LENGTHS = st.sampled_from((1, 2, 3, 4, 5, 8, 17, 33, 64, 65, 70, 128, 132))


def matrix(draw: Any, rng: np.random.Generator, stack: Any, m: int, n: int, dtype: Dtype) -> Array:
    """A matrix in C order, transposed, or with steps."""
    layout = draw(st.sampled_from(("C", "T", "step", "offset")))
    if layout == "T":
        return numbers(rng, (*stack, n, m), dtype).swapaxes(-1, -2)
    if layout == "step":
        return numbers(rng, (*stack, 2 * m, 3 * n), dtype)[..., ::2, ::3]
    if layout == "offset":
        return numbers(rng, (*stack, m + 1, n + 1), dtype)[..., 1:, 1:]
    return numbers(rng, (*stack, m, n), dtype)


@settings(max_examples=60)
@given(data=st.data())
def test_products_of_every_layout(opened: WgpuBackend, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from((FLOAT32, FLOAT32, FLOAT64, INT32, INT8, FLOAT16)))
    m, k, n = data.draw(LENGTHS), data.draw(LENGTHS), data.draw(LENGTHS)
    stacks = data.draw(
        st.sampled_from((((), ()), ((), ()), ((3,), ()), ((2, 1), (3,)), ((2, 1, 2, 1), (2, 1, 3))))
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    a = matrix(data.draw, rng, stacks[0], m, k, dtype)
    b = matrix(data.draw, rng, stacks[1], k, n, dtype)
    expected = np.matmul(a, b)
    (actual,) = perform(opened, "matmul", [a, b], [np.empty_like(expected, order="C")])
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64, INT64, UINT64], ids=str)
def test_products_of_large_long_and_thin_matrices(wgpu: WgpuBackend, dtype: Dtype) -> None:
    rng = np.random.default_rng(4)
    sizes = ((5, 3000, 7), (1500, 40, 1600), (1, 3000, 50), (700, 900, 1), (128, 512, 64))
    for m, k, n in (*sizes, (1536, 48, 1408)):
        a, b = rng.integers(0, 9, (m, k)).astype(dtype), rng.integers(0, 9, (k, n)).astype(dtype)
        (actual,) = perform(wgpu, "matmul", [a, b], [np.empty((m, n), dtype)])
        np.testing.assert_array_equal(actual, (a.astype("f8") @ b.astype("f8")).astype(dtype))


def test_products_with_vectors_and_of_mixed_dtypes(wgpu: WgpuBackend) -> None:
    rng = np.random.default_rng(5)
    a, x, y = (
        numbers(rng, (40, 50), FLOAT32),
        numbers(rng, (50,), FLOAT64),
        numbers(rng, (40,), INT8),
    )
    for left, right in ((a, x), (y, a), (np.stack([a, a]), x), (y, np.stack([a, a]))):
        expected = np.matmul(left, right)
        (actual,) = perform(wgpu, "matmul", [left, right], [np.empty_like(expected)])
        np.testing.assert_array_equal(actual, expected)


def test_a_product_holds_infinities_and_nan(wgpu: WgpuBackend) -> None:
    a, b = np.ones((9, 17), np.float32), np.ones((17, 5), np.float32)
    a[2, 3], a[4, 5], b[6, 1] = np.inf, np.nan, -np.inf
    with np.errstate(invalid="ignore"):
        expected = a @ b
    (actual,) = perform(wgpu, "matmul", [a, b], [np.empty((9, 5), np.float32)])
    np.testing.assert_array_equal(actual, expected)


def test_every_routine_of_the_gpu_has_a_row() -> None:
    from trueno._backends import wgpu_routines

    assert wgpu_routines.ROUTINES.keys() <= ROUTINES.keys()


# ---------------------------------------------------------------- windows


def image(draw: Any, rng: np.random.Generator, shape: tuple[int, ...], dtype: Dtype) -> Array:
    """Images in C order or with the channels last."""
    if draw(st.booleans()):
        return numbers(rng, shape, dtype)
    moved = numbers(rng, (shape[0], *shape[2:], shape[1]), dtype)
    return np.moveaxis(moved, -1, 1)


@settings(max_examples=40)
@given(data=st.data())
def test_convolutions(opened: WgpuBackend, data: st.DataObject) -> None:
    draw = data.draw
    dtype = draw(st.sampled_from((FLOAT32, FLOAT32, FLOAT64)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    ndim, groups = draw(st.sampled_from((1, 2))), draw(st.sampled_from((1, 1, 2, 3)))
    rows, channels = draw(st.sampled_from((1, 3, 8, 20, 66))), draw(st.sampled_from((1, 2, 5, 8)))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(ndim))
    stride = tuple(draw(st.integers(1, 2)) for _ in range(ndim))
    dilation = tuple(draw(st.integers(1, 2)) for _ in range(ndim))
    padding = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(ndim))
    size = tuple(draw(st.integers(5, 13)) for _ in range(ndim))
    x = image(draw, rng, (draw(st.integers(1, 3)), groups * channels, *size), dtype)
    weight = image(draw, rng, (groups * rows, channels, *kernel), dtype)
    bias = [numbers(rng, (groups * rows,), dtype)] if draw(st.booleans()) else []
    params = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    expected = ROUTINES["convolve"].meaning(x, weight, *bias, **params)
    out = np.empty(expected.shape, dtype)
    (actual,) = perform(opened, "convolve", [x, weight, *bias], [out], **params)
    np.testing.assert_array_equal(actual, expected)


# x, weight, groups, padding: of a size that is computed by minimal filtering.
FILTERED = [
    ((2, 32, 24, 26), (33, 32, 3, 3), 1, ((1, 1), (1, 1))),
    ((3, 64, 23, 19), (64, 32, 3, 3), 2, ((0, 2), (2, 1))),
    ((5, 36, 18, 17), (128, 36, 3, 3), 1, ((0, 0), (0, 0))),
    ((70, 32, 16, 16), (32, 32, 3, 3), 1, ((1, 1), (1, 1))),  # whole tiles
]


@pytest.mark.parametrize(("shape", "kernel", "groups", "padding"), FILTERED)
@pytest.mark.parametrize("last", [False, True])
def test_convolutions_by_minimal_filtering(
    opened: WgpuBackend,
    shape: tuple[int, ...],
    kernel: tuple[int, ...],
    groups: int,
    padding: Any,
    last: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if last:  # channels last, a bias, and images by parts
        monkeypatch.setattr(wgpu_winograd, "BYTES", 64 * 128 * 640)
    rng = np.random.default_rng(0)
    x = numbers(rng, shape, FLOAT32)
    if last:
        x = np.moveaxis(numbers(rng, (*shape[:1], *shape[2:], shape[1]), FLOAT32), -1, 1)
    weight = numbers(rng, kernel, FLOAT32)
    bias = [numbers(rng, kernel[:1], FLOAT32)] if last else []
    params = {"stride": (1, 1), "padding": padding, "dilation": (1, 1), "groups": groups}
    expected = ROUTINES["convolve"].meaning(x, weight, *bias, **params)
    out = np.empty(expected.shape, FLOAT32)
    (actual,) = perform(opened, "convolve", [x, weight, *bias], [out], **params)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, np.float32(3e38)])
@pytest.mark.parametrize("width", [24, 25])
def test_minimal_filtering_spreads_nothing(opened: WgpuBackend, odd: float, width: int) -> None:
    """What is not finite, or overflows, does so where it does in a convolution."""
    rng = np.random.default_rng(1)
    x, weight = numbers(rng, (2, 32, 24, width), FLOAT32), numbers(rng, (40, 32, 3, 3), FLOAT32)
    weight[:, :, 1, 2] = 0
    x[0, 3, ::7, ::5] = odd
    x[1, 4, 0, 0] = x[1, 9, -1, -1] = odd
    params = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}
    with np.errstate(all="ignore"):
        expected = ROUTINES["convolve"].meaning(x, weight, **params)
    out = np.empty(expected.shape, FLOAT32)
    (actual,) = perform(opened, "convolve", [x, weight], [out], **params)
    padded = np.pad(np.abs(x).max(1), ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
    clear = np.repeat((windows.max((3, 4)) < 100)[:, None], 40, 1)
    assert clear.any()
    np.testing.assert_array_equal(actual[clear], expected[clear])
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e32)


def test_error_of_minimal_filtering(opened: WgpuBackend) -> None:
    """Rounding errors are those of the largest element of a window and the largest weight."""
    rng = np.random.default_rng(2)
    x = (rng.standard_normal((2, 32, 20, 20)) * 10.0 ** rng.integers(-9, 9, (2, 1, 20, 20))).astype(
        np.float32
    )
    weight = rng.standard_normal((32, 32, 3, 3)).astype(np.float32)
    params = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}
    convolve = ROUTINES["convolve"].meaning
    exact = convolve(x.astype(float), weight.astype(float), **params)
    padded = np.pad(np.abs(x), ((0, 0), (0, 0), (1, 1), (1, 1)))
    largest = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3)).max((4, 5))
    allowed = np.einsum("nchw,oc->nohw", largest, np.abs(weight).max((2, 3)))
    out = np.empty(exact.shape, FLOAT32)
    (actual,) = perform(opened, "convolve", [x, weight], [out], **params)
    assert (np.abs(actual - exact) <= 8 * np.finfo("f4").eps * allowed).all()


@settings(max_examples=20)
@given(data=st.data())
def test_pooling(opened: WgpuBackend, data: st.DataObject) -> None:
    draw = data.draw
    dtype = draw(st.sampled_from((FLOAT32, FLOAT64)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    ndim = draw(st.sampled_from((1, 2)))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(ndim))
    params: dict[str, Any] = {
        "kernel": kernel,
        "stride": tuple(draw(st.integers(1, 3)) for _ in range(ndim)),
        "padding": tuple((draw(st.integers(0, 1)), 0) for _ in range(ndim)),
    }
    x = image(draw, rng, (2, 3, *[draw(st.integers(4, 9)) for _ in range(ndim)]), dtype)
    x[0, 0].flat[0] = np.nan
    name = draw(st.sampled_from(("max_pool", "avg_pool")))
    if name == "max_pool":
        params["dilation"] = (1,) * ndim
        expected = ROUTINES[name].meaning(x, **params)
    else:
        shape = [
            (n + sum(pad) - k) // s + 1
            for n, k, s, pad in zip(
                x.shape[2:], kernel, params["stride"], params["padding"], strict=True
            )
        ]
        params["counts"] = tuple((k,) * n for k, n in zip(kernel, shape, strict=True))
        expected = ROUTINES[name].meaning(x, **params)
    (actual,) = perform(opened, name, [x], [np.empty(expected.shape, dtype)], **params)
    np.testing.assert_array_equal(actual, expected)


# ---------------------------------------------------------------- scans, masks, indices

SCANNED = {"sum": (FLOAT32, FLOAT64, INT32, INT64, UINT64), "prod": (INT32, FLOAT64)}
SCANNED |= {"max": (FLOAT32, INT64), "min": (FLOAT64, INT32)}


@pytest.mark.parametrize("name", SCANNED)
def test_scans_along_every_axis(wgpu: WgpuBackend, name: str) -> None:
    rng = np.random.default_rng(9)
    for dtype in SCANNED[name]:
        for shape in ((7,), (3, 5000), (70_000,), (3, 301, 5), (5000, 3), (2, 70_000)):
            x = numbers(rng, shape, dtype)
            if name == "prod":
                x = np.where(x > 0, 1, -1).astype(dtype)
            for axis in range(len(shape)):
                for initial in (False, True) if name in ("sum", "prod") else (False,):
                    params = {"name": name, "axis": axis, "dtype": dtype, "initial": initial}
                    expected = ROUTINES["accumulate"].meaning(x, **params)
                    out = np.empty(expected.shape, dtype)
                    (actual,) = perform(wgpu, "accumulate", [x], [out], **params)
                    np.testing.assert_array_equal(actual, expected)


def test_a_scan_of_narrow_integers_is_wide(wgpu: WgpuBackend) -> None:
    x = np.full(10_000, 100, np.int8)
    params = {"name": "sum", "axis": 0, "dtype": INT64, "initial": False}
    (actual,) = perform(wgpu, "accumulate", [x], [np.empty(10_000, np.int64)], **params)
    np.testing.assert_array_equal(actual, np.cumsum(x))


@pytest.mark.parametrize("shape", [(5,), (4096,), (100_001,), (300, 40)], ids=str)
@pytest.mark.parametrize("dtype", [FLOAT32, INT64], ids=str)
def test_masks_pick_elements_and_rows(
    wgpu: WgpuBackend, shape: tuple[int, ...], dtype: Dtype
) -> None:
    rng = np.random.default_rng(3)
    x = numbers(rng, shape, dtype)
    for mask in (rng.random(shape) < 0.3, rng.random(shape[:1]) < 0.7, np.ones(shape, bool)):
        expected = ROUTINES["mask_count"].meaning(mask)
        (before,) = perform(wgpu, "mask_count", [mask], [np.empty_like(expected)])
        np.testing.assert_array_equal(before, expected)
        out = np.empty_like(x[mask])
        (actual,) = perform(wgpu, "compress", [x, mask, before], [out])
        np.testing.assert_array_equal(actual, x[mask])


def test_indices_pick_elements_and_rows(wgpu: WgpuBackend) -> None:
    rng = np.random.default_rng(3)
    x = numbers(rng, (7, 30, 5), FLOAT32)
    for axis in range(3):
        index = rng.integers(-x.shape[axis], x.shape[axis], (11, 3))
        expected = np.take(x, index, axis)
        call = {"axis": axis, "mode": "raise"}
        outputs = [view(np.empty_like(expected))]
        wgpu.call(Call("take", call, (view(x), view(index)), tuple(outputs)))
        outputs[0].storage.to_host()
        np.testing.assert_array_equal(outputs[0].array, expected)
        index[5, 1] = x.shape[axis]
        with pytest.raises(IndexError):
            wgpu.call(Call("take", call, (view(x), view(index)), tuple(outputs)))


# ---------------------------------------------------------------- sorting


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64, INT32, INT64, UINT64], ids=str)
def test_sorting_is_stable_and_nan_comes_last(wgpu: WgpuBackend, dtype: Dtype) -> None:
    rng = np.random.default_rng(6)
    for shape in ((1,), (17,), (5000,), (3, 4097), (40, 33)):
        bits = np.frombuffer(rng.bytes(8 * int(np.prod(shape))), dtype)[: np.prod(shape)]
        few = rng.integers(-3, 4, shape).astype(dtype)
        if dtype.kind == "f":
            few = np.where(rng.random(shape) < 0.1, dtype.type(np.nan), few * rng.choice([1, -1]))
        for x in (bits.reshape(shape), few.astype(dtype)):
            for descending in (False, True):
                params = {"descending": descending}
                expected = ROUTINES["argsort"].meaning(x, **params)
                (actual,) = perform(wgpu, "argsort", [x], [np.empty(shape, np.int64)], **params)
                np.testing.assert_array_equal(actual, expected)
                expected = ROUTINES["sort"].meaning(x, **params)
                (actual,) = perform(wgpu, "sort", [x], [np.empty(shape, dtype)], **params)
                np.testing.assert_array_equal(actual, expected)
