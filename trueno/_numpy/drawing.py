"""Large arrays of random numbers: in memory of the pool, by several threads where that can be.

Whatever is drawn comes from NumPy's own functions in pieces, so that streams are NumPy's bit for
bit. Where every element takes a fixed number of draws and the bit generator can jump, each piece is
begun at the state where the one before it should end, all at the same time. That it did end there
is checked: a piece of which an element took one more draw ends elsewhere, and what follows it is
drawn again.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from trueno.config import SETTINGS, THREADS
from trueno.graph import Buffer
from trueno.handles import handle_on
from trueno.memory import NDArray, allocate

State = dict[str, Any]

# Bytes from which memory of the pool and pieces pay; elements from which threads do.
POOLED_FROM = 256 * 1024
PARALLEL_FROM = 1 << 19
# Elements drawn by one call of NumPy's: what is copied from is still in the cache.
_CHUNK = 1 << 15

# What draws one element after the other, the same way whatever their number.
ONE_BY_ONE = frozenset(
    (
        "beta", "binomial", "chisquare", "exponential", "f", "gamma", "geometric", "gumbel",
        "hypergeometric", "integers", "laplace", "logistic", "lognormal", "logseries",
        "negative_binomial", "noncentral_chisquare", "noncentral_f", "normal", "pareto", "poisson",
        "power", "randint", "random", "random_sample", "rayleigh", "standard_cauchy",
        "standard_exponential", "standard_gamma", "standard_normal", "standard_t", "triangular",
        "uniform", "vonmises", "wald", "weibull", "zipf",
    )
)  # fmt: skip

# More draws than one an element are to be expected in so many of a thousand arrays at most.
_UNLIKELY = 50


class Draw(NamedTuple):
    """A call for an array of random numbers, all of which have the same parameters.

    function:   NumPy's method, called with a generator
    parameters: what it is given beside the size
    """

    function: Callable[..., NDArray]
    parameters: dict[str, Any]

    def chunk(self, generator: Any, n: int) -> NDArray:
        """The next ``n`` numbers."""
        return self.function(generator, **self.parameters, size=n)

    def fill(self, generator: Any, target: NDArray) -> None:
        """Draws the elements of a vector."""
        for start in range(0, target.size, _CHUNK):
            part = target[start : start + _CHUNK]
            part[...] = self.chunk(generator, part.size)


def pays(draw: Draw, size: int) -> bool:
    """Whether ``size`` numbers are drawn in pieces, as ``drawn`` does."""
    name = draw.function.__name__
    if name not in ONE_BY_ONE or size * 8 < POOLED_FROM:
        return False
    # Smaller integers share draws within a call.
    return name not in ("integers", "randint") or _dtype(draw).itemsize >= 4


def _dtype(draw: Draw) -> np.dtype[Any]:
    return np.dtype(draw.parameters.get("dtype", np.int64))


def drawn(generator: Any, draw: Draw, shape: tuple[int, ...]) -> Any:
    """A handle on numbers in ``shape``, for which ``pays`` holds; the generator as NumPy leaves it.

    Raises what NumPy raises for bad parameters.
    """
    bits = generator._bit_generator
    size = math.prod(shape)
    with bits.lock:
        first = draw.chunk(generator, min(size, _CHUNK))
        itemsize = first.itemsize
        strides = [itemsize * math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
        root, array = allocate(shape, tuple(strides), first.dtype)
        flat = array.reshape(-1)
        flat[: first.size] = first
        rest = flat[first.size :]
        threads = SETTINGS.get().threads or THREADS
        width = _width(draw, itemsize) if threads > 1 and size >= PARALLEL_FROM else 0
        jump = _JUMPS.get(type(bits)) if width else None
        if jump is None:
            draw.fill(generator, rest)
        else:
            _fill_in_parallel(generator, draw, rest, jump, width, threads)
    return handle_on(array, Buffer(root, array))


def _width(draw: Draw, itemsize: int) -> int:
    """Bits that each element draws, 32 or 64, if that is all but sure; else 0."""
    name = draw.function.__name__
    if name == "random":
        return 8 * itemsize
    if name == "uniform":
        return 64
    return _width_of_integers(draw) if name == "integers" else 0


def _width_of_integers(draw: Draw) -> int:
    """Bits drawn by Lemire's method (2019), which draws again now and then: not where often."""
    given = draw.parameters
    low, high = given.get("low"), given.get("high")
    if high is None:
        low, high = 0, low
    if type(low) is not int or type(high) is not int:
        return 0
    count = high - low + bool(given.get("endpoint", False))
    if not 1 < count <= 1 << 64 or _dtype(draw).itemsize < 4:
        return 0
    width = 32 if count <= 1 << 32 else 64
    rejected = (1 << width) % count
    return width if rejected * 1000 << 24 < _UNLIKELY << width else 0


# ---------------------------------------------------------------- several threads


def _fill_in_parallel(
    generator: Any,
    draw: Draw,
    target: NDArray,
    jump: Callable[[Any, State, int, int], tuple[int, State]],
    width: int,
    threads: int,
) -> None:
    """Fills a vector, and leaves the generator where NumPy would."""
    bits = generator._bit_generator
    pieces = 4 * threads
    places, states = [0], [bits.state]
    maker = type(bits)(0)
    for number in range(1, pieces):
        n, state = jump(maker, states[0], target.size * number // pieces, width)
        places.append(n)
        states.append(state)
    places.append(target.size)
    ends: list[State] = [{}] * pieces
    waiting = iter(range(pieces))
    lock = threading.Lock()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            own = type(generator)(type(bits)(0))
            while not errors:
                with lock:
                    number = next(waiting, None)
                if number is None:
                    return
                own.bit_generator.state = states[number]
                draw.fill(own, target[places[number] : places[number + 1]])
                ends[number] = own.bit_generator.state
        except BaseException as error:
            errors.append(error)

    helpers = [threading.Thread(target=work, daemon=True) for _ in range(threads - 1)]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]
    for number, end in enumerate(ends):
        bits.state = end
        if number + 1 < pieces and not _same(end, states[number + 1]):
            draw.fill(generator, target[places[number + 1] :])
            return


def _same(a: Any, b: Any) -> bool:
    """Whether two states of a bit generator give the same numbers."""
    if isinstance(a, dict):
        stale = set()
        if a.get("has_uint32") == 0:
            stale.add("uinteger")
        if a.get("buffer_pos") == _PHILOX_WORDS:
            stale.add("buffer")
        return all(_same(a[key], b[key]) for key in a.keys() - stale)
    return bool(np.all(a == b))


def _jump_pcg(maker: Any, state: State, elements: int, width: int) -> tuple[int, State]:
    """The state after ``elements`` or one more elements were drawn, and how many."""
    has = state["has_uint32"]
    if width == 64:
        words = elements
    else:
        elements += (elements - has) % 2  # no half of a word is left then
        words, has = (elements - has) // 2, 0
    maker.state = state
    maker.advance(words)
    after = maker.state
    if width == 64:
        after["has_uint32"], after["uinteger"] = has, state["uinteger"]
    return elements, after


_PHILOX_WORDS = 4  # of 64 bits, that one step of the counter gives


def _jump_philox(maker: Any, state: State, elements: int, width: int) -> tuple[int, State]:
    has = state["has_uint32"] if width == 32 else 0
    left = _PHILOX_WORDS - state["buffer_pos"]
    halves = 64 // width
    # So many draws as use up the half word, the words in the buffer, and then whole steps.
    step = _PHILOX_WORDS * halves
    elements += -(elements - has - left * halves) % step
    steps = (elements - has - left * halves) // step
    maker.state = state
    maker.advance(steps)
    after = maker.state
    if width == 64:
        after["has_uint32"], after["uinteger"] = state["has_uint32"], state["uinteger"]
    return elements, after


_JUMPS: dict[type, Callable[[Any, State, int, int], tuple[int, State]]] = {
    np.random.PCG64: _jump_pcg,
    np.random.PCG64DXSM: _jump_pcg,
    np.random.Philox: _jump_philox,
}
