"""DLPack, both ways, with NumPy and PyTorch: values, sharing, copies, devices, errors."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests.compare import needs_numpy_21, same

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
DTYPES = ("bool", "int8", "int32", "int64", "uint8", "float16", "float32", "float64",
          "complex64", "complex128")  # fmt: skip
CPU = (1, 0)  # kDLCPU


def pending(array: np.ndarray[Any, Any]) -> Any:
    """A TruenoArray with the array's contents, still to be computed."""
    return tn.where(True, tn.asarray(array), tn.asarray(array))


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_reads_ours(backend: str, dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    for x in (tn.asarray(array), pending(array)):
        got = np.from_dlpack(x)
        assert got.dtype == array.dtype
        np.testing.assert_array_equal(got, array)
        np.testing.assert_array_equal(np.from_dlpack(x.T), array.T)


@pytest.mark.parametrize("dtype", DTYPES)
def test_we_read_numpy_s(backend: str, dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    same(tn.from_dlpack(array), array)
    same(tn.from_dlpack(array[:, ::-1]), array[:, ::-1])


@needs_numpy_21
def test_memory_is_shared_unless_copied(backend: str) -> None:
    array = np.arange(4.0)
    x = tn.from_dlpack(array)
    y = x + 1
    array[0] = 9
    same(x, np.array([9.0, 1, 2, 3]))
    same(y, np.arange(1.0, 5))
    x[1] = 7
    assert array[1] == 7
    copy = tn.from_dlpack(array, copy=True)
    array[:] = 0
    same(copy, np.array([9.0, 7, 2, 3]))


@needs_numpy_21
def test_an_export_sees_later_writes(backend: str) -> None:
    x = tn.zeros(4)
    exported = np.from_dlpack(x)
    x += 3
    np.testing.assert_array_equal(exported, 3)
    x[1] = 5
    assert exported[1] == 5
    y = x * 2
    exported[0] = 100
    same(y, np.array([6.0, 10, 6, 6]))
    same(x, np.array([100.0, 5, 3, 3]))


def test_an_export_outlives_its_array() -> None:
    exported = np.from_dlpack(tn.asarray(np.arange(1000.0)) * 2)
    gc.collect()
    tn.evaluate(tn.asarray(np.ones(1000)) * 5)  # would reuse the memory if it were free
    np.testing.assert_array_equal(exported, np.arange(1000.0) * 2)


def test_our_own_arrays(backend: str) -> None:
    x = pending(np.arange(4.0))
    shared = tn.from_dlpack(x)
    shared[0] = 9
    assert x[0] == 9
    copy = tn.from_dlpack(x, copy=True)
    copy[1] = 8
    same(x, np.array([9.0, 1, 2, 3]))
    assert tn.from_dlpack(x, device="cpu").device == "cpu"
    assert tn.from_dlpack(x).device == x.device == "auto"


@needs_numpy_21
def test_protocol_methods() -> None:
    x = tn.asarray(np.arange(4.0))
    assert x.__dlpack_device__() == CPU
    for keywords in (
        {},
        {"stream": None},
        {"max_version": (1, 0)},
        {"max_version": (0, 8)},
        {"dl_device": CPU},
        {"dl_device": CPU, "max_version": (1, 0), "copy": True},
        {"copy": False},
        {"copy": True},
    ):
        assert "dltensor" in repr(x.__dlpack__(**keywords))
    with pytest.raises((RuntimeError, BufferError, ValueError)):
        x.__dlpack__(stream=1)
    with pytest.raises((BufferError, ValueError)):
        x.__dlpack__(dl_device=(2, 0))


def test_copies_are_apart() -> None:
    class Copied:
        """An exporter that passes ``copy=True`` on."""

        def __init__(self, x: Any) -> None:
            self.x = x

        def __dlpack__(self, **keywords: Any) -> Any:
            return self.x.__dlpack__(**{**keywords, "copy": True})

        def __dlpack_device__(self) -> tuple[int, int]:
            return CPU

    x = tn.zeros(3)
    copied = np.from_dlpack(Copied(x))
    x += 1
    np.testing.assert_array_equal(copied, 0)


def test_what_cannot_be_exported() -> None:
    for array in (np.array(["a"]), np.array([None]), np.arange(3).astype(">i4")):
        with pytest.raises((BufferError, TypeError), match="trueno"):
            np.from_dlpack(tn.asarray(array))
    with pytest.raises((AttributeError, TypeError), match="trueno"):
        tn.from_dlpack([1, 2])
    with pytest.raises(ValueError, match="unknown device"):
        tn.from_dlpack(np.ones(3), device="tpu")


@needs_numpy_21
def test_read_only_memory_stays_read_only() -> None:
    array = np.arange(3.0)
    array.flags.writeable = False
    x = tn.from_dlpack(array)
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 1


@pytest.mark.gpu
def test_a_pinned_array_goes_through_the_host(gpu: None) -> None:
    x = tn.asarray(np.arange(4, dtype=np.float32), device="gpu") * 2
    np.testing.assert_array_equal(np.from_dlpack(x), [0, 2, 4, 6])
    y = tn.from_dlpack(np.arange(4, dtype=np.float32), device="gpu")
    assert y.device == "gpu"
    same(y + 1, np.arange(1, 5, dtype=np.float32))
    with pytest.raises(ValueError, match=r"trueno\.from_dlpack"):
        tn.from_dlpack(np.ones(3), device="gpu", copy=False)


@needs_torch
def test_torch_reads_ours_and_shares(backend: str) -> None:
    x = pending(np.arange(6, dtype=np.float32).reshape(2, 3))
    tensor = torch.from_dlpack(x)
    assert tensor.tolist() == [[0, 1, 2], [3, 4, 5]]
    tensor[0, 0] = 9
    assert x[0, 0] == 9
    x += 1
    assert tensor[0, 0] == 10
    assert torch.from_dlpack(x.T).shape == (3, 2)


@needs_torch
def test_we_read_torch_s_and_share(backend: str) -> None:
    tensor = torch.arange(6, dtype=torch.float64).reshape(2, 3)
    x = tn.from_dlpack(tensor)
    same(x, np.arange(6.0).reshape(2, 3))
    tensor[0, 0] = 9
    assert x[0, 0] == 9
    y = x.T * 2
    tensor[:] = 0
    same(y, np.array([[18.0, 6], [2, 8], [4, 10]]))
    same(tn.from_dlpack(tensor, copy=True, device="cpu"), np.zeros((2, 3)))
    same(tn.asarray(tensor), np.zeros((2, 3)))
