"""NumPy's and Python's protocols: ufunc methods, functions, like=, copies, bad input."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections import UserList, deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import trueno as tn
from tests.compare import agree, outcome, same
from trueno.ops import ELEMENTWISE
from trueno.protocols import IMPLEMENTED, SCIPY

UFUNCS = {n: op.meaning for n, op in ELEMENTWISE.items() if isinstance(op.meaning, np.ufunc)}
UNARY = sorted(n for n, f in UFUNCS.items() if f.nin == 1)
BINARY = sorted(n for n, f in UFUNCS.items() if f.nin == 2)
REAL = ("float64", "int32")


def data(dtype: str, *shape: int) -> np.ndarray[Any, Any]:
    """Numbers from 1 up that most functions are defined on, other ones for each shape."""
    size = int(np.prod(shape))
    return (np.arange(size) * 3 % 7 + 1).reshape(shape).astype(dtype)


def both(f: Callable[..., Any], *arrays: Any) -> None:
    """Asserts that ``f`` gives on TruenoArrays what it gives on ndarrays, or raises the same."""
    theirs, expected = outcome(f, *[a.copy() for a in arrays])
    ours, raised = outcome(f, *[tn.asarray(a) for a in arrays])
    assert raised is expected, f"{raised} instead of {expected}"
    same(ours, theirs, exact=False)


# ---------------------------------------------------------------- ufuncs


@pytest.mark.parametrize("name", SCIPY)
def test_ufuncs_of_scipy(backend: str, name: str) -> None:
    """Beneath scipy.special's functions, which are these ufuncs unless SCIPY_ARRAY_API is set."""
    f = getattr(pytest.importorskip("scipy.special._ufuncs"), name)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-310, -750.0, 30.0]
    for dtype in ("float32", "float64", "float16", "int8", "int64", "bool", "complex64"):
        with np.errstate(all="ignore"):
            x = np.concatenate([np.linspace(-9, 9, 400), special]).astype(dtype)
        both(f, x)
        both(lambda x, f=f: f(x + x, out=x), x)
    with tn.profile() as report:
        tn.evaluate(f(tn.asarray(np.linspace(-9, 9, 400))))
    assert backend == "wgpu" or not report.deferrals


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_ufunc_keywords(backend: str, name: str) -> None:
    f = UFUNCS[name]
    for dtype in REAL:
        x = [data(dtype, 3, 4) for _ in range(f.nin)]
        result, failed = outcome(f, *x)
        if failed:
            both(f, *x)
            continue
        mask = data("int32", 3, 4) > 3

        def out(*a: Any, like: Any = result, **keywords: Any) -> Any:
            target = np.zeros_like(like) if type(a[0]) is np.ndarray else tn.zeros_like(like)
            returned = f(*a, out=target, **keywords)
            assert returned is target
            return target

        both(out, *x)
        both(lambda *a, m=mask, o=out: o(*a, where=m), *x)
        both(lambda *a: f(*a, dtype=np.float32), *x)
        both(lambda *a: f(*a, dtype=np.float32, casting="unsafe"), *x)
        both(lambda *a: f(*a, casting="no"), x[0].astype(np.int8), *x[1:])
        # An ndarray as destination of our operands.
        target = np.zeros_like(result)
        with np.errstate(all="ignore"):
            assert f(*map(tn.asarray, x), out=target) is target
        np.testing.assert_allclose(target, result, rtol=1e-6)


@pytest.mark.parametrize("name", BINARY)
def test_ufunc_methods(backend: str, name: str) -> None:
    f = UFUNCS[name]
    for dtype in REAL:
        x = data(dtype, 3, 4)
        both(lambda a: f.reduce(a), x)
        both(lambda a: f.reduce(a, axis=1, keepdims=True), x)
        both(lambda a: f.reduce(a, axis=None), x)
        both(lambda a: f.accumulate(a, axis=1), x)
        both(lambda a: f.outer(a, a), x[0])
        both(lambda a: f.reduceat(a, [0, 2], axis=0), x)

        def at(a: Any) -> Any:
            f.at(a, [0, 2, 0], 2)
            return a

        both(at, x[0])


@pytest.mark.parametrize("name", UNARY)
def test_unary_at(backend: str, name: str) -> None:
    f = UFUNCS[name]

    def at(a: Any) -> Any:
        f.at(a, [0, 2, 0])
        return a

    for dtype in REAL:
        both(at, data(dtype, 4))


def test_our_functions_have_the_methods_too() -> None:
    x = tn.asarray(data("float64", 3, 4))
    same(tn.add.reduce(x), np.add.reduce(data("float64", 3, 4)))
    same(tn.multiply.outer([1, 2], x[0]), np.multiply.outer([1, 2], data("float64", 3, 4)[0]))
    tn.add.at(x, (0, 0), 10)
    assert x[0, 0] == data("float64", 3, 4)[0, 0] + 10
    out = tn.zeros((3, 4))
    assert tn.add(x, 1, out) is out
    assert tn.add(x, 1, out=(out,)) is out
    same(tn.add(x, x, dtype=tn.float32), (np.asarray(x) * 2).astype(np.float32))


def test_ufuncs_without_a_row() -> None:
    x = data("float64", 6)
    both(lambda a: np.modf(a / 2), x)
    both(lambda a: np.divmod(a, 3), x)
    both(lambda a: np.frexp(a), x)
    both(lambda a: np.ldexp(a, 2), x)
    both(lambda a: np.matmul(a, a), x)
    both(lambda a: np.gcd(a, 4), data("int32", 6))
    both(lambda a: np.frompyfunc(lambda v: v + 1, 1, 1)(a), x)
    out = tn.zeros(6), tn.zeros(6)
    fraction, whole = np.modf(tn.asarray(x / 2), out=out)
    assert fraction is out[0] and whole is out[1]
    same(out, np.modf(x / 2))


def test_overlapping_out(backend: str) -> None:
    for shift in (slice(1, None), slice(None, -1)):
        other = slice(None, -1) if shift.start else slice(1, None)

        def f(a: Any, s: slice = shift, o: slice = other) -> Any:
            np.add(a[s], a[o], out=a[s])
            return a

        both(f, np.arange(10.0))
    both(lambda a: np.multiply(a, 2, out=a[::-1]), np.arange(6.0))
    both(lambda a: np.add(a, a.T, out=a), np.arange(9.0).reshape(3, 3))


# ---------------------------------------------------------------- functions

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "allclose": lambda a: np.allclose(a, a + 1e-12),
    "append": lambda a: np.append(a, a),
    "apply_along_axis": lambda a: np.apply_along_axis(np.sum, 0, np.asarray(a)) + 0 * a[0],
    "array_equal": lambda a: np.array_equal(a, a),
    "array_split": lambda a: np.array_split(a, 2),
    "astype": lambda a: np.astype(a, np.int8),
    "average": lambda a: np.average(a, axis=0, weights=[1, 2, 1]),
    "bincount": lambda a: np.bincount(a[0].astype(int)),
    "block": lambda a: np.block([[a, a]]),
    "broadcast_arrays": lambda a: np.broadcast_arrays(a, a[:1]),
    "clip": lambda a: np.clip(a, 2, 4),
    "concatenate": lambda a: np.concatenate([a, a], axis=1),
    "copyto": lambda a: np.copyto(a, 2) or a,
    "corrcoef": lambda a: np.corrcoef(a),
    "cov": lambda a: np.cov(a),
    "cross": lambda a: np.cross(a[:, :3], a[:, 1:]),
    "cumsum": lambda a: np.cumsum(a, axis=1),
    "diagonal": lambda a: np.diagonal(a, 1),
    "diff": lambda a: np.diff(a, axis=0),
    "digitize": lambda a: np.digitize(a, [2, 4]),
    "dot": lambda a: np.dot(a, a.T),
    "einsum": lambda a: np.einsum("ij,kj->ik", a, a),
    "expand_dims": lambda a: np.expand_dims(a, 0),
    "fill_diagonal": lambda a: np.fill_diagonal(a, 9) or a,
    "flip": lambda a: np.flip(a, 1),
    "full_like": lambda a: np.full_like(a, 3),
    "gradient": lambda a: np.gradient(a, axis=0),
    "histogram": lambda a: np.histogram(a, bins=3),
    "hstack": lambda a: np.hstack([a, a]),
    "interp": lambda a: np.interp(a[0], [1, 4], [0, 1]),
    "isclose": lambda a: np.isclose(a, 3),
    "ix_": lambda a: a[np.ix_([0, 2], [1, 3])],
    "kron": lambda a: np.kron(a, a[:1]),
    "lexsort": lambda a: np.lexsort((a[0], a[1])),
    "max": lambda a: np.max(a, axis=1, initial=3),
    "mean": lambda a: np.mean(a, axis=1, keepdims=True),
    "mean-keywords": lambda a: np.mean(a=a, axis=0),
    "median": lambda a: np.median(a, axis=0),
    "meshgrid": lambda a: np.meshgrid(a[0], a[1]),
    "moveaxis": lambda a: np.moveaxis(a, 0, 1),
    "nan_to_num": lambda a: np.nan_to_num(a / 0 * 0),
    "nanmean": lambda a: np.nanmean(a),
    "norm": lambda a: np.linalg.norm(a, axis=1),
    "ones_like": lambda a: np.ones_like(a, dtype=np.int8),
    "pad": lambda a: np.pad(a, 1),
    "percentile": lambda a: np.percentile(a, [10, 90]),
    "place": lambda a: np.place(a, a > 3, [0]) or a,
    "polyfit": lambda a: np.polyfit(np.arange(4), a[0], 1),
    "ptp": lambda a: np.ptp(a, axis=1),
    "put": lambda a: np.put(a, [0, 5], 7) or a,
    "ravel": lambda a: np.ravel(a),
    "repeat": lambda a: np.repeat(a, [1, 2, 0], axis=0),
    "reshape": lambda a: np.reshape(a, (4, 3)),
    "roll": lambda a: np.roll(a, 1),
    "rot90": lambda a: np.rot90(a),
    "round": lambda a: np.round(a / 3, 1),
    "select": lambda a: np.select([a > 4, a > 2], [a, -a], 0),
    "shape": lambda a: (np.shape(a), np.ndim(a), np.size(a), np.size(a, 0)),
    "sort": lambda a: np.sort(a, axis=0),
    "split": lambda a: np.split(a, 2, axis=1),
    "squeeze": lambda a: np.squeeze(a[:1]),
    "stack": lambda a: np.stack([a, a]),
    "std": lambda a: np.std(a, axis=0, ddof=1),
    "sum": lambda a: np.sum(a, axis=(0, 1)),
    "swapaxes": lambda a: np.swapaxes(a, 0, 1),
    "take": lambda a: np.take(a, [0, 1], axis=1),
    "tensordot": lambda a: np.tensordot(a, a, 2),
    "tile": lambda a: np.tile(a, 2),
    "trace": lambda a: np.trace(a),
    "transpose": lambda a: np.transpose(a),
    "trapezoid": lambda a: np.trapezoid(a),
    "tril": lambda a: np.tril(a),
    "unique": lambda a: np.unique(a, return_counts=True),
    "unravel_index": lambda a: np.unravel_index(np.argmax(a), a.shape),
    "var": lambda a: np.var(a),
    "vstack": lambda a: np.vstack([a, a]),
    "where": lambda a: np.where(a > 3, a, 0),
    "zeros_like": lambda a: np.zeros_like(a),
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_numpy_functions(backend: str, name: str) -> None:
    both(FUNCTIONS[name], data("float64", 3, 4))
    x = data("float32", 3, 4)
    theirs, _ = outcome(FUNCTIONS[name], x + 0)
    ours, raised = outcome(FUNCTIONS[name], tn.asarray(x) + 0)  # pending
    assert raised is None
    same(ours, theirs, exact=False)


@pytest.mark.parametrize("f", IMPLEMENTED, ids=lambda f: f.__name__)
def test_our_functions_take_numpy_s_arguments(f: Any) -> None:
    try:
        theirs = list(inspect.signature(f).parameters.values())
    except ValueError:
        pytest.skip("NumPy does not tell")
    ours = list(inspect.signature(IMPLEMENTED[f]).parameters.values())
    names = {p.name for p in ours if p.kind is not p.POSITIONAL_ONLY}
    rest = {p.kind for p in ours}
    for at, parameter in enumerate(theirs):
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            positional = [p for p in ours if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
            assert at < len(positional) or inspect.Parameter.VAR_POSITIONAL in rest
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            # NumPy takes ``like`` and a creation function's device away before it calls us.
            anything = inspect.Parameter.VAR_KEYWORD in rest
            assert parameter.name in names or anything or parameter.name == "like", parameter.name


def test_mixing_with_ndarrays(backend: str) -> None:
    array = data("float64", 3, 4)
    x = tn.asarray(array)
    for result in (array + x, x + array, np.add(array, x), np.where(array > 2, x, array)):
        assert isinstance(result, tn.TruenoArray)
    same(array - x, np.zeros((3, 4)))
    same(np.concatenate([array, x]), np.concatenate([array, array]))
    same(tn.matmul(array, x.T), array @ array.T)
    before = array
    array += x
    assert array is before
    np.testing.assert_array_equal(array, 2 * data("float64", 3, 4))
    same(array[0] * x, array[0] * data("float64", 3, 4))


def test_results_on_ndarrays_share_with_them() -> None:
    array = data("float64", 3, 4)
    for view in (tn.reshape(array, (4, 3)), tn.flip(array), tn.ravel(array), tn.real(array)):
        assert np.shares_memory(np.asarray(view), array)
    view = tn.permute_dims(array, (1, 0))
    doubled = view * 2
    array[:] = 0
    same(doubled, 2 * data("float64", 3, 4).T)
    same(view, np.zeros((4, 3)))


def test_like(backend: str) -> None:
    x = tn.zeros(1)
    for make in (
        lambda **k: np.asarray([1, 2], **k),
        lambda **k: np.array([[1, 2]], dtype=np.float32, **k),
        lambda **k: np.asanyarray((1, 2.5), **k),
        lambda **k: np.zeros((2, 3), **k),
        lambda **k: np.ones(3, dtype=np.int8, **k),
        lambda **k: np.full((2, 2), 7, **k),
        lambda **k: np.eye(3, M=4, k=1, **k),
        lambda **k: np.identity(3, **k),
        lambda **k: np.arange(2, 9, 3, **k),
        lambda **k: np.tri(3, **k),
        lambda **k: np.fromiter(iter([1, 2]), np.int64, **k),
        lambda **k: np.frombuffer(b"abcd", np.uint8, **k),
        lambda **k: np.fromfunction(lambda i, j: i + j, (2, 2), **k),
        lambda **k: np.ascontiguousarray([[1, 2]], **k),
        lambda **k: np.require([1, 2], np.float64, **k),
    ):
        same(make(like=x), make())
    assert np.empty((2, 3), like=x).shape == (2, 3)


class Stranger:
    """An array of another library, with protocols of its own."""

    __array_priority__ = 5000

    def __array_ufunc__(self, *args: Any, **kwargs: Any) -> str:
        return "stranger's ufunc"

    def __array_function__(self, *args: Any, **kwargs: Any) -> str:
        return "stranger's function"

    def __radd__(self, other: Any) -> str:
        return "stranger's operator"


def test_other_libraries_get_their_turn() -> None:
    x = tn.zeros(3)
    assert x + Stranger() == np.zeros(3) + Stranger() == "stranger's ufunc"
    assert np.add(x, Stranger()) == "stranger's ufunc"
    assert tn.add(x, Stranger()) == "stranger's ufunc"
    assert np.concatenate([x, Stranger()]) == "stranger's function"
    for f in (lambda: x + object(), lambda: x.__add__(object()), lambda: object() + x):
        with pytest.raises(TypeError):
            f()


# ---------------------------------------------------------------- Python's protocols


@pytest.mark.parametrize("order", ["C", "F", "A", "K"])
def test_copies_in_every_order(backend: str, order: str) -> None:
    a = np.arange(24.0).reshape(2, 3, 4)
    for view in (lambda x: x, lambda x: x.T, lambda x: x.transpose(1, 0, 2), lambda x: x[:, ::-1]):
        x, y = view(tn.asarray(a)), view(a)
        for mine, expected in (
            (x.copy(order), y.copy(order)),
            (x.astype("f4", order=order), y.astype("f4", order=order)),
            ((x + 1).T.copy(order), (y + 1).T.copy(order)),
            (tn.asarray(x, order=order, copy=True), np.array(y, order=order)),
        ):
            assert mine.strides == expected.strides
            assert np.array_equal(mine, expected)
            assert not np.shares_memory(mine, x)
    with pytest.raises(ValueError, match="order"):
        tn.asarray(a).copy("Q")


def test_array_protocol_and_copy() -> None:
    x = tn.asarray(np.arange(3.0))
    assert np.shares_memory(np.asarray(x), np.asarray(x))
    assert not np.shares_memory(np.array(x), np.asarray(x))
    assert not np.shares_memory(x.__array__(copy=True), np.asarray(x))
    assert np.shares_memory(x.__array__(copy=False), np.asarray(x))
    assert np.asarray(x, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError):
        np.asarray(x, dtype=np.float32, copy=False)
    exported = np.asarray(x)
    exported[0] = 9
    y = x + 1
    exported[1] = 9
    same(y, np.array([10.0, 2, 3]))


def test_pickling_and_copies(backend: str) -> None:
    array = np.asfortranarray(data("float32", 3, 4))
    x = tn.asarray(array) * 2
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        same(pickle.loads(pickle.dumps(x, protocol)), array * 2)
    assert pickle.loads(pickle.dumps(tn.ones(3, device="cpu"))).device == "cpu"
    for duplicate in (copy.copy(x), copy.deepcopy(x), x.copy(), tn.copy(x)):
        same(duplicate, array * 2)
        duplicate[0, 0] = -1
        assert x[0, 0] != -1
    nested = copy.deepcopy({"x": [x]})
    same(nested["x"][0], array * 2)


def test_scalars_from_zero_dimensional_arrays(backend: str) -> None:
    x = tn.asarray(np.arange(3.0)) + 0.5
    assert float(x[0]) == 0.5 and int(x[1]) == 1 and complex(x[1]) == 1.5 and bool(x[0])
    assert f"{x[1]:.2f}" == "1.50" and round(x[1]) == 2 and hash(x[1]) == hash(1.5)
    assert [10, 20, 30][tn.asarray(1)] == 20
    for bad in (lambda: float(x), lambda: bool(x), lambda: tn.asarray(1.5).__index__()):
        with pytest.raises((TypeError, ValueError)):
            bad()
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)


# ---------------------------------------------------------------- bad input


BAD: dict[str, Callable[[Any], Any]] = {
    "shapes": lambda a: np.add(a, np.ones(5)),
    "shapes, operator": lambda a: a + np.ones(5),
    "shapes, where": lambda a: np.where(a, np.ones(5), 0),
    "out shape": lambda a: np.add(a, 1, out=a[:2]),
    "out dtype": lambda a: np.add(a, 0.5, out=a.astype(int)),
    "types": lambda a: np.bitwise_and(a, a),
    "types, shift": lambda a: a << 1,
    "types, strings": lambda a: a * np.array(["a"]),
    "axis": lambda a: np.sum(a, axis=2),
    "axis twice": lambda a: np.sum(a, axis=(0, -2)),
    "axis type": lambda a: np.max(a, axis="x"),
    "empty maximum": lambda a: np.max(a[:0]),
    "empty argmax": lambda a: np.argmax(a[:0]),
    "index": lambda a: a[7],
    "index type": lambda a: a["x"],
    "mask shape": lambda a: a[np.ones(9, bool)],
    "reshape": lambda a: a.reshape(5),
    "permutation": lambda a: np.transpose(a, (0, 0)),
    "where and dtype": lambda a: np.add(a, 1, where=np.ones(9, bool)),
    "casting": lambda a: np.add(a, 1, dtype=np.int8),
    "ufunc keyword": lambda a: np.add(a, 1, nonsense=1),
    "huge": lambda a: np.broadcast_to(a, (2**40, 2**40, 3, 4)),
    "huge outer": lambda a: np.add(np.broadcast_to(a[0, 0], 2**62), np.ones((2, 1))),
    "uint8 overflow": lambda a: a.astype(np.uint8) + 300,
    "negative power": lambda a: a.astype(int) ** -a.astype(int),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_input_raises_numpy_s_errors(backend: str, name: str) -> None:
    array = data("float64", 3, 4)
    _, expected = outcome(BAD[name], array)
    assert expected is not None
    _, raised = outcome(BAD[name], tn.asarray(array))
    assert raised is expected


def test_errors_name_the_operation() -> None:
    x = tn.ones(3)
    for f, name in (
        (lambda: x + tn.ones(4), "add"),
        (lambda: tn.sum(x, axis=3), "sum"),
        (lambda: np.mean(x, axis=3), "mean"),
        (lambda: tn.reshape(x, (5,)), "reshape"),
        (lambda: tn.linalg.inv(x), "inv"),
        (lambda: tn.bitwise_and(x, x), "bitwise_and"),
        (lambda: x[5], "__getitem__"),
    ):
        with pytest.raises(Exception, match=rf"^trueno\.{name}:"):
            f()


def test_read_only_destinations(backend: str) -> None:
    array = data("float64", 3, 4)
    array.flags.writeable = False
    x = tn.asarray(array, copy=False)

    def assign(target: Any) -> None:
        target[...] = 1

    def add(target: Any) -> None:
        target += 1

    for write in (assign, add, lambda t: np.add(t, 1, out=t), lambda t: np.add.at(t, 0, 1)):
        for target in (x, tn.broadcast_to(tn.ones(3), (2, 3)), x[::2]):
            with pytest.raises(ValueError, match="read-only"):
                write(target)
    same(x + 1, array + 1)


def test_zero_size_and_zero_dimensions(backend: str) -> None:
    for shape in ((0,), (0, 3), (3, 0, 2), ()):
        array = np.ones(shape)
        for f in (
            lambda xp, x: x + x,
            lambda xp, x: xp.sqrt(x),
            lambda xp, x: xp.sum(x),
            lambda xp, x: xp.prod(x, axis=-1) if x.ndim else xp.prod(x),
            lambda xp, x: xp.max(x),
            lambda xp, x: xp.all(x),
            lambda xp, x: xp.mean(x),
            lambda xp, x: xp.where(x > 0, x, 1),
            lambda xp, x: xp.concat([xp.reshape(x, -1)] * 2),
            lambda xp, x: xp.broadcast_to(x, (2, *x.shape)),
        ):
            agree(f, array)


def test_nan_payloads_survive_copies_and_selection(backend: str) -> None:
    bits = np.array([0x7FF8000000000123, 0xFFF8000000000456, 0x3FF0000000000000], np.uint64)
    array = bits.view(np.float64)
    x = tn.asarray(array)
    for result in (x.copy(), x[::-1][::-1].copy(), tn.where(tn.asarray([True] * 3), x, 0.0)):
        np.testing.assert_array_equal(np.asarray(result).view(np.uint64), bits)


def test_handles_in_sequences_of_any_kind(backend: str) -> None:
    class Pair(NamedTuple):
        low: Any
        high: Any

    array = data("float64", 3)
    x = tn.asarray(array)
    for sequence in (Pair(x, x), deque([x, x]), UserList([x, x])):
        same(np.stack(sequence), np.stack([array, array]))
        same(tn.concat(sequence), np.concatenate([array, array]))
