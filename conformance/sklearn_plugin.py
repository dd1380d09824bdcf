"""A pytest plugin: scikit-learn's array API tests, with Trueno as their only namespace.

Loaded with ``-p`` before collection, since the tests' parametrisation calls what is replaced here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.utils import _array_api


def _namespaces(include_numpy_namespaces: bool = True) -> Iterator[str]:
    yield "trueno"


def _combinations(include_numpy_namespaces: bool = True) -> Iterator[tuple[str, None, str]]:
    for dtype in ("float64", "float32"):
        yield "trueno", None, dtype


def _mixed() -> Iterator[tuple[Any, Any, str]]:
    trueno, numpy = (_array_api.NamespaceAndDevice(name, None) for name in ("trueno", "numpy"))
    yield trueno, numpy, "trueno to numpy"
    yield numpy, trueno, "numpy to trueno"


_array_api.yield_namespaces = _namespaces
_array_api.yield_namespace_device_dtype_combinations = _combinations
_array_api.yield_mixed_namespace_input_permutations = _mixed
