"""Errors and floating-point conditions, caught by their classes."""

import warnings

import numpy as np


def attempt(name, f):
    try:
        print(name, "->", f())
    except (ValueError, TypeError, IndexError, ZeroDivisionError, AttributeError) as error:
        print(f"{name}: {type(error).__name__}: {error}")
    except ArithmeticError as error:
        print(f"{name}: arithmetic: {error}")


x = np.arange(6).reshape(2, 3)
attempt("reshape", lambda: x.reshape(4, 2))
attempt("broadcast", lambda: x + np.ones(4))
attempt("matmul", lambda: x @ x)
attempt("index", lambda: x[2])
attempt("axis", lambda: x.sum(axis=2))
attempt("concatenate", lambda: np.concatenate([x, np.ones((2, 2))]))
attempt("string", lambda: x + "a")
attempt("truth", lambda: bool(x))
attempt("convert", lambda: float(x))
attempt("parse", lambda: np.array(["a"]).astype(float))
attempt("attribute", lambda: np.float64(1).foo)
attempt("in place", lambda: x.__iadd__(0.5))
attempt("empty", lambda: np.array([]).max())
attempt("unpack", lambda: np.linspace(0, 1, -1))
attempt("keyword", lambda: np.sum(x, axes=1))
attempt("dtype", lambda: np.zeros(2, dtype="nonsense"))
attempt("stack", lambda: np.stack([]))
attempt("assign", lambda: x.__setitem__(0, [1, 2]))
attempt("ragged", lambda: np.array([[1, 2], [3]]))
with np.errstate(divide="raise"):
    try:
        np.ones(2) / 0
    except FloatingPointError as error:
        print("FloatingPointError:", error)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    y = np.log(np.array([0.0, -1.0, 1.0]))
    z = np.array([1.0]) / np.array([0.0])
    np.mean([])
print(y, z, [f"{w.category.__name__}: {w.message}" for w in caught])
with np.errstate(all="ignore"):
    print(np.array([1.0, 0.0]) / 0, np.sqrt(-1.0), np.int8(127) + np.int8(1))
print(np.geterr()["divide"])
try:
    np.testing.assert_allclose([1, 2.5], [1, 2])
except AssertionError as error:
    print(str(error).strip().splitlines()[0])
np.testing.assert_array_equal(x, x.copy())
