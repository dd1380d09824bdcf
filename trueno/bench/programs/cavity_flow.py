"""Driven cavity: incompressible flow with an iterated pressure equation (Barba's twelve steps)."""

SIZES = {"41 x 41": (41, 3), "201 x 201": (201, 3), "1501 x 1501": (1501, 1)}


def inputs(rng, n, steps):
    u, v, p = 0.01 * rng.random((3, n, n))
    return u, v, p, steps


def run(np, u, v, p, steps, rho=1.0, nu=0.1, dt=1e-5, sweeps=10):
    u, v, p = u.copy(), v.copy(), p.copy()
    h = 2 / (u.shape[0] - 1)
    for _ in range(steps):
        ux = (u[1:-1, 2:] - u[1:-1, :-2]) / (2 * h)
        uy = (u[2:, 1:-1] - u[:-2, 1:-1]) / (2 * h)
        vx = (v[1:-1, 2:] - v[1:-1, :-2]) / (2 * h)
        vy = (v[2:, 1:-1] - v[:-2, 1:-1]) / (2 * h)
        b = rho * ((ux + vy) / dt - ux**2 - 2 * uy * vx - vy**2)
        for _ in range(sweeps):
            pn = p.copy()
            p[1:-1, 1:-1] = (
                pn[1:-1, 2:] + pn[1:-1, :-2] + pn[2:, 1:-1] + pn[:-2, 1:-1]
            ) / 4 - h * h / 4 * b
            p[:, -1] = p[:, -2]
            p[0, :] = p[1, :]
            p[:, 0] = p[:, 1]
            p[-1, :] = 0
        un, vn = u.copy(), v.copy()
        for w, wn, axis in ((u, un, 1), (v, vn, 0)):
            slope = p[1:-1, 2:] - p[1:-1, :-2] if axis == 1 else p[2:, 1:-1] - p[:-2, 1:-1]
            w[1:-1, 1:-1] = (
                wn[1:-1, 1:-1]
                - un[1:-1, 1:-1] * dt / h * (wn[1:-1, 1:-1] - wn[1:-1, :-2])
                - vn[1:-1, 1:-1] * dt / h * (wn[1:-1, 1:-1] - wn[:-2, 1:-1])
                - dt / (2 * rho * h) * slope
                + nu
                * dt
                / h**2
                * (wn[1:-1, 2:] + wn[1:-1, :-2] + wn[2:, 1:-1] + wn[:-2, 1:-1] - 4 * wn[1:-1, 1:-1])
            )
        u[-1, :] = 1
    return u, v, p
