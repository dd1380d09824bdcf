"""Fourier transforms shared among threads: NumPy's bits, dtypes, strides and errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests.compare import same
from trueno._backends import simd_fourier

DTYPES = ("?", "b", "u4", "i8", "e", "f4", "f8", "c8", "c16")
LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "C": lambda x: x,
    "transposed": lambda x: x.transpose(2, 0, 1),
    "apart": lambda x: x[:, ::2, 1:],
    "backwards": lambda x: x[::-1, :, ::-1],
    "broadcast": lambda x: np.broadcast_to(x[:1], (5, *x.shape[1:])),
}
CALLS: dict[str, Callable[[Any], Any]] = {
    "fft": lambda x: np.fft.fft(x),
    "fft first": lambda x: np.fft.fft(x, axis=0),
    "ifft ortho": lambda x: np.fft.ifft(x, 5, 1, "ortho"),
    "hfft": lambda x: np.fft.hfft(x, axis=1),
    "irfft": lambda x: np.fft.irfft(x, axis=-2),
    "irfft odd": lambda x: np.fft.irfft(x, 7),
    "fftn": lambda x: np.fft.fftn(x),
    "fftn cut": lambda x: np.fft.fftn(x, (4, 9), (0, 2), "forward"),
    "ifftn": lambda x: np.fft.ifftn(x, axes=(1, 1, 0)),
    "irfftn": lambda x: np.fft.irfftn(x),
    "irfftn axes": lambda x: np.fft.irfftn(x, axes=[2, 0]),
    "fft2": lambda x: np.fft.fft2(x),
    "irfft2": lambda x: np.fft.irfft2(x, (4, 4)),
    "fftshift": lambda x: np.fft.fftshift(x),
    "ifftshift": lambda x: np.fft.ifftshift(x, (0, -1)),
}
REAL: dict[str, Callable[[Any], Any]] = {
    "rfft": lambda x: np.fft.rfft(x, axis=1),
    "ihfft": lambda x: np.fft.ihfft(x),
    "rfftn": lambda x: np.fft.rfftn(x),
    "rfftn padded": lambda x: np.fft.rfftn(x, (8, 8, 8), (0, 1, 2)),
    "rfft2": lambda x: np.fft.rfft2(x),
}


@pytest.fixture(autouse=True, params=(1, 3))
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    with tn.config(backend="simd", threshold=0, threads=request.param):
        yield


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*CALLS, *REAL])
def test_is_numpys(name: str, dtype: str, layout: str, rng: np.random.Generator) -> None:
    f = (CALLS | REAL)[name]
    if name in REAL and dtype.startswith("c"):
        pytest.skip("real input only")
    values = (rng.random((3, 6, 4)) * 9).astype(dtype)
    x = LAYOUTS[layout](values)
    expected, ours = f(x), f(LAYOUTS[layout](tn.asarray(values)))
    same(ours, expected)
    if layout != "broadcast":
        assert ours.strides == expected.strides


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.fft.fft(x, 0),
        lambda x: np.fft.fft(x, axis=2),
        lambda x: np.fft.fft(x, norm="none"),
        lambda x: np.fft.rfft(x + 1j),
        lambda x: np.fft.fftn(x, (2, 2), (0,)),
        lambda x: np.fft.fft2(x, axes=(0, 5)),
        lambda x: np.fft.irfft(x[:, :1]),
        lambda x: np.fft.fftshift(x, 2),
    ],
)
def test_errors_are_numpys(f: Callable[[Any], Any]) -> None:
    x = np.ones((3, 4))
    with pytest.raises(Exception) as theirs:
        f(x)
    with pytest.raises(theirs.type):
        f(tn.asarray(x))


def test_numpys_deprecation() -> None:
    x = tn.ones((3, 4))
    with pytest.warns(DeprecationWarning, match="axes"):
        np.fft.fftn(x, (2, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same(tn.fft.fftn(x, (2, 2)), np.fft.fftn(np.ones((3, 4)), (2, 2), (-2, -1)))


def test_into_memory_that_is_given() -> None:
    x, out = tn.ones((3, 4)), tn.empty((3, 4), dtype="c16")
    assert np.fft.fft(x, out=out) is out
    same(out, np.fft.fft(np.ones((3, 4))))


def test_an_error_of_any_thread_is_raised() -> None:
    done = []

    def fail() -> None:
        raise MemoryError("no plan")

    with pytest.raises(MemoryError, match="no plan"):
        simd_fourier._together([lambda: done.append(1), fail, lambda: done.append(2)])
    assert sorted(done) == [1, 2]


def test_large_stacks_are_a_routine(rng: np.random.Generator) -> None:
    x = tn.asarray(rng.random((800, 700)))
    with tn.config(threshold=1_000_000), tn.profile() as profile:
        np.fft.rfft2(x)
    assert "fourier" in str(profile)
