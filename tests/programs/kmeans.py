"""Lloyd's algorithm on three clouds of points."""

import numpy as np

rng = np.random.default_rng(42)
centers = np.array([[0.0, 0.0], [5.0, 5.0], [0.0, 5.0]])
points = np.concatenate([c + rng.normal(scale=0.7, size=(100, 2)) for c in centers])
rng.shuffle(points)


def kmeans(points, k, rounds=50):
    means = points[np.random.default_rng(1).choice(len(points), k, replace=False)]
    for i in range(rounds):
        distances = np.linalg.norm(points[:, np.newaxis] - means[np.newaxis], axis=2)
        labels = distances.argmin(axis=1)
        new = np.array([points[labels == j].mean(axis=0) for j in range(k)])
        if np.allclose(new, means):
            break
        means = new
    return means, labels, i


means, labels, rounds = kmeans(points, 3)
order = np.lexsort((means[:, 1], means[:, 0].round(1)))
print("rounds:", rounds)
print("means:")
for mean in means[order]:
    print("  ({:.4f}, {:.4f})".format(*mean))
print("sizes:", sorted(np.bincount(labels).tolist()))
inertia = sum(((points[labels == j] - means[j]) ** 2).sum() for j in range(3))
print(f"inertia: {inertia:.6f}")
