"""Conway's Game of Life: neighbours counted in slices of small integers."""

SIZES = {"100 x 100": (100, 60), "3000 x 3000": (3000, 4)}


def inputs(rng, n, steps):
    return (rng.random((n, n)) < 0.3).astype("uint8"), steps


def run(np, cells, steps):
    cells = cells.copy()
    for _ in range(steps):
        near = (
            cells[:-2, :-2]
            + cells[:-2, 1:-1]
            + cells[:-2, 2:]
            + cells[1:-1, :-2]
            + cells[1:-1, 2:]
            + cells[2:, :-2]
            + cells[2:, 1:-1]
            + cells[2:, 2:]
        )
        middle = cells[1:-1, 1:-1]
        born = (near == 3) & (middle == 0)
        stays = ((near == 2) | (near == 3)) & (middle == 1)
        cells[...] = 0
        cells[1:-1, 1:-1][born | stays] = 1
    return cells
