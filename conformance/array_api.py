"""data-apis/array-api-tests, the array API standard's own test suite (version 2025.12)."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from conformance.runner import Job, Suite

REPOSITORY = "https://github.com/data-apis/array-api-tests"
COMMIT = "55fcc60"  # pins its submodule array-api at 5f847a3
VERSION = "2025.12"
EXCLUSIONS = Path(__file__).with_name("array_api_exclusions.txt")
NOTES = Path(__file__).with_name("array_api_notes.md")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--suite", type=Path, help="a checkout (default: clone the pinned commit)")
    parser.add_argument("--max-examples", type=int, default=100, help="Hypothesis examples a test")


def _jobs(options: argparse.Namespace, _: str, scratch: Path) -> list[Job]:
    suite: Path = options.suite or _clone(scratch)
    if not (suite / "array_api_tests").is_dir():
        raise SystemExit(f"conformance: {suite} is no checkout of {REPOSITORY}")
    if not any((suite / "array-api").iterdir()):
        raise SystemExit(f"conformance: {suite}: run 'git submodule update --init' there")
    arguments = [
        "array_api_tests", "--max-examples", str(options.max_examples), "--disable-deadline",
    ]  # fmt: skip
    return [Job("all", suite.resolve(), arguments)]


def _clone(parent: Path) -> Path:
    """The suite at the pinned commit, cloned below ``parent``."""
    target = parent / "array-api-tests"
    if target.exists():
        return target
    git = ["git", "-c", "advice.detachedHead=false"]
    subprocess.run([*git, "clone", "--quiet", REPOSITORY, str(target)], check=True)
    subprocess.run([*git, "checkout", "--quiet", COMMIT], cwd=target, check=True)
    subprocess.run([*git, "submodule", "--quiet", "update", "--init"], cwd=target, check=True)
    return target


SUITE = Suite(
    "array-api",
    lambda: f"array-api-tests {COMMIT}, standard {VERSION}",
    _add_arguments,
    _jobs,
    {"ARRAY_API_TESTS_MODULE": "{namespace}", "ARRAY_API_TESTS_VERSION": VERSION},
    EXCLUSIONS,
    peers=True,
    notes=NOTES,
)
