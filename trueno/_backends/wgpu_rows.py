"""Shader modules for chains of reductions along rows: a workgroup goes through all steps of a row.

The values of a kernel have levels: as many reductions must be done before they can be known. A
stage for each level computes its values and what is reduced of them; then the workgroup joins the
partial results in a fixed tree. Where a row fits into the registers of the workgroup, what later
stages read of earlier ones stays there (``turns`` is how often an invocation has a turn then);
longer rows are read, and computed, again in each stage.

Where no input is overwritten, the stages look for no floating-point conditions, but only whether a
value is not finite: then the invocation goes through its points once more, strictly. So they may
divide by a value a row in short, too, where nothing is reduced of the quotient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from trueno._backends import wgsl
from trueno._backends.wgpu_reduce import outer_coordinates
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
from trueno._backends.wgsl import FLOATING, REGISTER
from trueno.kinds import FLOAT32, Dtype
from trueno.ops import OPS, REDUCTIONS
from trueno.plan import Kernel

JOINED = 16  # partial results that an invocation combines
KEPT = 64  # registers of an invocation that may hold values between stages

# A finite result of these has finite operands.
_TELLING = ("add", "subtract", "multiply", "square", "sqrt")


class Rows(NamedTuple):
    """A module. rank: of the kept axes, ``inner`` that of the reduced; group: invocations a row;
    turns: of an invocation, or 0 for any number; whole: that is what a row has.
    """

    kernel: Kernel
    loads: tuple[Access, ...]
    stores: tuple[Access, ...]
    bindings: tuple[Binding, ...]
    rank: int
    inner: int
    rows: bool
    group: int
    turns: int
    whole: bool
    lanes: int
    immediates: bool


# What is done with a lane's results, given the lane and its inputs' values.
_Steps = Callable[[int, dict[int, str]], list[str]]


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

    def lines(self, value: int, watched: set[int] | None = None) -> list[str]:
        """Statements that compute an instruction's value from those of its operands.

        watched: not to look for the conditions that a result brings which is not finite, but to
        note that there is one, if the value is one of these
        """
        i = value - self.first
        instruction = self.kernel.body[i]
        args = [self.name(a) for a in instruction.args]
        dtypes = [self.kernel.dtype_of(a) for a in instruction.args]
        text = wgsl.expression(instruction.op, args, dtypes, instruction.dtype)
        if text is None:
            raise ValueError(f"no WGSL for {instruction.op}")
        t = REGISTER[instruction.dtype]
        if watched is not None and self._short(value):
            text = f"short_divide_{t}({', '.join(args)})"
        found = [f"let t{value} = {text};"]
        check = wgsl.conditions(instruction, f"t{value}", args, dtypes, f"raised_{i}")
        if not check:
            return found
        self.slots.add(i)
        if watched is None or t not in FLOATING or instruction.op == "cast":
            found.append(check)
        elif value in watched:
            found.append(_watch(t, f"t{value}"))
        return found

    def _short(self, value: int) -> bool:
        """Whether a quotient may be computed in short: of it only outputs depend."""
        op, args, dtype = self.kernel.body[value - self.first]
        return (
            op == "divide"
            and dtype == FLOAT32
            and self.rows[args[1]]
            and not self.rows[value]
            and not any(value in self._reach(f.operand) for fs in self.folds.values() for f in fs)
        )

    def _reach(self, value: int) -> set[int]:
        """A value and all that it depends on."""
        found: set[int] = set()
        stack = [value]
        while stack:
            one = stack.pop()
            if one not in found:
                found.add(one)
                stack += self.kernel.body[one - self.first].args if one >= self.first else ()
        return found

    def _watched(self, level: int, needed: set[int]) -> set[int]:
        """Those of a stage's values that must be looked at to find any that is not finite."""
        known = {f.operand for f in self.folds.get(level, []) if f.op == "sum"}
        for value in sorted(needed, reverse=True):
            if self.kernel.body[value - self.first].op in _TELLING:
                known |= set(self.kernel.body[value - self.first].args)
        return needed - known

    def stage(
        self, level: int, known: Sequence[int], results: Sequence[int], strict: bool = True
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
        watched = None if strict else self._watched(level, needed)
        body = [line for value in sorted(needed) for line in self.lines(value, watched)]
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


class _Writer:
    """Writes the module of a key: statements of its main function, other functions, fields."""

    def __init__(self, key: Rows) -> None:
        self.key = key
        self.chain = _Chain(key.kernel)
        self.kept = self.chain.kept() if key.turns else []
        written = {access.binding for access in key.stores}
        # Only then may what was read be read again once results are stored.
        self.strict = any(access.binding in written for access in key.loads)
        self.fields = ["n", "m", "turns", *(f"e{axis}" for axis in range(1, key.rank))]
        self.functions: list[str] = []
        self.narrow: set[int] = set()
        self.body = [
            "let o = group;",
            "if (group >= p.m) { return; }",
            *outer_coordinates(key.rank),
        ]
        for m, access in enumerate((*key.loads, *key.stores)):
            kept_axes = range(key.rank) if access.kind != "scalar" else range(0)
            self.fields += [f"o{m}", *(f"h{m}_{axis}" for axis in kept_axes)]
            terms = [f"p.o{m}", *(f"o{axis} * p.h{m}_{axis}" for axis in kept_axes)]
            self.body.append(f"let h{m} = {' + '.join(terms)};")
        # In variables of their own: an array of them would be put into memory.
        for v in self.kept:
            for place in range(key.turns * key.lanes):
                self.body.append(f"var kept{v}_{place}: {self.chain.type(v)};")

    def points(self, level: int, results: list[int], known: list[int], steps: _Steps) -> list[str]:
        """Statements that take the points of a turn through a stage, and store the outputs if
        that is the last. ``steps(lane, values)``: what else is done with a lane's results."""
        key, chain, lanes = self.key, self.chain, self.key.lanes
        kernel, again = key.kernel, level > chain.last
        text, arguments = chain.stage(level, known, results, self.strict or again)
        if results:
            self.functions.append(text)
        space = Space(key.inner, key.rows, "h", lanes)
        inputs = [v for v in arguments if v < len(kernel.inputs) and v not in known]
        if level == 0:
            inputs = sorted({*inputs, *[v for v in self.kept if v < chain.first]})
        taken = loaded(space, tuple(inputs), tuple([key.loads[v] for v in inputs]))
        stored: list[str] = []
        for k, (output, access) in enumerate(zip(kernel.outputs, key.stores, strict=True)):
            if level >= chain.last and output.reduce is None and chain.element(output.value):
                stored += store(space, len(kernel.inputs) + k, access, f"v{output.value}")
                if access.dtype.itemsize < 4 and not access.atomic:
                    self.narrow.add(access.binding)
        place = space.function().replace("Places", f"Places{level}")
        self.functions.append(place.replace("fn place(", f"fn place{level}("))
        self.fields += space.fields
        found = [f"var r{j}: Stage{level};" for j in range(lanes)] if results else []
        found += [line.replace("= place(", f"= place{level}(") for line in space.setup()]
        for j in range(lanes):
            values = dict(zip(inputs, taken[j], strict=True))
            names = values | {v: f"kept{v}_@{j}" for v in known}
            call = ", ".join([names.get(v, f"t{v}") for v in arguments])
            lines = [f"r{j} = stage{level}({call});"] if results else []
            lines += steps(j, values)
            done = " ".join(lines)
            found.append(done if key.rows else f"if (i + {j}u < p.n) {{ {done} }}")
        return found + stored

    def turns(self, once: list[str], loop: bool) -> None:
        """Adds the turns of an invocation, in a loop or one by one."""
        key = self.key
        inside = ("{", "}") if key.whole else ("if (i < p.n) {", "}")
        if loop:
            head = "for (var u = 0u; u < p.turns; u++) {"
            at = f"let i = (u * {key.group}u + lane) * {key.lanes}u;"
            self.body += [head, at, inside[0], *once, inside[1], "}"]
            return
        for u in range(key.turns):
            at = f"let i = ({u * key.group}u + lane) * {key.lanes}u;"
            self.body += ["{", at, inside[0], *_numbered(once, u, key.lanes), inside[1], "}"]

    def value(self, fold: _Fold, lane: int) -> str:
        """What a fold takes of a lane."""
        value = fold.operand
        return f"r{lane}.v{value}" if self.chain.element(value) else f"t{value}"

    def stage(self, level: int) -> None:
        """Adds a stage: its points, its reductions, and the values a row that these give."""
        chain, kept = self.chain, self.kept
        known = [v for v in kept if chain.level[v] < level]
        later = [v for v in kept if chain.level[v] == level and v >= chain.first]
        results = list(dict.fromkeys([*chain.wanted(level), *later]))
        folds = chain.folds.get(level, [])
        plain = {fold.name: self.plain(fold) for fold in folds}

        def steps(lane: int, values: dict[int, str]) -> list[str]:
            lines = [
                f"kept{v}_@{lane} = {values[v]};" for v in kept if v in values and level == 0
            ] + [f"kept{v}_@{lane} = r{lane}.v{v};" for v in later]
            for fold in folds:
                value, acc = self.value(fold, lane), f"a_{fold.name}"
                lines.append(f"{acc} = {plain[fold.name]}({acc}, {value});")
                if plain[fold.name][0] == "q":
                    t = REGISTER[fold.dtype]
                    lines.append(f"w_{fold.name} = fma({value}, exact_{t}({t}(0)), w_{fold.name});")
            return lines

        once = self.points(level, results, known, steps)
        for fold in folds:
            self.body.append(f"var a_{fold.name} = {_identity(fold)};")
            if plain[fold.name][0] == "q":
                self.body.append(f"var w_{fold.name} = {REGISTER[fold.dtype]}();")
        if results or folds:
            self.turns(once, not self.key.turns)
        for fold in folds:
            text, raises = wgsl.combine(fold.op, fold.dtype, fold.slot)
            self.functions.append(text.replace("fn combine(", f"fn c_{fold.name}("))
            if raises:
                chain.slots.add(fold.slot)
            if plain[fold.name][0] == "q":
                self.body += self.again(fold)
            elif raises and not self.strict:
                self.body.append(_watch(REGISTER[fold.dtype], f"a_{fold.name}"))
            self.body += _join(fold, self.key.group)
        for number in range(chain.first, len(chain.level)):
            ready = chain.level[number] == level + 1 and chain.rows[number]
            if ready and self.key.kernel.body[number - chain.first].op not in REDUCTIONS:
                self.body += chain.lines(number)

    def plain(self, fold: _Fold) -> str:
        """The function that combines a fold's values, in short where that can be made good: sums
        without a look at conditions, and of numbers the largest and the smallest."""
        t, by = REGISTER[fold.dtype], OPS[fold.op].reduce
        if self.strict or t not in FLOATING:
            return f"c_{fold.name}"
        if by not in ("maximum", "minimum"):
            return f"{by}_{t}"
        if fold.operand not in self.kept:
            return f"c_{fold.name}"
        sign = ">" if by == "maximum" else "<"
        self.functions.append(
            f"fn q_{fold.name}(a: {t}, b: {t}) -> {t} {{ return select(b, a, a {sign} b); }}"
        )
        return f"q_{fold.name}"

    def again(self, fold: _Fold) -> list[str]:
        """Statements that combine an invocation's values once more, if one is not finite."""
        key = self.key
        lines = [f"a_{fold.name} = {_identity(fold)};"]
        for u in range(key.turns):
            for j in range(key.lanes):
                value = f"kept{fold.operand}_{u * key.lanes + j}"
                line = f"a_{fold.name} = c_{fold.name}(a_{fold.name}, {value});"
                inside = f"({u * key.group}u + lane) * {key.lanes}u + {j}u < p.n"
                lines.append(line if key.whole else f"if ({inside}) {{ {line} }}")
        return [f"if (!isfinite_{REGISTER[fold.dtype]}(w_{fold.name})) {{", *lines, "}"]

    def check(self) -> None:
        """Adds what an invocation does that has met a value that is not finite: all its points
        once more, as NumPy computes them, looking for conditions."""
        chain, types = self.chain, self.odd_types()
        if not types:
            return
        folds = [f for fs in chain.folds.values() for f in fs]
        levels = range(chain.last + 1)
        results = list(dict.fromkeys([v for level in levels for v in chain.wanted(level)]))

        def steps(lane: int, _: dict[int, str]) -> list[str]:
            return [
                f"a_{fold.name} = c_{fold.name}(a_{fold.name}, {self.value(fold, lane)});"
                for fold in folds
            ]

        odd = " || ".join([f"!isfinite_{t}(odd_{t})" for t in types])
        once = self.points(chain.last + 1, results, [], steps)
        self.body.append(f"if ({odd}) {{")
        self.body += [f"a_{fold.name} = {_identity(fold)};" for fold in folds]
        self.turns(once, True)
        self.body.append("}")

    def odd_types(self) -> list[str]:
        """The types of values at which the stages look whether they are finite."""
        text = "\n".join([*self.functions, *self.body])
        return [t for t in FLOATING if f"odd_{t}" in text]


@lru_cache(maxsize=256)
def chain_module(key: Rows) -> Module:
    writer = _Writer(key)
    chain, kernel, group = writer.chain, key.kernel, key.group
    for level in range(chain.last + 1):
        writer.stage(level)
    writer.check()
    body, functions = writer.body, writer.functions
    single = []
    for k, (output, access) in enumerate(zip(kernel.outputs, key.stores, strict=True)):
        if output.reduce is not None or not chain.element(output.value):
            name = f"z{k}" if output.reduce is not None else f"t{output.value}"
            single.append(f"b{access.binding}[h{len(kernel.inputs) + k}] = {name};")
    if single:
        body.append(f"if (lane == 0u) {{ {' '.join(single)} }}")
    types = {REGISTER[f.dtype] for folds in chain.folds.values() for f in folds}
    for t in sorted(types):
        functions.append(f"var<workgroup> shared_{t}: array<{t}, {group}>;")
        functions.append(f"var<workgroup> left_{t}: array<{t}, {max(group // JOINED, 1)}>;")
    functions += [f"var<private> odd_{t}: {t};" for t in writer.odd_types()]
    functions += [put(binding) for binding in sorted(writer.narrow)]
    slots = tuple(sorted(chain.slots))
    body += notes(slots)
    fields = [*constants(kernel, tuple(sorted(chain.consts))), *writer.fields]
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


def _watch(t: str, value: str) -> str:
    """A statement that makes ``odd`` NaN where a value is not finite."""
    return f"odd_{t} = fma({value}, exact_{t}({t}(0)), odd_{t});"


def _identity(fold: _Fold) -> str:
    return f"identity_{OPS[fold.op].reduce}_{REGISTER[fold.dtype]}()"


def _join(fold: _Fold, group: int) -> list[str]:
    """Statements that combine the invocations' partial results: every so many of them, then what
    is left, which every invocation does, with two barriers instead of two a level of a tree."""
    t, c = REGISTER[fold.dtype], f"c_{fold.name}"
    left = max(group // JOINED, 1)
    return [
        f"shared_{t}[lane] = a_{fold.name};",
        "workgroupBarrier();",
        f"if (lane < {left}u) {{",
        f"var joined = shared_{t}[lane];",
        f"for (var k = lane + {left}u; k < {group}u; k += {left}u) "
        f"{{ joined = {c}(joined, shared_{t}[k]); }}",
        f"left_{t}[lane] = joined;",
        "}",
        "workgroupBarrier();",
        f"var {fold.name} = left_{t}[0];",
        f"for (var k = 1u; k < {left}u; k++) {{ {fold.name} = {c}({fold.name}, left_{t}[k]); }}",
    ]
