"""NumPy to the letter in the drop-in: what NumPy's own tests found (``conformance/numpy.py``)."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import trueno as tn

# Programs of a namespace, of which values, classes, dtypes, errors and warnings are NumPy's.
PROGRAMS: tuple[Callable[[Any], Any], ...] = (
    lambda xp: xp.zeros((2, 3), like=xp.ones(2)),
    lambda xp: xp.full(3, 2, "f4", "F", like=None),
    lambda xp: xp.arange(3, like=3),
    lambda xp: xp.array([1, 2], like=xp.ones(1)),
    lambda xp: xp.resize(xp.arange(5), np.int32(7)),
    lambda xp: xp.resize(xp.arange(5), (np.uint8(2), 4)),
    lambda xp: xp.resize(xp.arange(5), 2.5),
    lambda xp: xp.asanyarray(np.matrix([[1, 2]])),
    lambda xp: xp.asarray(np.matrix([[1, 2]])),
    lambda xp: xp.array(np.matrix([[1, 2]]), subok=True),
    lambda xp: (xp.fft.fftfreq(9), xp.fft.rfftfreq(8, 0.5)),
    lambda xp: xp.fft.fftn(xp.ones((3, 4)), s=(2, 2)),
    lambda xp: xp.linalg.eigvals(xp.diag(xp.arange(3.0))),
    lambda xp: xp.linalg.eig(xp.array([[0.0, 1.0], [-1.0, 0.0]])),
    lambda xp: xp.from_dlpack(xp.zeros(3, "M8[s]")),
    lambda xp: xp.from_dlpack(xp.zeros(3, "i4,i1")["f0"]),
    lambda xp: (xp.add.types, xp.add.identity, xp.add.nin, xp.matmul.signature),
    lambda xp: isinstance(xp.add, xp.ufunc) and isinstance(np.add, xp.ufunc),
    lambda xp: isinstance(xp.sum, xp.ufunc) or isinstance(3, xp.ufunc),
    lambda xp: xp.hypot(1.0),
    lambda xp: xp.add(1, 2, 3, 4),
    lambda xp: xp.frexp(xp.ones(3), xp.zeros(3)),
    lambda xp: np.str_("ab") + xp.array(["c", "de"]),
    lambda xp: xp.array([b"c", b"de"]) == np.bytes_(b"de"),
    lambda xp: [xp.add == np.add, np.sum == xp.sum, xp.add != np.subtract, xp.array == np.array],
    lambda xp: {np.sin: 1, np.sort: 2}[xp.sin] + {xp.sort: 3}[np.sort],
    lambda xp: [np.hypot, np.exp].index(xp.exp),
    lambda xp: xp.mean(np.ma.array([1.0, 2.0, 4.0], mask=[0, 1, 0])),
    lambda xp: xp.sum(np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]]), axis=0),
    lambda xp: xp.sqrt(np.ma.array([1.0, -1.0])),
    lambda xp: xp.concatenate([np.matrix([[1, 2]]), np.matrix([[3, 4]])]),
    lambda xp: xp.reshape(np.matrix([[1, 2]]), (2, 1)),
    lambda xp: xp.ones((2, 2)).view(xp.ndarray),
    lambda xp: xp.array([None, 1]).view(xp.ndarray),
    lambda xp: xp.frombuffer(b"\xff\x00\x02", bool).sum(),
    lambda xp: xp.frombuffer(b"\xff\x00\x02", bool).mean(),
    lambda xp: xp.count_nonzero(xp.frombuffer(b"\xff\x00\x02", bool)),
    lambda xp: xp.frombuffer(b"\xff\x00\x02", "u1").base,
    lambda xp: [x.base is x for x in (xp.arange(3),)],
    lambda xp: [(x[1:].base is x, x[...].base is x, x[1:][1:].base is x) for x in (xp.ones(3),)],
    lambda xp: xp.arange(stop=3),
    lambda xp: xp.arange(),
    lambda xp: xp.arange(1, stop=3, dtype="f4"),
    lambda xp: xp.ones(3).sort(kind="k"),
    lambda xp: xp.ones(3).argsort(kind="k"),
    lambda xp: xp.array([3, 1, 2]).argsort(kind="mergesort"),
    lambda xp: xp.array(["a"]).conj(),
    lambda xp: xp.ones(3, complex).conj(xp.zeros(3, complex)),
    lambda xp: (xp.real(1), xp.imag(1j), xp.real(np.complex64(1j)), xp.imag(xp.ones(2))),
    lambda xp: xp.ones(3, object).any(dtype=object, keepdims=True),
    lambda xp: xp.astype([1, 2], float),
    lambda xp: xp.zeros(3).astype(int, copy=np._CopyMode.NEVER),
    lambda xp: [(x.fill([]), repr(x)) for x in (xp.zeros(3, object),)],
    lambda xp: xp.add.accumulate(xp.ones(3), out=xp.zeros(3)),
    lambda xp: xp.add.accumulate(xp.ones(3), 0, None, xp.zeros(3)),
    lambda xp: xp.logical_or.reduce(xp.array([0, 3, 5], object)),
    lambda xp: xp.add.reduce(),
    lambda xp: xp.matmul.reduce(xp.ones((2, 2))),
    lambda xp: xp.array([1, 2], object) * Decimal("1.5"),
    lambda xp: Fraction(1, 3) + xp.array([1, 2]),
    lambda xp: timedelta(4) / xp.array([1, 2], object),
    lambda xp: xp.ones(2) * object(),
    lambda xp: xp.array([1, None]) == object(),
    lambda xp: xp.ones(2).view(type(xp.ones(2))),
    lambda xp: xp.ones(2).view(type=xp.ndarray),
    lambda xp: xp.vecdot(xp.ones((3, 2)), xp.ones((3, 2)), axis=0, out=xp.zeros(2)),
    lambda xp: xp.array([xp.array(1.5, object), "abcd"], "S"),
    lambda xp: xp.array(xp.array([1, 22], object), type(np.dtype("S"))),
    lambda xp: xp.array([1, 22]).astype(type(np.dtype("S"))),
    lambda xp: xp.eye(2, M=3, k=1),
    lambda xp: xp.array(xp.ones(2), copy="always"),
    lambda xp: xp.array(xp.ones(2), "f4", copy=np._CopyMode.IF_NEEDED),
    lambda xp: xp.array(xp.ones(2), "f4", copy=np._CopyMode.NEVER),
    lambda xp: delattr(xp.ones(2), "shape"),
    lambda xp: xp.eye(N=2, dtype=int),
    lambda xp: (xp.finfo("f4").eps, xp.finfo("f2").max, xp.finfo(float).bits),
    lambda xp: xp.linalg.pinv(xp.eye(3), rcond=0.5, rtol=0.5),
    lambda xp: xp.linalg.pinv(xp.eye(3), 0.5),
    lambda xp: (xp.delete(xp.ones(3), 1), xp.delete(xp.ones(3), np.int8(-1))),
    lambda xp: xp.delete(xp.ones(3), True),
    lambda xp: xp.add.reduce(xp.ones(3), invalid=0),
    lambda xp: xp.add.accumulate(xp.ones(3), invalid=0),
    lambda xp: xp.negative(1, out=(...,)),
    lambda xp: xp.divmod(1, 2, out=(xp.empty(()), ...)),
    lambda xp: xp.add.reduce(1, out=(...,)),
    lambda xp: xp.modf(xp.ones(2), out=None),
    lambda xp: xp.array([xp.array(np.nextafter(np.longdouble(0), -1))]),
    lambda xp: xp.unique(xp.ones(3), axis=0.0, equal_nan=False),
    lambda xp: xp.add.reduce(xp.ones((2, 2)), 0, None, None, False, 0, True, 1),
    lambda xp: xp.add.accumulate(xp.ones(2), 0, None, None, 1),
    lambda xp: [xp.fft.fft(x, 5, 0, out=y) is y for x in (xp.ones(9, complex),) for y in (x[:5],)],
    lambda xp: xp.arange(3).__array_wrap__(xp.array(3, "i1"), None, True),
    lambda xp: xp.arange(3).__array_wrap__(xp.array(3, "i1"), None, False),
    lambda xp: (xp.array(["a"], "T") + xp.array("2", "T")).tolist(),
    lambda xp: xp.ones(2) + xp.array(2**222, object),
    lambda xp: xp.float_,
    lambda xp: (xp.chararray, xp.chararray),
    lambda xp: [xp.lib.math.pi],
    lambda xp: xp.maximum(xp.ones(2), xp.zeros(2), xp.empty(2)),
    lambda xp: xp.add(1, 2, ...),
    lambda xp: [xp.add(1, 2, out=...).ndim, xp.divmod(5, 2, out=...)[0].ndim],
    lambda xp: xp.divmod(1, 2, out=(..., ...)),
    lambda xp: xp.modf(xp.ones(2), out=xp.ones(2)),
    lambda xp: xp.ascontiguousarray([1, 2], like=None),
    lambda xp: xp.asfortranarray([1, 2], dtype="f4", like=xp.ones(2)),
    lambda xp: xp.ascontiguousarray([1, 2], like=1),
    lambda xp: xp.matrix_transpose(xp.ones(2)),
    lambda xp: xp.linalg.matrix_transpose(xp.ones((2, 3))),
    lambda xp: xp.sort(xp.ones(2), kind="stable", stable=True),
    lambda xp: xp.argsort(xp.ones(2), kind="stable", stable=True),
    lambda xp: xp.argsort(xp.array([2, 1]), stable=False),
    lambda xp: str(xp.add) + str(xp.frompyfunc(len, 1, 1)),
    lambda xp: [xp.matmul == np.matmul, xp.linalg.matmul == np.linalg.matmul],
    lambda xp: [x.flat.__delitem__(0) for x in (xp.ones(2),)],
    lambda xp: xp.array([xp.zeros((), "i4,i4"), np.zeros((), "i4,i4")[()]], "i4,i4"),
    lambda xp: xp.array(Given(xp.ones(2))),
    lambda xp: xp.array([Given(xp.ones(2)), [1, 2]]),
    lambda xp: xp.negative(Given(xp.ones(2))),
    lambda xp: (xp.ones(2) * Given(xp.ones(2)), Given(xp.ones(2)) + xp.ones(2)),
    lambda xp: xp.intersect1d(Given(xp.ones(2)), Given(xp.ones(2))),
    lambda xp: (xp.bincount(Given(xp.ones(2, int))), xp.mean(Given(xp.ones(2)))),
    lambda xp: (xp.ones((2, 3))[1, Given(xp.array(0))], xp.ones(3)[Given(xp.array([0, 2]))]),
    lambda xp: [(operator.setitem(x, 0, Given(x[1:])), x) for x in (xp.ones((3, 1)),)],
    lambda xp: [(operator.setitem(x, ..., [Given(xp.ones(1))]), x) for x in (xp.zeros((1, 1)),)],
    lambda xp: [
        (operator.iadd(x, 1), x) for x, _ in (xp.broadcast_arrays([1, 2], xp.ones((2, 2))),)
    ],
    lambda xp: [
        (operator.iadd(x, x), x) for x, _ in (xp.broadcast_arrays([1, 2], xp.ones((2, 2))),)
    ],
    lambda xp: np.asarray(xp.array(["a", "b"], "T")).tolist(),
    lambda xp: xp.concatenate([Given(xp.ones(2)), xp.ones(2)]),
    lambda xp: xp.abs(Wrapping(np.arange(-2, 2))),
    lambda xp: [xp.savetxt(lines, xp.array([1, 2])) for lines in (Lines(),)] + [len(Lines())],
    lambda xp: type(subclass(xp)(3)).__name__,
    lambda xp: xp.arange(3).view(subclass(xp)).view(xp.ndarray)[1],
    lambda xp: xp.array(1).view(subclass(xp)).view(type=xp.ndarray)[()],
    lambda xp: type(xp.any(xp.array(1).view(subclass(xp)))).__name__,
    lambda xp: xp.matmul(*[np.ones((2, 2)).view(subclass(xp))] * 2, out=xp.ones((2, 2))),
    lambda xp: xp.array([itself(), [None], itself()], object).shape,
)


class Given:
    """A class written for NumPy's arrays: in the drop-in its ``__array__`` gives ours."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.array if dtype is None else self.array.astype(dtype)


class Wrapping:
    """An array of a library that knows no protocol but ``__array_wrap__``."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.__array_interface__ = array.__array_interface__
        self.array = array

    def __array_wrap__(self, array: Any, context: Any, return_scalar: bool) -> str:
        return f"wrapped {array}"


class Lines(list[str]):
    def write(self, text: str) -> None:
        self.append(text)


def subclass(xp: Any) -> Any:
    return type("Sub", (xp.ndarray,), {})


def itself() -> list[Any]:
    """A list that is its own item."""
    items: list[Any] = []
    items.append(items)
    return items


@pytest.fixture(params=[1 << 20, 0], ids=["small", "deferred"], autouse=True)
def _dropin(request: pytest.FixtureRequest) -> Iterator[None]:
    with tn.config(dropin=True, threshold=request.param):
        yield


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_do_what_they_do_with_numpy(program: Callable[[Any], Any]) -> None:
    (expected, error, warned), (result, our_error, our_warned) = map(_run, (program,) * 2, (np, tn))
    assert type(our_error) is type(error)
    if error is not None:
        assert str(error).partition("\n")[0] in str(our_error)
    assert our_warned == warned
    _same(result, expected)


@pytest.mark.parametrize("xp", [np, tn])
@pytest.mark.parametrize("name", ["as_strided", "sliding_window_view"])
def test_views_by_stride_tricks_see_what_is_written(name: str, xp: Any) -> None:
    x = xp.arange(10.0)
    arguments = ((5,), (16,)) if name == "as_strided" else ((3,), None)
    view = getattr(xp.lib.stride_tricks, name)(x, *arguments)
    x[...] = x * 2 + 1
    assert view.ravel()[:3].tolist() == ([1, 5, 9] if name == "as_strided" else [1, 3, 5])
    if name == "as_strided":
        x += 1
        view[...] = 0
        assert x.tolist() == [0, 4, 0, 8, 0, 12, 0, 16, 0, 20]


def test_names_that_numpy_lost_say_what_became_of_them() -> None:
    with (
        pytest.warns(FutureWarning),
        pytest.raises(AttributeError, match=r"'trueno' has no attribute 'object'\.\n`np\.object`"),
    ):
        _ = tn.object


def _run(
    program: Callable[[Any], Any], xp: Any
) -> tuple[Any, Exception | None, list[type[Warning]]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result, error = program(xp), None
        except Exception as raised:
            result, error = None, raised
    return result, error, [warning.category for warning in caught]


def _same(result: Any, expected: Any) -> None:
    if type(expected) is np.ndarray:
        assert type(result) is tn.TruenoArray
        assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(result, expected)
    elif isinstance(expected, (tuple, list)) and not isinstance(expected[0], str):
        assert len(result) == len(expected)
        for ours, theirs in zip(result, expected, strict=True):
            _same(ours, theirs)
    else:
        assert type(result) is type(expected)
        assert np.all(result == expected)
