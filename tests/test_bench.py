"""``python -m trueno bench``: what it runs, checks, prints and records."""

from __future__ import annotations

import dataclasses
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import trueno as tn
from trueno import engine
from trueno.bench import GROUPS, Options, cases, compare, gpu, main, measure, report

LIMITS = measure.Limits(((1 << 20, 10.0), (1 << 30, 5.0)), {4: 100.0, 8: 50.0})


@pytest.fixture(autouse=True)
def no_limits_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "limits", lambda: LIMITS)


TINY = dataclasses.replace(GROUPS["cpu"][0], arrays=cases._floats("f4", (50,), (50,)))


def test_prints_and_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(GROUPS, "cpu", [TINY])
    record = tmp_path / "record.json"
    assert main(["cpu"], Options(rounds=3, record=record)) == 0
    assert "a + b" in capsys.readouterr().out
    found = json.loads(record.read_text())
    (group,) = found["groups"]
    assert group["group"] == "cpu"
    assert group["versions"]["numpy"] == np.__version__
    (row,) = group["rows"]
    assert row["low"] <= row["ratio"] <= row["high"]
    assert row["seconds"].keys() >= {"numpy", "trueno"}


def test_only_selects_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(GROUPS, "cpu", [TINY, dataclasses.replace(TINY, name="other")])
    assert main(["cpu"], Options(rounds=1, only="oth")) == 0
    printed = capsys.readouterr().out
    assert "other" in printed and "a + b" not in printed


def test_a_wrong_result_is_no_result() -> None:
    def wrong(xp: Any, a: Any, b: Any) -> Any:
        return a + b if type(a) is np.ndarray else a - b

    with pytest.raises(AssertionError, match=r"a \+ b"):
        measure.measure(dataclasses.replace(TINY, run=wrong), 1, [])


@pytest.mark.parametrize("name", [b.name for b in GROUPS["small"]])
def test_small_benchmarks_agree(name: str) -> None:
    (case,) = [b for b in GROUPS["small"] if b.name == name]
    measure.measure(dataclasses.replace(case, repeat=2, observe=True), 1, [])


@pytest.mark.parametrize("name", [b.name for b in GROUPS["programs"] if not b.large])
@pytest.mark.parametrize("threshold", [None, 0])
def test_programs_agree(name: str, threshold: int | None) -> None:
    (case,) = [b for b in GROUPS["programs"] if b.name == name]
    with nullcontext() if threshold is None else tn.config(threshold=threshold):
        measure._check(case, measure._sides(case, []))


def test_every_program_has_a_small_and_a_large_size() -> None:
    files = {b.name.partition(" ")[0] for b in GROUPS["programs"]}
    assert len(files) >= 20
    for large in (True, False):
        assert files == {b.name.partition(" ")[0] for b in GROUPS["programs"] if b.large == large}


def test_summary_names_what_is_behind() -> None:
    rows = [
        {"name": "slow", "ratio": 0.5, "large": False},
        {"name": "fast", "ratio": 4.0, "large": True},
        {"name": "faster", "ratio": 16.0, "large": True},
    ]
    assert report.summary(rows) == [
        "geometric mean of 2 at large sizes: 8.00x",
        "geometric mean of 1 at small sizes: 0.50x",
        "under 0.95x: slow 0.50x",
    ]


def test_the_fraction_of_the_limit() -> None:
    assert LIMITS.seconds(measure.Least(10_000, 0, 8)) == pytest.approx(1e-6)
    assert LIMITS.seconds(measure.Least(1 << 40, 0, 8)) == pytest.approx((1 << 40) / 5e9)
    assert LIMITS.seconds(measure.Least(8, 10**9, 4)) == pytest.approx(0.01)
    row = measure.measure(TINY, 1, [], bounds=LIMITS)
    assert row["of limit"] == pytest.approx(3 * 200 / 10e9 / row["seconds"]["trueno"])
    product = dataclasses.replace(
        TINY, run=lambda xp, a, b: a @ b, arrays=cases._floats("f4", (64, 64), (64, 64))
    )
    with tn.config(threshold=0):
        least = measure._least(measure._sides(product, [])["trueno"])
    assert least == (3 * 64 * 64 * 4, 2 * 64**3, 4)


def _record(**ratios: list[float]) -> dict[str, Any]:
    rows = [{"name": name, "ratios": values} for name, values in ratios.items()]
    return {"groups": [{"group": "g", "rows": rows}]}


def test_compare_names_what_changed_beyond_noise() -> None:
    before = _record(same=[2.0, 2.1, 1.9] * 3, slow=[2.0, 2.1, 1.9] * 3, gone=[1.0])
    now = _record(same=[1.9, 2.15, 2.0] * 3, slow=[1.0, 1.1, 0.9] * 3, new=[1.0])
    slow, same = compare.compare(now, before)
    assert (slow.name, slow.verdict, same.verdict) == ("g: slow", "slower", "")
    assert slow.low <= slow.change <= slow.high and slow.change == pytest.approx(0.5)
    fast, _ = reversed(compare.compare(before, now))
    assert fast.verdict == "faster"


def test_compare_needs_more_than_noise() -> None:
    noisy = compare.compare(_record(a=[1.0, 3.0, 2.0]), _record(a=[1.5, 4.0, 2.5]))
    assert [found.verdict for found in noisy] == [""]


def test_compare_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(GROUPS, "cpu", [TINY])
    record, other = tmp_path / "record.json", tmp_path / "other.json"
    assert main(["cpu"], Options(rounds=3, record=record)) == 0
    found = json.loads(record.read_text())
    found["groups"][0]["rows"][0]["ratios"] = [1e6] * 3
    other.write_text(json.dumps(found))
    assert main(["cpu"], Options(rounds=3, baseline=other)) == 1
    assert "slower" in capsys.readouterr().out
    other.write_text("[]")
    assert main(["cpu"], Options(rounds=1, baseline=other)) == 1
    assert "is no record" in capsys.readouterr().err


def test_short_leaves_large_sizes_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = dataclasses.replace(TINY, name="small one", large=False)
    monkeypatch.setitem(GROUPS, "programs", [TINY, small])
    assert main(["programs"], Options(rounds=1, short=True)) == 0
    printed = capsys.readouterr().out
    assert "small one" in printed and "a + b" not in printed
    assert "geometric mean of 1 at small sizes" in printed


def test_plots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setitem(GROUPS, "cpu", [TINY])
    assert main(["cpu"], Options(rounds=1, plot=tmp_path)) == 0
    assert (tmp_path / "bench-cpu.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.gpu
def test_on_a_gpu() -> None:
    assert engine.backend("wgpu") is not None
    with tn.config(backend="wgpu", threshold=0):
        rows = gpu.crossover((1000,), Console(quiet=True))
    assert [row["name"] for row in rows][:2] == ["vec_add", "dot"]
    assert all(seconds > 0 for row in rows for seconds in row["seconds"][1000].values())


def test_every_workload_of_a_gpu_is_numpys_too() -> None:
    """What the second table compares computes the same."""
    rng = np.random.default_rng(0)
    for name, (shapes, ours, numpys) in gpu.COMMON.items():
        arrays = [rng.random(shape, np.float32) for shape in shapes(4000)]
        actual = np.asarray(ours(*[tn.asarray(x) for x in arrays]))
        np.testing.assert_allclose(actual, numpys(*arrays), rtol=1e-3, err_msg=name)
