"""``__array_ufunc__`` and ``__array_function__``: NumPy's calls on our arrays."""

from __future__ import annotations

import contextvars
import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from trueno import engine, scans
from trueno.dispatch import TRANSPOSING_GAIN, elementwise
from trueno.handles import Handle, foreign_buffer, handle_on, wrap, wrap_value
from trueno.handover import call_numpy, host, small_below
from trueno.indexing import getitem
from trueno.ops import BY_UFUNC, OPS, REDUCTIONS, ROUTINES, Op
from trueno.products import PRODUCTS
from trueno.reductions import MOST_SHORT_ROWS, reduce
from trueno.selection import SELECTION_GAIN
from trueno.writes import update

F = Callable[..., Any]

# NumPy function to ours, filled by ``implements``.
IMPLEMENTED: dict[Any, F] = {}

# NumPy functions that write to an argument: the positions (or names) of what they write.
WRITES: dict[Any, tuple[int, str]] = {
    np.copyto: (0, "dst"),
    np.put: (0, "a"),
    np.place: (0, "arr"),
    np.putmask: (0, "a"),
    np.put_along_axis: (0, "arr"),
    np.fill_diagonal: (0, "a"),
    np.nan_to_num: (0, "x"),
}

# Ufuncs of scipy.special that have a row, and whose conditions (none) are the row's.
SCIPY = {"erf": "erf", "erfc": "erfc", "expit": "sigmoid", "cbrt": "cbrt"}

_POW, _SQUARE = OPS["pow"], OPS["square"]

_REDUCE: dict[np.ufunc, Op] = {
    np.add: REDUCTIONS["sum"],
    np.multiply: REDUCTIONS["prod"],
    np.maximum: REDUCTIONS["max"],
    np.minimum: REDUCTIONS["min"],
    np.logical_and: REDUCTIONS["all"],
    np.logical_or: REDUCTIONS["any"],
}


# What tells small calls of ufuncs, and of functions that are not deferred from the threshold on.
SMALL_UFUNCS: dict[Any, bytes] = {ufunc: small_below(op) for ufunc, op in BY_UFUNC.items()}
SMALL_UFUNCS |= {  # those without a row: NumPy does them at any size, and large ones are counted
    f: small_below(None)
    for f in vars(np).values()
    if isinstance(f, np.ufunc) and f not in BY_UFUNC and f.nout == 1 and f.signature is None
}
SMALL_FUNCTIONS: dict[Any, bytes] = dict.fromkeys(
    scans.FUNCTIONS, small_below(None, ROUTINES["accumulate"].gain)
)
SMALL_FUNCTIONS |= {
    f: small_below(op, short_rows=0 if op.types is None else MOST_SHORT_ROWS)
    for op, functions in (
        *[(op, (op.meaning,)) for op in REDUCTIONS.values()],
        (REDUCTIONS["sum"], (np.mean, np.var, np.std)),
    )
    for f in functions
}
SMALL_FUNCTIONS[np.copy] = small_below(None, TRANSPOSING_GAIN)
SMALL_FUNCTIONS[np.where] = small_below(OPS["where"], at=-1)
SMALL_FUNCTIONS[getitem] = small_below(None, SELECTION_GAIN)  # ... for the index

# Functions that reduce all elements of a small array with a ufunc's own loop: whether they are sums
# (which begin at zero), and whether they divide by how many there are.
SMALL_REDUCTIONS = [
    (np.sum, np.add, True, False), (np.mean, np.add, True, True),
    (np.max, np.maximum, False, False), (np.min, np.minimum, False, False),
    (np.any, np.logical_or, False, False), (np.all, np.logical_and, False, False),
]  # fmt: skip


def implements(*numpy_functions: Any, gain: int = 1) -> Callable[[F], F]:
    """Registers a function as what ``__array_function__`` calls for NumPy's.

    gain: how many times fewer elements than the threshold make our function the faster one
    """

    def register(f: F) -> F:
        for numpy_function in numpy_functions:
            IMPLEMENTED[numpy_function] = f
            if gain != 1:
                SMALL_FUNCTIONS[numpy_function] = small_below(None, gain)
        return f

    return register


def _takes(x: Any) -> bool:
    """Whether we compute with ``x``; other array libraries' objects get their own turn."""
    if isinstance(x, Handle):
        return True
    override = getattr(type(x), "__array_ufunc__", np.ndarray.__array_ufunc__)
    return override is np.ndarray.__array_ufunc__ or isinstance(x, np.generic)


# Libraries that take our arrays once they know them, while they have not met one.
_STRANGERS = {"dask"}


def _introduced(kind: type) -> bool:
    """Whether the library of an array class is one that knows our arrays from now on."""
    library = kind.__module__.partition(".")[0]
    if library not in _STRANGERS:
        return False
    _STRANGERS.remove(library)
    importlib.import_module("trueno.dask").register()
    return True


def array_ufunc(self: Handle, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """``TruenoArray.__array_ufunc__`` where operands are not small: every method of a ufunc."""
    op = BY_UFUNC.get(ufunc) if method == "__call__" else None
    if op is None and method == "__call__" and not kwargs and ufunc.__name__ in SCIPY:
        op = _scipy_row(ufunc, inputs[0])
        if op is not None and ufunc not in SMALL_UFUNCS:
            SMALL_UFUNCS[ufunc] = small_below(op)
            return ufunc(*inputs)
    out = kwargs.get("out", ())
    for x in (*inputs, *out):
        if not _takes(x) and x is not None:
            if _introduced(type(x)):
                return getattr(ufunc, method)(*inputs, **kwargs)
            if hasattr(
                type(x), "__pandas_priority__"
            ):  # pandas leaves us the call, knowing ndarrays
                f = ufunc if method == "__call__" else getattr(ufunc, method)
                return call_numpy(f, inputs, kwargs, reason=f"operand of {type(x).__name__}")
            return NotImplemented
    if op is not None and _arrays_only(inputs):
        if not kwargs:
            if op is _POW and _is_two(inputs[1]) and _dtype(inputs[0]).kind in "iuf":
                return elementwise(_SQUARE, inputs[0])  # as NumPy's own loop does
            return elementwise(op, *inputs)
        if len(kwargs) == 1 and len(out) == 1 and isinstance(out[0], Handle):
            return update(op, out[0], *inputs)
    if method == "reduce" and ufunc in _REDUCE and isinstance(inputs[0], Handle):
        return _reduce(ufunc, inputs, kwargs)
    implementation = PRODUCTS.get(ufunc)
    if implementation is not None and method == "__call__" and not kwargs and _arrays_only(inputs):
        return implementation(*inputs)
    if method == "accumulate" and ufunc in scans.NAMES and isinstance(inputs[0], Handle):
        return _accumulate(ufunc, inputs, kwargs)
    f = ufunc if method == "__call__" else getattr(ufunc, method)
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    writes = (inputs[0],) if method == "at" else ()
    if len(out) == 1:
        kwargs["out"] = out[0]
    reason = "arguments" if kwargs else "no kernel"
    return call_numpy(f, inputs, kwargs, name=name, reason=reason, writes=writes)


def _scipy_row(ufunc: np.ufunc, x: Any) -> Op | None:
    """The row of a ufunc of SciPy, in the dtypes that SciPy and the row promote alike."""
    scipys = getattr(sys.modules.get("scipy.special._ufuncs"), ufunc.__name__, None)
    alike = isinstance(x, Handle) and x._array.dtype.char in "fd"
    return OPS[SCIPY[ufunc.__name__]] if ufunc is scipys and alike else None


def _dtype(x: Any) -> np.dtype[Any]:
    return x.dtype if isinstance(x, (Handle, np.ndarray)) else np.asarray(x).dtype


def _is_two(x: Any) -> bool:
    return type(x) is int and x == 2


def _arrays_only(inputs: tuple[Any, ...]) -> bool:
    """Whether no operand is a subclass of ndarray, whose class NumPy's result would take."""
    return all(not isinstance(x, np.ndarray) or type(x) is np.ndarray for x in inputs)


def _accumulate(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    def numpy(reason: str) -> Any:
        name = f"{ufunc.__name__}.accumulate"
        return call_numpy(ufunc.accumulate, inputs, kwargs, name=name, reason=reason)

    given = dict(zip(("axis", "dtype", "out"), inputs[1:], strict=False)) | kwargs
    out = given.get("out")
    if isinstance(out, tuple) and len(out) == 1:
        out = out[0]
    if out is not None or inputs[0].ndim == 0 or not given.keys() <= {"axis", "dtype", "out"}:
        return numpy("arguments")
    return scans.accumulate(
        ufunc, inputs[0], given.get("axis", 0), given.get("dtype"), False, numpy
    )


def _reduce(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, *positional = inputs
    given = dict(
        zip(("axis", "dtype", "out", "keepdims", "initial", "where"), positional, strict=False)
    )
    given.update(kwargs)
    given.setdefault("axis", 0)
    out = given.pop("out", None)
    if isinstance(out, tuple):
        out = out[0]
    if out is not None:
        given["out"] = out
    op = _REDUCE[ufunc]
    plain = given.keys() <= {"axis", "dtype", "keepdims"} and x.dtype.kind != "O"
    if plain and (given.get("dtype") is None or op.name in ("sum", "prod")):
        return reduce(op, x, given["axis"], given.get("dtype"), bool(given.get("keepdims", False)))
    name = f"{ufunc.__name__}.reduce"
    return call_numpy(ufunc.reduce, (x,), given, name=name, reason="arguments")


def array_function(self: Handle, f: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """``TruenoArray.__array_function__`` where arrays are not small: ours, or NumPy's, counted."""
    ours = self.result_class
    for kind in types:
        if kind is not ours and kind is not np.ndarray:
            # A subclass of ndarray has its own meaning of every function; others have their turn.
            if issubclass(kind, np.ndarray):
                return call_function(f, args, kwargs)
            return f(*args, **kwargs) if _introduced(kind) else NotImplemented
    implementation = IMPLEMENTED.get(f)
    if implementation is not None:
        return implementation(*args, **kwargs)
    return call_function(f, args, kwargs)


def call_function(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A NumPy function carried out by NumPy, on arguments of which some may be ours."""
    writes: tuple[Any, ...] = ()
    if f in WRITES:
        at, name = WRITES[f]
        writes = (args[at] if len(args) > at else kwargs.get(name),)
    return call_numpy(f, args, kwargs, writes=writes, reason="computed by NumPy")


# Functions that convert what others have; all other functions are theirs, on their arrays.
_CONVERSIONS = (np.array, np.asarray)


def others(f: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
    """A NumPy function on arrays of which some are not ours, nor ndarrays exactly: masked arrays,
    matrices, arrays of other libraries. NumPy's protocols decide what it means."""
    kwargs = kwargs or {}
    if f in _CONVERSIONS:
        return IMPLEMENTED[f](*args, **kwargs)
    return _taken_over(f(*args, **kwargs))


def _taken_over(x: Any) -> Any:
    """What NumPy returned, with ndarrays in it as handles: on shared memory if they own none."""
    if type(x) is np.ndarray:
        return wrap(x) if x.base is None else handle_on(x, foreign_buffer(x))
    if isinstance(x, np.generic):
        return wrap_value(x)
    if isinstance(x, tuple):
        items = [_taken_over(item) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else tuple(items)
    return [_taken_over(item) for item in x] if type(x) is list else x


def evaluate(*arrays: Any) -> Any:
    """Computes pending arrays, all in one plan, without converting them.

    Returns the array, or a tuple of them if there are several. Other objects pass through.

    >>> import trueno as tn
    >>> x = tn.ones((2000, 1000)) + 1
    >>> tn.evaluate(x) is x
    True
    """
    nodes = []
    for x in arrays:
        if isinstance(x, Handle):
            node = x._node
            if node is None and (buffer := x._buffer) is not None:
                node = buffer.node
            if node is not None:
                nodes.append(node)
    engine.evaluate(nodes)
    return arrays[0] if len(arrays) == 1 else arrays


async def evaluate_async(*arrays: Any) -> Any:
    """``evaluate`` for event loops: other tasks run until the arrays are computed, on a GPU too.

    The settings are those of the call.
    """

    def work() -> Any:
        result = evaluate(*arrays)
        buffers = [x._buffer for x in arrays if isinstance(x, Handle)]
        if any(buffer is not None and not buffer.host_valid for buffer in buffers):
            gpu = engine.backend("wgpu")
            if gpu is not None:
                gpu.synchronize()
        return result

    loop = importlib.import_module("asyncio").get_running_loop()
    return await loop.run_in_executor(None, contextvars.copy_context().run, work)


def to_numpy(x: Any) -> Any:
    """The array's current contents as a new ndarray."""
    return np.array(host(x))
