"""Classes that derive from np.ndarray, and objects with NumPy's protocols."""

import numpy as np


class Quantity(np.ndarray):
    """An array with a unit."""

    def __new__(cls, values, unit="m"):
        self = np.asarray(values, dtype=float).view(cls)
        self.unit = unit
        return self

    def __array_finalize__(self, obj):
        if obj is not None:
            self.unit = getattr(obj, "unit", None)

    def __str__(self):
        return f"{np.asarray(self)} {self.unit}"


q = Quantity([1, 2, 3], "km")
print(q, type(q).__name__, isinstance(q, np.ndarray), q.unit)
print(q[1:], q[1:].unit, q * 2, (q + np.arange(3)).unit, type(np.arange(3) + q).__name__)
print(q.sum(), type(np.sqrt(q)).__name__, np.concatenate([q, q]).shape)


class Logged(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        print("ufunc", ufunc.__name__, method)
        plain = [np.asarray(x) if isinstance(x, Logged) else x for x in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)


logged = np.arange(3.0).view(Logged)
print(logged + 1)
print(np.ones(3) * logged)


class Diagonal:
    """Not an array, but converts to one."""

    def __init__(self, n, value):
        self.n, self.value = n, value

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.value * np.eye(self.n), dtype=dtype)

    def __array_function__(self, func, types, args, kwargs):
        return f"{func.__name__} of a Diagonal"


d = Diagonal(2, 5)
print(np.array(d), np.sum(d))


class Vector:
    __array_priority__ = 20

    def __init__(self, x):
        self.x = np.array(x)

    def __radd__(self, other):
        return "radd"

    __array_ufunc__ = None


print(np.arange(2) + Vector([1, 2]), np.arange(3).view(np.ndarray).shape)
