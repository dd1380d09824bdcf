"""Calls on the routines of the table: what moves, orders, searches or folds elements.

A routine runs with the call, since most callers need its result's shape, or its result, at once;
what its operands wait for runs first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trueno import engine, graph
from trueno.config import SETTINGS
from trueno.dispatch import NUMPYS_ERROR, Operands, Refused
from trueno.errors import named
from trueno.graph import Buffer, Shape, result_strides
from trueno.handles import Handle, buffer_of, foreign_buffer, handle_on
from trueno.kinds import Dtype
from trueno.memory import NDArray, View, allocate
from trueno.ops import ROUTINES
from trueno.plan import Call, Report, ignore

Result = tuple[Shape, Dtype]


def refuse(reason: str) -> Any:
    """An ``otherwise`` for callers that take more than one step: raises Refused."""
    raise Refused(reason)


def pays(routine: str, size: int) -> bool:
    """Whether that many elements are enough for a routine on arrays in host memory."""
    return size > 0 and size * ROUTINES[routine].gain >= SETTINGS.get().threshold


def compute(
    routine: str,
    operands: Sequence[Any],
    params: dict[str, Any],
    results: Sequence[Result],
    otherwise: Callable[[str], Any],
    report: Report = ignore,
) -> Any:
    """A routine's results as handles (one alone as it is), or ``otherwise(reason)``.

    operands:  handles and ndarrays, of the dtypes that the routine works in
    params:    what the row's meaning takes as keywords
    results:   the shapes and dtypes of the results, which lie in C order
    otherwise: what to do where no backend runs it, it does not pay or an index is out of bounds:
               NumPy's own call
    report:    as of ``plan.Call``
    """
    with graph.lock:
        gathered = Operands(routine, tuple(operands), lazily=False)
        sizes = [math.prod(shape) for shape, _ in results]
        reason = _refusal(routine, gathered, sizes)
        if reason is not None:
            return otherwise(reason)
        outputs = [_fresh(shape, dtype) for shape, dtype in results]
        call = Call(routine, params, _current(gathered), tuple(outputs), report)
        reason = _perform(call, gathered)
        if reason is not None:
            return otherwise(reason)
    handles = []
    for view in outputs:
        assert isinstance(view.storage, Buffer)
        view.storage.pin_to(gathered.pin)
        handles.append(handle_on(view.array, view.storage))
    return handles[0] if len(handles) == 1 else tuple(handles)


def update(
    routine: str,
    handle: Any,
    target: NDArray,
    operands: Sequence[Any],
    params: dict[str, Any],
    otherwise: Callable[[str], Any],
) -> Any:
    """Runs a routine that changes ``target``, a view of ``handle``; or ``otherwise(reason)``."""
    with graph.lock:
        gathered = Operands(routine, (handle, *operands), lazily=False)
        reason = _refusal(routine, gathered, [])
        if reason is None:
            buffer = buffer_of(handle)
            engine.settle(buffer)
            inputs = _current(gathered)[1:]
            if any(np.may_share_memory(view.array, target) for view in inputs):
                reason = "an operand overlaps what is written"
            else:
                call = Call(routine, params, inputs, (View(buffer, target),))
                reason = _perform(call, gathered)
                buffer.update()
    return None if reason is None else otherwise(reason)


def _refusal(routine: str, operands: Operands, sizes: list[int]) -> str | None:
    """Why the call is NumPy's; None where a backend may do it."""
    size = max([0 if a is None else a.size for a in operands.arrays] + sizes)
    if min([1 if a is None else a.size for a in operands.arrays] + sizes) == 0:
        return engine.BELOW
    elsewhere = operands.pin == "gpu" or operands.on_gpu
    if not elsewhere and not pays(routine, size):
        return engine.BELOW
    return None if operands.aligned() else "unaligned memory"


def _current(operands: Operands) -> tuple[View, ...]:
    """The operands' views, their contents computed."""
    views = []
    for value, array in zip(operands.values, operands.arrays, strict=True):
        assert array is not None, "a routine's operands are arrays"
        buffer = buffer_of(value) if isinstance(value, Handle) else foreign_buffer(array)
        engine.materialise(buffer)
        views.append(View(buffer, array))
    return tuple(views)


def _perform(call: Call, operands: Operands) -> str | None:
    """Runs a call, or says why no backend does."""
    backend, reason = engine.choose_for(call, operands.pin, operands.on_gpu)
    if backend is None:
        return reason
    try:
        engine.perform(backend, call)
    except IndexError:
        return NUMPYS_ERROR
    except Exception as error:  # floating-point conditions that raise, for example
        raise named(error, call.routine) from None
    return None


def _fresh(shape: Shape, dtype: Dtype) -> View:
    root, array = allocate(shape, result_strides(shape, dtype.itemsize, []), dtype)
    return View(Buffer(root, array), array)
