"""``trueno.random``: ``numpy.random`` on our arrays, the same streams bit for bit.

Numbers come from NumPy's bit generators and by its algorithms; those of the functions of this
module from the state that NumPy's share. Large arrays are drawn into memory of the pool, and by
several threads where every element takes as many draws and the bit generator can jump ahead:
``random``, ``uniform`` and ``integers`` of PCG64, PCG64DXSM and Philox.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as _np

from trueno._numpy.drawing import ONE_BY_ONE, POOLED_FROM, Draw, drawn, pays
from trueno._numpy.fallback import names as _names
from trueno.config import SETTINGS
from trueno.errors import named
from trueno.handles import Handle
from trueno.handover import before_write, host, rewrap

_theirs = _np.random

# What equally distributed numbers can have as parameters.
_PARAMETERS = frozenset((int, float, str, type, type(None)))


@functools.cache
def _names_of_parameters(f: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a method's parameters after ``self``."""
    return tuple(inspect.signature(f).parameters)[1:]


def _large(f: Callable[..., Any], generator: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """A handle on a large array of equally distributed numbers; None for any other call."""
    parameters = dict(zip(_names_of_parameters(f), args, strict=False)) | kwargs
    size = parameters.pop("size", None)
    shape = (size,) if type(size) is int else size
    if type(shape) is not tuple or not all(type(n) is int and n >= 0 for n in shape):
        return None
    draw = Draw(f, parameters)
    if not pays(draw, math.prod(shape)) or parameters.get("out") is not None:
        return None
    for value in parameters.values():
        if type(value) not in _PARAMETERS and not isinstance(value, (_np.generic, _np.dtype)):
            return None
    return drawn(generator, draw, shape)


def _call(
    f: Callable[..., Any], generator: Any, args: Any, kwargs: dict[str, Any], place: int
) -> Any:
    """``f(generator, *args, **kwargs)``, a method of NumPy's, on our arrays.

    place: of the size among the arguments
    """
    name = f.__name__
    size = args[place] if len(args) > place else kwargs.get("size")
    try:
        if size is not None and name in ONE_BY_ONE and not _is_few(size):
            result = _large(f, generator, args, kwargs)
            if result is not None:
                return result
        out = kwargs.get("out")
        if isinstance(out, Handle):
            before_write(out)
        elif name == "shuffle" and args and isinstance(args[0], Handle):
            before_write(args[0])
        handles = [x for x in (*args, *kwargs.values()) if isinstance(x, (Handle, _np.ndarray))]
        given = {key: host(x) for key, x in kwargs.items()}
        result = f(generator, *[host(x) for x in args], **given)
    except Exception as error:
        raise named(error, name) from None
    return _ours(result, handles)


def _ours(result: Any, handles: list[Any]) -> Any:
    """What NumPy gave, for users: arrays as ours, scalars as the drop-in setting says."""
    if isinstance(result, _np.generic) and SETTINGS.get().dropin:
        return result
    return rewrap(result, handles)


def _is_few(size: Any) -> bool:
    return type(size) is int and size * 8 < POOLED_FROM


def _place_of_size(f: Callable[..., Any]) -> int:
    """How many arguments stand before ``size``; 0 where there is no such parameter."""
    parameters = _names_of_parameters(f)
    return parameters.index("size") if "size" in parameters else 0


def _drawing(f: Callable[..., Any], name: str, state: Any = None) -> Callable[..., Any]:
    """A function that draws as NumPy's method ``f`` does, from ``state`` or its own generator.

    Loops draw single numbers, with numbers as parameters: these calls take the shortest way.
    """
    place = _place_of_size(f)

    def draw(generator: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if kwargs or (len(args) > place and not (place == len(args) - 1 and _is_few(args[-1]))):
            return _call(f, generator, args, kwargs, place)
        for x in args:
            if type(x) is not float and type(x) is not int:
                return _call(f, generator, args, kwargs, place)
        try:
            number = f(generator, *args)
        except Exception as error:
            raise named(error, name) from None
        return number if type(number) is float or type(number) is int else _ours(number, [])

    if state is None:

        @functools.wraps(f)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            return draw(self._plain, args, kwargs)

        return method

    @functools.wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        return draw(state, args, kwargs)

    return function


class _Kind(type):
    """The class of Generator and RandomState, of which NumPy's are instances too."""

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, _numpys(cls)) or super().__instancecheck__(x)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, _numpys(cls)) or super().__subclasscheck__(kind)


def _numpys(cls: type) -> type | tuple[()]:
    """The class of NumPy's that one of ours stands for; none of a subclass that a user makes."""
    return cls.__base__ if cls.__module__ == __name__ and cls.__base__ is not None else ()


class Generator(_theirs.Generator, metaclass=_Kind):
    """As :class:`numpy.random.Generator`; its arrays are ours."""

    def __init__(self, bit_generator: Any) -> None:
        super().__init__(bit_generator)
        # Shares all state. NumPy's methods call each other, and must find NumPy's arrays.
        self._plain = _theirs.Generator(bit_generator)

    def __reduce__(self) -> Any:
        return type(self), (self.bit_generator,)


class RandomState(_theirs.RandomState, metaclass=_Kind):
    """As :class:`numpy.random.RandomState`; its arrays are ours."""

    def __init__(self, seed: Any = None) -> None:
        self._plain = _theirs.RandomState(host(seed))
        super().__init__(self._plain._bit_generator)

    def __getstate__(self) -> Any:
        return self._plain.__getstate__()

    def __setstate__(self, state: Any) -> None:
        self._plain.__setstate__(state)

    def __reduce__(self) -> Any:
        return _restored, (type(self), self._plain)


def _restored(kind: type[RandomState], plain: Any) -> RandomState:
    state = kind(plain._bit_generator)
    state._plain = plain
    return state


def _public(kind: type) -> list[str]:
    return [x for x in dir(kind) if not x.startswith("_") and callable(getattr(kind, x))]


for _name in _public(_theirs.Generator):
    if _name != "spawn":  # makes generators of our class by itself
        setattr(Generator, _name, _drawing(getattr(_theirs.Generator, _name), _name))
for _name in _public(_theirs.RandomState):
    setattr(RandomState, _name, _drawing(getattr(_theirs.RandomState, _name), _name))


def default_rng(seed: Any = None) -> Any:
    """As :func:`numpy.random.default_rng`: a new Generator, or ``seed`` itself if it is one."""
    if isinstance(seed, Generator):
        return seed
    try:
        return Generator(_theirs.default_rng(host(seed)).bit_generator)
    except Exception as error:
        raise named(error, "default_rng") from None


def __getattr__(name: str) -> Any:
    """What ``numpy.random`` has beside the above."""
    if name.startswith("_") or not hasattr(_theirs, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(_theirs, name)
    method = "random_sample" if name in ("sample", "ranf") else name
    if hasattr(_theirs.RandomState, method):  # a function of the global state
        state = _theirs.rand.__self__  # type: ignore[attr-defined]
        value = _drawing(getattr(_theirs.RandomState, method), name, state)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return _names(_theirs, globals())
