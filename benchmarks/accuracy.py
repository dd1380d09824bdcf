"""Accuracy of every function of csrc/math_f32.h and csrc/math_f64.h.

``python -m benchmarks.accuracy [--stride N] [--samples N] [-o FILE]`` compiles
csrc/tests/accuracy.c with the system's C compiler (glibc's binary128 functions are the reference)
and writes docs/accuracy.md: the largest error over all 2^32 float32 inputs of each unary function,
and the largest found in float64. ``--stride 64`` looks at every 64th block.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from numpy._core._multiarray_umath import __cpu_features__ as cpu

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fwrapv"]
TARGETS = {
    "AVX-512": ["-march=x86-64-v4", "-mprefer-vector-width=512"],
    "AVX2": ["-march=x86-64-v3"],
    "base": [],
}
HEAD = """# Accuracy of the CPU engine's functions

Written by `python -m benchmarks.accuracy`; do not edit.

An ULP is the spacing of the dtype's numbers at the exact result; 0.5 is correct rounding. float32:
all 2^32 inputs of a unary function{stride}, {samples} pairs of a binary one, against the float64
function. float64: {samples} samples, half of them over all bit patterns, against binary128
functions; `tests/test_accuracy.py` adds mpmath at roots, poles and reduction boundaries. All
instruction sets give the same bits. Times: [function speed](function-speed.md).

"""
NOTES = """
- `logaddexp`: where max(x, y) and log1p(exp(-|x - y|)) cancel, the error is about 1 ULP of the
  larger operand in float64 and 2^-28 of it in float32, as with NumPy.
- `sin`, `cos`, `tan` are reduced exactly for every finite argument.
- Complex `exp`, `sqrt` and `abs`: at most 2 ULP a component (`tests/test_complex.py`, mpmath).
  Complex products, quotients and reciprocals have NumPy's formulas, and its bits on processors with
  fused multiply-add.
- Errors of subnormal results are counted in spacings of the subnormal numbers.
"""


def build(folder: Path, name: str) -> Path:
    """The program for one instruction set."""
    program = folder / name
    source = ROOT / "csrc" / "tests" / "accuracy.c"
    command = [os.environ.get("CC", "cc"), *FLAGS, *TARGETS[name], f"-I{ROOT / 'csrc'}"]
    subprocess.run([*command, str(source), "-o", str(program), "-lm", "-lpthread"], check=True)
    return program


def ask(program: Path, *arguments: str) -> list[str]:
    """The words that the program prints, without the function's name."""
    output = subprocess.run([program, *arguments], check=True, capture_output=True, text=True)
    return output.stdout.split()[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stride", type=int, default=1, help="of blocks of 1024 float32 inputs")
    parser.add_argument("--samples", type=int, default=1 << 22)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs" / "accuracy.md")
    options = parser.parse_args()
    runnable = {"AVX-512": cpu.get("AVX512_SKX"), "AVX2": cpu.get("AVX2") and cpu.get("FMA3")}
    target = next((name for name in TARGETS if runnable.get(name)), "base")
    titles = ["function", "float32 ULP", "at", "float64 ULP", "at"]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder), target)
        listing = subprocess.run([program, "names"], check=True, capture_output=True, text=True)
        for line in listing.stdout.splitlines():
            name, operands = line.split()
            stride = options.stride if operands == "1" else max((1 << 32) // options.samples, 1)
            single = ask(program, "f32", name, str(stride))
            double = ask(program, "f64", name, str(options.samples))
            cells = [f"`{name}`"]
            for ulp, *where in (single, double):
                cells += [f"{float(ulp):.3f}", ", ".join(f"`{x}`" for x in where)]
            rows.append(cells)
            print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    stride_words = "" if options.stride == 1 else f" (every {options.stride}th block)"
    text = HEAD.format(stride=stride_words, samples=f"{options.samples:,}")
    table = [titles, ["---"] * len(titles), *rows]
    text += "".join("| " + " | ".join(row) + " |\n" for row in table) + NOTES
    options.output.write_text(text)


if __name__ == "__main__":
    main()
