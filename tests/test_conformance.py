"""The conformance runner: exclusions are read with their reasons, and held to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import trueno as tn
import trueno.testing
from conformance import numpy as numpys
from conformance import report
from conformance.__main__ import SUITES, page
from conformance.exclusions import read
from conformance.results import Outcome, Record, counted, lacking, outcomes, plain, total

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
    pytester.makepyfile(
        test_it="""
        import os
        def test_a(): assert 0
        def test_b(): pass
        def test_c(): pass
        def test_d1(): assert 0
        def test_d2(): pass
        def test_e(): os.abort()
        def test_f(): assert 0
        def test_g(): pass
        """
    )
    file = pytester.path / "exclusions.txt"
    file.write_text("# why\n" + "".join(f"test_it.py::test_{x}\n" for x in ("a", "b", "d*")))
    with file.open("a") as more:
        more.write("# it ends the process\n!test_it.py::test_e\n")
        more.write("# of a backend\ntest_it.py::test_f (simd)\ntest_it.py::test_g (wgpu)\n")
    monkeypatch.setenv("CONFORMANCE_EXCLUSIONS", str(file))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))  # an installed Trueno has none
    monkeypatch.setenv("TRUENO_BACKEND", "simd")
    result = pytester.runpytest_subprocess("-p", "conformance.exclusions")
    result.assert_outcomes(passed=2, failed=2, xfailed=4)


def test_the_page_is_generated_from_the_record() -> None:
    assert report.PAGE.read_text("utf-8") == page()


def test_of_numpys_tests_97_in_100_pass_and_the_rest_are_explained() -> None:
    subjects = Record(report.RECORD).groups("numpy")
    assert {"numpy", "simd", "wgpu"} <= subjects.keys()
    for groups in subjects.values():
        whole = total(groups)
        assert not whole.failures
        assert whole.passed >= 0.97 * (whole.passed + whole.excluded)


def test_reasons_of_others_are_without_their_notes() -> None:
    assert plain("NOTE: convert this test") == "convert this test"
    assert plain("needs a GPU: none") == "needs a GPU: none"
    assert not re.search('"[A-Z]{3,5}: ', report.RECORD.read_text("utf-8"))


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


def test_numpys_tests_import_us_where_numpy_is_public() -> None:
    source = """\
import numpy as np
import numpy
import numpy.linalg
    from numpy import zeros
from numpy.linalg import norm
from numpy._core import sctypes
import numpy._core.umath as ncu
import numpy.ma as ma
"""
    assert (
        numpys.rewritten(source)
        == """\
import trueno as np
import trueno as numpy
import trueno.linalg; import trueno as numpy
    from trueno import zeros
from trueno.linalg import norm
from numpy._core import sctypes
import numpy._core.umath as ncu
import trueno.ma as ma
"""
    )


def test_of_numpys_tests_those_without_our_arrays_are_idle(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(
        test_it="""
        import trueno as np
        from trueno.testing import assert_equal
        def test_a(): assert np.float32(1) == 1
        def test_b(): assert_equal(np.zeros(3) + 1, [1, 1, 1])
        def test_c(): assert_equal(np.zeros(3), [1, 1, 1])
        """
    )
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    report = pytester.path / "report.xml"
    arguments = ("-p", "conformance.numpy_plugin", "-o", "junit_family=xunit1")
    pytester.runpytest_subprocess(*arguments, "--junitxml", str(report))
    assert [outcome.kind for outcome in outcomes(report)] == ["idle", "passed", "failed"]


def test_numpys_comparisons_take_our_arrays() -> None:
    x = tn.asarray([1.0, 2.0])
    tn.testing.assert_equal([x, x.sum()], [x, 3.0])
    tn.testing.assert_array_almost_equal(x, x + 1e-9)
    with pytest.raises(AssertionError, match="Mismatched elements: 1 / 2"):
        tn.testing.assert_equal({"a": x}, {"a": tn.asarray([1.0, 3.0])})
    with pytest.raises(AssertionError):
        tn.testing.assert_allclose(x, x * 2)
