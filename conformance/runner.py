"""What the suites share: runs of pytest for each backend and group of tests, and their results.

Every test runs with thresholds at zero, so that even single elements take the way of large arrays:
graph, planner, engine, backend. Tests in a suite's exclusions file must fail, all others pass.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from conformance import report
from conformance.results import Group, Outcome, Record, counted, lacking, outcomes, total

BACKENDS = ("numpy", "simd", "wgpu")
PEERS = {"strict": "array_api_strict", "thin": "conformance.thin"}  # their modules
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Job:
    """One run of pytest: the group of tests that it is, the folder to run in, the arguments."""

    group: str
    where: Path
    arguments: list[str]


@dataclass(frozen=True)
class Suite:
    """One test suite.

    name:          on the command line
    title:         gives its name and version
    add_arguments: declares what is its own on the command line
    jobs:          gives the runs of pytest for a namespace's name; the last argument is a scratch
                   folder
    environment:   variables for the tests; "{namespace}" stands for the namespace's name
    exclusions:    ids of tests that fail on purpose, each under a comment that says why
    peers:         whether other namespaces can be put in Trueno's place, to compare with
    notes:         a file with what the page says beside the numbers
    """

    name: str
    title: Callable[[], str]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    jobs: Callable[[argparse.Namespace, str, Path], list[Job]]
    environment: dict[str, str]
    exclusions: Path
    peers: bool = False
    notes: Path | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the part of the command line that all suites share."""
    parser.add_argument("--backend", choices=(*BACKENDS, "all"), default="all")
    parser.add_argument(
        "--peers", action="store_true",
        help="compare with array_api_strict and a thin array over NumPy, where the suite can",
    )  # fmt: skip
    parser.add_argument("--workers", type=int, default=1, help="processes (pytest-xdist), above 1")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the results in this file")
    parser.add_argument(
        "--record", action="store_true", help="write docs/conformance.json and docs/conformance.md"
    )


def run(suite: Suite, options: argparse.Namespace, pytest_arguments: list[str]) -> int:
    """Runs a suite, prints the tables; 0 if every backend asked for passed."""
    names = BACKENDS if options.backend == "all" else (options.backend,)
    peers = PEERS if options.peers and suite.peers else {}
    found: dict[str, dict[str, Group]] = {}
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        scratch = Path(folder)
        kept: dict[str, dict[str, list[Outcome]]] = {}
        for subject, namespace in (*((peer, PEERS[peer]) for peer in peers),
                                   *((name, "trueno") for name in names)):  # fmt: skip
            environment = _environment(suite, subject, namespace)
            if not _present(subject, environment):
                report.say(f"{suite.name}, {subject}: not on this machine")
                continue
            jobs = suite.jobs(options, namespace, scratch)
            found[subject] = {}
            kept[subject] = {}
            for i, job in enumerate(jobs, 1):
                report.say(f"{suite.name}, {subject}: {job.group} ({i} of {len(jobs)})")
                more = [*_workers(options), *pytest_arguments]
                ran, seconds = _run(job, more, environment, scratch / "report.xml")
                group = counted(ran, seconds)
                if subject in PEERS:
                    group.failures.clear()
                else:
                    group.lacking = {x: lacking(ran, kept[x][job.group]) for x in peers}
                found[subject][job.group] = group
                kept[subject][job.group] = ran
                _keep(suite, options, subject, {job.group: group})
    report.show(suite.title(), found, Console())
    ours = [total(groups) for subject, groups in found.items() if subject in BACKENDS]
    return 0 if any(group.passed for group in ours) and not any(g.failed for g in ours) else 1


def _keep(
    suite: Suite, options: argparse.Namespace, subject: str, groups: dict[str, Group]
) -> None:
    """Notes results in the files asked for."""
    files = [options.json] if options.json else []
    for path in [*files, *([report.RECORD] if options.record else [])]:
        record = Record(path)
        record.put(suite.name, suite.title(), subject, groups)
        record.save()


def _workers(options: argparse.Namespace) -> list[str]:
    return ["-n", str(options.workers)] if options.workers > 1 else []


def _environment(suite: Suite, subject: str, namespace: str) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    own = {name: text.format(namespace=namespace) for name, text in suite.environment.items()}
    environment = {
        **os.environ,
        **own,
        "PYTHONPATH": path,  # so that plugins are found from any folder
        "CONFORMANCE_NAMESPACE": namespace,
        "CONFORMANCE_EXCLUSIONS": str(suite.exclusions) if namespace == "trueno" else os.devnull,
        "TRUENO_THRESHOLD": "0",
    }
    if subject in BACKENDS:
        environment["TRUENO_BACKEND"] = subject
    if subject == "wgpu":
        environment.setdefault("TRUENO_GPU", "software")
    return environment


def _present(subject: str, environment: dict[str, str]) -> bool:
    """Whether the backend or peer exists on this machine, as the tests will find it."""
    module = PEERS.get(subject)
    question = (
        f"import {module}"
        if module
        else f"from trueno import engine; raise SystemExit(engine.backend({subject!r}) is None)"
    )
    asked = subprocess.run([sys.executable, "-c", question], env=environment, check=False)
    return asked.returncode == 0


def _run(
    job: Job, more: list[str], environment: dict[str, str], file: Path
) -> tuple[list[Outcome], float]:
    """The outcomes of a job, and how many seconds it took."""
    file.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=short",
        "-p", "no:cacheprovider", "-p", "conformance.exclusions",
        "-o", "junit_family=xunit1",
        # A lost GPU would let the CPU pass the tests in its stead.
        "-W", "ignore", "-W", "error::trueno.errors.TruenoWarning", "--junitxml", str(file),
    ]  # fmt: skip
    start = time.perf_counter()
    ended = subprocess.run(
        [*command, *job.arguments, *more], cwd=job.where, env=environment, check=False
    )
    seconds = time.perf_counter() - start
    if not file.exists():
        crash = f"{job.group}: pytest ended with {ended.returncode} and no report"
        return [Outcome(crash, "failed")], seconds
    return list(outcomes(file)), seconds
