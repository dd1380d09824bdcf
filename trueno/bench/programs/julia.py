"""A Julia set in real arithmetic, with np.where instead of masks."""

SIZES = {"100 x 100": (100, 30), "1500 x 1500": (1500, 20)}


def inputs(rng, n, steps):
    return rng.uniform(-1.5, 1.5, (n, n)), rng.uniform(-1.5, 1.5, (n, n)), steps


def run(np, x, y, steps):
    count = np.zeros(x.shape, dtype=np.int32)
    for _ in range(steps):
        xx, yy = x * x, y * y
        inside = xx + yy < 4.0
        count += inside
        x, y = np.where(inside, xx - yy - 0.8, x), np.where(inside, 2 * x * y + 0.156, y)
    return count
