"""An American put by the binomial tree of Cox, Ross and Rubinstein (1979)."""

SIZES = {"200 steps": (200,), "2000 steps": (2000,)}


def inputs(rng, steps):
    return 100 + rng.random(1), steps


def run(np, spot, steps, strike=100.0, rate=0.05, sigma=0.3, years=1.0):
    dt = years / steps
    up = np.exp(sigma * np.sqrt(dt))
    discount = np.exp(-rate * dt)
    p = (np.exp(rate * dt) - 1 / up) / (up - 1 / up)
    powers = np.arange(steps, -steps - 1, -2)
    prices = spot * up**powers
    values = np.maximum(strike - prices, 0)
    for _ in range(steps):
        prices = prices[:-1] / up
        values = discount * (p * values[:-1] + (1 - p) * values[1:])
        values = np.maximum(values, strike - prices)
    return values
