"""Many Lorenz systems by the Runge-Kutta method of fourth order."""

SIZES = {"100 systems": (100, 50), "10 000 systems": (10_000, 30), "1M systems": (1_000_000, 2)}


def inputs(rng, n, steps):
    return rng.standard_normal((3, n)), steps


def slope(np, state):
    x, y, z = state
    return np.stack((10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z))


def run(np, state, steps, dt=0.005):
    for _ in range(steps):
        k1 = slope(np, state)
        k2 = slope(np, state + dt / 2 * k1)
        k3 = slope(np, state + dt / 2 * k2)
        k4 = slope(np, state + dt * k3)
        state = state + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return state
