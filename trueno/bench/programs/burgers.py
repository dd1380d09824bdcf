"""Burgers' equation in one dimension: upwind advection, central diffusion, periodic."""

SIZES = {"1000 points": (1000, 300), "100 000 points": (100_000, 100), "4M points": (4_000_000, 3)}


def inputs(rng, n, steps):
    return 1 + 0.1 * rng.random(n), steps


def run(np, u, steps, c=0.1, nu=0.05):
    u = u.copy()
    for _ in range(steps):
        u[1:-1] = u[1:-1] - c * u[1:-1] * (u[1:-1] - u[:-2]) + nu * (u[2:] - 2 * u[1:-1] + u[:-2])
        u[0] = u[-2]
        u[-1] = u[1]
    return u
