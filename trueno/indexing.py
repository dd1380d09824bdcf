"""Views of handles, and reading and writing them by index."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from trueno.config import SETTINGS
from trueno.dispatch import Refused
from trueno.errors import named
from trueno.handles import Handle, buffer_of, export, handle_on, root_of, scalar, wrap, wrap_value
from trueno.handover import before_write, called, host, pinned, small_array, unwrapped
from trueno.memory import NDArray
from trueno.selection import SELECTION_GAIN, select, store
from trueno.writes import assign


def view_of(handle: Any, f: Callable[[NDArray], NDArray], name: str) -> Any:
    """``f`` of the handle's array where ``f`` gives a view; where it must copy, a copy."""
    try:
        array = f(handle._array)
        if type(array) is not np.ndarray and isinstance(array, np.ndarray):
            return f(export(handle))  # a subclass has its own meaning of every operation
        if isinstance(array, np.generic):
            return pinned(scalar(f(host(handle))), [handle])
        if root_of(array) is root_of(handle._array):
            if handle._scalar:
                array = np.asarray(f(host(handle).copy()))
                return pinned(handle_on(array, None, not array.ndim), [handle])
            return handle_on(array, buffer_of(handle))
        if handle._buffer is not None and not handle._buffer.plain:
            array = np.asarray(f(host(handle)))
    except Exception as error:
        raise named(error, name) from None
    return pinned(wrap(array), [handle])


def is_basic(key: Any) -> bool:
    """Whether an index makes a view: integers, slices, None and Ellipsis only."""
    for item in key if type(key) is tuple else (key,):
        if not (
            item is None
            or item is Ellipsis
            or isinstance(item, slice)
            or (isinstance(item, (int, np.integer)) and not isinstance(item, bool))
        ):
            return False
    return True


def _view_key(key: Any) -> tuple[Any, ...]:
    """A basic index that gives an array, also where ``key`` picks one element."""
    items = key if type(key) is tuple else (key,)
    return items if Ellipsis in items else (*items, ...)


def _plain_key(key: Any) -> Any:
    """The index with handles replaced by host arrays, and integers that are scalars by int.

    NumPy makes views with scalars, and copies with arrays, of no dimensions too.
    """
    if isinstance(key, Handle):
        array = host(key)
        return int(array) if key._scalar and array.dtype.kind in "iu" else array
    if type(key) is tuple:
        return tuple([_plain_key(item) for item in key])
    if type(key) is slice:
        return slice(*[_plain_key(part) for part in (key.start, key.stop, key.step)])
    if type(key) is list:
        return unwrapped(key)
    return key


def _picks_many(key: Any) -> bool:
    """Whether the key holds an array large enough for a routine."""
    limit = SETTINGS.get().threshold // SELECTION_GAIN
    for item in key if type(key) is tuple else (key,):
        kind = type(item)
        if (kind is np.ndarray or kind is Handle.result_class) and item.size >= limit:
            return True
    return False


def getitem(handle: Any, key: Any) -> Any:
    """``handle[key]``: a view for basic indices; a copy for elements, masks and integer arrays."""
    if _picks_many(key):
        try:
            return select(handle, key)
        except Refused:
            pass  # NumPy does it
    return _numpys_item(handle, key)


def _numpys_item(handle: Any, key: Any) -> Any:
    key = _plain_key(key)
    buffer = handle._buffer
    array = handle._array
    if buffer is not None and not buffer.plain:
        if is_basic(key):
            items = key if type(key) is tuple else (key,)
            try:
                result = array[_view_key(key)]
            except IndexError as error:
                raise named(error, "__getitem__") from None
            if not handle._scalar and (result.ndim or Ellipsis in items):
                return handle_on(result, buffer)
        array = host(handle)
    try:
        result = called(operator.getitem, array, key)
    except Exception as error:
        raise named(error, "__getitem__") from None
    if type(result) is not np.ndarray:
        return pinned(wrap_value(result), [handle]) if buffer is not None else wrap_value(result)
    base = result.base
    if handle._scalar:
        result = result.copy()
    elif base is not None and (base is array or base is array.base):
        return handle_on(result, buffer_of(handle))
    return pinned(wrap(result), [handle])


def setitem(handle: Any, key: Any, value: Any) -> None:
    """``handle[key] = value``."""
    if _picks_many(key):
        try:
            store(handle, key, value)
            return
        except Refused:
            pass  # NumPy does it
    _set_numpys_item(handle, key, value)


def _set_numpys_item(handle: Any, key: Any, value: Any) -> None:
    if type(key) is not int:
        key = _plain_key(key)
    array = handle._array
    if is_basic(key) and isinstance(value, Handle):
        try:
            target = array[_view_key(key)]
        except IndexError:
            pass  # NumPy raises its error below, after those that come before
        else:
            element = target.ndim == 0 and Ellipsis not in (key if type(key) is tuple else (key,))
            if element and value.ndim:
                pass  # an element takes no array, unless it is an object
            elif target.size >= SETTINGS.get().threshold or small_array(value) is None:
                assign(handle, target, value)
                return
    before_write(handle)
    try:
        called(operator.setitem, array, key, host(value))
    except Exception as error:
        raise named(error, "__setitem__") from None
