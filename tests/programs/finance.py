"""Prices: rolling windows, strides, cumulative results."""

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

rng = np.random.default_rng(2024)
returns = rng.normal(0.0005, 0.01, 500)
prices = 100 * np.cumprod(1 + returns)
print(f"start {prices[0]:.4f} end {prices[-1]:.4f}")
windows = sliding_window_view(prices, 20)
average, deviation = windows.mean(axis=1), windows.std(axis=1)
print(windows.shape, average[:3].round(4), deviation.max().round(5))
upper, lower = average + 2 * deviation, average - 2 * deviation
tail = prices[19:]
print("outside:", ((tail > upper) | (tail < lower)).sum())
peak = np.maximum.accumulate(prices)
drawdown = (prices - peak) / peak
print(f"drawdown {drawdown.min():.5f} at {drawdown.argmin()}")
signal = np.where(prices[1:] > prices[:-1], 1, -1)
changes = np.flatnonzero(np.diff(signal))
print(len(changes), changes[:5], np.convolve(prices, np.ones(5) / 5, "valid")[:2].round(4))
ema = np.empty_like(prices)
ema[0] = prices[0]
for i in range(1, len(prices)):
    ema[i] = 0.1 * prices[i] + 0.9 * ema[i - 1]
print(f"{ema[-1]:.6f}", np.allclose(ema[1:] - 0.9 * ema[:-1], 0.1 * prices[1:]))
print(np.percentile(returns, [1, 99]).round(5), np.nanstd(np.append(returns, np.nan)).round(6))
x = np.arange(8)
print(
    as_strided(x, (3, 4), (x.strides[0], x.strides[0])),
    np.lib.stride_tricks.as_strided is as_strided,
)
print(np.correlate(returns[:50], returns[:50], "full").argmax(), np.pad(x[:3], (1, 2), mode="edge"))
annual = returns.reshape(10, 50).sum(axis=1)
print(annual.round(4), np.cov(annual[:5], annual[5:]).shape, np.searchsorted(peak, 101).dtype)
weights = np.full(4, 0.25)
covariance = np.cov(rng.normal(size=(4, 200)))
print(
    f"{np.sqrt(weights @ covariance @ weights):.6f}",
    np.ptp(prices).round(3),
    np.nan_to_num([np.nan, 1]),
)
