"""Programs whose ``numpy`` is Trueno: ``python -m trueno run`` and ``trueno.install``.

An import of NumPy by a module of the program gives what stands for NumPy; libraries and the
standard library keep the real one. Nothing in ``sys.modules`` changes.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any, NamedTuple

from trueno._handle import importer
from trueno._numpy.fallback import standing_for
from trueno.config import SETTINGS, set_defaults
from trueno.stats import PACKAGE

_LIBRARIES = frozenset(("site-packages", "dist-packages"))
_STANDARD_LIBRARY = str(Path(os.__file__).parent)
_MAIN = ("__main__", "__mp_main__")
_SPAWN = "multiprocessing.spawn"


class Installation(NamedTuple):
    """What an installation changes.

    backend: where work runs; only: the packages that use Trueno, empty: all that are no libraries
    also:    packages that count as the program's wherever they lie
    """

    backend: str = "auto"
    only: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


class _Installed:
    """The installation in force, and what takes it back."""

    def __init__(self, wanted: Installation) -> None:
        self.wanted = wanted
        self.own: dict[str, bool] = {}  # files of modules, and whether they are the program's
        self.imports = builtins.__import__, importlib.import_module
        self.importers = (
            importer(builtins.__import__, self._imported),
            importer(importlib.import_module, self._imported_by_name),
        )
        self.finder = _Finder()
        self.show_warning = warnings.showwarning

    def begin(self) -> None:
        builtins.__import__, importlib.import_module = self.importers
        warnings.showwarning = self._show_warning
        sys.meta_path.insert(0, self.finder)
        for name in _PREPARED.keys() & sys.modules.keys():
            _PREPARED[name](sys.modules[name])

    def end(self) -> None:
        """Takes back what nobody else has replaced since; after that no module is the program's."""
        if builtins.__import__ is self.importers[0]:
            builtins.__import__ = self.imports[0]
        if importlib.import_module is self.importers[1]:
            importlib.import_module = self.imports[1]
        if warnings.showwarning == self._show_warning:
            warnings.showwarning = self.show_warning
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)

    def _imported(
        self,
        module: ModuleType,
        caller: Any,
        name: str,
        globals: Any = None,
        locals: Any = None,  # noqa: ARG002
        fromlist: Any = (),
        level: int = 0,
    ) -> ModuleType:
        """What ``__import__`` gives for NumPy: to programs, what stands for it."""
        if level or not self._is_programs(globals if type(globals) is dict else caller):
            return module
        return standing_for(name if fromlist else "numpy")

    def _imported_by_name(
        self,
        module: ModuleType,
        caller: Any,
        name: str,
        package: Any = None,  # noqa: ARG002
    ) -> ModuleType:
        """What ``importlib.import_module`` gives for NumPy."""
        return standing_for(name) if self._is_programs(caller) else module

    def _show_warning(
        self,
        message: Any,
        category: Any,
        filename: str,
        lineno: int,
        file: Any = None,
        line: Any = None,
    ) -> None:
        """A warning of NumPy's about one of our lines is about the line that called us.

        It is given again for that line, which may have been warned of, and ours forgets it.
        """
        if not _is_ours(filename):
            self.show_warning(message, category, filename, lineno, file, line)
            return
        frame: Any = sys._getframe()
        while frame is not None and frame.f_code.co_filename != filename:
            frame = frame.f_back
        while frame is not None and _is_ours(frame.f_code.co_filename):
            frame.f_globals.get("__warningregistry__", {}).clear()
            frame = frame.f_back
        if frame is not None:
            caller = frame.f_globals
            warnings.warn_explicit(
                message, category, frame.f_code.co_filename, frame.f_lineno,
                caller.get("__name__"), caller.setdefault("__warningregistry__", {}),
            )  # fmt: skip

    def _is_programs(self, namespace: Any) -> bool:
        """Whether a module, known by its globals, belongs to the program."""
        if _installed is not self or not namespace:
            return False
        name, file = namespace.get("__name__"), namespace.get("__file__")
        if not isinstance(name, str):
            return False
        top = name.partition(".")[0]
        if self.wanted.only:
            return top in self.wanted.only
        if name in _MAIN or top in self.wanted.also:
            return True
        if not isinstance(file, str):
            return False
        known = self.own.get(file)
        if known is None:
            known = self.own[file] = _is_programs_file(file)
        return known


def _is_programs_file(file: str) -> bool:
    path = os.path.abspath(file)
    if not _LIBRARIES.isdisjoint(Path(path).parts):
        return False
    return not (path.startswith(_STANDARD_LIBRARY + os.sep) or _is_ours(path))


def _is_ours(file: str) -> bool:
    return file.startswith(PACKAGE + os.sep)


_installed: _Installed | None = None


def install(only: Any = None, *, backend: str | None = None) -> None:
    """Makes ``import numpy`` give Trueno from now on, in code that belongs to no library.

    Modules in site-packages and of the standard library keep NumPy; or all but those of the
    packages that ``only`` names (a name, or several), wherever they lie. What imported NumPy before
    keeps what it has: call this first, as the line ``import trueno; trueno.install()`` at the
    program's top, in a notebook's first cell, or in ``sitecustomize``. Processes that
    multiprocessing starts do the same. A second call takes the place of the first. ValueError for
    an unknown ``backend``.
    """
    names = (only,) if isinstance(only, str) else tuple(only or ())
    _install(Installation(backend or SETTINGS.get().backend, names))


def _install(wanted: Installation) -> None:
    global _installed
    if _installed is not None:
        uninstall()
    set_defaults(dropin=True, backend=wanted.backend)
    _installed = _Installed(wanted)
    _installed.begin()


def uninstall() -> None:
    """Ends what ``install`` began: later imports of NumPy give NumPy. Without it, does nothing."""
    global _installed
    if _installed is not None:
        set_defaults(dropin=False, backend="auto")
        _installed.end()
        _installed = None


# ---------------------------------------------------------------- children of multiprocessing


class _Finder:
    """Prepares modules once something imports them."""

    def __init__(self) -> None:
        self.awaited = dict(_PREPARED)

    def find_spec(self, name: str, *_: Any) -> Any:
        prepare = self.awaited.pop(name, None)
        if prepare is None:
            return None
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_prepare(module: ModuleType) -> None:
                execute(module)
                prepare(module)

            spec.loader.exec_module = execute_and_prepare  # type: ignore[method-assign]
        return spec


def _prepare_children(spawn: ModuleType) -> None:
    """Has children that are not forked install what their parent has, before anything else runs.

    They unpickle what ``get_preparation_data`` gives before they import the main module.
    """
    original: Callable[[str], dict[str, Any]] = spawn.get_preparation_data
    if hasattr(original, "_of_trueno"):
        return

    def get_preparation_data(name: str) -> dict[str, Any]:
        data = original(name)
        if _installed is None:
            return data
        if name == "ignore":  # a fork server's own, which would import the main module with NumPy
            return {key: value for key, value in data.items() if "init_main" not in key}
        return data | {"trueno": _InChild(_installed.wanted)}

    get_preparation_data._of_trueno = True  # type: ignore[attr-defined]
    spawn.get_preparation_data = get_preparation_data  # type: ignore[attr-defined]


def _prepare_pandas(pandas: ModuleType) -> None:  # noqa: ARG001
    importlib.import_module("trueno.pandas").register()


def _prepare_torch(torch: ModuleType) -> None:
    """``torch.asarray`` takes the bytes of what is no ndarray for numbers of its default dtype."""
    if not hasattr(torch.asarray, "__wrapped__"):
        given_ndarrays = importlib.import_module("trueno.pandas").given_ndarrays
        torch.asarray = given_ndarrays(torch.asarray)  # type: ignore[attr-defined]


# What multiprocessing starts children by, and who looks for NumPy's class in what it is given.
_PREPARED = {_SPAWN: _prepare_children, "pandas": _prepare_pandas, "torch": _prepare_torch}


class _InChild:
    """Installs where it is unpickled."""

    def __init__(self, wanted: Installation) -> None:
        self.wanted = wanted

    def __reduce__(self) -> Any:
        return _install, (self.wanted,)


# ---------------------------------------------------------------- notebooks


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext trueno``: ``install``, and NumPy's modules that the notebook has are replaced."""
    install()
    _replace(shell.user_ns, lambda module: standing_for(module.__name__))


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext trueno``: ``uninstall``, and the notebook has NumPy's modules again."""
    uninstall()
    _replace(shell.user_ns, lambda module: sys.modules.get(module.__name__, module))


def _replace(namespace: dict[str, Any], by: Callable[[ModuleType], ModuleType]) -> None:
    for name, value in list(namespace.items()):
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] == "numpy":
            namespace[name] = by(value)


# ---------------------------------------------------------------- programs


class Program(NamedTuple):
    """A program to run: a script, a folder or archive with ``__main__``, or a module (``-m``)."""

    name: str
    is_module: bool
    arguments: tuple[str, ...]


class _Loaded(NamedTuple):
    code: CodeType
    attributes: dict[str, Any]
    path: str | None  # the first entry of sys.path; None leaves it
    argv0: str


def run(program: Program, backend: str = "auto", only: tuple[str, ...] = ()) -> None:
    """Runs the program as Python does, in this process, as ``__main__``.

    Returns, or raises, as the program does; a traceback that is shown begins at the program's first
    line. SystemExit with status 2 or 1 where there is no such program, as Python.
    """
    top = program.name.partition(".")[0]
    also = (top,) if program.is_module and top not in sys.stdlib_module_names else ()
    sys.argv[:] = [program.name, *program.arguments]
    main = ModuleType("__main__")
    try:
        loaded = _load_module(program.name) if program.is_module else _load_path(program.name)
        sys.argv[0] = loaded.argv0
        if loaded.path is not None and not getattr(sys.flags, "safe_path", False):
            sys.path[0] = loaded.path
        vars(main).update(loaded.attributes, __builtins__=builtins)
        sys.modules["__main__"] = main
        _install(Installation(backend, only, also))
        exec(loaded.code, vars(main))
    except SystemExit:
        raise
    except BaseException:
        sys.excepthook = _from_the_program(sys.excepthook, vars(main))
        raise


def _load_path(path: str) -> _Loaded:
    if Path(path).is_dir() or path.endswith((".zip", ".pyz")):
        folder = os.path.abspath(path)
        spec = importlib.machinery.PathFinder.find_spec("__main__", [folder])
        return _of_spec(spec, path)._replace(path=folder, argv0=path)
    file = os.path.abspath(path)
    try:
        with io.open_code(file) as opened:
            source = opened.read()
    except OSError as error:
        said = f"can't open file {file!r}: [Errno {error.errno}] {error.strerror}"
        print(f"{sys.executable}: {said}", file=sys.stderr)
        raise SystemExit(2) from None
    code = compile(source, file, "exec", dont_inherit=True)
    loader = importlib.machinery.SourceFileLoader("__main__", file)
    attributes = {"__file__": file, "__cached__": None, "__loader__": loader, "__package__": None}
    return _Loaded(code, attributes | {"__spec__": None}, str(Path(file).resolve().parent), path)


def _load_module(name: str) -> _Loaded:
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except ImportError as error:
        print(f"{sys.executable}: Error while finding module {name!r} ({error})", file=sys.stderr)
        raise SystemExit(1) from None
    return _of_spec(spec, name)


def _of_spec(spec: Any, name: str) -> _Loaded:
    code = spec.loader.get_code(spec.name) if hasattr(spec, "loader") else None
    if code is None:
        print(f"{sys.executable}: No module named {name}", file=sys.stderr)
        raise SystemExit(1)
    attributes = {
        "__file__": spec.origin, "__cached__": spec.cached, "__loader__": spec.loader,
        "__package__": spec.parent, "__spec__": spec,
    }  # fmt: skip
    return _Loaded(code, attributes, None, spec.origin or name)


def _from_the_program(hook: Callable[..., Any], main: dict[str, Any]) -> Callable[..., Any]:
    """``sys.excepthook`` for tracebacks without what stands above the program's first line."""

    def show(kind: type, error: BaseException, traceback: TracebackType | None) -> Any:
        while traceback is not None and traceback.tb_frame.f_globals is not main:
            traceback = traceback.tb_next
        return hook(kind, error.with_traceback(traceback), traceback)

    return show
