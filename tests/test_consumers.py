"""Libraries that take arrays of others, in short; ``python -m conformance`` has the long tests."""

from __future__ import annotations

import subprocess
import sys

import array_api_compat
import numpy as np
import pytest

import trueno as tn


@pytest.fixture
def x() -> tn.TruenoArray:
    """Three rows of four numbers."""
    return tn.reshape(tn.arange(12.0), (3, 4))


class TestArrayApiCompat:
    def test_namespace(self, x: tn.TruenoArray) -> None:
        assert array_api_compat.array_namespace(x, x[0], 1.0, None) is tn
        assert array_api_compat.is_array_api_obj(x)
        with pytest.raises(TypeError, match="namespaces"):
            array_api_compat.array_namespace(x, np.ones(3))

    def test_no_other_library_claims_it(self, x: tn.TruenoArray) -> None:
        names = ("numpy", "torch", "jax", "cupy", "dask", "ndonnx", "pydata_sparse")
        for name in names:
            assert not getattr(array_api_compat, f"is_{name}_array")(x)
            assert not getattr(array_api_compat, f"is_{name}_namespace")(tn)

    def test_size_and_device(self, x: tn.TruenoArray) -> None:
        assert array_api_compat.size(x) == 12
        assert array_api_compat.device(x) == "auto"
        moved = array_api_compat.to_device(x, "cpu")
        assert array_api_compat.device(moved) == "cpu"
        np.testing.assert_array_equal(moved, x)

    def test_neither_lazy_nor_read_only(self, x: tn.TruenoArray) -> None:
        assert not array_api_compat.is_lazy_array(x)
        assert array_api_compat.is_writeable_array(x)


def test_array_api_extra(x: tn.TruenoArray) -> None:
    xpx = pytest.importorskip("array_api_extra")
    n = np.asarray(x)
    pairs = [
        (xpx.at(x)[1].set(7.0, copy=True), np.concatenate([n[:1], np.full((1, 4), 7.0), n[2:]])),
        (xpx.cov(x), np.cov(n)),
        (xpx.kron(x, x[:2, :2]), np.kron(n, n[:2, :2])),
        (xpx.nunique(x % 5), np.int64(5)),
        (xpx.pad(x, 2, constant_values=1.0), np.pad(n, 2, constant_values=1.0)),
        (xpx.sinc(x), np.sinc(n)),
        (xpx.setdiff1d(x, x[0]), np.setdiff1d(n, n[0])),
        (xpx.apply_where(x > 3, x, lambda v: v * 2, lambda v: v), np.where(n > 3, n * 2, n)),
        (xpx.create_diagonal(x[0]), np.diag(n[0])),
        (xpx.isclose(x, x + 1e-12), np.full((3, 4), True)),
        (xpx.one_hot(tn.asarray([0, 2]), 3), np.eye(3)[[0, 2]]),
    ]
    for result, expected in pairs:
        assert isinstance(result, tn.TruenoArray)
        np.testing.assert_allclose(result, expected)


def test_einops(x: tn.TruenoArray) -> None:
    einops = pytest.importorskip("einops")
    backend = pytest.importorskip("einops.array_api")
    n = np.asarray(x)
    split = backend.rearrange(x, "a (b c) -> c a b", b=2)
    total = backend.reduce(x, "a b -> b", "sum")
    assert isinstance(split, tn.TruenoArray)
    assert isinstance(total, tn.TruenoArray)
    np.testing.assert_array_equal(split, einops.rearrange(n, "a (b c) -> c a b", b=2))
    np.testing.assert_array_equal(total, n.sum(0))


def test_pandas(x: tn.TruenoArray) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(x, columns=list("abcd"))
    np.testing.assert_array_equal(frame.to_numpy(), np.asarray(x))
    assert float(pandas.Series(x[0]).sum()) == 6.0
    np.testing.assert_array_equal(tn.asarray(frame), np.asarray(x))


def test_dask(x: tn.TruenoArray) -> None:
    da = pytest.importorskip("dask.array")
    chunked = da.from_array(np.asarray(x), chunks=2).map_blocks(tn.asarray)
    total = (np.sqrt(chunked) + x).sum(axis=0).compute(scheduler="synchronous")
    assert isinstance(total, tn.TruenoArray)
    np.testing.assert_allclose(total, (np.sqrt(np.asarray(x)) + np.asarray(x)).sum(axis=0))
    middle = da.percentile(chunked.ravel().rechunk(-1), [50]).compute(scheduler="synchronous")
    assert isinstance(middle, tn.TruenoArray)
    assert float(middle[0]) == 5.5
    assert sys.modules["trueno.dask"].register() is sys.modules["trueno.dask"].register()


def test_xarray(x: tn.TruenoArray) -> None:
    xarray = pytest.importorskip("xarray")
    data = xarray.DataArray(x, dims=("time", "place"), coords={"time": [0, 0, 1]})
    for result, expected in [
        ((data - data.mean("time")).data, np.asarray(x) - np.asarray(x).mean(0)),
        (data.groupby("time").sum().data, np.array([[4.0, 6, 8, 10], [8, 9, 10, 11]])),
        (data.rolling(place=2).mean().data[:, 1:], np.asarray(x)[:, 1:] - 0.5),
    ]:
        assert isinstance(result, tn.TruenoArray)
        np.testing.assert_allclose(result, expected)


def test_pint(x: tn.TruenoArray) -> None:
    pint = pytest.importorskip("pint")
    units, n = pint.UnitRegistry(), np.asarray(x)
    length = units.Quantity(x, "m")
    pairs = [
        (x * units.meter, n),  # the operator's other side makes the result: of our array
        (units.meter * x, n),
        (x * units.Quantity(2.0, "m"), n * 2),
        (x / units.Quantity(np.full(4, 2.0), "s"), n / 2),
        (x @ units.Quantity(x.T, "s"), n @ n.T),
        (length + units.Quantity(x, "cm"), n * 1.01),
        (np.sqrt(units.Quantity(x, "m**2")), np.sqrt(n)),
        (length.mean(axis=0), n.mean(0)),
        (np.concatenate([length, units.Quantity(x, "cm")]), np.concatenate([n, n / 100])),
        (length[1, 2:].to("cm"), n[1, 2:] * 100),
    ]
    for result, expected in pairs:
        assert isinstance(result.magnitude, tn.TruenoArray)
        np.testing.assert_allclose(result.magnitude, expected)
    with pytest.raises(pint.DimensionalityError):
        x + length


def test_awkward(x: tn.TruenoArray) -> None:
    awkward = pytest.importorskip("awkward")
    n = np.asarray(x)
    assert awkward.Array(x).to_list() == n.tolist()
    assert awkward.unflatten(x[0], tn.asarray([1, 3])).to_list() == [[0.0], [1.0, 2.0, 3.0]]
    ragged = awkward.Array([[1.0, 2.0], [3.0]])
    for total in (x[0, :3] + awkward.flatten(ragged), awkward.flatten(ragged) + x[0, :3]):
        assert total.to_list() == [1.0, 3.0, 5.0]
    assert awkward.Array([1.0, 2.0, 3.0, 4.0])[x[0] > 1].to_list() == [3.0, 4.0]
    flat = tn.asarray(awkward.flatten(ragged))
    np.testing.assert_array_equal(flat, [1.0, 2.0, 3.0])


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_narwhals(library: str, x: tn.TruenoArray) -> None:
    narwhals = pytest.importorskip("narwhals")
    pytest.importorskip(library)
    series = narwhals.new_series("a", x[0], narwhals.Float64, backend=library)
    assert series.to_list() == [0.0, 1.0, 2.0, 3.0]
    total = x[1] + series
    assert isinstance(total, tn.TruenoArray)
    np.testing.assert_array_equal(total, np.asarray(x[0] + x[1]))
    np.testing.assert_array_equal(tn.asarray(series), x[0])


def test_dask_that_is_imported_later() -> None:
    pytest.importorskip("dask.array")
    program = (
        "import numpy as np, trueno as tn, dask.array as da\n"
        "x = tn.arange(4.0)\n"
        "for y in (x + da.ones(4), da.ones(4) + x, np.concatenate([da.ones(4), x])):\n"
        "    assert type(y.compute(scheduler='synchronous')) is tn.TruenoArray"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
