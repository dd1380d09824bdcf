"""Gravity between bodies, every pair of them, in plain NumPy."""

import numpy as np


def accelerations(x, y, z, mass, softening=0.05):
    """Accelerations along three axes of n bodies at x, y, z (G = 1)."""
    dx = x[np.newaxis, :] - x[:, np.newaxis]
    dy = y[np.newaxis, :] - y[:, np.newaxis]
    dz = z[np.newaxis, :] - z[:, np.newaxis]
    square = dx * dx + dy * dy + dz * dz + softening**2
    pull = mass / (square * np.sqrt(square))
    return np.sum(pull * dx, axis=1), np.sum(pull * dy, axis=1), np.sum(pull * dz, axis=1)


def simulate(position, velocity, mass, steps, dt=1e-3):
    """Positions and velocities (n, 3) after some leapfrog steps."""
    x, y, z = (np.copy(axis) for axis in position.T)
    vx, vy, vz = (np.copy(axis) for axis in velocity.T)
    ax, ay, az = accelerations(x, y, z, mass)
    for _ in range(steps):
        vx += dt / 2 * ax
        vy += dt / 2 * ay
        vz += dt / 2 * az
        x += dt * vx
        y += dt * vy
        z += dt * vz
        ax, ay, az = accelerations(x, y, z, mass)
        vx += dt / 2 * ax
        vy += dt / 2 * ay
        vz += dt / 2 * az
    return np.stack((x, y, z), axis=1), np.stack((vx, vy, vz), axis=1)
