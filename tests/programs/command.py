"""A command line."""

import argparse
import sys

import numpy as np


def main(argv=None):
    parser = argparse.ArgumentParser(prog="command", description="Statistics of random numbers.")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=["normal", "uniform"], default="normal")
    parser.add_argument("-v", "--verbose", action="store_true")
    args = parser.parse_args(argv)
    rng = np.random.default_rng(args.seed)
    draw = getattr(rng, args.kind)
    values = draw(size=args.count)
    print(f"{args.kind} {values.mean():.5f} {values.std(ddof=1):.5f} {np.median(values):.5f}")
    if args.verbose:
        counts, edges = np.histogram(values, bins=5)
        for count, low, high in zip(counts, edges[:-1], edges[1:]):
            print(f"[{low:8.4f}, {high:8.4f}) {count:5d}")
        print(np.percentile(values, [5, 50, 95]).round(4), np.quantile(values, 0.25).round(4))
    return 3 if args.count > 100 else 0


if __name__ == "__main__":
    print(len(sys.argv), sys.argv[1:], __file__.endswith("command.py"), __name__, __spec__)
    print(sys.path[0].endswith("programs"), sys.modules["__main__"].main is main)
    sys.exit(main())
