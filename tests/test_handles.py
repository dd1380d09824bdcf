"""Small calls, which csrc/python/ answers: NumPy's results, and nothing lost."""

from __future__ import annotations

import gc
import inspect
import operator
import sys
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests.compare import outcome, same
from trueno import memory
from trueno.handles import Handle

VALUES: dict[str, Any] = {
    "vector": np.array([1.5, -2.0, 0.0]),
    "matrix": np.arange(9, dtype=np.float32).reshape(3, 3),
    "integers": np.array([3, -1, 7], np.int8),
    "booleans": np.array([True, False, True]),
    "complex": np.array([1j, 2, -3 + 1j]),
    "objects": np.array([1, 2.5, 3], object),
    "empty": np.zeros((0, 3)),
    "zero-dimensional": np.array(2.0),
}
OTHERS: dict[str, Any] = VALUES | {
    "float": 2.0, "int": 3, "bool": True, "complex number": 1j, "float32": np.float32(0.5),
    "int64": np.int64(2), "large int": 1 << 40, "list": [1, 2, 3], "text": "abc", "None": None,
}  # fmt: skip
OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow, operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift,
    operator.matmul, operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge,
    operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow, operator.imatmul,
]  # fmt: skip


def _compared(f: Callable[..., Any], *operands: Any) -> None:
    ours = [tn.asarray(x) if isinstance(x, np.ndarray) else x for x in operands]
    plain = [x.copy() if isinstance(x, np.ndarray) else x for x in operands]
    expected, error = outcome(f, *plain)
    got, raised = outcome(f, *ours)
    assert raised is error
    same(got, expected)


@pytest.mark.parametrize("f", OPERATORS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", VALUES)
@pytest.mark.filterwarnings("ignore")
def test_operators(name: str, f: Callable[..., Any]) -> None:
    for key, other in OTHERS.items():
        if key == "large int" and f.__name__ in ("lshift", "pow", "ipow"):
            continue  # Python's own integers, in arrays of objects, would fill the memory
        _compared(f, VALUES[name], other)
        if not isinstance(other, np.ndarray) and f.__name__[0] != "i":
            _compared(f, other, VALUES[name])


NUMBERS = (float, int, bool, complex, operator.index, len, hash, operator.neg, abs, operator.pos)


@pytest.mark.parametrize("name", VALUES)
def test_numbers(name: str) -> None:
    for f in NUMBERS:
        value = VALUES[name]
        if f is hash and not value.ndim:
            value = value[()]  # ours hash by value
        expected, error = outcome(f, value)
        got, raised = outcome(f, tn.asarray(VALUES[name]))
        assert raised is error
        same(got, expected)


KEYS = [
    0, -1, 5, slice(1, None), slice(None, None, -1), ..., None, (0, 1), (slice(None), 1), (0, ...),
    (None, slice(0, 2)), True, [0, 1], np.array([0, 2]), np.array([True, False, True]), np.int8(1),
    (np.array([0, 1]), 0), (), 1.5, "field", (0, 0, 0, 0),
]  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_items(name: str, key: Any) -> None:
    plain = VALUES[name].copy()
    ours = tn.asarray(plain.copy())
    expected, error = outcome(operator.getitem, plain, key)
    got, raised = outcome(operator.getitem, ours, key)
    assert raised is error
    same(got, expected)
    if isinstance(expected, np.ndarray) and expected.size:
        assert np.shares_memory(np.asarray(got), np.asarray(ours)) == np.shares_memory(
            expected, plain
        )
    values = (0, 2.5, np.float32(1), tn.asarray(1.0), tn.asarray(np.ones(3)), "x", None)
    for value in values[: -3 if name == "objects" else None]:  # which may be elements there
        host = np.asarray(value) if isinstance(value, tn.TruenoArray) else value
        assert outcome(operator.setitem, ours, key, value) == outcome(
            operator.setitem, plain, key, host
        )
        same(ours, plain)


def test_functions_and_methods_return_what_they_should() -> None:
    plain = np.arange(6.0).reshape(2, 3)
    x = tn.asarray(plain)
    view = np.reshape(x, (3, 2))
    view[0, 0] = 9
    assert float(x[0, 0]) == 9
    assert np.ravel(x, "F").base is None and x.T.base is not None
    assert np.atleast_1d(x) is x
    parts = np.split(x, 3, axis=1)
    assert type(parts) is list and all(isinstance(part, tn.TruenoArray) for part in parts)
    out = tn.zeros(3)
    assert np.add.reduce(x, axis=0, out=out) is out and x.sum(0, out=out) is out
    assert np.concatenate([x, [[1.0, 2.0, 3.0]]]).shape == (3, 3)
    assert isinstance(np.mean(x), tn.TruenoArray) and x.mean().ndim == 0
    assert np.shape(x) == (2, 3) and x.tolist() == np.asarray(x).tolist()


def test_errors_carry_the_operation_and_no_context() -> None:
    x = tn.asarray([1.0, 2.0])
    for call, text in (
        (lambda: x + tn.asarray([1.0, 2.0, 3.0]), "trueno.add: operands could not be broadcast"),
        (lambda: np.add(x, [1.0, 2.0, 3.0]), "trueno.add: operands could not be broadcast"),
        (lambda: np.mean(x, axis=2), "trueno.mean"),
        (lambda: x.reshape(3), "trueno.reshape: cannot reshape"),
        (lambda: x[9], "trueno.__getitem__: index 9 is out of bounds"),
        (lambda: operator.setitem(x, 9, 1), "trueno.__setitem__: index 9 is out of bounds"),
        (lambda: operator.delitem(x, 0), "trueno.__delitem__: cannot delete"),
    ):
        with pytest.raises((ValueError, IndexError)) as raised:
            call()
        assert text in str(raised.value)
        assert raised.value.__cause__ is None


def test_warnings_name_the_users_line() -> None:
    x = tn.asarray([1.0, 2.0])
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in divide") as caught:
        x / 0.0
    assert all(warning.filename == __file__ for warning in caught)


def test_nothing_leaks() -> None:
    x, y = tn.asarray(np.arange(4.0)), tn.asarray(np.ones(4))
    mask = x > 1
    calls: list[Callable[[], Any]] = [
        lambda: x + y, lambda: 2 - x, lambda: x < y, lambda: -x, lambda: x**2, lambda: x[1:][0],
        lambda: np.add(x, y, out=y), lambda: np.sum(x), lambda: x.mean(), lambda: np.stack([x, y]),
        lambda: np.reshape(x, (2, 2)), lambda: x[mask], lambda: operator.setitem(x, 0, 5.0),
        lambda: np.split(x, 2), lambda: x.astype(np.int8), lambda: float(x[0]), lambda: x @ y,
        lambda: np.asarray(x), lambda: weakref.ref(x + y), lambda: outcome(lambda: x + "a"),
        lambda: outcome(lambda: x.reshape(9)), lambda: outcome(lambda: x[9]), lambda: x.shape,
    ]  # fmt: skip
    for call in calls:
        for _ in range(50):
            call()
        gc.collect()
        objects = [x, y, mask, x._array, y._array, TYPE, np.dtype(np.float64), None, 2]
        before, blocks = [sys.getrefcount(o) for o in objects[:6]], sys.getallocatedblocks()
        for _ in range(200):
            call()
        gc.collect()
        after = [sys.getrefcount(o) for o in objects[:6]]
        assert after == before
        assert sys.getallocatedblocks() - blocks < 100


TYPE = tn.TruenoArray


def test_handles_have_weak_references_and_signatures() -> None:
    x = tn.zeros(3)
    reference = weakref.ref(x)
    assert reference() is x
    del x
    assert reference() is None
    assert "axis" in inspect.signature(TYPE.mean.__wrapped__).parameters or TYPE.mean.__doc__
    assert TYPE.sum.__name__ == "sum" and TYPE.sum.__doc__
    bound = tn.ones(3).sum
    assert float(bound()) == 3


def test_protocols_reject_calls_by_hand() -> None:
    x = tn.zeros(3)
    with pytest.raises(TypeError):
        x.__array_function__(np.sum)
    with pytest.raises(TypeError):
        x.__array_ufunc__()
    assert x.__array_function__(np.sum, (TYPE,), (x,), {}) == 0
    assert x.__array_ufunc__(np.add, "__call__", x, 1).sum() == 3
    assert issubclass(TYPE, Handle)


def test_subclasses_and_strangers_keep_their_turn() -> None:
    class Stranger:
        __array_ufunc__ = None

        def __radd__(self, other: Any) -> str:
            return "mine"

    x = tn.ones(3)
    assert x + Stranger() == "mine"
    masked = np.ma.masked_array([1.0, 2.0, 3.0], [0, 1, 0])
    assert isinstance(masked + np.asarray(x), np.ma.MaskedArray)


POOLED = [
    np.linspace(-1, 1, 40_000).reshape(200, 200),
    np.linspace(-1, 1, 80_000, dtype=np.float32),
    np.asfortranarray(np.linspace(-1, 1, 40_000).reshape(200, 200)),
    np.arange(40_000),
    np.linspace(-1, 1, 80_000)[::2],
    np.linspace(-1, 1, 90_000).reshape(300, 300)[1:-1, 2:],
    np.linspace(-1, 1, 90_000).reshape(300, 300)[::-1, :-1],
    np.linspace(-1, 1, 90_000).reshape(30, 30, 100).transpose(1, 0, 2),
]
POOLED_IDS = ["c", "float32", "fortran", "integers", "apart", "inner", "backwards", "turned"]
UFUNCS = [np.exp, np.negative, np.abs, np.isnan, np.maximum, np.less, np.arctan2, np.divide]


@pytest.mark.parametrize("f", OPERATORS[:4], ids=lambda f: f.__name__)
@pytest.mark.parametrize("array", POOLED, ids=POOLED_IDS)
@pytest.mark.filterwarnings("ignore")
def test_results_in_memory_of_the_pool(array: Any, f: Callable[..., Any]) -> None:
    others = (2.0, 3, True, 1j, np.float32(2), array, array[..., :1], array.astype(np.float32))
    with tn.config(threshold=1 << 30):
        x = tn.asarray(array, copy=False)
        for other in others:
            y = tn.asarray(other, copy=False) if isinstance(other, np.ndarray) else other
            for theirs, ours in ((f(array, other), f(x, y)), (f(other, array), f(y, x))):
                same(ours, theirs)
                assert ours.strides == theirs.strides and ours.base is None
        first = f(x, x)
        second = f(first, x)  # in other memory than its operand
        same(second, f(f(array, array), array))
        same(first, f(array, array))


@pytest.mark.parametrize("array", POOLED, ids=POOLED_IDS)
@pytest.mark.filterwarnings("ignore")
def test_ufuncs_results_in_memory_of_the_pool(array: Any) -> None:
    with tn.config(threshold=1 << 30):
        x = tn.asarray(array, copy=False)
        for f in UFUNCS:
            ours, theirs = f(*[x] * f.nin), f(*[array] * f.nin)
            same(ours, theirs)
            assert ours.strides == theirs.strides and type(ours) is TYPE


def test_pooled_memory_is_used_again() -> None:
    with tn.config(threshold=1 << 30):
        x = tn.asarray(np.ones(40_000))

        def address() -> int:
            y = x + x  # outlives its array: memory that is still seen does not return
            return memory.address(y._array)

        assert len({address() for _ in range(20)}) <= 2
        with pytest.raises(FloatingPointError, match=r"trueno\.divide"), np.errstate(all="raise"):
            x / (x - x)
