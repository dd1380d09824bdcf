"""``trueno.explain``: what would run, where and why; as data, text, Mermaid, SVG and HTML.

A reader of what planner and engine decide: nothing runs, and nothing is kept for it.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from typing import Any

from trueno import costs, engine, graph, machine
from trueno.config import SETTINGS, THREADS
from trueno.graph import Buffer, Node
from trueno.handles import Handle
from trueno.kinds import Dtype
from trueno.ops import ELEMENTWISE, OPS, REDUCTIONS
from trueno.planner import Graph, Step

# Names of operations listed at most.
_LISTED = 8


@dataclass(frozen=True)
class Operand:
    """What a kernel reads or writes: shape and dtype, and the kernel that computes it (0: none)."""

    shape: tuple[int, ...]
    dtype: str
    kernel: int = 0

    def __str__(self) -> str:
        return f"{self.dtype} {' x '.join(map(str, self.shape)) or 'scalar'}"


@dataclass(frozen=True)
class KernelReport:
    """One kernel of a plan.

    number:     in the order in which they run, from 1
    operations: what is fused into it; reductions end in "()"
    shape:      the iteration space; axes: those that are reduced
    nbytes:     read and written at least; flops: arithmetic operations
    seconds:    predicted time; bound: what takes most of it ("memory", "arithmetic", "launch")
    reason:     why it runs on that backend
    """

    number: int
    backend: str
    operations: tuple[str, ...]
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    nbytes: int
    flops: int
    seconds: float
    bound: str
    reason: str

    @property
    def title(self) -> str:
        """The operations in a line."""
        return " ".join(self.operations) or "copy"

    def __str__(self) -> str:
        over = f" over axes {self.axes}" if self.axes else ""
        figures = f"{_bytes(self.nbytes)}, {_count(self.flops)} operations"
        return (
            f"{self.number}. {self.backend}: {self.title}\n"
            f"   {_shape(self.shape)}{over}: reads {len(self.inputs)}, writes {len(self.outputs)}, "
            f"{figures}; about {_time(self.seconds)}, bound by {self.bound}\n"
            f"   {self.reason}"
        )


@dataclass(frozen=True)
class Explanation:
    """What computing some arrays would do: kernels in order; none if nothing is pending.

    results: the arrays; reasons: for each, its state and why
    """

    kernels: tuple[KernelReport, ...]
    results: tuple[Operand, ...]
    reasons: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """The predicted time of all kernels."""
        return sum([kernel.seconds for kernel in self.kernels])

    def __str__(self) -> str:
        lines = [
            f"{result}: {reason}" for result, reason in zip(self.results, self.reasons, strict=True)
        ]
        if self.kernels:
            count = sum([len(kernel.operations) for kernel in self.kernels])
            lines.append(
                f"{_plural(len(self.kernels), 'kernel')} of {_plural(count, 'operation')}, "
                f"about {_time(self.seconds)}"
            )
        return "\n".join([*lines, *map(str, self.kernels)])

    def mermaid(self) -> str:
        """The plan as a Mermaid flowchart."""
        lines = ["flowchart TD"]
        for box in self._boxes():
            lines.append(f'    {box.name}["{"<br>".join(box.lines)}"]')
            lines += [f"    {source} --> {box.name}" for source in box.sources]
        return "\n".join(lines)

    def svg(self) -> str:
        """The plan as an SVG drawing."""
        return _drawn(self._boxes())

    def _repr_html_(self) -> str:
        escape = importlib.import_module("html").escape
        return f"{self.svg() if self.kernels else ''}<pre>{escape(str(self))}</pre>"

    def _boxes(self) -> list[_Box]:
        boxes = []
        for kernel in self.kernels:
            sources = []
            for at, operand in enumerate(kernel.inputs):
                if operand.kernel:
                    sources.append(f"kernel{operand.kernel}")
                else:
                    name = f"input{kernel.number}_{at + 1}"
                    boxes.append(_Box(name, (str(operand),), ()))
                    sources.append(name)
            text = (
                f"{kernel.number}. {kernel.backend}",
                _shortened(kernel.title),
                f"{_bytes(kernel.nbytes)}, {_time(kernel.seconds)}",
            )
            boxes.append(_Box(f"kernel{kernel.number}", text, tuple(dict.fromkeys(sources))))
        return boxes


def explain(*arrays: Any) -> Explanation:
    """What computing the arrays would do: kernels, where they run, what they cost, and why.

    Nothing is computed. Print the result, or show it in a notebook; ``mermaid()`` and ``svg()``
    draw it. Raises TypeError for what is no TruenoArray.

    >>> import trueno as tn
    >>> x = tn.ones((2000, 1000))
    >>> (kernel,) = tn.explain(x * x + 1).kernels
    >>> kernel.operations, kernel.nbytes
    (('multiply', 'add'), 32000000)
    >>> print(kernel.reason)
    simd: 2 000 000 elements, from the threshold of ... on (multiply of float64)
    """
    for x in arrays:
        if not isinstance(x, Handle):
            raise TypeError(f"trueno.explain: expected TruenoArrays, not {type(x).__name__}")
    with graph.lock:
        nodes = [_pending(x) for x in arrays]
        work = Graph([node for node in nodes if node is not None])
        plan = engine.plan_of(work) if work.nodes else ()
        kernels = _reports(work, plan)
        results = tuple([Operand(x._layout.shape, str(x._layout.dtype)) for x in arrays])
        reasons = tuple(
            [
                "pending" if node is not None else _state(x)
                for x, node in zip(arrays, nodes, strict=True)
            ]
        )
    return Explanation(kernels, results, reasons)


def array_html(x: Any) -> str:
    """An array for a notebook: its elements, its shape, dtype and place; what computed it."""
    escape = importlib.import_module("html").escape
    before = explain(x)
    text = f"<pre>{escape(repr(x))}</pre>"
    about = f"{before.results[0]}, {_bytes(x.nbytes)}, device {x.device}"
    if not before.kernels:
        return f"{text}<p>{escape(about)}</p>"
    return f"{text}<details><summary>{escape(about)}</summary>{before._repr_html_()}</details>"


def _pending(x: Handle) -> Node | None:
    """The node whose value the array waits for."""
    if x._node is not None:
        return x._node
    return None if x._buffer is None else x._buffer.node


# ---------------------------------------------------------------- kernels


def _reports(work: Graph, plan: tuple[Step, ...]) -> tuple[KernelReport, ...]:
    made: dict[int, int] = {}  # node position to the number of its kernel
    # Leaves whose contents a pending write gives, to the position of its node.
    written = {at: source for row in work.args for _, at, source in row if source >= 0}
    reports = []
    for number, step in enumerate(plan, 1):
        inputs, nbytes = [], 0
        for is_leaf, at in step.inputs:
            if is_leaf:
                array = work.leaves[at].array
                source = made.get(written.get(at, -1), 0)
                inputs.append(Operand(array.shape, str(array.dtype), source))
                nbytes += costs.touched(array)
            else:
                form = work.forms[at]
                inputs.append(Operand(form.shape, str(form.dtype), made[at]))
                nbytes += form.size * form.dtype.itemsize
        outputs = []
        for at in step.outputs:
            form = work.forms[at]
            outputs.append(Operand(form.shape, str(form.dtype), number))
            nbytes += form.size * form.dtype.itemsize
            made[at] = number
        shape = work.forms[step.space].space
        size = math.prod(shape)
        seconds, bound = _predicted(step, nbytes, size)
        reports.append(
            KernelReport(
                number,
                step.backend,
                tuple(
                    [i.op for i in step.kernel.body]
                    + [f"{o.reduce}()" for o in step.kernel.outputs if o.reduce is not None]
                ),
                shape,
                step.axes,
                tuple(inputs),
                tuple(outputs),
                nbytes,
                costs.arithmetic(step.kernel) * size,
                seconds,
                bound,
                _why(work, step, size),
            )
        )
    return tuple(reports)


def _predicted(step: Step, nbytes: int, size: int) -> tuple[float, str]:
    """Seconds by the machine's figures, and what bounds them."""
    figures = machine.current()
    kernel = step.kernel
    element = sum([figures.cost(i.op, kernel.dtype_of(i.args[0])) for i in kernel.body])
    element += sum([figures.cost(o.reduce, o.dtype) for o in kernel.outputs if o.reduce])
    threads = SETTINGS.get().threads or THREADS
    parts = {
        "memory": nbytes / figures.rate(nbytes) * 1e-9,
        "arithmetic": element * size / threads * 1e-9,
        "launch": figures.launch * 1e-6,
    }
    bound = max(parts, key=parts.__getitem__)
    return max(parts["memory"], parts["arithmetic"]) + parts["launch"], bound


def _why(work: Graph, step: Step, size: int) -> str:
    """Why the step runs on its backend."""
    storages = [work.leaves[at].storage for is_leaf, at in step.inputs if is_leaf]
    if step.backend == "wgpu":
        if any(type(s) is Buffer and s.pin == "gpu" for s in storages):
            return "wgpu: an operand is pinned to the GPU"
        if any(not s.host_valid for s in storages):
            return "wgpu: the data lie on the GPU"
    settings = SETTINGS.get()
    if settings.backend == step.backend:
        return f"{step.backend}: trueno.backend({step.backend!r}) asks for it"
    limits = {}
    for at in (*step.nodes, *step.outputs):
        form = work.forms[at]
        limits[form.op.name, str(form.dtype)] = _limit(form.op.name, form.dtype)
    (name, dtype), least = min(limits.items(), key=lambda item: item[1])
    if size >= least:
        over = f"{_count(size)} elements, from the threshold of {_count(least)} on"
        return f"{step.backend}: {over} ({name} of {dtype})"
    return f"{step.backend}: {_count(size)} elements, fewer than pay alone; with pending work"


def _limit(name: str, dtype: Dtype) -> int:
    """Elements from which an operation alone is deferred."""
    threshold = SETTINGS.get().threshold
    gain = OPS[name].gain(dtype)
    return math.ceil(threshold / gain) if gain else threshold


def _state(x: Handle) -> str:
    """The state of an array that waits for nothing, and what is done with calls on it."""
    buffer = x._buffer
    if buffer is not None and not buffer.host_valid:
        return "computed, on the GPU"
    dtype = x._array.dtype
    size = x._array.size
    threshold = SETTINGS.get().threshold
    rows = [row for row in (*ELEMENTWISE.values(), *REDUCTIONS.values()) if row.name != "cast"]
    earlier = [row.name for row in rows if row.gain(dtype) * size >= threshold > 0]
    if size >= threshold:
        return f"computed; calls on it run on simd: {_count(size)} elements"
    text = (
        f"computed; calls on it run on numpy: {_count(size)} elements, "
        f"under the simd threshold of {_count(threshold)}"
    )
    if earlier:
        more = f" and {len(earlier) - _LISTED} more" if len(earlier) > _LISTED else ""
        text += f"; simd for {', '.join(earlier[:_LISTED])}{more}"
    return text


# ---------------------------------------------------------------- words and drawing


def _count(n: int) -> str:
    return f"{n:,}".replace(",", " ")


def _plural(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _bytes(n: float) -> str:
    for unit in ("B", "kB", "MB"):
        if n < 1000:
            return f"{n:.3g} {unit}"
        n /= 1000
    return f"{n:.3g} GB"


def _time(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "one element"


def _shortened(text: str, most: int = 48) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


@dataclass(frozen=True)
class _Box:
    name: str
    lines: tuple[str, ...]
    sources: tuple[str, ...]


_ACROSS, _DOWN, _LINE, _CHARACTER = 24, 36, 16, 7.0


def _drawn(boxes: list[_Box]) -> str:
    """Boxes in rows, each below all of its sources, and arrows between them."""
    escape = importlib.import_module("html").escape
    level: dict[str, int] = {}
    rows: dict[int, list[_Box]] = {}
    for box in boxes:
        level[box.name] = 1 + max([level[source] for source in box.sources], default=-1)
        rows.setdefault(level[box.name], []).append(box)
    places: dict[str, tuple[float, float, float, float]] = {}
    top = width = 0.0
    for row in sorted(rows):
        left = 0.0
        for box in rows[row]:
            across = max(map(len, box.lines)) * _CHARACTER + 16
            places[box.name] = left, top, across, len(box.lines) * _LINE + 8.0
            left += across + _ACROSS
        width = max(width, left)
        top += max([places[box.name][3] for box in rows[row]]) + _DOWN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{top:.0f}" '
        'font-family="monospace" font-size="12">',
        '<marker id="end" markerWidth="8" markerHeight="8" refX="7" refY="3" orient="auto">'
        '<path d="M0,0 L7,3 L0,6 z" fill="gray"/></marker>',
    ]
    for box in boxes:
        x, y, across, down = places[box.name]
        fill = "#dbeafe" if box.sources else "#f3f4f6"
        parts.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{across:.0f}" height="{down:.0f}" rx="4" '
            f'fill="{fill}" stroke="gray"/>'
        )
        for at, line in enumerate(box.lines):
            below = y + _LINE * (at + 1)
            parts.append(f'<text x="{x + 8:.0f}" y="{below:.0f}">{escape(line)}</text>')
        for source in box.sources:
            sx, sy, sw, sh = places[source]
            parts.append(
                f'<line x1="{sx + sw / 2:.0f}" y1="{sy + sh:.0f}" x2="{x + across / 2:.0f}" '
                f'y2="{y:.0f}" stroke="gray" marker-end="url(#end)"/>'
            )
    return "\n".join([*parts, "</svg>"])
