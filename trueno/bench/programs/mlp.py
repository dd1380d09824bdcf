"""Inference of a network with two hidden layers: ReLU, GELU, softmax."""

from itertools import pairwise

SIZES = {"batch of 16": (16, 64), "batch of 4096": (4096, 784)}


def inputs(rng, batch, features):
    layers = []
    widths = (features, 512, 256, 10) if features > 100 else (features, 32, 32, 10)
    for m, n in pairwise(widths):
        layers += [rng.standard_normal((m, n), "f4") / m**0.5, rng.standard_normal(n, "f4")]
    return (rng.standard_normal((batch, features), "f4"), *layers)


def run(np, x, w1, b1, w2, b2, w3, b3):
    h = np.maximum(x @ w1 + b1, 0)
    h = h @ w2 + b2
    h = 0.5 * h * (1 + np.tanh(0.7978846 * (h + 0.044715 * h**3)))
    scores = h @ w3 + b3
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
