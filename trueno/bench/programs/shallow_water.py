"""Shallow water on a staggered grid: linear waves, one step forward, one backward."""

SIZES = {"100 x 100": (100, 60), "1500 x 1500": (1500, 4)}


def inputs(rng, n, steps):
    return rng.random((n, n)), 0 * rng.random((n + 1, n)), 0 * rng.random((n, n + 1)), steps


def run(np, height, u, v, steps, dt=0.1):
    height, u, v = height.copy(), u.copy(), v.copy()
    for _ in range(steps):
        u[1:-1, :] -= dt * np.diff(height, axis=0)
        v[:, 1:-1] -= dt * np.diff(height, axis=1)
        height -= dt * (np.diff(u, axis=0) + np.diff(v, axis=1))
    return height, np.sqrt(0.25 * (u[1:] + u[:-1]) ** 2 + 0.25 * (v[:, 1:] + v[:, :-1]) ** 2)
