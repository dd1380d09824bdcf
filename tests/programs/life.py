"""Conway's game of life."""

import numpy as np


def step(world):
    neighbours = sum(
        np.roll(np.roll(world, i, 0), j, 1)
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
        if (i, j) != (0, 0)
    )
    return (neighbours == 3) | (world & (neighbours == 2))


def show(world):
    for row in world:
        print("".join("#" if cell else "." for cell in row))


world = np.zeros((12, 16), dtype=bool)
glider = np.array([[0, 1, 0], [0, 0, 1], [1, 1, 1]], dtype=bool)
world[1:4, 1:4] = glider
show(world)
for _ in range(20):
    world = step(world.astype(int)).astype(bool)
print()
show(world)
print("alive:", world.sum(), type(world.sum()).__name__)
rng = np.random.default_rng(3)
soup = (rng.random((64, 64)) < 0.3).astype(int)
history = []
for _ in range(30):
    soup = step(soup).astype(int)
    history.append(int(soup.sum()))
print(history[:5], history[-1])
