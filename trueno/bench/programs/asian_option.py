"""An Asian option by Monte Carlo: geometric Brownian paths from given normal numbers."""

SIZES = {"100 paths": (100, 50), "100 000 paths": (100_000, 50)}


def inputs(rng, paths, steps):
    return (rng.standard_normal((paths, steps)),)


def run(np, normals, spot=100.0, strike=100.0, rate=0.03, sigma=0.2):
    dt = 1 / normals.shape[1]
    steps = (rate - 0.5 * sigma**2) * dt + sigma * np.sqrt(dt) * normals
    paths = spot * np.exp(np.cumsum(steps, axis=1))
    payoff = np.exp(-rate) * np.maximum(paths.mean(axis=1) - strike, 0)
    return payoff.mean(), payoff.std() / np.sqrt(len(payoff)), np.percentile(payoff, [50, 95])
