"""Sorting rows: a radix sort of unsigned keys in the order of the elements, four bits at a time.

In each pass a workgroup counts the digits of its block, the counts are scanned in the order (row,
digit, block), and then each key goes, with its place of origin, to where its digit's keys begin
plus those before it: a stable sort. Zeros are one key, and so are NaNs, which come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from trueno._backends.wgpu_routine import Array, Bound, Building, Routine, Supports
from trueno._backends.wgpu_scans import scan_sum
from trueno._backends.wgpu_shaders import Access, element
from trueno._backends.wgsl import FLOATING, REGISTER
from trueno.kinds import INT64, UINT32, UINT64, Dtype
from trueno.plan import Call

INVOCATIONS, EACH, BITS = 256, 16, 4
DIGITS = 1 << BITS
BLOCK = INVOCATIONS * EACH
SHORT = 1024  # rows up to this are sorted by counting
_SHARED = f"var<workgroup> counts: array<u32, {DIGITS * INVOCATIONS}>;"
# Where the count of a digit by an invocation stands: digits outermost.
_SLOT = f"d * {INVOCATIONS}u + lane"


def _key(dtype: Dtype, text: str, descending: bool) -> tuple[str, str]:
    """The function ``key`` and its application to an element."""
    t = REGISTER[dtype]
    wide = t[1:] == "64"
    u = "u64" if wide else "u32"
    top = f"({u}(1) << {63 if wide else 31}u)"
    if t in FLOATING:
        lines = [
            f"if (isnan_{t}(x)) {{ return ~{u}(0); }}",
            f"if (!truth_{t}(x)) {{ return {top}; }}",
            f"let bits = bitcast<{u}>(x);",
            f"return select(bits | {top}, ~bits, (bits & {top}) != {u}(0));",
        ]
    elif t[0] == "i":
        lines = [f"return bitcast<{u}>(x) ^ {top};"]
    elif t == "bool":
        lines = ["return select(0u, 1u, x);"]
    else:
        lines = ["return x;"]
    body = "\n    ".join(lines)
    applied = f"key({text})"
    return f"fn key(x: {t}) -> {u} {{\n    {body}\n}}", f"~{applied}" if descending else applied


def _counting(read: str, u: str) -> str:
    """Statements that leave each invocation's number of keys of each digit in ``counts``."""
    return (
        "if (group >= p.groups) { return; }\n"
        "let block = group % p.blocks; let row = group / p.blocks;\n"
        f"let begin = block * {BLOCK}u + lane * {EACH}u;\n"
        f"for (var d = 0u; d < {DIGITS}u; d++) {{ counts[{_SLOT}] = 0u; }}\n"
        f"for (var e = 0u; e < {EACH}u; e++) {{\nlet i = begin + e;\n"
        f"if (i < p.n) {{ let k = {read}; let d = u32((k >> p.shift) & {u}({DIGITS - 1}));\n"
        f"counts[{_SLOT}] += 1u; }} }}\n"
    )


def _pass(
    to: Building, rows: int, n: int, shift: int, keys: Array, u: str, read: str,
    functions: list[str], origins: Array | None, into: tuple[Array, Array],
) -> None:  # fmt: skip
    blocks = -(-n // BLOCK)
    found = to.temporary((rows, DIGITS * blocks, 1), UINT32)
    values = {"n": n, "blocks": blocks, "groups": rows * blocks, "shift": shift, "o0": keys.offset}
    source = Access("flat", 0, keys.dtype).element
    digits = f"if (lane < {DIGITS}u) {{ b1[(row * {DIGITS}u + lane) * p.blocks + block] = total; }}"
    body = (
        _counting(read, u)
        + "workgroupBarrier();\nvar total = 0u;\n"
        + f"if (lane < {DIGITS}u) {{ for (var i = 0u; i < {INVOCATIONS}u; i++) "
        + f"{{ total += counts[lane * {INVOCATIONS}u + i]; }} }}\n{digits}"
    )
    bound = [Bound(keys, source), Bound(found, "u32", True)]
    to.dispatch(bound, values, [_SHARED, *functions], body, rows * blocks)
    before = to.temporary((rows, DIGITS * blocks + 1, 1), UINT32)
    scan_sum(to, found, before)
    origin = "i" if origins is None else "b4[row * p.n + i]"
    body = (
        _counting(read, u)
        # Counts become places: of a digit's invocations in turn.
        + "workgroupBarrier();\n"
        + f"if (lane < {DIGITS}u) {{ var at = row * p.n + b1[row * ({DIGITS}u * p.blocks + 1u)"
        + " + lane * p.blocks + block];\n"
        + f"for (var i = 0u; i < {INVOCATIONS}u; i++) {{ let j = lane * {INVOCATIONS}u + i;\n"
        + "let own = counts[j]; counts[j] = at; at += own; } }\nworkgroupBarrier();\n"
        + f"for (var e = 0u; e < {EACH}u; e++) {{\nlet i = begin + e;\n"
        + f"if (i < p.n) {{ let k = {read}; let d = u32((k >> p.shift) & {u}({DIGITS - 1}));\n"
        + f"let at = counts[{_SLOT}]; counts[{_SLOT}] = at + 1u;\n"
        + f"b2[at] = k; b3[at] = {origin}; }} }}"
    )
    bound = [
        Bound(keys, source), Bound(before, "u32"), Bound(into[0], u, True),
        Bound(into[1], "u32", True),
    ]  # fmt: skip
    if origins is not None:
        bound.append(Bound(origins, "u32"))
    to.dispatch(bound, values, [_SHARED, *functions], body, rows * blocks)


def _by_ranks(to: Building, x: Array, out: Array, function: str, read: str, arg: bool) -> None:
    """Short rows: an invocation an element finds its place by counting those that precede it."""
    *outer, n = x.shape
    count = prod(outer) * n
    value = "i64(own)" if arg else "b0[p.o0 + at]"
    body = (
        f"let at = group * {INVOCATIONS}u + lane;\nif (at >= p.count) {{ return; }}\n"
        "let row = at / p.n; let own = at % p.n;\nvar i = own;\n"
        f"let k = {read};\nvar place = 0u;\n"
        f"for (i = 0u; i < p.n; i++) {{ let other = {read};\n"
        "if (other < k || (other == k && i < own)) { place += 1u; } }\n"
        f"b1[p.o1 + row * p.n + place] = {value};"
    )
    values = {"n": n, "count": count, "o0": x.offset, "o1": out.offset}
    source = Access("flat", 0, x.dtype).element
    bound = [Bound(x, source), Bound(out, REGISTER[out.dtype], True)]
    to.dispatch(bound, values, [function], body, -(-count // INVOCATIONS))


def _prepare(
    to: Building, params: dict[str, Any], inputs: Sequence[Array], outputs: Sequence[Array]
) -> None:
    (x,), (out,) = inputs, outputs
    *outer, n = x.shape
    rows = prod(outer)
    t = REGISTER[x.dtype]
    kind = UINT64 if t[1:] == "64" else UINT32
    u = REGISTER[kind]
    text = element(Access("flat", 0, x.dtype), "p.o0 + row * p.n + i")
    function, read = _key(x.dtype, text, params["descending"])
    if n <= SHORT:
        _by_ranks(to, x, out, function, read, params["arg"])
        return
    places = [(to.temporary((rows, n), kind), to.temporary((rows, n), UINT32)) for _ in range(2)]
    keys, functions, origins = x, [function], None
    for number in range(8 * kind.itemsize // BITS):
        into = places[number % 2]
        _pass(to, rows, n, number * BITS, keys, u, read, functions, origins, into)
        keys, origins = into
        functions, read = [], "b0[p.o0 + row * p.n + i]"
    assert origins is not None
    value = "i64(b0[at])"
    bound = [Bound(origins, "u32"), Bound(out, REGISTER[out.dtype], True)]
    if not params["arg"]:
        value = "b2[p.o2 + at / p.n * p.n + b0[at]]"
        bound.append(Bound(x, t))
    body = (
        f"let at = group * {INVOCATIONS}u + lane;\nif (at >= p.count) {{ return; }}\n"
        f"b1[p.o1 + at] = {value};"
    )
    values = {"n": n, "count": rows * n, "o1": out.offset, "o2": x.offset}
    to.dispatch(bound, values, [], body, -(-rows * n // INVOCATIONS))


def _sort(to: Building, params: dict[str, Any], inputs: Any, outputs: Any) -> None:
    _prepare(to, {**params, "arg": False}, inputs, outputs)


def _argsort(to: Building, params: dict[str, Any], inputs: Any, outputs: Any) -> None:
    _prepare(to, {**params, "arg": True}, inputs, outputs)


def _performs(call: Call, supports: Supports) -> bool:
    (x,), (out,) = call.inputs, call.outputs
    dtype = x.array.dtype
    return bool(
        dtype in REGISTER
        and supports("cast", (dtype,), dtype)
        and supports("cast", (out.array.dtype,), out.array.dtype)
        and out.array.dtype.itemsize >= 4
        and (out.array.dtype == INT64 or call.routine == "sort")
        and 0 < x.array.size < 1 << 30
        and x.array.flags.c_contiguous
        and out.array.flags.c_contiguous
    )


ROUTINES = {"sort": Routine(_performs, _sort), "argsort": Routine(_performs, _argsort)}
