"""Memory shared with other libraries without a copy: who sees writes, and how long it lives."""

from __future__ import annotations

import gc
import hashlib
import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests.compare import same
from trueno import arrow, engine
from trueno.handles import buffer_of

SIZE = 1 << 14  # memory of the pool, which is aligned as JAX wants it


def _numpy(x: Any) -> Any:
    return np.from_dlpack(x)


def _asarray(x: Any) -> Any:
    return np.asarray(x)


def _memoryview(x: Any) -> Any:
    return x.data


def _torch(x: Any) -> Any:
    return pytest.importorskip("torch").from_dlpack(x)


def _jax(x: Any) -> Any:
    return pytest.importorskip("jax").dlpack.from_dlpack(x, copy=False)


def _arrow(x: Any) -> Any:
    arrow = pytest.importorskip("pyarrow")
    return arrow.Array.from_buffers(arrow.float32(), x.size, [None, arrow.py_buffer(x.data)])


EXPORTS: list[Callable[[Any], Any]] = [_numpy, _asarray, _memoryview, _torch, _jax, _arrow]


def _contents(export: Any) -> np.ndarray[Any, Any]:
    if hasattr(export, "to_numpy"):
        return export.to_numpy(zero_copy_only=True)
    return np.asarray(export)


@pytest.mark.parametrize("export", EXPORTS)
def test_exports_share_memory(export: Callable[[Any], Any], backend: str) -> None:
    x = tn.arange(SIZE, dtype="float32") + 1
    shared = export(x)
    address = np.asarray(x).__array_interface__["data"][0]
    assert _contents(shared).__array_interface__["data"][0] == address
    x *= 2
    tn.evaluate(x)
    np.testing.assert_array_equal(np.array(_contents(shared)), np.arange(1, SIZE + 1) * 2)


@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize("pending", [False, True])
def test_memory_is_shared_no_longer_than_exports_live(
    export: Callable[[Any], Any], pending: bool, backend: str
) -> None:
    x = tn.arange(SIZE, dtype="float32") + 1
    if not pending:
        tn.evaluate(x)
    held = export(x)
    assert buffer_of(x).shared
    del held
    gc.collect()
    assert not buffer_of(x).shared


def test_the_value_of_a_scalar_is_not_shared(backend: str) -> None:
    for s in (tn.arange(4)[3], tn.arange(4).sum(), np.square(tn.asarray(np.array(3)))):
        before = int(np.array(s))
        for writable in (np.asarray(s), np.array(s, copy=None), np.asanyarray(s)):
            writable[...] = 77
            assert s == before
        del writable
        table = s.__array_interface__
        gc.collect()
        assert np.asarray(SimpleNamespace(__array_interface__=table)) == before


def _by_table(x: Any) -> Any:
    return np.asarray(SimpleNamespace(__array_interface__=x.__array_interface__))


@pytest.mark.parametrize("export", [np.asarray, _by_table, lambda x: np.asarray(x.data)])
@pytest.mark.parametrize("held", [False, True])
def test_updates_of_a_computed_result(
    export: Callable[[Any], Any], held: bool, backend: str
) -> None:
    """Which lies on a device, or where an export shows it: it is updated there."""
    plain = np.arange(700, dtype=np.float32).reshape(5, 20, 7)
    row = np.arange(7, dtype=np.float32)
    x = tn.evaluate(tn.asarray(plain) * 3)
    kept = export(x) if held else None
    x -= tn.asarray(row)
    seen = export(x) if kept is None else kept
    np.testing.assert_array_equal(seen, plain * 3 - row)
    x[1:] *= 2
    x[:, 0] = tn.asarray(row)
    expected = plain * 3 - row
    expected[1:] *= 2
    expected[:, 0] = row
    np.testing.assert_array_equal(export(x), expected)
    np.testing.assert_array_equal(seen, expected)
    seen += 1  # the memory is one
    same(x * 2, (expected + 1) * 2)


@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize("updated", [False, True])
def test_writes_outlive_the_export(
    export: Callable[[Any], Any], updated: bool, backend: str
) -> None:
    """Also where a device has the array, and has computed with it since."""
    x = tn.evaluate(tn.asarray(np.ones(SIZE, np.float32)) * 3)
    table = export(x)
    if updated:
        x += 1
    written = np.asarray(_contents(table))
    if written.flags.writeable:  # Arrow's and JAX's are not
        written[:2] = 7
    expected = written + 1
    del table, written
    gc.collect()
    same(x + 1, expected)
    x.flat[3] = 9
    expected[3] = 10
    same(x + 1, expected)
    io.BytesIO(np.float32(5).tobytes()).readinto(x.data)
    expected[0] = 6
    same(x + 1, expected)


@pytest.mark.parametrize("read", [memoryview, bytes, bytearray])
def test_pending_values_have_a_buffer(read: Callable[[Any], Any], backend: str) -> None:
    x = tn.arange(SIZE, dtype="float32") + 1
    assert bytes(read(x)) == (np.arange(SIZE, dtype="float32") + 1).tobytes()
    with tn.config(dropin=True):
        digest = hashlib.sha256(tn.arange(9, dtype="int32") * 2)
    assert digest.digest() == hashlib.sha256(np.arange(9, dtype="int32") * 2).digest()


@pytest.mark.parametrize("read", [np.asarray, np.array, memoryview, bytes, list])
def test_what_a_computation_raises_is_raised_once(
    read: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whoever asks for the value, though NumPy swallows what a buffer raises."""
    launch = engine.NUMPY.launch

    def interrupted(work: Any) -> None:
        monkeypatch.setattr(engine.NUMPY, "launch", launch)
        raise TimeoutError("a signal's handler")

    with tn.config(backend="numpy", threshold=0):
        x = tn.arange(SIZE, dtype="float32") + 1
        monkeypatch.setattr(engine.NUMPY, "launch", interrupted)
        with pytest.raises(TimeoutError, match="a signal's handler"):
            read(x)
        same(x, np.arange(SIZE, dtype="float32") + 1)


@pytest.mark.parametrize("export", EXPORTS)
def test_exports_outlive_their_arrays(export: Callable[[Any], Any], backend: str) -> None:
    """Memory that others hold is not handed out again, however the collector runs."""
    held: list[tuple[Any, int]] = []
    rng = np.random.default_rng(11)
    for i in range(45):
        x = tn.full(SIZE, i, dtype="float32") + 1  # a fresh block of the pool
        held.append((export(x), i + 1))
        if i % 3 == 0:
            held.pop(int(rng.integers(len(held))))  # in any order
        if i % 20 == 0:
            gc.collect()
        del x
        tn.evaluate(tn.full(SIZE, -1, dtype="float32") * 3)  # takes what is free
    for shared, value in held:
        np.testing.assert_array_equal(_contents(shared), value)


def test_views_keep_exports_alive(backend: str) -> None:
    part = np.from_dlpack(tn.arange(64.0) * 2)[::-3][1:5]
    gc.collect()
    tn.evaluate(tn.zeros(64) - 1)
    np.testing.assert_array_equal(part, (np.arange(64.0) * 2)[::-3][1:5])


@pytest.mark.parametrize("make", ["torch", "jax", "pyarrow", "memoryview"])
def test_imports_keep_their_owner_alive(make: str, backend: str) -> None:
    numbers = np.arange(512, dtype=np.float32)
    imported = []
    for i in range(20):
        if make == "memoryview":
            owner: Any = bytearray((numbers + i).tobytes())
            x = tn.asarray(np.frombuffer(owner, np.float32), copy=False)
        elif make == "pyarrow":
            owner = pytest.importorskip("pyarrow").array(numbers + i)
            x = tn.asarray(owner.to_numpy(zero_copy_only=True), copy=False)
        elif make == "jax":
            owner = pytest.importorskip("jax").numpy.asarray(numbers + i)
            x = tn.from_dlpack(owner)
        else:
            owner = pytest.importorskip("torch").tensor(numbers + i)
            x = tn.from_dlpack(owner)
        imported.append(x)
        del owner
    gc.collect()
    for i, x in enumerate(imported):
        same(x + 0, numbers + i)


def test_arrow_reads_dlpack_and_tables_read_us() -> None:
    arrow = pytest.importorskip("pyarrow")
    x = tn.arange(5, dtype="int64") * 3
    table = arrow.table({"x": arrow.array(np.asarray(x))})
    assert table["x"].to_pylist() == [0, 3, 6, 9, 12]
    same(tn.from_dlpack(arrow.array([1, 2, 3])), np.array([1, 2, 3]))


def test_read_only_memory_stays_so() -> None:
    x = tn.asarray(np.frombuffer(b"\x01\x02\x03", np.uint8), copy=False)
    with pytest.raises(ValueError, match="read-only"):
        x[0] = 9
    same(x + np.uint8(1), np.array([2, 3, 4], np.uint8))


def test_cuda_memory_is_not_offered() -> None:
    assert not hasattr(tn.ones(3), "__cuda_array_interface__")


class TestArrow:
    """Arrow's C data interface."""

    def test_numbers_share_memory(self) -> None:
        pa = pytest.importorskip("pyarrow")
        x = tn.arange(1000.0)
        x += 1
        shared = pa.array(x)
        assert shared.buffers()[1].address == np.asarray(x).ctypes.data
        x[0] = 7.0
        assert shared[0].as_py() == 7.0
        back = tn.from_dlpack(shared)
        assert np.shares_memory(np.asarray(back), np.asarray(x))

    @pytest.mark.parametrize("dtype", [*"?bBhHiIlLefd", ">i4"])
    @pytest.mark.parametrize("step", [1, 2, -1])
    def test_values(self, dtype: str, step: int) -> None:
        pa = pytest.importorskip("pyarrow")
        n = np.arange(21).astype(dtype)[::step]
        ours = pa.array(tn.asarray(np.arange(21).astype(dtype))[::step])
        assert ours.equals(pa.array(n.astype(n.dtype.newbyteorder("="))))
        ours.validate(full=True)

    def test_polars(self) -> None:
        polars = pytest.importorskip("polars")
        assert polars.Series(tn.arange(5) > 2).to_list() == [False, False, False, True, True]

    @pytest.mark.parametrize(
        "x", [tn.ones((2, 2)), tn.asarray(1.0), tn.asarray(["a"]), tn.asarray([1j])]
    )
    def test_what_arrow_lacks(self, x: tn.TruenoArray) -> None:
        with pytest.raises(TypeError, match="Arrow has no array"):
            x.__arrow_c_array__()

    def test_memory_lives_as_long_as_it_is_lent(self) -> None:
        pa = pytest.importorskip("pyarrow")
        before = len(arrow._lent), len(arrow._held)
        consumers = []
        for i in range(200):
            x = tn.full(1000, float(i))
            consumers.append((i, pa.array(x)))
            unused = x.__arrow_c_array__()
            del x, unused
            if i % 20 == 0:
                gc.collect()
        for i, values in consumers:
            assert values.sum().as_py() == 1000.0 * i
        del consumers, values
        gc.collect()
        assert (len(arrow._lent), len(arrow._held)) == before
