"""Logistic regression by gradient descent."""

SIZES = {"200 x 5": (200, 5, 50), "100 000 x 30": (100_000, 30, 5)}


def inputs(rng, n, features, steps):
    x = rng.standard_normal((n, features))
    return x, (x @ rng.standard_normal(features) > 0).astype(float), steps


def run(np, x, y, steps, rate=0.5):
    w = np.zeros_like(x[0])
    bias = 0.0
    for _ in range(steps):
        p = 1 / (1 + np.exp(-(x @ w + bias)))
        w = w - rate * (x.T @ (p - y)) / len(y)
        bias = bias - rate * np.mean(p - y)
    loss = -np.mean(y * np.log(p + 1e-9) + (1 - y) * np.log(1 - p + 1e-9))
    return w, loss
