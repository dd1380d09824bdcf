"""The planner's choices and the engine's promises: what fuses, what runs when, what is kept."""

from __future__ import annotations

import gc
import operator
import os
import subprocess
import sys
import threading
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import trueno as tn
from trueno import engine, graph, memory
from trueno.gains import BASE, GAINS
from trueno.graph import DEPTH_LIMIT, result_strides
from trueno.ops import ELEMENTWISE, OPS


@pytest.fixture(autouse=True)
def everything_deferred() -> Any:
    with tn.config(backend="numpy", threshold=0):
        yield


def launches(f: Any) -> list[str]:
    """The kernels that ran during ``f()``, in a line each."""
    with tn.profile() as p:
        f()
    return [name for (_, name), (n, _, _) in p.kernels.items() for _ in range(int(n))]


def a(*shape: int) -> Any:
    return tn.asarray(np.arange(1.0, 1.0 + int(np.prod(shape))).reshape(shape))


def test_a_chain_is_one_kernel() -> None:
    x, y = a(4), a(4)
    assert launches(lambda: tn.evaluate(2 * x + 3 * y - x * y + 0.5)) == [
        "multiply multiply add multiply subtract add"
    ]


def test_a_reduction_is_fused_with_its_producer() -> None:
    x = a(3, 4)
    assert launches(lambda: tn.evaluate(np.sqrt(x * x).sum(axis=1))) == ["multiply sqrt sum()"]


def test_a_live_value_is_stored_by_the_kernel_that_uses_it() -> None:
    x = a(4)
    y = x * 2
    z = y + 1
    assert len(launches(lambda: tn.evaluate(z))) == 1
    assert launches(lambda: np.array(y)) == []
    assert np.array_equal(np.array(y), [2, 4, 6, 8])


def test_a_dead_value_is_not_stored() -> None:
    x = a(4)

    def f() -> Any:
        y = x * 2
        return y + 1

    z = f()
    assert len(engine.Graph([z._buffer.node]).nodes) == 2
    assert len(launches(lambda: tn.evaluate(z))) == 1


def test_a_pending_result_has_no_memory_until_it_is_wanted() -> None:
    x = a(3, 4)
    numpys = np.array(x).T * 2
    y = x.T * 2
    assert (y.shape, y.dtype, y.ndim, y.size) == (numpys.shape, numpys.dtype, 2, 12)
    assert y.strides == numpys.strides
    z = y + 1
    assert y._node is not None
    tn.evaluate(z)
    assert y._node is None and z._node is None
    assert launches(lambda: np.array(y)) == []
    assert np.array_equal(np.array(y), numpys)


def test_a_view_of_a_pending_result_leaves_it_pending() -> None:
    x = a(4)
    y = x + 1
    tail = y[1:]
    assert y._node is None
    assert launches(lambda: np.array(tail)) == ["add"]
    y += 1
    assert np.array_equal(np.array(tail), [4, 5, 6])


def test_a_value_computed_for_another_is_not_computed_twice() -> None:
    x = a(4)
    y = np.sqrt(x)
    assert launches(lambda: tn.evaluate(y + 1)) == ["sqrt add"]
    assert launches(lambda: tn.evaluate(y * 2)) == ["multiply"]


def test_the_threshold_of_an_operation_is_its_gain_times_smaller() -> None:
    x = tn.asarray(np.ones(BASE // OPS["remainder"].gain(np.dtype("f8"))))
    with tn.config(threshold=BASE):
        assert np.remainder(x, x)._node is not None
        assert np.remainder(x[1:], x[1:])._node is None
        assert (x % x)._node is not None
        assert (x + x)._node is None


def test_an_operation_that_never_pays_alone_joins_others() -> None:
    name, char = next((n, c) for n, row in GAINS.items() for c in "fd" if row.get(c) == 0)
    op = OPS[name]
    x = [tn.asarray(np.ones(BASE, char)) for _ in range(op.nin)]
    with tn.config(threshold=BASE // 2):
        assert op.meaning(*x)._node is None
        assert op.meaning(x[0] + 1, *x[1:])._node is not None


@pytest.mark.parametrize("scalar_first", [True, False])
def test_a_scalar_beside_a_target_is_no_array(scalar_first: bool) -> None:
    """Decisions about calls with operands whose layouts, one after another, read alike."""
    engine.decisions.clear()
    engine.quick_decisions.clear()
    x, k = a(3, 4), tn.asarray(np.arange(12).reshape(3, 4) * 3)
    with tn.config(backend="simd"):
        for scalar in (scalar_first, not scalar_first):
            if scalar:
                x += np.int64(2)
                np.testing.assert_array_equal(x, np.arange(3.0, 15).reshape(3, 4))
            else:
                np.testing.assert_array_equal(x + k, np.asarray(x) + np.asarray(k))


def test_decisions_hold_for_kinds_of_operands_that_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys hold addresses of forms: none may be another form's while its decision is kept."""
    monkeypatch.setattr(graph, "_FORMS_KEPT", 2)
    for n in range(1, 60):
        for shape in ((n, 3), (2, n)):
            x = np.arange(float(np.prod(shape))).reshape(shape)
            y = tn.asarray(x)
            for dtype in ("f4", "i8"):
                total = y.astype(dtype).sum(0)
                np.testing.assert_array_equal(np.asarray(total), x.astype(dtype).sum(0))
                assert total.dtype == dtype
            np.testing.assert_array_equal(np.asarray(y.astype("i4") + 1), x.astype("i4") + 1)
        gc.collect()
        engine.forget_plans()


def test_gains_are_of_the_table() -> None:
    assert GAINS.keys() <= OPS.keys()
    assert all(gain >= 0 for row in GAINS.values() for gain in row.values())


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_records_warnings_has_them_when_the_call_returns(backend: str, dtype: str) -> None:
    x, y = a(4).astype(dtype), tn.asarray(np.zeros(4, dtype))
    calls: tuple[Callable[[], Any], ...] = (
        lambda: x / y,
        lambda: np.log(y),
        lambda: a(4).astype("f2").__mul__(np.float16(6e4)),
        lambda: tn.asarray(np.full(4, np.nan, dtype)).astype("i8"),
        lambda: tn.asarray(np.full(4, np.inf, dtype)).astype("u4"),
        lambda: np.divide(x, y, out=tn.asarray(np.ones(4, dtype))),
        lambda: operator.itruediv(tn.asarray(np.ones(4, dtype)), y),
        lambda: operator.itruediv(y + 1, y),
        lambda: operator.setitem(tn.asarray(np.ones(4, "f4")), slice(None), a(4) * 1e200),
    )
    for call in calls:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
            told = [str(w.message).partition(" encountered")[0] for w in caught]
        assert told in (["divide by zero"], ["overflow"], ["invalid value"])
        assert {w.filename for w in caught} == {__file__}
    assert (x / y)._node is not None  # pytest's own record is read later
    tn.evaluate(x / (y + 1))


def test_signed_and_unsigned_are_compared_as_they_are(backend: str) -> None:
    a, b = np.array([2**60, 2**60 + 1, -1]), np.array([2**60 + 1, 2**60 + 1, 2**63], np.uint64)
    for compare in (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal):
        for x, y in ((a, b), (b, a)):
            assert compare(tn.asarray(x), tn.asarray(y)).tolist() == compare(x, y).tolist()


def test_errstate_changes_are_seen_by_the_next_call() -> None:
    x, y = a(4), tn.asarray(np.zeros(4))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        tn.evaluate(x / y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="divide by zero"):
            tn.evaluate(x / y)
        with np.errstate(divide="ignore"):
            tn.evaluate(x / y)
        warnings.filterwarnings("ignore", message="divide by zero")
        tn.evaluate(x / y)
    old = np.seterr(divide="raise")
    try:
        with pytest.raises(FloatingPointError):
            x / y
    finally:
        np.seterr(**old)


def test_a_row_statistic_makes_one_kernel() -> None:
    x = a(3, 4)
    assert launches(lambda: tn.evaluate(x - x.max(axis=1, keepdims=True))) == ["max subtract"]


def test_a_column_statistic_makes_two_kernels() -> None:
    x = a(3, 4)
    assert launches(lambda: tn.evaluate(x - x.max(axis=0, keepdims=True))) == ["max()", "subtract"]


def test_a_loop_plans_once() -> None:
    x = a(4)
    engine.forget_plans()
    for _ in range(10):
        x = tn.evaluate(x * 0.5 + 1)
    assert len(engine._plans) == 1


def test_shapes_are_no_part_of_a_plan() -> None:
    engine.forget_plans()
    for n in (3, 5, 7):
        tn.evaluate(a(n) * 2 + 1)
    assert len(engine._plans) == 1


def test_in_place_operations_chain_into_one_kernel() -> None:
    x = a(4)

    def f() -> None:
        y = x
        y += 1
        y *= 2
        tn.evaluate(y)

    assert launches(f) == ["add multiply"]
    assert np.array_equal(np.array(x), [4, 6, 8, 10])


def test_a_stencil_step_in_place_reads_the_old_values() -> None:
    n = np.arange(10.0) ** 2
    u = tn.asarray(n.copy())
    for _ in range(3):
        u[1:-1] += 0.25 * (u[2:] - 2 * u[1:-1] + u[:-2])
        n[1:-1] += 0.25 * (n[2:] - 2 * n[1:-1] + n[:-2])
    assert np.array_equal(np.array(u), n)


def test_a_growing_loop_runs_by_itself() -> None:
    x = a(4)
    for _ in range(DEPTH_LIMIT + 5):
        x = x + 1
    assert x._buffer.node is None or x._buffer.node.depth <= DEPTH_LIMIT


def test_dead_operands_are_freed_while_results_wait() -> None:
    x = a(100_000)
    y = tn.evaluate(x + 1)
    buffer = weakref.ref(x._buffer)
    del x
    gc.collect()
    assert buffer() is None
    assert float(y[0]) == 2.0


def test_memory_is_handed_out_again() -> None:
    def place() -> int:
        x = tn.evaluate(a(100_000) + 1)
        return memory.address(x._array)

    memory.trim()
    assert len({place() for _ in range(8)}) <= 3
    assert sum(kept())


def kept() -> list[int]:
    """Sizes of the pool's blocks, the longest unused first."""
    blocks = [(since, size) for size, each in memory._free.items() for since, _ in each]
    assert memory._free_bytes == sum(size for _, size in blocks)
    return [size for _, size in sorted(blocks)]


def test_the_pool_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the bound is met, the longest unused blocks go; what is larger never comes in."""
    memory.trim()
    monkeypatch.setattr(memory, "LIMIT", 1 << 20)
    for size in (200_000, 300_000, 400_000, 500_000, 2_000_000):
        tn.asarray(np.ones(size, np.uint8))
        gc.collect()
    assert [size // 100_000 for size in kept()] == [4, 5]
    assert 0 < memory._limit() <= 4 << 30


def test_the_pool_forgets_what_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    memory.trim()
    now = memory._next_look + 1.0
    monkeypatch.setattr(memory, "monotonic", lambda: now)
    for size, later in ((200_000, 4.0), (300_000, 7.0), (400_000, 0.0)):
        tn.asarray(np.ones(size, np.uint8))
        gc.collect()
        now += later
    assert [size // 100_000 for size in kept()] == [3, 4]


PEAK = """
import re
import numpy as np
import trueno as tn

def status(name):
    return int(re.search(name + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) << 10

n = 1 << 22
x, y, z = (tn.asarray(np.full(n, value)) for value in (1.0, 2.0, 3.0))
np.asarray(tn.evaluate(x[:8] + y[:8]))
tn.memory.trim()
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = status("VmRSS")
with tn.config(threshold=0, backend="simd"):
    r = tn.evaluate(2 * x + 3 * y - z * x + np.sqrt(x) / (y + 0.5))
print((status("VmHWM") - before) / r.nbytes)
"""


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="Linux counts peaks")
def test_a_fused_expression_takes_the_memory_of_its_result() -> None:
    command = [sys.executable, "-c", PEAK]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 0.9 < float(done.stdout) < 1.2


def test_memory_that_someone_looks_at_is_not_handed_out() -> None:
    memory.trim()
    x = tn.evaluate(a(100_000) + 1)
    exported = np.asarray(x)[1:]
    del x
    for _ in range(3):
        tn.evaluate(a(100_000) * 0)
    assert exported[0] == 3.0


def test_strict_mode_names_what_would_be_deferred() -> None:
    with tn.config(strict=True), pytest.raises(tn.StrictError, match=r"trueno\.cumsum"):
        a(4).cumsum()


def test_profile_counts_deferrals_by_line() -> None:
    x = a(4)
    with tn.profile() as p:
        x.cumsum()
    ((function, _, line),) = p.deferrals
    assert function == "cumsum"
    assert line.startswith("test_engine.py:")


def test_validation_finds_a_wrong_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(engine.NumpyBackend):
        name = "wrong"

        def launch(self, launch: Any) -> None:
            super().launch(launch)
            launch.outputs[0].array[...] += 1

    monkeypatch.setitem(engine._backends, "simd", Wrong())
    monkeypatch.setattr(engine, "_supported", {})
    with tn.config(backend="simd", validate=True):
        with pytest.raises(RuntimeError, match="differs from the numpy backend"):
            tn.evaluate(a(4) * 2)


def test_a_failing_gpu_costs_one_warning_and_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(engine.NumpyBackend):
        name = "wgpu"
        device = "gpu"
        lost = True

        def launch(self, launch: Any) -> None:
            raise RuntimeError("device lost")

    monkeypatch.setitem(engine._backends, "wgpu", Broken())
    monkeypatch.setattr(engine, "_failures", set())
    monkeypatch.setattr(engine, "_supported", {})
    with tn.config(backend="wgpu"):
        y = a(4) * 2
        with pytest.warns(tn.TruenoWarning, match="device lost"):
            tn.evaluate(y)
        assert np.array_equal(np.array(y), [2, 4, 6, 8])
        assert np.array_equal(np.array(a(4) * 3), [3, 6, 9, 12])


def test_threads_share_arrays() -> None:
    x = a(1000)
    y = x * 2 + 1
    seen: list[float] = []

    def work() -> None:
        for _ in range(50):
            seen.append(float(np.array((y - x).sum())))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == {float((np.arange(1.0, 1001.0) + 1).sum())}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_works() -> None:
    x = a(100_000)
    tn.evaluate(x + 1)
    pid = os.fork()
    if pid == 0:
        with tn.config(backend="simd"):
            right = float(np.array((x + 1).sum())) == 100_000 * 100_001 / 2 + 100_000
        os._exit(0 if right else 1)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize("seed", range(200))
def test_layouts_are_numpys(seed: int) -> None:
    generator = np.random.default_rng(seed)
    ndim = int(generator.integers(1, 5))
    shape = tuple(int(n) for n in generator.integers(1, 4, ndim))
    operands = []
    for _ in range(2):
        axes = generator.permutation(ndim)
        array = np.zeros([shape[i] + 1 for i in axes]).transpose(np.argsort(axes))
        array = array[tuple(slice(None, n) for n in shape)]
        kept = generator.random(ndim) < 0.8
        operands.append(array[tuple(slice(None) if keep else slice(0, 1) for keep in kept)])
    result = np.add(*operands)
    mine = result_strides(result.shape, 8, [(x.shape, x.strides) for x in operands])
    assert [s for n, s in zip(result.shape, mine, strict=True) if n > 1] == [
        s for n, s in zip(result.shape, result.strides, strict=True) if n > 1
    ]


def test_every_row_of_the_table_is_complete() -> None:
    for name, op in OPS.items():
        assert op.name == name
        assert callable(op.meaning)
    for op in ELEMENTWISE.values():
        assert op.types is not None or op.name in ("where", "cast")
        if op.wgsl is not None:
            op.wgsl.format("x", "y", "z", T="f32", S="f32")


def test_elements_that_lie_apart_pay_later() -> None:
    x = tn.ones(1 << 12)
    with tn.config(backend="simd", threshold=1 << 10), tn.profile() as profile:
        tn.evaluate(x[::2] + x[1::2], x[: 1 << 11] + x[1 << 11 :])
    assert profile.where() == {"simd": 1, "deferred": 0}


def test_calls_under_the_threshold_wait_where_they_join_others() -> None:
    def waits(z: Any, rest: Callable[[Any], Any]) -> bool:
        pending = z._node is not None
        tn.evaluate(rest(z))
        return pending

    with tn.config(backend="auto", threshold=1 << 20):
        x, y = a(200, 200), a(200, 200)
        joined = [waits(x * y, lambda z: z + 1) for _ in range(4)]
        alone = [waits(x - y, lambda z: z) for _ in range(40)]
        inexact = [waits(np.tanh(x), lambda z: z + 1) for _ in range(4)]
        small = [waits(x[:50] / y[:50], lambda z: z + 1) for _ in range(4)]
    assert joined == [False, True, True, True]  # the first call decides
    assert alone.index(True) == 1 and sum(alone) == 2
    assert not any(inexact) and not any(small)
