"""TruenoArrays beside ndarrays, in subclasses of these, as memory, and in files."""

from __future__ import annotations

import array
import copy
import ctypes
import hashlib
import io
import json
import operator
import pickle
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests.mixed import A, B, Call, K, V, agree, pending, same

# ---------------------------------------------------------------- ndarrays beside ours


def _out(f: Callable[..., Any], shape: Any, dtype: Any = float) -> Any:
    """``f(out)`` and what it left in ``out``, an ndarray."""
    out = np.full(shape, 9).astype(dtype)
    result = f(out)
    assert result is None or result is out
    return out


def _stored(c: Any) -> Any:
    x = np.zeros((3, 4))
    x[0] = c(V)
    x[1, c(K)] = c(V)
    x[c(B[:3])] += c(V)
    x[2, 3] = c(V).max()
    x.flat[4:6] = c(V)[:2]
    np.add.at(x, (0, c(K)), c(V))
    np.put(x, c(K), c(V))
    np.copyto(x, c(A), where=c(A > 2))
    return x


NDARRAYS: dict[str, Call] = {
    "operators": lambda c: [
        f(x, y)
        for x, y in ((V, c(V)), (c(V), V), (V[:2, None], c(V)), (c(A), V), (2.5, c(V)), (K, c(V)))
        for f in (operator.add, operator.sub, operator.truediv, operator.gt, operator.pow)
    ],
    "in place": lambda c: [
        f(V.copy(), c(V)) for f in (operator.iadd, operator.imul, operator.itruediv)
    ],
    "in place, another dtype": lambda c: operator.iadd(K.copy(), c(V)),
    "matmul": lambda c: [A @ c(V), c(A) @ V, V @ c(V), A.dot(c(A.T)), np.dot(A, c(A).T)],
    "out": lambda c: _out(lambda out: np.add(c(V), 1, out=out), 4),
    "out by position": lambda c: _out(lambda out: np.exp(c(V), out), 4),
    "out of a reduction": lambda c: _out(lambda out: np.sum(c(A), 0, out=out), 4),
    "out of a method": lambda c: _out(lambda out: c(A).sum(0, out=out), 4),
    "out of an accumulation": lambda c: _out(lambda out: np.cumsum(c(V), out=out), 4),
    "out of a product": lambda c: _out(lambda out: np.matmul(c(A), c(V), out=out), 3),
    "out of a selection": lambda c: _out(lambda out: np.take(c(V), c(K), out=out), 4),
    "out, another dtype": lambda c: _out(lambda out: np.add(c(V), 1, out=out), 4, "f4"),
    "out that does not fit": lambda c: _out(lambda out: np.add(c(V), 1, out=out), 3),
    "out that cannot hold it": lambda c: _out(lambda out: np.add(c(V), 1, out=out), 4, int),
    "out and where": lambda c: _out(lambda out: np.sqrt(c(V), out=out, where=c(B)), 4),
    "out of two": lambda c: _out(lambda out: np.modf(c(V), out=(out, V.copy())) and None, 4),
    "ours as out": lambda c: np.add(V, 1, out=c(V)),
    "stored": _stored,
    "lists of both": lambda c: [
        np.concatenate([V, c(V), [7.0]]), np.stack([c(V), V]), np.vstack((V, c(A))),
        np.block([[A, c(A)], [c(A), A]]), np.array([V, c(V)]),
        np.array([[c(V)[0], 2.0], [3, V[0]]]), np.select([c(B), ~B], [V, c(-V)], 5.0),
        np.choose(c(K), [V, c(V), -V]), np.meshgrid(V, c(V)), np.einsum("ij,j->i", A, c(V)),
        np.where(c(B), V, c(-V)), np.searchsorted(np.sort(V), c(V)),
        np.histogram(V, bins=c(np.array([0.0, 1.5, 4.0]))),
        np.interp(c(V), np.array([0.0, 4.0]), c(np.array([1.0, 3.0]))),
        np.isin(V, c(np.array([1.0]))), np.split(c(V), K[:1]), np.ix_(c(K), K),
        np.broadcast_arrays(V, c(A)), np.linalg.solve(A[:, :3] + np.eye(3), c(V)[:3]),
        np.linalg.norm([c(V), V]), np.polyfit(V, c(V), 1).round(6),
        np.apply_along_axis(lambda row: row + c(V), 1, A),
        np.piecewise(c(V), [V < 2, V >= 2], [lambda x: -x, lambda x: x]),
        np.vectorize(lambda x, y: x + y)(V, c(V)),
        np.frompyfunc(lambda x, y: x + y, 2, 1)(V, c(V)).astype(float),
    ],
    "indices of ndarrays": lambda c: [
        V[c(K)], A[c(B[:3])], A[c(K)[:2], 1:], A[:, c(B)], V[c(K)[3]],
    ],
    "attributes": lambda c: [V.searchsorted(c(V)), V.dot(c(V)), V.take(c(K)), V.clip(c(V), 2.5)],
    "iterators": lambda c: [
        [x * 2 for x, _ in np.nditer([c(V), V])], [i for i, _ in np.ndenumerate(c(A))],
        [a + b for a, b in zip(c(V), V, strict=True)], [a + b for a, b in np.broadcast(c(V), V)],
        sorted(c(V)), max(c(V)), sum(c(V)), min(c(V), key=lambda x: -x), list(reversed(c(V))),
        list(map(float, c(V))), dict(enumerate(c(V).tolist())), 2.0 in c(V), len(c(A)),
    ],
    "comparisons": lambda c: [
        np.array_equal(V, c(V)), np.allclose(c(V), V), (c(V) == V).all().item(),
        np.shares_memory(V, c(V)), np.may_share_memory(V, c(V)),
    ],
    "records": lambda c: np.rec.fromarrays([c(V), c(K)], names="v,k")["k"],
    "numbers": lambda c: [
        range(10)[c(K)[3]], "abcd"[c(K)[0]], [7] * int(c(K)[3]), round(float(c(V)[0]), 1),
        f"{c(V)[0]:.2f} {c(K)[0]:d}", format(c(K)[0], "d"), divmod(7, c(K)[3]),
        hex(c(K)[3]), operator.index(c(K)[3]), complex(c(V)[0]), bool(c(B)[0]),
    ],
    "errors": lambda c: V + c(K[:3]),
}  # fmt: skip


@pytest.mark.parametrize("name", NDARRAYS)
def test_ndarrays(name: str, backend: str) -> None:
    agree(NDARRAYS[name])


# ---------------------------------------------------------------- subclasses of ndarray

MASKED: dict[str, Call] = {
    "operators": lambda c: [
        f(x, y)
        for m in (np.ma.masked_array(V, mask=B),)
        for x, y in ((m, c(V)), (c(V), m), (c(A), m), (m, c(V)[0]))
        for f in (operator.add, operator.mul, operator.truediv, operator.lt)
    ],
    "ufuncs": lambda c: [
        np.add(c(V), np.ma.masked_less(V, 2)), np.ma.sqrt(c(V)),
        np.exp(np.ma.masked_array(c(V), B)), np.ma.power(c(V), np.ma.masked_less(V, 2)),
    ],
    "made of ours": lambda c: [
        np.ma.masked_array(c(V), mask=c(B)), np.ma.masked_where(c(B), c(V)),
        np.ma.masked_invalid(c(np.array([1.0, np.nan]))), np.ma.masked_equal(c(V), 1.0),
        np.ma.array(c(A), mask=c(A) > 2).sum(axis=0),
        np.ma.filled(np.ma.masked_array(c(V), c(B)), c(V)[0]),
        np.ma.concatenate([c(V), np.ma.masked_less(V, 2)]),
        np.ma.average(np.ma.masked_array(V, B), weights=c(V)),
        np.ma.where(c(B), np.ma.masked_less(V, 2), c(V)),
        np.ma.median(np.ma.masked_array(c(A), c(A) > 2), axis=1), np.ma.getmaskarray(c(V)),
    ],
    "written": lambda c: _masked(c),
    "of masked": lambda c: [
        np.ma.masked_array(V, B)[c(K)], np.ma.masked_array(V, B)[c(B)],
        np.mean(np.ma.masked_array(c(V), B)),
    ],
}  # fmt: skip

MATRICES: dict[str, Call] = {
    "operators": lambda c: [
        f(x, y)
        for m in (np.asmatrix(A),)
        for x, y in ((m, c(A)), (c(A), m), (m, c(V)), (m, 2 * c(V)[0]))
        for f in (operator.add, operator.sub, operator.truediv)
    ],
    "products": lambda c: [
        np.asmatrix(A) * c(A.T), c(A.T) * np.asmatrix(A), np.asmatrix(A) @ c(A.T),
        c(A.T) @ np.asmatrix(A), np.asmatrix(A).dot(c(V)),
    ],
    "made of ours": lambda c: [np.asmatrix(c(A)), np.matrix(c(A)), np.bmat([[c(A), c(A)]])],
    "functions": lambda c: [
        np.multiply(np.asmatrix(A), c(A)), np.concatenate([np.asmatrix(A), c(A)]),
        np.asmatrix(A)[c(K)], np.add(c(A), 1, out=np.asmatrix(A.copy())),
    ],
}  # fmt: skip


def _masked(c: Any) -> Any:
    m = np.ma.masked_array(V.copy(), B)
    m[:2] = c(V)[2:]
    m[c(K) == 2] = np.ma.masked
    m += c(V)
    return m


class Labelled(np.ndarray[Any, Any]):
    """A subclass with an attribute that NumPy hands on."""

    label = ""

    def __array_finalize__(self, other: Any) -> None:
        self.label = getattr(other, "label", "")


def _labelled() -> Any:
    x = V.copy().view(Labelled)
    x.label = "a"
    return x


SUBCLASSES: dict[str, Call] = {
    "operators": lambda c: [
        _labelled() + c(V), c(V) + _labelled(), np.hypot(c(V), _labelled()), _labelled() @ c(V),
    ],
    "labels": lambda c: [(c(V) * _labelled()).label, (_labelled() * c(V)).label],
    "in place": lambda c: operator.iadd(_labelled(), c(V)),
    "functions": lambda c: [np.where(c(B), _labelled(), c(V)), np.sum(_labelled() + c(V))],
}  # fmt: skip


@pytest.mark.parametrize(
    "call", [*MASKED.values(), *MATRICES.values(), *SUBCLASSES.values()],
    ids=[*(f"masked {n}" for n in MASKED), *(f"matrix {n}" for n in MATRICES), *SUBCLASSES],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_subclasses(call: Call, backend: str) -> None:
    agree(call)


# ---------------------------------------------------------------- memory


def _read(x: Any, data: bytes) -> Any:
    io.BytesIO(data).readinto(x)
    return x + 0


def _packed(x: Any) -> Any:
    struct.pack_into("d", x, 8, 5.0)
    memoryview(x).cast("B")[0:8] = struct.pack("d", 6.0)
    return x + 0


def _copied(c: Any) -> Any:
    x, target = c(V), np.empty(4)
    ctypes.memmove(target.ctypes.data, x.ctypes.data, x.nbytes)
    return target


MEMORY: dict[str, Call] = {
    "frombuffer": lambda c: [
        np.frombuffer(c(V)), np.frombuffer(c(K), "u1"), np.frombuffer(c(V), count=2, offset=8),
    ],
    "memoryview": lambda c: [
        memoryview(c(A)).shape, memoryview(c(A)).format, memoryview(c(A)[:, ::2]).strides,
        memoryview(c(V)).tolist(), memoryview(c(A)).tobytes(), memoryview(c(V)).readonly,
    ],
    "bytes": lambda c: [bytes(c(V)), bytearray(c(V)), b"".join([c(V), b"x"]), c(V).tobytes()],
    "array": lambda c: array.array("d", c(V)).tolist(),
    "written to": lambda c: [_read(c(V), bytes(16)), _packed(c(V))],
    "a file": lambda c: (file := io.BytesIO()).write(c(V)) and file.getvalue(),
    "ctypes": _copied,
    "not contiguous": lambda c: bytes(memoryview(c(A).T)),
    "a slice of ours": lambda c: memoryview(c(V))[1:3].tolist(),
    "ndarray": lambda c: np.ndarray(2, float, c(V), 8),
}  # fmt: skip


@pytest.mark.parametrize("name", MEMORY)
def test_memory(name: str, backend: str) -> None:
    with tn.config(dropin=True):
        agree(MEMORY[name])


def test_bytes_without_their_format_are_not_given() -> None:
    """Who takes bytes for what he likes would compute with wrong numbers: torch.asarray does."""
    x = tn.arange(4, dtype="float64")
    for take in (np.frombuffer, hashlib.sha256, io.BytesIO().write, lambda y: b"".join([y])):
        with pytest.raises((BufferError, TypeError, ValueError)):
            take(x)
        take(x.data)
    assert np.frombuffer(tn.arange(4, dtype="uint8"), "u1").tolist() == [0, 1, 2, 3]


def test_torch_asarray_in_the_drop_in(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np, torch\nx = np.arange(3.0)\nt = torch.asarray(x)\nx[0] = 5\n"
        "print(t, torch.asarray([x, x]).dtype)\n"
    )
    arguments = [sys.executable, "-m", "trueno", "run", str(script)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout == "tensor([5., 1., 2.], dtype=torch.float64) torch.float64\n"


@pytest.mark.parametrize("dropin", [False, True])
def test_files_are_not_read_whole(dropin: bool, tmp_path: Path, backend: str) -> None:
    """A sparse file that is larger than any memory: who reads or copies all of it fails."""
    path, count = tmp_path / "sparse", 1 << 42
    with open(path, "wb") as file:
        file.truncate(count)
    with tn.config(dropin=dropin):
        data = np.memmap(path, np.float32, "r+")
        x = tn.asarray(data, copy=False)
        assert x.size == count // 4
        part = x[1 << 20 : (1 << 20) + 4]
        np.testing.assert_array_equal(np.asarray(part + np.float32(1)), np.ones(4, np.float32))
        assert float(np.sum(part)) == 0
        x[7] = 5
        part += np.float32(2)
        tn.evaluate(part)
        rows = x.reshape(-1, 1 << 10)
        rows[2, :3] = tn.asarray([1, 2, 3], dtype="f4") * 2
        np.add(tn.asarray([1.0, 2.0], dtype="f4"), 1, out=data[20:22])
        np.testing.assert_array_equal(np.asarray(rows[0, 5:9]), [0, 0, 5, 0])
        assert len(repr(x)) < 1000
        both = np.concatenate([data[:8], part])
        assert float(both.max()) == 5
    data.flush()
    written = np.fromfile(path, np.float32, 3 << 10)
    np.testing.assert_array_equal(written[[7, 20, 21, 2048, 2049, 2050]], [5, 2, 3, 2, 4, 6])
    again = np.fromfile(path, np.float32, 4, offset=4 << 20)
    np.testing.assert_array_equal(again, np.full(4, 2))


# ---------------------------------------------------------------- storage


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol: int, backend: str) -> None:
    for source in (V, A.T, A[::2, ::-1], K, B, np.array(3.5), np.array(["a", None], object)):
        x = pending(source)
        found = pickle.loads(pickle.dumps({"x": [x, source]}, protocol))["x"]
        assert type(found[0]) is tn.TruenoArray and type(found[1]) is np.ndarray
        same(found, [source, source])
        assert found[0].strides == pickle.loads(pickle.dumps(source, protocol)).strides
        np.testing.assert_array_equal(np.asarray(x), source)
    scalar = pickle.loads(pickle.dumps(pending(V).max(), protocol))
    assert scalar == 3.0 and scalar.ndim == 0


def test_pickles_out_of_band(backend: str) -> None:
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(pending(A), 5, buffer_callback=buffers.append)
    assert len(buffers) == 1 and len(data) < 500
    same(pickle.loads(data, buffers=buffers), A)


COPIES: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, lambda x: x.__copy__(), tn.copy]


@pytest.mark.parametrize("f", COPIES)
def test_copies(f: Callable[[Any], Any], backend: str) -> None:
    x = pending(A)
    y = f(x)
    y += 1
    x *= 2
    same([x, y], [A * 2, A + 1])
    held = f({"x": x, "again": x}) if f is copy.deepcopy else {"x": y, "again": y}
    assert held["x"] is held["again"]


JSON: dict[str, Call] = {
    "lists": lambda c: json.dumps([c(V).tolist(), c(A).tolist(), c(B).tolist()]),
    "items": lambda c: json.dumps({"a": c(V)[0].item(), "b": float(c(V).sum()), "c": int(c(K)[0])}),
    "arrays": lambda c: json.dumps(c(V)),
    "default": lambda c: json.dumps({"x": c(A), "y": c(K).max()}, default=lambda x: x.tolist()),
    "keys": lambda c: json.dumps({c(K)[0].item(): 1}),
    "back": lambda c: c(np.array(json.loads("[[1, 2], [3, 4]]"))) + 1,
}  # fmt: skip


@pytest.mark.parametrize("name", JSON)
def test_json(name: str, backend: str) -> None:
    agree(JSON[name])


def test_numpy_s_files(tmp_path: Path, backend: str) -> None:
    np.save(tmp_path / "a.npy", pending(A))
    same(np.load(tmp_path / "a.npy"), A)
    same(np.load(tmp_path / "a.npy", mmap_mode="r")[1] + pending(V), A[1] + V)
    np.savez_compressed(tmp_path / "b.npz", x=pending(A), y=V)
    with np.load(tmp_path / "b.npz") as held:
        same([held["x"], held["y"]], [A, V])
    np.savetxt(tmp_path / "c.txt", pending(A))
    same(np.loadtxt(tmp_path / "c.txt"), A)
    pending(A).tofile(tmp_path / "d")
    same(np.fromfile(tmp_path / "d").reshape(A.shape), A)


def test_joblib(tmp_path: Path, backend: str) -> None:
    joblib = pytest.importorskip("joblib")
    joblib.dump({"x": pending(A), "y": V}, tmp_path / "held")
    held = joblib.load(tmp_path / "held")
    assert isinstance(held["x"], tn.TruenoArray)
    same([held["x"], held["y"]], [A, V])
    assert joblib.hash(pending(A)) == joblib.hash(pending(A.copy())) != joblib.hash(pending(A + 1))
    calls = []

    def f(x: Any, scale: float) -> Any:
        calls.append(scale)
        return x * scale

    cached = joblib.Memory(tmp_path, verbose=0).cache(f)
    for scale in (2.0, 2.0, 3.0):
        same(cached(pending(A), scale), A * scale)
    assert calls == [2.0, 3.0]
    with joblib.parallel_config("threading", n_jobs=2):
        rows = joblib.Parallel()(joblib.delayed(np.sum)(row) for row in pending(A))
    same(list(map(float, rows)), A.sum(1).tolist())
