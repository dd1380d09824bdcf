"""Every public function of NumPy, called with TruenoArrays, gives what it gives with ndarrays."""

from __future__ import annotations

import atexit
import functools
import importlib
import io
import re
import shutil
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests.listing import functions, kind, page
from tests.recipes import NO_ARRAYS, PREFIXES, arrays, lines, recipes
from trueno.handles import Handle

DISK = Path(tempfile.mkdtemp(prefix="trueno-test-"))
atexit.register(shutil.rmtree, DISK, ignore_errors=True)
ARRAYS = arrays()  # never written to: each call gets copies
_file = io.BytesIO()
np.save(_file, ARRAYS["a"])
SAVED = _file.getvalue()
RECIPES = recipes()
BY_FUNCTION: dict[tuple[str, str], list[str]] = defaultdict(list)
for _module, _calls in RECIPES.items():
    for _line in _calls:
        BY_FUNCTION[_module, _line.partition("(")[0]].append(_line)


@functools.cache
def module_of(root: str, name: str) -> Any:
    """The namespace ``root`` (numpy or trueno) has for a module of NumPy."""
    namespace: Any = importlib.import_module(root)
    for part in name.split(".")[1:]:
        namespace = getattr(namespace, part)
    return namespace


@dataclass
class Outcome:
    """What a call did: its value or error, its warnings, and the arrays that it was given."""

    value: Any
    error: Exception | None
    warned: list[tuple[type, str]]
    given: dict[str, Any]


@functools.cache
def named(line: str) -> list[str]:
    """The arrays that a line names."""
    return sorted(set(re.findall(r"\b[a-z]\b", line)) & ARRAYS.keys())


def run(line: str, root: str, module: str | None, convert: Callable[[Any], Any]) -> Outcome:
    """The line's value: a call of a function of ``root``'s namespace, or any expression, on
    converted arrays."""
    given = {name: convert(ARRAYS[name]) for name in named(line)}
    scope = given | {
        "np": module_of(root, "numpy"), "io": io, "file": io.BytesIO(),
        "saved": io.BytesIO(SAVED), "text": io.StringIO("12 a\n3 b\n"), "disk": DISK / "array",
    }  # fmt: skip
    if module:
        scope["M"] = module_of(root, module)
        line = f"M.{line}"
    value = error = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = settled(eval(line, scope))
        except Exception as raised:
            error = raised
        for x in given.values():
            settled(x)
    warned = [(w.category, str(w.message)) for w in caught]
    return Outcome(value, error, warned, given)


def settled(x: Any) -> Any:
    """``x`` with pending values computed."""
    if isinstance(x, Handle):
        tn.evaluate(x)
    elif isinstance(x, (tuple, list)):
        for item in x:
            settled(item)
    return x


# ---------------------------------------------------------------- comparison


def is_array(x: Any) -> bool:
    return type(x) is np.ndarray or isinstance(x, np.generic)


def same_layout(ours: Any, theirs: Any) -> None:
    """Asserts that arrays lie alike: strides of axes that are walked, and the right to write."""
    walked = [n > 1 for n in theirs.shape]
    if theirs.size:
        assert [s for s, w in zip(ours.strides, walked, strict=True) if w] == [
            s for s, w in zip(theirs.strides, walked, strict=True) if w
        ], f"strides {ours.strides} instead of {theirs.strides}"
    if type(theirs) is np.ndarray:
        assert ours.flags.writeable == theirs.flags.writeable, "writeable"


def same_array(ours: Any, theirs: Any, exact: bool) -> None:
    assert ours.dtype == theirs.dtype, f"{ours.dtype} instead of {theirs.dtype}"
    assert ours.shape == theirs.shape, f"{ours.shape} instead of {theirs.shape}"
    mine, values = np.asarray(ours), np.asarray(theirs)
    if exact or values.dtype.kind not in "fc":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_array_equal(mine, values)
    else:
        eps = 16 * float(np.finfo(values.dtype).eps)
        np.testing.assert_allclose(mine, values, rtol=eps, atol=eps)


def same_value(ours: Any, theirs: Any, exact: bool, kinds: tuple[type, ...]) -> None:
    """Asserts that ``ours`` is ``theirs``: arrays and NumPy's scalars of one of ``kinds``."""
    if is_array(theirs):
        assert isinstance(ours, kinds), f"{type(ours)} instead of an array"
        same_array(ours, theirs, exact)
        same_layout(ours, theirs)
        return
    assert type(ours) is type(theirs), f"{type(ours)} instead of {type(theirs)}"
    if isinstance(theirs, np.ndarray):  # a subclass
        same_array(ours, theirs, exact)
    elif isinstance(theirs, (tuple, list)):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            same_value(mine, other, exact, kinds)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        same_value(list(ours.values()), list(theirs.values()), exact, kinds)
    elif isinstance(theirs, float):
        assert ours == theirs or ours != ours
    else:
        assert ours == theirs


def memory(x: Any) -> list[Any]:
    """The arrays of more than no axes in a result, as ndarrays on their memory."""
    if isinstance(x, (tuple, list)):
        return [a for item in x for a in memory(item)]
    return [np.asarray(x)] if isinstance(x, (np.ndarray, Handle)) and x.ndim else []


def shared(outcome: Outcome) -> list[list[str]]:
    """Of which arguments each array of the result shares the memory."""
    mine = {name: memory(x) for name, x in outcome.given.items()}
    return [
        [name for name, xs in mine.items() if any(np.shares_memory(array, x) for x in xs)]
        for array in memory(outcome.value)
    ]


def same_outcome(ours: Outcome, theirs: Outcome, exact: bool, kinds: tuple[type, ...]) -> None:
    """Asserts that two calls did the same, but that ours may put a name before a message."""
    if theirs.error or ours.error:
        assert type(ours.error) is type(theirs.error), f"{ours.error!r} not {theirs.error!r}"
        assert str(theirs.error) in str(ours.error), f"{ours.error} not {theirs.error}"
    else:
        same_value(ours.value, theirs.value, exact, kinds)
    assert ours.warned == theirs.warned
    for name, x in theirs.given.items():
        if isinstance(x, np.ndarray):
            same_array(ours.given[name], x, exact)


def same_identity(ours: Outcome, theirs: Outcome) -> None:
    """Asserts that a call returned an argument itself where NumPy does."""
    for name, x in theirs.given.items():
        assert (ours.value is ours.given[name]) == (theirs.value is x), f"not {name} itself"


# ---------------------------------------------------------------- functions

OURS = (tn.TruenoArray,)
EITHER = (tn.TruenoArray, np.ndarray, np.generic)


# Functions that ask ``isinstance(x, numpy.ndarray)`` and no protocol: called by NumPy's own name
# they take TruenoArrays for scalars.
UNDISPATCHED = {
    (f"numpy.polynomial.{module}", prefix + suffix)
    for module, prefix in PREFIXES.items()
    for suffix in ("val", "grid2d", "grid3d", "valfromroots")
}
UNDISPATCHED |= {("numpy.testing", name) for name in ("assert_equal", "assert_almost_equal")}
UNDISPATCHED |= {("numpy.char", name) for name in ("array", "asarray")}
UNDISPATCHED |= {("numpy", "frombuffer")}  # asks for bytes without their format: see buffer.c
# Functions of numpy that copy what is not ours: numpy.asarray shares an ndarray's memory.
COPYING = {"asarray", "asanyarray"}


def dispatches(module: str, line: str) -> bool:
    """Whether NumPy asks the arguments' classes: there are some, and the function asks."""
    name, _, arguments = line.partition("(")
    f = getattr(module_of("numpy", module), name)
    asks = isinstance(f, np.ufunc) or hasattr(f, "_implementation")
    return asks and bool(named(arguments))


@pytest.mark.parametrize("module", RECIPES)
def test_every_function_has_a_recipe(module: str) -> None:
    names = set(functions(module))
    known = {name for m, name in BY_FUNCTION if m == module}
    excused = set(NO_ARRAYS.get(module, "").split())
    assert names - known == excused
    assert known <= names


def differences(module: str, line: str, exact: bool) -> Iterator[str]:
    """How the outcomes of a line differ from NumPy's: NumPy called with our arrays, our namespace
    with our arrays, with ndarrays, and with lists."""
    asks = dispatches(module, line)
    name = line.partition("(")[0]
    ours_only = EITHER if module in ("numpy.testing", "numpy.ctypeslib") else OURS
    theirs = run(line, "numpy", module, np.copy)
    calls = [
        ("numpy", tn.asarray, OURS if asks and "out=np." not in line else EITHER),
        ("trueno", tn.asarray, ours_only),
        ("trueno", np.copy, EITHER if "out=" in line else ours_only),
        ("trueno", np.ndarray.tolist, ours_only),
    ]
    for root, convert, kinds in calls:
        if root == "numpy" and (module, name) in UNDISPATCHED:
            continue
        if convert is np.ndarray.tolist:
            theirs = run(line, "numpy", module, convert)
            if theirs.error:
                continue
        ours = run(line, root, module, convert)
        try:
            same_outcome(ours, theirs, exact, kinds)
            if convert is tn.asarray and (asks or (root == "trueno" and kinds is OURS)):
                same_identity(ours, theirs)
            if convert is not np.ndarray.tolist and not (convert is np.copy and name in COPYING):
                assert shared(ours) == shared(theirs), "a view, or a copy, where NumPy is not"
        except AssertionError as error:
            yield f"{root}: {line}: {convert.__name__}: {error}"


def check(module: str, name: str, exact: bool) -> None:
    found = [d for line in BY_FUNCTION[module, name] for d in differences(module, line, exact)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("module", "name"), BY_FUNCTION)
def test_function(module: str, name: str) -> None:
    check(module, name, exact=True)


@pytest.mark.slow
@pytest.mark.parametrize(("module", "name"), BY_FUNCTION)
def test_function_on_simd(module: str, name: str) -> None:
    with tn.config(backend="simd", threshold=0):
        check(module, name, exact=False)


# ---------------------------------------------------------------- methods

# What a class of arrays says of itself to Python and to NumPy's C code; what subclasses of ndarray
# need; and what differs on purpose: Trueno's devices, and its arrays of no axes, which hash as
# NumPy's scalars do.
NOT_CALLED = {
    "__array_finalize__", "__hash__", "__repr__", "device", "to_device", "dump",
    "__class__", "__delattr__", "__dir__", "__doc__", "__getattribute__", "__getstate__",
    "__init__", "__init_subclass__", "__new__", "__reduce__", "__setattr__", "__subclasshook__",
    "__array_function__", "__array_ufunc__", "__array_priority__", "__dlpack__",
    "__dlpack_device__", "__setstate__", "__buffer__", "__release_buffer__", "__weakref__",
}  # fmt: skip
METHODS = lines("methods")


def method_differences(line: str, exact: bool) -> Iterator[str]:
    theirs = run(line, "numpy", None, np.copy)
    ours = run(line, "numpy", None, tn.asarray)
    try:
        same_outcome(ours, theirs, exact, EITHER if ".__array__" in line else OURS)
        assert shared(ours) == shared(theirs), "a view, or a copy, where NumPy is not"
        same_identity(ours, theirs)
    except AssertionError as error:
        yield f"{line}: {error}"


def test_the_page_lists_every_function() -> None:
    text = page()
    for module in RECIPES:
        names = functions(module)
        section = text.partition(f"\n## {module}\n")[2].partition("\n## ")[0]
        assert all(f"`{name}`" in section for name in names), module
    assert (kind(np.exp), kind(np.sort), kind(np.linalg.svd)) == ("kernel", "Trueno", "NumPy")


# Methods that Python calls by other names.
SPELLED = {
    "__abs__": "abs(", "__add__": "a + b", "__and__": "m & m", "__bool__": "bool(",
    "__complex__": "complex(", "__contains__": " in a", "__copy__": ".copy(a)",
    "__deepcopy__": ".deepcopy(", "__divmod__": "divmod(", "__rdivmod__": "divmod(7",
    "__eq__": "==", "__ne__": "!=", "__float__": "float(", "__floordiv__": "i // 3",
    "__rfloordiv__": "10 // ", "__format__": "format(", "__ge__": ">=", "__gt__": "a > 1",
    "__le__": "<=", "__lt__": "a < b", "__getitem__": "a[0]", "__int__": "int(", "__invert__": "~",
    "__iter__": "list(v)", "__len__": "len(a)", "__lshift__": "i << 1", "__rlshift__": "2 << k",
    "__matmul__": "a @ b", "__rmatmul__": "] @ a", "__mod__": "i % 3", "__rmod__": "7 % j",
    "__mul__": "a * b", "__rmul__": "2 * c", "__neg__": "-a", "__or__": "m | m", "__ror__": "6 | k",
    "__pos__": "+a", "__pow__": "a ** 2", "__rpow__": "2 ** v", "__radd__": "2 + i",
    "__rand__": ") & k", "__rsub__": "1 - v", "__sub__": "v - w", "__truediv__": "a / b",
    "__rtruediv__": "1 / a", "__rshift__": "k >> 1", "__rrshift__": "64 >> k", "__xor__": "m ^ m",
    "__rxor__": "6 ^ k", "__str__": "str(a)", "__index__": "[k[2]]",
}  # fmt: skip


def test_every_method_has_a_recipe() -> None:
    text = "\n".join(METHODS)
    missing = [
        name
        for name in dir(np.ndarray)
        if name not in NOT_CALLED
        and SPELLED.get(name, f".{name}") not in text
        and f"'{name}'" not in text
    ]
    assert not missing
    assert all(name in NOT_CALLED or hasattr(tn.TruenoArray, name) for name in dir(np.ndarray))


@pytest.mark.parametrize("line", METHODS)
def test_method(line: str) -> None:
    assert not list(method_differences(line, exact=True))


@pytest.mark.slow
@pytest.mark.parametrize("line", METHODS)
def test_method_on_simd(line: str) -> None:
    with tn.config(backend="simd", threshold=0):
        assert not list(method_differences(line, exact=False))
