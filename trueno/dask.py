"""TruenoArrays as chunks of Dask arrays: what Dask looks up by a chunk's type or a backend's name.

``register`` enters the class in Dask's tables. That happens when trueno is imported after Dask's
arrays, or else when Dask first asks an array for its token, or for the backend "trueno". Chunks
travel between processes by pickle's protocol 5, their memory out of band; one that is pinned to a
GPU is pinned there again where it arrives, if there is one.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

import dask.array as da
import numpy as np
from dask import config
from dask.array.backends import ArrayBackendEntrypoint, array_creation_dispatch
from dask.array.dispatch import percentile_lookup, to_numpy_dispatch
from dask.base import normalize_token


@functools.cache
def register() -> Backend:
    """Makes TruenoArray a type of chunks; the backend "trueno" of Dask's arrays."""
    trueno = sys.modules[__package__]
    backend = Backend(trueno)
    da.register_chunk_type(trueno.TruenoArray)
    percentile_lookup.register(trueno.TruenoArray, percentile_lookup.dispatch(np.ndarray))
    to_numpy_dispatch.register(trueno.TruenoArray, lambda x, **_: np.array(x))
    array_creation_dispatch.register_backend("trueno", backend)
    return backend


def token(contents: np.ndarray[Any, Any], device: str) -> Any:
    """What Dask names an array's contents by."""
    return "trueno", device, normalize_token(contents)


class Backend(ArrayBackendEntrypoint):  # type: ignore[misc]
    """What ``dask.config.set({"array.backend": "trueno"})`` makes arrays of.

    Random numbers are NumPy's: ``x.to_backend("trueno")`` makes chunks of ours of any array.
    """

    RandomState = np.random.RandomState
    default_bit_generator = np.random.PCG64

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    def to_backend(self, data: Any, **kwargs: Any) -> Any:
        """``data`` with chunks of ours."""
        if isinstance(data._meta, self._namespace.TruenoArray):
            return data
        return data.map_blocks(self._namespace.asarray, **kwargs)

    def arange(self, *args: Any, like: Any = None, **kwargs: Any) -> Any:
        """As ``dask.array.arange``."""
        like = self._namespace.empty(()) if like is None else like
        with config.set({"array.backend": "numpy"}):
            return da.arange(*args, like=like, **kwargs)


def _maker(name: str) -> Any:
    def make(self: Backend, *args: Any, meta: Any = None, **kwargs: Any) -> Any:
        meta = self._namespace.empty(()) if meta is None else meta
        with config.set({"array.backend": "numpy"}):
            return getattr(da, name)(*args, meta=meta, **kwargs)

    make.__doc__ = f"As ``dask.array.{name}``."
    return make


for _name in ("empty", "full", "ones", "zeros"):
    setattr(Backend, _name, _maker(_name))
