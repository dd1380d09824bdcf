"""Shortest paths between all nodes (Floyd 1962)."""

SIZES = {"60 nodes": (60,), "600 nodes": (600,)}


def inputs(rng, n):
    return (rng.uniform(1, 100, (n, n)),)


def run(np, distance):
    d = distance.copy()
    for k in range(len(d)):
        d = np.minimum(d, d[:, k, None] + d[None, k, :])
    return d
