"""Flow past a cylinder by the lattice Boltzmann method: nine directions, one relaxation time."""

SIZES = {"40 x 100": (40, 100, 20), "400 x 1000": (400, 1000, 2)}

DX = (0, 0, 1, 1, 1, 0, -1, -1, -1)
DY = (0, 1, 1, 0, -1, -1, -1, 0, 1)
WEIGHTS = (4 / 9, 1 / 9, 1 / 36, 1 / 9, 1 / 36, 1 / 9, 1 / 36, 1 / 9, 1 / 36)
OPPOSITE = [0, 5, 6, 7, 8, 1, 2, 3, 4]


def inputs(rng, rows, columns, steps):
    f = 1 + 0.01 * rng.random((rows, columns, 9))
    f[:, :, 3] += 2
    return f, steps


def run(np, f, steps, tau=0.6):
    rows, columns, _ = f.shape
    f = f.copy()
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    cylinder = (x - columns / 4) ** 2 + (y - rows / 2) ** 2 < (rows / 4) ** 2
    for _ in range(steps):
        for i in range(9):
            f[:, :, i] = np.roll(f[:, :, i], (DY[i], DX[i]), axis=(0, 1))
        inside = f[cylinder, :][:, OPPOSITE]
        rho = np.sum(f, 2)
        ux = np.sum(f * np.array(DX), 2) / rho
        uy = np.sum(f * np.array(DY), 2) / rho
        equilibrium = np.zeros_like(f)
        for i in range(9):
            along = DX[i] * ux + DY[i] * uy
            equilibrium[:, :, i] = (
                rho * WEIGHTS[i] * (1 + 3 * along + 4.5 * along**2 - 1.5 * (ux**2 + uy**2))
            )
        f += -(1 / tau) * (f - equilibrium)
        f[cylinder, :] = inside
    return f
