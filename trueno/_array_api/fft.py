"""The Fourier transform extension (the standard's chapter "Extensions: fft").

float32 gives complex64, float64 and integers complex128. ``norm`` says where the factor 1/n stands:
"backward" (at the inverse transform), "forward", or "ortho" (its root at both); else ValueError.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno._array_api._support import created
from trueno._numpy.fourier import along_axes, along_axis, shifted
from trueno.config import SETTINGS

__all__ = [
    "fft",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfftn",
    "rfft",
    "rfftfreq",
    "rfftn",
]


def fft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """The discrete Fourier transform along ``axis``, cut or padded with zeros to length ``n``."""
    return along_axis("fft", a, n, axis, norm, out)


def ifft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """The inverse of ``fft``."""
    return along_axis("ifft", a, n, axis, norm, out)


def fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """The transform along several ``axes`` (None: all), cut or padded to lengths ``s``."""
    return along_axes("fftn", a, s, _axes(s, axes), norm, out)


def ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """The inverse of ``fftn``."""
    return along_axes("ifftn", a, s, _axes(s, axes), norm, out)


def rfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """``fft`` of real input: the n // 2 + 1 frequencies that are not negative."""
    return along_axis("rfft", a, n, axis, norm, out)


def irfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """The inverse of ``rfft``: real, of length ``n`` (None: twice the input's, less 2)."""
    return along_axis("irfft", a, n, axis, norm, out)


def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """``fftn`` of real input: no negative frequencies along the last of ``axes``."""
    return along_axes("rfftn", a, s, _axes(s, axes), norm, out)


def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """The inverse of ``rfftn``: real."""
    return along_axes("irfftn", a, s, _axes(s, axes), norm, out)


def _axes(s: Any, axes: Any) -> Any:
    """The standard's default for ``axes`` with ``s``: the last ones; NumPy deprecates it."""
    if SETTINGS.get().dropin:
        return axes
    return tuple(range(-len(s), 0)) if s is not None and axes is None else axes


def hfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """The transform of a signal with Hermitian symmetry: a real spectrum of length ``n``."""
    return along_axis("hfft", a, n, axis, norm, out)


def ihfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """The inverse of ``hfft``."""
    return along_axis("ihfft", a, n, axis, norm, out)


def _frequencies(f: Any, n: int, d: float, dtype: Any, device: Any) -> Any:
    def values() -> Any:
        return f(n, d) if dtype is None else f(n, d).astype(dtype)

    return created(f.__name__, device, values)


def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of ``fft`` for ``n`` samples ``d`` apart, in cycles per unit of ``d``."""
    return _frequencies(np.fft.fftfreq, n, d, dtype, device)


def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Any:
    """The frequencies of ``rfft`` for ``n`` samples ``d`` apart, in cycles per unit of ``d``."""
    return _frequencies(np.fft.rfftfreq, n, d, dtype, device)


def fftshift(x: Any, axes: Any = None) -> Any:
    """Zero frequency moved to the middle of ``axes`` (None: all)."""
    return shifted(1, "fftshift", x, axes)


def ifftshift(x: Any, axes: Any = None) -> Any:
    """The inverse of ``fftshift``."""
    return shifted(-1, "ifftshift", x, axes)
