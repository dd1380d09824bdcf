"""The conformance runner: exclusions are read with their reasons, and held to."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import report
from conformance.__main__ import SUITES
from conformance.exclusions import read
from conformance.results import Outcome, Record, counted, lacking

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("name", sorted(SUITES))
def test_every_exclusion_has_a_reason(name: str) -> None:
    for test, reason in read(SUITES[name].exclusions).items():
        assert len(reason.split()) > 5, f"{test}: why?"


def test_a_comment_stands_for_what_follows_it(tmp_path: Path) -> None:
    file = tmp_path / "exclusions.txt"
    file.write_text("# one\n# reason\na.py::t1\na.py::t2[x]\n\n# another\nb.py::t3\n")
    assert read(file) == {
        "a.py::t1": "one reason",
        "a.py::t2[x]": "one reason",
        "b.py::t3": "another",
    }


def test_an_excluded_test_that_passes_is_a_failure(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(test_it="def test_a(): assert 0\ndef test_b(): pass\ndef test_c(): pass\n")
    file = pytester.path / "exclusions.txt"
    file.write_text("# why\ntest_it.py::test_a\ntest_it.py::test_b\n")
    monkeypatch.setenv("CONFORMANCE_EXCLUSIONS", str(file))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))  # an installed Trueno has none
    result = pytester.runpytest_subprocess("-p", "conformance.exclusions")
    result.assert_outcomes(passed=1, failed=1, xfailed=1)


def test_the_page_is_generated_from_the_record() -> None:
    exclusions = {suite.name: suite.exclusions for suite in SUITES.values()}
    assert report.PAGE.read_text("utf-8") == report.page(Record(report.RECORD), exclusions)


def test_what_peers_pass_and_we_do_not_is_found() -> None:
    ours = [
        Outcome("a::t[trueno-None-float64]", "failed"),
        Outcome("a::u[trueno]", "passed"),
        Outcome("a::v[trueno]", "skipped"),
    ]
    peer = [
        Outcome("a::t[array_api_strict-CPU_DEVICE-float64]", "passed"),
        Outcome("a::u[array_api_strict]", "passed"),
        Outcome("a::v[array_api_strict]", "failed"),
    ]
    assert lacking(ours, peer) == ["a::t[trueno-None-float64]"]
    assert counted(ours, 1.0).failures == ["a::t[trueno-None-float64]"]
