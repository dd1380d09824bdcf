"""3 x 3 convolutions by minimal filtering, F(2 x 2, 3 x 3) (Winograd; Lavin and Gray 2016).

Tiles of 4 x 4 elements, 2 apart, bring 2 x 2 results each. Tiles and weights are transformed, so
that a tile's results are one of 16 matrix products over the channels, transformed back: 16
multiplications stand for 36. A result depends on the elements of its own window alone, as
computed directly; its error, of rounding, is that of products of the largest element of a channel's
window and the largest weight. Where a result is not finite, it is computed once more, directly: an
infinity times zero, and sums of what overflows, are what they are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trueno._backends.wgpu_layout import contiguous
from trueno._backends.wgpu_matmul import product
from trueno._backends.wgpu_routine import Array, Bound, Building
from trueno.kinds import FLOAT32

CHANNELS = 32  # of a group, in and out, below which the transforms take longer than they save
PLACES = 256  # tiles of all images, below which a few workgroups are quicker
BYTES = 1 << 29  # of transformed images at a time, at most
LANES = 2  # tiles of an invocation

# B^T, G and A^T of the paper.
_IMAGE = ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1))
_WEIGHT = ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1))
_RESULT = ((1, 1, 1, 0), (0, 1, -1, -1))
_Matrix = Sequence[Sequence[float]]


def _sum(factors: Sequence[float], names: Sequence[str]) -> str:
    terms = [
        f"{'-' if factor < 0 else '+'} {'' if abs(factor) == 1 else f'{abs(factor)} * '}{name}"
        for factor, name in zip(factors, names, strict=True)
        if factor
    ]
    return " ".join(terms).removeprefix("+ ")


def _transform(matrix: _Matrix, source: str, target: str) -> list[str]:
    """Statements for target = matrix source matrix^T, whose elements are ``<name><row><column>``.
    Factors are powers of two, so that it does not matter whether a driver fuses operations."""
    rows, terms = range(len(matrix)), range(len(matrix[0]))
    lines = [
        f"let {target}_{i}{j} = {_sum(matrix[i], [f'{source}{k}{j}' for k in terms])};"
        for i in rows
        for j in terms
    ]
    return lines + [
        f"let {target}{i}{j} = {_sum(matrix[j], [f'{target}_{i}{k}' for k in terms])};"
        for i in rows
        for j in rows
    ]


def _places(joined: bool) -> list[str]:
    """Statements that find each tile ``j`` of an invocation: its number ``t<j>``, its image
    ``i<j>``, and its corner in the result ``y<j>``, ``x<j>``. ``joined``: they lie side by side."""
    lines = []
    for j in range(LANES):
        lines.append(f"let t{j} = tiles * {LANES}u + {j}u;")
        if joined and j:
            lines.append(f"let i{j} = i0; let y{j} = y0; let x{j} = x0 + {2 * j}u;")
        else:
            lines += [
                f"let i{j} = min(t{j} / p.area, p.images - 1u);",
                f"let y{j} = t{j} % p.area / p.across * 2u;",
                f"let x{j} = t{j} % p.across * 2u;",
            ]
    return lines


def _vector(width: int) -> str:
    return f"vec{width}<f32>" if width > 1 else "f32"


# What an invocation works on: LANES tiles of a channel.
_SHARE = (
    "let at = group * 256u + lane;\nif (at >= p.n) { return; }\n"
    "let tiles = at % p.row;\nlet channel = at / p.row;"
)


def _read(joined: bool) -> list[str]:
    """Statements that read tile ``j``'s elements ``d<j><row><column>``, tiles side by side those
    that they share once."""
    lines, known = [], dict[tuple[int, ...], str]()
    for j in range(LANES):
        first, shift = (0, 2 * j) if joined else (j, 0)
        if first == j:
            lines.append(f"let o{j} = p.x_o + i{j} * p.x_n + channel * p.x_c;")
            lines += [f"let r{j}{k} = i32(y{j}) + {k} - i32(p.above);" for k in range(4)]
        for c in range(4):
            name = f"c{first}_{shift + c}"
            if (first, shift + c) not in known:
                known[first, shift + c] = name
                lines.append(f"let {name} = i32(x{first}) + {shift + c} - i32(p.left);")
        for k in range(4):
            for c in range(4):
                place = first, k, shift + c
                if place not in known:
                    known[place] = f"e{first}_{k}_{shift + c}"
                    row, column = f"u32(r{first}{k})", f"u32({known[first, shift + c]})"
                    at = f"o{first} + {row} * p.x_h + {column} * p.x_w"
                    # No branch, so that all reads are under way at once; place 0 is always there.
                    lines += [
                        f"let s{known[place]} = {row} < p.high && {column} < p.wide;",
                        f"let {known[place]} = select(0.0, b0[select(0u, {at}, "
                        f"s{known[place]})], s{known[place]});",
                    ]
                lines.append(f"let d{j}{k}{c} = {known[place]};")
    return lines


def _transform_images(
    to: Building, x: Array, geometry: dict[str, int], v: Array, joined: bool
) -> None:
    """``v`` (16, channels, tiles): the transformed tiles of the images ``x``."""
    vector = _vector(LANES)
    lines = [_SHARE, *_places(joined), *_read(joined)]
    for k in range(4):
        for c in range(4):
            elements = ", ".join(f"d{j}{k}{c}" for j in range(LANES))
            lines.append(f"let d{k}{c} = {vector}({elements});")
    lines += _transform(_IMAGE, "d", "v")
    lines += [f"b1[{4 * i + j}u * p.n + at] = v{i}{j};" for i in range(4) for j in range(4)]
    count = v.shape[1] * v.shape[2] // LANES
    values = {
        "n": count, "row": v.shape[2] // LANES, "x_o": x.offset, "x_n": x.strides[0],
        "x_c": x.strides[1], "x_h": x.strides[2], "x_w": x.strides[3], **geometry,
    }  # fmt: skip
    bound = [Bound(x, "f32"), Bound(v, vector, True)]
    to.dispatch(bound, values, [], "\n".join(lines), -(-count // 256))


def _transform_weights(to: Building, weight: Array, groups: int) -> Array:
    """The transformed weights: (16, groups, channels, rows)."""
    rows, channels = weight.shape[0] // groups, weight.shape[1]
    u = to.temporary((16, groups, channels, rows), FLOAT32)
    count = rows * channels * groups
    lines = [
        f"let at = group * 256u + lane;\nif (at >= {count}u) {{ return; }}",
        f"let row = at / {channels * rows}u * {rows}u + at % {rows}u;",
        f"let o = p.w_o + row * p.w_r + at / {rows}u % {channels}u * p.w_c;",
        *(
            f"let g{i}{j} = b0[o + {i}u * p.w_h + {j}u * p.w_w];"
            for i in range(3)
            for j in range(3)
        ),
        *_transform(_WEIGHT, "g", "u"),
        *(f"b1[{4 * i + j}u * {count}u + at] = u{i}{j};" for i in range(4) for j in range(4)),
    ]
    bound = [Bound(weight, "f32"), Bound(u, "f32", True)]
    to.dispatch(bound, _steps(weight), [], "\n".join(lines), -(-count // 256))
    return u


def _steps(weight: Array) -> dict[str, int]:
    names = ("w_r", "w_c", "w_h", "w_w")
    return {"w_o": weight.offset, **dict(zip(names, weight.strides, strict=True))}


# A result as it is computed directly: of image ``i``, by weights ``row``, at ``y``, ``x``.
_DIRECT = """fn direct(i: u32, row: u32, y: u32, x: u32) -> f32 {
    var sum = 0.0;
    var image = p.x_o + i * p.x_n + row / p.rows * p.channels * p.x_c;
    var weight = p.w_o + row * p.w_r;
    for (var c = 0u; c < p.channels; c++) {
        for (var tap = 0u; tap < 9u; tap++) {
            let r = y + tap / 3u - p.above;
            let k = x + tap % 3u - p.left;
            let inside = r < p.high && k < p.wide;
            let value = b2[select(0u, image + r * p.x_h + k * p.x_w, inside)];
            let factor = b3[weight + tap / 3u * p.w_h + tap % 3u * p.w_w];
            sum = fma(factor, select(0.0, value, inside), sum);
        }
        image += p.x_c;
        weight += p.w_c;
    }
    return sum;
}"""


def _transform_back(
    to: Building, m: Array, operands: Sequence[Array], geometry: dict[str, int], out: Array,
    joined: bool,
) -> None:  # fmt: skip
    """``out`` (images, rows, height, width) from the products ``m`` (16, rows, tiles), and the
    bias if there is one."""
    x, weight, *bias = operands
    vector = _vector(LANES)
    wide = next(n for n in (4, 2, 1) if out.shape[3] % n == out.offset % n == 0)
    wide = min(wide, 2 * LANES if joined else 2)
    addend = " + b4[p.bias + channel]" if bias else ""
    lines = [_SHARE, *_places(joined)]
    lines += [f"let m{i}{j} = b0[{4 * i + j}u * p.n + at];" for i in range(4) for j in range(4)]
    lines += _transform(_RESULT, "m", "s")
    lines.append("var most = 0u;")
    for j in range(LANES):
        part = "" if LANES == 1 else f".{'xyzw'[j]}"
        lines.append(f"let o{j} = p.out + (i{j} * p.planes + channel) * p.down * p.right;")
        lines += [
            line
            for i, k in ((0, 0), (0, 1), (1, 0), (1, 1))
            for line in (
                f"let z{j}{i}{k} = s{i}{k}{part}{addend};",
                f"most = max(most, magnitude_f32(z{j}{i}{k}));",
            )
        ]
    together = max(1, wide // 2)  # tiles of which a row is stored at once
    for j in range(0, LANES, together):
        for i in range(2):
            place = f"o{j} + (y{j} + {i}u) * p.right + x{j}"
            inside = f"t{j} < p.images * p.area && y{j} + {i}u < p.down"
            if wide > 1:
                row = ", ".join(f"z{q}{i}{k}" for q in range(j, j + together) for k in range(2))
                stores = f"b1[({place}) >> {wide // 2}u] = {_vector(wide)}({row});"
            else:
                stores = f"b1[{place}] = z{j}{i}0;"
                stores += f" if (x{j} + 1u < p.right) {{ b1[{place} + 1u] = z{j}{i}1; }}"
            lines.append(f"if ({inside}) {{ {stores} }}")
    # Seldom: what is not finite is computed again.
    found = f"b1[place >> {wide // 2}u][place & {wide - 1}u]" if wide > 1 else "b1[place]"
    lines.append(
        f"if (most < 0x7f800000u) {{ return; }}\n"
        f"for (var q = 0u; q < {4 * LANES}u; q++) {{\n"
        f"let t = tiles * {LANES}u + q / 4u;\nlet i = t / p.area;\n"
        "let y = t % p.area / p.across * 2u + q / 2u % 2u;\nlet x = t % p.across * 2u + q % 2u;\n"
        "if (i >= p.images || y >= p.down || x >= p.right) { continue; }\n"
        "let place = p.out + ((i * p.planes + channel) * p.down + y) * p.right + x;\n"
        f"if (isfinite_f32({found})) {{ continue; }}\n"
        f"{found} = direct(i, channel, y, x){addend};\n}}"
    )
    count = m.shape[1] * m.shape[2] // LANES
    values = {
        "n": count, "row": m.shape[2] // LANES, "out": out.offset, "planes": out.shape[1],
        "down": out.shape[2], "right": out.shape[3], "channels": weight.shape[1],
        "rows": out.shape[1] * weight.shape[1] // x.shape[1], "x_o": x.offset,
        "x_n": x.strides[0], "x_c": x.strides[1], "x_h": x.strides[2], "x_w": x.strides[3],
        **_steps(weight), **geometry,
    }  # fmt: skip
    bound = [
        Bound(m, vector), Bound(out, _vector(wide), True), Bound(x, "f32"),
        Bound(weight, "f32"), *(Bound(one, "f32") for one in bias),
    ]  # fmt: skip
    if bias:
        bias = [to.compact(bias[0])]
        bound[-1] = Bound(bias[0], "f32")
        values["bias"] = bias[0].offset
    to.dispatch(bound, values, [_DIRECT], "\n".join(lines), -(-count // 256))


def _tiles(out: Array) -> tuple[int, int]:
    return -(-out.shape[2] // 2), -(-out.shape[3] // 2)


def _columns(images: int, out: Array) -> int:
    """The tiles of so many images, and so many more that the matrix product reads whole vectors,
    or whole tiles of its own."""
    down, across = _tiles(out)
    count = images * down * across
    return count + -count % (128 if count >= 4096 else 4)


def _images(to: Building, x: Array, out: Array) -> int:
    """How many images are transformed at a time: 0 where one is too large."""
    limit = min(BYTES, to.limits.binding)
    images = x.shape[0]
    while images and 64 * max(x.shape[1], out.shape[1]) * _columns(images, out) > limit:
        images = images // 2
    return images


def suits(to: Building, params: dict[str, Any], x: Array, weight: Array, out: Array) -> bool:
    """Whether a convolution can be had so, and is quicker so."""
    down, across = _tiles(out) if len(out.shape) == 4 else (0, 0)
    return (
        out.dtype == FLOAT32
        and weight.shape[2:] == (3, 3)
        and tuple(params["stride"]) == tuple(params["dilation"]) == (1, 1)
        and min(weight.shape[0] // params["groups"], weight.shape[1]) >= CHANNELS
        and out.shape[0] * down * across >= PLACES
        and _images(to, x, out) > 0
    )


def convolve(to: Building, params: dict[str, Any], inputs: Sequence[Array], out: Array) -> None:
    """Adds the dispatches of a convolution that ``suits``."""
    x, weight, *_ = inputs
    groups = params["groups"]
    u = _transform_weights(to, weight, groups)
    at_once = _images(to, x, out)
    columns = _columns(at_once, out)
    rows, channels = weight.shape[0] // groups, weight.shape[1]
    v = to.temporary((16, groups * channels, columns), FLOAT32)
    m = to.temporary((16, groups * rows, columns), FLOAT32)
    for first in range(0, x.shape[0], at_once):
        images = min(at_once, x.shape[0] - first)
        columns = _columns(images, out)
        part = x._replace(offset=x.offset + first * x.strides[0], shape=(images, *x.shape[1:]))
        results = out._replace(
            offset=out.offset + first * out.strides[0], shape=(images, *out.shape[1:])
        )
        left = _of_shape(v, (16, groups * channels, columns))
        right = _of_shape(m, (16, groups * rows, columns))
        down, across = _tiles(out)
        geometry = {
            "images": images, "area": down * across, "across": across, "high": x.shape[2],
            "wide": x.shape[3], "above": params["padding"][0][0], "left": params["padding"][1][0],
        }  # fmt: skip
        joined = across % LANES == 0
        _transform_images(to, part, geometry, left, joined)
        _multiply(to, u, left, right)
        _transform_back(to, right, (part, weight, *inputs[2:]), geometry, results, joined)


def _of_shape(x: Array, shape: tuple[int, ...]) -> Array:
    return x._replace(shape=shape, strides=contiguous(shape))


def _multiply(to: Building, u: Array, v: Array, m: Array) -> None:
    """m = u @ v for each of the 16, and each group."""
    _, groups, channels, rows = u.shape
    one, _, last, step = u.strides
    a = u._replace(shape=(16, groups, rows, channels), strides=(one, u.strides[1], step, last))
    b = _of_shape(v, (16, groups, channels, v.shape[2]))
    product(to, a, b, _of_shape(m, (16, groups, rows, m.shape[2])))
