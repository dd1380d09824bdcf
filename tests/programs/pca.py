"""Principal components by the singular value decomposition."""

import numpy as np

np.set_printoptions(precision=4, suppress=True)
rng = np.random.RandomState(0)
latent = rng.randn(300, 2)
mixing = np.array([[2.0, 0.5, -1.0, 0.3], [0.1, 1.5, 0.7, -0.8]])
x = latent @ mixing + 0.1 * rng.randn(300, 4) + [1, 2, 3, 4]

mean = x.mean(axis=0)
u, s, vt = np.linalg.svd(x - mean, full_matrices=False)
explained = s**2 / np.sum(s**2)
print("mean", mean)
print("explained", explained)
print("cumulative", np.cumsum(explained))
signs = np.sign(vt[np.arange(4), np.abs(vt).argmax(axis=1)])
print("components")
print(vt * signs[:, None])

covariance = np.cov(x, rowvar=False)
values, vectors = np.linalg.eigh(covariance)
print("eigenvalues", values[::-1])
print("equal:", np.allclose(values[::-1], s**2 / (len(x) - 1)))
scores = (x - mean) @ vt.T
print("scores are uncorrelated:", np.allclose(np.corrcoef(scores.T), np.eye(4)))
print("reconstruction error: %.5f" % np.linalg.norm(x - mean - scores[:, :2] @ vt[:2]))
