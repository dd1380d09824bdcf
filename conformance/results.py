"""What came of a suite: counts and names by group of tests, read from pytest's report."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

EXCLUDED = "excluded: "  # begins the reason of tests that fail on purpose
IDLE = "idle"  # the property of tests that could have failed with any namespace
KINDS = ("passed", "failed", "skipped", "excluded", "xfailed", IDLE)
_NAMESPACE = re.compile(r"(trueno|array_api_strict|conformance\.thin)(-None|-CPU_DEVICE|-device1)?")
_NOTE = re.compile(r"^[A-Z]{3,5}: ")  # what authors put before notes to themselves


@dataclass
class Group:
    """The outcomes of one part of a suite for one subject (a backend of Trueno's, or a peer).

    excluded: tests that fail on purpose, which the suite's file names
    xfailed:  tests of which the suite itself says that they fail
    idle:     tests that passed without an array of ours, which count for nothing
    failures: ids of Trueno's tests that failed or could not run
    skips:    how many tests were skipped, by the reason that the suite gives
    lacking:  by peer, ids of tests that pass with it and not with Trueno
    """

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    excluded: int = 0
    xfailed: int = 0
    idle: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    skips: dict[str, int] = field(default_factory=dict)
    lacking: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What pytest reported of one test: one of the kinds that Group counts, and why."""

    name: str
    kind: str
    reason: str = ""


def outcomes(report: Path) -> Iterator[Outcome]:
    """The outcome of every test in a JUnit file."""
    for case in ElementTree.parse(report).iter("testcase"):
        place = (case.get("classname") or "").rpartition("site-packages.")[2]
        name = f"{place}::{case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            yield Outcome(name, "failed")
        elif skip is None:
            idle = case.find(f"properties/property[@name='{IDLE}']") is not None
            yield Outcome(name, IDLE if idle else "passed")
        elif skip.get("type") != "pytest.xfail":
            yield Outcome(name, "skipped", plain(skip.get("message") or ""))
        else:
            excluded = EXCLUDED in (skip.get("message") or "")  # perhaps behind "[NOTRUN] "
            yield Outcome(name, "excluded" if excluded else "xfailed")


def plain(reason: str) -> str:
    """Why a suite skips a test, in the words of its authors, of whose notes the marks are gone."""
    return _NOTE.sub("", reason)


def counted(found: list[Outcome], seconds: float) -> Group:
    """The counts of these outcomes."""
    kinds = Counter(outcome.kind for outcome in found)
    return Group(
        kinds["passed"],
        kinds["failed"],
        kinds["skipped"],
        kinds["excluded"],
        kinds["xfailed"],
        kinds[IDLE],
        round(seconds, 1),
        [outcome.name for outcome in found if outcome.kind == "failed"],
        dict(Counter(outcome.reason for outcome in found if outcome.kind == "skipped")),
    )


def total(groups: dict[str, Group]) -> Group:
    """All of a suite's groups as one."""
    result = Group()
    skips: Counter[str] = Counter()
    for group in groups.values():
        for name in (*KINDS, "seconds"):
            setattr(result, name, getattr(result, name) + getattr(group, name))
        result.failures += group.failures
        skips.update(group.skips)
        for peer, names in group.lacking.items():
            result.lacking.setdefault(peer, []).extend(names)
    result.skips = dict(skips)
    return result


def lacking(ours: list[Outcome], peer: list[Outcome]) -> list[str]:
    """Ids of our tests that passed with the peer and neither with us nor were excluded."""
    passed = {_common(outcome.name) for outcome in peer if outcome.kind == "passed"}
    return [o.name for o in ours if o.kind != "passed" and _common(o.name) in passed]


def _common(name: str) -> str:
    """A test's id without the name of the namespace that it runs with."""
    return _NAMESPACE.sub("*", name)


class Record:
    """The results of all suites, kept in a file: suite, subject, group.

    A group that runs again replaces what stood there, so that long suites may run part by part.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.suites: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def put(self, suite: str, title: str, subject: str, groups: dict[str, Group]) -> None:
        """Notes results; those of another version of the suite are forgotten."""
        entry = self.suites.get(suite)
        if entry is None or entry["title"] != title:
            entry = self.suites[suite] = {"title": title, "subjects": {}}
        entry["subjects"].setdefault(subject, {}).update(
            {name: asdict(group) for name, group in groups.items()}
        )

    def groups(self, suite: str) -> dict[str, dict[str, Group]]:
        """By subject, a suite's groups."""
        subjects = self.suites[suite]["subjects"]
        return {
            subject: {name: Group(**group) for name, group in sorted(groups.items())}
            for subject, groups in subjects.items()
        }

    def save(self) -> None:
        """Writes the file."""
        self.path.write_text(json.dumps(self.suites, indent=1, sort_keys=True) + "\n")
