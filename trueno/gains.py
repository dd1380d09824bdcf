"""From how many elements each operation pays, compared with a cheap one: measured, not guessed.

A row holds, by dtype character, with how many times fewer elements than ``BASE`` a call alone,
observed at once, takes no longer than NumPy's: about 1 for additions of float64, hundreds for what
NumPy computes slowly; 0 where NumPy is much faster at any size, so that such a call is deferred
only where it joins others. Operations and dtypes without a figure have 1.

Printed by ``python benchmarks/gains.py`` on two cores of a Zen 4 with AVX-512, NumPy 2.4.6; zeros
were added where ``benchmarks/sweep.py`` found losses.
"""

from __future__ import annotations

# Elements from which additions of float64 pay: two threads work at the memory's speed there, and
# one core's caches no longer hold NumPy's operands.
BASE = 1 << 20

# fmt: off
GAINS: dict[str, dict[str, int]] = {
    "add": {"e": 256, "d": 2, "F": 2},
    "subtract": {"l": 4, "e": 256, "d": 2, "D": 4},
    "multiply": {"l": 2, "e": 256, "d": 2, "F": 2, "D": 4},
    "divide": {"b": 4, "i": 4, "l": 8, "e": 256, "d": 2, "F": 64, "D": 32},
    "floor_divide": {"?": 64, "b": 64, "i": 64, "l": 32, "e": 512, "f": 512, "d": 512},
    "remainder": {"?": 64, "b": 64, "i": 64, "l": 32, "e": 512, "f": 512, "d": 512},
    "fmod": {"?": 64, "b": 64, "i": 64, "l": 64, "e": 512, "f": 256, "d": 256},
    "pow": {"e": 256, "f": 0, "d": 16},
    "negative": {"l": 2, "e": 8, "d": 2, "F": 128, "D": 64},
    "positive": {"l": 0, "e": 2, "f": 8, "d": 8, "F": 32, "D": 32},
    "abs": {"l": 2, "d": 0, "D": 8},
    "sign": {"l": 2, "e": 64, "f": 16, "d": 16, "F": 64, "D": 8},
    "square": {"l": 2, "e": 256, "d": 2, "F": 2, "D": 4},
    "reciprocal": {"?": 8, "b": 16, "i": 4, "l": 64, "e": 128, "f": 4, "d": 16, "F": 64, "D": 32},
    "sqrt": {"?": 256, "b": 256, "i": 32, "l": 32, "e": 256, "f": 8, "d": 16, "F": 1024, "D": 64},
    "cbrt": {"?": 64, "b": 32, "i": 16, "l": 16, "e": 0, "f": 0, "d": 0},
    "exp": {"?": 128, "b": 64, "i": 8, "l": 16, "e": 0, "f": 8, "d": 8, "F": 1024, "D": 256},
    "exp2": {"?": 128, "b": 64, "i": 8, "l": 8, "e": 0, "f": 0, "d": 0},
    "expm1": {"?": 64, "b": 64, "i": 8, "l": 8, "e": 0, "f": 0, "d": 8},
    "log": {"?": 128, "b": 128, "i": 8, "l": 8, "e": 0, "f": 4, "d": 8},
    "log2": {"?": 128, "b": 64, "i": 2, "l": 8, "e": 0, "f": 0},
    "log10": {"?": 128, "b": 64, "l": 4, "e": 0, "f": 0},
    "log1p": {"?": 64, "b": 64, "i": 4, "l": 8, "e": 0, "f": 0},
    "logaddexp": {"?": 512, "b": 512, "i": 256, "l": 256, "e": 1024, "f": 512, "d": 512},
    "sin": {"?": 64, "b": 64, "i": 256, "l": 256, "f": 4, "d": 256},
    "cos": {"?": 64, "b": 64, "i": 256, "l": 256, "f": 4, "d": 256},
    "tan": {"?": 64, "b": 64, "l": 16, "e": 0, "d": 0},
    "asin": {"?": 64, "b": 256, "i": 256, "l": 256, "e": 0, "d": 8},
    "acos": {"?": 64, "b": 256, "i": 256, "l": 256, "e": 0, "d": 8},
    "atan": {"?": 64, "b": 64, "i": 8, "l": 8, "d": 8},
    "atan2": {"?": 512, "b": 512, "i": 16, "l": 0, "e": 512, "d": 16},
    "sinh": {"?": 64, "b": 64, "i": 2, "l": 4, "e": 0, "f": 0, "d": 0},
    "cosh": {"?": 64, "b": 64, "i": 4, "l": 8, "e": 0, "f": 0, "d": 0},
    "tanh": {"?": 64, "b": 64, "i": 16, "l": 16, "d": 16},
    "asinh": {"?": 64, "b": 64, "i": 16, "l": 4, "e": 0, "f": 0, "d": 8},
    "acosh": {"?": 128, "b": 64, "i": 16, "l": 32, "e": 0, "f": 0, "d": 16},
    "atanh": {"?": 256, "b": 256, "i": 256, "l": 256, "e": 0, "f": 0, "d": 16},
    "hypot": {"?": 512, "b": 512, "i": 256, "l": 256, "e": 256, "f": 128, "d": 256},
    "floor": {"l": 2, "e": 256, "d": 2},
    "ceil": {"l": 2, "e": 256, "d": 2},
    "trunc": {"l": 2, "e": 256, "d": 2},
    "round": {"?": 256, "b": 256, "i": 4, "l": 8, "e": 256, "F": 64, "D": 64},
    "copysign": {"?": 256, "b": 256, "i": 16, "l": 16, "e": 64, "f": 16, "d": 8},
    "nextafter": {"?": 256, "b": 128, "i": 128, "l": 128, "e": 64, "f": 128, "d": 128},
    "maximum": {"l": 2, "e": 128, "d": 2, "F": 4, "D": 8},
    "minimum": {"l": 2, "e": 128, "d": 2, "F": 4, "D": 8},
    "fmax": {"l": 2, "e": 128, "d": 2, "F": 4, "D": 8},
    "fmin": {"l": 2, "e": 128, "d": 2, "F": 4, "D": 8},
    "clip": {"b": 32, "i": 16, "l": 16, "e": 128, "f": 0, "d": 0},
    "conj": {"l": 0, "e": 2, "f": 8, "d": 4, "F": 2, "D": 4},
    "equal": {"l": 2, "e": 64, "F": 32, "D": 32},
    "not_equal": {"e": 64, "F": 32, "D": 32},
    "less": {"l": 2, "e": 64, "d": 2, "F": 32, "D": 32},
    "less_equal": {"l": 2, "e": 64, "F": 32, "D": 16},
    "greater": {"l": 2, "e": 64, "d": 2, "F": 32, "D": 16},
    "greater_equal": {"e": 64, "d": 2, "F": 32, "D": 16},
    "isnan": {"?": 0, "b": 0, "i": 0, "l": 0, "e": 64, "F": 8, "D": 4},
    "isinf": {"?": 0, "b": 0, "i": 0, "l": 0, "e": 64, "F": 32, "D": 16},
    "isfinite": {"?": 0, "b": 0, "i": 0, "l": 0, "e": 64, "F": 8, "D": 16},
    "signbit": {"?": 128, "b": 128, "l": 0, "e": 64},
    "logical_and": {"i": 2, "l": 2, "e": 128, "f": 32, "d": 32, "F": 128, "D": 64},
    "logical_or": {"l": 2, "e": 64, "f": 32, "d": 32, "F": 64, "D": 64},
    "logical_xor": {"i": 2, "e": 64, "f": 32, "d": 32, "F": 64, "D": 64},
    "logical_not": {"l": 2, "e": 32, "f": 32, "d": 8, "F": 32, "D": 16},
    "bitwise_and": {"l": 2},
    "bitwise_or": {"l": 2},
    "bitwise_xor": {"l": 2},
    "bitwise_invert": {"l": 2},
    "bitwise_left_shift": {"i": 2, "l": 2},
    "bitwise_right_shift": {"i": 2, "l": 2},
    "erf": {"?": 8, "b": 16, "i": 256, "l": 32, "e": 16, "f": 8, "d": 16, "F": 128, "D": 64},
    "erfc": {"?": 256, "b": 256, "i": 256, "l": 32, "e": 16, "f": 128, "d": 256, "F": 128, "D": 32},
    "where": {"?": 32, "b": 32, "i": 32, "l": 32, "e": 32, "f": 32, "d": 16, "F": 4, "D": 8},
    "sum": {"?": 8, "b": 8, "i": 8, "e": 64, "f": 4, "d": 2, "F": 2},
    "prod": {"?": 16, "b": 16, "i": 16, "l": 4, "e": 128, "f": 16, "d": 32, "F": 256, "D": 128},
    "max": {"?": 0, "b": 0, "e": 64},
    "min": {"?": 0, "b": 0, "i": 0, "e": 64},
    "all": {"?": 0, "b": 0, "e": 64, "F": 2, "D": 2},
    "any": {"?": 0, "i": 4, "l": 4, "e": 64, "f": 4, "d": 8, "F": 8, "D": 16},
    "argmax": {"?": 0, "b": 0, "i": 0, "e": 64, "f": 0},
    "argmin": {"?": 0, "b": 0, "i": 0, "e": 64, "f": 0, "d": 0},
}
# fmt: on

# A dtype stands for others of its size and kind.
for _row in GAINS.values():
    for _char, _alike in (("b", "BhH"), ("i", "I"), ("l", "LqQ")):
        _row.update(dict.fromkeys(_alike, _row.get(_char, 1)))
