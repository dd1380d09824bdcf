"""Speed of the CPU engine's mathematical functions beside NumPy's, at each instruction set.

``python -m benchmarks.math_speed [NAME ...] [--isa ISA ...] [-o FILE]`` times the built extension's
own loops on tiles that stay in the first-level cache, one thread, and NumPy's ufunc on the same
values with its own kernels limited to the same instructions (``NPY_DISABLE_CPU_FEATURES``). A C
compiler makes the small program that calls a loop many times.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy._core import _multiarray_umath as umath

# What NumPy must do without, so that it has no more than the instruction set.
WITHOUT = {"sse2": ("X86_V3", "X86_V4"), "avx2": ("X86_V4",), "avx512": ()}
ABOVE_V4 = ("AVX512_SKX", "AVX512_CLX", "AVX512_CNL", "AVX512_ICL", "AVX512_SPR")
TILE = 1024
HEAD = """# Speed of the CPU engine's functions

Written by `python -m benchmarks.math_speed -o docs/function-speed.md`; do not edit.

Nanoseconds an element, one thread, in cache, on {machine}: our loop, then NumPy's {numpy}
ufunc limited to the same instructions, and in brackets how many times ours is as fast. NumPy's
lowest level is x86-64-v2. There, without fused multiply-add instructions, ours calls the C
library's `fma`, so that all instruction sets give the same bits.

"""
# Uniform values of these ranges: the usual arguments, no special cases.
RANGES: dict[str, tuple[tuple[float, float], ...]] = {
    "exp": ((-20, 20),), "exp2": ((-20, 20),), "expm1": ((-5, 5),),
    "log": ((0, 100),), "log2": ((0, 100),), "log10": ((0, 100),), "log1p": ((-0.9, 9),),
    "sin": ((-100, 100),), "cos": ((-100, 100),), "tan": ((-100, 100),),
    "asin": ((-1, 1),), "acos": ((-1, 1),), "atan": ((-8, 8),),
    "sinh": ((-10, 10),), "cosh": ((-10, 10),), "tanh": ((-5, 5),),
    "asinh": ((-8, 8),), "acosh": ((1, 9),), "atanh": ((-1, 1),), "cbrt": ((-8, 8),),
    "atan2": ((-8, 8), (-8, 8)), "pow": ((0, 8), (-10, 10)), "hypot": ((-8, 8), (-8, 8)),
    "logaddexp": ((-9, 9), (-9, 9)),
    "rsqrt": ((0, 8),), "erf": ((-3, 3),), "erfc": ((-3, 3),), "sigmoid": ((-9, 9),),
    "softplus": ((-9, 9),), "silu": ((-9, 9),), "mish": ((-9, 9),), "gelu": ((-5, 5),),
    "gelu_tanh": ((-5, 5),), "selu": ((-5, 5),), "hardsigmoid": ((-5, 5),),
    "hardswish": ((-5, 5),), "softsign": ((-5, 5),),
}  # fmt: skip
DRIVER = """
typedef void Loop(const void *, const void *, const void *, void *, long);
void repeat(Loop *f, const void *x, const void *y, void *out, long n, long times) {
    for (long i = 0; i < times; i++) f(x, y, x, out, n);
}
"""


def machine() -> str:
    """The processor's name, where Linux tells it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return os.uname().machine


def _best(call: Any, elements: int, rounds: int = 15) -> float:
    """The least time of ``call``, in nanoseconds an element."""
    best = math.inf
    for _ in range(rounds):
        start = time.perf_counter_ns()
        call()
        best = min(best, time.perf_counter_ns() - start)
    return best / elements


def _operands(name: str, size: int, dtype: Any) -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.uniform(*bounds, size).astype(dtype) for bounds in RANGES[name]]


def measure(names: list[str], driver: Path) -> dict[str, list[float | None]]:
    """By name: our float32 and float64, NumPy's float32 and float64, in this process."""
    from trueno._backends import simd_program
    from trueno.ops import OPS

    library = ctypes.CDLL(str(driver))
    pointer = ctypes.c_void_p
    library.repeat.argtypes = [*(pointer,) * 4, ctypes.c_long, ctypes.c_long]
    found: dict[str, list[float | None]] = {}
    for name in names:
        ours: list[float | None] = []
        numpys: list[float | None] = []
        for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
            x, *rest = _operands(name, TILE, dtype)
            y, out = rest[0] if rest else x, np.empty_like(x)
            loop = int(simd_program._ffi.cast("intptr_t", simd_program._loop(name, dtype)))
            given = (loop, x.ctypes.data, y.ctypes.data, out.ctypes.data, TILE, 100)
            ours.append(_best(lambda given=given: library.repeat(*given), TILE * 100))
            meaning = OPS[name].meaning
            if not isinstance(meaning, np.ufunc):
                numpys.append(None)
                continue
            operands = _operands(name, 16 * TILE, dtype)
            out = np.empty_like(operands[0])
            call = lambda f=meaning, a=operands, o=out: f(*a, out=o)  # noqa: E731
            numpys.append(_best(call, 16 * TILE, 40))
        found[name] = ours + numpys
    return found


def in_child(isa: str, names: list[str], driver: Path) -> dict[str, list[float | None]]:
    """``measure`` in a process limited to an instruction set."""
    known = umath.__cpu_dispatch__
    off = WITHOUT[isa] + (ABOVE_V4 if isa != "avx512" else ())
    features = [name for name in off if name in known]
    environment = {**os.environ, "TRUENO_ISA": isa, "NPY_DISABLE_CPU_FEATURES": " ".join(features)}
    command = [sys.executable, "-m", "benchmarks.math_speed", "--child", str(driver), *names]
    output = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout
    result: dict[str, list[float | None]] = json.loads(output)
    return result


def report(found: dict[str, dict[str, list[float | None]]]) -> str:
    """Two tables, float64 and float32: nanoseconds an element, ours and NumPy's, and the ratio."""
    text = ""
    for position, dtype in ((1, "float64"), (0, "float32")):
        titles = [dtype, *(f"{isa}, NumPy" for isa in found)]
        rows = [titles, ["---"] * len(titles)]
        ratios: dict[str, list[float]] = {isa: [] for isa in found}
        for name in next(iter(found.values())):
            row = [f"`{name}`"]
            for isa, times in found.items():
                ours, numpys = times[name][position], times[name][position + 2]
                cell = f"{ours:.2f}"
                if numpys:
                    ratios[isa].append(numpys / ours)
                    cell += f", {numpys:.2f} ({numpys / ours:.1f}x)"
                row.append(cell)
            rows.append(row)
        means = [f"{math.exp(np.mean(np.log(r))):.2f}x" if r else "" for r in ratios.values()]
        rows.append(["geometric mean", *means])
        text += "".join("| " + " | ".join(row) + " |\n" for row in rows) + "\n"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(RANGES), metavar="NAME")
    parser.add_argument("--isa", nargs="+", default=["sse2", "avx2", "avx512"])
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.names, options.child)))
        return
    with tempfile.TemporaryDirectory() as folder:
        source, driver = Path(folder, "driver.c"), Path(folder, "driver.so")
        source.write_text(DRIVER)
        command = [os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", str(source), "-o"]
        subprocess.run([*command, str(driver)], check=True)
        text = report({isa: in_child(isa, options.names, driver) for isa in options.isa})
    if options.output:
        options.output.write_text(
            HEAD.format(machine=machine(), numpy=np.__version__) + text.strip() + "\n"
        )
    print(text, end="")


if __name__ == "__main__":
    main()
