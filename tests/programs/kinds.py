"""Checks of type, as programs make them."""

import numbers
from collections.abc import Iterable, Sequence
from functools import singledispatch

import numpy as np

x = np.arange(6.0).reshape(2, 3)
print(isinstance(x, np.ndarray), isinstance(x[0], np.ndarray), isinstance(x[0, 0], np.ndarray))
print(isinstance(x[0, 0], float), isinstance(x[0, 0], np.floating), isinstance(x[0, 0], np.float64))
print(isinstance(np.arange(3)[0], np.integer), isinstance(np.arange(3)[0], numbers.Integral))
print(
    isinstance(x.sum(), np.generic),
    isinstance(x > 1, np.ndarray),
    isinstance((x > 1).any(), np.bool_),
)
print(np.isscalar(x[0, 0]), np.isscalar(x), np.iterable(x), isinstance(x, Iterable))
print(isinstance(x, Sequence), isinstance(x, (list, np.ndarray)), isinstance([1], np.ndarray))
print(
    type(x[0, 0]), type(x.mean()), type(np.sum(x)), type(np.arange(3).max()), type(x.tolist()[0][0])
)
print(isinstance(np.add, np.ufunc), callable(np.sum), np.add.nin, np.add.identity, np.sin.__name__)
print(issubclass(np.float32, np.floating), np.issubdtype(x.dtype, np.number), x.dtype.kind)
print(isinstance(x.dtype, np.dtype), x.dtype == float, x.dtype == "float64", np.dtype(int).itemsize)
print(
    np.float64 is type(x[0, 0]),
    np.result_type(np.int8, np.float32),
    np.can_cast(np.int64, np.int32),
)
print(
    hasattr(x, "__array__"),
    hasattr(x, "shape"),
    hasattr(x[0, 0], "dtype"),
    x[0].__class__ is x.__class__,
)


@singledispatch
def describe(value):
    return "something"


@describe.register(np.ndarray)
def _(value):
    return f"array of {value.shape}"


@describe.register(np.integer)
def _(value):
    return "integer"


print(describe(x), describe(np.int64(3)), describe("text"), describe(x[0]))
match x:
    case np.ndarray(shape=(2, columns)):
        print("two rows of", columns)
print(np.shape(3), np.ndim([[1]]), np.asarray(x) is x, np.asanyarray(x) is x, np.array(x) is x)
print(x is not None and x.size > 0, np.iscomplexobj(x), np.isrealobj(x), np.finfo(float).eps)
print(
    np.iinfo(np.int16).max, np.ones(2, bool).dtype, np.array([1, 2.5]).dtype, np.array(["a"]).dtype
)
print(
    np.__name__, np.linalg.__name__, np.random.__name__, "sqrt" in dir(np), hasattr(np, "nonsense")
)
try:
    np.nonsense
except AttributeError as error:
    print(error)
