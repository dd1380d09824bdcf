"""k-means by Lloyd's algorithm: distances by broadcasting, means by masks."""

SIZES = {"500 points": (500, 2, 4, 10), "200 000 points": (200_000, 8, 8, 3)}


def inputs(rng, n, features, k, steps):
    points = rng.random((n, features))
    return points, points[:k].copy(), steps


def run(np, points, centres, steps):
    for _ in range(steps):
        distance = np.sqrt(((points[:, np.newaxis, :] - centres) ** 2).sum(axis=2))
        nearest = distance.argmin(axis=1)
        centres = np.array([points[nearest == k].mean(axis=0) for k in range(len(centres))])
    return centres, nearest
