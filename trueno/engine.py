"""The engine: chooses a backend for each operation, runs plans, and keeps their order invisible."""

from __future__ import annotations

import importlib
import os
import struct
import sys
import warnings
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np

from trueno import conditions, graph, stats, validation
from trueno._backends.base import Backend
from trueno._backends.numpy import NumpyBackend
from trueno._backends.simd import SimdBackend
from trueno._handle import bind
from trueno._handle import evaluate as evaluate
from trueno.config import SETTINGS
from trueno.errors import StrictError, TruenoWarning
from trueno.graph import Buffer, Form, Node, Shape
from trueno.kinds import ACCELERATED, NUMBER, Dtype
from trueno.memory import NDArray, Storage, View
from trueno.plan import Call, Kernel, Launch, Output, ignore
from trueno.planner import Graph, Plan, Step, plan

# ---------------------------------------------------------------- backends

NUMPY = NumpyBackend()
_SIMD = SimdBackend()
_backends: dict[str, Backend | None] = {"numpy": NUMPY, "simd": _SIMD}
_supported: dict[tuple[Any, ...], bool] = {}
_failures: set[str] = set()
# What dispatch has decided for calls of one kind; void when a backend disappears. C looks into the
# second one, whose keys it makes.
decisions: dict[Any, Any] = {}
quick_decisions: dict[bytes, Any] = {}


def backend(name: str) -> Backend | None:
    """The backend of that name; None where this machine has none ("wgpu" without an adapter)."""
    if name not in _backends:
        with graph.lock:
            if name not in _backends:
                module = importlib.import_module("trueno._backends.wgpu")
                _backends[name] = module.open_backend(os.environ.get("TRUENO_GPU"))
    return _backends[name]


def gpu_failed(error: Exception) -> None:
    """Warns, once a cause, that the GPU's work runs on the CPU; gives a lost GPU up for good."""
    with graph.lock:
        gpu = _backends.get("wgpu")
        if gpu is not None and gpu.lost:
            _backends["wgpu"] = None
            _supported.clear()
            decisions.clear()
            quick_decisions.clear()
        cause = str(error)
        if cause not in _failures:
            _failures.add(cause)
            stats.tell("warning", "gpu", cause)
            warnings.warn(
                f"trueno: the GPU failed ({cause}); work continues on the CPU",
                TruenoWarning,
                stacklevel=stats.user_depth(),
            )


def supports(name: str, op: str, inputs: tuple[Dtype, ...], output: Dtype) -> bool:
    """Whether that backend is there and has a kernel for ``op`` computing in these dtypes."""
    key = (name, op, inputs, output)
    known = _supported.get(key)
    if known is None:
        found = backend(name)
        known = found is not None and found.supports(op, inputs, output)
        _supported[key] = known
    return known


def refusal(size: int, gain: int, pin: str, pending: bool) -> str | None:
    """Why a call on ``size`` elements is not worth deferring; None if it is.

    What a pending array feeds is deferred with it, and what the user pinned to the GPU runs there.
    """
    if size == 0:
        return BELOW
    if pending or pin == "gpu":
        return None
    return BELOW if size * gain < SETTINGS.get().threshold else None


BELOW = "below the threshold"
NUMPYS_ERROR = "NumPy decides the error"


def choose(
    op: str, inputs: tuple[Dtype, ...], output: Dtype, pin: str, on_gpu: bool
) -> tuple[str | None, str]:
    """The backend for an operation, or None and the reason (NumPy, at once).

    pin: "auto", "cpu" or "gpu": where the user pinned the operands; on_gpu: whether one lies there.
    """
    candidates = _candidates(pin, on_gpu)
    for dtype in (*inputs, output):
        if dtype not in NUMBER:
            return None, f"{dtype} is computed by NumPy"
    for name in candidates:
        if supports(name, op, inputs, output):
            return name, ""
    kinds = ", ".join(str(d) for d in inputs)
    return None, f"no {' or '.join(candidates)} kernel for {op}({kinds})"


def _candidates(pin: str, on_gpu: bool) -> tuple[str, ...]:
    """The backends to ask, in this order, for operands that are pinned so and lie there."""
    wish = SETTINGS.get().backend
    if pin == "gpu":
        return ("wgpu",)
    if wish == "auto":
        return ("wgpu", "simd") if on_gpu and pin == "auto" else ("simd",)
    return ("simd",) if wish == "wgpu" and pin == "cpu" else (wish,)


def choose_for(call: Call, pin: str, on_gpu: bool) -> tuple[str | None, str]:
    """The backend for a routine, or None and the reason (NumPy does it)."""
    candidates = _candidates(pin, on_gpu)
    for name in candidates:
        found = backend(name)
        if found is not None and found.performs(call):
            return name, ""
    kinds = ", ".join([str(view.array.dtype) for view in call.inputs])
    return None, f"no {' or '.join(candidates)} routine for {call.routine}({kinds})"


# ---------------------------------------------------------------- running

# By structure; and by keys, which are found faster but hold shapes too.
_plans: OrderedDict[Any, Plan] = OrderedDict()
_prepared: dict[bytes, Prepared] = {}
_PLANS_KEPT = 512


def materialise(buffer: Buffer) -> None:
    """Performs the buffer's pending write, if there is one."""
    node = buffer.node
    if node is not None:
        evaluate([node])


def host(array: NDArray, buffer: Buffer | None) -> NDArray:
    """``array`` with current contents on the host."""
    if buffer is not None and not buffer.plain:
        if buffer.node is not None:
            evaluate([buffer.node])
        if not buffer.host_valid:
            _download(buffer)
    return array


def _download(buffer: Buffer) -> None:
    try:
        buffer.to_host()
    except RuntimeError as error:
        gpu_failed(error)
        raise
    conditions.warn()


def settle(buffer: Buffer) -> None:
    """Readies host memory for outsiders: contents current, and no pending node reads them later."""
    with graph.lock:
        materialise(buffer)
        readers = [r() for r in buffer.readers]
        evaluate([r for r in readers if r is not None and r.result is None])
        buffer.readers = []
        if not buffer.host_valid:
            _download(buffer)


def before_write(buffer: Buffer) -> None:
    """Readies host memory for a write that NumPy does now."""
    settle(buffer)
    buffer.host_written()
    buffer.update()


def forget_plans() -> None:
    """Empties the caches of plans."""
    _plans.clear()
    _prepared.clear()


def plan_of(work: Graph) -> Plan:
    """The plan for a graph: kept by its structure."""
    structure = work.structure()
    planned = _plans.get(structure)
    if planned is None:
        planned = _plans[structure] = plan(work)
        if len(_plans) > _PLANS_KEPT:
            _plans.popitem(last=False)
    return planned


class Prepared(NamedTuple):
    """A plan as C runs it (csrc/python/run.c).

    packed:   each step as words
    steps:    the steps
    programs: the compiled kernels that the words point to
    kept:     the objects whose addresses the graph's key holds
    """

    packed: tuple[bytes, ...]
    steps: Plan
    programs: tuple[Any, ...]
    kept: tuple[Any, ...]


def _prepare(nodes: list[Node], spared: Node | None) -> Prepared:
    """The plan for the graph below ``nodes``, kept by its key: shapes and all."""
    work = Graph(nodes, spared)
    planned = plan_of(work)
    programs = [_program(step) for step in planned]
    prepared = Prepared(
        tuple([_packed(step, work.forms, p) for step, p in zip(planned, programs, strict=True)]),
        planned,
        tuple(programs),
        (*work.forms, *[v.array.dtype for v in work.leaves], *[type(c) for c in work.consts]),
    )
    if len(_prepared) >= _PLANS_KEPT:
        _prepared.clear()
    _prepared[work.key] = prepared
    return prepared


def _program(step: Step) -> Any:
    """The compiled kernel of a step that is simd's; None for others."""
    on = backend(step.backend)
    return on.program(step.kernel) if isinstance(on, SimdBackend) else None


def _packed(step: Step, forms: list[Form], program: Any) -> bytes:
    """A step as words: ``Packed`` of csrc/python/run.c."""
    shape = forms[step.space].space
    head = [len(shape), *shape, len(step.axes), *step.axes]
    inputs = [2 * at + is_leaf for is_leaf, at in step.inputs]
    parts = [head, inputs, step.consts, step.outputs, step.releases, step.reported]
    words = [0 if program is None else program.address, *map(len, parts)]
    for part in parts:
        words += part
    return struct.pack(f"{len(words)}q", *words)


def _launch_step(
    step: Step,
    shape: Shape,
    inputs: list[View],
    consts: tuple[np.generic[Any], ...],
    outputs: list[View],
    nodes: list[Node],
) -> BaseException | None:
    """Runs a step that is not simd's, or that somebody watches.

    Gives the exception that a signal's handler raised after the outputs were written, to be raised
    once that is noted: to write them again would apply an in-place operation twice.
    """
    if SETTINGS.get().debug:
        print(f"trueno: {step.kernel} on {step.backend}", file=sys.stderr)
    report = conditions.Report(nodes)
    launch = Launch(step.kernel, shape, step.axes, tuple(inputs), consts, tuple(outputs), report)
    interrupt: BaseException | None = None
    try:
        _launch(step.backend, launch)
    except BaseException as error:
        if not report.written:
            raise
        interrupt = error
    if not report.written:
        report.wait()
        if any(node.errstate & conditions.AT_ONCE for node in nodes):
            _synchronize(step.backend)
    return interrupt


def _synchronize(name: str) -> None:
    """Waits for a backend, which tells the conditions of its launches."""
    on = backend(name)
    try:
        if on is not None:
            on.synchronize()
    except RuntimeError as error:
        gpu_failed(error)


def _report(nodes: list[Node], masks: tuple[int, ...]) -> None:
    """Notes the conditions of a launch."""
    conditions.Report(nodes)(masks)


def _copy(step: Step, source: View, target: View) -> BaseException | None:
    """Copies what a step could not write to its place, since inputs overlap it.

    Gives an exception as ``_launch_step``.
    """
    shape = source.array.shape
    kernel = _copy_kernel(source.array.dtype)
    launch = Launch(kernel, shape, (), (source,), (), (target,), ignore)
    try:
        _launch(step.backend, launch)
    except BaseException as error:
        _launch(step.backend, launch)
        return error
    return None


def _copy_kernel(dtype: Dtype) -> Kernel:
    return Kernel((dtype,), (), (), (Output(0, None, dtype),))


def _launch(name: str, launch: Launch) -> None:
    """Runs a launch where it was planned; if a GPU fails, on the CPU from the host's data."""
    on = backend(name) or NUMPY
    if not stats.active() and not SETTINGS.get().validate:
        _place(on, launch)
        return
    reference = _reference(on, launch)
    start = stats.now()
    on = _place(on, launch)
    stats.tell("kernel", on.name, launch, start)
    if reference is not None:
        validation.compare(on.name, launch, reference)


def _place(on: Backend, work: Launch | Call) -> Backend:
    """Runs ``work`` on a backend, its data brought there; gives the backend that did it at last."""
    shared: list[Storage] = []  # others may write there, and be gone before the next launch
    if on.device == "gpu":
        shared = [v.storage for v in (*work.inputs, *work.outputs) if v.storage.shared]
        try:
            _do(on, work)
        except RuntimeError as error:
            gpu_failed(error)
            on = NUMPY
    if on.device == "cpu":
        for storage, array in (*work.inputs, *work.outputs):
            if not storage.host_valid:
                if SETTINGS.get().strict:
                    raise StrictError(
                        f"trueno: {array.nbytes} bytes would be copied from the GPU for "
                        f"'{work}' on {on.name}. Move the array yourself (x.to_device('cpu')), or "
                        "keep to operations and dtypes with a GPU kernel."
                    )
                storage.to_host()
        for storage, _ in work.outputs:
            storage.device_valid = False
        _do(on, work)
    for storage in shared:
        storage.to_host()
        storage.device_valid = False
    return on


def _do(on: Backend, work: Launch | Call) -> None:
    if isinstance(work, Launch):
        on.launch(work)
    else:
        on.call(work)


def perform(name: str, call: Call) -> None:
    """Runs a routine at once. The inputs' contents, and those of what it updates, are computed."""
    on = backend(name) or NUMPY
    if SETTINGS.get().debug:
        print(f"trueno: {call.routine} on {name}", file=sys.stderr)
    reference = _reference(on, call)
    start = stats.now()
    on = _place(on, call)
    stats.tell("kernel", on.name, call, start)
    if reference is not None:
        validation.compare(on.name, call, reference)


def _reference(on: Backend, work: Launch | Call) -> list[NDArray] | None:
    """What the work should give, if that is to be compared."""
    validate = SETTINGS.get().validate and on is not NUMPY
    return validation.reference(work) if validate else None


bind(
    decisions=quick_decisions,
    plans=_prepared,
    prepare=_prepare,
    launch=_launch_step,
    report=_report,
    copy=_copy,
    copiers={dtype: _SIMD.program(_copy_kernel(dtype)).address for dtype in ACCELERATED},
    run=_SIMD.run,
    warn=conditions.warn,
    observers=stats.observers,
)
