"""A pytest plugin: array-api-extra's tests, with one namespace, CONFORMANCE_NAMESPACE.

Loaded with ``-p`` before collection: the list of libraries is an Enum, for which one with the
namespace among its members stands in; the tests with other libraries are left out.
"""

from __future__ import annotations

import os
from enum import Enum
from typing import Any

import pytest
from array_api_extra._lib import _backends

NAME = os.environ.get("CONFORMANCE_NAMESPACE", "trueno")

_given = _backends.Backend


class _Methods:
    """What the members of array-api-extra's own Enum can do."""

    modname = _given.modname
    like = _given.like
    pytest_param = _given.pytest_param


_members = {member.name: member.value for member in _given}
_members.setdefault(NAME.upper(), NAME)
_backends.Backend = Enum("Backend", _members, type=_Methods)  # type: ignore[misc]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the tests with other libraries, and those with none."""
    others = [item for item in items if not _concerned(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if _concerned(item)]


def _concerned(item: Any) -> bool:
    library = getattr(getattr(item, "callspec", None), "params", {}).get("library")
    return library is not None and library.name == NAME.upper()
