"""NumPy's classes and objects that make arrays, as ``trueno`` has them: they make ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from trueno._array_api._support import given
from trueno._array_api.elementwise_functions import from_ufunc
from trueno._handle import public
from trueno.handover import call_numpy
from trueno.protocols import implements

# The ids of NumPy's objects, not all of which can be hashed, to ours.
OURS: dict[int, Any] = {}


class Indexed:
    """``r_``, ``c_``, ``mgrid``, ``ogrid``: an object whose indexing makes arrays."""

    def __init__(self, numpys: Any, name: str) -> None:
        self._numpys = numpys
        self._name = name

    def __getitem__(self, key: Any) -> Any:
        return call_numpy(self._numpys.__getitem__, (key,), name=self._name)

    def __len__(self) -> int:
        return len(self._numpys)

    def __repr__(self) -> str:
        return f"trueno.{self._name}"

    def __reduce__(self) -> str:
        return self._name


Indexed.__module__ = "trueno"  # where pickle finds the objects
OURS |= {id(getattr(np, name)): Indexed(getattr(np, name), name) for name in ("c_", "mgrid")}
OURS |= {id(getattr(np, name)): Indexed(getattr(np, name), name) for name in ("r_", "ogrid")}


class vectorize(np.vectorize):
    """As ``numpy.vectorize``."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function called for each element of the broadcast arguments."""
        return call_numpy(super().__call__, args, kwargs, name="vectorize")


vectorize.__module__ = "trueno"
OURS[id(np.vectorize)] = vectorize


@implements(np.frompyfunc)
def frompyfunc(func: Callable[..., Any], /, nin: int, nout: int, **kwargs: Any) -> Any:
    """As ``numpy.frompyfunc``: what calls ``func`` for each element."""
    ufunc = np.frompyfunc(func, nin, nout, **kwargs)
    return public(from_ufunc(ufunc, ufunc.__name__), "trueno", ufunc)


class NpzFile(np.lib.npyio.NpzFile):
    """As ``numpy.lib.npyio.NpzFile``, of whose arrays ours are made."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        return given(value) if isinstance(value, np.ndarray) else value


@implements(np.load)
def load(file: Any, *args: Any, **kwargs: Any) -> Any:
    """As ``numpy.load``; a memory-mapped file stays a ``numpy.memmap``."""
    loaded = call_numpy(np.load, (file, *args), kwargs)
    if type(loaded) is np.lib.npyio.NpzFile:
        loaded.__class__ = NpzFile  # it has open files, and no copy
    return loaded
