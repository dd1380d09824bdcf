"""Shader modules for chains of reductions along rows: a workgroup goes through all steps of a row.

The values of a kernel have levels: as many reductions must be done before they can be known. A
stage for each level computes its values and what is reduced of them; then the workgroup joins the
partial results in a fixed tree. Where a row fits into the registers of the workgroup, what later
stages read of earlier ones stays there (``turns`` is how often an invocation has a turn then);
longer rows are read, and computed, again in each stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from trueno._backends import wgsl
from trueno._backends.wgpu_reduce import outer_coordinates, tree
from trueno._backends.wgpu_shaders import (
    MAIN,
    Access,
    Binding,
    Module,
    Space,
    constants,
    loaded,
    module,
    notes,
    put,
    store,
)
from trueno._backends.wgsl import REGISTER
from trueno.kinds import Dtype
from trueno.ops import OPS, REDUCTIONS
from trueno.plan import Kernel

KEPT = 64  # registers of an invocation that may hold values between stages


class Rows(NamedTuple):
    """A module. rank: of the kept axes, ``inner`` that of the reduced; group: invocations a row;
    turns: of an invocation, or 0 for any number."""

    kernel: Kernel
    loads: tuple[Access, ...]
    stores: tuple[Access, ...]
    bindings: tuple[Binding, ...]
    rank: int
    inner: int
    rows: bool
    group: int
    turns: int
    lanes: int
    immediates: bool


class _Fold(NamedTuple):
    """A reduction: the value that it reduces and its name as one, its dtype and flag slot."""

    operand: int
    name: str
    op: str
    dtype: Dtype
    slot: int


class _Chain:
    """A kernel's values by levels."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.first = len(kernel.inputs) + len(kernel.consts)
        self.rows = kernel.rows()
        self.level = [0] * self.first
        for op, args, _ in kernel.body:
            below = max((self.level[a] for a in args), default=0)
            self.level.append(below + (op in REDUCTIONS))
        self.folds: dict[int, list[_Fold]] = {}
        for i, (op, args, dtype) in enumerate(kernel.body):
            if op in REDUCTIONS:
                self._fold(_Fold(args[0], f"t{self.first + i}", op, dtype, i))
        for k, (value, reduce, dtype) in enumerate(kernel.outputs):
            if reduce is not None:
                self._fold(_Fold(value, f"z{k}", reduce, dtype, len(kernel.body) + k))
        self.last = max(self.level)
        self.last = max([self.last, *self.folds])
        self.consts: set[int] = set()
        self.slots: set[int] = set()

    def _fold(self, fold: _Fold) -> None:
        self.folds.setdefault(self.level[fold.operand], []).append(fold)

    def element(self, value: int) -> bool:
        """Whether there is a value a point."""
        const = len(self.kernel.inputs) <= value < self.first
        return not const and not self.rows[value]

    def wanted(self, level: int) -> list[int]:
        """The element values that a stage is about: what is reduced, and at last what is stored."""
        found = [fold.operand for fold in self.folds.get(level, [])]
        if level == self.last:
            found += [o.value for o in self.kernel.outputs if o.reduce is None]
        return [v for v in dict.fromkeys(found) if self.element(v)]

    def kept(self) -> list[int]:
        """The element values that stages after their own read."""
        found: set[int] = set()
        for level in range(1, self.last + 1):
            found |= set(self._reads(self.wanted(level), level))
        return sorted(found)

    def _reads(self, values: Sequence[int], level: int) -> list[int]:
        """What is known before a stage, of all that its values need."""
        seen: set[int] = set()
        stack, found = list(values), []
        while stack:
            value = stack.pop()
            if value in seen or not self.element(value):
                continue
            seen.add(value)
            if self.level[value] < level or value < self.first:
                found.append(value)
            else:
                stack += self.kernel.body[value - self.first].args
        return found

    def name(self, value: int) -> str:
        if len(self.kernel.inputs) <= value < self.first:
            self.consts.add(value - len(self.kernel.inputs))
            number = value - len(self.kernel.inputs)
            return wgsl.constant(number, self.kernel.consts[number]).text
        return f"t{value}"

    def lines(self, value: int) -> list[str]:
        """Statements that compute an instruction's value from those of its operands."""
        i = value - self.first
        instruction = self.kernel.body[i]
        args = [self.name(a) for a in instruction.args]
        dtypes = [self.kernel.dtype_of(a) for a in instruction.args]
        text = wgsl.expression(instruction.op, args, dtypes, instruction.dtype)
        if text is None:
            raise ValueError(f"no WGSL for {instruction.op}")
        found = [f"let t{value} = {text};"]
        check = wgsl.conditions(instruction, f"t{value}", args, dtypes, f"raised_{i}")
        if check:
            found.append(check)
            self.slots.add(i)
        return found

    def stage(
        self, level: int, known: Sequence[int], results: Sequence[int]
    ) -> tuple[str, list[int]]:
        """The function of a stage, and its arguments: known element values and values a row."""
        arguments: set[int] = set()
        needed: set[int] = set()
        stack = list(results)
        while stack:
            value = stack.pop()
            if value in needed or value in arguments:
                continue
            if len(self.kernel.inputs) <= value < self.first:
                continue
            if value in known or value < self.first or self.rows[value]:
                arguments.add(value)
                continue
            needed.add(value)
            stack += self.kernel.body[value - self.first].args
        ordered = sorted(arguments)
        taken = ", ".join(f"t{v}: {self.type(v)}" for v in ordered)
        fields = ", ".join(f"v{v}: {self.type(v)}" for v in results)
        body = [line for value in sorted(needed) for line in self.lines(value)]
        body.append(f"return Stage{level}({', '.join(self.name(v) for v in results)});")
        text = "\n    ".join(body)
        return (
            f"struct Stage{level} {{ {fields} }}\n"
            f"fn stage{level}({taken}) -> Stage{level} {{\n    {text}\n}}",
            ordered,
        )

    def type(self, value: int) -> str:
        return REGISTER[self.kernel.dtype_of(value)]


def kept_registers(kernel: Kernel, points: int) -> int:
    """Registers of 4 bytes in which an invocation of so many points keeps values."""
    chain = _Chain(kernel)
    sizes = [max(kernel.dtype_of(v).itemsize // 4, 1) for v in chain.kept()]
    return sum(sizes) * points


@lru_cache(maxsize=256)
def chain_module(key: Rows) -> Module:
    kernel, lanes, group = key.kernel, key.lanes, key.group
    chain = _Chain(kernel)
    kept = chain.kept() if key.turns else []
    functions: list[str] = []
    body = [
        "let o = group;",
        "if (group >= p.m) { return; }",
        *outer_coordinates(key.rank),
    ]
    fields = ["n", "m", "turns", *(f"e{axis}" for axis in range(1, key.rank))]
    for m, access in enumerate((*key.loads, *key.stores)):
        kept_axes = range(key.rank) if access.kind != "scalar" else range(0)
        fields += [f"o{m}", *(f"h{m}_{axis}" for axis in kept_axes)]
        terms = [f"p.o{m}", *(f"o{axis} * p.h{m}_{axis}" for axis in kept_axes)]
        body.append(f"let h{m} = {' + '.join(terms)};")
    # In variables of their own: an array of them would be put into memory.
    places = range(key.turns * lanes)
    body += [f"var kept{v}_{place}: {chain.type(v)};" for v in kept for place in places]
    narrow: set[int] = set()
    for level in range(chain.last + 1):
        known = [v for v in kept if chain.level[v] < level]
        later = [v for v in kept if chain.level[v] == level and v >= chain.first]
        results = list(dict.fromkeys([*chain.wanted(level), *later]))
        text, arguments = chain.stage(level, known, results)
        if results:
            functions.append(text)
        space = Space(key.inner, key.rows, "h", lanes)
        inputs = [v for v in arguments if v < len(kernel.inputs) and v not in known]
        if level == 0:
            inputs = sorted({*inputs, *[v for v in kept if v < chain.first]})
        taken = loaded(space, tuple(inputs), tuple([key.loads[v] for v in inputs]))
        stored: list[str] = []
        for k, (output, access) in enumerate(zip(kernel.outputs, key.stores, strict=True)):
            if level == chain.last and output.reduce is None and chain.element(output.value):
                stored += store(space, len(kernel.inputs) + k, access, f"v{output.value}")
                if access.dtype.itemsize < 4 and not access.atomic:
                    narrow.add(access.binding)
        functions.append(space.function().replace("Places", f"Places{level}"))
        functions[-1] = functions[-1].replace("fn place(", f"fn place{level}(")
        setup = [line.replace("= place(", f"= place{level}(") for line in space.setup()]
        fields += space.fields
        folds = chain.folds.get(level, [])
        body += [f"var a_{fold.name} = {_identity(fold)};" for fold in folds]
        turn = []
        for j in range(lanes):
            lane_values = dict(zip(inputs, taken[j], strict=True))
            call = []
            for v in arguments:
                if v in lane_values:
                    call.append(lane_values[v])
                elif v in known:
                    call.append(f"kept{v}_@{j}")
                else:
                    call.append(f"t{v}")
            steps = [f"r{j} = stage{level}({', '.join(call)});"] if results else []
            for v in kept:
                if v in lane_values and level == 0:
                    steps.append(f"kept{v}_@{j} = {lane_values[v]};")
                elif v in later:
                    steps.append(f"kept{v}_@{j} = r{j}.v{v};")
            for fold in folds:
                value = (
                    f"r{j}.v{fold.operand}" if chain.element(fold.operand) else f"t{fold.operand}"
                )
                steps.append(f"a_{fold.name} = c_{fold.name}(a_{fold.name}, {value});")
            turn.append(f"if (i + {j}u < p.n) {{ {' '.join(steps)} }}")
        declared = [f"var r{j}: Stage{level};" for j in range(lanes)] if results else []
        if results or folds:
            once = [*declared, *setup, *turn, *stored]
            if key.turns:
                for u in range(key.turns):
                    at = f"let i = ({u * group}u + lane) * {lanes}u;"
                    body += ["{", at, "if (i < p.n) {", *_numbered(once, u, lanes), "} }"]
            else:
                body += [
                    "for (var u = 0u; u < p.turns; u++) {",
                    f"let i = (u * {group}u + lane) * {lanes}u;",
                    "if (i < p.n) {",
                    *once,
                    "} }",
                ]
        for fold in folds:
            body += _join(fold, group)
            text, raises = wgsl.combine(fold.op, fold.dtype, fold.slot)
            functions.append(text.replace("fn combine(", f"fn c_{fold.name}("))
            if raises:
                chain.slots.add(fold.slot)
        for number in range(chain.first, len(chain.level)):
            ready = chain.level[number] == level + 1 and chain.rows[number]
            if ready and kernel.body[number - chain.first].op not in REDUCTIONS:
                body += chain.lines(number)
    single = []
    for k, (output, access) in enumerate(zip(kernel.outputs, key.stores, strict=True)):
        if output.reduce is not None or not chain.element(output.value):
            name = f"z{k}" if output.reduce is not None else f"t{output.value}"
            single.append(f"b{access.binding}[h{len(kernel.inputs) + k}] = {name};")
    if single:
        body.append(f"if (lane == 0u) {{ {' '.join(single)} }}")
    types = {REGISTER[f.dtype] for folds in chain.folds.values() for f in folds}
    functions += [f"var<workgroup> shared_{t}: array<{t}, {group}>;" for t in sorted(types)]
    functions += [put(binding) for binding in sorted(narrow)]
    slots = tuple(sorted(chain.slots))
    body += notes(slots)
    fields = [*constants(kernel, tuple(sorted(chain.consts))), *fields]
    main = MAIN.format(size=group, body="\n    ".join(body))
    return module(fields, key.bindings, slots, key.immediates, functions, main)


def _numbered(lines: list[str], turn: int, lanes: int) -> list[str]:
    """Statements with the places ``@<lane>`` of a turn."""
    for j in range(lanes):
        lines = [line.replace(f"_@{j}", f"_{turn * lanes + j}") for line in lines]
    return lines


def chain_constants(kernel: Kernel) -> tuple[int, ...]:
    """The constants that a chain's module reads: all that an instruction has."""
    used = {a - len(kernel.inputs) for _, args, _ in kernel.body for a in args}
    return tuple(sorted(c for c in used if 0 <= c < len(kernel.consts)))


def _identity(fold: _Fold) -> str:
    return f"identity_{OPS[fold.op].reduce}_{REGISTER[fold.dtype]}()"


def _join(fold: _Fold, group: int) -> list[str]:
    shared = f"shared_{REGISTER[fold.dtype]}"
    joined = [
        line.replace("shared_acc", shared).replace("combine(", f"c_{fold.name}(")
        for line in tree(group)
    ]
    return [
        f"{shared}[lane] = a_{fold.name};",
        *joined,
        f"let {fold.name} = {shared}[0];",
        "workgroupBarrier();",
    ]
