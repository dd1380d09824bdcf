"""From a launch's geometry to dispatches: coalesced axes, access kinds, bindings, parameters.

Pure integers: nothing here touches a device. The result is cached by the geometry, so a loop
prepares once and then only records.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

from trueno._backends import wgsl
from trueno._backends.wgpu_reduce import POSITIONS, Reduction, reduction
from trueno._backends.wgpu_shaders import (
    LANES,
    WORKGROUP,
    Access,
    Binding,
    Elementwise,
    Module,
    elementwise,
    lanes_of,
)
from trueno.kinds import BOOL, FLOAT16, FLOAT32, INT32, UINT32, Dtype
from trueno.plan import Instruction, Kernel, Output

MAX_POINTS = 1 << 31  # points of one dispatch: indices are 32 bits, with room for the last step
SEGMENT = 16384  # points that a workgroup reduces, so that rounding errors stay pairwise-like
INVOCATIONS = 1 << 18  # that fill a large GPU, where each reduces to an output of its own


class Limits(NamedTuple):
    """What the device allows."""

    binding: int  # bytes of a binding
    bindings: int  # storage bindings in a module
    immediates: int  # bytes of immediates
    groups: int  # workgroups in a dimension
    invocations: int  # in a workgroup


class Operand(NamedTuple):
    """An operand's geometry.

    buffer:  the number of its buffer: a storage's (from 0), or -1, -2, ... for a temporary
    offset:  of its first element, in elements
    strides: in elements, for every axis of the iteration space (0 where broadcast)
    large:   whether the buffer exceeds the binding limit
    """

    buffer: int
    offset: int
    strides: tuple[int, ...]
    dtype: Dtype
    large: bool = False


class Step(NamedTuple):
    """One dispatch.

    entries: the bindings: buffer number, byte offset, byte size (0: the whole buffer)
    consts:  the constants that precede ``static`` in the parameters
    slot:    where its flag slots begin among the launch's
    """

    module: Module
    writes: tuple[bool, ...]
    immediates: bool
    entries: tuple[tuple[int, int, int], ...]
    consts: tuple[int, ...]
    static: bytes
    slot: int
    grid: tuple[int, int]


class Prepared(NamedTuple):
    """A launch's dispatches, and the sizes in bytes of the temporaries -1, -2, ..."""

    steps: tuple[Step, ...]
    temporaries: tuple[int, ...]
    flags: int


class LayoutError(Exception):
    """``split``: the launch is too large for one dispatch. Otherwise ``operands`` (counted through
    inputs, then outputs) must be staged through compact copies."""

    def __init__(self, reason: str, operands: tuple[int, ...] = (), split: bool = False) -> None:
        super().__init__(reason)
        self.operands, self.split = operands, split


def coalesce(
    shape: Sequence[int], strides: Sequence[Sequence[int]]
) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Drops axes of length 1 and merges neighbours that every operand steps through as one."""
    axes = [a for a, length in enumerate(shape) if length != 1]
    sizes: list[int] = []
    steps: list[list[int]] = [[] for _ in strides]
    for a in axes:
        if sizes and all(k[-1] == s[a] * shape[a] for k, s in zip(steps, strides, strict=True)):
            sizes[-1] *= shape[a]
            for k, s in zip(steps, strides, strict=True):
                k[-1] = s[a]
        else:
            sizes.append(shape[a])
            for k, s in zip(steps, strides, strict=True):
                k.append(s[a])
    return tuple(sizes), [tuple(k) for k in steps]


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """C-order strides in elements."""
    return tuple(prod(shape[a + 1 :]) for a in range(len(shape)))


def _alignment(dtype: Dtype, lanes: int) -> int:
    """Elements to which an offset must be aligned for vectors, or words of 4 bytes."""
    return min(lanes, 16 // dtype.itemsize) if dtype.itemsize >= 4 else 4 // dtype.itemsize


def kind_of(
    operand: Operand,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    outer: tuple[int, ...],
    lanes: int,
) -> str:
    """The access kind for a space of ``shape``; ``outer`` holds strides beyond that space."""
    align = _alignment(operand.dtype, lanes)
    if not any(strides) and not any(outer):
        return "scalar"
    aligned = not any(n % align for n in (operand.offset, *strides[:-1], *outer))
    if strides == contiguous(shape) and not outer:
        return "flat4" if operand.offset % align == 0 else "flat"
    if len(shape) > 1 and shape[-1] % lanes:
        return "strided"
    if strides[-1] == 0:
        return "broadcast"
    return "rows4" if aligned and strides[-1] == 1 else "strided"


# ---------------------------------------------------------------- bindings


class _Bound(NamedTuple):
    accesses: list[Access]
    bindings: tuple[Binding, ...]
    entries: tuple[tuple[int, int, int], ...]
    starts: list[int]  # each operand's offset within its binding, in elements


def _extent(operand: Operand, shape: Sequence[int]) -> tuple[int, int]:
    """The bytes that an operand may touch; vector loads may pass the last element by three."""
    reach = [(n - 1) * s for n, s in zip(shape, operand.strides, strict=True)]
    low = operand.offset + sum(r for r in reach if r < 0)
    high = operand.offset + sum(r for r in reach if r > 0) + LANES
    return low * operand.dtype.itemsize, high * operand.dtype.itemsize


_PLAIN = {"flat4": "flat", "rows4": "strided"}


def bind(
    operands: list[Operand],
    kinds: list[str],
    labels: list[int],
    outputs: int,
    shape: Sequence[int],
    limits: Limits,
    lanes: int,
) -> _Bound:
    """Assigns bindings. A buffer that is written is bound once; the last ``outputs`` are
    written."""
    first = len(operands) - outputs
    written = {operand.buffer for operand in operands[first:]}
    accesses = [
        Access(kind, 0, o.dtype, lanes=lanes) for kind, o in zip(kinds, operands, strict=True)
    ]
    for buffer in written:
        group = [m for m, o in enumerate(operands) if o.buffer == buffer]
        narrow = [m for m in group if m >= first and operands[m].dtype.itemsize < 4]
        shared = len(narrow) > 1 or any(kinds[m][-1] != "4" for m in narrow)
        mixed = len({accesses[m].element for m in group}) > 1
        for m in group:
            kind = accesses[m].kind
            plain = accesses[m].dtype.itemsize >= 4 if mixed else shared and m >= first
            if plain:  # vectors and scalars of one type: all as scalars
                kind = _PLAIN.get(kind, kind)
            accesses[m] = accesses[m]._replace(kind=kind, atomic=shared)
        if len({accesses[m].element for m in group}) > 1:
            staged = tuple(labels[m] for m in group[1:])
            raise LayoutError("one buffer in two types", staged)
    keys: dict[tuple[int, str], list[int]] = {}
    for m, operand in enumerate(operands):
        keys.setdefault((operand.buffer, accesses[m].element), []).append(m)
    if len(keys) > limits.bindings - 1:
        raise LayoutError("too many operands for one shader")
    entries, bindings, starts = [], [], [0] * len(operands)
    for number, ((buffer, element), group) in enumerate(keys.items()):
        start, size = 0, 0
        if operands[group[0]].large:
            spans = [_extent(operands[m], shape) for m in group]
            start = min(low for low, _ in spans) // 256 * 256
            size = max(high for _, high in spans) - start
            size += -size % 16
            if size > limits.binding:
                raise LayoutError("larger than a binding", split=True)
        entries.append((buffer, start, size))
        bindings.append(Binding(element, buffer in written))
        for m in group:
            accesses[m] = accesses[m]._replace(binding=number)
            starts[m] = operands[m].offset - start // operands[m].dtype.itemsize
    return _Bound(accesses, tuple(bindings), tuple(entries), starts)


def grid_of(groups: int, limits: Limits) -> tuple[int, int]:
    """The two dimensions of a dispatch of at least so many workgroups."""
    rows = -(-groups // limits.groups)
    return (groups, 1) if rows == 1 else (-(-groups // rows), rows)


def step_of(
    key: Any,
    generate: Callable[[Any], Module],
    consts: tuple[int, ...],
    values: dict[str, int],
    bound: _Bound,
    slot: int,
    groups: int,
    limits: Limits,
) -> Step:
    """Generates the module, with the parameters as immediates if they fit."""
    module = generate(key)
    if 8 + 4 * len(module.fields) > limits.immediates:
        key = key._replace(immediates=False)
        module = generate(key)
    words = sum(1 for name in module.fields if name[0] == "c")
    static = [values[name] & 0xFFFFFFFF for name in module.fields[words:]]
    return Step(
        module,
        tuple(binding.writes for binding in bound.bindings),
        key.immediates,
        bound.entries,
        consts,
        struct.pack(f"<{len(static)}I", *static),
        slot,
        grid_of(groups, limits),
    )


# ---------------------------------------------------------------- elementwise


def elementwise_step(
    kernel: Kernel,
    numbers: tuple[int, ...],
    shape: tuple[int, ...],
    inputs: Sequence[Operand],
    outputs: Sequence[Operand],
    limits: Limits,
    slot: int = 0,
) -> Step:
    """The dispatch that computes the outputs ``numbers`` of a kernel."""
    if prod(shape) > MAX_POINTS:
        raise LayoutError("too many points", split=True)
    program = wgsl.program(kernel, [kernel.outputs[k].value for k in numbers])
    first = len(kernel.inputs)
    labels = [*program.inputs, *(first + k for k in numbers)]
    operands = [inputs[i] for i in program.inputs] + [outputs[k] for k in numbers]
    # Elementwise, the order of the axes is free: follow the first output's memory.
    leading = operands[-len(numbers)].strides
    order = sorted(range(len(shape)), key=lambda a: -abs(leading[a]))
    ordered = [tuple(o.strides[a] for a in order) for o in operands]
    sizes, strides = coalesce([shape[a] for a in order], ordered)
    if not sizes:
        sizes, strides = (1,), [(0,)] * len(operands)
    lanes = lanes_of(o.dtype for o in operands)
    kinds = [kind_of(o, sizes, s, (), lanes) for o, s in zip(operands, strides, strict=True)]
    for m, operand in enumerate(operands[-len(numbers) :], len(operands) - len(numbers)):
        if kinds[m] == "scalar":  # a single point
            kinds[m] = "flat4" if operand.offset % _alignment(operand.dtype, lanes) == 0 else "flat"
    bound = bind(operands, kinds, labels, len(numbers), shape, limits, lanes)
    values = {"n": prod(sizes), **{f"d{a}": n for a, n in enumerate(sizes)}}
    for m, label in enumerate(labels):
        values[f"o{label}"] = bound.starts[m]
        values |= {f"s{label}_{a}": s for a, s in enumerate(strides[m])}
    loads = tuple(bound.accesses[: len(program.inputs)])
    stores = tuple(bound.accesses[len(program.inputs) :])
    rank, rows = len(sizes), sizes[-1] % lanes == 0
    key = Elementwise(kernel, numbers, loads, stores, bound.bindings, rank, rows, lanes, True)
    groups = -(-values["n"] // (WORKGROUP * lanes))
    return step_of(key, elementwise, program.consts, values, bound, slot, groups, limits)


# ---------------------------------------------------------------- reductions


def register_dtype(dtype: Dtype) -> Dtype:
    """The dtype in which a reduction leaves partial results of ``dtype``."""
    if dtype == BOOL:
        return UINT32
    if dtype == FLOAT16:
        return FLOAT32
    if dtype.itemsize < 4:
        return INT32 if dtype.kind == "i" else UINT32
    return dtype


class _Pass(NamedTuple):
    """One pass of a reduction, and where its flag slots begin. ``paired``: see ``Reduction``."""

    kernel: Kernel
    number: int
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    inputs: tuple[Operand, ...]
    slot: int
    paired: bool = False

    def along(self, axis: int, start: int, stop: int) -> _Pass:
        """The part from ``start`` to ``stop`` along an axis."""
        shape = (*self.shape[:axis], stop - start, *self.shape[axis + 1 :])
        inputs = [o._replace(offset=o.offset + start * o.strides[axis]) for o in self.inputs]
        return self._replace(shape=shape, inputs=tuple(inputs))


class _Split(NamedTuple):
    """The kept and the reduced axes, coalesced."""

    kept: tuple[int, ...]
    reduced: tuple[int, ...]
    outer: list[tuple[int, ...]]
    inner: list[tuple[int, ...]]


def split_axes(
    shape: tuple[int, ...], axes: tuple[int, ...], operands: list[Operand], counted: bool
) -> _Split:
    """``counted``: the reduced axes stay in C order, in which positions are counted."""
    keep = [a for a in range(len(shape)) if a not in axes]
    sizes = [shape[a] for a in keep]
    kept, outer = coalesce(
        sizes, [tuple(o.strides[a] for a in keep) for o in operands] + [contiguous(sizes)]
    )
    leading = next((o.strides for o in operands if any(o.strides)), (0,) * len(shape))
    order = sorted(axes, key=lambda a: 0 if counted else -abs(leading[a]))
    reduced, inner = coalesce(
        [shape[a] for a in order], [tuple(o.strides[a] for a in order) for o in operands]
    )
    if not reduced:
        reduced, inner = (1,), [(0,)] * len(operands)
    return _Split(kept, reduced, outer[:-1], inner)


def _strategy(split: _Split, n: int, m: int) -> tuple[int, int]:
    """Invocations that share an output (1: none do), and the number of segments.

    A workgroup an output where the reduced axis is the closer one in memory, or where outputs are
    too few; otherwise an invocation an output, whose neighbours read neighbouring elements.
    """
    closest = [s[-1] for s in split.inner if s[-1]]
    across = [s[-1] for s in split.outer if s and s[-1]]
    along = min(map(abs, closest), default=0) <= min(map(abs, across), default=1 << 62)
    if n >= 64 and (along or m < 64):
        return (64 if n < 1024 else 256), -(-n // SEGMENT)
    return 1, max(1, min(-(-n // 64), -(-INVOCATIONS // m)))


def reduction_step(one: _Pass, targets: list[Operand], limits: Limits) -> tuple[Step, int]:
    """The dispatch of a pass, which leaves its results in ``targets`` (contiguous, in register
    dtypes), and the number of segments, of which each leaves its partial results after those of
    the one before."""
    kernel, number, shape = one.kernel, one.number, one.shape
    output = kernel.outputs[number]
    program = wgsl.program(kernel, [0, 1] if one.paired else [output.value])
    operands = [one.inputs[i] for i in program.inputs]
    split = split_axes(shape, one.axes, operands, output.reduce in POSITIONS)
    n, m = prod(split.reduced), prod(split.kept)
    if n * m > MAX_POINTS or n > MAX_POINTS:
        raise LayoutError("too many points", split=True)
    group, segments = _strategy(split, n, m)
    lanes = lanes_of([*(o.dtype for o in operands), targets[0].dtype])
    kinds = [
        kind_of(o, split.reduced, inner, outer or (0,), lanes)
        for o, inner, outer in zip(operands, split.inner, split.outer, strict=True)
    ]
    labels = [*program.inputs, *[len(kernel.inputs) + number] * len(targets)]
    kinds += ["flat"] * len(targets)
    bound = bind([*operands, *targets], kinds, labels, len(targets), shape, limits, lanes)
    length = -(-n // segments)
    length += -length % LANES
    segments = -(-n // length)
    blocks = segments * m if group > 1 else -(-m // WORKGROUP)
    count = len(operands)
    values = {"n": n, "m": m, "length": length, "blocks": blocks}
    values |= {f"store{k}": start for k, start in enumerate(bound.starts[count:])}
    values |= {f"d{a}": size for a, size in enumerate(split.reduced)}
    values |= {f"e{a}": size for a, size in enumerate(split.kept)}
    for i, label in enumerate(program.inputs):
        values[f"o{label}"] = bound.starts[i]
        values |= {f"h{label}_{a}": s for a, s in enumerate(split.outer[i])}
        values |= {f"s{label}_{a}": s for a, s in enumerate(split.inner[i])}
    loads, stores = tuple(bound.accesses[:count]), tuple(bound.accesses[count:])
    rank, inner_rank = len(split.kept), len(split.reduced)
    rows = split.reduced[-1] % lanes == 0
    key = Reduction(
        kernel, number, loads, stores, bound.bindings, rank, inner_rank, rows, group,
        one.paired, lanes, True,
    )  # fmt: skip
    groups = blocks if group > 1 else blocks * segments
    return step_of(
        key, reduction, program.consts, values, bound, one.slot, groups, limits
    ), segments


_AGAIN = {"any": "max", "all": "min"}  # partial results of booleans are 0 or 1


def copy_kernel(source: Dtype, target: Dtype) -> Kernel:
    """The kernel that stores values of ``source`` as ``target``."""
    if source == target:
        return Kernel((source,), (), (), (Output(0, None, target),))
    cast = Instruction("cast", (0,), target)
    return Kernel((source,), (), (cast,), (Output(1, None, target),))


class _Preparing:
    """Collects the steps of a launch with reductions."""

    def __init__(
        self, kernel: Kernel, shape: tuple[int, ...], axes: tuple[int, ...], limits: Limits
    ):
        self.kernel, self.shape, self.axes, self.limits = kernel, shape, axes, limits
        self.steps: list[Step] = []
        self.copies: list[Step] = []
        self.temporaries: list[int] = []

    def placeholder(self, dtype: Dtype, ahead: int = 0) -> Operand:
        """Where the next temporary would be, or one after it."""
        return Operand(-len(self.temporaries) - 1 - ahead, 0, (0,) * len(self.shape), dtype)

    def temporary(self, elements: int, dtype: Dtype) -> Operand:
        operand = self.placeholder(dtype)
        self.temporaries.append(elements * dtype.itemsize)
        if self.temporaries[-1] > self.limits.binding:
            raise LayoutError("partial results larger than a binding", split=True)
        return operand

    def parts(self, one: _Pass, dtypes: Sequence[Dtype]) -> list[tuple[_Pass, int]]:
        """A pass with its number of segments; halved along the reduced axes where it is too
        large."""
        try:
            places = [self.placeholder(dtype, k) for k, dtype in enumerate(dtypes)]
            return [(one, reduction_step(one, places, self.limits)[1])]
        except LayoutError as error:
            kept = prod(n for a, n in enumerate(one.shape) if a not in one.axes)
            if not error.split or kept > 1 or len(dtypes) > 1:
                raise
        axis = max(one.axes, key=lambda a: one.shape[a])
        first = one.shape[axis] // 2
        return [
            *self.parts(one.along(axis, 0, first), dtypes),
            *self.parts(one.along(axis, first, one.shape[axis]), dtypes),
        ]

    def reduce(self, number: int, inputs: Sequence[Operand], output: Operand) -> None:
        """Reduces output ``number``, in as many passes as it takes."""
        kernel, shape, axes = self.kernel, self.shape, self.axes
        value, name, _ = kernel.outputs[number]
        assert name is not None
        dtype = register_dtype(output.dtype)
        partial: tuple[Dtype, ...] = (dtype,)  # of the partial results
        if name in POSITIONS:
            partial = register_dtype(kernel.dtype_of(value)), UINT32
        slot = len(kernel.body) + number
        kept = [1 if a in axes else length for a, length in enumerate(shape)]
        _, (flat, actual) = coalesce(kept, [contiguous(kept), output.strides])
        direct = flat == actual and dtype == output.dtype and not output.large
        direct = direct and all(output.buffer != i.buffer for i in inputs)
        m = prod(kept)
        one = _Pass(kernel, number, shape, axes, tuple(inputs), 0)
        while True:
            parts = self.parts(one, partial)
            segments = sum(count for _, count in parts)
            finished = segments == 1
            if finished:
                targets = [output if direct else self.temporary(m, dtype)]
            else:
                targets = [self.temporary(segments * m, kind) for kind in partial]
            done = 0
            for part, count in parts:
                places = [t._replace(offset=t.offset + done * m) for t in targets]
                self.steps.append(reduction_step(part, places, self.limits)[0])
                done += count
            if finished:
                break
            again = Kernel(partial, (), (), (Output(0, _AGAIN.get(name, name), dtype),))
            sources = tuple([t._replace(strides=(m, 1)) for t in targets])
            one = _Pass(again, 0, (segments, m), (0,), sources, slot, len(partial) > 1)
        if direct:
            return
        source = targets[0]._replace(strides=contiguous(kept))
        copy = copy_kernel(dtype, output.dtype)
        step = elementwise_step(copy, (0,), tuple(kept), [source], [output], self.limits, slot)
        self.copies.append(step)


def prepare(
    kernel: Kernel,
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    inputs: Sequence[Operand],
    outputs: Sequence[Operand],
    limits: Limits,
    temporaries: Sequence[int] = (),
) -> Prepared:
    """A launch's dispatches: reductions read before anything is written, copies of their results
    last. ``temporaries``: sizes of those that there are.

    Raises LayoutError where the launch must be split or operands staged.
    """
    plan = _Preparing(kernel, shape, axes, limits)
    plan.temporaries += temporaries
    stored = tuple(k for k, output in enumerate(kernel.outputs) if output.reduce is None)
    for k, output in enumerate(kernel.outputs):
        if output.reduce is not None:
            try:
                plan.reduce(k, inputs, outputs[k])
            except LayoutError as error:
                if error.split or not error.operands:
                    raise
                raise LayoutError(str(error), (len(inputs) + k,)) from None
    if stored:
        plan.steps.append(elementwise_step(kernel, stored, shape, inputs, outputs, limits))
    flags = len(kernel.body) + len(kernel.outputs)
    steps = (*plan.steps, *plan.copies)
    needs = any(step.module.slots for step in steps)
    return Prepared(steps, tuple(plan.temporaries), flags if needs else 0)
