"""The standard's functions against NumPy on every backend: value, dtype, shape, view, error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests.compare import agree, needs_numpy_21, outcome, same
from trueno.ops import ELEMENTWISE, OPS, REDUCTIONS

REALS = ("float64", "float32", "int32", "uint8", "bool")
ALL_DTYPES = (*REALS, "float16", "int8", "int16", "int64", "uint16", "uint32", "uint64",
              "complex64", "complex128")  # fmt: skip
# Operations whose kernels may round otherwise than NumPy's.
INEXACT = frozenset(
    (
        "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "exp",
        "exp2", "expm1", "hypot", "log", "log10", "log1p", "log2", "logaddexp", "pow", "sin",
        "sinh", "tan", "tanh",
    )
)  # fmt: skip
UFUNCS = sorted(name for name, op in ELEMENTWISE.items() if isinstance(op.meaning, np.ufunc))


def values(dtype: str, shape: tuple[int, ...] = (3, 4), seed: int = 0) -> np.ndarray[Any, Any]:
    """Small numbers of a dtype, zeros and negative ones among them, NaN and infinity in floats."""
    generator = np.random.default_rng(seed)
    numbers = generator.integers(-4, 5, shape)
    array = np.asarray(np.abs(numbers) if dtype[0] in "ub" else numbers).astype(dtype)
    if dtype[0] in "fc" and array.size > 4:
        array = array / np.asarray(4, array.dtype)
        array.flat[1:4] = np.nan, np.inf, -0.0
    return array


def layouts(dtype: str) -> dict[str, np.ndarray[Any, Any]]:
    """The same kind of data in every layout that NumPy knows."""
    big = values(dtype, (6, 8))
    raw = np.zeros(12 * big.itemsize + 1, np.uint8)
    unaligned = raw[1:].view(dtype).reshape(3, 4)
    unaligned[...] = values(dtype)
    read_only = values(dtype)
    read_only.flags.writeable = False
    return {
        "C": values(dtype),
        "F": np.asfortranarray(values(dtype)),
        "steps": big[::2, ::2],
        "negative": big[::-2, ::-1],
        "transposed": values(dtype, (4, 3)).T,
        "repeated": np.broadcast_to(values(dtype, (4,)), (3, 4)),
        "empty": values(dtype, (0, 4)),
        "unaligned": unaligned,
        "read-only": read_only,
        "swapped": values(dtype).astype(np.dtype(dtype).newbyteorder()),
    }


# ---------------------------------------------------------------- elementwise


def operands(op: Any, dtype: str) -> list[np.ndarray[Any, Any]]:
    return [values(dtype, seed=i) for i in range(op.nin)]


@pytest.mark.parametrize("name", UFUNCS)
def test_elementwise_equals_numpy(backend: str, name: str) -> None:
    op = ELEMENTWISE[name]
    ours = getattr(tn, name)
    # Round and expm1 keep to the standard where it is stricter than the ufunc of the row.
    meaning = {"round": np.round, "clip": np.clip}.get(name, op.meaning)
    dtypes = ALL_DTYPES if backend == "numpy" else REALS
    for dtype in dtypes:
        if name == "expm1" and dtype[0] == "c":
            continue
        arrays = operands(op, dtype)
        theirs, expected = outcome(meaning, *arrays)
        mine, raised = outcome(ours, *map(tn.asarray, arrays))
        assert raised is expected, f"{dtype}: {raised} instead of {expected}"
        same(mine, theirs, exact=name not in INEXACT and backend != "wgpu")


@pytest.mark.parametrize("name", sorted(n for n in UFUNCS if ELEMENTWISE[n].nin == 2))
def test_scalars_and_ndarrays_on_either_side(backend: str, name: str) -> None:
    meaning = ELEMENTWISE[name].meaning
    ours = getattr(tn, name)
    # Each pair of dtypes is a shader to compile: half a minute for all of them.
    dtypes = ("float32", "int32") if backend == "wgpu" else ("float32", "int32", "bool")
    for dtype in dtypes:
        array = values(dtype)
        others = (2, values(dtype, (4,)), [1, 2, 3, 4], True, 0.5, np.float64(2), np.int8(3))
        for other in others[:3] if backend == "wgpu" else others:
            for left in (True, False):
                x: tuple[Any, Any] = (array, other) if left else (other, array)
                y = (tn.asarray(array), other) if left else (other, tn.asarray(array))
                theirs, expected = outcome(meaning, *x)
                mine, raised = outcome(ours, *y)
                assert raised is expected, f"{x}: {raised} instead of {expected}"
                same(mine, theirs, exact=False)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "bool"])
def test_layouts(backend: str, dtype: str) -> None:
    for layout, array in layouts(dtype).items():
        if backend == "wgpu" and dtype == "int16" and layout != "C":
            continue
        for f in (
            lambda xp, x: xp.multiply(x, x),
            lambda xp, x: xp.sqrt(xp.abs(xp.add(x, 1.5))),
            lambda xp, x: xp.maximum(x, x[..., :1]),
            lambda xp, x: xp.where(xp.isnan(x), 0, x),
            lambda xp, x: xp.sum(x, axis=0),
            lambda xp, x: xp.max(x, axis=1),
            lambda xp, x: xp.astype(x, xp.float32),
        ):
            agree(f, array, exact=False)
        assert layout


@needs_numpy_21
def test_clip_takes_missing_bounds_and_both_sets_of_names(backend: str) -> None:
    array = values("float64")
    row = values("float64", (4,))
    for bounds in ((None, None), (0, None), (None, 0.5), (-0.25, 0.5), (row, 1)):
        agree(lambda xp, x, b=bounds: xp.clip(x, *b), array)
    agree(lambda xp, x: xp.clip(x, min=0, max=1), array)
    agree(lambda xp, x: xp.clip(x, a_min=0, a_max=1), array)
    agree(lambda xp, x: xp.clip(x, -1000, 1000), values("uint8"))
    agree(lambda xp, x: xp.clip(x, 0.5, 1), values("int32"))
    out = tn.zeros((3, 4))
    assert tn.clip(tn.asarray(array), 0, 1, out) is out
    same(out, np.clip(array, 0, 1))


@needs_numpy_21
def test_round_to_decimals(backend: str) -> None:
    array = np.array([0.5, 1.5, -2.25, 12345.678, np.nan])
    for decimals in (0, 1, -2):
        agree(lambda xp, x, n=decimals: xp.round(x, n), array)
    agree(lambda xp, x: xp.round(x), np.arange(4))
    agree(lambda xp, x: xp.round(x, decimals=-1), np.arange(40))


@pytest.mark.parametrize(
    ("z", "expected"),
    [
        (complex(np.inf, 0), complex(np.inf, 0)),
        (complex(-np.inf, np.inf), complex(-1, 0)),
        (complex(np.inf, np.inf), complex(np.inf, np.nan)),
        (complex(-np.inf, np.nan), complex(-1, 0)),
        (complex(np.nan, 0), complex(np.nan, 0)),
        (complex(1, np.nan), complex(np.nan, np.nan)),
        (complex(-0.0, 0), complex(0, 0)),
    ],
)
def test_complex_expm1_at_special_values(z: complex, expected: complex) -> None:
    result = complex(tn.expm1(tn.asarray(z)))
    for got, wanted in ((result.real, expected.real), (result.imag, expected.imag)):
        assert got == wanted or (np.isnan(got) and np.isnan(wanted))


# ---------------------------------------------------------------- reductions and statistics

AXES = (None, 0, 1, -1, (0, 1), (-1, 0), ())


@pytest.mark.parametrize("name", sorted(REDUCTIONS))
def test_reductions_equal_numpy(backend: str, name: str) -> None:
    for dtype in ALL_DTYPES if backend == "numpy" else REALS:
        array = values(dtype)
        array[np.isnan(array)] = 1
        for axis in AXES if backend != "wgpu" else AXES[:2]:
            for keepdims in (False, True):
                agree(
                    lambda xp, x, a=axis, k=keepdims: getattr(xp, name)(x, axis=a, keepdims=k),
                    array,
                    exact=False,
                )
        agree(lambda xp, x: getattr(xp, name)(x, axis=5), array)
        agree(lambda xp, x: getattr(xp, name)(x), np.zeros((0, 3), dtype))
        agree(lambda xp, x: getattr(xp, name)(x), np.ones((), dtype))


@pytest.mark.parametrize("name", ["sum", "prod"])
def test_sums_take_numpy_s_arguments(backend: str, name: str) -> None:
    array = values("int32", (4, 5))
    mask = array > 0
    agree(lambda xp, x: getattr(xp, name)(x, 0, np.float64), array)
    agree(lambda xp, x: getattr(xp, name)(x, dtype=xp.int16), array)
    agree(lambda xp, x: getattr(xp, name)(x, initial=3), array)
    agree(lambda xp, x: getattr(xp, name)(x, where=mask), array)
    out = tn.zeros(5, dtype=tn.int64)
    assert getattr(tn, name)(tn.asarray(array), axis=0, out=out) is out
    same(out, getattr(np, name)(array, axis=0))


@pytest.mark.parametrize("name", ["mean", "var", "std"])
def test_moments_equal_numpy(backend: str, name: str) -> None:
    for dtype in ("float64", "float32", "float16", "int32", "uint8", "bool", "complex64"):
        array = values(dtype, (5, 6))
        if dtype[0] in "fc":
            array = np.nan_to_num(array, posinf=2)
        for axis in AXES if backend != "wgpu" else AXES[:2]:
            agree(lambda xp, x, a=axis: getattr(xp, name)(x, axis=a), array, exact=False)
        agree(lambda xp, x: getattr(xp, name)(x, axis=0, keepdims=True), array, exact=False)
    f = values("float64", (5, 6), seed=3)
    agree(lambda xp, x: getattr(xp, name)(x), f)
    agree(lambda xp, x: getattr(xp, name)(x, axis=3), f)
    agree(lambda xp, x: getattr(xp, name)(x), f[:0])
    agree(lambda xp, x: getattr(xp, name)(x, dtype=np.float32), np.nan_to_num(f), exact=False)
    agree(lambda xp, x: getattr(xp, name)(x, where=f > 0), np.nan_to_num(f), exact=False)


@pytest.mark.parametrize("name", ["var", "std"])
def test_spread_takes_ddof_and_correction(backend: str, name: str) -> None:
    array = np.arange(12.0).reshape(3, 4)
    for keywords in ({"ddof": 1}, {"correction": 1}, {"ddof": 0.5}, {"correction": 3}, {"ddof": 4}):
        agree(lambda xp, x, k=keywords: getattr(xp, name)(x, axis=0, **k), array, exact=False)
    agree(lambda xp, x: getattr(xp, name)(x, ddof=1, correction=1), array)
    x = tn.asarray(array)
    same(x.std(ddof=1), array.std(ddof=1), exact=False)


def test_mean_and_var_are_deferred() -> None:
    x = tn.asarray(np.arange(12.0).reshape(3, 4))
    with tn.config(backend="numpy", threshold=0), tn.profile() as p:
        tn.evaluate(tn.var(x * 2, axis=1), tn.mean(x, axis=0))
    assert not p.deferrals


@needs_numpy_21
@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
def test_cumulative_functions_include_the_initial_value(name: str) -> None:
    for dtype in ("float32", "int8", "bool", "complex64"):
        array = values(dtype, (3, 4), seed=1)
        for initial in (False, True):
            agree(
                lambda xp, x, i=initial: getattr(xp, name)(x, axis=1, include_initial=i),
                array,
            )
    agree(lambda xp, x: getattr(xp, name)(x), np.arange(1, 5))
    agree(lambda xp, x: getattr(xp, name)(x), np.ones((2, 2)))
    agree(lambda xp, x: getattr(xp, name)(x, axis=0, dtype=np.int16), np.arange(1, 5))


# ---------------------------------------------------------------- everything else

X = np.arange(24.0).reshape(2, 3, 4)
SHUFFLED = np.array([[3, 1, 2, 1], [0, 5, 5, -1]])
SYMMETRIC = np.array([[4.0, 1, 0], [1, 3, 1], [0, 1, 2]])

CASES: dict[str, tuple[Callable[[Any, Any], Any], np.ndarray[Any, Any]]] = {
    "astype": (lambda xp, x: xp.astype(x, xp.int32), X),
    "astype-same": (lambda xp, x: xp.astype(x, xp.float64, copy=False), X),
    "broadcast_arrays": (lambda xp, x: xp.broadcast_arrays(x, np.arange(4)[None]), X),
    "broadcast_to": (lambda xp, x: xp.broadcast_to(x, (5, 2, 3, 4)), X),
    "broadcast_to-wrong": (lambda xp, x: xp.broadcast_to(x, (5,)), X),
    "concat": (lambda xp, x: xp.concat([x, x[:1]], axis=0), X),
    "concat-flat": (lambda xp, x: xp.concat((x, x), axis=None), X),
    "concat-wrong": (lambda xp, x: xp.concat([x, x[:, :1]], axis=0), X),
    "count_nonzero": (lambda xp, x: xp.count_nonzero(x, axis=(0, 1)), X),
    "diff": (lambda xp, x: xp.diff(x, axis=1), X),
    "diff-2": (lambda xp, x: xp.diff(x, n=2), X),
    "diff-bool": (lambda xp, x: xp.diff(x > 3), X),
    "diff-append": (lambda xp, x: xp.diff(x, append=x[..., :1], prepend=np.zeros((2, 3, 1))), X),
    "diff-wrong": (lambda xp, x: xp.diff(x, n=-1), X),
    "expand_dims": (lambda xp, x: xp.expand_dims(x, axis=1), X),
    "expand_dims-tuple": (lambda xp, x: xp.expand_dims(x, axis=(0, -1)), X),
    "expand_dims-wrong": (lambda xp, x: xp.expand_dims(x, axis=7), X),
    "flip": (lambda xp, x: xp.flip(x), X),
    "flip-axis": (lambda xp, x: xp.flip(x, axis=(0, 2)), X),
    "imag": (lambda xp, x: xp.imag(x), X + 1j),
    "imag-real": (lambda xp, x: xp.imag(x), X),
    "isin": (lambda xp, x: xp.isin(x, [1, 5]), SHUFFLED),
    "isin-invert": (lambda xp, x: xp.isin(x, 5, invert=True), SHUFFLED),
    "matmul": (lambda xp, x: xp.matmul(x, xp.matrix_transpose(x)), X),
    "matmul-wrong": (lambda xp, x: xp.matmul(x, x), X),
    "matrix_transpose": (lambda xp, x: xp.matrix_transpose(x), X),
    "matrix_transpose-wrong": (lambda xp, x: xp.matrix_transpose(x[0, 0]), X),
    "meshgrid": (lambda xp, x: xp.meshgrid(x[0, 0], x[0, :, 0], indexing="ij"), X),
    "meshgrid-sparse": (lambda xp, x: xp.meshgrid(x[0, 0], x[0, :, 0], sparse=True), X),
    "moveaxis": (lambda xp, x: xp.moveaxis(x, 0, -1), X),
    "moveaxis-wrong": (lambda xp, x: xp.moveaxis(x, 0, 5), X),
    "nonzero": (lambda xp, x: xp.nonzero(x > 9), X),
    "nonzero-wrong": (lambda xp, x: xp.nonzero(x), np.ones(())),
    "permute_dims": (lambda xp, x: xp.permute_dims(x, (2, 0, 1)), X),
    "permute_dims-wrong": (lambda xp, x: xp.permute_dims(x, (0, 0, 1)), X),
    "real": (lambda xp, x: xp.real(x), X + 1j),
    "repeat": (lambda xp, x: xp.repeat(x, 2, axis=1), X),
    "repeat-array": (lambda xp, x: xp.repeat(x, np.array([1, 0, 2]), axis=1), X),
    "reshape": (lambda xp, x: xp.reshape(x, (6, -1)), X),
    "reshape-copy": (lambda xp, x: xp.reshape(x, (24,), copy=True), X),
    "reshape-F": (lambda xp, x: xp.reshape(x, (6, 4), order="F"), X),
    "reshape-strided": (lambda xp, x: xp.reshape(x, -1), X[:, ::2]),
    "reshape-no-copy": (lambda xp, x: xp.reshape(x, (12,), copy=False), X[..., ::2]),
    "reshape-wrong": (lambda xp, x: xp.reshape(x, (5, 5)), X),
    "roll": (lambda xp, x: xp.roll(x, (1, 2), axis=(0, 1)), X),
    "roll-flat": (lambda xp, x: xp.roll(x, 5), X),
    "searchsorted": (lambda xp, x: xp.searchsorted(x, xp.asarray([2.5, 7, -1])), X[0, 1]),
    "searchsorted-scalar": (lambda xp, x: xp.searchsorted(x, 5, side="right"), X[0, 1]),
    "sort": (lambda xp, x: xp.sort(x, axis=0), SHUFFLED),
    "squeeze": (lambda xp, x: xp.squeeze(x, axis=0), X[:1]),
    "squeeze-wrong": (lambda xp, x: xp.squeeze(x, axis=0), X),
    "stack": (lambda xp, x: xp.stack([x, x], axis=-1), X),
    "take": (lambda xp, x: xp.take(x, xp.asarray([2, 0, 2]), axis=1), X),
    "take-wrong": (lambda xp, x: xp.take(x, xp.asarray([9]), axis=1), X),
    "take_along_axis": (lambda xp, x: xp.take_along_axis(x, xp.argsort(-x), axis=-1), SHUFFLED),
    "tensordot": (lambda xp, x: xp.tensordot(x, x, axes=((0, 1), (0, 1))), X),
    "tile": (lambda xp, x: xp.tile(x, (2, 1, 3)), X),
    "tril": (lambda xp, x: xp.tril(x, k=-1), X),
    "triu": (lambda xp, x: xp.triu(x, k=1), X),
    "triu-vector": (lambda xp, x: xp.triu(x), np.arange(3)),
    "unique_all": (lambda xp, x: xp.unique_all(x), SHUFFLED),
    "unique_counts": (lambda xp, x: xp.unique_counts(x), SHUFFLED),
    "unique_inverse": (lambda xp, x: xp.unique_inverse(x), SHUFFLED),
    "unique_values": (lambda xp, x: xp.sort(xp.unique_values(x)), SHUFFLED),
    "unstack": (lambda xp, x: xp.unstack(x, axis=1), X),
    "unstack-vector": (lambda xp, x: xp.unstack(x), X[0, 0]),
    "vecdot": (lambda xp, x: xp.vecdot(x, x, axis=-1), X + 1j),
    "where": (lambda xp, x: xp.where(x > 5, x, -1), X),
    "where-scalars": (lambda xp, x: xp.where(x > 5, 1, 2.5), X),
    "where-alone": (lambda xp, x: xp.where(x > 5), X),
    "where-wrong": (lambda xp, x: xp.where(x > 5, x), X),
    "linalg.cholesky": (lambda xp, x: xp.linalg.cholesky(x, upper=True), SYMMETRIC),
    "linalg.cholesky-wrong": (lambda xp, x: xp.linalg.cholesky(-x), SYMMETRIC),
    "linalg.cross": (lambda xp, x: xp.linalg.cross(x, x[::-1]), SYMMETRIC),
    "linalg.det": (lambda xp, x: xp.linalg.det(x), SYMMETRIC),
    "linalg.diagonal": (lambda xp, x: xp.linalg.diagonal(x, offset=1), SYMMETRIC),
    "linalg.eigh": (lambda xp, x: xp.linalg.eigh(x), SYMMETRIC),
    "linalg.eigvalsh": (lambda xp, x: xp.linalg.eigvalsh(x), SYMMETRIC),
    "linalg.inv": (lambda xp, x: xp.linalg.inv(x), SYMMETRIC),
    "linalg.inv-wrong": (lambda xp, x: xp.linalg.inv(x * 0), SYMMETRIC),
    "linalg.matrix_norm": (lambda xp, x: xp.linalg.matrix_norm(x, ord=2, keepdims=True), X),
    "linalg.matrix_power": (lambda xp, x: xp.linalg.matrix_power(x, -2), SYMMETRIC),
    "linalg.matrix_rank": (lambda xp, x: xp.linalg.matrix_rank(x, rtol=1e-3), X),
    "linalg.outer": (lambda xp, x: xp.linalg.outer(x[0], x[1]), SYMMETRIC),
    "linalg.pinv": (lambda xp, x: xp.linalg.pinv(x, rtol=1e-3), X),
    "linalg.qr": (lambda xp, x: xp.linalg.qr(x, mode="complete"), X),
    "linalg.slogdet": (lambda xp, x: xp.linalg.slogdet(x), SYMMETRIC),
    "linalg.solve": (lambda xp, x: xp.linalg.solve(x, x[0]), SYMMETRIC),
    "linalg.svd": (lambda xp, x: xp.linalg.svd(x, full_matrices=False), X),
    "linalg.svdvals": (lambda xp, x: xp.linalg.svdvals(x), X),
    "linalg.trace": (lambda xp, x: xp.linalg.trace(x, offset=1, dtype=np.float32), X),
    "linalg.vector_norm": (lambda xp, x: xp.linalg.vector_norm(x, axis=(0, 1), ord=1), X),
    "fft.fft": (lambda xp, x: xp.fft.fft(x, n=6, axis=1, norm="ortho"), X),
    "fft.ifft": (lambda xp, x: xp.fft.ifft(x), X),
    "fft.fftn": (lambda xp, x: xp.fft.fftn(x, axes=(0, 1)), X),
    "fft.ifftn": (lambda xp, x: xp.fft.ifftn(x), X),
    "fft.rfft": (lambda xp, x: xp.fft.rfft(x), X.astype(np.float32)),
    "fft.irfft": (lambda xp, x: xp.fft.irfft(x, n=5), X),
    "fft.rfftn": (lambda xp, x: xp.fft.rfftn(x), X),
    "fft.irfftn": (lambda xp, x: xp.fft.irfftn(x), X),
    "fft.hfft": (lambda xp, x: xp.fft.hfft(x), X),
    "fft.ihfft": (lambda xp, x: xp.fft.ihfft(x), X),
    "fft.fftshift": (lambda xp, x: xp.fft.fftshift(x, axes=1), X),
    "fft.ifftshift": (lambda xp, x: xp.fft.ifftshift(x), X),
    "fft-wrong": (lambda xp, x: xp.fft.fft(x, norm="none"), X),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_functions_equal_numpy(backend: str, case: str) -> None:
    f, array = CASES[case]
    if case.startswith(("reshape-copy", "reshape-no-copy")) or not hasattr(
        np, case.split("-")[0].split(".")[0]
    ):
        pytest.importorskip("numpy", "2.1")
    agree(f, array)
    x = tn.asarray(array)
    theirs, expected = outcome(f, np, array + 0)
    if expected is None:  # the same on a value that is still pending
        same(f(tn, x + 0), theirs)


def test_sorting_downwards_keeps_the_order_of_ties() -> None:
    x = tn.asarray(SHUFFLED)
    same(tn.sort(x, descending=True), np.array([[3, 2, 1, 1], [5, 5, 0, -1]]))
    same(tn.argsort(x, descending=True), np.array([[0, 2, 1, 3], [1, 2, 0, 3]]))
    same(tn.argsort(x, axis=0, descending=True), np.array([[0, 1, 1, 0], [1, 0, 0, 1]]))
    same(tn.sort(x, axis=None), np.sort(SHUFFLED, axis=None))
    same(tn.argsort(x, kind="stable"), np.argsort(SHUFFLED, kind="stable"))


def test_eig_is_always_complex() -> None:
    for matrix in (SYMMETRIC, np.array([[0.0, -1], [1, 0]], np.float32)):
        result = tn.linalg.eig(tn.asarray(matrix))
        dtype = np.result_type(matrix.dtype, np.complex64)
        assert result._fields == ("eigenvalues", "eigenvectors")
        assert result.eigenvalues.dtype == result.eigenvectors.dtype == dtype
        left = tn.matmul(tn.astype(tn.asarray(matrix), dtype), result.eigenvectors)
        right = result.eigenvectors * result.eigenvalues
        np.testing.assert_allclose(np.asarray(left), np.asarray(right), atol=1e-5)
        assert tn.linalg.eigvals(tn.asarray(matrix)).dtype == dtype


def test_frequencies_take_dtype_and_device() -> None:
    same(tn.fft.fftfreq(5, d=0.5), np.fft.fftfreq(5, d=0.5))
    same(tn.fft.rfftfreq(5, dtype=tn.float32), np.fft.rfftfreq(5).astype(np.float32))
    assert tn.fft.fftfreq(5, device="cpu").device == "cpu"


def test_broadcast_shapes() -> None:
    assert tn.broadcast_shapes((3, 1), (1, 4), ()) == (3, 4)
    with pytest.raises(ValueError, match=r"trueno\.broadcast_shapes"):
        tn.broadcast_shapes((3,), (4,))


# ---------------------------------------------------------------- dtypes


def test_type_functions() -> None:
    x = tn.ones(3, dtype=tn.float32)
    assert tn.result_type(x, tn.float64) == np.float64
    assert tn.result_type(x, 1.0) == np.float32
    assert tn.result_type(tn.int8, 2, True) == np.int8
    assert tn.can_cast(x, tn.float64) and not tn.can_cast(tn.float64, tn.float32)
    assert tn.isdtype(x.dtype, "real floating") and tn.isdtype(tn.int8, ("bool", tn.int8))
    with pytest.raises(TypeError):
        tn.can_cast(3, tn.int8)
    with pytest.raises(ValueError):
        tn.result_type()
    for array in (x, x.dtype, tn.float32, tn.complex64):
        limits = tn.finfo(array)
        wanted = np.finfo(np.float32)
        assert (limits.bits, limits.dtype) == (32, np.dtype(np.float32))
        for name in ("eps", "max", "min", "smallest_normal"):
            value = getattr(limits, name)
            assert type(value) is float and value == float(getattr(wanted, name))
    integers = tn.iinfo(tn.asarray([1], dtype=tn.int8))
    assert (integers.bits, integers.min, integers.max) == (8, -128, 127)
    with pytest.raises(ValueError):
        tn.iinfo(tn.float32)


def test_rows_of_the_table_that_are_no_ufuncs_are_activations_or_where_or_casts() -> None:
    others = {n for n, op in ELEMENTWISE.items() if not isinstance(op.meaning, np.ufunc)}
    activations = {n for n, op in OPS.items() if op.group == "nn"}
    assert others == activations | {"where", "cast"}
    assert activations - {"gelu_tanh"} <= set(tn.nn.__all__)


@pytest.mark.parametrize("name", sorted(set(tn.nn.__all__) & OPS.keys()))
def test_activations_equal_their_meaning(backend: str, name: str) -> None:
    extra = {"leaky_relu": (0.01,), "elu": (1.0,)}.get(name, ())
    for dtype in ("float64", "float32", "int32"):
        array = np.abs(values(dtype)) if name == "rsqrt" else values(dtype)
        theirs, _ = outcome(OPS[name].meaning, array, *extra)
        ours, raised = outcome(getattr(tn.nn, name), tn.asarray(array))
        assert raised is None
        same(ours, theirs, exact=False)
    assert tn.nn.swish is tn.nn.silu
    with pytest.raises(ValueError, match=r"trueno\.gelu"):
        tn.nn.gelu(tn.ones(3), approximate="no")
