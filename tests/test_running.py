"""``python -m trueno run``, ``trueno.install``: programs of NumPy, unchanged, with its output."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import trueno as tn
from trueno import __main__, dropin, running
from trueno._numpy.fallback import standing_for
from trueno.config import SETTINGS

PROGRAMS = Path(__file__).parent / "programs"
NAMES = sorted([path.stem for path in PROGRAMS.glob("*.py")])
# Those that are run whenever the tests are: what each shows stands in its first line.
QUICK = ("command", "errors", "kinds", "leaving", "monte_carlo", "processes", "uncaught")

ARGUMENTS = {
    "command": ("200", "--seed", "3", "-v"),
    "processes": ("fork", "spawn", "forkserver"),
}
INPUTS = {"columns": "a b c\n1 2 3.5\n4 1 6\n7 8 1\n2 2 9.25\n"}
NEEDS = {"with_matplotlib": "matplotlib", "with_pandas": "pandas", "with_sklearn": "sklearn"}
# Every call deferred, and computed by kernels of their own: other last digits, which none prints.
NO_THRESHOLD = {"TRUENO_THRESHOLD": "0"}


class Outcome(NamedTuple):
    status: int
    output: str
    errors: str

    @property
    def kinds(self) -> list[str]:
        """What was written to stderr: each warning's class, and the class of an error."""
        kinds = []
        for line in self.errors.splitlines():
            words = line.split(": ")
            kinds += [word for word in words[:2] if word.endswith(("Warning", "Error"))]
        return kinds


def python(*arguments: str, stdin: str = "", cwd: Path = PROGRAMS, **environment: str) -> Outcome:
    given = {key: value for key, value in os.environ.items() if not key.startswith("TRUENO_")}
    given["PYTHONPATH"] = str(Path(tn.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=given | environment,
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def script(folder: Path, text: str, name: str = "script.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def _cases() -> list[Any]:
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in NAMES]


def _both(name: str, *options: str, **environment: str) -> tuple[Outcome, Outcome]:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    arguments = (f"{name}.py", *ARGUMENTS.get(name, ()))
    given = INPUTS.get(name, "")
    return (
        python(*arguments, stdin=given),
        python("-m", "trueno", "run", *options, *arguments, stdin=given, **environment),
    )


def test_there_are_programs_of_many_kinds() -> None:
    assert len(NAMES) >= 25
    assert set(QUICK) | set(ARGUMENTS) | set(INPUTS) | set(NEEDS) <= set(NAMES)


@pytest.mark.parametrize("name", _cases())
def test_a_program_does_what_it_does_under_python(name: str) -> None:
    expected, found = _both(name)
    assert found.output == expected.output, found.errors
    assert found.status == expected.status
    assert found.kinds == expected.kinds


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_so_it_does_on_kernels_alone(name: str) -> None:
    expected, found = _both(name, "--backend", "simd", **NO_THRESHOLD)
    assert found.output == expected.output, found.errors
    assert found.status == expected.status


# ---------------------------------------------------------------- which imports


IMPORTS = """
import importlib, sys
import numpy as np
import numpy.linalg as la
import numpy.lib.stride_tricks
from numpy import fft, random
from numpy.linalg import norm
def inside():
    import numpy
    return numpy
assert inside() is np and numpy is np and np is not sys.modules["numpy"]
assert la is np.linalg and fft is np.fft and random is np.random
assert importlib.import_module("numpy.fft") is fft and __import__("numpy") is np
assert type(np.zeros(2)).__name__ == "TruenoArray" and type(norm(np.ones(2))) is np.float64
windows = np.lib.stride_tricks.sliding_window_view(np.arange(4), 2)
assert type(windows).__name__ == "TruenoArray", type(windows)
assert np.__version__ == sys.modules["numpy"].__version__ and np.ma is sys.modules["numpy.ma"]
import statistics, own, library
assert own.np is np and library.np is sys.modules["numpy"]
from numpy import *
assert zeros is np.zeros
print(np, "numpy" in repr(np))
"""


def test_the_programs_modules_get_ours_and_libraries_numpys(tmp_path: Path) -> None:
    path = script(tmp_path, IMPORTS)
    script(tmp_path, "import numpy as np\n", "own.py")
    (tmp_path / "site-packages").mkdir()
    script(tmp_path / "site-packages", "import numpy as np\n", "library.py")
    there = os.pathsep.join([str(Path(tn.__file__).parents[1]), str(tmp_path / "site-packages")])
    done = python("-m", "trueno", "run", str(path), PYTHONPATH=there)
    assert done.status == 0, done.errors
    assert done.output.endswith("True\n")


def test_only_names_the_packages_that_get_ours(tmp_path: Path) -> None:
    text = "import numpy as np, own, sys; print(np is sys.modules['numpy'], own.np is np)\n"
    path = script(tmp_path, text)
    script(tmp_path, "import numpy as np\n", "own.py")
    done = python("-m", "trueno", "run", "--only", "own", str(path))
    assert done.output == "True False\n", done.errors


def test_a_failing_import_shows_no_frame_of_ours(tmp_path: Path) -> None:
    for name in ("numpy.nonsense", "nonsense"):
        path = script(tmp_path, f"import {name}\n")
        expected = python(str(path))
        assert python("-m", "trueno", "run", str(path)) == expected
        assert "ModuleNotFoundError" in expected.errors
    path = script(tmp_path, "from numpy import nonsense\n")
    assert python("-m", "trueno", "run", str(path)) == python(str(path))


# ---------------------------------------------------------------- as under python


@pytest.mark.parametrize(
    "text",
    [
        "x = (\n",
        "import numpy as np\ndef f(x):\n    return x.foo\nf(np.ones(2)[0])\n",
        "import sys\nsys.excepthook = lambda *a: print('mine', a[0], a[2].tb_lineno)\n1 / 0\n",
        "import sys; sys.exit('words')",
        "import sys; sys.exit()",
        "import warnings\nwarnings.warn('here')\n",
        "import os; os._exit(7)",
        "import signal, os; os.kill(os.getpid(), signal.SIGTERM)",
    ],
)
def test_errors_and_statuses_are_pythons(text: str, tmp_path: Path) -> None:
    path = script(tmp_path, text)
    assert python("-m", "trueno", "run", str(path)) == python(str(path))


def test_an_interrupt_ends_the_program_as_python_does(tmp_path: Path) -> None:
    path = script(
        tmp_path,
        "import signal, os\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored\n"
        "os.kill(os.getpid(), signal.SIGINT)\n",
    )
    done = python("-m", "trueno", "run", str(path))
    assert done.status == python(str(path)).status in (-signal.SIGINT, 130)
    assert done.errors.endswith("KeyboardInterrupt\n") and "running.py" not in done.errors


def test_there_is_no_such_program(tmp_path: Path) -> None:
    missing = python("-m", "trueno", "run", "nonsense.py", cwd=tmp_path)
    assert missing == python("nonsense.py", cwd=tmp_path) and missing.status == 2
    missing = python("-m", "trueno", "run", "-m", "nonsense", cwd=tmp_path)
    assert missing == python("-m", "nonsense", cwd=tmp_path) and missing.status == 1
    with pytest.raises(SystemExit):
        __main__.main(["run"])


MAIN = """
import sys, pickle
import numpy as np
from . import part
class Local: pass
assert type(pickle.loads(pickle.dumps(Local()))) is Local
print(__name__, __package__, __spec__.name, sys.argv[1:], part.np is np, type(part.np.ones(1)))
"""


def test_modules_folders_and_their_arguments(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    for name, text in (("__init__", ""), ("__main__", MAIN), ("part", "import numpy as np\n")):
        script(package, text, f"{name}.py")
    expected = python("-m", "package", "-m", "--report", cwd=tmp_path)
    done = python("-m", "trueno", "run", "-m", "package", "-m", "--report", cwd=tmp_path)
    assert done.status == 0, done.errors
    ours, theirs = (outcome.output.rsplit(" ", 1)[0] for outcome in (done, expected))
    assert ours == theirs
    folder = tmp_path / "folder"
    folder.mkdir()
    script(folder, "import sys; print(sys.argv, __name__, sys.path[0])", "__main__.py")
    assert python("-m", "trueno", "run", "folder", "x", cwd=tmp_path) == python(
        "folder", "x", cwd=tmp_path
    )


# ---------------------------------------------------------------- reports


def test_a_report_tells_kernels_deferrals_and_their_lines(tmp_path: Path) -> None:
    text = (
        "import numpy as np\nx = np.ones((1500, 1000))\nprint((x * x + 1).sum())\n"
        "np.linalg.svd(x[:20])\n"
    )
    path = script(tmp_path, text)
    arguments = ("-m", "trueno", "run", "--report", "--backend", "simd", str(path))
    done = python(*arguments, **NO_THRESHOLD)
    assert done.output == "3000000.0\n", done.errors
    assert "multiply add sum" in done.errors and "script.py:4" in done.errors
    assert "svd" in done.errors and "likely gain" in done.errors


# ---------------------------------------------------------------- install


@pytest.fixture
def installed() -> Any:
    process = SETTINGS.process
    original = builtins.__import__
    yield
    running.uninstall()
    assert builtins.__import__ is original
    assert process == SETTINGS.process


def _module(name: str, folder: Path, text: str) -> Any:
    path = script(folder, text, f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_install_and_uninstall(installed: Any, tmp_path: Path) -> None:
    text = "import numpy as np\nx = np.arange(4)\ny = x[1]\n"
    assert _module("before", tmp_path, text).np is np
    tn.install()
    tn.install()  # takes the place of the first
    during = _module("during", tmp_path, text)
    assert during.np is standing_for("numpy") is not np
    assert type(during.x) is tn.TruenoArray and type(during.y) is np.int64
    tn.uninstall()
    tn.uninstall()
    assert _module("after", tmp_path, text).np is np
    with pytest.raises(ValueError, match="backend"):
        tn.install(backend="nonsense")


def test_install_for_some_packages(installed: Any, tmp_path: Path) -> None:
    tn.install(only="mine")
    assert _module("mine", tmp_path, "import numpy").numpy is standing_for("numpy")
    assert _module("other", tmp_path, "import numpy").numpy is np


def test_a_notebook(installed: Any) -> None:
    shell = types.SimpleNamespace(user_ns={"np": np, "la": np.linalg, "json": json, "x": 1})
    tn.load_ipython_extension(shell)
    assert shell.user_ns["np"] is standing_for("numpy")
    assert shell.user_ns["la"] is standing_for("numpy.linalg")
    assert shell.user_ns["json"] is json
    tn.unload_ipython_extension(shell)
    assert shell.user_ns["np"] is np and shell.user_ns["la"] is np.linalg


def test_the_drop_in_shares_what_numpy_shares() -> None:
    with tn.config(dropin=True):
        for x in (np.zeros(3), np.arange(6.0).reshape(2, 3).T):
            y = tn.asarray(x)
            y[0] = 5
            assert (x[0] == 5).all() and type(y) is tn.TruenoArray
        z = tn.asarray(x, dtype=np.float32)
        z[0] = 7
        assert (x[0] == 5).all()


# ---------------------------------------------------------------- the table


def _submodules() -> list[str]:
    return [name for name in sorted(sys.modules) if name.partition(".")[0] == "numpy"]


@pytest.mark.parametrize("name", ["numpy", "numpy.linalg", "numpy.lib.stride_tricks", "numpy.fft"])
def test_every_public_name_is_there(name: str) -> None:
    theirs, ours = sys.modules[name], standing_for(name)
    assert ours.__name__ == name and ours.__spec__ is theirs.__spec__
    for attribute in dir(theirs):
        if not attribute.startswith("_"):
            assert getattr(ours, attribute) is not None or getattr(theirs, attribute) is None
    assert dir(ours) == dir(theirs)
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'nonsense'"):
        ours.nonsense  # noqa: B018


def test_what_changes_nothing_is_numpys() -> None:
    for name in _submodules():
        if not dropin.changes(name):
            assert standing_for(name) is sys.modules[name]
    assert not dropin.changes("numpy.ma.extras") and not dropin.changes("numpy._core.umath")
    assert not dropin.changes("numpythonic") and dropin.changes("numpy.polynomial.chebyshev")
