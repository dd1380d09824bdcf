"""Pages of the site that are made of other things: tables of the code, and the changelog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mkdocs.structure.files import File, Files

from tests import listing, readme
from trueno.ops import ROUTINES
from trueno.protocols import IMPLEMENTED

ROOT = Path(__file__).resolve().parent.parent


def _names(functions: list[Any]) -> str:
    return ", ".join(sorted(f"`{f.__name__}`" for f in functions))


def accelerated() -> str:
    """What is and what is not accelerated, as the tables say."""
    public = [getattr(np, name) for name in np.__all__ if callable(getattr(np, name))]
    functions = [f for f in public if not isinstance(f, (type, np.ufunc))]
    ours = [f for f in functions if f in IMPLEMENTED]
    others = [f for f in functions if f not in IMPLEMENTED and hasattr(f, "_implementation")]
    return f"""# What is accelerated

Made from the operation table and the backends when this site was built.

## Kernels

These are joined with one another. Other dtypes are cast first where NumPy would cast them.

{readme.table()}

## Routines

These run in C, or in BLAS, on the CPU: {", ".join(f"`{name}`" for name in ROUTINES)}.

## NumPy functions with an implementation of Trueno's

{_names(ours)}

## NumPy functions that NumPy computes

They work, on the host; `tn.profile()` counts them, and `tn.config(strict=True)` raises.

{_names(others)}
"""


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages (MkDocs calls it)."""
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    pages = {
        "accelerated.md": accelerated(),
        "changelog.md": changes,
        "reference/numpy.md": listing.page(),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files
