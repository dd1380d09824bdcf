"""What this machine can do, in figures: what ``trueno.explain`` predicts with.

The defaults were measured by ``python -m trueno calibrate`` on two cores of a Zen 4 with AVX-512.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trueno.dtypes import Dtype


@dataclass(frozen=True, slots=True)
class Machine:
    """Figures of a machine.

    identity:  what they hold for: processor, instruction set, threads, versions
    bandwidth: (bytes of all operands, GB/s read and written by all threads), ascending in bytes
    costs:     nanoseconds an element on one thread in cache, by operation and itemsize ("exp8")
    launch:    microseconds that deferring and launching one kernel takes at least
    products:  GFLOP/s of matrix products on all threads, by dtype character
    threshold: elements from which a cheap operation alone pays, where that was measured
    """

    identity: tuple[str, ...] = ()
    bandwidth: tuple[tuple[int, float], ...] = (
        (1 << 17, 90.0), (1 << 20, 110.0), (1 << 23, 80.0), (1 << 27, 36.0),
    )  # fmt: skip
    costs: dict[str, float] = field(default_factory=dict)
    launch: float = 15.0
    products: dict[str, float] = field(default_factory=lambda: {"f": 190.0, "d": 95.0})
    threshold: int | None = None

    def rate(self, nbytes: int) -> float:
        """GB/s for operands of so many bytes together."""
        for most, rate in self.bandwidth:
            if nbytes <= most:
                return rate
        return self.bandwidth[-1][1]

    def cost(self, op: str, dtype: Dtype) -> float:
        """Nanoseconds an element of an operation that computes in ``dtype``, on one thread."""
        known = self.costs.get(f"{op}{dtype.itemsize}")
        return _COSTS.get(op, _SIMPLE) * dtype.itemsize / 8 if known is None else known


# Nanoseconds an element of float64, in cache: docs/function-speed.md; simple steps last.
_COSTS = {
    "exp": 0.63, "exp2": 0.49, "expm1": 1.12, "log": 0.85, "log2": 0.87, "log10": 0.90,
    "log1p": 1.24, "sin": 1.06, "cos": 1.03, "tan": 1.61, "asin": 1.48, "acos": 1.60,
    "atan": 1.43, "sinh": 1.61, "cosh": 1.00, "tanh": 1.23, "asinh": 1.96, "acosh": 1.65,
    "atanh": 1.64, "cbrt": 1.42, "atan2": 1.79, "pow": 2.41, "hypot": 0.70, "logaddexp": 2.31,
    "rsqrt": 0.85, "erf": 1.93, "erfc": 2.96, "sigmoid": 1.85, "softplus": 1.97, "gelu": 2.2,
    "gelu_tanh": 1.6, "mish": 3.5, "silu": 1.9, "divide": 0.4, "sqrt": 0.6, "remainder": 3.0,
    "floor_divide": 3.0, "fmod": 3.0,
}  # fmt: skip
_SIMPLE = 0.12


DEFAULT = Machine()


def current() -> Machine:
    """The figures to predict with."""
    return DEFAULT
