"""The README's table of kernels, computed from the operation table and the backends.

``python -m tests.readme`` rewrites the table in README.md; a test asserts that it is up to date.
``python -m tests.readme demo-out/results.md`` also takes over the figures that a demo measured.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from trueno._backends import simd, wgsl
from trueno.dispatch import resolve
from trueno.kinds import ACCELERATED, BOOL, COMPLEXES, FLOATS, INT64, SIGNED, UNSIGNED, Dtype
from trueno.ops import OPS, Op
from trueno.reductions import sum_dtype

README = Path(__file__).resolve().parent.parent / "README.md"
OPERATIONS = "<!-- operations: python -m tests.readme -->", "<!-- end of operations -->"
MEASURED = "<!-- measured: make demo -->", "<!-- end of measured -->"

Supports = Callable[[str, tuple[Dtype, ...], Dtype], bool]

# Words for sets of dtypes, largest sets first.
_WORDS: tuple[tuple[str, tuple[Dtype, ...]], ...] = (
    ("bool", (BOOL,)),
    ("integers", (*SIGNED, *UNSIGNED)),
    ("signed integers", SIGNED),
    ("unsigned integers", UNSIGNED),
    ("floats", FLOATS),
    ("complex", COMPLEXES),
)


def _operands(op: Op, dtype: Dtype) -> tuple[tuple[Dtype, ...], Dtype] | None:
    """The dtypes in which ``op`` computes on arrays of ``dtype``; None if they are cast first."""
    if op.name == "cast":
        return (dtype,), np.dtype(np.float32)
    if op.name in ("sum", "prod"):
        computed = sum_dtype(dtype)
        return (computed,), computed
    if op.name in ("all", "any"):
        return (dtype,), BOOL
    if op.reduce is not None:
        return (dtype,), INT64 if op.types is None else dtype
    keys = (BOOL, dtype, dtype) if op.name == "where" else (dtype,) * op.nin
    try:
        *inputs, result = resolve(op, keys)
    except TypeError:
        return None
    return (tuple(inputs), result) if tuple(inputs) == keys else None


def _dtypes(op: Op, supports: Supports) -> str:
    """The dtypes for which a backend has a kernel, in words."""
    found = []
    for dtype in ACCELERATED:
        call = _operands(op, dtype)
        if call is not None and supports(op.name, *call):
            found.append(dtype)
    words = []
    for word, members in _WORDS:
        if found and set(members) <= set(found):
            words.append(word)
            found = [dtype for dtype in found if dtype not in members]
    words += [dtype.name for dtype in found]
    return ", ".join(words) or "-"


def table() -> str:
    """Markdown: operations that the same dtypes support, one row for each combination."""
    rows: dict[tuple[str, str], list[str]] = {}
    for op in OPS.values():
        rows.setdefault((_dtypes(op, simd.supports), _dtypes(op, wgsl.supports)), []).append(
            op.name
        )
    lines = ["| operations | CPU kernels | GPU kernels |", "|---|---|---|"]
    for (cpu, gpu), names in rows.items():
        lines.append(f"| {', '.join(f'`{name}`' for name in names)} | {cpu} | {gpu} |")
    return "\n".join(lines)


def replaced(text: str, markers: tuple[str, str], part: str) -> str:
    """README's text with ``part`` between two markers. ValueError where a marker is missing."""
    before, begin, rest = text.partition(markers[0])
    _, end, after = rest.partition(markers[1])
    if not begin or not end:
        raise ValueError(f"README.md must hold {markers[0]!r} and {markers[1]!r}")
    return f"{before}{begin}\n\n{part.strip()}\n\n{end}{after}"


def main(results: list[str]) -> None:
    """Rewrites README.md, with the first of ``results`` (a file), if any, as its measurements."""
    text = replaced(README.read_text(encoding="utf-8"), OPERATIONS, table())
    if results:
        text = replaced(text, MEASURED, Path(results[0]).read_text(encoding="utf-8"))
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
