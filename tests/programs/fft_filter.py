"""A low-pass filter in the frequency domain."""

import numpy as np
from numpy.fft import fftfreq, irfft, rfft, rfftfreq

rate = 1000
t = np.arange(0, 2, 1 / rate)
signal = np.sin(2 * np.pi * 5 * t) + 0.5 * np.sin(2 * np.pi * 120 * t) + 0.1
spectrum = rfft(signal)
frequencies = rfftfreq(t.size, d=1 / rate)
power = np.abs(spectrum) ** 2
peaks = frequencies[power > power.max() / 100]
print("peaks at", peaks, "Hz")

spectrum[frequencies > 50] = 0
smooth = irfft(spectrum, n=t.size)
print("residual:", np.abs(smooth - np.sin(2 * np.pi * 5 * t) - 0.1).max() < 1e-12)
print(f"energy before {np.sum(signal**2):.3f}, after {np.sum(smooth**2):.3f}")

z = np.fft.fft(np.exp(2j * np.pi * 3 * np.arange(16) / 16))
print(np.round(z.real, 6) + 0.0)
print(int(np.argmax(np.abs(z))), z.dtype, fftfreq(4))
shifted = np.fft.fftshift(np.arange(6))
print(shifted, np.fft.ifftshift(shifted))
image = np.outer(np.hanning(8), np.hanning(8))
back = np.fft.ifft2(np.fft.fft2(image))
print("2-D round trip:", np.allclose(back.real, image), np.allclose(back.imag, 0))
window = np.hamming(5)
print(np.convolve([1, 2, 3, 4], window / window.sum(), mode="same").round(4))
