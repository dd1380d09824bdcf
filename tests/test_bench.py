"""``python -m trueno bench``: what it runs, checks, prints and records."""

from __future__ import annotations

import dataclasses
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trueno as tn
from trueno.bench import GROUPS, cases, main, measure

TINY = dataclasses.replace(GROUPS["cpu"][0], arrays=cases._floats("f4", (50,), (50,)))


def test_prints_and_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(GROUPS, "cpu", [TINY])
    record = tmp_path / "record.json"
    assert main(["cpu"], 3, record) == 0
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
    assert main(["cpu"], 1, None, "oth") == 0
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
    assert measure.summary(rows) == [
        "geometric mean of 2 at large sizes: 8.00x",
        "geometric mean of 1 at small sizes: 0.50x",
        "under 0.95x: slow 0.50x",
    ]
