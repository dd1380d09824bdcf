"""``trueno.profile``: what it collects, and the forms in which it tells."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests.compare import recorded
from trueno import costs
from trueno.memory import View
from trueno.plan import Call, Instruction, Kernel, Launch, Output

F8 = np.dtype("f8")


@pytest.fixture(autouse=True)
def everything_deferred() -> Any:
    with tn.config(backend="simd", threshold=0):
        yield


def ones(*shape: int) -> Any:
    return tn.asarray(np.ones(shape))


def profiled() -> Any:
    """A kernel of 3 operations on 1000 points, a product, two calls of NumPy's and a warning."""
    x, m = ones(1000), ones(20, 30)
    with tn.profile() as p, recorded() as caught:
        tn.evaluate((x + x) * x / (x - x))
        tn.evaluate(m @ m.T)
        for _ in range(2):
            np.i0(x)
    assert [str(w.message) for w in caught] == ["divide by zero encountered in divide"]
    return p


def test_kernels_with_their_bytes_and_operations() -> None:
    rows = {row.name: row for row in profiled().rows.values()}
    kernel = rows["add multiply subtract divide"]
    assert (kernel.kind, kernel.where, kernel.calls, kernel.elements) == ("kernel", "simd", 1, 1000)
    assert (kernel.nbytes, kernel.operations) == (2 * 8000, 4000)
    assert kernel.rate == pytest.approx(4000 / kernel.seconds / 1e9)
    assert kernel.bandwidth == pytest.approx(16000 / kernel.seconds / 1e9)
    product = rows["matmul"]
    assert product.operations == 2 * 20 * 20 * 30
    assert product.nbytes == 8 * (2 * 600 + 400)


def test_deferrals_have_reason_line_and_time() -> None:
    p = profiled()
    ((function, reason, line),) = p.deferrals
    assert (function, reason) == ("i0", "computed by NumPy")
    assert line.startswith("test_profiling.py:")
    (row,) = [row for row in p.rows.values() if row.kind == "numpy"]
    assert row.calls == 2 and row.seconds > 0
    assert p.where() == {"simd": 2, "deferred": 2}


def test_warnings_are_collected() -> None:
    ((text, line),) = profiled().warnings
    assert text == "divide by zero encountered in divide"
    assert line.startswith("test_profiling.py:")


def test_a_call_that_fails_counts() -> None:
    with tn.profile() as p, pytest.raises(TypeError, match=r"trueno\.i0"):
        np.i0(ones(3) * 1j)
    assert sum(p.deferrals.values()) == 1


def test_nothing_counts_outside() -> None:
    x = ones(10)
    with tn.profile() as p:
        pass
    tn.evaluate(x + x)
    assert not p.rows and not p.events


def test_profiles_nest() -> None:
    x = ones(10)
    with tn.profile() as outer:
        tn.evaluate(x + x)
        with tn.profile() as inner:
            tn.evaluate(x * x)
    assert [name for _, name in inner.kernels] == ["multiply"]
    assert {name for _, name in outer.kernels} == {"add", "multiply"}
    assert outer.seconds >= inner.seconds


def test_the_table_is_sorted_by_time() -> None:
    p = profiled()
    assert [r.seconds for r in p.sorted()] == sorted([r.seconds for r in p.sorted()], reverse=True)
    head, *lines, summary = str(p).splitlines()
    assert head.split() == ["where", "calls", "elements", "MB", "ms", "GB/s", "GFLOP/s", "what"]
    assert len(lines) == len(p.rows)
    assert summary.startswith(f"{p.seconds * 1e3:.2f} ms, kernels ")
    assert "i0: computed by NumPy" in p._repr_html_()


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="not Linux")
def test_peak_memory() -> None:
    with tn.profile() as p:
        held = np.ones(4 << 20)
    assert held.nbytes <= (p.peak or 0) < 4 * held.nbytes


def test_chrome_trace(tmp_path: Path) -> None:
    p = profiled()
    p.to_chrome_trace(tmp_path / "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text())
    assert trace.keys() == {"traceEvents", "displayTimeUnit"}
    meta, *events = trace["traceEvents"]
    assert meta["ph"] == "M" and meta["name"] == "process_name"
    assert len(events) == len(p.events)
    for event in events:
        assert event.keys() >= {"name", "cat", "ph", "ts", "pid", "tid", "args"}
        assert 0 <= event["ts"] <= p.seconds * 1e6
        if event["ph"] == "X":
            assert 0 <= event["dur"] <= p.seconds * 1e6
        else:
            assert event["ph"] == "i" and event["s"] == "t" and event["cat"] == "warning"
    assert {event["cat"] for event in events} == {"kernel", "numpy", "warning"}


def test_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    profiled().plot(tmp_path / "roofline.png")
    assert (tmp_path / "roofline.png").read_bytes().startswith(b"\x89PNG")
    with tn.profile() as empty:
        pass
    assert empty.plot().axes


def test_plot_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    with tn.profile() as p:
        pass
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"needs matplotlib: pip install 'trueno\[plot\]'"):
        p.plot()


def test_costs_of_broadcast_operands_and_reductions() -> None:
    kernel = Kernel(
        (F8, F8),
        (),
        (Instruction("multiply", (0, 1), F8), Instruction("negative", (2,), F8)),
        (Output(3, "sum", F8),),
    )
    x, row, out = np.ones((50, 20)), np.ones((1, 20)), np.ones((50, 1))
    views = [View(None, a) for a in (x, np.broadcast_to(row, x.shape), out)]  # type: ignore[arg-type]
    launch = Launch(kernel, (50, 20), (1,), tuple(views[:2]), (), tuple(views[2:]), lambda _: None)
    assert costs.traffic(launch) == 8 * (1000 + 20 + 50)
    assert costs.operations(launch) == 2 * 1000  # a product and a sum; a sign is no arithmetic
    assert costs.elements(launch) == 1000
    call = Call("sort", {}, tuple(views[:1]), tuple(views[:1]))
    assert costs.operations(call) == 0 and costs.elements(call) == 1000


# ---------------------------------------------------------------- strict mode


@pytest.mark.parametrize(
    ("call", "reason", "instead"),
    [
        (lambda x: np.i0(x), "computed by NumPy", "np.asarray"),
        (lambda x: np.sum(x, where=x > 0), "given", "np.where"),
        (lambda x: np.add(x, x, where=np.array([True])), "arguments", "without out="),
        (lambda x: np.negative(tn.asarray(np.ones(3, "m8[s]"))), "timedelta64[s] is", "astype"),
    ],
)
def test_strict_mode_says_why_and_what_instead(call: Any, reason: str, instead: str) -> None:
    with tn.config(strict=True), pytest.raises(tn.StrictError) as error:
        call(ones(3))
    assert reason in str(error.value) and instead in str(error.value)
    assert str(error.value).startswith("trueno.")


def test_strict_mode_leaves_errors_and_small_calls_alone() -> None:
    with tn.config(strict=True):
        with pytest.raises(ValueError, match="broadcast"):
            ones(3) + ones(4)
        with tn.config(threshold=100):
            assert float((ones(3) + ones(3)).sum()) == 6
