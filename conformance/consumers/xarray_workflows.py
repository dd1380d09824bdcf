"""What users do with xarray, over TruenoArrays: values as over ndarrays, and the type stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import trueno as tn

DAYS = pd.date_range("2024-01-01", periods=60)
POLYNOMIAL = xr.DataArray([1.0, 2.0, 3.0], dims="degree", coords={"degree": [0, 1, 2]})
Case = Callable[[xr.Dataset], xr.DataArray]


def dataset(wrap: Callable[[np.ndarray], object]) -> xr.Dataset:
    """Sixty days of temperature and rain on a grid, a few values missing."""
    rng = np.random.default_rng(5)
    temperature = 15 + 8 * rng.standard_normal((60, 4, 5))
    temperature[rng.random(temperature.shape) < 0.02] = np.nan
    rain = rng.gamma(2.0, 1.5, (60, 4, 5))
    return xr.Dataset(
        {
            "temperature": (("time", "lat", "lon"), wrap(temperature)),
            "rain": (("time", "lat", "lon"), wrap(rain)),
        },
        coords={"time": DAYS, "lat": [10.0, 20, 30, 40], "lon": np.arange(5) * 15.0},
    )


CASES: dict[str, Case] = {
    "arithmetic": lambda d: (d.temperature * 9 / 5 + 32) / (1 + d.rain),
    "arithmetic of datasets": lambda d: (d * 2 - d).rain,
    "numpy functions": lambda d: np.exp(-d.rain) + np.hypot(d.rain, d.temperature),
    "comparison": lambda d: (d.temperature > 20) & (d.rain < 2),
    "where": lambda d: d.temperature.where(d.rain > 1, 0.0),
    "mean": lambda d: d.temperature.mean("time"),
    "mean without skipping": lambda d: d.rain.mean(("lat", "lon"), skipna=False),
    "std": lambda d: d.temperature.std("time"),
    "median": lambda d: d.temperature.median("time"),
    "quantile": lambda d: d.rain.quantile(0.9, "time"),
    "argmax": lambda d: d.rain.argmax("time"),
    "cumsum": lambda d: d.rain.cumsum("time"),
    "diff": lambda d: d.rain.diff("time"),
    "anomaly": lambda d: d.temperature - d.temperature.mean("time"),
    "groupby": lambda d: d.temperature.groupby("time.month").mean(),
    "groupby anomaly": lambda d: d.rain.groupby("time.month") - d.rain.groupby("time.month").mean(),
    "groupby map": lambda d: d.rain.groupby("lat").map(lambda g: g / g.max()),
    "resample": lambda d: d.rain.resample(time="W").sum(),
    "rolling": lambda d: d.rain.rolling(time=5).mean(),
    "rolling construct": lambda d: d.rain.rolling(time=3).construct("window"),
    "coarsen": lambda d: d.rain.coarsen(time=6).max(),
    "weighted": lambda d: d.temperature.weighted(np.cos(np.deg2rad(d.lat))).mean(("lat", "lon")),
    "selection": lambda d: d.rain.sel(lat=[20, 40]).isel(time=slice(3, 40, 2), lon=-1),
    "pointwise": lambda d: d.rain.isel(lat=("p", [0, 2]), lon=("p", [1, 3])),
    "shift": lambda d: d.rain.shift(time=2),
    "fillna": lambda d: d.temperature.fillna(0.0),
    "clip": lambda d: d.rain.clip(0.5, 4.0),
    "transpose": lambda d: d.rain.transpose("lon", "time", "lat"),
    "stack": lambda d: d.rain.stack(place=("lat", "lon")),
    "concat": lambda d: xr.concat([d.rain, d.rain + 1], "lat"),
    "dot": lambda d: xr.dot(d.rain, d.rain, dim="time"),
    "corr": lambda d: xr.corr(d.rain, d.temperature, "time"),
    "polyval": lambda d: xr.polyval(d.rain, POLYNOMIAL),
    "apply_ufunc": lambda d: xr.apply_ufunc(np.sqrt, d.rain),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_values_and_type(name: str) -> None:
    expected = CASES[name](dataset(np.asarray))
    result = CASES[name](dataset(tn.asarray))
    assert isinstance(result.data, tn.TruenoArray)
    assert result.dims == expected.dims
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(np.asarray(result.data), expected.data, rtol=1e-12, atol=1e-13)


def test_chunked_by_dask() -> None:
    ours = dataset(tn.asarray).chunk(time=20)
    result = ((ours.rain - ours.rain.mean("time")) ** 2).sum("time").compute()
    plain = dataset(np.asarray).rain
    assert isinstance(result.data, tn.TruenoArray)
    np.testing.assert_allclose(
        np.asarray(result.data), ((plain - plain.mean("time")) ** 2).sum("time").data
    )


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4", "scipy"])
def test_netcdf_round_trip(engine: str, tmp_path: Path) -> None:
    pytest.importorskip({"netcdf4": "netCDF4"}.get(engine, engine))
    ours = dataset(tn.asarray).as_numpy()  # netCDF4 takes nothing else
    ours.to_netcdf(tmp_path / "weather.nc", engine=engine)
    with xr.open_dataset(tmp_path / "weather.nc", engine=engine) as stored:
        xr.testing.assert_identical(stored.load(), dataset(np.asarray))


def test_pandas_and_back() -> None:
    ours = dataset(tn.asarray)
    frame = ours.to_dataframe()
    pd.testing.assert_frame_equal(frame, dataset(np.asarray).to_dataframe())
    assert isinstance(ours.copy(deep=True).rain.data, tn.TruenoArray)
    assert type(ours.as_numpy().rain.data) is np.ndarray
