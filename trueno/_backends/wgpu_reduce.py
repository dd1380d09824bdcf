"""Shader modules that reduce one output of a kernel.

The points of a segment are combined in a fixed tree: an invocation's lanes, its turns (of which it
has ``TURNS`` under way at once, so that as many loads are), then the workgroup's invocations; so
the result does not depend on the device. Sums and products look for floating-point conditions only
once a result is not finite, the largest and the smallest for NaN only once an element is not: then
the same tree is gone through again, each step checked.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from trueno._backends import wgsl
from trueno._backends.wgpu_shaders import (
    MAIN,
    WORKGROUP,
    Access,
    Binding,
    Module,
    Space,
    constants,
    loads,
    module,
    notes,
)
from trueno._backends.wgsl import REGISTER
from trueno.ops import OPS
from trueno.plan import Kernel

TURNS = 4  # loads of an invocation under way at once

# The reductions that give positions, and by what they order values.
POSITIONS = {"argmax": "maximum", "argmin": "minimum"}


class Reduction(NamedTuple):
    """A module that reduces one output of a kernel.

    rank:   of the kept axes, and ``inner`` that of the reduced axes
    group:  invocations that share an output (their workgroup), or 1: each has an output of its own
    stores: the results: one, stored contiguously in the output dtype's register type; or of a
            position's partial results the values and the positions
    paired: the operands are such partial results
    """

    kernel: Kernel
    output: int
    loads: tuple[Access, ...]
    stores: tuple[Access, ...]
    bindings: tuple[Binding, ...]
    rank: int
    inner: int
    rows: bool
    group: int
    paired: bool
    lanes: int
    immediates: bool


class _Fold(NamedTuple):
    """How values are combined.

    type:     of a partial result
    identity: what changes nothing
    combine:  the function of two partial results, and ``plain`` one that checks no conditions
    value:    of one point, with ``{}`` for the program's call and ``{at}`` for its place
    results:  what is stored, of a partial result ``{}``
    raises:   whether ``combine`` may note conditions
    watched:  the type of the elements, where ``plain`` holds only if they are finite
    """

    type: str
    identity: str
    combine: str
    plain: str
    value: str
    results: tuple[str, ...]
    raises: bool
    functions: tuple[str, ...]
    watched: str = ""


def _position_fold(key: Reduction, name: str) -> _Fold:
    """Of equal values the first, and of NaN the first before all."""
    kernel = key.kernel
    t = REGISTER[kernel.dtype_of(kernel.outputs[key.output].value)]
    value, truth = "{}.v0", t == "bool"
    if truth:
        t, value = "u32", "select(0u, 1u, {}.v0)"
    sign = ">" if name == "argmax" else "<"
    nan = f"isnan_{t}({{}}.value)" if t in wgsl.FLOATING else "false"
    functions = (
        f"struct Best {{ value: {t}, at: u32 }}",
        "fn combine(a: Best, b: Best) -> Best {\n"
        f"    let x = {nan.format('a')};\n    let y = {nan.format('b')};\n"
        f"    let better = select(!x && b.value {sign} a.value, !x, y);\n"
        "    let equal = (x && y) || a.value == b.value;\n"
        "    if (better || (equal && b.at < a.at)) { return b; }\n    return a;\n}",
        "fn best(r: Values, at: u32) -> Best { return Best("
        + (f"{value.format('r')}, r.v1" if key.paired else f"{value.format('r')}, at")
        + "); }",
        # Of numbers, of which b is the later one.
        "fn plain(a: Best, b: Best) -> Best {\n"
        f"    let better = b.value {sign} a.value;\n"
        "    return Best(select(a.value, b.value, better), select(a.at, b.at, better));\n}",
    )
    identity = f"Best(identity_{POSITIONS[name]}_{t}(), 0xffffffffu)"
    results = ("{}.value", "{}.at") if len(key.stores) > 1 else ("i64({}.at)",)
    watched = t if t in wgsl.FLOATING and not key.paired else ""
    return _Fold(
        "Best", identity, "combine", "plain" if watched else "combine", "best({}, {at})", results,
        False, functions, watched,
    )  # fmt: skip


def _fold(key: Reduction) -> _Fold:
    kernel, output = key.kernel, key.kernel.outputs[key.output]
    name = output.reduce
    assert name is not None
    if name in POSITIONS:
        return _position_fold(key, name)
    t = REGISTER[output.dtype]
    value = "{}.v0"
    if name in ("any", "all"):
        value = f"truth_{REGISTER[kernel.dtype_of(output.value)]}({value})"
    if t == "bool":  # in words: gathered in a bool, results on an NVIDIA H200 were wrong
        sign, start = ("&", "1u") if name in ("all", "min") else ("|", "0u")
        text = f"fn combine(a: u32, b: u32) -> u32 {{ return a {sign} b; }}"
        value = f"select(0u, 1u, {value})"
        return _Fold("u32", start, "combine", "combine", value, ("{}",), False, (text,))
    text, raises = wgsl.combine(name, output.dtype, len(kernel.body) + key.output)
    by = OPS[name].reduce
    identity = f"identity_{by}_{t}()"
    if by in ("maximum", "minimum") and t in wgsl.FLOATING:
        sign = ">" if by == "maximum" else "<"
        plain = f"fn plain(a: {t}, b: {t}) -> {t} {{ return select(b, a, a {sign} b); }}"
        return _Fold(t, identity, "combine", "plain", value, ("{}",), raises, (text, plain), t)
    return _Fold(t, identity, "combine", f"{by}_{t}", value, ("{}",), raises, (text,))


def _paired(combine: str, values: list[str]) -> str:
    """The values (a power of two of them) combined in a tree."""
    while len(values) > 1:
        pairs = zip(values[0::2], values[1::2], strict=True)
        values = [f"{combine}({a}, {b})" for a, b in pairs]
    return values[0]


def _loop(
    key: Reduction, space: Space, calls: list[str], fold: _Fold, combine: str, watched: str = ""
) -> list[str]:
    """Statements that leave an invocation's partial result in ``acc``, and in ``odd`` 0, or NaN
    where an element of the type ``watched`` is not finite."""
    lanes, step = key.lanes, key.group * key.lanes
    values = [fold.value.format(call, at=f"i + {j}u") for j, call in enumerate(calls)]
    names = [f"x{j}" for j in range(lanes)]
    element = "{}.value" if fold.type == "Best" else "{}"
    join = fold.combine if watched else combine  # turns are not in order

    def taken(j: int) -> str:
        watch = f" odd = fma({element.format(names[j])}, nothing, odd);" if watched else ""
        return f"let {names[j]} = {values[j]};{watch}"

    def whole(acc: str) -> str:
        every = " ".join([taken(j) for j in range(lanes)])
        return f"{every} {acc} = {combine}({acc}, {_paired(combine, names)});"

    parts = [
        f"if (i + {j}u < end) {{ {taken(j)} acc = {combine}(acc, {names[j]}); }}"
        for j in range(lanes - 1)
    ]
    turns = [
        " ".join([f"{{ let i = base + {turn * step}u;", *space.setup(), whole(f"acc{turn}"), "}"])
        for turn in range(TURNS)
    ]
    ahead = (TURNS - 1) * step + lanes - 1
    return [
        *([f"let nothing = exact_{watched}({watched}(0));"] if watched else []),
        f"acc = {fold.identity};",
        *(f"var acc{turn} = acc;" for turn in range(TURNS)),
        "var base = start;",
        f"for (; base + {ahead}u < end; base += {TURNS * step}u) {{",
        *turns,
        "}",
        f"acc = {_paired(join, [f'acc{turn}' for turn in range(TURNS)])};",
        f"for (; base < end; base += {step}u) {{",
        "let i = base;",
        *space.setup(),
        f"if (i + {lanes - 1}u < end) {{ {whole('acc')} }} else {{",
        *parts,
        "} }",
    ]


@lru_cache(maxsize=1024)
def reduction(key: Reduction) -> Module:
    """Partial results of the segments of ``p.length`` points, segment after segment of ``p.m``
    each."""
    kernel, output = key.kernel, key.kernel.outputs[key.output]
    fold = _fold(key)
    program = wgsl.program(kernel, [0, 1] if key.paired else [output.value])
    slot = len(kernel.body) + key.output
    slots = (*program.slots, slot) if fold.raises else program.slots
    space = Space(key.inner, key.rows, "h", key.lanes)
    calls = [f"program({arguments})" for arguments in loads(space, program.inputs, key.loads)]
    fields = [*constants(kernel, program.consts), "n", "m", "length", "blocks"]
    fields += [f"store{k}" for k in range(len(key.stores))]
    heads = []
    for m, access in zip(program.inputs, key.loads, strict=True):
        kept = range(key.rank) if access.kind != "scalar" else range(0)
        fields += [f"o{m}", *(f"h{m}_{axis}" for axis in kept)]
        terms = [f"p.o{m}", *(f"o{axis} * p.h{m}_{axis}" for axis in kept)]
        heads.append(f"let h{m} = {' + '.join(terms)};")
    fields += [f"e{axis}" for axis in range(1, key.rank)]
    body = [
        *(_shared_output() if key.group > 1 else _own_output()),
        *outer_coordinates(key.rank),
        *heads,
        "let last = min(segment * p.length + p.length, p.n);",
        "let end = select(segment * p.length, last, inside);",
        f"let start = segment * p.length{f' + lane * {key.lanes}u' if key.group > 1 else ''};",
        f"var acc: {fold.type};",
    ]
    if fold.raises or fold.watched:
        t = fold.watched or REGISTER[output.dtype]
        body.append(f"var odd = {t}(0);")
        body += ["{", *_loop(key, space, calls, fold, fold.plain, fold.watched), "}"]
        finite = f"isfinite_{t}({'odd' if fold.watched else 'acc'})"
        body += [f"if (!{finite}) {{", *_loop(key, space, calls, fold, fold.combine), "}"]
    else:
        body += _loop(key, space, calls, fold, fold.combine)
    functions = [program.text, space.function(), *fold.functions]
    if key.group > 1:
        functions.append(f"var<workgroup> shared_acc: array<{fold.type}, {key.group}>;")
        body += ["shared_acc[lane] = acc;", *tree(key.group)]
        mine, result = "lane == 0u", "shared_acc[0]"
    else:
        mine, result = "inside", "acc"
    stored = " ".join(
        f"b{access.binding}[p.store{k} + segment * p.m + o] = {text.format(result)};"
        for k, (access, text) in enumerate(zip(key.stores, fold.results, strict=True))
    )
    body += [f"if ({mine}) {{ {stored} }}", *notes(slots)]
    size = key.group if key.group > 1 else WORKGROUP
    main = MAIN.format(size=size, body="\n    ".join(body))
    return module(fields + space.fields, key.bindings, slots, key.immediates, functions, main)


def _shared_output() -> list[str]:
    """A workgroup an output and segment; the whole workgroup stays for the barriers."""
    return ["let o = group % p.m;", "let segment = group / p.m;", "let inside = group < p.blocks;"]


def _own_output() -> list[str]:
    """An invocation an output and segment; ``p.blocks`` workgroups cover the outputs."""
    return [
        f"let o = (group % p.blocks) * {WORKGROUP}u + lane;",
        "let segment = group / p.blocks;",
        "let inside = o < p.m;",
    ]


def outer_coordinates(rank: int) -> list[str]:
    """The coordinates ``o<axis>`` of output ``o``."""
    lines, rest = [], "o"
    for axis in range(rank - 1, 0, -1):
        lines += [f"let o{axis} = {rest} % p.e{axis};", f"let u{axis} = {rest} / p.e{axis};"]
        rest = f"u{axis}"
    return [*lines, *([f"let o0 = {rest};"] if rank else [])]


def tree(group: int) -> list[str]:
    return [
        f"for (var width = {group // 2}u; width > 0u; width = width / 2u) {{",
        "    workgroupBarrier();",
        "    if (lane < width) {",
        "        shared_acc[lane] = combine(shared_acc[lane], shared_acc[lane + width]);",
        "    }",
        "}",
        "workgroupBarrier();",
    ]
