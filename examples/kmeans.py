"""Lloyd's k-means in plain NumPy."""

import numpy as np


def squared_distances(points, centres):
    """Squared distance of each point (n, d) to each centre (k, d): an array (n, k)."""
    return (
        np.sum(points**2, axis=1)[:, np.newaxis]
        - 2 * points @ centres.T
        + np.sum(centres**2, axis=1)
    )


def move(points, labels, centres):
    """The mean of the points of each label; a centre without points stays where it is."""
    moved = np.copy(centres)
    for k in range(len(centres)):
        mine = points[labels == k]
        if len(mine):
            moved[k] = np.mean(mine, axis=0)
    return moved


def kmeans(points, centres, iterations):
    """Centres after ``iterations`` rounds from the given ones, and each point's nearest centre."""
    for _ in range(iterations):
        labels = np.argmin(squared_distances(points, centres), axis=1)
        centres = move(points, labels, centres)
    return centres, np.argmin(squared_distances(points, centres), axis=1)


def inertia(points, centres, labels):
    """Sum of squared distances of the points to their centres."""
    return np.sum((points - np.take(centres, labels, axis=0)) ** 2)
