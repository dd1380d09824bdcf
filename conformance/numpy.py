"""NumPy's own tests, which its wheel carries, with ``import trueno as np`` in NumPy's place.

The test files are copied to a temporary folder, and their imports of NumPy's public modules
rewritten to Trueno's, with the setting ``dropin`` on. Tests count as passed only if they made a
TruenoArray; the others are "idle".
"""

from __future__ import annotations

import argparse
import importlib.metadata
import re
import shutil
from pathlib import Path

from conformance import installed
from conformance.runner import Job, Suite

EXCLUSIONS = Path(__file__).with_name("numpy_exclusions.txt")
NOTES = Path(__file__).with_name("numpy_notes.md")

PARTS = ("_core", "lib", "linalg", "fft")

# Test files about NumPy's build, C code or machinery, which no array of a program meets.
_APART = frozenset(
    (
        "test__datasource", "test__exceptions", "test__iotools", "test__version", "test_abc",
        "test_argparse", "test_array_api_info", "test_arraymethod", "test_casting_unittests",
        "test_cpu_dispatcher", "test_cpu_features", "test_custom_dtypes", "test_cython",
        "test_extint128", "test_hashtable", "test_limited_api", "test_mem_policy",
        "test_multiprocessing", "test_numpy_config", "test_simd", "test_simd_module",
        "test_utils",
    )
)  # fmt: skip

_IMPORT = re.compile(r"^([ \t]*)(import|from) numpy((?:\.\w+)*)(?= |$)(?! as numpy)", re.MULTILINE)


def rewritten(source: str) -> str:
    """A test file's text with Trueno's modules in the place of NumPy's public ones."""
    return _IMPORT.sub(_replaced, source)


def _replaced(found: re.Match[str]) -> str:
    indent, verb, below = found.groups()
    if any(name.startswith("_") or name == "tests" for name in below.split(".")[1:]):
        return found[0]
    bare = verb == "import" and found.string[found.end() :].split("\n", 1)[0].strip() == ""
    whole = " as numpy" if bare and not below else ""
    whole = "; import trueno as numpy" if bare and below else whole
    return f"{indent}{verb} trueno{below}{whole}"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--modules", nargs="+", metavar="NAME", help="test files, by names without folder and .py"
    )


def _jobs(options: argparse.Namespace, _: str, scratch: Path) -> list[Job]:
    root = installed.folder("numpy")
    where = scratch / "numpy_tests"
    where.mkdir(exist_ok=True)
    shutil.copy(root / "conftest.py", where)
    found = []
    for part in PARTS:
        tests = Path(part, "tests")
        shutil.copytree(root / tests, where / tests, ignore=_not_needed, dirs_exist_ok=True)
        for path in sorted((where / tests).glob("test_*.py")):
            path.write_text(rewritten(path.read_text("utf-8")), "utf-8")
            if options.modules is None or path.stem in options.modules:
                found.append(path)
    arguments = [
        "-p", "conformance.numpy_plugin", "--rootdir", str(where), "--import-mode=importlib",
        "-m", "not slow",
    ]  # fmt: skip
    return [
        Job(f"{path.parts[-3]}.{path.stem}", where, [*arguments, str(path)])
        for path in found
        if path.stem not in _APART
    ]


def _not_needed(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name in ("__pycache__", "__init__.py", "examples")]


SUITE = Suite(
    "numpy",
    lambda: f"NumPy {importlib.metadata.version('numpy')}, its own tests",
    _add_arguments,
    _jobs,
    {"NPY_AVAILABLE_MEM": "1 GB"},
    EXCLUSIONS,
    notes=NOTES,
)
