"""Arrays on a GPU, end to end: faults that nobody notices but for a warning, and event loops."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests.launches import failing
from trueno import engine
from trueno.protocols import evaluate_async

pytestmark = pytest.mark.gpu


@pytest.fixture
def device(gpu: Any) -> Iterator[Any]:
    """The engine's own device, everything on it whatever its size."""
    backend: Any = engine.backend("wgpu")
    with tn.config(backend="wgpu", threshold=0):
        yield backend.gpu
    backend.gpu.inject = len
    engine._failures.clear()


# A kernel that no other test compiles, so that there is something to compile.
def unusual(x: Any, k: int) -> Any:
    return np.where(x > 0, np.tanh(x) - k * np.floor(x), np.maximum(x, -k)) * x


@pytest.mark.parametrize(
    ("stage", "error", "k"),
    [
        ("compile", RuntimeError("a shader that the driver refuses"), 3),
        ("allocate", MemoryError("no device memory"), 4),
    ],
)
def test_a_fault_is_one_warning_and_the_cpu_completes(
    device: Any, stage: str, error: Exception, k: int
) -> None:
    plain = np.linspace(-4, 4, 1000, dtype=np.float32)
    x = tn.asarray(plain)
    kept = tn.evaluate(x + 1)  # lies on the GPU only
    device.inject = failing(stage, error)
    with pytest.warns(tn.TruenoWarning, match=str(error)) as caught:
        first = tn.evaluate(unusual(kept, k))
        second = tn.evaluate(unusual(kept + 1, k))
    assert len(caught) == 1
    np.testing.assert_allclose(np.asarray(first), unusual(plain + 1, k), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.asarray(second), unusual(plain + 2, k), rtol=1e-5, atol=1e-6)
    device.inject = len
    np.testing.assert_array_equal(np.asarray(kept), plain + 1)


def test_a_new_result_is_not_uploaded(device: Any) -> None:
    """Whatever its size: the memory behind it is longer than it is."""
    x = tn.evaluate(tn.asarray(np.ones(100_003, np.float32)) + 1)
    uploaded = device.uploaded
    y = tn.evaluate(x * 3)
    z = tn.evaluate(x.reshape(1, -1) + y)
    assert device.uploaded == uploaded
    np.testing.assert_array_equal(np.asarray(z), np.full((1, 100_003), 8))


def test_a_routine_that_fails_runs_on_the_cpu(device: Any) -> None:
    a = tn.asarray(np.eye(40, dtype=np.float32))
    b = tn.evaluate(a + a)
    device.inject = failing("allocate", MemoryError("no memory for a product"))
    with pytest.warns(tn.TruenoWarning, match="no memory for a product"):
        product = b @ b
    np.testing.assert_array_equal(np.asarray(product), 4 * np.eye(40))


def test_a_read_that_fails_can_be_repeated(device: Any) -> None:
    x = tn.evaluate(tn.asarray(np.ones(100, np.float32)) + 1)
    device.inject = failing("read", RuntimeError("the bus was busy"))
    with pytest.warns(tn.TruenoWarning, match="bus"), pytest.raises(RuntimeError, match="bus"):
        np.asarray(x)
    device.inject = len
    np.testing.assert_array_equal(np.asarray(x), np.full(100, 2))


def test_the_loop_runs_while_arrays_are_computed(device: Any) -> None:
    x = tn.asarray(np.arange(1000, dtype=np.float32))

    async def main() -> tuple[Any, Any, int]:
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(others())
        await asyncio.sleep(0)
        a, b = await evaluate_async(x + 1, np.sqrt(x))
        task.cancel()
        return a, b, turns

    a, b, turns = asyncio.run(main())
    assert turns > 1
    np.testing.assert_array_equal(np.asarray(a), np.arange(1, 1001))
    np.testing.assert_array_equal(np.asarray(b), np.sqrt(np.arange(1000, dtype=np.float32)))


def test_one_array_is_awaited_alone_and_on_the_cpu_too() -> None:
    x = tn.asarray(np.arange(5.0))

    async def main() -> Any:
        with tn.config(backend="simd", threshold=0):
            return await evaluate_async(x * 2)

    np.testing.assert_array_equal(np.asarray(asyncio.run(main())), np.arange(5.0) * 2)
