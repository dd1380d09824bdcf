"""``trueno.accelerate_numpy``: NumPy's values, conditions and ways of calling, on plain ndarrays.

Most tests lower all sizes to one element (``everywhere``), so that short operands take every way.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trueno as tn
from trueno import _handle, acceleration, information
from trueno._backends.simd_ufuncs import Entry

ENTRIES = acceleration.entries()
ULPS = 4  # as NumPy's own tests allow between its loops
N = 7000  # several tiles, and a part for each of several threads


def name(entry: Entry) -> str:
    return f"{entry.ufunc.__name__}-{np.dtype(entry.dtypes[0]).name}"


@pytest.fixture
def everywhere() -> Iterator[None]:
    """Every loop is replaced, for any number of elements."""
    with tn.accelerate_numpy():
        for entry in ENTRIES:
            entry.begin(1, 1, 1)
        yield
        for entry in ENTRIES:
            entry.begin(*entry.sizes)


def recorded(f: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, set[str]]:
    """What a call returns, and the floating-point conditions that NumPy tells of."""
    kinds: set[str] = set()
    with np.errstate(all="call", call=lambda kind, _: kinds.add(kind)):
        return f(*args, **kwargs), kinds


def numpys(entry: Entry, f: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, set[str]]:
    """The same by NumPy's own loop."""
    entry.begin(0, 0, 0)
    try:
        return recorded(f, *args, **kwargs)
    finally:
        entry.begin(1, 1, 1)


def equal(found: Any, expected: Any, exact: bool) -> None:
    for a, b in zip(np.atleast_2d(found), np.atleast_2d(expected), strict=True):
        assert a.dtype == b.dtype
        if exact or a.dtype.kind != "f":
            np.testing.assert_array_equal(a, b)
            assert np.array_equal(np.signbit(a), np.signbit(b)) or a.dtype.kind != "f"
        else:
            np.testing.assert_array_max_ulp(a, b, ULPS)
            zero = b == 0
            np.testing.assert_array_equal(np.signbit(a[zero]), np.signbit(b[zero]))


def tells(entry: Entry, told: set[str], kinds: set[str]) -> None:
    """Of underflow, which is ignored by default, NumPy's loops tell where libm happens to."""
    assert told == kinds or (entry.computes and told ^ kinds == {"underflow"})


def operands(entry: Entry, n: int = N, seed: int = 0) -> list[Any]:
    """Operands of all magnitudes and both signs; of integers, small ones too."""
    rng = np.random.default_rng(seed)
    made = []
    for dtype in entry.dtypes[: entry.ufunc.nin]:
        if dtype.kind == "f":
            x = rng.standard_normal(n) * np.exp(rng.uniform(-6, 6, n))
        else:
            x = rng.integers(-9, 9, n) * rng.integers(1, 1 << 40, n) ** rng.integers(0, 2, n)
        made.append(x.astype(dtype))
    return made


def specials(entry: Entry) -> list[Any]:
    """Every combination of special values, among ordinary ones."""
    dtype = entry.dtypes[0]
    if dtype.kind == "f":
        info: Any = np.finfo(dtype)
        values = [0.0, -0.0, np.inf, -np.inf, np.nan, info.max, -info.max, info.tiny, 1.0, -1.0]
        values += [info.smallest_subnormal, -info.smallest_subnormal, 0.5, 2.5, 1e4, 700.0, -700.0]
    else:
        info = np.iinfo(dtype)
        values = [0, 1, -1, 2, -7, 63, 64, info.max, info.min]
    columns = zip(*product(values, repeat=entry.ufunc.nin), strict=True)
    return [np.array(column, dtype) for column in columns]


@pytest.mark.parametrize("entry", ENTRIES, ids=name)
def test_values_and_conditions(entry: Entry, everywhere: None) -> None:
    """Dense, strided, backwards and broadcast operands and results, and in place."""
    ufunc, xs = entry.ufunc, operands(entry)
    with np.errstate(all="ignore"):
        fitting = [x[: len(x) // 2] for x in xs]
        layouts = [
            xs,
            [x[::2] for x in xs],
            [x[::-1] for x in xs],
            [x[:1] if k else x for k, x in enumerate(xs)],
            [x if k else x[:1] for k, x in enumerate(xs)],
            [x[5:] if k else x[:-5] for k, x in enumerate(xs)],
        ]
        if ufunc.nin == 1:
            layouts = layouts[:3]
        for layout in layouts:
            found, told = recorded(ufunc, *layout)
            expected, kinds = numpys(entry, ufunc, *layout)
            equal(found, expected, not entry.computes)
            tells(entry, told, kinds)
        dtype = entry.dtypes[-1]
        for shape, step in ((len(fitting[0]), 1), (len(xs[0]), 2)):
            if dtype.kind == "b" and step == 2 and ufunc.nin == 1:
                continue  # NumPy 2.4.6: np.isfinite(x, out=mask[::2]) is wrong
            outs, theirs = (
                tuple(np.zeros(shape, d)[::step] for d in entry.dtypes[ufunc.nin :])
                for _ in range(2)
            )
            ufunc(*fitting, out=outs)
            numpys(entry, ufunc, *fitting, out=theirs)
            equal(outs, theirs, not entry.computes)
        if ufunc.nout == 1 and dtype == entry.dtypes[0]:
            for k in range(ufunc.nin):
                copies = [x.copy() for x in xs]
                expected = ufunc(*xs)
                ufunc(*copies, out=copies[k])
                equal(copies[k], expected, True)


@pytest.mark.parametrize("entry", ENTRIES, ids=name)
def test_special_values(entry: Entry, everywhere: None) -> None:
    xs = specials(entry)
    many = [np.resize(x, N) for x in xs]
    for ops in (xs, many):
        found, told = recorded(entry.ufunc, *ops)
        expected, kinds = numpys(entry, entry.ufunc, *ops)
        equal(found, expected, not entry.computes)
        tells(entry, told, kinds)


FOLDS = [entry for entry in ENTRIES if entry.reduces]


@pytest.mark.parametrize("entry", FOLDS, ids=name)
def test_reductions(entry: Entry, everywhere: None) -> None:
    """Of short and long operands, with NaN and infinities, along any axis."""
    dtype, reduce = entry.dtypes[0], entry.ufunc.reduce
    for n in (1, 2, 9, 1000, 100_001):
        x = operands(entry, n)[0]
        found, expected = reduce(x), numpys(entry, reduce, x)[0]
        if dtype.kind == "f" and entry.ufunc is np.add:
            bound = 2 * np.finfo(dtype).eps * float(np.abs(x).sum(dtype="longdouble"))
            assert abs(float(found) - float(x.sum(dtype="longdouble"))) <= bound
        else:
            assert found == expected
        assert type(found) is type(expected)
    if dtype.kind == "f":
        for values in ([np.nan], [np.inf], [np.inf, -np.inf], [np.finfo(dtype).max] * 3, [-0.0]):
            x = np.resize(np.array(values, dtype), 20_000)
            found, told = recorded(reduce, x)
            expected, kinds = numpys(entry, reduce, x)
            np.testing.assert_array_equal(found, expected)
            assert np.signbit(found) == np.signbit(expected)
            assert told == kinds
    table = (np.arange(60_000) % 7).reshape(300, 200).astype(dtype)
    for axis in (0, 1, (0, 1)):
        np.testing.assert_array_equal(
            reduce(table, axis=axis), numpys(entry, reduce, table, axis=axis)[0]
        )
    part = reduce(table, initial=7, where=table > 3, axis=None)
    np.testing.assert_array_equal(
        part,
        numpys(entry, reduce, table, initial=7, where=table > 3, axis=None)[0],
    )


def test_conditions_of_every_thread(everywhere: None) -> None:
    """Each part has one element that overflows, and the C library to say so."""
    x = np.arange(1, 200_001)
    x[1000::2000] = np.iinfo(np.int64).min
    for _ in range(20):
        _, told = recorded(np.divmod, x, -1)
        assert told == {"overflow"}
    x[:100_000] = 1  # another thread's parts, most of the time
    for _ in range(20):
        assert recorded(np.divmod, x, -1)[1] == recorded(np.divmod, x[::-1], -1)[1] == {"overflow"}


def test_loops_that_raise_stay() -> None:
    """An exception is raised on the caller's thread."""
    with tn.accelerate_numpy(), pytest.raises(ValueError, match="negative integer powers"):
        np.power(np.full(1_000_000, 2), np.arange(1_000_000)[::-1] - 3)


def test_other_methods_and_overlaps(everywhere: None) -> None:
    """What depends on the order of the elements is as ever."""
    x = np.arange(1.0, N)
    np.testing.assert_array_equal(np.add.accumulate(x), x * (x + 1) / 2)
    np.testing.assert_array_equal(np.add.reduceat(x, [0, 3, 10]), [6, 49, x[10:].sum()])
    y = x.copy()
    np.add.at(y, [0, 0, 5], 1)
    assert y[0] == 3 and y[5] == 7
    for first, second in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
        y = x.copy()
        expected = y[first] * 2
        np.multiply(y[first], 2, out=y[second])
        np.testing.assert_array_equal(y[second], expected)
    y = x.copy()
    np.subtract(y, y[::-1], out=y)
    np.testing.assert_array_equal(y, x - x[::-1])
    whole = np.empty(N, complex)
    np.sqrt(x[:N], out=whole.real[: x.size])
    np.testing.assert_array_equal(whole.real[: x.size], x**0.5)
    np.testing.assert_array_equal(np.hypot.outer(x[:50], x), np.hypot(x[:50, None], x))
    np.testing.assert_array_equal(np.add(x, np.int8(1)) > 2, x > 1)


def test_large_operands() -> None:
    """At the sizes that are measured, with results past the cache and on fresh memory."""
    x = np.random.default_rng(3).uniform(-5, 5, 5_000_000)
    y = x[::-1]
    before = np.sin(x), x + y, x > y, x.sum(), y.max()
    with tn.accelerate_numpy():
        after = np.sin(x), x + y, x > y, x.sum(), y.max()
        out = np.ones_like(x)
        assert np.add(x, y, out=out) is out
        x += 1
    np.testing.assert_array_max_ulp(before[0], after[0], ULPS)
    for a, b in zip(before[1:3], after[1:3], strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(out, before[1])
    assert after[3] == pytest.approx(before[3], rel=1e-12, abs=1e-6) and after[4] == before[4]
    np.testing.assert_array_equal(x, (x - 1) + 1)


def test_the_same_for_any_number_of_threads(everywhere: None) -> None:
    program = """
import hashlib, numpy as np, trueno as tn
tn.accelerate_numpy()
x = np.random.default_rng(0).standard_normal(3_000_001).astype(np.float32)
parts = [np.exp(x), np.sin(x.astype(float)), x.sum(), np.hypot(x, 2), x[::3] * x[::3], x.max()]
print(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
"""
    found = set()
    for threads in "123":
        environment = {**os.environ, "TRUENO_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, check=True
        )
        found.add(done.stdout)
    assert len(found) == 1


# ---------------------------------------------------------------- putting in place and back


def loops() -> list[int]:
    """The addresses of the loops that stand now."""
    found = []
    for entry in ENTRIES:
        at = _handle.replace_loop(entry.ufunc, entry.types, entry.address, 0)
        _handle.replace_loop(entry.ufunc, entry.types, at, 0)
        found.append(at)
    return found


def test_undo() -> None:
    before = loops()
    ours = [entry.address for entry in ENTRIES]
    assert not set(before) & set(ours)
    first = tn.accelerate_numpy()
    with tn.accelerate_numpy() as second:
        assert isinstance(second, tn.accelerate_numpy)
        assert loops() == ours
    assert loops() == ours  # the first still holds
    second.undo()
    assert loops() == ours
    first.undo()
    assert loops() == before
    first.undo()
    assert loops() == before
    with pytest.raises(KeyError), tn.accelerate_numpy():
        raise KeyError
    assert loops() == before


def test_what_others_put_in_place_stays() -> None:
    """A loop that was put above ours is left there, and ours below it."""
    entry = ENTRIES[0]
    at = loops()[0]
    handle = tn.accelerate_numpy()
    other = ENTRIES[1].address  # any function; it is not called
    below = _handle.replace_loop(entry.ufunc, entry.types, other, 0)
    assert below == entry.address
    handle.undo()
    assert loops()[0] == other
    with tn.accelerate_numpy():
        assert loops()[0] == other
    assert acceleration.replaced() == (1, len(ENTRIES))
    _handle.replace_loop(entry.ufunc, entry.types, entry.address, 0)  # they take theirs back
    with tn.accelerate_numpy():
        pass
    assert loops()[0] == at and acceleration.replaced() == (0, len(ENTRIES))


def test_kept_memory() -> None:
    """Large blocks are handed out again, zeros are zeros, and the end gives all back."""
    handler = np._core.multiarray.get_handler_name  # type: ignore[attr-defined]
    before = handler()
    with tn.accelerate_numpy():
        with tn.accelerate_numpy(keep_memory=False):
            kept = handler()
        assert handler() == kept != before
        x = np.full(3_000_000, 7.0)
        at = x.ctypes.data
        del x
        y = np.empty(2_900_000)
        assert (y.ctypes.data == at) == (sys.platform == "linux")
        zeros = np.zeros(3_000_000)
        assert not zeros.any()
        zeros.resize(5_000_000, refcheck=False)
        assert zeros.size == 5_000_000 and not zeros.any()
        tiny = np.empty(200_000)
        assert tiny.ctypes.data != at
        many = [np.full(1 << 17, k) for k in range(100)]
        assert [int(m[-1]) for m in many] == list(range(100))
        del many, y
    assert handler() == before
    zeros += 1  # outlives the handler's turn
    del zeros
    with tn.accelerate_numpy(keep_memory=False):
        assert handler() == before


def test_info_tells() -> None:
    with tn.accelerate_numpy():
        assert information.collect()["numpy's loops"]["replaced"] == len(ENTRIES)
    assert information.collect()["numpy's loops"]["replaced"] == 0


def test_bad_signatures() -> None:
    with pytest.raises(LookupError):
        _handle.replace_loop(np.sin, (0, 0), 0, 0)
    with pytest.raises(ValueError, match="a type number"):
        _handle.replace_loop(np.sin, (0,), 0, 0)
    with pytest.raises(TypeError):
        _handle.replace_loop(len, (0,), 0, 0)  # type: ignore[arg-type]


def test_many_callers(everywhere: None) -> None:
    """From several threads at a time, while others put loops in place and back."""
    x = np.random.default_rng(1).uniform(0.5, 2, 50_000)
    expected = np.log(x) + np.sqrt(x) * 2
    failed: list[str] = []

    def compute() -> None:
        for _ in range(30):
            if not np.allclose(np.log(x) + np.sqrt(x) * 2, expected, rtol=1e-14):
                failed.append("values")

    def change() -> None:
        for _ in range(30):
            with tn.accelerate_numpy():
                pass

    def allocate() -> None:
        with tn.accelerate_numpy():
            for k in range(200):
                if np.full(200_000, k)[-1] != k:
                    failed.append("memory")

    works = (compute, compute, change, change, allocate, allocate)
    threads = [threading.Thread(target=f) for f in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child(everywhere: None) -> None:
    x = np.linspace(0, 1, 200_000)
    expected = np.sin(x).sum()
    child = os.fork()
    if child == 0:
        os._exit(0 if np.sin(x).sum() == expected else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("options", [[], ["--accelerate-libraries"]])
def test_run(options: list[str], tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from trueno import acceleration\nprint(acceleration.replaced()[0])\n")
    done = subprocess.run(
        [sys.executable, "-m", "trueno", "run", *options, str(script)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert int(done.stdout) == (len(ENTRIES) if options else 0)


NUMPYS_TESTS = ("test_umath", "test_umath_accuracy", "test_umath_complex", "test_ufunc")
# It compares `accumulate` of a row, one by one, with that of rows, which a kernel computes.
LAST_DIGITS = "test_umath.py::test_memoverlap_accumulate_symmetric"


@pytest.mark.slow
@pytest.mark.parametrize("module", [*NUMPYS_TESTS, "test_numeric", "test_multiarray"])
@pytest.mark.parametrize("sizes", ["measured", "all"])
def test_numpys_own_tests(module: str, sizes: str) -> None:
    """Unchanged, with the loops replaced from the measured sizes on, and for any size.

    Those that NumPy marks as slow take gigabytes and minutes.
    """
    program = f"""
import sys, numpy, pytest
from trueno import acceleration
held = acceleration.accelerate_numpy()
arguments = ["-q", "-p", "no:cacheprovider", "-m", "not slow"]
arguments += ["--pyargs", "numpy._core.tests.{module}"]
if {sizes!r} == "all":
    arguments.append("--deselect=" + numpy.__path__[0].lstrip("/") + "/_core/tests/{LAST_DIGITS}")
    for entry in acceleration.entries():
        entry.begin(1, 1, 1)
status = pytest.main(arguments)
assert acceleration.replaced()[0]
sys.exit(status)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stdout[-4000:]
