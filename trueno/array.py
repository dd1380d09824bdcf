"""TruenoArray: the array that users hold."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable
from enum import Enum
from types import GenericAlias, ModuleType
from typing import Any

import numpy as np

from trueno import arrow, dispatch, engine, operators, ordering, protocols
from trueno._handle import bind, method
from trueno.config import SETTINGS
from trueno.dispatch import Refused
from trueno.errors import named
from trueno.exposed import Exposed
from trueno.handles import (
    Handle,
    buffer_of,
    export,
    handle_on,
    pooled,
    scalar,
    wrap,
    wrap_value,
)
from trueno.handover import call_numpy, host, rewrap
from trueno.indexing import getitem, setitem, view_of
from trueno.memory import POOLED_FROM, NDArray, release, same_elements
from trueno.operators import foreign_operand, takes
from trueno.ops import BY_UFUNC, OPS
from trueno.reductions import reduce

_ndarray = np.ndarray

# NumPy 2.0 exports unversioned capsules only.
_OLD_DLPACK = np.lib.NumpyVersion(np.__version__) < "2.1.0"
API_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12")
DEVICES = ("auto", "cpu", "gpu")
_ORDERS = ("K", "C", "F", "A")


def _method(name: str, writes: bool = False) -> Callable[..., Any]:
    """An ndarray method that NumPy carries out on the host."""
    f = getattr(_ndarray, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return call_numpy(f, (self, *args), kwargs, name=name, writes=(self,) if writes else ())

    method.__name__ = name
    method.__doc__ = f"As :meth:`numpy.ndarray.{name}`."
    return method


def _function(f: Callable[..., Any]) -> Callable[..., Any]:
    """A method that is NumPy's function of the same name."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return f(self, *args, **kwargs)

    method.__name__ = f.__name__
    method.__doc__ = f"As :meth:`numpy.ndarray.{f.__name__}`; in C, with threads, where it pays."
    return method


_SUM = ("axis", "dtype", "out", "keepdims", "initial", "where")
_MAX = ("axis", "out", "keepdims", "initial", "where")
_ANY = ("axis", "out", "keepdims")
_ARG = ("axis", "out")


def _reduction(name: str, parameters: tuple[str, ...]) -> Callable[..., Any]:
    """A reducing method; ``parameters`` names what ndarray's takes by position."""
    op = OPS[name]
    f = getattr(_ndarray, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = dict(zip(parameters, args, strict=False))
        if len(args) > len(parameters) or not given.keys().isdisjoint(kwargs):
            return call_numpy(f, (self, *args), kwargs)  # NumPy's TypeError
        given.update(kwargs)
        if given.get("out", 0) is None:
            del given["out"]
        if "dtype" in given and "dtype" not in parameters:
            return call_numpy(f, (self,), given)
        return reduce(op, self, **given)

    method.__name__ = name
    method.__doc__ = f"As :meth:`numpy.ndarray.{name}`; deferred and fused where a kernel exists."
    return method


class TruenoArray(Exposed):
    """An n-dimensional array whose operations run fused, in SIMD C or on a GPU, once large.

    Made by ``trueno.asarray`` and the other creation functions. It answers NumPy's protocols and
    the Python array API standard (2025.12); values, shapes, dtypes, errors, warnings are NumPy's.
    Calls on large arrays are deferred until a value is observed: converted, printed, indexed by
    data, exported, or asked for with ``trueno.evaluate``.
    """

    __slots__ = ()

    __array_priority__ = 1000.0
    __class_getitem__: Any = classmethod(GenericAlias)  # TruenoArray[Any, dtype] in annotations

    def __new__(cls, *_: Any, **__: Any) -> TruenoArray:
        raise TypeError(f"{cls.__name__}: make arrays with trueno.asarray, zeros, arange, ...")

    # ------------------------------------------------------------ attributes

    @property
    def flags(self) -> Any:
        """Memory layout, as ``numpy.ndarray.flags``."""
        self._perform_writes()  # flags can be set, and then the writes could not happen
        return self._array.flags

    def _perform_writes(self) -> None:
        if self._buffer is not None:
            engine.materialise(self._buffer)

    @property
    def base(self) -> Any:
        """The array whose memory this one shows another view of; None if it is its own."""
        buffer = self._buffer
        if buffer is None or buffer.whole is None:
            return None
        owner = None if buffer.owner is None else buffer.owner()
        if owner is not None and same_elements(owner._array, buffer.whole) and owner is not self:
            return owner
        if same_elements(self._array, buffer.whole):
            return self._array.base if buffer.foreign else None
        return handle_on(buffer.whole, buffer)

    @property
    def T(self) -> TruenoArray:
        """The transpose (axes reversed), a view."""
        return self.transpose()

    @property
    def mT(self) -> TruenoArray:
        """The matrix transpose (last two axes swapped), a view. ValueError under two axes."""
        return view_of(self, lambda a: a.mT, "mT")

    @property
    def real(self) -> TruenoArray:
        """The real part: a view for complex arrays, others themselves."""
        if self.dtype.kind != "c":
            return self
        return view_of(self, lambda a: a.real, "real")

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> TruenoArray:
        """The imaginary part: a view for complex arrays, read-only zeros otherwise."""
        return view_of(self, lambda a: a.imag, "imag")

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError("trueno.imag: array does not have imaginary part to set")
        self.imag[...] = value

    @property
    def device(self) -> str:
        """Where the array is pinned: "cpu" or "gpu"; "auto" if Trueno chooses."""
        return "auto" if self._buffer is None else self._buffer.pin

    def to_device(self, device: str, /, *, stream: Any = None) -> TruenoArray:
        """This array pinned to "cpu" or "gpu", or to nothing ("auto").

        Returns the array itself if it is there already, a copy otherwise. Raises ValueError for an
        unknown device, one that this machine lacks, or a ``stream``.
        """
        if stream is not None:
            raise ValueError("trueno.to_device: streams are not supported; stream must be None")
        check_device(device, "to_device")
        if device == self.device:
            return self
        moved: TruenoArray = wrap(host(self).copy(order="K"))
        pin(moved, device)
        return moved

    # ------------------------------------------------------------ conversion

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> NDArray:
        if copy or (dtype is not None and np.dtype(dtype) != self._array.dtype):
            return np.array(host(self), dtype=dtype, copy=copy)
        if self._scalar and copy is None:
            return host(self).copy()
        return export(self)

    def to_numpy(self) -> NDArray:
        """An ndarray over the memory, with current contents: what ``numpy.asarray`` gives.

        Matplotlib asks for it, as of others' arrays.
        """
        return np.asarray(self)

    def __arrow_c_array__(self, requested_schema: Any = None) -> tuple[Any, Any]:
        """Arrow's PyCapsule interface: one axis of numbers, shared; of bool, copied.

        ``requested_schema`` is a wish that need not be met. TypeError for other arrays.
        """
        return arrow.export(export(self))

    def __array_wrap__(
        self, array: NDArray, context: Any = None, return_scalar: bool = False
    ) -> Any:
        """What NumPy makes of a result that it has computed from this array's elements."""
        if not return_scalar or array.ndim:
            return rewrap(array, [self])
        value = host(array)[()]
        return value if SETTINGS.get().dropin else scalar(value)

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        if api_version is not None and api_version not in API_VERSIONS:
            raise ValueError(
                f"trueno.__array_namespace__: version {api_version!r} is not among {API_VERSIONS}"
            )
        return sys.modules["trueno"]

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        if dl_device is not None and dl_device != self.__dlpack_device__():
            raise BufferError(
                f"trueno.__dlpack__: the data are on the CPU {self.__dlpack_device__()}, "
                f"not on device {dl_device}; copy them there first"
            )
        exported = host(self).copy() if copy else export(self)
        versioned: dict[str, Any] = {}
        if max_version is not None and not _OLD_DLPACK:
            versioned["max_version"] = max_version
        try:
            return exported.__dlpack__(stream=stream, **versioned)
        except Exception as error:
            raise named(error, "__dlpack__") from None

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._array.__dlpack_device__()

    def __bytes__(self) -> bytes:
        return self.tobytes()

    def __complex__(self) -> complex:
        return complex(host(self))

    def __hash__(self) -> int:
        if self._array.ndim:
            raise TypeError("unhashable type: 'TruenoArray'")
        return hash(host(self)[()])

    def __contains__(self, value: Any) -> bool:
        return host(value) in host(self)

    def __repr__(self) -> str:
        array = host(self)
        return repr(array) if SETTINGS.get().dropin else _renamed_repr(array)

    def __str__(self) -> str:
        return str(host(self))

    def _repr_html_(self) -> str:
        """For notebooks: the elements, shape, dtype and place; the plan, if it is computed now."""
        explanation = importlib.import_module("trueno.explanation")
        html: str = explanation.array_html(self)
        return html

    def __format__(self, spec: str) -> str:
        array = host(self)
        return format(array if array.ndim else array[()], spec)

    def __round__(self, ndigits: int | None = None) -> Any:
        array = host(self)
        if array.ndim:
            raise TypeError(
                f"type {type(self).__name__} doesn't define __round__ method for ndim {array.ndim}"
            )
        return array[()].__round__(ndigits)

    def __copy__(self) -> TruenoArray:
        return self.copy("K")

    def __deepcopy__(self, memo: dict[int, Any]) -> TruenoArray:
        copied: TruenoArray = wrap(host(self).__deepcopy__(memo))
        if self.device != "auto":
            pin(copied, self.device)
        return copied

    def __reduce__(self) -> Any:
        return _rebuild, (np.array(host(self)), self.device)

    def __sizeof__(self) -> int:
        """The memory behind the elements once, however often strides of zero repeat them."""
        array = self._array
        apart = zip(array.shape, array.strides, strict=True)
        elements = math.prod(1 if step == 0 else n for n, step in apart)
        return object.__sizeof__(self) + elements * array.itemsize

    def __dask_tokenize__(self) -> Any:
        """Dask's name for the contents. Dask asks before it looks up what to do with our class."""
        dask = importlib.import_module("trueno.dask")
        dask.register()
        return dask.token(host(self), self.device)

    # ------------------------------------------------------------ operators

    def __divmod__(self, other: Any) -> Any:
        if not takes(other):
            return foreign_operand(divmod, self, other)
        return call_numpy(np.divmod, (self, other))

    def __rdivmod__(self, other: Any) -> Any:
        if not takes(other):
            return foreign_operand(divmod, other, self)
        return call_numpy(np.divmod, (other, self))

    # ------------------------------------------------------------ methods with kernels or views

    sum = _reduction("sum", _SUM)
    prod = _reduction("prod", _SUM)
    max = _reduction("max", _MAX)
    min = _reduction("min", _MAX)
    all = _reduction("all", _ANY)
    any = _reduction("any", _ANY)
    argmax = _reduction("argmax", _ARG)
    argmin = _reduction("argmin", _ARG)

    def mean(self, *args: Any, **kwargs: Any) -> Any:
        """As :meth:`numpy.ndarray.mean`; deferred and fused where a kernel exists."""
        return np.mean(self, *args, **kwargs)

    def var(self, *args: Any, **kwargs: Any) -> Any:
        """As :meth:`numpy.ndarray.var`; deferred and fused where a kernel exists."""
        return np.var(self, *args, **kwargs)

    def std(self, *args: Any, **kwargs: Any) -> Any:
        """As :meth:`numpy.ndarray.std`; deferred and fused where a kernel exists."""
        return np.std(self, *args, **kwargs)

    def clip(self, min: Any = None, max: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """As :meth:`numpy.ndarray.clip`; deferred and fused where a kernel exists."""
        return np.clip(self, min, max, out, **kwargs)

    def round(self, decimals: int = 0, out: Any = None) -> Any:
        """As :meth:`numpy.ndarray.round`; deferred and fused where a kernel exists."""
        return np.round(self, decimals, out)

    def conj(self, out: Any = None) -> Any:
        """The complex conjugate; the array itself if it is of real numbers."""
        kind = self._array.dtype.kind
        if out is not None or kind not in "biufc":
            return call_numpy(_ndarray.conj, (self, *(() if out is None else (out,))))
        return self if kind != "c" else np.conjugate(self)

    conjugate = conj

    def astype(
        self,
        dtype: Any,
        order: Any = "K",
        casting: Any = "unsafe",
        subok: bool = True,  # noqa: ARG002 (NumPy's parameter; there are no subclasses)
        copy: bool = True,
    ) -> Any:
        """A copy in another dtype; the array itself if ``copy`` is False and nothing changes.

        Raises TypeError where ``casting`` ("no" to "unsafe") does not allow it.
        """
        abstract = isinstance(dtype, type) and issubclass(dtype, np.dtype)  # a class of dtypes
        wanted = dtype if abstract else np.dtype(dtype)
        if (
            abstract
            or casting != "unsafe"
            or isinstance(copy, Enum)
            or order not in (_ORDERS if copy else _ORDERS[:1])
        ):
            return call_numpy(
                _ndarray.astype, (self, wanted), {"order": order, "casting": casting, "copy": copy}
            )
        if not copy and wanted == self._array.dtype:
            return self
        return dispatch.astype(self, wanted, order)

    def copy(self, order: Any = "C") -> Any:
        """A copy in new memory, laid out in C order unless ``order`` says otherwise."""
        if order in _ORDERS:
            return dispatch.copy(self, order)
        return call_numpy(_ndarray.copy, (self, order), name="copy")

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """The elements in another shape: a view where possible. ValueError if sizes differ."""
        return view_of(self, lambda a: a.reshape(*shape, **kwargs), "reshape")

    def transpose(self, *axes: Any) -> Any:
        """Axes permuted, a view."""
        return view_of(self, lambda a: a.transpose(*axes), "transpose")

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """Two axes interchanged, a view."""
        return view_of(self, lambda a: a.swapaxes(axis1, axis2), "swapaxes")

    def squeeze(self, axis: Any = None) -> Any:
        """Axes of length one removed, a view. ValueError for a longer axis."""
        return view_of(self, lambda a: a.squeeze(axis), "squeeze")

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """A read-only view of the diagonal."""
        return view_of(self, lambda a: a.diagonal(offset, axis1, axis2), "diagonal")

    def ravel(self, order: Any = "C") -> Any:
        """The elements in one axis: a view where possible."""
        flags = self._array.flags
        apart = not (flags.c_contiguous if order == "C" else flags.f_contiguous)
        if order in ("C", "F") and apart:
            return self.flatten(order)
        return view_of(self, lambda a: a.ravel(order), "ravel")

    def flatten(self, order: Any = "C") -> Any:
        """The elements in one axis, a copy, in the order that ``order`` says."""
        if order not in ("C", "F"):
            return call_numpy(_ndarray.flatten, (self, order), name="flatten")
        return view_of(self.copy(order), lambda a: a.ravel(order), "flatten")

    def view(self, *args: Any, **kwargs: Any) -> Any:
        """A view of the same memory in another dtype; shares what it writes."""
        args = tuple([_class(arg) for arg in args])
        kwargs = {key: _class(value) for key, value in kwargs.items()}
        return view_of(self, lambda a: a.view(*args, **kwargs), "view")

    def getfield(self, dtype: Any, offset: int = 0) -> Any:
        """A view of part of each element's bytes."""
        return view_of(self, lambda a: a.getfield(dtype, offset), "getfield")

    def item(self, *args: Any) -> Any:
        """An element as a Python scalar."""
        return host(self).item(*args)

    def tolist(self) -> Any:
        """Nested lists of Python scalars."""
        return host(self).tolist()

    def tobytes(self, order: Any = "C") -> bytes:
        """The elements' bytes."""
        data: bytes = host(self).tobytes(order)
        return data

    def fill(self, value: Any) -> None:
        """Sets every element to ``value``."""
        if self._array.dtype.kind in "biufc":
            setitem(self, ..., value)
        else:
            call_numpy(_ndarray.fill, (self, value), name="fill", writes=(self,))

    def sort(
        self, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
    ) -> None:
        """Sorts in place, as :meth:`numpy.ndarray.sort`; equal elements keep their order."""
        try:
            if order is not None or kind not in ordering.KINDS or (kind and stable is not None):
                raise Refused("arguments")
            ordering.sort_in_place(self, axis)
            return
        except Refused as refused:
            reason = str(refused)
        kwargs = {"kind": kind, "order": order}
        if stable is not None:
            kwargs["stable"] = stable
        call_numpy(_ndarray.sort, (self, axis), kwargs, name="sort", writes=(self,), reason=reason)

    def setflags(self, write: Any = None, align: Any = None, uic: Any = None) -> None:
        """As :meth:`numpy.ndarray.setflags`."""
        self._perform_writes()
        self._array.setflags(write=write, align=align, uic=uic)

    argpartition = _method("argpartition")
    argsort = _function(np.argsort)
    byteswap = _method("byteswap")
    choose = _method("choose")
    compress = _method("compress")
    cumprod = _method("cumprod")
    cumsum = _method("cumsum")
    dot = _method("dot")
    dump = _method("dump")
    dumps = _method("dumps")
    nonzero = _function(np.nonzero)
    partition = _method("partition", writes=True)
    put = _method("put", writes=True)
    repeat = _function(np.repeat)
    searchsorted = _function(np.searchsorted)
    setfield = _method("setfield", writes=True)
    take = _function(np.take)
    tofile = _method("tofile")
    trace = _method("trace")


def _set_layout(array: TruenoArray, name: str, value: Any) -> None:
    """``array.name = value`` for "shape", "strides" and "dtype", of this handle alone."""

    def changed(a: NDArray) -> NDArray:
        view = a.view()
        setattr(view, name, value)
        return view

    array._array = view_of(array, changed, name)._array


# Methods that are ndarray's own on small arrays: as small as for NumPy's function of that name.
_SMALL_METHODS = (
    *("all", "any", "argmax", "argmin", "argpartition", "argsort", "astype", "byteswap", "choose"),
    *("clip", "compress", "conj", "conjugate", "copy", "cumprod", "cumsum", "diagonal", "dot"),
    *("fill", "flatten", "max", "mean", "min", "nonzero", "partition", "prod", "put", "ravel"),
    *("repeat", "reshape", "round", "searchsorted", "setfield", "sort", "squeeze", "std", "sum"),
    *("swapaxes", "take", "trace", "transpose", "var"),
)
for _name in _SMALL_METHODS:
    _numpys, _others = getattr(_ndarray, _name), vars(TruenoArray)[_name]
    setattr(TruenoArray, _name, method(_numpys, _others, getattr(np, _name, _numpys)))

Handle.result_class = TruenoArray
bind(
    result_class=TruenoArray,
    named=named,
    host=host,
    rewrap=rewrap,
    wrap_value=wrap_value,
    array_ufunc=protocols.array_ufunc,
    array_function=protocols.array_function,
    getitem=getitem,
    setitem=setitem,
    set_layout=_set_layout,
    ufuncs=protocols.SMALL_UFUNCS,
    functions=protocols.SMALL_FUNCTIONS,
    operators=operators.table(),
    reductions=protocols.SMALL_REDUCTIONS,
    square=np.square,
    operations=BY_UFUNC,
    cast=OPS["cast"],
    release=release,
    others=protocols.others,
    pooled=pooled,
    pooled_from=POOLED_FROM,
)


def _class(x: Any) -> Any:
    """numpy.ndarray for the classes that stand for it."""
    return _ndarray if x is TruenoArray or (isinstance(x, type) and x == _ndarray) else x


def _renamed_repr(array: NDArray) -> str:
    """NumPy's repr with our class's name, later lines indented to match."""
    text = repr(array)
    extra = " " * (len("TruenoArray") - len("array"))
    return "TruenoArray" + text[len("array") :].replace("\n", "\n" + extra)


def _rebuild(array: NDArray, device: str) -> TruenoArray:
    """The inverse of pickling. A device that this machine lacks becomes "auto"."""
    handle: TruenoArray = wrap(array)
    if device != "auto" and (device != "gpu" or engine.backend("wgpu") is not None):
        pin(handle, device)
    return handle


def check_device(device: Any, name: str) -> None:
    """Raises ValueError for a device that is unknown or that this machine lacks."""
    if device not in DEVICES:
        raise ValueError(f"trueno.{name}: unknown device {device!r}; expected one of {DEVICES}")
    if device == "gpu" and engine.backend("wgpu") is None:
        raise ValueError(
            f"trueno.{name}: no GPU was found (software adapters: set TRUENO_GPU=software)"
        )


def pin(handle: Handle, device: str) -> None:
    """Pins a fresh array to a device."""
    if device != "auto":
        buffer_of(handle).pin_to(device)
