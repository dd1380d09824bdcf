"""Maxwell's equations in two dimensions on Yee's grid: a pulse between conductors."""

SIZES = {"100 x 100": (100, 60), "2000 x 2000": (2000, 4)}


def inputs(rng, n, steps):
    return rng.random((n, n)), rng.random((n, n)) * 0.5 + 0.5, steps


def run(np, ez, permittivity, steps):
    ez = ez.copy()
    hx, hy = np.zeros_like(ez), np.zeros_like(ez)
    factor = 0.5 / permittivity
    for _ in range(steps):
        hx[:, :-1] -= 0.5 * (ez[:, 1:] - ez[:, :-1])
        hy[:-1, :] += 0.5 * (ez[1:, :] - ez[:-1, :])
        curl = hy[1:-1, 1:-1] - hy[:-2, 1:-1] - hx[1:-1, 1:-1] + hx[1:-1, :-2]
        ez[1:-1, 1:-1] += factor[1:-1, 1:-1] * curl
    return ez
