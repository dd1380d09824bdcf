"""A pytest plugin: xarray's duck array tests, with Trueno as their only namespace.

Loaded with ``-p`` before collection. xarray's tests of wrapping have a list of namespaces, to which
Trueno's name is added, without expected failures of its own; its tests of the array API import
array_api_strict, for which Trueno stands in while they are imported.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest
from xarray.tests import test_duck_array_wrapping as wrapping

import trueno

wrapping.NAMESPACE_ARRAYS["trueno"] = {
    "attrs": {"array": "TruenoArray", "constructor": "asarray"},
    "xfails": {},
}
wrapping.NAMESPACES[:] = [pytest.param("trueno")]

_objects = ModuleType("array_api_strict._array_object")
_objects.Array = trueno.TruenoArray  # type: ignore[attr-defined]
_stand_in = {"array_api_strict": trueno, "array_api_strict._array_object": _objects}
_real = {name: sys.modules.get(name) for name in _stand_in}
sys.modules.update(_stand_in)
importlib.import_module("xarray.tests.test_array_api")
for _name, _module in _real.items():
    if _module is None:
        del sys.modules[_name]
    else:
        sys.modules[_name] = _module
