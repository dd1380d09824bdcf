"""The libraries that a benchmark runs beside NumPy and Trueno, where they are installed.

None of them is a dependency: each is imported here when a benchmark first asks for it.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Distribution names, and the order of columns.
PEERS = ("numexpr", "torch", "jax")


@dataclass(frozen=True)
class Peer:
    """convert: an ndarray in the library's own form; prepare: a benchmark's function, compiled
    where the library compiles, as a call that returns when the result is there."""

    name: str
    version: str
    convert: Callable[[Any], Any]
    prepare: Callable[[Any], Callable[..., Any]]


def _numexpr(threads: int) -> Peer:
    numexpr = importlib.import_module("numexpr")
    numexpr.set_num_threads(threads)

    def prepare(expression: str) -> Callable[..., Any]:
        return lambda *arrays: numexpr.evaluate(
            expression, local_dict=dict(zip("abcdefgh", arrays, strict=False)), global_dict={}
        )

    return Peer("numexpr", numexpr.__version__, lambda array: array, prepare)


def _torch(threads: int) -> Peer:
    torch = importlib.import_module("torch")
    torch.set_num_threads(threads)

    def prepare(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arrays: f(torch, *arrays)

    return Peer("torch", torch.__version__, torch.from_numpy, prepare)


def _jax(_: int) -> Peer:  # it takes its threads from the processors that the process may use
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    jnp = importlib.import_module("jax.numpy")

    def prepare(f: Callable[..., Any]) -> Callable[..., Any]:
        compiled = jax.jit(lambda *arrays: f(jnp, *arrays))
        return lambda *arrays: jax.block_until_ready(compiled(*arrays))

    return Peer("jax", jax.__version__, jnp.asarray, prepare)


_OPEN = {"numexpr": _numexpr, "torch": _torch, "jax": _jax}


def installed(threads: int) -> list[Peer]:
    """The peers that this environment has, set to that many threads where they can be."""
    return [_OPEN[name](threads) for name in PEERS if importlib.util.find_spec(name)]
