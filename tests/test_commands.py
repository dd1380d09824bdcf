"""``python -m trueno info`` and ``calibrate``, and where figures of the machine are kept."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest

import trueno as tn
from trueno import __main__, calibration, information, machine
from trueno.config import THREADS


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of its own, in which nothing is."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(machine, "cache_file", lambda: tmp_path / "trueno" / "machine.json")
    monkeypatch.setattr(machine, "_current", machine.DEFAULT)
    return tmp_path


def test_the_cache_folder_is_platformdirs() -> None:
    assert machine.cache_file().parent == platformdirs.user_cache_path("trueno")


def test_info_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["trueno"] == tn.__version__
    assert found["instruction sets"]["used"] in found["instruction sets"]["built"]
    assert found["threads"]["used"] >= 1 and found["threads"]["processors"] >= 1
    assert found["thresholds"]["elements"] > 0
    assert {"gpu", "blas", "caches", "switches", "packages"} <= found.keys()


def test_info_as_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUENO_GPU", "off")
    assert __main__.main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [tn.__version__] == [line.split()[-1] for line in lines if line.startswith("trueno")]
    assert any(line.split() == ["TRUENO_GPU", "off"] for line in lines)


def test_figures_are_kept_for_this_machine(cache: Path) -> None:
    figures = dataclasses.replace(
        machine.DEFAULT, identity=machine.identity(THREADS), costs={"exp8": 0.5}, threshold=123
    )
    assert machine.load(THREADS) is machine.DEFAULT
    assert machine.save(figures) == cache / "trueno" / "machine.json"
    assert machine.load(THREADS) == figures == machine.current()
    assert [path.name for path in (cache / "trueno").iterdir()] == ["machine.json"]


@pytest.mark.parametrize("text", ["", "{}", '{"identity": 1}', '{"identity": ["other"]}', "[1]"])
def test_other_figures_are_left_alone(cache: Path, text: str) -> None:
    (cache / "trueno").mkdir()
    (cache / "trueno" / "machine.json").write_text(text)
    assert machine.load(THREADS) is machine.DEFAULT


def test_figures_of_other_threads_are_left_alone(cache: Path) -> None:
    machine.save(dataclasses.replace(machine.DEFAULT, identity=machine.identity(THREADS + 1)))
    assert machine.load(THREADS) is machine.DEFAULT


def test_predictions_use_the_figures(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dtype = np.dtype("f8")
    assert machine.DEFAULT.cost("exp", dtype) > machine.DEFAULT.cost("add", dtype)
    with tn.config(threshold=0, backend="simd"):
        x = tn.ones(1 << 20) + 1
        usual = tn.explain(x).seconds
        slow = dataclasses.replace(machine.DEFAULT, costs={"add8": 100.0})
        monkeypatch.setattr(machine, "_current", slow)
        assert tn.explain(x).seconds > 10 * usual
        assert tn.explain(x).kernels[0].bound == "arithmetic"


def test_calibrate(
    cache: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {name: calibration.ELEMENTWISE[name] for name in ("add", "exp", "bitwise_and", "where")}
    for name, value in {
        "ELEMENTWISE": few,
        "_WORKING_SETS": (1 << 15, 1 << 17),
        "_CACHED": 1 << 10,
        "_PRODUCT": 16,
        "_SIZES": (1 << 8, 1 << 10),
        "_ROUNDS": 1,
    }.items():
        monkeypatch.setattr(calibration, name, value)
    assert __main__.main(["calibrate"]) == 0
    assert "kept in" in capsys.readouterr().out.replace("\n", "")
    figures = machine.load(THREADS)
    assert figures.identity == machine.identity(THREADS)
    assert figures.costs.keys() == {"add8", "exp8", "where8", "add4", "exp4", "where4"}
    assert all(cost > 0 for cost in figures.costs.values())
    assert [nbytes for nbytes, _ in figures.bandwidth] == [1 << 15, 1 << 17]
    assert figures.launch > 0 and figures.products.keys() == {"f", "d"}
    assert __main__.main(["calibrate"]) == 0
    assert "measured before" in capsys.readouterr().out


def test_nested_information_is_indented() -> None:
    value: dict[str, Any] = {"a": 1, "b": ["x", "y"], "c": {}}
    assert information._lines("name", value) == [
        "name",
        f"{'  a':<24} 1",
        f"{'  b':<24} x, y",
        f"{'  c':<24} none",
    ]
