"""Gravity between all pairs of bodies: leapfrog, softened."""

SIZES = {"100 bodies": (100, 30), "1500 bodies": (1500, 2)}


def inputs(rng, n, steps):
    return rng.standard_normal((n, 3)), rng.standard_normal((n, 3)), rng.random((n, 1)), steps


def acceleration(np, position, mass, softening=0.1):
    x, y, z = position[:, 0:1], position[:, 1:2], position[:, 2:3]
    dx, dy, dz = x.T - x, y.T - y, z.T - z
    inverse = (dx**2 + dy**2 + dz**2 + softening**2) ** -1.5
    return np.hstack(((dx * inverse) @ mass, (dy * inverse) @ mass, (dz * inverse) @ mass))


def run(np, position, velocity, mass, steps, dt=0.01):
    a = acceleration(np, position, mass)
    for _ in range(steps):
        velocity = velocity + a * dt / 2
        position = position + velocity * dt
        a = acceleration(np, position, mass)
        velocity = velocity + a * dt / 2
    return position, velocity
