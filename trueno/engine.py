"""The engine: chooses a backend for each operation, runs plans, and keeps their order invisible."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from trueno import conditions, graph, stats, validation
from trueno._backends.base import Backend
from trueno._backends.numpy import NumpyBackend
from trueno._backends.simd import SimdBackend
from trueno.config import SETTINGS
from trueno.errors import StrictError, TruenoWarning
from trueno.graph import Buffer, Node
from trueno.kinds import NUMBER, Dtype
from trueno.memory import NDArray, View, allocate, make_view, same_elements
from trueno.plan import Call, Kernel, Launch, Output
from trueno.planner import Graph, Plan, Step, plan

# ---------------------------------------------------------------- backends

NUMPY = NumpyBackend()
_backends: dict[str, Backend | None] = {"numpy": NUMPY, "simd": SimdBackend()}
_supported: dict[tuple[Any, ...], bool] = {}
_failures: set[str] = set()
# What dispatch has decided for calls of one kind; void when a backend disappears.
decisions: dict[Any, Any] = {}
quick_decisions: dict[Any, Any] = {}


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
_plans_by_key: dict[Any, Plan] = {}
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


def evaluate(nodes: list[Node], spared: Node | None = None) -> None:
    """Computes the nodes and stores their values. Safe to call from several threads.

    spared: a node below them whose value need not be stored, though somebody waits for it
    """
    if not nodes:
        return
    with graph.lock:
        work = _ordered(nodes, spared)
        if not work.nodes:
            return
        planned = plan_of(work)
        debug = SETTINGS.get().debug
        for step in planned:
            if debug:
                print(f"trueno: {step.kernel} on {step.backend}", file=sys.stderr)
            _run(work, step)
            for at in step.releases:  # so that memory of intermediate results is free again
                work.nodes[at] = None
        conditions.warn()


def forget_plans() -> None:
    """Empties the caches of plans."""
    _plans.clear()
    _plans_by_key.clear()


def plan_of(work: Graph) -> Plan:
    """The plan for a graph: kept by its key, and by its structure."""
    planned = _plans_by_key.get(work.key)
    if planned is not None:
        return planned
    structure = work.structure()
    planned = _plans.get(structure)
    if planned is None:
        planned = _plans[structure] = plan(work)
        if len(_plans) > _PLANS_KEPT:
            _plans.popitem(last=False)
    if len(_plans_by_key) >= _PLANS_KEPT:
        _plans_by_key.clear()
    _plans_by_key[work.key] = planned
    return planned


def _ordered(nodes: list[Node], spared: Node | None) -> Graph:
    """The graph below ``nodes``, once every write in it may happen.

    A pending write must not overtake nodes that still want the former contents: those run first,
    except where the write itself is all that needs them.
    """
    while True:
        work = Graph(nodes, spared)
        overtaken: list[Node] = []
        for node, buffer in work.writes:
            overtaken += _wanted_elsewhere(node, buffer)
            if not overtaken:
                buffer.before = []
        if not overtaken:
            return work
        evaluate(overtaken)


def _wanted_elsewhere(write: Node, buffer: Buffer) -> list[Node]:
    """Pending readers of the former contents that something other than ``write`` needs."""
    readers = [r() for r in buffer.before]
    pending = [r for r in readers if r is not None and r.result is None and r is not write]
    if not pending:
        return []
    below = Graph([write]).nodes
    private = {id(write)}
    for node in reversed(below[:-1]):
        if not node.wanted and all(
            r is None or r.result is not None or id(r) in private
            for r in (ref() for ref in node.readers)
        ):
            private.add(id(node))
    return [r for r in pending if id(r) not in private]


def _run(work: Graph, step: Step) -> None:
    nodes, leaves = work.nodes, work.leaves
    inputs = [leaves[at] if is_leaf else nodes[at].result for is_leaf, at in step.inputs]
    outputs: list[View] = []
    copies: list[tuple[View, View]] = []
    for at in step.outputs:
        node: Node = nodes[at]
        owner = None if node.owner is None else node.owner()
        if type(owner) is Buffer and owner.node is node:
            assert owner.target is not None
            view = make_view(owner, owner.target)
            if _overlaps_elsewhere(view, inputs):
                aside = _fresh(node)
                copies.append((aside, view))
                view = aside
        else:
            view = _fresh(node)
        outputs.append(view)
    report = conditions.Report([nodes[at] for at in step.reported])
    consts = tuple([work.consts[at] for at in step.consts])
    form = work.forms[step.space]
    launch = Launch(
        step.kernel, form.space, step.axes, tuple(inputs), consts, tuple(outputs), report
    )
    interrupt: BaseException | None = None
    try:
        _launch(step.backend, launch)
    except BaseException as error:
        # A signal whose handler raised after the outputs were written: to write them again would
        # apply an in-place operation twice.
        if not report.written:
            raise
        interrupt = error
    if not report.written:
        report.wait()
    for aside, view in copies:
        try:
            _copy(step.backend, aside, view)
        except BaseException as error:
            _copy(step.backend, aside, view)
            interrupt = error
    if copies:
        final = {id(aside): view for aside, view in copies}
        outputs = [final.get(id(view), view) for view in outputs]
    for at, view in zip(step.outputs, outputs, strict=True):
        _stored(nodes[at], view)
    if interrupt is not None:
        raise interrupt


def _copy(backend: str, source: View, target: View) -> None:
    dtype = source.array.dtype
    kernel = Kernel((dtype,), (), (), (Output(0, None, dtype),))
    shape = source.array.shape
    _launch(backend, Launch(kernel, shape, (), (source,), (), (target,), _ignore))


def _ignore(masks: Sequence[int]) -> None:
    """The report of a launch that raises no conditions."""


def _fresh(node: Node) -> View:
    form = node.form
    root, array = allocate(form.shape, form.compact, form.dtype)
    return make_view(Buffer(root, array), array)


def _overlaps_elsewhere(view: View, inputs: list[View]) -> bool:
    """Whether an input shares memory with ``view`` other than element by element."""
    storage, mine = view
    shared = storage.shared
    for other, array in inputs:
        if other is not storage and not shared:
            continue
        if not same_elements(array, mine) and np.may_share_memory(array, mine):
            return True
    return False


def _stored(node: Node, view: View) -> None:
    buffer = view.storage
    assert isinstance(buffer, Buffer)
    node.result = view
    node.args = ()
    if buffer.node is node:
        buffer.node = None
        buffer.target = None
        buffer.before = []
    else:
        buffer.readers = node.readers
        owner = None if node.owner is None else node.owner()
        if owner is not None and type(owner) is not Buffer and owner._node is node:
            owner._array, owner._buffer = view.array, buffer
            owner._node = None
    buffer.update()


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
    if on.device == "gpu":
        for view in (*work.inputs, *work.outputs):
            if view.storage.shared:
                view.storage.device_valid = False
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
    else:
        for view in work.outputs:
            if view.storage.shared:
                view.storage.to_host()
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
