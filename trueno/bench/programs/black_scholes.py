"""European call and put prices (Black and Scholes 1973).

The normal distribution is Abramowitz and Stegun's 26.2.17, since NumPy has no erf.
"""

SIZES = {"1000 options": (1000,), "2M options": (2_000_000,)}


def inputs(rng, n):
    return rng.uniform(50, 150, n), rng.uniform(50, 150, n), rng.uniform(0.1, 2, n)


def normal(np, x):
    t = 1 / (1 + 0.2316419 * np.abs(x))
    series = t * (
        0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429)))
    )
    tail = np.exp(-x * x / 2) / np.sqrt(2 * np.pi) * series
    return np.where(x > 0, 1 - tail, tail)


def run(np, spot, strike, years, rate=0.02, sigma=0.3):
    root = sigma * np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate + sigma**2 / 2) * years) / root
    d2 = d1 - root
    paid = strike * np.exp(-rate * years)
    call = spot * normal(np, d1) - paid * normal(np, d2)
    return call, call - spot + paid
