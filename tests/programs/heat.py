"""Heat in a plate, by an explicit scheme on slices."""

import numpy as np


def step(u, alpha, dt, dx):
    new = u.copy()
    new[1:-1, 1:-1] = u[1:-1, 1:-1] + alpha * dt / dx**2 * (
        u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * u[1:-1, 1:-1]
    )
    return new


nx = 60
u = np.zeros((nx, nx))
u[0, :] = 100.0
u[:, 0] = np.linspace(100, 0, nx)
yy, xx = np.mgrid[0:nx, 0:nx]
u[(xx - 30) ** 2 + (yy - 30) ** 2 < 25] = 50.0

for i in range(200):
    u = step(u, 1.0, 0.2, 1.0)
    if i % 50 == 0:
        print(f"step {i:4d}: mean {u.mean():.6f}, max {u.max():.4f}")

print(np.round(u[::15, ::15], 3))
print("centre:", round(float(u[nx // 2, nx // 2]), 6))
row, column = np.unravel_index(np.argmax(u[1:, 1:]), (nx - 1, nx - 1))
print("hottest inside:", row, column)
assert u.shape == (nx, nx) and u.dtype == np.float64
