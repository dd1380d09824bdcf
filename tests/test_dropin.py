"""The drop-in setting, ``trueno.ndarray``, and the names of our namespaces."""

from __future__ import annotations

import inspect
import pickle
import threading
from collections.abc import Callable, Iterator
from functools import singledispatch
from typing import Any

import numpy as np
import pytest

import trueno as tn
from trueno.config import SETTINGS, set_defaults

F = Callable[..., Any]

# What NumPy gives as a scalar, by operators, methods, both protocols and our namespaces.
SCALARS: tuple[F, ...] = (
    lambda xp, x: x[0, 1],
    lambda xp, x: x[-1][-2],
    lambda xp, x: x.sum(),
    lambda xp, x: x.mean(),
    lambda xp, x: x.T.argmax(),
    lambda xp, x: np.max(x),
    lambda xp, x: np.std(x),
    lambda xp, x: np.add.reduce(x, axis=None),
    lambda xp, x: xp.sum(x),
    lambda xp, x: xp.add.reduce(x, axis=None),
    lambda xp, x: xp.linalg.norm(x),
    lambda xp, x: xp.nanmean(x),
    lambda xp, x: xp.median(x),
    lambda xp, x: x[0] @ x[0],
    lambda xp, x: xp.sqrt(x.dtype.type(2)),
    lambda xp, x: xp.linalg.slogdet(x[:, :3])[1],
    lambda xp, x: xp.asarray(2.0, dtype=x.dtype) + 1,
    lambda xp, x: np.count_nonzero(x),
    lambda xp, x: divmod(x, 2)[0].sum(),
    lambda xp, x: next(iter(x[0])),
)


@pytest.fixture(params=[1 << 20, 0], ids=["small", "deferred"])
def dropin(request: pytest.FixtureRequest) -> Iterator[None]:
    with tn.config(dropin=True, threshold=request.param):
        yield


@pytest.mark.usefixtures("dropin")
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize("f", SCALARS)
def test_what_numpy_gives_as_scalars_are_its_scalars(f: F, dtype: str) -> None:
    a = np.arange(12).reshape(3, 4).astype(dtype) + 1
    expected, result = f(np, a), f(tn, tn.asarray(a))
    assert type(result) is type(expected)
    assert np.allclose(result, expected)


@pytest.mark.usefixtures("dropin")
def test_arrays_stay_arrays() -> None:
    x = tn.ones((3, 4))
    for array in (x[0], x + 1, x.sum(axis=0), tn.asarray(3.0), x[0, 1:2], x[..., 0], x[0, 1, ...]):
        assert isinstance(array, tn.TruenoArray)
    assert x[0, 1, ...].shape == ()


@pytest.mark.parametrize("threshold", [1 << 20, 0])
def test_scalars_in_a_named_tuple(threshold: int) -> None:
    with tn.config(dropin=True, threshold=threshold):
        result = np.linalg.slogdet(tn.eye(3) * 2)
        assert type(result).__name__ == "SlogdetResult"
        assert type(result.sign) is np.float64
        assert result.logabsdet == pytest.approx(3 * np.log(2))


def test_arrays_print_as_numpy_s() -> None:
    x = tn.arange(3.0)
    assert repr(x) == "TruenoArray([0., 1., 2.])"
    with tn.config(dropin=True):
        assert repr(x) == "array([0., 1., 2.])"
        assert repr(x[1]) == repr(np.float64(1))


def test_without_the_setting_elements_are_arrays() -> None:
    assert isinstance(tn.ones(3)[1], tn.TruenoArray)
    assert isinstance(tn.sum(tn.ones(3)), tn.TruenoArray)


@pytest.mark.parametrize("key", [(3, 0), (0, -5), (0, 10**30), (0, 0, 0), (0, 1.5), "x"])
def test_an_index_that_picks_nothing_raises_numpy_s_error(key: Any) -> None:
    a = np.ones((3, 4))
    with pytest.raises(IndexError) as expected:
        a[key]
    with tn.config(dropin=True), pytest.raises(IndexError) as error:
        tn.asarray(a)[key]
    assert str(error.value) == str(expected.value)


def test_elements_of_every_dtype() -> None:
    for code in "?bhilqBHILQefdgFDGSUMmOV":
        a = np.zeros(3, dtype=code if code not in "SUV" else code + "3")
        with tn.config(dropin=True):
            assert type(tn.asarray(a)[1]) is type(a[1]), code
    swapped = np.arange(3, dtype=">i4")
    with tn.config(dropin=True):
        assert tn.asarray(swapped)[2] == 2


def test_the_process_s_settings_hold_in_other_threads() -> None:
    former = SETTINGS.process
    seen: list[Any] = []
    try:
        set_defaults(dropin=True)
        thread = threading.Thread(target=lambda: seen.append(tn.ones(3)[0]))
        thread.start()
        thread.join()
    finally:
        SETTINGS.process = former
        set_defaults()
    assert type(seen[0]) is np.float64
    with pytest.raises(TypeError, match="unknown settings"):
        set_defaults(nothing=1)


def test_a_scope_ends_with_what_held_before() -> None:
    with tn.config(dropin=True), tn.config(dropin=False):
        assert isinstance(tn.ones(3)[0], tn.TruenoArray)
    assert isinstance(tn.ones(3)[0], tn.TruenoArray)


# ---------------------------------------------------------------- ndarray


def test_both_arrays_are_ndarrays() -> None:
    for x in (tn.ones(3), np.ones(3)):
        assert isinstance(x, tn.ndarray)
        assert issubclass(type(x), tn.ndarray)
        assert type(x) == tn.ndarray  # noqa: E721 (as scripts do)
        assert isinstance(x, tn.ndarray | None)
    assert not isinstance([1.0], tn.ndarray)
    assert not issubclass(list, tn.ndarray)
    assert {list: 0, tn.ndarray: 1}[tn.TruenoArray] == 1
    assert tn.ndarray == np.ndarray


def test_what_the_class_says_of_itself_is_numpy_s() -> None:
    assert repr(tn.ndarray) == repr(np.ndarray)
    assert (tn.ndarray.__name__, tn.ndarray.__module__) == ("ndarray", "numpy")
    assert tn.ndarray[Any, np.dtype[Any]] == np.ndarray[Any, np.dtype[Any]]


def test_calling_the_class_makes_an_array() -> None:
    memory = bytearray(8 * 6)
    x = tn.ndarray((2, 3), dtype="f8", buffer=memory)
    assert isinstance(x, tn.TruenoArray)
    x[1, 2] = 5
    assert np.frombuffer(memory)[5] == 5
    with pytest.raises(TypeError, match=r"trueno\.ndarray: buffer is too small"):
        tn.ndarray((20, 3), dtype="f8", buffer=memory)


def test_inheriting_makes_a_subclass_of_numpy_s() -> None:
    class Tagged(tn.ndarray):  # type: ignore[misc]
        tag = ""

        def __new__(cls, x: Any, tag: str) -> Any:
            self = np.asarray(x).view(cls)
            self.tag = tag
            return self

        def __array_finalize__(self, other: Any) -> None:
            self.tag = getattr(other, "tag", "")

    x = Tagged([1.0, 2.0], "b")
    assert isinstance(x, np.ndarray)
    assert Tagged.__mro__ == (Tagged, np.ndarray, object)
    assert (x + 1).tag == "b"

    class Plain(tn.ndarray):  # type: ignore[misc]
        def __new__(cls, *args: Any) -> Any:
            return tn.ndarray.__new__(cls, *args)

        def total(self) -> Any:
            return tn.ndarray.sum(self)

    y = Plain((3,))
    y[...] = 2
    assert type(y) is Plain
    assert y.total() == 6


def test_methods_of_the_class_take_both_arrays() -> None:
    assert list(map(tn.ndarray.tolist, [np.arange(2), tn.arange(2)])) == [[0, 1], [0, 1]]
    assert isinstance(tn.ndarray.__add__(tn.ones(2), 1), tn.TruenoArray)
    with pytest.raises(AttributeError):
        _ = tn.ndarray.nothing


def test_single_dispatch() -> None:
    @singledispatch
    def kind(x: Any) -> str:
        return "other"

    kind.register(tn.ndarray)(lambda x: "array")
    assert [kind(x) for x in (tn.ones(2), 2)] == ["array", "other"]


# ---------------------------------------------------------------- functions of the namespaces


NAMES = ("sum", "add", "linalg.norm", "fft.fft", "nn.relu", "place", "real")


@pytest.mark.parametrize("name", NAMES)
def test_functions_pickle_and_tell_their_signature(name: str) -> None:
    f: Any = tn
    for part in name.split("."):
        f = getattr(f, part)
    assert pickle.loads(pickle.dumps(f)) is f
    assert inspect.signature(f)
    assert f.__doc__
    assert f.__name__ == name.rpartition(".")[2]
    assert f"{f.__module__}.{f.__name__}" == f"trueno.{name}"


def test_modules_of_ours_hide_none_of_numpy_s() -> None:
    for module in ("core", "dtypes", "exceptions", "lib", "ma", "polynomial", "typing"):
        assert getattr(tn, module).__name__.startswith(("numpy.", "trueno."))
        assert dir(getattr(np, module)) <= dir(getattr(tn, module))


def test_limits_of_a_dtype() -> None:
    assert type(tn.finfo("float32").eps) is float
    with tn.config(dropin=True):
        assert repr(tn.finfo("float32").eps) == repr(np.finfo("float32").eps)
