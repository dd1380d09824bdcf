"""Copies between memory orders: tiles are read along one axis and written along another."""

from __future__ import annotations

from collections.abc import Sequence

from trueno._backends.wgpu_layout import MAX_POINTS, Limits, Operand, Prepared, coalesce
from trueno._backends.wgpu_routine import Array, Bound, Building
from trueno.plan import Kernel

SIDE = 32  # of a tile; an invocation moves every eighth row of it
FEW = 16  # places along an axis, below which tiles would be empty for the most part


def prepare_transposed(
    kernel: Kernel,
    shape: tuple[int, ...],
    inputs: Sequence[Operand],
    outputs: Sequence[Operand],
    limits: Limits,
) -> Prepared | None:
    """The dispatch of a copy whose operands lie along different axes; None for anything else."""
    if kernel.body or kernel.consts or len(kernel.outputs) != 1 or len(inputs) != 1:
        return None
    (source,), (target,) = inputs, outputs
    size = target.dtype.itemsize
    if size not in (4, 8) or source.large or target.large or kernel.outputs[0].reduce:
        return None
    if source.buffer == target.buffer:
        return None
    order = sorted(range(len(shape)), key=lambda a: -abs(target.strides[a]))
    sizes, (read, written) = coalesce(
        [shape[a] for a in order],
        [tuple([o.strides[a] for a in order]) for o in (source, target)],
    )
    if not 2 <= len(sizes) <= 4 or written[-1] != 1 or 1 not in read[:-1]:
        return None
    along = read.index(1)
    if min(sizes[along], sizes[-1]) < FEW:
        return None
    rest = [a for a in range(len(sizes) - 1) if a != along]
    count = 1
    for length in sizes:
        count *= length
    if count > MAX_POINTS:
        return None
    down, right = -(-sizes[along] // SIDE), -(-sizes[-1] // SIDE)
    values = {
        "rows": sizes[along], "columns": sizes[-1], "down": down, "right": right,
        "step": read[-1], "leap": written[along], "o0": source.offset, "o1": target.offset,
    }  # fmt: skip
    groups, heads, tails, lines = down * right, ["p.o0"], ["p.o1"], []
    left = "group / (p.down * p.right)"
    for a in reversed(rest):
        values |= {f"d{a}": sizes[a], f"r{a}": read[a], f"w{a}": written[a]}
        lines.append(f"let i{a} = ({left}) % p.d{a}; let left{a} = ({left}) / p.d{a};")
        left = f"left{a}"
        heads.append(f"i{a} * p.r{a}")
        tails.append(f"i{a} * p.w{a}")
        groups *= sizes[a]
    t = "u32" if size == 4 else "vec2<u32>"
    rows = f"for (var k = lane / {SIDE}u; k < {SIDE}u; k += {256 // SIDE}u)"
    lines += [
        f"if ({left} > 0u) {{ return; }}",
        f"let row = group / p.right % p.down * {SIDE}u;",
        f"let column = group % p.right * {SIDE}u;",
        f"let near = lane % {SIDE}u;",
        f"let head = {' + '.join(heads)} + row + near;",
        f"{rows} {{ if (row + near < p.rows && column + k < p.columns) "
        f"{{ tile[k * {SIDE + 1}u + near] = b0[head + (column + k) * p.step]; }} }}",
        "workgroupBarrier();",
        f"let tail = {' + '.join(tails)} + column + near;",
        f"{rows} {{ if (row + k < p.rows && column + near < p.columns) "
        f"{{ b1[tail + (row + k) * p.leap] = tile[near * {SIDE + 1}u + k]; }} }}",
    ]
    # A place more in each row, so that a column lies in different banks.
    functions = [f"var<workgroup> tile: array<{t}, {SIDE * (SIDE + 1)}>;"]
    to = Building(limits)
    arrays = [Array(o.buffer, o.offset, shape, o.strides, o.dtype) for o in (source, target)]
    bound = [Bound(arrays[0], t), Bound(arrays[1], t, True)]
    to.dispatch(bound, values, functions, "\n    ".join(lines), groups)
    return to.finish()
