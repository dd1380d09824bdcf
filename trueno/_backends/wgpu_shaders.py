"""Shader modules: a program inside a loop over an iteration space, with its loads and stores.

One invocation computes a few consecutive points (``lanes``): four, so that one-byte elements fill
whole 32-bit words and no atomics are needed, or two where elements of 8 bytes then fill the 16 that
an invocation loads at once. Everything a module's text depends on is in an ``Elementwise`` (or a
``Reduction``, ``wgpu_reduce``), which is therefore the key of its pipeline; shapes, strides,
offsets and constants are parameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from trueno._backends import wgsl
from trueno._backends.wgsl import REGISTER
from trueno.kinds import BOOL, FLOAT16, Dtype
from trueno.plan import Kernel

WORKGROUP = 256  # invocations in a workgroup of an elementwise kernel
LANES = 4  # points an invocation, at most


def lanes_of(dtypes: Iterable[Dtype]) -> int:
    """Points an invocation: as many of the widest elements as make 16 bytes, but whole words."""
    sizes = {dtype.itemsize for dtype in dtypes}
    return 2 if max(sizes, default=4) == 8 and min(sizes) >= 4 else LANES


class Access(NamedTuple):
    """How one operand is addressed.

    kind: "scalar"    the same element everywhere
          "flat4"     element i, and whole vectors or words may be loaded (aligned)
          "flat"      element i
          "rows4"     inner stride 1 and aligned: whole vectors, each within one row
          "broadcast" inner stride 0: one load for all points
          "strided"   any strides
    atomic: the array is of atomic words, because a narrow output shares words with other elements
    lanes:  points an invocation
    """

    kind: str
    binding: int
    dtype: Dtype
    atomic: bool = False
    lanes: int = LANES

    @property
    def width(self) -> int:
        """Elements in a vector, where whole vectors are loaded."""
        return min(self.lanes, 16 // self.dtype.itemsize)

    def word(self, index: str) -> str:
        """The array's element at ``index``."""
        place = f"b{self.binding}[{index}]"
        return f"atomicLoad(&{place})" if self.atomic else place

    @property
    def element(self) -> str:
        """The WGSL element type of the bound array."""
        if self.dtype.itemsize < 4:
            return "atomic<u32>" if self.atomic else "u32"
        t = REGISTER[self.dtype]
        return f"vec{self.width}<{t}>" if self.kind[-1] == "4" else t


class Binding(NamedTuple):
    """A bound storage buffer."""

    element: str
    writes: bool


class Elementwise(NamedTuple):
    """An elementwise module. ``rows``: an invocation's points lie in one innermost row."""

    kernel: Kernel
    outputs: tuple[int, ...]
    loads: tuple[Access, ...]
    stores: tuple[Access, ...]
    bindings: tuple[Binding, ...]
    rank: int
    rows: bool
    lanes: int
    immediates: bool


class Module(NamedTuple):
    """text: WGSL, to which the device adds the helpers that it uses
    fields: the parameters after ``zero`` and ``flags``, constants first
    slots: flag slots that it may set
    """

    text: str
    fields: tuple[str, ...]
    slots: tuple[int, ...]


# ---------------------------------------------------------------- loads and stores


def unpack(dtype: Dtype, word: str, shift: str) -> str:
    """The element of a narrow dtype at bit ``shift`` of a word."""
    bits = f"{8 * dtype.itemsize}u"
    if dtype.kind == "i":
        return f"extractBits(bitcast<i32>({word}), {shift}, {bits})"
    text = f"extractBits({word}, {shift}, {bits})"
    if dtype == FLOAT16:
        return f"unpack_half({text})"
    return f"({text} != 0u)" if dtype == BOOL else text


def pack(dtype: Dtype, value: str) -> str:
    """A register's value as the low bits of a word, the others 0."""
    if dtype == FLOAT16:
        return f"pack_half({value})"
    if dtype == BOOL:
        return f"select(0u, 1u, {value})"
    if dtype.kind == "i":
        return f"(bitcast<u32>({value}) & {(1 << 8 * dtype.itemsize) - 1}u)"
    return value


def element(access: Access, index: str) -> str:
    """One element, wherever it lies."""
    size = access.dtype.itemsize
    if size >= 4:
        return access.word(index)
    return unpack(access.dtype, access.word(f"({index}) >> {2 // size}u"), _shift(size, index))


def _shift(size: int, index: str) -> str:
    """The bit at which a narrow element lies in its word."""
    return f"(({index}) & {4 // size - 1}u) * {8 * size}u"


def _vectors(m: int, access: Access, index: str) -> tuple[list[str], list[str]]:
    """Statements that load an invocation's aligned elements, and those."""
    size, lanes = access.dtype.itemsize, access.lanes
    if size >= 4:
        per = access.width
        at = f"({index} >> {per // 2}u)"
        setup = [f"let q{m}_{j} = {access.word(f'{at} + {j}u')};" for j in range(lanes // per)]
        return setup, [f"q{m}_{j // per}.{'xyzw'[j % per]}" for j in range(lanes)]
    if size == 1:
        setup = [f"let q{m} = {access.word(f'{index} >> 2u')};"]
        return setup, [unpack(access.dtype, f"q{m}", f"{8 * j}u") for j in range(lanes)]
    pair = [access.word(f"({index} >> 1u) + {j}u") for j in range(2)]
    setup = [f"let q{m} = vec2<u32>({', '.join(pair)});"]
    words = [f"q{m}.{'xy'[j // 2]}" for j in range(lanes)]
    return setup, [unpack(access.dtype, words[j], f"{16 * (j % 2)}u") for j in range(lanes)]


class Space:
    """Index arithmetic of a loop over ``i`` in a space of the given rank.

    Operand ``m``'s element at lane 0 has index ``k<m>``. Dimensions are the parameters ``d<axis>``,
    strides ``s<m>_<axis>``; ``origin`` gives the index of the space's first point.
    """

    def __init__(self, rank: int, rows: bool, origin: str, lanes: int) -> None:
        self.rank, self.rows, self.origin = rank, rows or rank == 1, origin
        self.lanes = lanes
        self.fields: list[str] = []
        self.lines: list[str] = []
        self.places: list[int] = []
        self._coordinates = False

    def index(self, m: int, access: Access) -> list[str]:
        """The indices of operand ``m``'s elements at the four lanes."""
        if access.kind == "scalar":
            self.lines.append(f"let k{m} = {self.origin}{m};")
        elif access.kind in ("flat", "flat4"):
            self.lines.append(f"let k{m} = {self.origin}{m} + i;")
            return [f"k{m} + {j}u" for j in range(self.lanes)]
        elif not self.rows:
            self.places.append(m)
            self.fields += [f"s{m}_{axis}" for axis in range(self.rank)]
            return [f"w{j}.k{m}" for j in range(self.lanes)]
        else:
            self.lines.append(f"let k{m} = {self._sum(m, access)};")
            if access.kind == "strided":
                return [f"k{m} + {j}u * p.s{m}_{self.rank - 1}" for j in range(self.lanes)]
        return [f"k{m}"] * self.lanes

    def _sum(self, m: int, access: Access) -> str:
        """The index at lane 0 from coordinates that the lanes share but for the last."""
        last = self.rank - 1
        terms = [f"{self.origin}{m}"]
        for axis in range(self.rank):
            coordinate = f"i{axis}" if self.rank > 1 else "i"
            if axis < last or access.kind == "strided":
                self.fields.append(f"s{m}_{axis}")
                terms.append(f"{coordinate} * p.s{m}_{axis}")
            elif access.kind == "rows4":
                terms.append(coordinate)
        if self.rank > 1 and not self._coordinates:
            self._coordinates = True
            self.lines += self._decode("i")
        return " + ".join(terms)

    def _decode(self, i: str) -> list[str]:
        lines, rest = [], i
        for axis in range(self.rank - 1, 0, -1):
            lines.append(f"let i{axis} = {rest} % p.d{axis};")
            lines.append(f"let a{axis} = {rest} / p.d{axis};")
            rest = f"a{axis}"
        self.fields += [f"d{axis}" for axis in range(1, self.rank)]
        return [*lines, f"let i0 = {rest};"]

    def setup(self) -> list[str]:
        """Statements that define every index used."""
        if not self.places:
            return self.lines
        taken = ", ".join(f"{self.origin}{m}" for m in self.places)
        return [*self.lines, *(f"let w{j} = place(i + {j}u, {taken});" for j in range(self.lanes))]

    def function(self) -> str:
        """The function ``place``, which decodes the coordinates of one point."""
        if not self.places:
            return ""
        fields = ", ".join(f"k{m}: u32" for m in self.places)
        taken = ", ".join(f"o{m}: u32" for m in self.places)
        sums = ", ".join(
            " + ".join([f"o{m}", *(f"i{axis} * p.s{m}_{axis}" for axis in range(self.rank))])
            for m in self.places
        )
        body = "\n    ".join([*self._decode("i"), f"return Places({sums});"])
        return (
            f"struct Places {{ {fields} }}\nfn place(i: u32, {taken}) -> Places {{\n    {body}\n}}"
        )


def loads(space: Space, numbers: tuple[int, ...], accesses: tuple[Access, ...]) -> list[str]:
    """Adds the loads to the space; returns the program's arguments at each lane."""
    return [", ".join(lane) for lane in loaded(space, numbers, accesses)]


def loaded(space: Space, numbers: tuple[int, ...], accesses: tuple[Access, ...]) -> list[list[str]]:
    """Adds the loads to the space; returns the values at each lane."""
    lanes: list[list[str]] = [[] for _ in range(space.lanes)]
    for m, access in zip(numbers, accesses, strict=True):
        indices = space.index(m, access)
        if access.kind in ("scalar", "broadcast"):
            space.lines.append(f"let y{m} = {element(access, f'k{m}')};")
            values = [f"y{m}"] * space.lanes
        elif access.kind[-1] == "4":
            setup, values = _vectors(m, access, f"k{m}")
            space.lines += setup
        else:
            values = [element(access, index) for index in indices]
        for lane, value in zip(lanes, values, strict=True):
            lane.append(value)
    return lanes


def store(space: Space, m: int, access: Access, field: str) -> list[str]:
    """Statements that store ``r0.field``, ``r1.field``, ... for the points below ``p.n``."""
    array, size = f"b{access.binding}", access.dtype.itemsize
    indices = space.index(m, access)
    lanes = space.lanes
    values = [f"r{j}.{field}" for j in range(lanes)]
    if access.atomic:
        return _store_parts(access, indices, values)
    if size < 4:
        return _store_words(m, access, values)
    guarded = [
        f"if (i + {j}u < p.n) {{ {array}[{index}] = {value}; }}"
        for j, (index, value) in enumerate(zip(indices, values, strict=True))
    ]
    if access.kind[-1] != "4":
        return guarded
    per, t = access.width, access.element
    at = [f"{array}[(k{m} >> {per // 2}u) + {j}u]" for j in range(lanes // per)]
    whole = [
        f"{place} = {t}({', '.join(values[per * j : per * j + per])});"
        for j, place in enumerate(at)
    ]
    parts = [
        f"if (i + {j}u < p.n) {{ {at[j // per]}[{j % per}] = {values[j]}; }}"
        for j in range(lanes - 1)
    ]
    return [f"if (i + {lanes - 1}u < p.n) {{ {' '.join(whole)} }} else {{", *parts, "}"]


def _store_words(m: int, access: Access, values: list[str]) -> list[str]:
    """Stores whole words, through the module's function ``put<binding>``."""
    size = access.dtype.itemsize
    packed = [pack(access.dtype, value) for value in values]
    per = 4 // size
    lines = []
    for word in range(len(packed) // per):
        part = packed[word * per : word * per + per]
        text = " | ".join(f"({lane} << {8 * size * j}u)" for j, lane in enumerate(part))
        place = f"(k{m} >> {per // 2}u) + {word}u"
        bits = f"(p.n - min(p.n, i + {word * per}u)) * {8 * size}u"
        lines.append(f"put{access.binding}({place}, {text}, {bits});")
    return lines


def _store_parts(access: Access, indices: list[str], values: list[str]) -> list[str]:
    """Stores into words that other invocations write too: each clears and sets its own bits."""
    size, lines = access.dtype.itemsize, []
    for j, (index, value) in enumerate(zip(indices, values, strict=True)):
        word = f"&b{access.binding}[({index}) >> {2 // size}u]"
        shift, mask = _shift(size, index), f"{(1 << 8 * size) - 1}u"
        clear = f"atomicAnd({word}, ~({mask} << ({shift})));"
        put = f"atomicOr({word}, {pack(access.dtype, value)} << ({shift}));"
        lines.append(f"if (i + {j}u < p.n) {{ {clear} {put} }}")
    return lines


def put(binding: int) -> str:
    """A function that stores the low ``bits`` bits of a word and keeps the others: only the last
    invocation of a view meets a word that is not all its own."""
    return (
        f"fn put{binding}(at: u32, word: u32, bits: u32) {{\n"
        f"    if (bits >= 32u) {{ b{binding}[at] = word; return; }}\n"
        f"    let mask = (1u << bits) - 1u;\n"
        f"    if (bits != 0u) {{ b{binding}[at] = (b{binding}[at] & ~mask) | (word & mask); }}\n}}"
    )


# ---------------------------------------------------------------- modules


def module(
    fields: list[str],
    bindings: tuple[Binding, ...],
    slots: tuple[int, ...],
    immediates: bool,
    functions: list[str],
    main: str,
) -> Module:
    unique = tuple(dict.fromkeys(fields))
    members = ", ".join(f"{name}: u32" for name in ("zero", "flags", *unique))
    lines = [f"struct Parameters {{ {members} }}"]
    for number, binding in enumerate(bindings):
        mode = "read_write" if binding.writes else "read"
        at = f"@group(0) @binding({number})"
        lines.append(f"{at} var<storage, {mode}> b{number}: array<{binding.element}>;")
    number = len(bindings)
    if slots:
        at = f"@group(0) @binding({number})"
        lines.append(f"{at} var<storage, read_write> flags: array<atomic<u32>>;")
        lines += [f"var<private> raised_{slot}: u32;" for slot in slots]
        number += 1
    if immediates:
        lines.append("var<immediate> p: Parameters;")
    else:
        lines.append(f"@group(0) @binding({number}) var<uniform> p: Parameters;")
    text = "\n".join([*lines, *filter(None, functions), main])
    return Module(text, unique, slots)


def notes(slots: tuple[int, ...]) -> list[str]:
    return [
        f"if (raised_{s} != 0u) {{ atomicOr(&flags[p.flags + {s}u], raised_{s}); }}" for s in slots
    ]


def constants(kernel: Kernel, numbers: tuple[int, ...]) -> list[str]:
    words = [wgsl.constant(number, kernel.consts[number]).words for number in numbers]
    return [word for group in words for word in group]


MAIN = """@compute @workgroup_size({size})
fn main(
    @builtin(workgroup_id) workgroup_at: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {{
    let group = workgroup_at.y * groups.x + workgroup_at.x;
    {body}
}}"""


def _checks(kernel: Kernel, program: wgsl.Program, lanes: list[list[str]]) -> list[str]:
    """Statements that look for conditions at each lane, where a result is not finite: in a loop, so
    that the code is there once."""
    taken = [f"z{m}" for m in program.inputs]
    declared = [f"var z{m}: {REGISTER[kernel.inputs[m]]};" for m in program.inputs]
    cases = []
    for j, values in enumerate(lanes):
        label = "default" if j == len(lanes) - 1 else f"case {j}u"
        sets = " ".join(f"{z} = {value};" for z, value in zip(taken, values, strict=True))
        cases.append(f"{label}: {{ if (i + {j}u < p.n) {{ {sets} }} }}")
    odd = " | ".join(f"r{j}.odd" for j in range(len(lanes)))
    return [
        f"if (({odd}) != 0u) {{ for (var j = 0u; j < {len(lanes)}u; j++) {{",
        *declared,
        f"switch (j) {{ {' '.join(cases)} }}",
        f"if (i + j < p.n) {{ checked({', '.join(taken)}); }}",
        "} }",
    ]


@lru_cache(maxsize=1024)
def elementwise(key: Elementwise) -> Module:
    kernel = key.kernel
    program = wgsl.program(kernel, [kernel.outputs[k].value for k in key.outputs], True)
    lanes = key.lanes
    space = Space(key.rank, key.rows, "p.o", lanes)
    arguments = loaded(space, program.inputs, key.loads)
    stores: list[str] = []
    first = len(kernel.inputs)
    for field, (k, access) in enumerate(zip(key.outputs, key.stores, strict=True)):
        stores += store(space, first + k, access, f"v{field}")
    operands = (*program.inputs, *(first + k for k in key.outputs))
    calls = [f"var r{j}: Values;" for j in range(lanes)]
    for j, argument in enumerate(arguments):
        calls.append(f"if (i + {j}u < p.n) {{ r{j} = program({', '.join(argument)}); }}")
    if program.odd:
        calls += _checks(kernel, program, arguments)
    narrow = {a.binding for a in key.stores if a.dtype.itemsize < 4 and not a.atomic}
    functions = [program.text, space.function(), *(put(b) for b in sorted(narrow))]
    fields = [*constants(kernel, program.consts), "n", *(f"o{m}" for m in operands)]
    body = [
        f"let i = (group * {WORKGROUP}u + lane) * {lanes}u;",
        "if (i >= p.n) { return; }",
        *space.setup(),
        *calls,
        *stores,
        *notes(program.slots),
    ]
    main = MAIN.format(size=WORKGROUP, body="\n    ".join(body))
    return module(
        fields + space.fields, key.bindings, program.slots, key.immediates, functions, main
    )
