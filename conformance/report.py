"""The results of the suites as tables: in the terminal, and in ``docs/conformance.md``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from conformance.exclusions import read
from conformance.results import KINDS, Group, Record, total

_DOCS = Path(__file__).resolve().parents[1] / "docs"
RECORD = _DOCS / "conformance.json"
PAGE = _DOCS / "conformance.md"
_LABELS = {
    "numpy": "Trueno, numpy", "simd": "Trueno, simd", "wgpu": "Trueno, wgpu",
    "strict": "array_api_strict", "thin": "thin array over NumPy",
}  # fmt: skip
_INTRODUCTION = """\
# Conformance

Public test suites of other projects, run on Trueno with thresholds at zero, so that even single
elements take the way of large arrays. This page is generated from `conformance.json` by
`python -m conformance report`; `python -m conformance SUITE --record` runs a suite and updates
both.

*Excluded* tests fail on purpose; each is named, with its reason, in a file beside the suite, and
one that begins to pass is a failure. *Expected* failures are those that the suite itself marks.
*Idle* tests passed without an array of Trueno's, and count for nothing. The rows of
array_api_strict and of a thin array over NumPy (`conformance/thin.py`) show what other
namespaces reach in the same suite.
"""


def say(text: str) -> None:
    """A line of progress."""
    Console().print(f"[bold]{text}[/]", highlight=False)


def show(title: str, subjects: dict[str, dict[str, Group]], console: Console) -> None:
    """Prints a suite's results: a row a group and subject, the failures, what only peers pass."""
    table = Table(title=title)
    for column in ("", "group", *KINDS, "seconds"):
        table.add_column(column, justify="right" if column in (*KINDS, "seconds") else "left")
    for subject, groups in subjects.items():
        rows = [*groups.items(), *([("all", total(groups))] if len(groups) > 1 else [])]
        for name, group in rows:
            counts = [str(getattr(group, kind)) for kind in KINDS]
            style = "red" if group.failed else None
            table.add_row(subject, name, *counts, f"{group.seconds:.1f}", style=style)
    console.print(table)
    for subject, groups in subjects.items():
        whole = total(groups)
        for name in whole.failures:
            console.print(
                f"{subject}: failed: {name}", markup=False, highlight=False, soft_wrap=True
            )
        for peer, names in whole.lacking.items():
            for name in names:
                text = f"{subject}: passes with {peer} only: {name}"
                console.print(text, markup=False, highlight=False, soft_wrap=True)


def page(record: Record, exclusions: dict[str, Path], notes: dict[str, Path]) -> str:
    """The Markdown page of all results. exclusions, notes: the files of suites."""
    sections = _sections(record, exclusions, notes)
    return "\n".join([_INTRODUCTION, *_summary(record), *sections])


def _summary(record: Record) -> Iterator[str]:
    yield from _row("suite", "", *map(_heading, KINDS))
    yield from _row("---", "---", *("---:" for _ in KINDS))
    for suite in sorted(record.suites):
        for subject, groups in _ordered(record, suite):
            whole = total(groups)
            title = record.suites[suite]["title"]
            yield from _row(title, _LABELS[subject], *(f"{getattr(whole, x)}" for x in KINDS))
    yield ""


def _sections(record: Record, exclusions: dict[str, Path], notes: dict[str, Path]) -> Iterator[str]:
    for suite in sorted(record.suites):
        yield f"## {record.suites[suite]['title']}\n"
        subjects = _ordered(record, suite)
        groups = sorted({name for _, found in subjects for name in found})
        if len(groups) > 1:
            yield "Passed of those that ran or were skipped:\n"
            yield from _row("", *(_LABELS[subject] for subject, _ in subjects))
            yield from _row("---", *("---:" for _ in subjects))
            for name in groups:
                yield from _row(name, *(_of(found.get(name)) for _, found in subjects))
            yield ""
        if suite in notes:
            yield notes[suite].read_text("utf-8")
        yield from _reasons(suite, subjects, exclusions)


def _reasons(
    suite: str, subjects: list[tuple[str, dict[str, Group]]], exclusions: dict[str, Path]
) -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for name, reason in read(exclusions[suite]).items() if suite in exclusions else ():
        by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        yield f"Excluded: {reason}\n"
        yield from (f"- `{name}`" for name in names)
        yield ""
    for subject, groups in subjects:
        whole = total(groups)
        if whole.failures:
            yield f"{_LABELS[subject]}: failures\n"
            yield from (f"- `{name}`" for name in whole.failures)
            yield ""
        for peer, names in whole.lacking.items():
            if names:
                yield f"{_LABELS[subject]}: not passed, but with {_LABELS[peer]}\n"
                yield from (f"- `{name}`" for name in names)
                yield ""
    skips = next((total(found).skips for subject, found in subjects if subject == "simd"), {})
    if skips:
        yield "Skipped on the simd backend, by the suite's reason:\n"
        for reason, count in sorted(skips.items(), key=lambda item: (-item[1], item[0]))[:20]:
            yield f"- {count}: {' '.join(reason.split())[:160]}"
        yield ""


def _ordered(record: Record, suite: str) -> list[tuple[str, dict[str, Group]]]:
    return sorted(record.groups(suite).items(), key=lambda item: list(_LABELS).index(item[0]))


def _of(group: Group | None) -> str:
    if group is None:
        return ""
    return f"{group.passed} of {sum(getattr(group, kind) for kind in KINDS)}"


def _heading(kind: str) -> str:
    return "expected" if kind == "xfailed" else kind


def _row(*cells: str) -> Iterator[str]:
    yield f"| {' | '.join(cells)} |"
