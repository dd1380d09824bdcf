"""What the suites share: a run of pytest per backend, its results, the table, the record.

Every test runs with thresholds at zero, so that even single elements take the way of large arrays:
graph, planner, engine, backend. Tests in a suite's exclusions file must fail, all others pass.
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

BACKENDS = ("numpy", "simd", "wgpu")


@dataclass(frozen=True)
class Suite:
    """One test suite.

    name:          on the command line
    title:         gives its name and version, for the table
    add_arguments: declares what is its own on the command line
    prepare:       gives the folder to run in and pytest's arguments; its second argument is a
                   scratch folder
    environment:   variables for the tests
    exclusions:    ids of tests that fail on purpose, each under a comment that says why
    """

    name: str
    title: Callable[[], str]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    prepare: Callable[[argparse.Namespace, Path], tuple[Path, list[str]]]
    environment: dict[str, str]
    exclusions: Path


@dataclass
class Outcome:
    """The counts of one run; ``failures`` are the ids of tests that failed or could not run.

    groups: passed, failed, skipped and expected failures by part of the suite
    """

    suite: str
    backend: str
    passed: int = 0
    skipped: int = 0
    xfailed: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    groups: dict[str, dict[str, int]] = field(default_factory=dict)
    note: str = ""

    @property
    def good(self) -> bool:
        """Whether tests ran and none failed."""
        return self.passed > 0 and not self.failures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the part of the command line that all suites share."""
    parser.add_argument("--backend", choices=(*BACKENDS, "all"), default="all")
    parser.add_argument("--workers", type=int, default=1, help="processes (pytest-xdist), above 1")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")


def run(suite: Suite, options: argparse.Namespace, pytest_arguments: list[str]) -> int:
    """Runs a suite, prints the table; 0 if every backend asked for passed."""
    names = BACKENDS if options.backend == "all" else (options.backend,)
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        scratch = Path(folder)
        where, arguments = suite.prepare(options, scratch)
        if options.workers > 1:
            arguments = [*arguments, "-n", str(options.workers)]
        outcomes = [
            _run_backend(suite, name, where, [*arguments, *pytest_arguments], scratch)
            for name in names
        ]
    _show(suite.title(), outcomes)
    if options.json:
        report = [{**dataclasses.asdict(o), "good": o.good} for o in outcomes]
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0 if all(outcome.good for outcome in outcomes) else 1


def _environment(suite: Suite, backend: str) -> dict[str, str]:
    root = Path(__file__).resolve().parents[1]  # so that plugins are found from any folder
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    environment = {
        **os.environ,
        **suite.environment,
        "PYTHONPATH": path,
        "CONFORMANCE_EXCLUSIONS": str(suite.exclusions),
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
    suite: Suite, backend: str, where: Path, arguments: list[str], scratch: Path
) -> Outcome:
    environment = _environment(suite, backend)
    outcome = Outcome(suite.name, backend)
    if not _present(backend, environment):
        outcome.note = "this machine has no such backend"
        return outcome
    report = scratch / f"{backend}.xml"
    command = [
        sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=short",
        "-p", "no:cacheprovider", "-o", "xfail_strict=true", "-o", "junit_family=xunit1",
        # A lost GPU would let the CPU pass the tests in its stead.
        "-W", "ignore", "-W", "error::trueno.errors.TruenoWarning", "--junitxml", str(report),
    ]  # fmt: skip
    start = time.perf_counter()
    finished = subprocess.run([*command, *arguments], cwd=where, env=environment, check=False)
    outcome.seconds = round(time.perf_counter() - start, 1)
    if not report.exists():
        outcome.note = f"pytest ended with {finished.returncode} and no report"
        return outcome
    for kind, name in _results(report):
        if kind == "failed":
            outcome.failures.append(name)
        else:
            setattr(outcome, kind, getattr(outcome, kind) + 1)
        counts = outcome.groups.setdefault(_group(name), {})
        counts[kind] = counts.get(kind, 0) + 1
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


def _group(name: str) -> str:
    """The subpackage that a test of an installed library belongs to, or else its module."""
    parts = name.partition("::")[0].split(".")
    for library in ("scipy", "sklearn"):
        if library in parts[:-1]:
            return parts[parts.index(library) + 1]
    return parts[-1]


def _show(title: str, outcomes: list[Outcome]) -> None:
    table = Table(title=title)
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
