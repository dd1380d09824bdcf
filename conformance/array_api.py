"""data-apis/array-api-tests, the array API standard's own test suite (version 2025.12).

Every test runs with thresholds at zero, so that even single elements take the way of large arrays:
graph, planner, engine, backend. Tests in array_api_exclusions.txt must fail, all others pass.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

REPOSITORY = "https://github.com/data-apis/array-api-tests"
COMMIT = "55fcc60"  # pins its submodule array-api at 5f847a3
VERSION = "2025.12"
BACKENDS = ("numpy", "simd", "wgpu")
EXCLUSIONS = Path(__file__).with_name("array_api_exclusions.txt")


@dataclass
class Outcome:
    """The counts of one run; ``failures`` are the ids of tests that failed or could not run."""

    backend: str
    passed: int = 0
    skipped: int = 0
    xfailed: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    note: str = ""

    @property
    def good(self) -> bool:
        """Whether tests ran and none failed."""
        return self.passed > 0 and not self.failures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the suite's command line."""
    parser.add_argument("--suite", type=Path, help="a checkout (default: clone the pinned commit)")
    parser.add_argument("--backend", choices=(*BACKENDS, "all"), default="all")
    parser.add_argument("--max-examples", type=int, default=100, help="Hypothesis examples a test")
    parser.add_argument("--workers", type=int, default=1, help="processes (pytest-xdist), above 1")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")


def run(options: argparse.Namespace, pytest_arguments: list[str]) -> int:
    """Runs the suite, prints the table; 0 if every backend asked for passed."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as scratch:
        suite = options.suite or _clone(Path(scratch))
        if not (suite / "array_api_tests").is_dir():
            raise SystemExit(f"conformance: {suite} is no checkout of {REPOSITORY}")
        if not any((suite / "array-api").iterdir()):
            raise SystemExit(f"conformance: {suite}: run 'git submodule update --init' there")
        names = BACKENDS if options.backend == "all" else (options.backend,)
        outcomes = [
            _run_backend(name, suite.resolve(), options, pytest_arguments, Path(scratch))
            for name in names
        ]
    _show(outcomes)
    if options.json:
        report = [{**dataclasses.asdict(o), "good": o.good} for o in outcomes]
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0 if all(outcome.good for outcome in outcomes) else 1


def _clone(parent: Path) -> Path:
    """The suite at the pinned commit, cloned below ``parent``."""
    target = parent / "array-api-tests"
    git = ["git", "-c", "advice.detachedHead=false"]
    subprocess.run([*git, "clone", "--quiet", REPOSITORY, str(target)], check=True)
    subprocess.run([*git, "checkout", "--quiet", COMMIT], cwd=target, check=True)
    subprocess.run([*git, "submodule", "--quiet", "update", "--init"], cwd=target, check=True)
    return target


def _environment(backend: str) -> dict[str, str]:
    environment = {
        **os.environ,
        "ARRAY_API_TESTS_MODULE": "trueno",
        "ARRAY_API_TESTS_VERSION": VERSION,
        "TRUENO_BACKEND": backend,
        "TRUENO_THRESHOLD": "0",
    }
    if backend == "wgpu":
        environment.setdefault("TRUENO_GPU", "software")
    return environment


def _present(backend: str, environment: dict[str, str]) -> bool:
    """Whether the backend exists on this machine, found out as the tests will find it."""
    question = f"from trueno import engine; raise SystemExit(engine.backend({backend!r}) is None)"
    asked = subprocess.run([sys.executable, "-c", question], env=environment, check=False)
    return asked.returncode == 0


def _run_backend(
    backend: str, suite: Path, options: argparse.Namespace, extra: list[str], scratch: Path
) -> Outcome:
    environment = _environment(backend)
    outcome = Outcome(backend)
    if not _present(backend, environment):
        outcome.note = "this machine has no such backend"
        return outcome
    report = scratch / f"{backend}.xml"
    command = [
        sys.executable, "-m", "pytest", "array_api_tests", "-q", "--no-header", "--tb=short",
        "-p", "no:cacheprovider", "-o", "xfail_strict=true", "-o", "junit_family=xunit1",
        # A lost GPU would let the CPU pass the tests in its stead.
        "-W", "ignore", "-W", "error::trueno.errors.TruenoWarning",
        "--max-examples", str(options.max_examples), "--disable-deadline",
        "--xfails-file", str(EXCLUSIONS), "--junitxml", str(report),
    ]  # fmt: skip
    if options.workers > 1:
        command += ["-n", str(options.workers)]
    start = time.perf_counter()
    finished = subprocess.run([*command, *extra], cwd=suite, env=environment, check=False)
    outcome.seconds = round(time.perf_counter() - start, 1)
    if not report.exists():
        outcome.note = f"pytest ended with {finished.returncode} and no report"
        return outcome
    for kind, name in _results(report):
        if kind == "failed":
            outcome.failures.append(name)
        else:
            setattr(outcome, kind, getattr(outcome, kind) + 1)
    return outcome


def _results(report: Path) -> Iterator[tuple[str, str]]:
    """("passed" | "failed" | "skipped" | "xfailed", test id) of every test in a JUnit file."""
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            yield "failed", name
        elif skip is not None:
            yield ("xfailed" if skip.get("type") == "pytest.xfail" else "skipped"), name
        else:
            yield "passed", name


def _show(outcomes: list[Outcome]) -> None:
    table = Table(title=f"array-api-tests {COMMIT}, standard {VERSION}")
    for column in ("backend", "passed", "failed", "skipped", "xfailed", "seconds"):
        table.add_column(column, justify="left" if column == "backend" else "right")
    table.add_column("")
    for o in outcomes:
        verdict = o.note or ("[green]good[/]" if o.good else "[red]failed[/]")
        counts = (o.passed, len(o.failures), o.skipped, o.xfailed, o.seconds)
        table.add_row(o.backend, *map(str, counts), verdict)
    console = Console()
    console.print(table)
    for o in outcomes:
        for name in o.failures:
            console.print(f"{o.backend}: {name}", markup=False, highlight=False)
