"""Kernels as WGSL: dtypes, the library of helper functions, and programs written with them.

Pure text: nothing here touches a device. The helper functions stand in ``wgsl/*.wgsl``, written
once for several types with ``$T`` and the like for what differs; only those a kernel uses are
emitted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from trueno.kinds import (
    BOOL,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    UINT8,
    UINT16,
    UINT32,
    UINT64,
    Dtype,
)
from trueno.ops import DIVIDE, INVALID, OPS, OVERFLOW
from trueno.plan import Instruction, Kernel

# The WGSL type in which each dtype is computed. Narrow integers and float16 are wrapped or rounded
# after each operation and stored packed in 32-bit words.
REGISTER: dict[Dtype, str] = {
    BOOL: "bool",
    INT8: "i32",
    INT16: "i32",
    INT32: "i32",
    INT64: "i64",
    UINT8: "u32",
    UINT16: "u32",
    UINT32: "u32",
    UINT64: "u64",
    FLOAT16: "f32",
    FLOAT32: "f32",
    FLOAT64: "f64",
}
FLOATING = ("f32", "f64")
# The words of an expression in "x" that are WGSL's own.
_BUILTIN = ("x", "u", "select", "extractBits", "bitcast", *REGISTER.values())

_F32 = {"T": "f32", "U": "u32", "I": "i32", "BITS": "32", "MANT": "23", "BIAS": "127"}
_F32 |= {"EMAX": "255", "INF": "0x7f800000u", "NAN": "0x7fc00000u", "HALF": "0xfffu"}
_F64 = {"T": "f64", "U": "u64", "I": "i64", "BITS": "64", "MANT": "52", "BIAS": "1023"}
_F64 |= {"EMAX": "2047", "INF": "0x7ff0000000000000lu", "NAN": "0x7ff8000000000000lu"}
_F64 |= {"HALF": "0x7ffffffu"}
_INTEGERS = [
    {"T": "i32", "BITS": "32", "LOWEST": "-2147483647 - 1"},
    {"T": "u32", "BITS": "32"},
    {"T": "i64", "BITS": "64", "LOWEST": "-9223372036854775807 - 1"},
    {"T": "u64", "BITS": "64"},
]

# Each file of the library with the types that it is written out for.
_FILES: tuple[tuple[str, list[dict[str, str]]], ...] = (
    ("bool", [{}]),
    ("bits32", [{}]),
    ("bits64", [{}]),
    ("integer", _INTEGERS),
    ("signed", _INTEGERS[0::2]),
    ("unsigned", _INTEGERS[1::2]),
    ("float", [_F32, _F64]),
    ("function", [_F32, _F64]),
    ("f32", [{}]),
    ("f64", [{}]),
    ("half", [{}]),
    ("half64", [{}]),
    ("cast", [{}]),
    ("cast_i64", [{}]),
    ("cast_f64", [{}]),
)
# Files that stand for functions of those above on a device that has been found to compute exactly
# what they are named after (``wgpu_exact``), for the types there.
_EXACT = (("fma", "fused"), ("divide", "quotient"), ("sqrt", "root"))
_PARAMETER = re.compile(r"\$(LOWEST|BITS|MANT|BIAS|EMAX|HALF|INF|NAN|T|U|I)")
# A function or structure: on one line, or up to a closing brace at the start of a line.
_ITEM = re.compile(
    r"^(?:fn|struct) (\w+)[^\n]*\}$|^(?:fn|struct) (\w+)[^\n]*\n.*?^\}$", re.MULTILINE | re.DOTALL
)
_WORD = re.compile(r"[A-Za-z_]\w*")


def source(name: str) -> str:
    """A file of ``wgsl/``: package data when installed, beside the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    folder = package / "_wgsl" if (package / "_wgsl").is_dir() else package.parent / "wgsl"
    return (folder / f"{name}.wgsl").read_text("utf-8")


def _instance(template: str, values: dict[str, str]) -> str:
    return _PARAMETER.sub(lambda parameter: values[parameter[1]], template)


class _Item(NamedTuple):
    text: str
    uses: tuple[str, ...]


@cache
def library(exact: frozenset[str] = frozenset()) -> dict[str, _Item]:
    """Every helper function and structure by name, with the names of the others that it uses.

    exact: what the device computes exactly, of "fma_f32", "divide_f64", "sqrt_f64" and the like
    """
    files = [(name, values) for name, instances in _FILES for values in instances]
    files += [(f, v) for op, f in _EXACT for v in (_F32, _F64) if f"{op}_{v['T']}" in exact]
    texts: dict[str, str] = {}
    for name, values in files:
        for item in _ITEM.finditer(_instance(source(name), values)):
            texts[item[1] or item[2]] = item[0]
    return {
        name: _Item(text, tuple(sorted({w for w in _WORD.findall(text) if w in texts} - {name})))
        for name, text in texts.items()
    }


def helpers(text: str, exact: frozenset[str] = frozenset()) -> str:
    """The helper functions that ``text`` uses, and those that they use."""
    items = library(exact)
    needed: set[str] = set()
    pending = [word for word in _WORD.findall(text) if word in items]
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending += items[name].uses
    return "\n".join(item.text for name, item in items.items() if name in needed)


# ---------------------------------------------------------------- expressions


def wrap(dtype: Dtype, text: str) -> str:
    """A register's value brought into the range of a dtype narrower than the register."""
    if dtype.kind == "i" and dtype.itemsize < 4:
        return f"extractBits({text}, 0u, {8 * dtype.itemsize}u)"
    if dtype.kind == "u" and dtype.itemsize < 4:
        return f"({text} & {(1 << 8 * dtype.itemsize) - 1}u)"
    if dtype == FLOAT16:
        return f"round_half({text})"
    return text


# These return one of their operands, which needs no wrapping.
_SELECTS = ("where", "maximum", "minimum", "clip", "positive", "conj", "relu")


def expression(op: str, args: Sequence[str], inputs: Sequence[Dtype], output: Dtype) -> str | None:
    """``op`` of the operands in WGSL; None where there is no kernel for these dtypes."""
    if op == "cast":
        text = _cast(args[0], inputs[0], output)
    else:
        column = OPS[op].wgsl
        if column is None:
            return None
        text = column.format(*args, T=REGISTER[inputs[0]])
    return text if op in _SELECTS else wrap(output, text)


def _cast(x: str, source_: Dtype, target: Dtype) -> str:
    s, t = REGISTER[source_], REGISTER[target]
    if t == "bool":
        return f"truth_{s}({x})"
    if s == "bool":
        return f"select({t}(0), {t}(1), {x})"
    if s in FLOATING and t not in FLOATING:
        through = _conversion(target)
        text = f"cast_{s}_{through}({x})"
        return text if through == t else f"bitcast<{t}>({text})"
    if s == "f64" and target == FLOAT16:
        return f"cast_f64_f16({x})"
    if s == t:
        return x
    if s[1:] == t[1:] and s[0] in "iu" and t[0] in "iu":
        return f"bitcast<{t}>({x})"
    if s[1:] == "32" and t[1:] == "64" and t != "f64":  # with the source's own signedness
        return f"bitcast<{t}>(widen_{s}({x}))"
    if s[0] in "iu" and t[0] in "iu":
        return f"bitcast<{t}>({s[0]}{t[1:]}({x}))"
    return f"{t}({x})"


def _conversion(target: Dtype) -> str:
    """The integer type through which x86-64 compilers convert a floating-point number."""
    return "i32" if target.itemsize < 4 else REGISTER[target]


@cache
def supports(op: str, inputs: tuple[Dtype, ...], output: Dtype) -> bool:
    """Whether WGSL can express the operation, on a device that has all the dtypes."""
    if any(dtype not in REGISTER for dtype in (*inputs, output)):
        return False
    row = OPS.get(op)
    if row is None or len(inputs) != row.nin:
        return False
    if {INT64, UINT64} <= set(inputs):
        return False  # which NumPy compares as they are; a WGSL function has operands of one type
    if row.reduce is not None:
        combine, t = row.reduce, REGISTER[output]
        if row.types is None:  # positions: of the largest or the smallest
            combine, t = {"argmax": "maximum", "argmin": "minimum"}[op], REGISTER[inputs[0]]
            t = "u32" if t == "bool" else t
        return {f"{combine}_{t}", f"identity_{combine}_{t}"} <= set(library())
    text = expression(op, ["x"] * row.nin, inputs, output)
    return text is not None and set(_WORD.findall(text)) <= {*library(), *_BUILTIN}


# ---------------------------------------------------------------- programs


class Constant(NamedTuple):
    """How a kernel's scalar constant is read from the parameters."""

    words: tuple[str, ...]
    text: str


def constant(index: int, dtype: Dtype) -> Constant:
    t = REGISTER[dtype]
    if dtype.itemsize == 8:
        low, high = f"c{index}_low", f"c{index}_high"
        return Constant((low, high), f"bitcast<{t}>(u64(p.{low}) | (u64(p.{high}) << 32u))")
    word = f"c{index}"
    return Constant((word,), f"(p.{word} != 0u)" if t == "bool" else f"bitcast<{t}>(p.{word})")


class Program(NamedTuple):
    """The WGSL function ``program`` computes some outputs of a kernel at one point.

    Where it is made ``lazily``, it looks for no condition that a result that is not finite brings,
    but says in the field ``odd`` whether there is such a result; its twin ``checked`` then tells.

    inputs: numbers of the inputs that it takes, in order
    consts: numbers of the constants that it reads
    slots:  the instructions that may set ``raised_<number>``
    text:   the function, with its result structure ``Values`` (fields ``v0``, ``v1``, ...)
    odd:    whether there is a twin
    """

    inputs: tuple[int, ...]
    consts: tuple[int, ...]
    slots: tuple[int, ...]
    text: str
    odd: bool = False


def program(kernel: Kernel, values: Sequence[int], lazily: bool = False) -> Program:
    """The program that computes the values of the given numbers."""
    first = len(kernel.inputs) + len(kernel.consts)
    live = set(values)
    for number in range(first + len(kernel.body) - 1, first - 1, -1):
        if number in live:
            live.update(kernel.body[number - first].args)
    inputs = tuple(i for i in range(len(kernel.inputs)) if i in live)
    consts = tuple(i for i in range(len(kernel.consts)) if i + len(kernel.inputs) in live)
    names = [f"x{i}" for i in range(len(kernel.inputs))]
    names += [constant(i, dtype).text for i, dtype in enumerate(kernel.consts)]
    lines: list[str] = []
    quick: list[str] = []  # without what a finite result cannot bring
    slots: list[int] = []
    told = _told(kernel, live)
    for i, instruction in enumerate(kernel.body):
        names.append(f"t{i}")
        if first + i not in live:
            continue
        args = [names[a] for a in instruction.args]
        dtypes = [kernel.dtype_of(a) for a in instruction.args]
        t = REGISTER[dtypes[0]]
        if instruction.op in ("subtract", "divide") and args[0] == args[-1] and t in FLOATING:
            args[1] = f"exact_{t}({args[1]})"  # drivers take x - x for 0, which is NaN of infinity
        text = expression(instruction.op, args, dtypes, instruction.dtype)
        if text is None:
            raise ValueError(f"no WGSL for {instruction.op}")
        lines.append(f"let t{i} = {text};")
        quick.append(lines[-1])
        check = conditions(instruction, f"t{i}", args, dtypes, f"raised_{i}")
        if check:
            lines.append(check)
            slots.append(i)
            t = REGISTER[instruction.dtype]
            if not _finite(instruction):
                quick.append(check)
            elif first + i not in told:
                quick.append(f"odd |= u32(!isfinite_{t}(t{i}));")
    types = [REGISTER[kernel.dtype_of(v)] for v in values]
    fields = ", ".join(f"v{k}: {t}" for k, t in enumerate(types))
    arguments = ", ".join(f"x{i}: {REGISTER[kernel.inputs[i]]}" for i in inputs)
    results = ", ".join(names[v] for v in values)
    odd = lazily and any(line.startswith("odd") for line in quick)
    if odd:
        quick = ["var odd = 0u;", *quick, f"return Values({results}, odd);"]
        body = "\n    ".join(lines)
        twin = f"fn checked({arguments}) {{\n    {body}\n}}"
        fields, lines = f"{fields}, odd: u32", quick
    else:
        lines, twin = [*lines, f"return Values({results});"], ""
    body = "\n    ".join(lines)
    text = f"struct Values {{ {fields} }}\nfn program({arguments}) -> Values {{\n    {body}\n}}"
    return Program(inputs, consts, tuple(slots), f"{text}\n{twin}", odd)


def _finite(instruction: Instruction) -> bool:
    """Whether conditions only arise with a result that is not finite."""
    return REGISTER[instruction.dtype] in FLOATING and instruction.op != "cast"


# Operations with their operands that are not finite only if the result is not.
_BEARERS = {
    "add": (0, 1), "subtract": (0, 1), "multiply": (0, 1), "divide": (0,), "square": (0,),
    "negative": (0,), "abs": (0,), "sqrt": (0,), "log": (0,), "log2": (0,), "log10": (0,),
    "log1p": (0,),
}  # fmt: skip


def _told(kernel: Kernel, live: set[int]) -> set[int]:
    """Values that need not be looked at: if one is not finite, another that is looked at is not."""
    first = len(kernel.inputs) + len(kernel.consts)
    told: set[int] = set()
    for i in range(len(kernel.body) - 1, -1, -1):
        one = kernel.body[i]
        seen = _finite(one) and OPS[one.op].raises & (DIVIDE | OVERFLOW | INVALID)
        if first + i in live and (seen or first + i in told):
            told.update(one.args[at] for at in _BEARERS.get(one.op, ()))
    return told


def conditions(
    instruction: Instruction, result: str, args: Sequence[str], dtypes: Sequence[Dtype], flag: str
) -> str:
    """A statement that notes in ``flag`` which floating-point conditions arose, or ""."""
    raises = OPS[instruction.op].raises & (DIVIDE | OVERFLOW | INVALID)
    t, s = REGISTER[instruction.dtype], REGISTER[dtypes[0]]
    if instruction.op == "cast":
        return _cast_conditions(instruction.dtype, result, args[0], dtypes[0], flag)
    if not raises or t == "bool":
        return ""
    if t in FLOATING:
        pole = _POLES.get(instruction.op, "!truth_{T}({0})").format(args[-1], T=t)
        return _float_conditions(t, raises, result, args, flag, pole)
    if not raises & DIVIDE:
        return ""
    # NumPy's integer reciprocal converts 1.0 / 0 back, which is invalid too.
    found = DIVIDE | (raises & INVALID if instruction.op == "reciprocal" else 0)
    text = f"if ({args[-1]} == {s}(0)) {{ {flag} |= {found}u; }}"
    if raises & OVERFLOW and instruction.op == "floor_divide" and instruction.dtype.kind == "i":
        lowest = f"(-{(1 << 8 * instruction.dtype.itemsize - 1) - 1} - 1)"
        test = f"{args[1]} == {s}(-1) && {args[0]} == {s}{lowest}"
        text += f" if ({test}) {{ {flag} |= {OVERFLOW}u; }}"
    return text


# Where a function is infinite at a finite operand other than 0.
_POLES = {"log1p": "({0} == {T}(-1))", "atanh": "(abs_{T}({0}) == {T}(1))"}


def _float_conditions(
    t: str, raises: int, result: str, args: Sequence[str], flag: str, pole: str = "false"
) -> str:
    nan = " || ".join(f"isnan_{t}({a})" for a in args)
    finite = " && ".join(f"isfinite_{t}({a})" for a in args)
    pole = pole if raises & DIVIDE else "false"
    found = f"condition_{t}({result}, {nan}, {finite}, {pole}) & {raises}u"
    return f"if (!isfinite_{t}({result})) {{ {flag} |= {found}; }}"


def _cast_conditions(target: Dtype, result: str, x: str, source_: Dtype, flag: str) -> str:
    s, t = REGISTER[source_], REGISTER[target]
    if s in FLOATING and t in ("i32", "u32", "i64", "u64"):
        through = _conversion(target)
        through = "i64" if through == "u32" else through  # a scalar loop's flags
        return f"if (outside_{s}_{through}({x})) {{ {flag} |= {INVALID}u; }}"
    to_half = target == FLOAT16 and source_.itemsize > 1 and source_ != FLOAT16
    if not to_half and (source_, target) != (FLOAT64, FLOAT32):
        return ""
    finite = f" && isfinite_{s}({x})" if s in FLOATING else ""
    return f"if (isinf_{t}({result}){finite}) {{ {flag} |= {OVERFLOW}u; }}"


def combine(op: str, dtype: Dtype, slot: int) -> tuple[str, bool]:
    """The function ``combine`` of a reduction's partial results; whether it may raise conditions.

    float16 is accumulated unrounded in float32, as NumPy does.
    """
    t, by = REGISTER[dtype], OPS[op].reduce
    raises = OPS[op].raises & (OVERFLOW | INVALID) if t in FLOATING else 0
    flag = f"raised_{slot}"
    check = _float_conditions(t, raises, "r", ["a", "b"], flag) if raises else ""
    body = f"let r = {by}_{t}(a, b);\n    {check}\n    return r;"
    return f"fn combine(a: {t}, b: {t}) -> {t} {{\n    {body}\n}}", bool(raises)
