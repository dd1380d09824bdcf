"""``python -m conformance SUITE [--backend numpy|simd|wgpu|all] ... [-- PYTEST ARGUMENTS]``"""

from __future__ import annotations

import argparse
import sys

from conformance import array_api, runner, scipy, sklearn

SUITES = {suite.name: suite for suite in (array_api.SUITE, sklearn.SUITE, scipy.SUITE)}


def main(argv: list[str]) -> int:
    """Runs the suite that the command line names; 0 if it passes on every backend asked for."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    names = parser.add_subparsers(dest="command", required=True)
    for suite in SUITES.values():
        own = names.add_parser(suite.name)
        runner.add_arguments(own)
        suite.add_arguments(own)
    at = argv.index("--") if "--" in argv else len(argv)  # what follows is pytest's
    options = parser.parse_args(argv[:at])
    return runner.run(SUITES[options.command], options, argv[at + 1 :])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
