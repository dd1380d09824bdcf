"""Waves on a membrane: leapfrog in time, absorbing sponge at the rim."""

SIZES = {"100 x 100": (100, 100), "2000 x 2000": (2000, 4)}


def inputs(rng, n, steps):
    return rng.random((n, n)), 1 - 0.1 * rng.random((n, n)), steps


def run(np, u, damping, steps):
    before, now = u, u.copy()
    for _ in range(steps):
        after = np.zeros_like(now)
        after[1:-1, 1:-1] = (
            2 * now[1:-1, 1:-1]
            - before[1:-1, 1:-1]
            + 0.25
            * (
                now[2:, 1:-1]
                + now[:-2, 1:-1]
                + now[1:-1, 2:]
                + now[1:-1, :-2]
                - 4 * now[1:-1, 1:-1]
            )
        )
        after *= damping
        before, now = now, after
    return now
