"""Planets, by leapfrog."""

import numpy as np


class System:
    def __init__(self, mass, position, velocity):
        self.mass = np.asarray(mass, dtype=float)
        self.position = np.asarray(position, dtype=float)
        self.velocity = np.asarray(velocity, dtype=float)

    def acceleration(self):
        r = self.position[np.newaxis, :, :] - self.position[:, np.newaxis, :]
        d2 = (r**2).sum(axis=-1)
        np.fill_diagonal(d2, 1.0)
        return (self.mass[None, :, None] * r / (d2**1.5)[:, :, None]).sum(axis=1)

    @property
    def energy(self):
        kinetic = 0.5 * np.sum(self.mass * np.sum(self.velocity**2, axis=1))
        potential = 0.0
        for i in range(len(self.mass)):
            for j in range(i):
                distance = np.linalg.norm(self.position[i] - self.position[j])
                potential -= self.mass[i] * self.mass[j] / distance
        return kinetic + potential

    def step(self, dt):
        self.velocity += 0.5 * dt * self.acceleration()
        self.position += dt * self.velocity
        self.velocity += 0.5 * dt * self.acceleration()


system = System(
    [1.0, 1e-3, 3e-4], [[0, 0, 0], [1, 0, 0], [0, 1.8, 0.1]], [[0, 0, 0], [0, 1, 0], [-0.7, 0, 0]]
)
before = system.energy
print(f"energy {before:.9f}")
for i in range(500):
    system.step(0.01)
    if i % 100 == 0:
        print(i, system.position[1].round(6))
print("energy is kept:", abs(system.energy - before) < 1e-7)
print("momentum:", (system.mass[:, None] * system.velocity).sum(axis=0).round(8))
print(np.array_repr(system.position.round(4)))
