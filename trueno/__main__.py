"""The command line: ``python -m trueno COMMAND``."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from pathlib import Path

from trueno.config import BACKENDS, SETTINGS, config

# What the demo needs beyond Trueno's own dependencies: import names to distribution names.
DEMO_NEEDS = {"sklearn": "scikit-learn", "matplotlib": "matplotlib", "PIL": "pillow"}


def _demo(args: argparse.Namespace) -> int:
    missing = [name for module, name in DEMO_NEEDS.items() if not importlib.util.find_spec(module)]
    if missing:
        print(
            f"trueno demo: {', '.join(missing)} not installed; "
            "in a checkout of Trueno, run make demo, or pip install '.[demo]'",
            file=sys.stderr,
        )
        return 1
    demo = importlib.import_module("trueno.demo")
    with config(backend=args.backend or SETTINGS.get().backend):
        try:
            status: int = demo.main(
                args.out, args.repeats, args.quick, args.examples or demo.EXAMPLES
            )
        except FileNotFoundError as error:
            print(f"trueno demo: {error}", file=sys.stderr)
            return 1
        return status


def _bench(args: argparse.Namespace) -> int:
    bench = importlib.import_module("trueno.bench")
    unknown = [group for group in args.groups if group not in bench.GROUPS]
    if unknown:
        print(f"trueno bench: GROUP is one of {', '.join(bench.GROUPS)}", file=sys.stderr)
        return 2
    rounds = args.rounds or (3 if args.short else 9)
    options = bench.Options(rounds, args.only, args.short, args.record, args.plot, args.compare)
    status: int = bench.main(args.groups, options)
    return status


def _info(args: argparse.Namespace) -> int:
    status: int = importlib.import_module("trueno.information").main(args.json)
    return status


def _calibrate(args: argparse.Namespace) -> int:
    status: int = importlib.import_module("trueno.calibration").main(args.force)
    return status


def _run(args: argparse.Namespace) -> int:
    running = importlib.import_module("trueno.running")
    if args.report:
        importlib.import_module("trueno.reporting").begin()
    if args.accelerate_libraries:
        importlib.import_module("trueno.acceleration").accelerate_numpy()
    program = running.Program(args.program, args.is_module, tuple(args.arguments))
    only = tuple([name for name in args.only.split(",") if name])
    running.run(program, args.backend or SETTINGS.get().backend, only)
    return 0


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trueno", description="Trueno: NumPy code, faster, unchanged."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    demo = commands.add_parser(
        "demo", help="run NumPy programs on real data, on NumPy and on Trueno, and compare"
    )
    demo.add_argument(
        "--out", type=Path, default=Path("demo-out"), help="folder for pictures (demo-out)"
    )
    demo.add_argument("--repeats", type=_positive, default=5, help="timed repeats (5)")
    demo.add_argument("--quick", action="store_true", help="small inputs")
    demo.add_argument(
        "--backend", choices=BACKENDS, help="pin the backend (TRUENO_BACKEND, or auto)"
    )
    demo.add_argument("--examples", type=Path, help="folder of the programs (the checkout's)")
    demo.set_defaults(run=_demo)

    bench = commands.add_parser("bench", help="measure ratios to NumPy, group by group")
    bench.add_argument(
        "groups",
        nargs="+",
        metavar="GROUP",
        help="programs: whole ones; cpu, gpu: expressions; small: single calls on few elements",
    )
    bench.add_argument("--rounds", type=_positive, help="timed rounds (9; 3 if --short)")
    bench.add_argument("--short", action="store_true", help="leave large sizes out")
    bench.add_argument("--only", default="", metavar="TEXT", help="benchmarks named so")
    bench.add_argument("--record", type=Path, metavar="FILE", help="keep the figures, as JSON")
    bench.add_argument("--plot", type=Path, metavar="FOLDER", help="draw them, as PNG")
    bench.add_argument(
        "--compare", type=Path, metavar="FILE", help="say what is slower than in such a record"
    )
    bench.set_defaults(run=_bench)

    info = commands.add_parser("info", help="say what Trueno finds on this machine")
    info.add_argument("--json", action="store_true", help="as JSON")
    info.set_defaults(run=_info)

    calibrate = commands.add_parser(
        "calibrate", help="measure this machine, once, for thresholds and predictions"
    )
    calibrate.add_argument("--force", action="store_true", help="measure again")
    calibrate.set_defaults(run=_calibrate)

    run = commands.add_parser(
        "run",
        help="run an unmodified NumPy program on Trueno",
        usage="%(prog)s [--report] [--backend B] [--only PKG,...] [--accelerate-libraries] "
        "(-m MODULE | SCRIPT) [ARG ...]",
    )
    run.add_argument("--report", action="store_true", help="say at the end where time went")
    run.add_argument(
        "--backend", choices=BACKENDS, help="pin the backend (TRUENO_BACKEND, or auto)"
    )
    run.add_argument(
        "--only", default="", metavar="PKG,...", help="the packages, and no others, that use Trueno"
    )
    run.add_argument(
        "--accelerate-libraries",
        action="store_true",
        help="NumPy's own ufuncs use Trueno's threads and kernels too: trueno.accelerate_numpy",
    )
    run.add_argument("-m", dest="is_module", action="store_true", help="PROGRAM is a module")
    run.add_argument("program", metavar="PROGRAM", help="a script, or with -m a module")
    run.set_defaults(run=_run)
    return parser


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The arguments of ``run`` itself, its program among them, and those of the program."""
    at = 1
    while at < len(arguments) and arguments[at].startswith("-") and arguments[at] != "-":
        at += 2 if arguments[at] in ("--backend", "--only") else 1
    return arguments[: at + 1], arguments[at + 1 :]


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; returns its exit status. An unknown command exits with 2."""
    given = sys.argv[1:] if arguments is None else arguments
    rest: list[str] = []
    if given[:1] == ["run"]:
        given, rest = _split(given)
    args = _parser().parse_args(given)
    args.arguments = rest
    status: int = args.run(args)
    return status


if __name__ == "__main__":
    sys.exit(main())
