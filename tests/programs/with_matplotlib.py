"""Figures of matplotlib, drawn to memory."""

import io

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 2 * np.pi, 50)
figure, axes = plt.subplots(2, 2, figsize=(4, 3))
(line,) = axes[0, 0].plot(x, np.sin(x), label="sin")
axes[0, 0].fill_between(x, np.sin(x) - 0.1, np.sin(x) + 0.1, alpha=0.3)
axes[0, 0].legend()
image = axes[0, 1].imshow(np.outer(np.hanning(20), np.hanning(20)))
counts, edges, _ = axes[1, 0].hist(np.random.default_rng(0).normal(size=200), bins=10)
axes[1, 1].scatter(np.arange(5), np.arange(5) ** 2, c=np.arange(5), s=np.full(5, 20.0))
axes[1, 1].errorbar(np.arange(3), np.arange(3), yerr=np.ones(3) * 0.5)
axes[1, 1].set_xlim(np.float64(-1), np.float64(6))
axes[1, 1].set_xticks(np.arange(-1, 7, 2))
print(axes.shape, type(axes).__name__ if type(axes) is np.ndarray else "ndarray")
print(line.get_xydata().shape, counts.astype(int), edges[:2].round(4))
print(axes[1, 1].get_xlim(), image.get_array().shape, axes.flat[0] is axes[0, 0])
y, z = np.meshgrid(np.arange(6), np.arange(5))
contours = plt.contourf(y, z, y * z, levels=np.linspace(0, 20, 5))
print(contours.levels)
out = io.BytesIO()
figure.savefig(out, format="png", metadata={"Software": None})
print(out.getvalue()[:4])
figure.canvas.draw()
pixels = np.asarray(figure.canvas.buffer_rgba())
print(pixels.shape, pixels.dtype, int(pixels.sum()) > 0)
