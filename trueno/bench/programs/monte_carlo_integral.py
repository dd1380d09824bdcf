"""A volume and an integral by Monte Carlo, from given uniform numbers."""

SIZES = {"1000 points": (1000,), "5M points": (5_000_000,)}


def inputs(rng, n):
    return (rng.random((3, n)),)


def run(np, points):
    x, y, z = points
    inside = x**2 + y**2 + z**2 < 1
    f = np.exp(-x * y) * np.cos(np.pi * z / 2)
    return 8 * np.mean(inside), np.mean(f * inside), np.std(f[inside])
