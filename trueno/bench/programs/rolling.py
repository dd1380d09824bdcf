"""Rolling statistics of a series: mean, deviation, score, exponential returns, maximum."""

import numpy as np

SIZES = {"1000 days": (1000, 20), "1M days": (1_000_000, 20)}
TOLERANCE = 1e-4  # differences of cumulative sums cancel most digits


def inputs(rng, n, width):
    season = 0.2 * np.sin(np.arange(n) / 250)
    return 100 * np.exp(season + 0.01 * rng.standard_normal(n)), width


def run(np, price, width):
    sums = np.cumsum(np.insert(price, 0, 0.0))
    squares = np.cumsum(np.insert(price**2, 0, 0.0))
    mean = (sums[width:] - sums[:-width]) / width
    variance = np.maximum((squares[width:] - squares[:-width]) / width - mean**2, 1e-12)
    score = (price[width - 1 :] - mean) / np.sqrt(variance)
    returns = np.diff(np.log(price))
    windows = np.lib.stride_tricks.sliding_window_view(price, width)
    drawdown = price[width - 1 :] / windows.max(axis=1) - 1
    return mean, np.clip(score, -10, 10), returns.std(), drawdown
