"""Imports go downwards only; and the check sees it when they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import layers


def test_imports_go_downwards() -> None:
    assert layers.violations() == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"memory.py": "from trueno import engine\n"}, "imports engine, a layer above it"),
        ({"memory.py": "from trueno.engine import run\n"}, "imports engine, a layer above it"),
        ({"memory.py": "import trueno.engine\n"}, "imports engine, a layer above it"),
        ({"memory.py": "from . import engine\n"}, "imports engine, a layer above it"),
        ({"_backends/simd.py": "from ..engine import run\n"}, "imports engine, a layer above it"),
        ({"memory.py": "import trueno as tn\n"}, "imports __init__, a layer above it"),
        ({"memory.py": "def f():\n    import json\n"}, "import inside a function"),
        (
            {"memory.py": "def f():\n    return importlib.import_module('trueno.engine')\n"},
            "imports engine, a layer above it",
        ),
        (
            {"errors.py": "import trueno.config\n", "config.py": "from trueno import errors\n"},
            "circle of imports",
        ),
        ({"stray.py": ""}, "stray has no layer"),
    ],
)
def test_violations_are_found(tmp_path: Path, files: dict[str, str], message: str) -> None:
    root = tmp_path / "trueno"
    for name in ("__init__.py", "engine.py", "_backends/__init__.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    assert layers.violations(root) == []
    for name, text in files.items():
        (root / name).write_text(text)
    assert any(message in line for line in layers.violations(root))


def test_lazy_loading_downwards_is_allowed(tmp_path: Path) -> None:
    root = tmp_path / "trueno"
    (root / "_backends").mkdir(parents=True)
    (root / "_backends" / "wgpu.py").touch()
    (root / "engine.py").write_text(
        "import importlib\n\ndef f():\n    importlib.import_module('trueno._backends.wgpu')\n"
    )
    assert layers.violations(root) == []
