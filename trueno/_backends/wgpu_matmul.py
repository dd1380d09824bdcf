"""Matrix products: tiles of both operands in workgroup memory, blocks of 4 x 4 in registers.

An invocation has blocks of the result that lie 64 rows, and 64 columns, apart, in named variables
(an array of them would be put into memory). Tiles lie with the summed axis outermost, so that each
step of it reads vectors; an operand that runs along that axis is transposed in registers, block by
block, on its way there. While a tile is multiplied, the next one is under way from memory. Along
the summed axis the order is fixed; where that axis is long and the result small, parts of it are
summed by workgroups of their own, and then joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

from trueno._backends.wgpu_layout import coalesce
from trueno._backends.wgpu_routine import Array, Bound, Building, Routine, Supports
from trueno._backends.wgsl import REGISTER
from trueno.kinds import FLOAT32, FLOAT64, INT32, INT64, UINT32, UINT64, Dtype
from trueno.plan import Call, Instruction, Kernel, Output

INVOCATIONS = 256
FILLED = 128  # workgroups that fill a large GPU

# Rows, columns and depth of a tile: the large one where there are many, and the small one.
TILES = {
    FLOAT32: ((128, 128, 16), (64, 64, 16)),
    FLOAT64: ((128, 128, 8), (64, 64, 8)),
}
_OTHERS = ((64, 64, 16), (64, 64, 16))
# In what a product of elements that are not listed here is computed.
_THROUGH = {"b": INT32, "h": INT32, "B": UINT32, "H": UINT32, "e": FLOAT32}


class Side(NamedTuple):
    """How an operand is read. ``along``: it runs along the summed axis; ``vectors``: four elements
    at once; else ``across`` both axes one by one."""

    along: bool
    vectors: bool


def _block(name: str, binding: int, t: str, side: Side, whole: bool) -> str:
    """The function that reads 4 x 4 elements: places r... along the result, k... along the sum."""
    array, rows = f"b{binding}", f"p.{name}_rows"
    if side.vectors:
        place = (
            "(base + (r + {0}u) * p.{1}_r + k) >> 2u"
            if side.along
            else "(base + (k + {0}u) * p.{1}_k + r) >> 2u"
        )
        inside = (
            f"r + {{0}}u < {rows} && k < end" if side.along else f"r < {rows} && k + {{0}}u < end"
        )
        inside = "true" if whole else inside
        reads = [
            f"if ({inside.format(j)}) {{ w{j} = {array}[{place.format(j, name)}]; }}"
            for j in range(4)
        ]
    else:
        reads = []
        for j in range(4):
            for i in range(4):
                r, k = (j, i) if side.along else (i, j)
                place = f"base + (r + {r}u) * p.{name}_r + (k + {k}u) * p.{name}_k"
                inside = f"r + {r}u < {rows} && k + {k}u < end"
                reads.append(f"if ({inside}) {{ w{j}.{'xyzw'[i]} = {array}[{place}]; }}")
    lines = [f"var w{j} = vec4<{t}>();" for j in range(4)] + reads
    if side.along:
        result = [f"vec4<{t}>({', '.join(f'w{i}.{c}' for i in range(4))})" for c in "xyzw"]
    else:
        result = [f"w{j}" for j in range(4)]
    lines.append(f"return Block({', '.join(result)});")
    body = "\n    ".join(lines)
    return f"fn block_{name}(base: u32, r: u32, k: u32, end: u32) -> Block {{\n    {body}\n}}"


def _place(side: Side, lane: str, long: int, depth: int) -> str:
    """Statements that give an invocation its block ``row``, ``level`` of a tile."""
    if side.along:  # neighbours along the sum
        return f"row = ({lane} / {depth // 4}u) * 4u; level = ({lane} % {depth // 4}u) * 4u;"
    return f"row = ({lane} % {long // 4}u) * 4u; level = ({lane} / {long // 4}u) * 4u;"


@cache
def shader(
    t: str,
    tile: tuple[int, int, int],
    a: Side,
    b: Side,
    vectors: bool,
    reader: str = "",
    addend: str = "",
    whole: bool = False,
) -> tuple[list[str], str]:
    """The functions and the body of a product's shader.

    reader: the function ``block_b`` where it is not that of a matrix; addend: what is added to
    elements of a ``row``; whole: the matrices are whole tiles, so that no index is looked at. Then
    there are two pairs of tiles by turns, and a barrier less.
    """
    m, n, depth = tile
    down, right = m // 64, n // 64
    lanes_a, lanes_b = m * depth // 16, n * depth // 16
    functions = [
        f"struct Block {{ v0: vec4<{t}>, v1: vec4<{t}>, v2: vec4<{t}>, v3: vec4<{t}> }}",
        _block("a", 0, t, a, whole),
        reader or _block("b", 1, t, b, whole),
        f"var<workgroup> ta: array<vec4<{t}>, {(1 + whole) * m * depth // 4}>;",
        f"var<workgroup> tb: array<vec4<{t}>, {(1 + whole) * n * depth // 4}>;",
    ]

    def read(k: str) -> str:
        return (
            f"if (lane < {lanes_a}u) {{ next = block_a(base_a, top + row, {k} + level, end); }} "
            f"else if (lane < {lanes_a + lanes_b}u) "
            f"{{ next = block_b(base_b, left + row, {k} + level, end); }}"
        )

    store = []
    for name, long, test in (
        ("ta", m, f"lane < {lanes_a}u"),
        ("tb", n, f"lane < {lanes_a + lanes_b}u"),
    ):
        places = " ".join(
            f"{name}[half_{name} + (level + {j}u) * {long // 4}u + row / 4u] = next.v{j};"
            for j in range(4)
        )
        store.append(f"if ({test}) {{ {places} }}")
    accumulators = [(y, i, x) for y in range(down) for i in range(4) for x in range(right)]
    multiply = "fma(vec4<{t}>({0}), {1}, {2})" if t[0] == "f" else "(vec4<{t}>({0}) * {1} + {2})"
    step = [f"let x{y} = ta[half_ta + @ * {m // 4}u + ty + {16 * y}u];" for y in range(down)]
    step += [f"let y{x} = tb[half_tb + @ * {n // 4}u + tx + {16 * x}u];" for x in range(right)]
    for y, i, x in accumulators:
        acc = f"c{y}{i}{x}"
        text = multiply.format(f"x{y}.{'xyzw'[i]}", f"y{x}", acc, t=t)
        step.append(f"{acc} = {text};")
    body = [
        "let tile = group % (p.tiles_m * p.tiles_n);",
        "let rest = group / (p.tiles_m * p.tiles_n);",
        "let part = rest % p.parts;",
        "let matrix = rest / p.parts;",
        "if (matrix >= p.matrices) { return; }",
        f"let top = (tile / p.tiles_n) * {m}u;",
        f"let left = (tile % p.tiles_n) * {n}u;",
        "let i2 = matrix % p.d2; let i1 = (matrix / p.d2) % p.d1; let i0 = matrix / p.d2 / p.d1;",
        "let base_a = p.a_o + i0 * p.a_0 + i1 * p.a_1 + i2 * p.a_2;",
        "let base_b = p.b_o + i0 * p.b_0 + i1 * p.b_1 + i2 * p.b_2;",
        "let start = part * p.length;",
        "let end = min(start + p.length, p.depth);",
        # A group of 32 has 4 x 8 blocks: neighbours read the same vectors of both tiles.
        "let ty = (lane / 64u) * 4u + (lane % 32u) / 8u;",
        "let tx = (lane / 32u % 2u) * 8u + lane % 8u;",
        "var half_ta = 0u; var half_tb = 0u;",
        "var row = 0u; var level = 0u;",
        f"if (lane < {lanes_a}u) {{ {_place(a, 'lane', m, depth)} }} "
        f"else {{ {_place(b, f'(lane - {lanes_a}u)', n, depth)} }}",
        *(f"var c{y}{i}{x} = vec4<{t}>();" for y, i, x in accumulators),
        "var next: Block;",
        read("start"),
        f"for (var k = start; k < end; k += {depth}u) {{",
        " else ".join(store),
        "workgroupBarrier();",
        f"if (k + {depth}u < end) {{ {read(f'k + {depth}u')} }}",
        *(line for at in range(depth) for line in ["{", *_at(step, at), "}"]),
        *(
            [f"half_ta = {m * depth // 4}u - half_ta; half_tb = {n * depth // 4}u - half_tb;"]
            if whole
            else ["workgroupBarrier();"]
        ),
        "}",
        "let origin = p.c_o + rest * p.a_rows * p.b_rows;",
    ]
    for y, i, x in accumulators:
        row, column = f"(top + ty * 4u + {64 * y + i}u)", f"(left + tx * 4u + {64 * x}u)"
        place = f"origin + {row} * p.b_rows + {column}"
        if vectors:
            value = f"c{y}{i}{x}"
            if addend:
                value += f" + vec4<{t}>({addend.format(row=row)})"
            text = f"b2[({place}) >> 2u] = {value};"
            body.append(f"if ({row} < p.a_rows && {column} < p.b_rows) {{ {text} }}")
        else:
            for j, c in enumerate("xyzw"):
                inside = f"{row} < p.a_rows && {column} + {j}u < p.b_rows"
                value = f"c{y}{i}{x}.{c}"
                if addend:
                    value += f" + {addend.format(row=row)}"
                body.append(f"if ({inside}) {{ b2[{place} + {j}u] = {value}; }}")
    return functions, "\n    ".join(body)


def _at(lines: list[str], level: int) -> list[str]:
    """A step's statements at one level of the tiles, written out: loops are slower."""
    return [line.replace("@", f"{level}u") for line in lines]


def _side(x: Array, rows: int, depth: int, r: int, k: int, stack: Sequence[int]) -> Side:
    """How an operand of ``rows`` places with step ``r`` and ``depth`` with step ``k`` is read."""
    along = k == 1 or (r != 1 and abs(k) < abs(r))
    length, near, far = (depth, k, r) if along else (rows, r, k)
    steps = (x.offset, far, length, *stack)
    return Side(along, near == 1 and all(step % 4 == 0 for step in steps))


def product(to: Building, a: Array, b: Array, c: Array) -> None:
    """``c`` (in C order) = ``a @ b``: matrices in the last two axes, the others broadcast."""
    *stack, m, n = c.shape
    depth = a.shape[-1]
    outer = [_broadcast(x, tuple(stack)) for x in (a, b)]
    sizes, strides = coalesce(stack, outer)
    lead = 3 - len(sizes)
    if lead < 0:
        a, b = (to.compact(_spread(x, tuple(stack))) for x in (a, b))
        return product(to, *[_flat(x) for x in (a, b, c)])
    sizes = (1,) * lead + sizes
    steps_a, steps_b = ((0,) * lead + s for s in strides)
    large, small = TILES.get(c.dtype, _OTHERS)
    matrices = prod(sizes)
    tile = large if -(-m // large[0]) * -(-n // large[1]) * matrices >= FILLED else small
    tile = (64 if m <= 64 else tile[0], 64 if n <= 64 else tile[1], tile[2])
    tiles_m, tiles_n = -(-m // tile[0]), -(-n // tile[1])
    groups = tiles_m * tiles_n * matrices
    parts = max(1, min(FILLED // groups, depth // 256))
    length = -(-depth // parts)
    length += -length % tile[2]
    parts = -(-depth // length)
    sides = (
        _side(a, m, depth, a.strides[-2], a.strides[-1], steps_a),
        _side(b, n, depth, b.strides[-1], b.strides[-2], steps_b),
    )
    target = c if parts == 1 else to.temporary((matrices, parts, m, n), c.dtype)
    vectors = n % 4 == 0 and target.offset % 4 == 0
    t = REGISTER[c.dtype]
    whole = not (m % tile[0] or n % tile[1] or depth % tile[2])
    whole = whole and all(side.vectors for side in sides)
    functions, body = shader(t, tile, *sides, vectors, whole=whole)
    bound = [
        Bound(x, f"vec4<{t}>" if wide else t, writes)
        for x, wide, writes in (
            (a, sides[0].vectors, False), (b, sides[1].vectors, False), (target, vectors, True),
        )
    ]  # fmt: skip
    values = {
        "depth": depth, "length": length, "parts": parts, "matrices": matrices,
        "tiles_m": tiles_m, "tiles_n": tiles_n, "d1": sizes[1], "d2": sizes[2],
        "a_rows": m, "b_rows": n, "a_o": a.offset, "b_o": b.offset, "c_o": target.offset,
        "a_r": a.strides[-2], "a_k": a.strides[-1], "b_r": b.strides[-1], "b_k": b.strides[-2],
    }  # fmt: skip
    values |= {f"a_{i}": step for i, step in enumerate(steps_a)}
    values |= {f"b_{i}": step for i, step in enumerate(steps_b)}
    to.dispatch(bound, values, functions, body, groups * parts, INVOCATIONS)
    if parts > 1:
        total = Kernel((c.dtype,), (), (), (Output(0, "sum", c.dtype),))
        flat = c._replace(shape=(matrices, 1, m, n), strides=(m * n, 0, n, 1))
        to.launch(total, target.shape, (1,), [target.operand()], [flat.operand()])
    return None


def _broadcast(x: Array, stack: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a stack of matrices, broadcast to ``stack``."""
    own = x.shape[:-2]
    steps = [0 if n == 1 else s for n, s in zip(own, x.strides, strict=False)]
    return (0,) * (len(stack) - len(own)) + tuple(steps)


def _spread(x: Array, stack: tuple[int, ...]) -> Array:
    strides = _broadcast(x, stack) + x.strides[-2:]
    return x._replace(shape=stack + x.shape[-2:], strides=strides)


def _flat(x: Array) -> Array:
    """A stack in C order with one axis in front of the matrices."""
    m, n = x.shape[-2:]
    return x._replace(shape=(prod(x.shape[:-2]), m, n), strides=(m * n, n, 1))


def _vector_product(to: Building, a: Array, b: Array, c: Array) -> None:
    """Products with a vector: a reduction of elementwise products."""
    dtype = c.dtype
    multiply = Instruction("multiply", (0, 1), dtype)
    kernel = Kernel((dtype, dtype), (), (multiply,), (Output(2, "sum", dtype),))
    stack = c.shape[:-2]
    *_, m, n = c.shape
    depth = a.shape[-1]
    left = (*_broadcast(a, stack), a.strides[-2], 0, a.strides[-1])
    right = (*_broadcast(b, stack), 0, b.strides[-1], b.strides[-2])
    target = (*c.strides, 0)
    inputs = [x.operand()._replace(strides=s) for x, s in ((a, left), (b, right))]
    output = c.operand()._replace(strides=target)
    to.launch(kernel, (*stack, m, n, depth), (len(stack) + 2,), inputs, [output])


def _matrices(x: Array, last: bool) -> Array:
    """An operand with two axes at least; a vector is a column where ``last``."""
    if len(x.shape) > 1:
        return x
    n, step = x.shape[0], x.strides[0]
    shape, strides = ((n, 1), (step, 0)) if last else ((1, n), (0, step))
    return x._replace(shape=shape, strides=strides)


def _prepare(
    to: Building, _: dict[str, Any], inputs: Sequence[Array], outputs: Sequence[Array]
) -> None:
    a, b = inputs
    (out,) = outputs
    c = out
    if len(b.shape) == 1:
        c = c._replace(shape=(*c.shape, 1), strides=(*c.strides, 0))
    if len(a.shape) == 1:
        c = c._replace(
            shape=(*c.shape[:-1], 1, c.shape[-1]), strides=(*c.strides[:-1], 0, c.strides[-1])
        )
    a, b = _matrices(a, False), _matrices(b, True)
    through = _THROUGH.get(out.dtype.char, out.dtype)
    a, b = (x if x.dtype == through else to.compact(x, through) for x in (a, b))
    target = c if through == out.dtype else to.temporary(c.shape, through)
    small = min(c.shape[-2:]) == 1
    (_vector_product if small else product)(to, a, b, target)
    if target is not c:
        to.copy(target, c)


_TYPES: tuple[Dtype, ...] = (FLOAT32, FLOAT64, INT32, INT64, UINT32, UINT64)


def _performs(call: Call, supports: Supports) -> bool:
    (out,) = call.outputs
    dtype = out.array.dtype
    through = _THROUGH.get(dtype.char, dtype)
    modes = np.geterr()
    if dtype.kind == "f" and not {modes["over"], modes["invalid"]} <= {"ignore", "warn"}:
        return False  # products tell of no conditions here: NumPy raises
    if through not in _TYPES or not supports("multiply", (through, through), through):
        return False
    sources = [view.array.dtype for view in call.inputs]
    return all(supports("cast", (s,), through) for s in (*sources, dtype)) and bool(
        out.array.flags.c_contiguous and np.all([n < 1 << 24 for n in out.array.shape])
    )


ROUTINES = {
    "matmul": Routine(_performs, _prepare),
    "matmul_without_blas": Routine(_performs, _prepare),
}
