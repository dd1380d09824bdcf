"""Scans, and what is picked by masks and index arrays.

A scan cuts its axis into blocks: the total of each is found, the totals are scanned (by the same
means), and then each block is, from where the blocks before it have come. Along the last axis a
workgroup has a block. Of aligned elements its invocations have vectors, whose totals are scanned in
workgroup memory; others are brought there and back in order. Along another axis an invocation has a
column of the block.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from trueno._backends import wgsl
from trueno._backends.wgpu_routine import Array, Bound, Building, Routine, Supports
from trueno._backends.wgpu_shaders import Access, element
from trueno._backends.wgsl import REGISTER
from trueno.kinds import BOOL, FLOAT16, INT64, UINT32, Dtype
from trueno.ops import INVALID, MASK_BLOCK, OVERFLOW
from trueno.plan import Call

INVOCATIONS = 256
RUN = 32  # totals that an invocation scans one after another
MOST = 64  # the same, where a workgroup has all totals of a line
COLUMNS = 1 << 17  # invocations that fill a large GPU
_COMBINE = {"sum": "add", "prod": "multiply", "max": "maximum", "min": "minimum"}


def _value(x: Array, binding: int, index: str, target: Dtype) -> str:
    """An element as the type in which it is scanned."""
    text = element(Access("flat", binding, x.dtype), index)
    if x.dtype == target:
        return text
    cast = wgsl.expression("cast", [text], [x.dtype], target)
    assert cast is not None
    return cast


def _bound(x: Array) -> str:
    return Access("flat", 0, x.dtype).element


class _Scan:
    """A scan of ``x`` (outer, n, inner), all in C order."""

    def __init__(self, name: str, dtype: Dtype) -> None:
        self.t = REGISTER[dtype]
        self.dtype = dtype
        self.combine = f"{_COMBINE[name]}_{self.t}"
        self.identity = f"identity_{_COMBINE[name]}_{self.t}()"
        self.each = 64 // dtype.itemsize  # elements of an invocation, along the last axis
        self.width = 16 // dtype.itemsize  # elements of a vector
        self.vectors = 32 // dtype.itemsize  # of an invocation
        self.raises = name in ("sum", "prod") and self.t in wgsl.FLOATING

    def run(self, to: Building, x: Array, out: Array, first: int) -> None:
        """``first``: whether ``out`` has the identity in front."""
        outer, n, inner = x.shape
        width = self.width
        vectors = inner == 1 and x.dtype == out.dtype and not first and n >= 16 * INVOCATIONS
        if vectors and not (n % width or x.offset % width or out.offset % width):
            self._vectors(to, x, out)
            return
        if inner == 1:
            length = INVOCATIONS * self.each
        else:
            parts = max(1, min(COLUMNS // (outer * inner), n // 32))
            length = -(-n // parts)
        blocks = -(-n // length)
        prefix = None
        if blocks > 1:
            totals = to.temporary((outer, blocks, inner), self.dtype)
            self._dispatch(to, x, totals, None, length, blocks, 0)
            prefix = to.temporary((outer, blocks, inner), self.dtype)
            self.run(to, totals, prefix, 0)
        self._dispatch(to, x, out, prefix, length, blocks, first)

    def _dispatch(
        self,
        to: Building,
        x: Array,
        out: Array,
        prefix: Array | None,
        length: int,
        blocks: int,
        first: int,
    ) -> None:
        """Scans every block; or finds its total, where ``out`` is a block long."""
        outer, n, inner = x.shape
        total = out.shape[1] == blocks and blocks > 1 and prefix is None
        bound = [Bound(x, _bound(x)), Bound(out, self.t, True)]
        start = self.identity
        if prefix is not None:
            bound.append(Bound(prefix, self.t))
            start = f"select({self.identity}, b2[p.o2 + before], block > 0u)"
        values = {
            "n": n, "inner": inner, "blocks": blocks, "length": length, "first": first,
            "groups": outer * blocks * inner, "o0": x.offset, "o1": out.offset,
            "o2": 0 if prefix is None else prefix.offset,
        }  # fmt: skip
        if inner == 1:
            functions, body = self._rows(x, start, total)
            groups = outer * blocks
        else:
            functions, body = [], self._columns(x, start, total)
            groups = -(-outer * blocks * inner // INVOCATIONS)
        raises = self.raises and not total
        to.dispatch(bound, values, functions, body, groups, INVOCATIONS, raises)

    def _look(self, before: str, value: str, after: str) -> str:
        """A statement that notes which conditions arose where ``value`` was added to ``before``."""
        if not self.raises:
            return ""
        t, both = self.t, (before, value)
        nan = " || ".join([f"isnan_{t}({x})" for x in both])
        finite = " && ".join([f"isfinite_{t}({x})" for x in both])
        found = f"condition_{t}({after}, {nan}, {finite}, false) & {OVERFLOW | INVALID}u"
        return f"if (!isfinite_{t}({after})) {{ raised_0 |= {found}; }}"

    def _vectors(self, to: Building, x: Array, out: Array) -> None:
        """Lines of aligned vectors: the totals of blocks, their scan, the blocks."""
        outer, n, _ = x.shape
        vectors = n // self.width
        size = INVOCATIONS * self.vectors
        blocks = -(-vectors // size)
        values = {
            "n": vectors, "blocks": blocks, "groups": outer * blocks,
            "o0": x.offset // self.width, "o1": 0, "o2": 0,
        }  # fmt: skip
        vector = f"vec{self.width}<{self.t}>"
        bound = [Bound(x, vector)]
        if blocks > 1:
            totals, prefix = [to.temporary((outer, blocks, 1), self.dtype) for _ in range(2)]
            functions, body = self._totals()
            made = [*bound, Bound(totals, self.t, True)]
            to.dispatch(made, values, functions, body, outer * blocks, INVOCATIONS)
            group = min(4 * INVOCATIONS, to.limits.invocations)
            if blocks <= MOST * group:
                self._together(to, totals, prefix, group)
            else:
                self.run(to, totals, prefix, 0)
            bound.append(Bound(prefix, self.t))
        bound.append(Bound(out, vector, True))
        values |= {"o1": 0, "o2": out.offset // self.width}
        functions, body = self._blocks(blocks > 1, len(bound) - 1)
        to.dispatch(bound, values, functions, body, outer * blocks, INVOCATIONS, self.raises)

    def _loaded(self) -> list[str]:
        """Statements that load an invocation's vectors ``v<k>``."""
        size = INVOCATIONS * self.vectors
        nothing = f"vec{self.width}<{self.t}>({self.identity})"
        return [
            "if (group >= p.groups) { return; }",
            "let block = group % p.blocks; let row = group / p.blocks;",
            f"let first = block * {size}u + lane;",
            *[
                f"var v{k} = {nothing}; if (first + {k * INVOCATIONS}u < p.n) "
                f"{{ v{k} = b0[p.o0 + row * p.n + first + {k * INVOCATIONS}u]; }}"
                for k in range(self.vectors)
            ],
        ]

    def _totals(self) -> tuple[list[str], str]:
        parts = [f"v{k}.{c}" for k in range(self.vectors) for c in "xyzw"[: self.width]]
        while len(parts) > 1:
            pairs = zip(parts[0::2], parts[1::2], strict=True)
            parts = [f"{self.combine}({a}, {b})" for a, b in pairs]
        lines = [
            *self._loaded(),
            f"sums[lane] = {parts[0]};",
            f"for (var width = {INVOCATIONS // 2}u; width > 0u; width = width / 2u) {{",
            "workgroupBarrier();",
            f"if (lane < width) {{ sums[lane] = {self.combine}(sums[lane], sums[lane + width]); }}",
            "}",
            "if (lane == 0u) { b1[group] = sums[0]; }",
        ]
        return [f"var<workgroup> sums: array<{self.t}, {INVOCATIONS}>;"], "\n    ".join(lines)

    def _together(self, to: Building, x: Array, out: Array, group: int) -> None:
        """Scans lines of not too many elements, a workgroup a line."""
        outer, n, _ = x.shape
        lines = [
            "let end = min(p.n, lane * p.length + p.length);",
            f"var acc = {self.identity};",
            "for (var k = lane * p.length; k < end; k++) "
            f"{{ acc = {self.combine}(acc, b0[group * p.n + k]); }}",
            "sums[lane] = acc;",
            f"for (var off = 1u; off < {group}u; off = off * 2u) {{",
            "workgroupBarrier();",
            "var other = sums[lane];",
            f"if (lane >= off) {{ other = {self.combine}(sums[lane - off], other); }}",
            "workgroupBarrier();",
            "sums[lane] = other;",
            "}",
            "workgroupBarrier();",
            f"acc = {self.identity};",
            "if (lane > 0u) { acc = sums[lane - 1u]; }",
            "for (var k = lane * p.length; k < end; k++) {",
            f"acc = {self.combine}(acc, b0[group * p.n + k]); b1[group * p.n + k] = acc;",
            "}",
        ]
        held = [f"var<workgroup> sums: array<{self.t}, {group}>;"]
        bound = [Bound(x, self.t), Bound(out, self.t, True)]
        values = {"n": n, "length": -(-n // group)}
        to.dispatch(bound, values, held, "\n    ".join(lines), outer, group)

    def _blocks(self, later: bool, target: int) -> tuple[list[str], str]:
        """Scans blocks; ``later``: from the prefixes of those before; ``target``: the binding."""
        c, vectors, names = self.combine, self.vectors, "xyzw"[: self.width]
        count = INVOCATIONS * vectors
        runs = count // RUN
        functions = [
            # An element more in each run, so that those of runs lie in different banks.
            f"var<workgroup> held: array<{self.t}, {count + runs}>;",
            f"var<workgroup> sums: array<{self.t}, {runs}>;",
            f"var<workgroup> starts: array<{self.t}, {runs}>;",
        ]
        start = self.identity
        if later:
            before = "b1[row * p.blocks + max(block, 1u) - 1u]"
            start = f"select({self.identity}, {before}, block > 0u)"
        lines = self._loaded()
        for k in range(vectors):
            lines.append(f"let s{k}_0 = v{k}.x;")
            for j in range(1, self.width):
                lines.append(f"let s{k}_{j} = {c}(s{k}_{j - 1}, v{k}.{names[j]});")
            at = f"{k * INVOCATIONS}u + lane"
            lines.append(f"held[{at} + ({at}) / {RUN}u] = s{k}_{self.width - 1};")
        lines += [
            "workgroupBarrier();",
            f"if (lane < {runs}u) {{",
            f"var acc = {self.identity};",
            f"for (var k = lane * {RUN + 1}u; k < lane * {RUN + 1}u + {RUN}u; k++) {{",
            f"let now = held[k]; held[k] = acc; acc = {c}(acc, now);",
            "}",
            "sums[lane] = acc;",
            "}",
            "workgroupBarrier();",
            f"if (lane < {runs}u) {{",
            f"var acc = {start};",
            f"for (var k = 0u; k < lane; k++) {{ acc = {c}(acc, sums[k]); }}",
            "starts[lane] = acc;",
            "}",
            "workgroupBarrier();",
        ]
        for k in range(vectors):
            at = f"{k * INVOCATIONS}u + lane"
            lines.append(f"let a{k} = {c}(starts[({at}) / {RUN}u], held[{at} + ({at}) / {RUN}u]);")
            results = [f"{c}(a{k}, s{k}_{j})" for j in range(self.width)]
            lines.append(f"let r{k} = vec{self.width}<{self.t}>({', '.join(results)});")
            place = f"p.o2 + row * p.n + first + {k * INVOCATIONS}u"
            lines.append(f"if (first + {k * INVOCATIONS}u < p.n) {{ b{target}[{place}] = r{k}; }}")
            last = f"r{k}.{names[-1]}"
            if self.raises:
                befores = [f"a{k}", *[f"r{k}.{name}" for name in names]]
                looks = [
                    self._look(before, f"v{k}.{name}", f"r{k}.{name}")
                    for before, name in zip(befores, names, strict=False)
                ]
                lines.append(f"if (!isfinite_{self.t}({last})) {{ {' '.join(looks)} }}")
        return functions, "\n    ".join(lines)

    def _columns(self, x: Array, start: str, total: bool) -> str:
        value = _value(x, 0, "from_ + k * p.inner", self.dtype)
        store = "" if total else "b1[into + k * p.inner] = acc;"
        lines = [
            f"let at = group * {INVOCATIONS}u + lane;",
            "if (at >= p.groups) { return; }",
            "let column = at % p.inner; let block = at / p.inner % p.blocks;",
            "let row = at / p.inner / p.blocks;",
            "let before = (row * p.blocks + max(block, 1u) - 1u) * p.inner + column;",
            "let from_ = p.o0 + row * p.n * p.inner + column;",
            "let into = p.o1 + (row * (p.n + p.first) + p.first) * p.inner + column;",
            f"var acc = {start};",
            "let end = min(p.n, (block + 1u) * p.length);",
            "for (var k = block * p.length; k < end; k++) {",
            f"let v = {value}; let was = acc; acc = {self.combine}(was, v); {store}",
            "" if total else self._look("was", "v", "acc"),
            "}",
        ]
        if total:
            lines.append("b1[p.o1 + at] = acc;")
        else:
            first = f"b1[into - p.inner] = {self.identity};"
            lines.append(f"if (block == 0u && p.first == 1u) {{ {first} }}")
        return "\n    ".join(lines)

    def _rows(self, x: Array, start: str, total: bool) -> tuple[list[str], str]:
        each = self.each
        size = INVOCATIONS * each
        functions = [
            f"var<workgroup> held: array<{self.t}, {size + INVOCATIONS}>;",
            f"var<workgroup> sums: array<{self.t}, {INVOCATIONS}>;",
            # An element more in each invocation's part, so that these lie in different banks.
            f"fn slot(i: u32) -> u32 {{ return i + i / {each}u; }}",
        ]
        value = _value(x, 0, "from_ + i", self.dtype)
        lines = [
            "if (group >= p.groups) { return; }",
            "let block = group % p.blocks; let row = group / p.blocks;",
            "let before = row * p.blocks + max(block, 1u) - 1u;",
            "let from_ = p.o0 + row * p.n;",
            f"for (var e = 0u; e < {each}u; e++) {{",
            f"let i = block * {size}u + e * {INVOCATIONS}u + lane;",
            f"var v = {self.identity};",
            f"if (i < p.n) {{ v = {value}; }}",
            f"held[slot(e * {INVOCATIONS}u + lane)] = v;",
            "}",
            "workgroupBarrier();",
            f"var acc = held[slot(lane * {each}u)];",
            f"for (var e = 1u; e < {each}u; e++) {{",
            f"acc = {self.combine}(acc, held[slot(lane * {each}u + e)]);",
            "}",
            "sums[lane] = acc;",
            f"for (var off = 1u; off < {INVOCATIONS}u; off = off * 2u) {{",
            "workgroupBarrier();",
            "var other = sums[lane];",
            f"if (lane >= off) {{ other = {self.combine}(sums[lane - off], other); }}",
            "workgroupBarrier();",
            "sums[lane] = other;",
            "}",
            "workgroupBarrier();",
        ]
        if total:
            lines.append(f"if (lane == 0u) {{ b1[p.o1 + group] = sums[{INVOCATIONS - 1}u]; }}")
            return functions, "\n    ".join(lines)
        lines += [
            "let into = p.o1 + row * (p.n + p.first) + p.first;",
            f"acc = {start};",
            f"if (lane > 0u) {{ acc = {self.combine}(acc, sums[lane - 1u]); }}",
            f"for (var e = 0u; e < {each}u; e++) {{",
            f"let at = slot(lane * {each}u + e);",
            f"let v = held[at]; let was = acc; acc = {self.combine}(was, v);",
            self._look("was", "v", "acc"),
            "held[at] = acc;",
            "}",
            "workgroupBarrier();",
            f"for (var e = 0u; e < {each}u; e++) {{",
            f"let i = block * {size}u + e * {INVOCATIONS}u + lane;",
            f"if (i < p.n) {{ b1[into + i] = held[slot(e * {INVOCATIONS}u + lane)]; }}",
            "}",
            "if (block == 0u && lane == 0u && p.first == 1u) "
            f"{{ b1[into - 1u] = {self.identity}; }}",
        ]
        return functions, "\n    ".join(lines)


def scan_sum(to: Building, x: Array, out: Array) -> None:
    """``out`` (outer, n + 1, 1) = 0, then the cumulative sums of ``x`` (outer, n, 1)."""
    _Scan("sum", out.dtype).run(to, x, out, 1)


def _three(x: Array, axis: int) -> Array:
    """An array in C order as (outer, length, inner)."""
    outer, inner = prod(x.shape[:axis]), prod(x.shape[axis + 1 :])
    n = x.shape[axis]
    return x._replace(shape=(outer, n, inner), strides=(n * inner, inner, 1))


def _accumulate(
    to: Building, params: dict[str, Any], inputs: Sequence[Array], outputs: Sequence[Array]
) -> None:
    (x,), (out,), axis = inputs, outputs, params["axis"]
    scan = _Scan(params["name"], out.dtype)
    scan.run(to, _three(x, axis), _three(out, axis), int(params["initial"]))


def _performs_accumulate(call: Call, supports: Supports) -> bool:
    (x,), (out,) = call.inputs, call.outputs
    source, target = x.array.dtype, out.array.dtype
    return bool(
        target.itemsize >= 4
        and FLOAT16 not in (source, target)
        and x.array.flags.c_contiguous
        and out.array.flags.c_contiguous
        and target in REGISTER
        and supports(call.params["name"], (target,), target)
        and supports("cast", (source,), target)
    )


# ---------------------------------------------------------------- masks

_COUNT = """let begin = group * {block}u + lane * {each}u;
    var found = 0u;
    for (var e = 0u; e < {each}u; e++) {{
        let i = begin + e;
        if (i < p.n && {holds}) {{ found += 1u; }}
    }}
    sums[lane] = found;
    for (var off = 1u; off < 256u; off = off * 2u) {{
        workgroupBarrier();
        var other = sums[lane];
        if (lane >= off) {{ other += sums[lane - off]; }}
        workgroupBarrier();
        sums[lane] = other;
    }}
    workgroupBarrier();"""
_SUMS = "var<workgroup> sums: array<u32, 256>;"


def _counted(binding: int) -> str:
    """Statements that leave in ``sums`` how many elements a block's invocations have selected."""
    holds = element(Access("flat", binding, BOOL), f"p.o{binding} + i")
    each = MASK_BLOCK // INVOCATIONS
    return "if (group >= p.groups) { return; }\n    " + _COUNT.format(
        block=MASK_BLOCK, each=each, holds=holds
    )


def _mask_count(
    to: Building, _: dict[str, Any], inputs: Sequence[Array], outputs: Sequence[Array]
) -> None:
    (mask,), (before,) = inputs, outputs
    n = prod(mask.shape)
    blocks = -(-n // MASK_BLOCK)
    counts = to.temporary((1, blocks, 1), UINT32)
    values = {"n": n, "groups": blocks, "o0": mask.offset}
    body = f"{_counted(0)}\n    if (lane == 0u) {{ b1[group] = sums[255u]; }}"
    bound = [Bound(mask, "u32"), Bound(counts, "u32", True)]
    to.dispatch(bound, values, [_SUMS], body, blocks)
    _Scan("sum", INT64).run(to, counts, _three(before, 0), 1)


def _compress(
    to: Building, _: dict[str, Any], inputs: Sequence[Array], outputs: Sequence[Array]
) -> None:
    (x, mask, before), (out,) = inputs, outputs
    n, row = prod(mask.shape), prod(x.shape[len(mask.shape) :])
    blocks = -(-n // MASK_BLOCK)
    t = REGISTER[x.dtype]
    each = MASK_BLOCK // INVOCATIONS
    holds = element(Access("flat", 1, BOOL), "p.o1 + i")
    body = (
        f"{_counted(1)}\n"
        "var at = u32(b2[p.o2 + group]) + select(0u, sums[max(lane, 1u) - 1u], lane > 0u);\n"
        f"for (var e = 0u; e < {each}u; e++) {{\nlet i = begin + e;\n"
        f"if (i < p.n && {holds}) {{\n"
        "for (var k = 0u; k < p.row; k++) "
        "{ b3[p.o3 + at * p.row + k] = b0[p.o0 + i * p.row + k]; }\n"
        "at += 1u;\n} }"
    )
    values = {
        "n": n, "groups": blocks, "row": row, "o0": x.offset, "o1": mask.offset,
        "o2": before.offset, "o3": out.offset,
    }  # fmt: skip
    bound = [Bound(x, t), Bound(mask, "u32"), Bound(before, "i64"), Bound(out, t, True)]
    to.dispatch(bound, values, [_SUMS], body, blocks)


def _performs_mask(call: Call, supports: Supports) -> bool:
    arrays = [view.array for view in (*call.inputs, *call.outputs)]
    moved = arrays[0].dtype if call.routine == "compress" else INT64
    return (
        supports("add", (INT64, INT64), INT64)
        and moved in REGISTER
        and moved.itemsize >= 4
        and supports("cast", (moved,), moved)
        and all(array.flags.c_contiguous for array in arrays)
    )


# ---------------------------------------------------------------- index arrays


def _take(
    to: Building, params: dict[str, Any], inputs: Sequence[Array], outputs: Sequence[Array]
) -> None:
    """Indices are in bounds: that was looked at before."""
    (x, index), (out,) = inputs, outputs
    axis = params["axis"]
    inner, n = prod(x.shape[axis + 1 :]), x.shape[axis]
    count = prod(index.shape)
    t = REGISTER[x.dtype]
    place = _value(index, 1, "p.o1 + at / p.inner % p.count", INT64)
    body = (
        f"let at = group * {INVOCATIONS}u + lane;\nif (at >= p.n) {{ return; }}\n"
        f"var place = {place};\n"
        "if (place < i64(0)) { place += i64(p.length); }\n"
        "let from_ = (at / p.inner / p.count * p.length + u32(place)) * p.inner + at % p.inner;\n"
        "b2[p.o2 + at] = b0[p.o0 + from_];"
    )
    values = {
        "n": prod(out.shape), "inner": inner, "count": count, "length": n, "o0": x.offset,
        "o1": index.offset, "o2": out.offset,
    }  # fmt: skip
    bound = [Bound(x, t), Bound(index, _bound(index)), Bound(out, t, True)]
    to.dispatch(bound, values, [], body, -(-values["n"] // INVOCATIONS))


def _performs_take(call: Call, supports: Supports) -> bool:
    arrays = [view.array for view in (*call.inputs, *call.outputs)]
    if len(arrays) != 3 or call.params["mode"] != "raise" or prod(arrays[2].shape) >= 1 << 31:
        return False
    dtype, index = arrays[0].dtype, arrays[1].dtype
    return (
        dtype in REGISTER
        and dtype.itemsize >= 4
        and index.kind in "iu"
        and supports("cast", (dtype,), dtype)
        and supports("cast", (index,), INT64)
        and supports("max", (index,), index)
        and all(array.flags.c_contiguous for array in arrays)
    )


ROUTINES = {
    "accumulate": Routine(_performs_accumulate, _accumulate),
    "mask_count": Routine(_performs_mask, _mask_count),
    "compress": Routine(_performs_mask, _compress),
    "take": Routine(_performs_take, _take),
}
