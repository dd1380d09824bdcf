"""The layer check: imports inside ``trueno/`` go downwards only, read from the syntax tree.

``python -m tests.layers [FOLDER]`` prints each violation as ``file:line: text`` and exits with 1 if
there is any. Three rules:

- a module imports only modules of its own layer or of a lower one;
- no circle of imports, within a layer or within a package;
- no import statement inside a function. Lazy loading goes through ``importlib.import_module``,
  whose target is held to the first rule.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = "trueno"
ROOT = Path(__file__).resolve().parent.parent / PACKAGE

# Lowest first. A name is a module or a whole subpackage of trueno/.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "dask", "dropin", "kinds", "cores", "gains", "loops", "machine", "stats", "windows"),
    ("config",),
    ("ops", "memory"),
    ("arrow", "plan"),
    ("costs", "profiling"),
    ("_backends",),
    ("graph",),
    ("planner",),
    ("conditions", "validation"),
    ("engine",),
    ("handles",),
    ("handover", "pandas"),
    ("dispatch",),
    ("writes",),
    ("routines", "reductions"),
    ("scans", "selection", "ordering"),
    ("indexing", "products", "flat"),
    ("assembly", "counting", "moments", "sets"),
    ("protocols", "operators", "explanation", "acceleration"),
    ("exposed",),
    ("array",),
    (
        "_array_api",
        "_numpy",
        "_nn",
        "nn",
        "linalg",
        "fft",
        "random",
        "special",
        "testing",
        "threadpoolctl",
    ),
    ("__init__",),
    ("calibration", "reporting", "running"),
    ("bench", "demo", "information", "__main__"),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


class Import(NamedTuple):
    """One import of another module of the package. ``target`` is dotted, without the package."""

    line: int
    target: str


class Module(NamedTuple):
    """A file: its dotted name without the package ("_backends.simd"), imports, local imports."""

    name: str
    path: Path
    imports: list[Import]
    local: list[int]


def _modules(root: Path) -> dict[str, Path]:
    """Dotted names below ``root`` to files; a subpackage stands under its own name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if len(parts) > 1 and parts[-1] == "__init__":
            parts = parts[:-1]
        found[".".join(parts)] = path
    return found


def _resolve(dotted: str, known: dict[str, Path]) -> str | None:
    """The module that ``trueno.a.b.c`` comes from; None for another package's or plain data."""
    head, *parts = dotted.split(".")
    if head != PACKAGE:
        return None
    while parts and ".".join(parts) not in known:
        parts.pop()
    return ".".join(parts) or (None if dotted.startswith(f"{PACKAGE}._") else "__init__")


def _targets(node: ast.AST, package: list[str]) -> Iterator[str]:
    """Dotted names that an import statement, or a call of ``import_module``, brings in."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name
    elif isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else []
        origin = [*base, *([node.module] if node.module else [])]
        for alias in node.names:
            yield ".".join([*origin, alias.name])
    elif isinstance(node, ast.Call) and node.args:
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        first = node.args[0]
        if name == "import_module" and isinstance(first, ast.Constant):
            yield str(first.value)


def _read(name: str, path: Path, known: dict[str, Path]) -> Module:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    package = [PACKAGE, *name.split(".")]
    if path.name != "__init__.py" or name == "__init__":
        package.pop()
    imports: list[Import] = []
    local: list[int] = []
    stack: list[tuple[ast.AST, bool]] = [(tree, False)]
    while stack:
        node, inside = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            inside = True
        if inside and isinstance(node, (ast.Import, ast.ImportFrom)):
            local.append(node.lineno)
        for dotted in _targets(node, package):
            target = _resolve(dotted, known)
            if target is not None and target != name:
                imports.append(Import(getattr(node, "lineno", 0), target))
        stack += [(child, inside) for child in ast.iter_child_nodes(node)]
    return Module(name, path, sorted(imports), sorted(local))


def read(root: Path = ROOT) -> list[Module]:
    """Every module of the package at ``root``, with its imports."""
    known = _modules(root)
    return [_read(name, path, known) for name, path in known.items()]


def _level(name: str) -> int | None:
    return LEVEL.get(name.partition(".")[0])


def _circle(modules: list[Module]) -> list[str]:
    """Names along one circle of imports, the first one repeated at the end; [] without a circle."""
    edges = {module.name: [i.target for i in module.imports] for module in modules}
    done: set[str] = set()
    for start in edges:
        path: list[str] = []
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                path.pop()
                done.add(name)
            elif name in path:
                return [*path[path.index(name) :], name]
            elif name not in done:
                path.append(name)
                stack.append((name, True))
                stack += [(target, False) for target in edges.get(name, ())]
    return []


def violations(root: Path = ROOT) -> list[str]:
    """What breaks the rules in the package at ``root``, one line each."""
    modules = read(root)
    found = []
    for module in modules:
        where = module.path.relative_to(root.parent)
        level = _level(module.name)
        if level is None:
            found.append(f"{where}:1: {module.name} has no layer; add it to LAYERS")
            continue
        for line in module.local:
            found.append(f"{where}:{line}: import inside a function; use importlib.import_module")
        for line, target in module.imports:
            above = _level(target)
            if above is not None and above > level:
                found.append(f"{where}:{line}: {module.name} imports {target}, a layer above it")
    circle = _circle(modules)
    if circle:
        found.append(f"{PACKAGE}: circle of imports: {' -> '.join(circle)}")
    return found


def main() -> int:
    """Prints the violations; 0 if there are none."""
    found = violations(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT)
    for line in found:
        print(line)
    if not found:
        print(f"layers: {len(read())} modules, imports go downwards only")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
