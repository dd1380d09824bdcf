"""Reaction and diffusion after Gray and Scott (1984): two chemicals, periodic by np.roll."""

SIZES = {"100 x 100": (100, 40), "1500 x 1500": (1500, 3)}


def inputs(rng, n, steps):
    v = (rng.random((n, n)) > 0.9) * 0.25
    return 1 - 2 * v, v, steps


def laplacian(np, z):
    return np.roll(z, 1, 0) + np.roll(z, -1, 0) + np.roll(z, 1, 1) + np.roll(z, -1, 1) - 4 * z


def run(np, u, v, steps, feed=0.037, kill=0.06):
    for _ in range(steps):
        reaction = u * v * v
        u = u + 0.16 * laplacian(np, u) - reaction + feed * (1 - u)
        v = v + 0.08 * laplacian(np, v) + reaction - (feed + kill) * v
    return u, v
