"""Prices of European options by the Black-Scholes formula, in plain NumPy."""

import numpy as np


def normal_cdf(x):
    """The normal distribution function, error below 7.5e-8 (Abramowitz and Stegun, 26.2.17)."""
    t = 1 / (1 + 0.2316419 * np.abs(x))
    tail = t * (
        0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429)))
    )
    tail = tail * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)
    return np.where(x > 0, 1 - tail, tail)


def prices(spot, strike, years, rate, volatility):
    """Call and put prices; arguments broadcast together."""
    spread = volatility * np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    d2 = d1 - spread
    discounted = strike * np.exp(-rate * years)
    call = spot * normal_cdf(d1) - discounted * normal_cdf(d2)
    put = discounted * normal_cdf(-d2) - spot * normal_cdf(-d1)
    return call, put


def portfolio(call, put):
    """What one of each option costs, the dearest call, and the share of calls dearer than puts."""
    return np.sum(call) + np.sum(put), np.max(call), np.mean(call > put)
