"""NumPy's products beyond the standard: as matrix products, or elementwise work and sums."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from trueno import engine
from trueno._array_api._support import given, implements
from trueno.config import SETTINGS
from trueno.dispatch import elementwise
from trueno.handles import Handle
from trueno.handover import call_numpy, small_array
from trueno.kinds import BOOL, NUMBER
from trueno.ops import OPS
from trueno.products import matmul

__all__ = ["dot", "einsum", "inner", "kron", "outer"]


def _arrays(*operands: Any) -> bool:
    """Whether all are arrays of numbers with axes, which products here take."""
    return all(
        isinstance(x, (Handle, np.ndarray)) and x.ndim > 0 and x.dtype in NUMBER for x in operands
    )


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """The sum of products over the last axis of ``a`` and the last but one (or only) of ``b``.

    With no axes on either side, the elementwise product. ValueError where the lengths differ.
    """
    if out is None and _arrays(a, b) and b.ndim <= 2:
        return matmul(a, b) if a.shape[-1] == b.shape[0] else call_numpy(np.dot, (a, b))
    return call_numpy(np.dot, (a, b), {} if out is None else {"out": out})


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """The sum of products over the last axes. ValueError where their lengths differ."""
    if _arrays(a, b) and b.ndim <= 2 and a.shape[-1] == b.shape[-1]:
        return matmul(a, b.T)
    return call_numpy(np.inner, (a, b))


@implements(np.outer, gain=1024)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """Each element of ``a`` times each of ``b``, both flattened: (a.size, b.size)."""
    if out is not None or not _arrays(a, b):
        return call_numpy(np.outer, (a, b), {} if out is None else {"out": out})
    a, b = given(a), given(b)
    return elementwise(OPS["multiply"], a.reshape(-1, 1), b.reshape(1, -1))


@implements(np.kron, gain=1024)
def kron(a: Any, b: Any) -> Any:
    """The Kronecker product: every element of ``a`` times all of ``b``; the sides multiply."""
    if not _arrays(a, b):
        return call_numpy(np.kron, (a, b))
    a, b = given(a), given(b)
    ndim = max(a.ndim, b.ndim)
    left, right = [(1,) * (ndim - x.ndim) + x.shape for x in (a, b)]
    product = elementwise(
        OPS["multiply"],
        a.reshape([n for side in left for n in (side, 1)]),
        b.reshape([n for side in right for n in (1, side)]),
    )
    return product.reshape([n * m for n, m in zip(left, right, strict=True)])


_EINSUM_GAIN = 256


@implements(np.einsum, gain=_EINSUM_GAIN)
def einsum(*operands: Any, out: Any = None, optimize: Any = False, **kwargs: Any) -> Any:
    """Sums of products over the axes that the first argument's letters name.

    Two arrays contract as a matrix product, or broadcast where nothing is summed; more, of one
    dtype, pair by pair in an order of few multiplications. The rest (one array, repeated letters,
    and where no side keeps a letter of its own) is NumPy's.
    """
    if out is None and not kwargs and len(operands) >= 3 and isinstance(operands[0], str):
        text, *arrays = operands
        if all(_is_small(x) for x in arrays):
            return call_numpy(np.einsum, operands, {"optimize": optimize}, reason=engine.BELOW)
        if len(arrays) == 2:
            letters = _letters(text)
            if letters is not None and _arrays(*arrays) and _fit(letters, *arrays):
                return _contract(*letters, given(arrays[0]), given(arrays[1]))
        elif isinstance(optimize, bool) and _chains(text, arrays):
            return _chain(text.replace(" ", ""), arrays)
    return call_numpy(np.einsum, operands, {"out": out, "optimize": optimize, **kwargs})


def _is_small(x: Any) -> bool:
    """Whether NumPy's own loops are the fastest way to the sums of products with ``x``."""
    array = small_array(x) if isinstance(x, Handle) else np.asarray(x)
    return array is not None and array.size * _EINSUM_GAIN < SETTINGS.get().threshold


def _chains(text: str, arrays: list[Any]) -> bool:
    """Whether several operands are contracted two by two: of one dtype, with letters only."""
    parts = text.replace(" ", "").replace("->", ",").split(",")
    given_result = "->" in text and len(parts) == len(arrays) + 1
    if not given_result or not all(part.isalpha() or not part for part in parts):
        return False
    dtypes = {x.dtype for x in arrays} if _arrays(*arrays) else set()
    return len(dtypes) == 1 and BOOL not in dtypes


def _chain(text: str, arrays: list[Any]) -> Any:
    """One contraction after another, each of two operands, whose place the result takes."""
    path = np.einsum_path(text, *[x._array if isinstance(x, Handle) else x for x in arrays])[0]
    left, result = text.split("->")
    parts = left.split(",")
    for pair in path[1:]:
        first, second = sorted(pair) if len(pair) == 2 else (0, 0)
        if first == second:  # NumPy would take all that are left in one go
            return call_numpy(np.einsum, (f"{','.join(parts)}->{result}", *arrays))
        b, y, a, x = parts.pop(second), arrays.pop(second), parts.pop(first), arrays.pop(first)
        kept = "".join(sorted(set(a + b) & set("".join([result, *parts])))) if parts else result
        parts.append(kept)
        arrays.append(einsum(f"{a},{b}->{kept}", x, y))
    return arrays[0]


def _letters(text: str) -> tuple[str, str, str] | None:
    """The letters of two operands and of the result; None for what is no plain contraction."""
    text = text.replace(" ", "")
    left, arrow, result = text.partition("->")
    parts = left.split(",")
    if len(parts) != 2 or not all((p + result).isalpha() or not p + result for p in parts):
        return None
    if not arrow:
        result = "".join(sorted(c for c in set(parts[0] + parts[1]) if left.count(c) == 1))
    a, b = parts
    distinct = all(len(set(p)) == len(p) for p in (a, b, result))
    alone = set(a) ^ set(b)  # a letter of one operand that the result lacks is a sum of its own
    fits = distinct and alone and alone <= set(result) <= set(a + b)
    return (a, b, result) if fits else None


def _fit(letters: tuple[str, str, str], a: Any, b: Any) -> bool:
    if len(letters[0]) != a.ndim or len(letters[1]) != b.ndim:
        return False
    sizes = dict(zip(letters[0], a.shape, strict=True))
    same = all(sizes.get(c, n) == n for c, n in zip(letters[1], b.shape, strict=True))
    return same and np.result_type(a.dtype, b.dtype) != BOOL


def _contract(a: str, b: str, result: str, x: Any, y: Any) -> Any:
    sizes = dict(zip(a + b, x.shape + y.shape, strict=True))
    summed = [c for c in a if c in b and c not in result]
    if not summed:
        return elementwise(OPS["multiply"], _aligned(x, a, result), _aligned(y, b, result))
    shared = [c for c in result if c in a and c in b]
    rows, columns = ([c for c in result if c in p and c not in shared] for p in (a, b))
    product = matmul(
        _stacked(x, a, sizes, shared, rows, summed), _stacked(y, b, sizes, shared, summed, columns)
    )
    order = shared + rows + columns
    unfolded = product.reshape([sizes[c] for c in order])
    if order == list(result):
        return unfolded
    return unfolded.transpose([order.index(c) for c in result]).copy()


def _aligned(x: Any, letters: str, result: str) -> Any:
    """The axes in the result's order, with one of length 1 for each that ``x`` lacks."""
    ordered = x.transpose([letters.index(c) for c in result if c in letters])
    index = tuple([slice(None) if c in letters else None for c in result])
    return ordered[index]


def _stacked(
    x: Any, letters: str, sizes: dict[str, int], stack: list[str], *sides: list[str]
) -> Any:
    """A stack of matrices, each of whose sides folds some of the axes."""
    ordered = x.transpose([letters.index(c) for c in (*stack, *sides[0], *sides[1])])
    folded = [math.prod([sizes[c] for c in side]) for side in sides]
    return ordered.reshape([sizes[c] for c in stack] + folded)
