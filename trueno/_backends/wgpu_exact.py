"""What a device computes exactly, found by cases that are hard to round.

Vulkan asks little of division and square roots, and an fma may round twice. Helpers that do with
less (``wgsl/``: integer remainders, Dekker's products) hold everywhere; where a device passes,
shorter ones stand for them.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from trueno._backends.wgpu_device import Device
from trueno._backends.wgpu_routine import Array, Bound, Building
from trueno.kinds import FLOAT32, FLOAT64, Dtype
from trueno.memory import NDArray

CASES = 250  # of each operation
_NEEDS = {FLOAT32: set[str](), FLOAT64: {"shader-f64", "shader-int64"}}


def exactly(gpu: Device) -> frozenset[str]:
    """The operations ("fma_f32", "divide_f64", ...) that round once, and to nearest."""
    return frozenset(
        f"{name}_{t}"
        for dtype, t in ((FLOAT32, "f32"), (FLOAT64, "f64"))
        if gpu.features.issuperset(_NEEDS[dtype])
        for name in _passed(gpu, dtype, t)
    )


def _passed(gpu: Device, dtype: Dtype, t: str) -> list[str]:
    cases = _cases(dtype)
    a, b, c = (np.concatenate([case[k] for case in cases.values()]) for k in range(3))
    with np.errstate(all="ignore"):
        expected = {"divide": a / b, "sqrt": np.sqrt(a), "fma": a}
    expected["fma"] = np.concatenate([case[3] for case in cases.values()])
    results = _computed(gpu, t, np.concatenate([a, b, c])).reshape(3, -1)
    passed, start = [], 0
    for k, (name, case) in enumerate(cases.items()):
        part = slice(start, start + case[0].size)
        start = part.stop
        if _same(results[k][part], expected[name][part]):
            passed.append(name)
    return passed


def _same(actual: NDArray, expected: NDArray) -> bool:
    """Whether all are the same, bit for bit but for NaNs."""
    bits = f"u{expected.dtype.itemsize}"
    return bool(
        np.all((actual.view(bits) == expected.view(bits)) | (np.isnan(actual) & np.isnan(expected)))
    )


def _cases(dtype: Dtype) -> dict[str, tuple[NDArray, ...]]:
    """Operands of each operation, and the results of fma."""
    rng = np.random.default_rng(0)
    info = np.finfo(dtype)
    digits = info.nmant + 1

    def significands(count: int = CASES) -> NDArray:
        return rng.integers(1 << digits - 1, 1 << digits, count)

    def numbers(count: int = CASES) -> NDArray:
        scale = rng.integers(-20, 21, count) - digits
        signed = significands(count) * rng.choice([-1, 1], count)
        return np.ldexp(signed.astype(dtype), scale).astype(dtype)

    tiny, most = float(info.smallest_subnormal), float(info.max)
    odd = [0.0, 1.0, 3.0, 0.1, tiny, 3 * tiny, float(info.tiny), 1.5 * float(info.tiny), most]
    special = np.array([*odd, *(-x for x in odd), np.inf, -np.inf, np.nan], dtype)
    pairs = np.array(list(product(special, repeat=2)), dtype).T
    # Quotients and roots next to the middle between two numbers.
    middles = [Fraction(2 * int(m) + 1, 2) for m in significands()]
    b = significands()
    near = [m * int(n) for m, n in zip(middles, b, strict=True)]
    squares = [m * m for m in middles]
    any_a, any_b, scaled = numbers(), numbers(), _wide(rng, dtype)
    dividends = np.concatenate([pairs[0], any_a, _rounded(near, dtype), scaled[0]])
    divisors = np.concatenate([pairs[1], any_b, b.astype(dtype), scaled[1]])
    radicands = np.concatenate([special, np.abs(any_a), _rounded(squares, dtype), scaled[0]])
    products = [Fraction(float(x)) * Fraction(float(y)) for x, y in zip(any_a, any_b, strict=True)]
    addends = -_rounded(products, dtype)
    addends[::2] *= rng.choice([0.5, 1 + 2.0 ** (1 - digits), -3, 2.0**-digits], CASES // 2)
    sums = [p + Fraction(float(z)) for p, z in zip(products, addends, strict=True)]
    ones = np.ones(radicands.size, dtype)
    return {
        "divide": (dividends, divisors, dividends, dividends),
        "sqrt": (radicands, ones, ones, ones),
        "fma": (any_a, any_b, addends.astype(dtype), _rounded(sums, dtype)),
    }


def _wide(rng: np.random.Generator, dtype: Dtype) -> NDArray:
    """Two rows of numbers of all magnitudes, subnormal ones too."""
    found = np.frombuffer(rng.bytes(2 * CASES * dtype.itemsize), dtype).reshape(2, CASES)
    return np.where(np.isnan(found), 1, found).astype(dtype)


def _rounded(values: list[Fraction], dtype: Dtype) -> NDArray:
    """Each to the nearest number, ties to even; of a magnitude that is normal, or 0."""
    digits = np.finfo(dtype).nmant + 1
    found = np.empty(len(values), dtype)
    for i, x in enumerate(values):
        scale = x.numerator.bit_length() - x.denominator.bit_length() - digits
        if abs(x) >= Fraction(2) ** (scale + digits):
            scale += 1
        found[i] = np.ldexp(dtype.type(round(x / Fraction(2) ** scale)), scale)
    return found


def _computed(gpu: Device, t: str, operands: NDArray) -> NDArray:
    """Quotients, square roots and fmas of the operands, each a third of them."""
    count, dtype = operands.size // 3, operands.dtype
    building = Building(gpu.limits)
    source, target = (Array(n, 0, (3 * count,), (1,), dtype) for n in range(2))
    body = (
        f"let i = group * 256u + lane;\nif (i >= {count}u) {{ return; }}\n"
        f"let a = b0[i]; let b = b0[i + {count}u]; let c = b0[i + {2 * count}u];\n"
        f"b1[i] = a / b;\nb1[i + {count}u] = sqrt(a);\nb1[i + {2 * count}u] = fma(a, b, c);"
    )
    building.dispatch([Bound(source, t), Bound(target, t, True)], {}, [], body, -(-count // 256))
    (step,) = building.steps
    blocks = [gpu.allocate(operands.nbytes) for _ in range(2)]
    result: Any = np.empty_like(operands)
    try:
        gpu.write(blocks[0], operands.view(np.uint8))
        entries = [(block, 0, block.size) for block in blocks]
        gpu.record(gpu.pipeline(step), entries, step.writes, bytes(8), step.grid)
        gpu.read(blocks[1], result.view(np.uint8))
    finally:
        for block in blocks:
            gpu.release(block)
    return result
