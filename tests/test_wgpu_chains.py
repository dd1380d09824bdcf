"""Chains of reductions along rows on the GPU backend, against the NumPy backend."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.launches import REFERENCE, laid_out, layouts, run, view
from trueno._backends.wgpu import WgpuBackend
from trueno.kinds import BOOL, FLOAT32, FLOAT64, Dtype
from trueno.plan import Instruction, Kernel, Launch, Output

pytestmark = pytest.mark.gpu


def softmax(t: Dtype) -> Kernel:
    body = (
        Instruction("max", (0,), t),
        Instruction("subtract", (0, 1), t),
        Instruction("exp", (2,), t),
        Instruction("sum", (3,), t),
        Instruction("divide", (3, 4), t),
    )
    return Kernel((t,), (), body, (Output(5, None, t),))


def normalised(t: Dtype) -> Kernel:
    """Of x and a scale: a layer normalisation, the variance, and whether it is above the mean."""
    body = (
        Instruction("sum", (0,), t),  # 3
        Instruction("multiply", (3, 2), t),  # 4: the mean, a value a row
        Instruction("subtract", (0, 4), t),
        Instruction("square", (5,), t),
        Instruction("sum", (6,), t),  # 7
        Instruction("multiply", (7, 2), t),
        Instruction("sqrt", (8,), t),
        Instruction("divide", (5, 9), t),
        Instruction("multiply", (10, 1), t),  # 11
        Instruction("greater", (0, 4), BOOL),  # 12
    )
    outputs = (
        Output(11, None, t),
        Output(8, None, t),
        Output(12, None, BOOL),
        Output(11, "max", t),
    )
    return Kernel((t, t), (t,), body, outputs)


@settings(max_examples=40)
@given(data=st.data())
def test_softmax_of_every_layout(opened: WgpuBackend, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from((FLOAT32, FLOAT64)))
    if not opened.supports("exp", (dtype,), dtype):
        return
    sizes = st.sampled_from((1, 2, 3, 4, 7, 8, 65))
    shape = tuple(data.draw(st.lists(sizes, min_size=1, max_size=3)))
    axes = data.draw(st.sampled_from([(len(shape) - 1,), tuple(range(len(shape)))]))
    plans = [data.draw(layouts(shape, False)) for _ in range(2)]
    found = []
    for backend in (opened, REFERENCE):
        x, out = (laid_out(dtype, shape, plan, seed) for seed, plan in enumerate(plans))
        x.array[...] = np.sin(np.arange(x.array.size).reshape(shape)) * 5
        backend.launch(Launch(softmax(dtype), shape, axes, (x,), (), (out,), lambda _: None))
        out.storage.to_host()
        found.append(out.storage.root)
    np.testing.assert_allclose(*found, rtol=1e-5 if dtype == FLOAT32 else 1e-13)


@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
@pytest.mark.parametrize("n", [5, 64, 1000, 4096, 17_003])
def test_rows_of_every_length(wgpu: WgpuBackend, dtype: Dtype, n: int) -> None:
    """In registers, and longer than they are; several outputs, some of a value a row."""
    if not wgpu.supports("exp", (dtype,), dtype):
        pytest.skip(f"the adapter has no {dtype}")
    rng = np.random.default_rng(n)
    x = rng.standard_normal((6, n)).astype(dtype)
    scale = rng.standard_normal((1, n)).astype(dtype)
    kernel = normalised(dtype)
    shapes = ((6, n), (6, 1), (6, n), (6, 1))
    outputs = [
        [np.empty(s, o.dtype) for s, o in zip(shapes, kernel.outputs, strict=True)]
        for _ in range(2)
    ]
    results = []
    for backend, targets in zip((wgpu, REFERENCE), outputs, strict=True):
        made, _ = run(
            backend, kernel, [x, scale], (1,), (dtype.type(1 / n),), list(map(view, targets))
        )
        results.append(made)
    tolerance = {"rtol": 2e-4, "atol": 1e-5} if dtype == FLOAT32 else {"rtol": 1e-11, "atol": 1e-13}
    for actual, expected in zip(*results, strict=True):
        if actual.dtype == BOOL:
            assert np.count_nonzero(actual != expected) <= 2
        else:
            np.testing.assert_allclose(actual, expected, **tolerance)


def test_a_chain_of_nothing_but_values_a_row(wgpu: WgpuBackend) -> None:
    body = (
        *softmax(FLOAT32).body[:4],
        Instruction("log", (4,), FLOAT32),
        Instruction("add", (5, 1), FLOAT32),
    )
    kernel = Kernel((FLOAT32,), (), body, (Output(6, None, FLOAT32),))
    x = np.linspace(-3, 3, 700, dtype=np.float32).reshape(7, 100)
    (expected,), _ = run(REFERENCE, kernel, [x], (1,), outputs=[view(np.zeros((7, 1), "f"))])
    (actual,), _ = run(wgpu, kernel, [x], (1,), outputs=[view(np.zeros((7, 1), "f"))])
    np.testing.assert_allclose(actual, expected, rtol=1e-6)


def test_conditions_of_a_chain_are_told_apart(wgpu: WgpuBackend) -> None:
    kernel = softmax(FLOAT32)
    x = np.zeros((3, 50), np.float32)
    assert run(wgpu, kernel, [x], (1,))[1] == [0] * 6
    x[1, 7] = np.inf  # inf - inf is invalid; so is what follows
    (actual,), masks = run(wgpu, kernel, [x], (1,))
    assert masks[1] & 8
    assert np.isnan(actual[1, 7])
    assert not np.isnan(actual[0]).any()


def test_a_chain_in_place(wgpu: WgpuBackend) -> None:
    for n in (300, 20_000):
        x = np.linspace(-3, 3, 2 * n, dtype=np.float32).reshape(2, n)
        (expected,), _ = run(REFERENCE, softmax(FLOAT32), [x], (1,))
        both = view(x.copy())
        launch = Launch(softmax(FLOAT32), x.shape, (1,), (both,), (), (both,), lambda _: None)
        wgpu.launch(launch)
        both.storage.to_host()
        np.testing.assert_allclose(both.array, expected, rtol=1e-5)


@pytest.mark.parametrize("n", [4096, 1001, 17_003])
@pytest.mark.parametrize("in_place", [False, True])
def test_rows_with_values_that_are_not_finite(wgpu: WgpuBackend, n: int, in_place: bool) -> None:
    """They are gone through twice, or where results replace operands strictly at once."""
    kernel = softmax(FLOAT32)
    x = np.random.default_rng(n).standard_normal((5, n)).astype(np.float32)
    x[1, n // 3] = -np.inf
    x[2, n - 1] = -np.nan
    x[3] = 1e-42 - 3e38  # of equal values: quotients of 1 and n
    found = []
    for backend in (wgpu, REFERENCE):
        source = view(x.copy())
        target = source if in_place else view(np.empty_like(x))
        masks: list[int] = []
        launch = Launch(kernel, x.shape, (1,), (source,), (), (target,), masks.extend)
        backend.launch(launch)
        target.storage.to_host()
        assert not any(masks)
        found.append(target.array)
    np.testing.assert_allclose(*found, rtol=1e-5)
    assert np.isnan(found[0][2]).all()
