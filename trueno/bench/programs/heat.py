"""Heat spreading over a square plate: explicit finite differences, edges held."""

SIZES = {"50 x 50": (50, 200), "300 x 300": (300, 100), "3000 x 3000": (3000, 3)}


def inputs(rng, n, steps):
    return rng.random((n, n)), steps


def run(np, u, steps):
    u = u.copy()
    for _ in range(steps):
        laplacian = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
        u[1:-1, 1:-1] += 0.2 * laplacian
    return u
