"""Enough data for kernels and threads: images, softmax, statistics."""

import numpy as np

rng = np.random.default_rng(1)
image = rng.random((1200, 1600), dtype=np.float32)
gray = 0.3 * image + 0.7 * np.roll(image, 1, axis=1)
edges = np.hypot(gray[1:-1, 2:] - gray[1:-1, :-2], gray[2:, 1:-1] - gray[:-2, 1:-1])
print(edges.shape, edges.dtype, f"{edges.mean():.4f} {edges.max():.3f}")
mask = edges > 0.5
edges[mask] = 0.5
print(mask.sum(), f"{edges[mask].mean():.3f}", np.count_nonzero(edges == 0.5) >= mask.sum())
logits = rng.normal(size=(2000, 1000))
e = np.exp(logits - logits.max(axis=1, keepdims=True))
p = e / e.sum(axis=1, keepdims=True)
print(f"{p.sum():.6f} {-(p * np.log(p)).sum(axis=1).mean():.6f}", p.argmax(axis=1)[:4])
x = rng.uniform(-1, 1, 2_000_000)
y = np.sin(x) ** 2 + np.cos(x) ** 2
print(np.allclose(y, 1), f"{x.mean():.6f} {x.std():.6f} {np.abs(x).max():.5f}")
x += 1
x *= 0.5
view = x[::2]
view[:] = 0
print(f"{x.sum():.3f} {np.sort(x)[-1]:.6f} {np.median(x[1::2]):.4f} {np.cumsum(x)[-1]:.3f}")
print((rng.integers(0, 10, 1_000_000) == 3).mean(), np.bincount(rng.integers(0, 4, 500_000)))
a = rng.standard_normal((400, 400))
print(f"{np.linalg.norm(a @ a.T):.3f} {np.trace(a @ a):.3f}", np.where(x > 0.9, 1, 0).sum())
