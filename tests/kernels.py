"""Launches of single kernels, their operands and what they are compared by, for several tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from trueno._backends import _simd
from trueno._backends.base import Backend
from trueno._backends.numpy import NumpyBackend
from trueno._backends.simd import SimdBackend
from trueno.kinds import ACCELERATED, BOOL, COMPLEXES, INT64, Dtype
from trueno.memory import Storage, View
from trueno.ops import ELEMENTWISE
from trueno.plan import Instruction, Kernel, Launch, Output

ROOT = Path(__file__).resolve().parent.parent
SIMD, NUMPY = SimdBackend(), NumpyBackend()
REALS = tuple(dtype for dtype in ACCELERATED if dtype not in COMPLEXES)
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)

# Results that may differ from NumPy's in the last bits; all others are compared exactly.
APPROXIMATE = {
    "pow", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin",
    "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "hypot", "cbrt",
    "erf", "erfc", "rsqrt",
}  # fmt: skip
# Functions whose meaning is a formula that rounds, and loses digits, at every step.
COMPOSED = {
    "elu", "selu", "sigmoid", "silu", "softplus", "mish", "gelu", "gelu_tanh", "hardsigmoid",
    "hardswish", "softsign", "logaddexp",
}  # fmt: skip
TOLERANCE = {"e": 2e-3, "f": 1e-6, "d": 8e-15}


def view(array: Any) -> View:
    return View(Storage(array), array)


def launch(
    backend: Backend, kernel: Kernel, inputs: Any, outputs: Any, axes: Any = (), consts: Any = ()
) -> list[int]:
    dims = max(a.ndim for a in (*inputs, *outputs))
    padded = [(1,) * (dims - a.ndim) + a.shape for a in (*inputs, *outputs)]
    shape = tuple(map(max, zip(*padded, strict=True)))
    masks: list[int] = []
    backend.launch(
        Launch(
            kernel,
            shape,
            tuple(axes),
            tuple(map(view, inputs)),
            tuple(consts),
            tuple(map(view, outputs)),
            masks.extend,
        )
    )
    return masks


def one_op(name: str, inputs: tuple[Dtype, ...], output: Dtype) -> Kernel:
    body = (Instruction(name, tuple(range(len(inputs))), output),)
    return Kernel(inputs, (), body, (Output(len(inputs), None, output),))


def reduction(name: str, dtype: Dtype) -> Kernel:
    output = {"all": BOOL, "any": BOOL, "argmax": INT64, "argmin": INT64}.get(name, dtype)
    return Kernel((dtype,), (), (), (Output(0, name, output),))


def values(dtype: Dtype, n: int, seed: int) -> Any:
    """Random elements, special ones among them, in an order that pairs them in many ways."""
    rng = np.random.default_rng(seed)
    if dtype == BOOL:
        return rng.integers(0, 2, n).astype(bool)
    if dtype.kind in "iu":
        integers = np.iinfo(dtype)
        least, most = integers.min, integers.max
        special = [least, most, 0, 1, 2, 3, most - 1, least + 1]
        special += [-1, -2] if dtype.kind == "i" else []
        small = rng.integers(max(least, -20), 20, n).astype(dtype)
        chosen = np.where(rng.random(n) < 0.5, small, rng.choice(np.array(special, dtype), n))
        wide: Any = rng.integers(least, most, n, dtype=dtype, endpoint=True)
        return np.where(rng.random(n) < 0.3, wide, chosen)
    if dtype.kind == "c":
        real = np.empty(0, dtype).real.dtype
        pairs = np.stack([values(real, n, seed), values(real, n, seed + 1)], axis=-1)
        return pairs.view(dtype)[..., 0]
    info = np.finfo(dtype)
    points: list[Any] = [
        0.0,
        -0.0,
        1,
        -1,
        0.5,
        2.5,
        -2.5,
        np.inf,
        -np.inf,
        np.nan,
        info.max,
        -info.max,
    ]
    points += [info.tiny, info.smallest_subnormal, -info.smallest_subnormal, 3.5, 1e4, -1e4]
    scaled = rng.standard_normal(n) * rng.choice([0.01, 1.0, 30.0], n)
    with np.errstate(all="ignore"):
        special_values = rng.choice(np.array(points, np.float64), n)
        return np.where(rng.random(n) < 0.3, special_values, scaled).astype(dtype)


def same(actual: Any, expected: Any, name: str) -> None:
    if name not in APPROXIMATE | COMPOSED or actual.dtype.kind != "f":
        np.testing.assert_array_equal(actual, expected, strict=True)
        zero = (expected == 0) & (actual == 0) if actual.dtype.kind == "f" else False
        np.testing.assert_array_equal(np.signbit(actual[zero]), np.signbit(expected[zero]))
        return
    tolerance = TOLERANCE[actual.dtype.char]
    tiny = float(np.finfo(actual.dtype).tiny)
    if name in COMPOSED:
        tiny = tolerance
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tiny, strict=True)


def typed_ops() -> list[tuple[str, tuple[Dtype, ...], Dtype]]:
    """Every elementwise operation in every dtype for which NumPy has a loop that keeps it."""
    found: list[tuple[str, tuple[Dtype, ...], Dtype]] = []
    for name, op in ELEMENTWISE.items():
        for dtype in REALS:
            if name == "where":
                found.append((name, (BOOL, dtype, dtype), dtype))
            elif name == "cast":
                found += [(name, (dtype,), to) for to in REALS]
            else:
                try:
                    *operands, result = op.resolve((dtype,) * op.nin)
                except TypeError:
                    continue
                if operands == [dtype] * op.nin:
                    found.append((name, tuple(operands), result))
    return found


TYPED = typed_ops()


def identifier(case: tuple[str, tuple[Dtype, ...], Dtype]) -> str:
    return f"{case[0]}-{'-'.join(d.name for d in case[1])}-{case[2].name}"


@st.composite
def strided(draw: Any, shape: tuple[int, ...], dtype: Dtype, output: bool = False) -> Any:
    """An array of this shape (or, for an input, broadcast to it) with any strides."""
    order = draw(st.permutations(range(len(shape))))
    steps = [draw(st.sampled_from([1, 1, 2, -1, -3])) for _ in shape]
    single = [not output and draw(st.integers(0, 4)) == 0 for _ in shape]
    extents = [1 if one else n for one, n in zip(single, shape, strict=True)]
    full = [abs(step) * n for step, n in zip(steps, extents, strict=True)]
    offset = draw(st.sampled_from([0, 0, 1]))  # bytes: an array need not be aligned
    count = int(np.prod(full))
    memory = np.zeros(count * dtype.itemsize + offset, np.uint8)[offset:].view(dtype)
    memory[...] = values(dtype, count, draw(st.integers(0, 1000)))
    array = memory.reshape([full[axis] for axis in order]).transpose(np.argsort(order))
    reach: Any = (..., *(slice(None, None, step) for step in steps))
    part: Any = (..., *(slice(0, n) for n in extents))
    return array[reach][part]


shapes = st.one_of(
    st.lists(st.integers(1, 7), max_size=5).map(tuple),
    st.tuples(st.integers(1, 3), st.integers(1, 1500)),
    st.tuples(st.integers(1, 1500), st.integers(1, 3)),
    st.tuples(st.integers(1, 40), st.integers(1, 3), st.integers(1, 90)),
)


DIGEST = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
np.seterr(all="ignore")
t = importlib.import_module(sys.argv[2])
print(t.SIMD.isa, t.digest())
"""


def digests(module: str) -> dict[str, list[str]]:
    """What ``digest()`` of a test module gives on every instruction set."""
    names: list[str] = []
    while (name := _simd.lib.trueno_isa(len(names))) != _simd.ffi.NULL:
        names.append(_simd.ffi.string(name).decode())
    running = {}
    for name in names:
        environment = {**os.environ, "TRUENO_ISA": name, "TRUENO_NUM_THREADS": "2"}
        command = [sys.executable, "-c", DIGEST, str(ROOT), module]
        running[name] = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout.split()
    assert {isa for isa, _ in running.values()} <= set(names)
    return running
