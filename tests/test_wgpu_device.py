"""The GPU backend's limits, asynchrony, memory and faults."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.launches import INCREMENT, failing, increment, run, subsets, view
from trueno._backends.wgpu import GpuError, WgpuBackend, open_backend
from trueno.errors import TruenoWarning
from trueno.kinds import FLOAT32, INT32, UINT8
from trueno.plan import Instruction, Kernel, Launch, Output

pytestmark = pytest.mark.gpu


# ---------------------------------------------------------------- limits


def test_more_points_than_one_dimension_of_workgroups(wgpu: WgpuBackend) -> None:
    n = 65_535 * 1024 + 77
    x = np.arange(n, dtype=np.uint8)
    body = (Instruction("bitwise_invert", (0,), UINT8),)
    kernel = Kernel((UINT8,), (), body, (Output(1, None, UINT8),))
    (actual,), _ = run(wgpu, kernel, [x])
    assert np.array_equal(actual, ~x)


def test_small_limits_split_fold_and_fall_back(wgpu: WgpuBackend) -> None:
    """Bindings of 64 KiB, 3 workgroups a dimension and no immediates, as some device might have."""
    wgpu.gpu.limits = wgpu.gpu.limits._replace(binding=1 << 16, groups=3, immediates=0)
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((300, 301)).astype(np.float32), rng.standard_normal(301)
    y = y.astype(np.float32)
    body = (Instruction("divide", (0, 1), FLOAT32), Instruction("add", (3, 2), FLOAT32))
    stored = Kernel((FLOAT32, FLOAT32), (FLOAT32,), body, (Output(4, None, FLOAT32),))
    (actual,), masks = run(wgpu, stored, [x, y], consts=(np.float32(2),))
    np.testing.assert_array_equal(actual, x / y + np.float32(2))
    assert masks == [0, 0, 0]
    largest = Kernel((FLOAT32,), (), (), (Output(0, "max", FLOAT32),))
    for axes in subsets(2):
        (actual,), _ = run(wgpu, largest, [x], axes)
        np.testing.assert_array_equal(actual, x.max(axis=axes, keepdims=True))


def test_too_many_operands_for_one_shader(wgpu: WgpuBackend) -> None:
    wgpu.gpu.limits = wgpu.gpu.limits._replace(bindings=4)
    body = [Instruction("add", (0, 1), INT32)]
    body += [Instruction("add", (6 + k, 2 + k), INT32) for k in range(4)]
    kernel = Kernel((INT32,) * 6, (), tuple(body), (Output(10, None, INT32),))
    x = [np.arange(100, dtype=np.int32) + k for k in range(6)]
    (actual,), _ = run(wgpu, kernel, x)
    np.testing.assert_array_equal(actual, sum(x))


# ---------------------------------------------------------------- asynchrony and conditions


def test_a_thousand_launches_share_submissions(wgpu: WgpuBackend) -> None:
    target = view(np.zeros(100, np.float32))
    dispatched, submitted = wgpu.gpu.dispatched, wgpu.gpu.submitted
    for k in range(1000):
        increment(wgpu, target, k % 3)
    assert wgpu.gpu.dispatched == dispatched + 1000
    assert wgpu.gpu.submitted <= submitted + 17
    assert not target.storage.host_valid
    target.storage.to_host()
    np.testing.assert_array_equal(target.array, np.full(100, 999.0))


def test_conditions_arrive_with_the_next_read_and_none_is_lost(wgpu: WgpuBackend) -> None:
    wgpu.synchronize()
    seen: list[tuple[int, list[int]]] = []
    target = view(np.zeros(10, np.float32))
    for k in range(200):
        by = np.inf if k == 70 else (-np.inf if k == 150 else 1.0)
        increment(wgpu, target, by, lambda masks, k=k: seen.append((k, list(masks))))
    assert not seen
    other = view(np.zeros(3, np.float32))
    increment(wgpu, other, 1.0)
    other.storage.to_host()
    assert [k for k, _ in seen] == list(range(200))
    assert [(k, masks) for k, masks in seen if any(masks)] == [(150, [8, 0])]


def test_conditions_survive_a_full_table(
    wgpu: WgpuBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    wgpu.synchronize()
    monkeypatch.setattr("trueno._backends.wgpu_device.FLAG_WORDS", 64)
    seen: list[list[int]] = []
    big = np.float32(3e38)
    for _ in range(50):
        increment(wgpu, view(np.full(4, big)), float(big), lambda masks: seen.append(list(masks)))
    wgpu.synchronize()
    assert seen == [[2, 0]] * 50


def test_a_sum_reports_its_overflow(wgpu: WgpuBackend) -> None:
    kernel = Kernel((FLOAT32,), (), (), (Output(0, "sum", FLOAT32),))
    for value, expected in ((3e38, 2), (1.0, 0), (np.inf, 0)):
        _, masks = run(wgpu, kernel, [np.full(5000, value, np.float32)], (0,))
        assert masks == [expected]
    x = np.zeros(5000, np.float32)
    x[10], x[4000] = np.inf, -np.inf
    assert run(wgpu, kernel, [x], (0,))[1] == [8]


def test_a_raising_report_does_not_hide_the_data(wgpu: WgpuBackend) -> None:
    def report(masks: Sequence[int]) -> None:
        if any(masks):
            raise FloatingPointError("overflow")

    target = view(np.full(4, 3e38, np.float32))
    increment(wgpu, target, 3e38, report)
    with pytest.raises(FloatingPointError):
        target.storage.to_host()
    target.storage.to_host()
    assert np.isinf(target.array).all()


# ---------------------------------------------------------------- memory


def test_data_moves_once_each_way(wgpu: WgpuBackend) -> None:
    x, out = view(np.ones(1001, np.float32)), view(np.zeros(1001, np.float32))
    uploaded, downloaded = wgpu.gpu.uploaded, wgpu.gpu.downloaded
    for _ in range(3):
        launch = Launch(INCREMENT, (1001,), (), (x,), (np.float32(1),), (out,), lambda _: None)
        wgpu.launch(launch)
    out.storage.to_host()
    out.storage.to_host()
    assert wgpu.gpu.uploaded - uploaded == 4004
    assert wgpu.gpu.downloaded - downloaded == 4004


def test_host_writes_are_uploaded_before_the_next_launch_only(wgpu: WgpuBackend) -> None:
    """A write to the queue would overtake the recorded launches that read the old bytes."""
    x, first, second = (view(np.ones(64, np.float32)) for _ in range(3))
    one = (np.float32(1),)
    wgpu.launch(Launch(INCREMENT, (64,), (), (x,), one, (first,), lambda _: None))
    x.array[...] = 10
    x.storage.host_written()
    wgpu.launch(Launch(INCREMENT, (64,), (), (x,), one, (second,), lambda _: None))
    first.storage.to_host()
    second.storage.to_host()
    assert first.array[0] == 2
    assert second.array[0] == 11


def test_a_dropped_buffer_is_reused_and_not_overtaken(wgpu: WgpuBackend) -> None:
    total = view(np.zeros(512, np.float32))
    blocks = len(wgpu.gpu._blocks)
    body = (Instruction("add", (0, 1), FLOAT32),)
    kernel = Kernel((FLOAT32,) * 2, (), body, (Output(2, None, FLOAT32),))
    for k in range(100):
        x = view(np.full(512, k, np.float32))
        wgpu.launch(Launch(kernel, (512,), (), (total, x), (), (total,), lambda _: None))
        del x
        gc.collect(0)
    total.storage.to_host()
    assert (total.array == sum(range(100))).all()
    assert len(wgpu.gpu._blocks) <= blocks + 70


def test_the_bind_group_cache_is_bounded(
    wgpu: WgpuBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trueno._backends.wgpu_device.GROUPS_CACHED", 4)
    x, targets = view(np.ones(8, np.float32)), [view(np.zeros(8, np.float32)) for _ in range(9)]
    for target in targets * 2:
        launch = Launch(INCREMENT, (8,), (), (x,), (np.float32(1),), (target,), lambda _: None)
        wgpu.launch(launch)
    for target in targets:
        target.storage.to_host()
        assert (target.array == 2).all()


def test_a_read_only_and_a_fortran_root(wgpu: WgpuBackend) -> None:
    x = np.asfortranarray(np.arange(12, dtype=np.float32).reshape(3, 4))
    x.flags.writeable = False
    (actual,), _ = run(wgpu, INCREMENT, [x], consts=(np.float32(1),))
    np.testing.assert_array_equal(actual, x + 1)


def test_full_memory_spills_what_the_launch_does_not_use(wgpu: WgpuBackend) -> None:
    def full(stage: str) -> None:
        if stage == "allocate" and first.storage.device_valid:
            raise MemoryError("injected")

    first, second = (view(np.full(64, k, np.float32)) for k in (1, 2))
    increment(wgpu, first, 1)
    wgpu.gpu.inject = full
    increment(wgpu, second, 1)
    wgpu.gpu.inject = len
    assert first.storage.host_valid
    assert not first.storage.device_valid
    assert not second.storage.host_valid
    increment(wgpu, first, 1)
    first.storage.to_host()
    second.storage.to_host()
    assert (first.array == 3).all()
    assert (second.array == 3).all()


def test_what_was_unused_for_longest_is_spilled_first(wgpu: WgpuBackend) -> None:
    arrays = [view(np.full(64, k, np.float32)) for k in range(4)]
    for used in (0, 1, 2, 1, 0):
        increment(wgpu, arrays[used], 1)
        wgpu.synchronize()
    left = 2

    def full(stage: str) -> None:
        nonlocal left
        if stage == "allocate" and left:
            left -= 1
            raise MemoryError("injected")

    wgpu.gpu.inject = full
    increment(wgpu, arrays[3], 1)
    wgpu.gpu.inject = len
    # Others' buffers from earlier tests are older still, so that no more than these went.
    assert arrays[0].storage.device_valid
    assert [a.storage.device_valid for a in arrays[:3]].count(False) <= 2
    for k, array in enumerate(arrays):
        array.storage.to_host()
        assert (array.array == k + (2, 2, 1, 1)[k]).all()


def test_memory_that_stays_full_is_an_error_and_nothing_is_lost(wgpu: WgpuBackend) -> None:
    first = view(np.full(64, 5, np.float32))
    increment(wgpu, first, 1)

    wgpu.gpu.inject = failing("allocate", MemoryError("injected"))
    with pytest.raises(GpuError, match="injected"):
        increment(wgpu, view(np.zeros(64, np.float32)), 1)
    wgpu.gpu.inject = len
    first.storage.to_host()
    assert (first.array == 6).all()


def test_a_buffer_larger_than_the_device_allows_runs_on_the_host(wgpu: WgpuBackend) -> None:
    largest, wgpu.gpu.max_buffer = wgpu.gpu.max_buffer, 1 << 12
    wgpu.gpu.limits = wgpu.gpu.limits._replace(binding=1 << 12)
    try:
        (actual,), masks = run(
            wgpu, INCREMENT, [np.ones(2000, np.float32)], consts=(FLOAT32.type(1),)
        )
    finally:
        wgpu.gpu.max_buffer = largest
    assert (actual == 2).all()
    assert masks == [0, 0]


def test_many_threads(wgpu: WgpuBackend) -> None:
    def work(k: int) -> bool:
        target = view(np.zeros(100 + k, np.float32))
        for _ in range(50):
            increment(wgpu, target, k)
        target.storage.to_host()
        return bool((target.array == 50 * k).all())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize("stage", ["allocate", "compile"])
def test_a_fault_before_recording_leaves_the_host_data(wgpu: WgpuBackend, stage: str) -> None:
    kernels = {"allocate": "negative", "compile": "bitwise_invert"}  # not compiled before
    body = (Instruction("square", (0,), INT32), Instruction(kernels[stage], (1,), INT32))
    kernel = Kernel((INT32,), (), body, (Output(2, None, INT32),))
    x, out = view(np.arange(9, dtype=np.int32)), view(np.zeros(9, np.int32))
    launch = Launch(kernel, (9,), (), (x,), (), (out,), lambda _: None)
    wgpu.gpu.inject = failing(stage, MemoryError("injected"))
    with pytest.raises(GpuError, match="injected"):
        wgpu.launch(launch)
    assert x.storage.host_valid
    assert out.storage.host_valid
    wgpu.gpu.inject = len
    wgpu.launch(launch)
    out.storage.to_host()
    square = np.arange(9) ** 2
    np.testing.assert_array_equal(out.array, -square if stage == "allocate" else ~square)


def test_a_failed_submission_is_noticed_by_every_reader(wgpu: WgpuBackend) -> None:
    target = view(np.zeros(8, np.float32))
    increment(wgpu, target, 1)
    wgpu.gpu.inject = failing("submit", RuntimeError("injected"))
    with pytest.raises(GpuError, match="injected"):
        target.storage.to_host()
    wgpu.gpu.inject = len
    with pytest.raises(GpuError, match="injected"):
        target.storage.to_host()
    with pytest.raises(GpuError, match="injected"):
        increment(wgpu, target, 1)
    fresh = view(np.zeros(8, np.float32))
    increment(wgpu, fresh, 1)
    fresh.storage.to_host()
    assert (fresh.array == 1).all()


def test_a_failed_read_can_be_repeated(wgpu: WgpuBackend) -> None:
    target = view(np.zeros(8, np.float32))
    increment(wgpu, target, 1)
    wgpu.gpu.inject = failing("read", RuntimeError("injected"))
    with pytest.raises(GpuError, match="injected"):
        target.storage.to_host()
    wgpu.gpu.inject = len
    target.storage.to_host()
    assert (target.array == 1).all()


def test_a_lost_device_is_an_error_from_then_on(opened: WgpuBackend) -> None:
    own = open_backend(opened.gpu.info["device"])
    assert own is not None
    target = view(np.zeros(8, np.float32))
    increment(own, target, 1)
    own.gpu.gpu.destroy()
    for _ in range(2):
        with pytest.raises(GpuError, match="lost"):
            target.storage.to_host()
    with pytest.raises(GpuError, match="lost"):
        increment(own, view(np.zeros(8, np.float32)), 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_forked_child_gets_a_clear_error(wgpu: WgpuBackend) -> None:
    target = view(np.zeros(8, np.float32))
    increment(wgpu, target, 1)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # no pytest in the child: report through the pipe and vanish
        try:
            increment(wgpu, target, 1)
        except GpuError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        assert "after fork" in pipe.read()
    target.storage.to_host()
    assert (target.array == 1).all()


def test_a_driver_that_returns_nan_is_not_used(
    opened: WgpuBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(self: object, block: object, target: np.ndarray) -> None:
        target[...] = 255  # the bytes of NaN

    monkeypatch.setattr("trueno._backends.wgpu_device.Device.read", read)
    with pytest.warns(TruenoWarning, match="computes wrongly"):
        assert open_backend(opened.gpu.info["device"]) is None


def test_no_adapter_is_no_error() -> None:
    assert open_backend("off") is None
    assert open_backend("0") is None
    assert open_backend("no adapter has this name") is None
    assert open_backend("gpu:99") is None


def test_importing_the_module_does_not_import_wgpu() -> None:
    code = "import sys, trueno._backends.wgpu; sys.exit('wgpu' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
