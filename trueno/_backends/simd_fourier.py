"""Fourier transforms: NumPy's own, of which each thread does some of the lines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from trueno._backends.routine import Routine, lib
from trueno.config import SETTINGS
from trueno.kinds import NUMBER
from trueno.memory import NDArray
from trueno.plan import Call


def _performs(call: Call) -> bool:
    return call.inputs[0].array.dtype in NUMBER


def _transform(call: Call) -> int:
    """Along one axis; another is cut into as many parts as there are threads.

    NumPy tells of no floating-point conditions here, which a thread could not do for its caller.
    """
    x, out, params = call.inputs[0].array, call.outputs[0].array, call.params
    axis, threads = params["axis"], SETTINGS.get().threads or lib.trueno_get_num_threads()
    f = partial(getattr(np.fft, params["name"]), n=params["n"], axis=axis, norm=params["norm"])
    pairs = zip(*[_cut(array, axis, threads) for array in (x, out)], strict=True)
    _together([partial(_into, f, a, b) for a, b in pairs])
    return 0


def _into(f: Callable[..., NDArray], x: NDArray, out: NDArray) -> None:
    result = f(x, out=out)
    if result is not out:  # NumPy 2.4's hfft takes no notice of it
        np.copyto(out, result)


def _cut(x: NDArray, axis: int, parts: int) -> list[NDArray]:
    """``x`` in parts along its first axis of enough lines, or else its longest, but ``axis``."""
    others = [i for i in range(x.ndim) if i != axis]
    along = next((i for i in others if x.shape[i] >= parts), max(others, key=x.shape.__getitem__))
    return np.array_split(x, min(parts, x.shape[along]), along)


def _together(parts: Sequence[Callable[[], object]]) -> None:
    """Runs the parts, the first on this thread and each other on its own; raises what one raised.

    The threads are new ones: to start one takes a tenth of the time of the smallest part that is
    worth it, and none is left over for a fork to lose.
    """
    errors: list[BaseException] = []

    def caught(f: Callable[[], object]) -> None:
        try:
            f()
        except BaseException as error:  # it is raised on the caller's thread
            errors.append(error)

    others = [threading.Thread(target=caught, args=(f,)) for f in parts[1:]]
    for thread in others:
        thread.start()
    caught(parts[0])
    for thread in others:
        thread.join()
    if errors:
        raise errors[0]


ROUTINES: dict[str, Routine] = {"fourier": Routine(_performs, _transform)}
