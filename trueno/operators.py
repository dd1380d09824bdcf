"""Python's operators for TruenoArray, made from the operation table.

On small operands they are C (``csrc/python/``); these are for all others.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from trueno import writes
from trueno.dispatch import elementwise
from trueno.handles import Handle
from trueno.handover import SCALARS, call_numpy, small_below
from trueno.indexing import setitem
from trueno.ops import OPS, Op
from trueno.products import SMALL_PRODUCTS, array_of, matmul

_ndarray = np.ndarray
_matmul_of_others: Any = np.matmul

# What NumPy makes an array of, when it is an operand.
# Attributes of objects that answer operators with arrays themselves.
_ARRAY_LIKE = ("__array_ufunc__", "__array_priority__", "__array_namespace__", "__array__")
# Python's operator for each operation that has one: NumPy's own for operands of any kind.
_PYTHON: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "pow": operator.pow,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "bitwise_left_shift": operator.lshift,
    "bitwise_right_shift": operator.rshift,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
}
# Operators whose results of floating-point numbers have their dtype, and which cost little more
# than the memory that they write to.
_ARITHMETIC = ("add", "subtract", "multiply", "divide")
_UNARY = ("negative", "positive", "abs", "bitwise_invert")


def takes(other: Any) -> bool:
    """Whether an operator takes ``other``; others get their own reflected operator's chance.

    Left are strings, subclasses of ndarray, what declines ufuncs or has a priority of its own.
    """
    kind = type(other)
    if isinstance(other, (Handle, np.generic)) or kind in SCALARS or kind is _ndarray:
        return True
    if isinstance(other, (str, bytes, _ndarray)):
        return False
    if hasattr(kind, "__array_ufunc__"):
        return kind.__array_ufunc__ is not None
    return not getattr(kind, "__array_priority__", 0) > 0


def answers_ufuncs(other: Any) -> bool:
    """Whether an operand that ``takes`` accepts is no array of NumPy's or ours but answers ufuncs.

    Such (a quantity with a unit, a Dask array) get the ufunc with our array, not with an ndarray.
    """
    if isinstance(other, (Handle, np.generic, _ndarray)):
        return False
    return getattr(type(other), "__array_ufunc__", None) is not None


Functions = tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]
Row = tuple[Any, Any, Any, Any, Op | None, bytes]


def binary(name: str) -> Functions:
    """An operator on other operands than small ones: itself, its reflection, its in-place form."""
    op = OPS[name]
    python = _PYTHON[name]
    compares = python in (operator.eq, operator.ne)

    def forward(self: Handle, other: Any) -> Any:
        if not takes(other):
            return foreign_operand(python, self, other)
        if answers_ufuncs(other):
            return op.meaning(self, other)
        if not compares:
            return elementwise(op, self, other)
        try:
            return elementwise(op, self, other)
        except TypeError:  # numbers and strings, for example: they differ, says NumPy's operator
            return call_numpy(python, (self, other))

    def reflected(self: Handle, other: Any) -> Any:
        if not takes(other):
            return foreign_operand(python, other, self)
        return op.meaning(other, self) if answers_ufuncs(other) else elementwise(op, other, self)

    def in_place(self: Handle, other: Any) -> Any:
        if self._scalar:
            return forward(self, other)
        if answers_ufuncs(other):
            return op.meaning(self, other, out=self)
        return writes.update(op, self, self, other)

    return forward, reflected, in_place


# What NumPy's operator computes for these exponents of floating-point arrays.
_POWERS = {2: "square", 0.5: "sqrt", -1: "reciprocal", 1: "positive"}


def power() -> Functions:
    """The operators of ``**``, which takes another way than ``numpy.power`` for some exponents."""
    forward, reflected, in_place = binary("pow")

    def simpler(self: Handle, exponent: Any) -> Op | None:
        if type(exponent) not in (int, float) or exponent not in _POWERS:
            return None
        kind = self.dtype.kind
        if kind in "fc" or (kind in "biu" and type(exponent) is int and exponent == 2):
            return OPS[_POWERS[exponent]]
        return None

    def raised(self: Handle, other: Any) -> Any:
        op = simpler(self, other)
        return forward(self, other) if op is None else elementwise(op, self)

    def raised_in_place(self: Handle, other: Any) -> Any:
        op = None if self._scalar else simpler(self, other)
        return in_place(self, other) if op is None else writes.update(op, self, self)

    return raised, reflected, raised_in_place


def matrix_product() -> Functions:
    """The operators ``@`` and ``@=``."""

    def forward(self: Handle, other: Any) -> Any:
        if not takes(other):
            return foreign_operand(operator.matmul, self, other)
        return _matmul_of_others(self, other) if answers_ufuncs(other) else matmul(self, other)

    def reflected(self: Handle, other: Any) -> Any:
        if not takes(other):
            return foreign_operand(operator.matmul, other, self)
        return _matmul_of_others(other, self) if answers_ufuncs(other) else matmul(other, self)

    def in_place(self: Handle, other: Any) -> Any:
        if not takes(other):
            return foreign_operand(operator.imatmul, self, other)
        factor = array_of(other)
        if factor is not None and factor.ndim > 1:
            product = matmul(self, other)
            fits = np.can_cast(product.dtype, self.dtype, "same_kind")
            if product.shape == self.shape and fits:
                setitem(self, ..., product)
                return self
        return call_numpy(operator.imatmul, (self, other), name="matmul", writes=(self,))

    return forward, reflected, in_place


def unary(name: str) -> Functions:
    op = OPS[name]

    def forward(self: Handle) -> Any:
        return elementwise(op, self)

    return forward, forward, forward


def table() -> dict[str, Row]:
    """Of each operator what the C of small calls must know.

    The functions for operands that are not small; the ufunc if the result of floating-point numbers
    has their dtype; the operation's row if calls may become nodes in C; and what tells small
    operands.
    """
    functions = {name: power() if name == "pow" else binary(name) for name in _PYTHON}
    functions |= {name: unary(name) for name in _UNARY}
    rows: dict[str, Row] = {
        name: (
            *three,
            OPS[name].meaning if name in _ARITHMETIC else None,
            None if name == "pow" else OPS[name],
            small_below(OPS[name]),
        )
        for name, three in functions.items()
    }
    return rows | {"matmul": (*matrix_product(), None, None, SMALL_PRODUCTS)}


def foreign_operand(python: Callable[..., Any], a: Any, b: Any) -> Any:
    """An operator with an object that is not an array, a scalar or a sequence.

    NumPy takes None and strings as elements, and compares for equality with any object that knows
    nothing of arrays; the rest is left to the other object's own operator. A matrix has declined
    already where it is the first: it knows ndarrays alone.
    """
    other = b if isinstance(a, Handle) else a
    element = isinstance(other, (str, bytes)) or other is None or isinstance(a, _ndarray)
    if not element and python in (operator.eq, operator.ne):
        element = not isinstance(other, _ndarray) and not any(
            hasattr(other, name) for name in _ARRAY_LIKE
        )
    if element:
        return call_numpy(python, (a, b), reason=f"operand of {type(other).__name__}")
    return NotImplemented
