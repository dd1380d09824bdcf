"""A pytest plugin: NumPy's tests with Trueno as the drop-in.

Of each test it is told whether it made a TruenoArray.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import trueno
from conformance.results import IDLE
from trueno._handle import made
from trueno._numpy.fallback import resolve
from trueno.testing import comparing

_AS_THEY_ARE = ("trueno.dtypes", "trueno.exceptions", "trueno.testing.overrides", "trueno.typing")


class _Submodules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds ``trueno.x`` where Trueno has no such module: NumPy's, with functions of our arrays."""

    def find_spec(
        self, name: str, _: Sequence[str] | None, __: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        top = ".".join(name.split(".")[:2])
        own = importlib.machinery.PathFinder.find_spec(top, trueno.__path__)
        if not name.startswith("trueno.") or own is not None:
            return None
        theirs = "numpy" + name.removeprefix("trueno")
        if importlib.util.find_spec(theirs) is None:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        theirs = importlib.import_module("numpy" + spec.name.removeprefix("trueno"))
        module = ModuleType(spec.name)
        vars(module)["__getattr__"] = lambda name: _attribute(theirs, name, vars(module))
        return module

    def exec_module(self, module: ModuleType) -> None:
        pass


def _attribute(theirs: ModuleType, name: str, namespace: dict[str, Any]) -> Any:
    if name.startswith("_"):
        return getattr(theirs, name)
    if theirs.__name__ == "numpy.ma.testutils" and name.startswith("assert"):
        return comparing(getattr(theirs, name))
    return resolve(theirs, name, namespace)


def _prepare() -> None:
    settings = importlib.import_module("trueno.config")
    if hasattr(settings, "set_defaults"):
        settings.set_defaults(dropin=True)
    for name in _AS_THEY_ARE:
        sys.modules[name] = importlib.import_module(name.replace("trueno", "numpy"))
    sys.meta_path.insert(0, _Submodules())
    # Tests look into NumPy's private modules by way of its name.
    for ours, theirs in ((trueno, np), (trueno.linalg, np.linalg), (trueno.fft, np.fft)):
        for name in dir(theirs):
            if not hasattr(ours, name):
                setattr(ours, name, getattr(theirs, name))


_prepare()
_BEFORE = pytest.StashKey[int]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[_BEFORE] = made()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    if made() == item.stash[_BEFORE]:
        item.user_properties.append((IDLE, "no TruenoArray was made"))
