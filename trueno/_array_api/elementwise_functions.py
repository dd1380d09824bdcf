"""Element-wise functions (the standard's chapter "Element-wise Functions").

Generated from the operation table, one for each row of the groups "standard" and "numpy"; the few
that are written out here take arguments of their own. All follow NumPy's promotion and
broadcasting: operands are arrays, sequences or Python scalars; the result has the broadcast shape.
TypeError says that there is no loop for the dtypes, ValueError that shapes do not broadcast.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from trueno._array_api._support import NO_VALUE, call, given, implements, viewed
from trueno._handle import public
from trueno.dispatch import elementwise
from trueno.handles import Handle, scalar, wrap
from trueno.handover import at_once, call_numpy, small_array
from trueno.ops import OPS, Op
from trueno.writes import update

# Of which NumPy deprecates a third argument, an output, without its name.
_EXTREMES = (np.maximum, np.minimum)
_SPECIAL = frozenset(("round", "clip", "expm1", "tanh", "where", "cast"))
# Whose protocol is asked, whatever the operands are.
_NO_ARRAY: Any = wrap(np.empty(0))
# How many arguments they take by position at most.
_UFUNC_METHODS = {"reduce": 7, "accumulate": 4, "outer": 2, "reduceat": 5, "at": 3}
_UFUNC_ATTRIBUTES = (
    "identity", "nargs", "nin", "nout", "ntypes", "resolve_dtypes", "signature", "types",
    "_get_strided_loop", "_resolve_dtypes_and_context",
)  # fmt: skip


def _signature(ufunc: np.ufunc) -> inspect.Signature:
    """``(x1, x2, /, out=None, *, where=True, ...)``, as NumPy's ufuncs have it."""
    names = ["x"] if ufunc.nin == 1 else [f"x{i + 1}" for i in range(ufunc.nin)]
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names]
    parameters.append(
        inspect.Parameter("out", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)
    )
    options: dict[str, Any] = {} if ufunc.signature else {"where": True}
    options |= {"casting": "same_kind", "order": "K", "dtype": None, "subok": True}
    options |= {"signature": None}
    if ufunc.signature:  # over whole vectors or matrices
        options |= {"axes": None} | ({"axis": -1} if ufunc.signature == "(n),(n)->()" else {})
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value)
        for name, value in options.items()
    ]
    return inspect.Signature(parameters)


def call_ufunc(ufunc: np.ufunc, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``ufunc`` (or a method of it) the way NumPy calls it on our arrays, on any operands."""
    out = kwargs.get("out")
    if out is None and (ufunc.nout == 1 or "out" not in kwargs):
        kwargs.pop("out", None)
    elif not isinstance(out, tuple) and ufunc.nout == 1:
        kwargs["out"] = (out,)
    elif not isinstance(out, tuple) or any(x is ... for x in out):
        f = ufunc if method == "__call__" else getattr(ufunc, method)
        return call_numpy(f, args, kwargs)  # NumPy's TypeError, or out=...
    result = _NO_ARRAY.__array_ufunc__(ufunc, method, *args, **kwargs)
    if result is NotImplemented:  # another library's array: its own protocol decides
        return (ufunc if method == "__call__" else getattr(ufunc, method))(*args, **kwargs)
    return result


_DOC = """As ``numpy.{}``, element by element; deferred and fused where a kernel exists.

Operands (arrays, sequences, Python scalars) broadcast together and promote by NumPy's rules. Raises
TypeError where NumPy has no loop for their dtypes and ValueError where shapes do not broadcast."""


def from_ufunc(ufunc: np.ufunc, name: str) -> Callable[..., Any]:
    """The function of our namespace for a NumPy ufunc, with the ufunc's attributes."""
    nin = ufunc.nin
    positional = nin + ufunc.nout

    def function(*args: Any, **kwargs: Any) -> Any:
        if not nin <= len(args) <= positional or (len(args) > nin and "out" in kwargs):
            return call_numpy(ufunc, args, kwargs, name=name)  # NumPy's TypeError
        if any(x is ... for x in args[nin:]):
            return call_numpy(ufunc, args, kwargs, name=name)  # NumPy's TypeError
        if len(args) > nin and ufunc in _EXTREMES:
            return call_numpy(ufunc, args, kwargs, name=name, writes=args[nin:])
        if len(args) > nin:
            kwargs["out"] = args[nin:] + (None,) * (positional - len(args))
            args = args[:nin]
        return call_ufunc(ufunc, "__call__", args, kwargs)

    _name(function, name, _signature(ufunc), _DOC.format(ufunc.__name__))
    function.ufunc = ufunc  # type: ignore[attr-defined]
    for attribute in _UFUNC_ATTRIBUTES:
        setattr(function, attribute, getattr(ufunc, attribute))
    for method in _UFUNC_METHODS:
        setattr(function, method, public(_ufunc_method(ufunc, name, method), "trueno"))
    return function


def _ufunc_method(ufunc: np.ufunc, name: str, method: str) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        if not args or ufunc.signature or len(args) > _UFUNC_METHODS[method]:
            return call_numpy(getattr(ufunc, method), args, kwargs)  # NumPy's error
        return call_ufunc(ufunc, method, args, kwargs)

    function.__name__ = method
    function.__qualname__ = f"{name}.{method}"
    function.__doc__ = f"As ``numpy.{ufunc.__name__}.{method}``."
    return function


def _name(f: Any, name: str, signature: inspect.Signature, doc: str) -> None:
    f.__name__ = f.__qualname__ = name
    f.__module__ = "trueno"
    f.__signature__ = signature
    f.__doc__ = doc


def from_row(op: Op, doc: str) -> Callable[..., Any]:
    """The function of our namespace for a row of the table whose meaning is no ufunc."""
    names = ["x"] if op.nin == 1 else [f"x{i + 1}" for i in range(op.nin)]

    def function(*args: Any) -> Any:
        if len(args) != len(names):
            raise TypeError(f"trueno.{op.name}: takes {len(names)} operands, not {len(args)}")
        return elementwise(op, *args)

    kind = inspect.Parameter.POSITIONAL_ONLY
    signature = inspect.Signature([inspect.Parameter(name, kind) for name in names])
    _name(function, op.name, signature, doc)
    return function


# Every function that is generated: name to callable.
GENERATED: dict[str, Callable[..., Any]] = {
    op.name: from_ufunc(op.meaning, op.name)
    for op in OPS.values()
    if isinstance(op.meaning, np.ufunc) and op.name not in _SPECIAL
}
globals().update(GENERATED)


@implements(np.real)
def real(val: Any) -> Any:
    """The real parts: a view for complex arrays, others themselves."""
    if not hasattr(val, "__array__") and hasattr(val, "real"):
        return val.real  # a Python number's
    return (scalar(val) if isinstance(val, np.generic) else given(val)).real


@implements(np.imag)
def imag(val: Any) -> Any:
    """The imaginary parts: a view for complex arrays, read-only zeros for real ones."""
    if not hasattr(val, "__array__") and hasattr(val, "imag"):
        return val.imag  # a Python number's
    return viewed(
        scalar(val) if isinstance(val, np.generic) else val, lambda array: array.imag, "imag"
    )


@implements(np.round, np.around)
def round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    """Rounded to ``decimals`` places (negative: before the point), ties to even; same dtype."""
    x = given(a)
    if out is not None or decimals or x.dtype.kind not in "fciu":
        return call(np.round, x, decimals, out)
    if x.dtype.kind in "iu":
        return x.copy("K")
    array = small_array(x)
    if array is not None:
        return at_once("round", np.round, array)
    return elementwise(OPS["round"], x)


def _expm1_complex(z: Any) -> Any:
    """NumPy's ``expm1``, with the standard's values at zero, infinities and NaN.

    NumPy's formula, expm1(x) cos(y) - 2 sin(y/2)**2, multiplies infinity by zero there, where
    exp(z) - 1 does not; and of a real part -0 the standard wants 0.
    """
    with np.errstate(invalid="ignore"):
        result = np.asarray(np.expm1(z))
        special = ~np.isfinite(z)
        if special.any():
            power = np.exp(z[special])
            result.real[special] = power.real - 1
            result.imag[special] = power.imag
    result.real[np.asarray(z == 0)] = 0
    return result


def _tanh_complex(z: Any) -> Any:
    """NumPy's ``tanh``, but that at infinity the zero's sign is that of the imaginary part.

    So the standard; C99's and NumPy's sign is that of sin(2y).
    """
    result = np.asarray(np.tanh(z))
    at_infinity = np.asarray(np.isinf(z.real) & np.isfinite(z.imag))
    result.imag[at_infinity] = np.copysign(0, z.imag[at_infinity])
    return result


def _strict(ufunc: np.ufunc, complex_values: Callable[[Any], Any], doc: str) -> Callable[..., Any]:
    """The function for a ufunc whose values for complex numbers the standard sees differently."""
    name = ufunc.__name__
    plain = from_ufunc(ufunc, name)

    @functools.wraps(plain)
    def function(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            x = given(args[0])
            if x.dtype.kind == "c":
                return call_numpy(complex_values, (x,), name=name)
        return plain(*args, **kwargs)

    function.__doc__ = doc
    return function


expm1 = _strict(
    np.expm1, _expm1_complex, "exp(x) - 1 without cancellation near 0, element by element."
)
tanh = _strict(np.tanh, _tanh_complex, "The hyperbolic tangent, element by element.")


@implements(np.clip)
def clip(
    a: Any,
    min: Any = None,
    max: Any = None,
    out: Any = None,
    *,
    a_min: Any = NO_VALUE,
    a_max: Any = NO_VALUE,
    **kwargs: Any,
) -> Any:
    """Values below ``min`` become ``min``, then those above ``max`` become ``max``; None: no bound.

    The bounds broadcast with the array. Other keywords are a ufunc's.
    """
    low = min if a_min is NO_VALUE else a_min
    high = max if a_max is NO_VALUE else a_max
    x = given(a)
    if kwargs or x.dtype.kind not in "iuf":
        return call(np.clip, x, low, high, out, **kwargs)
    if x.dtype.kind in "iu":  # as NumPy: a Python integer out of the dtype's range bounds nothing
        limits = np.iinfo(x.dtype)
        if type(low) is int and low <= limits.min:
            low = None
        if type(high) is int and high >= limits.max:
            high = None
    if low is None and high is None:
        return _run(OPS["positive"], out, x)
    if low is None:
        return _run(OPS["minimum"], out, x, high)
    if high is None:
        return _run(OPS["maximum"], out, x, low)
    return _run(OPS["clip"], out, x, low, high)


def _run(op: Op, out: Any, *operands: Any) -> Any:
    if out is None:
        return elementwise(op, *operands)
    return (
        update(op, out, *operands)
        if isinstance(out, Handle)
        else call(op.meaning, *operands, out=out)
    )


__all__ = ["clip", "expm1", "imag", "real", "round", "tanh"]
__all__ += [name for name in GENERATED if OPS[name].group == "standard"]
