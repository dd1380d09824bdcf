"""The Ising model of a magnet: Metropolis sweeps in a checkerboard, random numbers given."""

SIZES = {"100 x 100": (100, 10), "1000 x 1000": (1000, 4)}


def inputs(rng, n, sweeps):
    return 2.0 * rng.integers(0, 2, (n, n)) - 1, rng.random((2 * sweeps, n, n))


def run(np, spins, chances, beta=0.44):
    spins = spins.copy()
    rows, columns = spins.shape
    parity = np.add.outer(np.arange(rows), np.arange(columns)) % 2
    for sweep, chance in enumerate(chances):
        near = (
            np.roll(spins, 1, 0)
            + np.roll(spins, -1, 0)
            + np.roll(spins, 1, 1)
            + np.roll(spins, -1, 1)
        )
        flips = (parity == sweep % 2) & (chance < np.exp(-2 * beta * spins * near))
        spins[flips] *= -1
    return spins
