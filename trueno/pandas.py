"""TruenoArrays as arguments of pandas, which tells arrays from labels by NumPy's class.

``register`` has the functions that do so given ndarrays: in the drop-in (``python -m trueno run``,
``trueno.install``), whose programs do not know that their arrays are ours. Nothing else does it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from trueno.handles import Handle

# Where pandas looks whether an argument is a mask, a value of many columns, labels of groups, ...
FUNCTIONS = {
    "pandas.core.algorithms": ("_ensure_arraylike",),
    "pandas.core.common": ("convert_to_list_like", "is_bool_indexer"),
    "pandas.core.construction": ("extract_array",),
    "pandas.core.groupby.grouper": ("get_grouper",),
    "pandas.core.indexers.utils": ("check_array_indexer", "length_of_indexer"),
    "pandas.core.indexing": ("check_bool_indexer",),
}
METHODS = {
    ("pandas.core.frame", "DataFrame"): (
        "_align_for_op", "_setitem_array", "_setitem_frame", "set_index",
    ),
    ("pandas.core.indexing", "_LocationIndexer"): ("_get_setitem_indexer",),
    ("pandas.core.indexing", "_iLocIndexer"): (
        "_get_setitem_indexer", "_setitem_with_indexer", "_validate_key",
    ),
}  # fmt: skip


@functools.cache
def register() -> None:
    """Has pandas take our arrays for arrays; once is enough. What a version lacks is left out."""
    for (module, kind), names in METHODS.items():
        owner = getattr(sys.modules.get(module), kind, None)
        for name in names:
            if hasattr(owner, name):
                setattr(owner, name, given_ndarrays(getattr(owner, name)))
    for module, names in FUNCTIONS.items():
        for name in names:
            f = getattr(sys.modules.get(module), name, None)
            if f is not None:
                _replace(name, f, given_ndarrays(f))
    frame = sys.modules["pandas"].DataFrame
    if hasattr(frame, "_set_item"):
        frame._set_item = _to_columns_or_rows(frame._set_item)


def _replace(name: str, f: Callable[..., Any], by: Callable[..., Any]) -> None:
    """Puts one function in another's place wherever pandas has imported that."""
    for module in list(sys.modules.values()):
        members = getattr(module, "__dict__", {})
        if members.get(name) is f and members.get("__name__", "").startswith("pandas."):
            members[name] = by


def given_ndarrays(f: Callable[..., Any]) -> Callable[..., Any]:
    """``f`` with our arrays as ndarrays, which share their memory."""

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        return f(*map(_plain, args), **{key: _plain(x) for key, x in kwargs.items()})

    return call


def _to_columns_or_rows(set_item: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(set_item)
    def call(self: Any, key: Any, value: Any) -> Any:
        """``self[key] = value``, where pandas took ``key`` for the label of one column."""
        if isinstance(key, Handle):
            return self._setitem_array(key, value)
        return set_item(self, key, value)

    return call


def _plain(x: Any) -> Any:
    """``x``, also in a list or tuple, as an ndarray if it is ours and has an axis."""
    if type(x) in (list, tuple) and any(isinstance(item, Handle) for item in x):
        return type(x)(map(_plain, x))
    return np.asarray(x) if isinstance(x, Handle) and x.ndim else x
