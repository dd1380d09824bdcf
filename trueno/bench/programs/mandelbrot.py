"""The Mandelbrot set: escape times, points that have escaped masked out."""

SIZES = {"100 x 100": (100, 30), "1000 x 1000": (1000, 30)}


def inputs(rng, n, steps):
    x, y = rng.uniform(-2, 0.5, n), rng.uniform(-1.2, 1.2, n)
    x.sort()
    y.sort()
    return x + 1j * y[:, None], steps


def run(np, c, steps):
    z = np.zeros_like(c)
    escaped = np.zeros(c.shape, dtype=int)
    for i in range(steps):
        inside = np.abs(z) <= 2
        z[inside] = z[inside] ** 2 + c[inside]
        escaped[inside] = i
    return escaped
