"""Convolutions and pooling.

A convolution is a matrix product (``wgpu_matmul``) whose right operand, what each position's window
holds, is never made: the reader of a tile finds its elements in the images. Where a group has few
output channels (a depthwise convolution has one), and in pooling, an invocation goes through the
window of its own result. Some convolutions have a quicker way (``wgpu_winograd``).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from trueno._backends import wgpu_winograd
from trueno._backends.wgpu_matmul import INVOCATIONS, TILES, Side, shader
from trueno._backends.wgpu_routine import Array, Bound, Building, Routine, Supports
from trueno._backends.wgsl import REGISTER
from trueno.kinds import FLOAT32, FLOAT64
from trueno.plan import Call

FEW = 8  # output channels of a group, below which tiles would be empty for the most part


def _pair(numbers: Sequence[Any], missing: Any) -> tuple[Any, Any]:
    """The numbers of two axes; where there is one axis, ``missing`` is the first one's."""
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (missing, numbers[0])


class _Geometry:
    """Sizes, as pairs (height, width), of windows over the last axes of ``x``."""

    def __init__(self, x: Array, kernel: Sequence[int], out: Array, params: dict[str, Any]) -> None:
        self.size = _pair(x.shape[2:], 1)
        self.steps = _pair(x.strides[2:], 0)
        self.result = _pair(out.shape[2:], 1)
        self.kernel = _pair(kernel, 1)
        self.stride = _pair(params["stride"], 1)
        self.spread = _pair(params.get("dilation", (1,) * (len(x.shape) - 2)), 1)
        self.before = _pair([before for before, _ in params["padding"]], 0)

    def values(self) -> dict[str, int]:
        return {
            "high": self.size[0], "wide": self.size[1], "step_h": self.steps[0],
            "step_w": self.steps[1], "columns": self.result[1],
        }  # fmt: skip

    def corner(self, place: str, i: object = "") -> str:
        """Statements for where the window of result ``place`` begins: ``y<i>``, ``x<i>``."""
        (sh, sw), (ph, pw) = self.stride, self.before
        return (
            f"let y{i} = i32(({place}) / p.columns) * {sh} - {ph}; "
            f"let x{i} = i32(({place}) % p.columns) * {sw} - {pw};"
        )


def _reader(t: str, g: _Geometry) -> str:
    """The reader of what windows hold: places r... are results, k... channels and taps."""
    high, wide = g.kernel
    lines = [f"var w{j} = vec4<{t}>();" for j in range(4)]
    lines += [g.corner(f"r + {i}u", i) for i in range(4)]
    for j in range(4):
        lines += [
            f"let k{j} = k + {j}u;",
            f"let c{j} = base + (k{j} / {high * wide}u) * p.b_k;",
            f"let u{j} = i32(k{j} % {high * wide}u / {wide}u) * {g.spread[0]};",
            f"let v{j} = i32(k{j} % {wide}u) * {g.spread[1]};",
        ]
        for i in range(4):
            inside = (
                f"k{j} < end && r + {i}u < p.b_rows && "
                f"u32(y{i} + u{j}) < p.high && u32(x{i} + v{j}) < p.wide"
            )
            place = f"c{j} + u32(y{i} + u{j}) * p.step_h + u32(x{i} + v{j}) * p.step_w"
            # No branch, so that all reads are under way at once; place 0 is always there.
            lines += [
                f"let in{j}{i} = {inside};",
                f"w{j}.{'xyzw'[i]} = select({t}(0), b1[select(0u, {place}, in{j}{i})], in{j}{i});",
            ]
    lines.append("return Block(w0, w1, w2, w3);")
    body = "\n    ".join(lines)
    return f"fn block_b(base: u32, r: u32, k: u32, end: u32) -> Block {{\n    {body}\n}}"


def _convolve(
    to: Building, params: dict[str, Any], inputs: Sequence[Array], outputs: Sequence[Array]
) -> None:
    x, weight, *bias = inputs
    (out,) = outputs
    groups = params["groups"]
    if wgpu_winograd.suits(to, params, x, weight, out):
        wgpu_winograd.convolve(to, params, inputs, out)
        return
    g = _Geometry(x, weight.shape[2:], out, params)
    if weight.shape[0] // groups < FEW:
        _directly(to, g, x, weight, bias, out, groups)
        return
    weight = to.compact(weight)
    batch, rows, depth = x.shape[0], weight.shape[0] // groups, prod(weight.shape[1:])
    results = prod(g.result)
    tile = TILES[out.dtype][0]
    if rows <= 64:
        tile = (64, tile[1], tile[2])
    tiles_m, tiles_n = -(-rows // tile[0]), -(-results // tile[1])
    t = REGISTER[out.dtype]
    vectors = results % 4 == 0
    side = Side(True, depth % 4 == 0)
    addend = "b3[p.bias + i2 * p.a_rows + {row}]" if bias else ""
    functions, body = shader(t, tile, side, Side(False, False), vectors, _reader(t, g), addend)
    values = {
        "depth": depth, "length": depth + -depth % tile[2], "parts": 1,
        "matrices": batch * groups, "tiles_m": tiles_m, "tiles_n": tiles_n, "d1": batch,
        "d2": groups, "a_rows": rows, "b_rows": results, "a_o": weight.offset, "b_o": x.offset,
        "c_o": out.offset, "a_r": depth, "a_k": 1, "b_k": x.strides[1], "a_0": 0, "a_1": 0,
        "a_2": rows * depth, "b_0": 0, "b_1": x.strides[0],
        "b_2": weight.shape[1] * x.strides[1], **g.values(),
    }  # fmt: skip
    bound = [
        Bound(weight, f"vec4<{t}>" if side.vectors else t),
        Bound(x, t),
        Bound(out, f"vec4<{t}>" if vectors else t, True),
    ]
    if bias:
        (one,) = bias
        one = to.compact(one)
        bound.append(Bound(one, t))
        values["bias"] = one.offset
    to.dispatch(bound, values, functions, body, tiles_m * tiles_n * batch * groups, INVOCATIONS)


def _through_windows(g: _Geometry, inner: str) -> str:
    """A loop over the taps of a window that lie in the image: ``at`` is a tap's offset, ``tap`` its
    number."""
    high, wide = g.kernel
    return (
        f"for (var u = 0; u < {high}; u++) {{ for (var v = 0; v < {wide}; v++) {{\n"
        f"let row = y + u * {g.spread[0]}; let column = x + v * {g.spread[1]};\n"
        "if (u32(row) < p.high && u32(column) < p.wide) {\n"
        "let at = u32(row) * p.step_h + u32(column) * p.step_w;\n"
        f"let tap = u32(u * {wide} + v);\n{inner}\n}} }} }}"
    )


def _results(g: _Geometry, x: Array, out: Array) -> tuple[dict[str, int], str, int]:
    """Parameters, the statements before the loop (an invocation a result), and workgroups."""
    values = {
        "n": prod(out.shape), "area": prod(g.result), "planes": out.shape[1],
        "batch": x.strides[0], "channel": x.strides[1], "o0": x.offset, "o1": out.offset,
        **g.values(),
    }  # fmt: skip
    body = (
        "let i = group * 256u + lane;\nif (i >= p.n) { return; }\n"
        "let plane = i / p.area;\nlet z = plane % p.planes;\n"
        f"{g.corner('i % p.area')}\n"
    )
    return values, body, -(-values["n"] // 256)


def _directly(
    to: Building,
    g: _Geometry,
    x: Array,
    weight: Array,
    bias: Sequence[Array],
    out: Array,
    groups: int,
) -> None:
    values, body, count = _results(g, x, out)
    t, taps = REGISTER[out.dtype], prod(g.kernel)
    weight = to.compact(weight)
    rows, channels = weight.shape[0] // groups, weight.shape[1]
    values |= {"rows": rows, "channels": channels, "w": weight.offset}
    bound = [Bound(x, t), Bound(weight, t), Bound(out, t, True)]
    inner = f"acc += b0[base + at] * b1[p.w + (z * p.channels + c) * {taps}u + tap];"
    start = f"{t}(0)"
    if bias:
        one = to.compact(bias[0])
        bound.append(Bound(one, t))
        values["bias"] = one.offset
        start = "b3[p.bias + z]"
    body += (
        f"var acc = {start};\n"
        "for (var c = 0u; c < p.channels; c++) {\n"
        "let base = p.o0 + plane / p.planes * p.batch"
        " + (z / p.rows * p.channels + c) * p.channel;\n"
        f"{_through_windows(g, inner)}\n}}\nb2[p.o1 + i] = acc;"
    )
    to.dispatch(bound, values, [], body, count)


def _pool(
    to: Building, params: dict[str, Any], inputs: Sequence[Array], outputs: Sequence[Array]
) -> None:
    (x,), (out,) = inputs, outputs
    g = _Geometry(x, params["kernel"], out, params)
    values, body, count = _results(g, x, out)
    t = REGISTER[out.dtype]
    body += "let base = p.o0 + plane / p.planes * p.batch + z * p.channel;\n"
    if "counts" in params:
        start, step = f"{t}(0)", "acc += b0[base + at];"
        area = prod([counts[0] for counts in params["counts"]])
        result = f"divide_{t}(acc, {t}({area}))"
    else:
        start, step = f"identity_maximum_{t}()", f"acc = maximum_{t}(acc, b0[base + at]);"
        result = "acc"
    body += f"var acc = {start};\n{_through_windows(g, step)}\nb1[p.o1 + i] = {result};"
    to.dispatch([Bound(x, t), Bound(out, t, True)], values, [], body, count)


def _performs(call: Call, supports: Supports) -> bool:
    arrays = [view.array for view in (*call.inputs, *call.outputs)]
    dtype = arrays[0].dtype
    (out,) = call.outputs
    return bool(
        dtype in (FLOAT32, FLOAT64)
        and all(array.dtype == dtype for array in arrays)
        and supports("add", (dtype, dtype), dtype)
        and arrays[0].ndim in (3, 4)
        and out.array.flags.c_contiguous
        and all(len(set(counts)) == 1 for counts in call.params.get("counts", ()))
    )


ROUTINES = {
    "convolve": Routine(_performs, _convolve),
    "max_pool": Routine(_performs, _pool),
    "avg_pool": Routine(_performs, _pool),
}
