"""``python -m conformance SUITE [--backend numpy|simd|wgpu|all] ... [-- PYTEST ARGUMENTS]``

SUITE may be "all"; ``python -m conformance report`` writes docs/conformance.md from the last
results.
"""

from __future__ import annotations

import argparse
import sys

from conformance import (
    accelerated,
    array_api,
    array_api_extra,
    dask,
    numpy,
    report,
    runner,
    scipy,
    sklearn,
    xarray,
)
from conformance.results import Record

_MODULES = (array_api, array_api_extra, numpy, accelerated, sklearn, scipy, xarray, dask)
SUITES = {module.SUITE.name: module.SUITE for module in _MODULES}


def page() -> str:
    """docs/conformance.md, from docs/conformance.json and the files beside the suites."""
    suites = SUITES.values()
    return report.page(
        Record(report.RECORD),
        {suite.name: suite.exclusions for suite in suites},
        {suite.name: suite.notes for suite in suites if suite.notes},
    )


def main(argv: list[str]) -> int:
    """Runs the suites that the command line names; 0 if all pass on every backend asked for."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    names = parser.add_subparsers(dest="command", required=True)
    everything = names.add_parser("all")
    for suite in SUITES.values():
        own = names.add_parser(suite.name)
        runner.add_arguments(own)
        suite.add_arguments(own)
        suite.add_arguments(everything)
    runner.add_arguments(everything)
    names.add_parser("report")
    at = argv.index("--") if "--" in argv else len(argv)  # what follows is pytest's
    options = parser.parse_args(argv[:at])
    failed = 0
    if options.command != "report":
        chosen = SUITES.values() if options.command == "all" else (SUITES[options.command],)
        failed = max([runner.run(suite, options, argv[at + 1 :]) for suite in chosen])
    if options.command == "report" or options.record:
        report.PAGE.write_text(page(), "utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
