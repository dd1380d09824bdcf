"""TRUENO_VALIDATE=1: what the numpy backend computes for the same work, and whether it is alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from trueno._backends.numpy import NumpyBackend
from trueno.graph import Buffer
from trueno.memory import NDArray, View
from trueno.plan import Call, Launch

_NUMPY = NumpyBackend()
# How far a kernel may be from the numpy backend: units in the last place of the largest value.
_ULPS = 64


def reference(work: Launch | Call) -> list[NDArray]:
    """What the numpy backend computes for the work, beside its real outputs."""
    routine = isinstance(work, Call)
    for view in (*work.inputs, *work.outputs) if routine else work.inputs:
        if not view.storage.host_valid:
            view.storage.to_host()
    # A routine may change its outputs; a kernel writes all of them.
    copies = [v.array.copy() if routine else np.empty_like(v.array) for v in work.outputs]
    outputs = tuple([View(Buffer(copy), copy) for copy in copies])
    if isinstance(work, Call):
        _NUMPY.call(work._replace(outputs=outputs))
    else:
        _NUMPY.launch(work._replace(outputs=outputs, report=_ignore))
    return copies


def _ignore(masks: Sequence[int]) -> None:
    pass


def compare(name: str, work: Launch | Call, expected: list[NDArray]) -> None:
    """Raises RuntimeError where what backend ``name`` wrote to the outputs is not ``expected``."""
    for at, (view, values) in enumerate(zip(work.outputs, expected, strict=True)):
        view.storage.to_host()
        slack, what = 1.0, f"routine {work.routine}" if isinstance(work, Call) else ""
        if isinstance(work, Launch):
            what = f"kernel '{work.kernel}' with shape {work.shape}"
            if work.kernel.outputs[at].reduce:
                slack = math.prod([work.shape[axis] for axis in work.axes]) ** 0.5
        _differ(view.array, values, slack, f"{what} on {name}")


def _differ(array: NDArray, expected: NDArray, slack: float, what: str) -> None:
    """Raises RuntimeError where ``array`` is not ``expected``, but for rounding."""
    if expected.dtype.kind in "fc":
        finite = np.abs(expected[np.isfinite(expected)])
        largest = float(finite.max(initial=0.0)) * slack
        tolerance = _ULPS * float(np.finfo(expected.dtype).eps)
        same = np.allclose(
            array, expected, rtol=tolerance, atol=tolerance * largest, equal_nan=True
        )
    else:
        same = np.array_equal(array, expected)
    if not same:
        raise RuntimeError(
            f"trueno: {what} differs from the numpy backend: {array!r} against {expected!r}"
        )
