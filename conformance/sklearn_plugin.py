"""A pytest plugin: scikit-learn's array API tests, with one namespace, CONFORMANCE_NAMESPACE.

Loaded with ``-p`` before collection, since the tests' parametrisation calls what is replaced here.
Those tests run, and the others that are about the array API by their name or file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from sklearn.utils import _array_api

NAME = os.environ.get("CONFORMANCE_NAMESPACE", "trueno")
DEVICES = ("CPU_DEVICE", "device1") if NAME == "array_api_strict" else (None, None)


def _namespaces(include_numpy_namespaces: bool = True) -> Iterator[str]:
    yield NAME


def _combinations(include_numpy_namespaces: bool = True) -> Iterator[tuple[str, Any, str]]:
    for device, dtype in zip(DEVICES, ("float64", "float32"), strict=True):
        yield NAME, device, dtype


def _mixed() -> Iterator[tuple[Any, Any, str]]:
    ours, numpy = (_array_api.NamespaceAndDevice(name, None) for name in (NAME, "numpy"))
    strict = _array_api.NamespaceAndDevice("array_api_strict", "device1")
    yield ours, numpy, f"{NAME} to numpy"
    yield numpy, ours, f"numpy to {NAME}"
    yield ours, strict, f"{NAME} to array-api-strict"
    yield strict, ours, f"array-api-strict to {NAME}"


_array_api.yield_namespaces = _namespaces
_array_api.yield_namespace_device_dtype_combinations = _combinations
_array_api.yield_mixed_namespace_input_permutations = _mixed


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the tests that have nothing to do with the array API."""
    others = [item for item in items if not _concerned(item.nodeid)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if _concerned(item.nodeid)]


def _concerned(name: str) -> bool:
    return NAME in name or "array_api" in name.partition("tests/")[2]
