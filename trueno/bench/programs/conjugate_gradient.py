"""Poisson's equation by conjugate gradients, the matrix applied as a stencil."""

SIZES = {"50 x 50": (50, 50), "300 x 300": (300, 30), "2000 x 2000": (2000, 4)}


def inputs(rng, n, steps):
    return rng.random((n, n)), steps


def laplace(np, x):
    y = 4 * x
    y[1:] -= x[:-1]
    y[:-1] -= x[1:]
    y[:, 1:] -= x[:, :-1]
    y[:, :-1] -= x[:, 1:]
    return y


def run(np, b, steps):
    x = np.zeros_like(b)
    r = b - laplace(np, x)
    p = r.copy()
    old = np.sum(r * r)
    for _ in range(steps):
        ap = laplace(np, p)
        alpha = old / np.sum(p * ap)
        x += alpha * p
        r -= alpha * ap
        new = np.sum(r * r)
        p = r + (new / old) * p
        old = new
    return x
