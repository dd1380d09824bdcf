"""The main job: the examples give NumPy's answers on every backend, and README keeps its word."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests import readme

pytest.importorskip("sklearn", reason="the demo's extra is not installed")
pytest.importorskip("matplotlib", reason="the demo's extra is not installed")

from trueno import demo

settings = importlib.import_module("trueno.config")

PROGRAMS = {program.name: program for program in demo.programs(quick=True)}


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trueno", *arguments], capture_output=True, text=True, check=False
    )


def test_programs_import_only_numpy() -> None:
    names = {path.stem for path in demo.EXAMPLES.glob("*.py")}
    for path in demo.EXAMPLES.glob("*.py"):
        if path.stem == "sklearn_pipeline":  # what it shows is scikit-learn
            continue
        imports = [
            line.split()[1] for line in path.read_text().splitlines() if line.startswith("import ")
        ]
        assert set(imports) <= names | {"numpy"}, path


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("name", PROGRAMS)
def test_program_gives_numpy_s_answers(name: str) -> None:
    program = PROGRAMS[name]
    expected = {key: np.asarray(value) for key, value in program.run(*program.inputs).items()}
    results = program.run(*[tn.asarray(x) for x in program.inputs])
    assert all(isinstance(value, tn.TruenoArray) for value in results.values())
    difference, worst = demo.compare(
        expected, {key: np.asarray(value) for key, value in results.items()}
    )
    assert difference <= program.tolerance, worst


@pytest.mark.usefixtures("backend")
def test_nbody_gives_numpy_s_answers(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(demo.EXAMPLES)
    nbody = importlib.import_module("nbody")
    inputs = rng.normal(size=(20, 3)), rng.normal(size=(20, 3)), rng.uniform(0.1, 1, 20)
    expected = nbody.simulate(*inputs, steps=3)
    results = nbody.simulate(*[tn.asarray(x) for x in inputs], steps=3)
    for wanted, got in zip(expected, results, strict=True):
        np.testing.assert_allclose(np.asarray(got), wanted, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("expected", "got", "difference"),
    [
        (np.ones(3), np.ones(3), 0.0),
        (np.ones(3), np.ones(4), np.inf),
        (np.ones(3), np.ones(3, np.float32), np.inf),
        (np.array([4.0, 2.0]), np.array([4.0, 1.0]), 0.25),
        (np.array([1.0, np.nan]), np.array([1.0, 1.0]), np.inf),
        (np.array([1.0, np.inf]), np.array([1.0, -np.inf]), np.inf),
        (np.array([1, 2, 3, 4]), np.array([1, 2, 3, 5]), 0.25),
        (np.zeros(0), np.zeros(0), 0.0),
    ],
)
def test_difference(expected: Any, got: Any, difference: float) -> None:
    assert demo.difference(expected, got) == difference


def test_examples_elsewhere_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="--examples"):
        demo.programs(tmp_path)


@pytest.mark.slow
def test_demo_writes_pictures(tmp_path: Path) -> None:
    done = _command("demo", "--quick", "--repeats", "1", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("china", "flower", "digits", "options", "times"):
        assert (tmp_path / f"{name}.png").stat().st_size > 1000
    for name in PROGRAMS:
        assert name in done.stdout
        assert name in (tmp_path / "results.md").read_text(encoding="utf-8")


def test_command_line() -> None:
    assert _command("nothing").returncode == 2
    assert "demo" in _command("--help").stdout
    info = _command("info")
    assert info.returncode == 0
    assert tn.__version__ in info.stdout


def test_readme_lists_the_kernels_there_are() -> None:
    text = readme.README.read_text(encoding="utf-8")
    present = readme.replaced(text, readme.OPERATIONS, readme.table())
    assert present == text, "run: python -m tests.readme"


def test_readme_lists_the_switches_there_are() -> None:
    switches = set(re.findall(r"TRUENO_[A-Z_]+", readme.README.read_text(encoding="utf-8")))
    assert switches == set(re.findall(r"TRUENO_[A-Z_]+", settings.__doc__))
