"""``python -m conformance array-api [--suite PATH] [--backend numpy|simd|wgpu|all] ...``"""

from __future__ import annotations

import argparse
import sys

from conformance import array_api


def main(argv: list[str]) -> int:
    """Runs the suite that the command line names; 0 if it passes on every backend asked for."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    suites = parser.add_subparsers(dest="suite_name", required=True)
    array_api.add_arguments(suites.add_parser("array-api", help=array_api.__doc__))
    at = argv.index("--") if "--" in argv else len(argv)  # what follows is pytest's
    return array_api.run(parser.parse_args(argv[:at]), argv[at + 1 :])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
