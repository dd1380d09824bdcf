"""Filters of a grey image: Gaussian blur, Sobel edges, unsharp mask, gamma, threshold."""

SIZES = {"128 x 128": (128,), "3000 x 3000": (3000,)}


def inputs(rng, n):
    return ((rng.random((n, n)) * 255).astype("uint8"),)


def blur(np, image, sigma=2.0):
    radius = int(3 * sigma)
    weights = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    weights = weights / weights.sum()
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (radius, radius)
        padded = np.pad(image, pad, mode="edge")
        n = image.shape[axis]
        image = sum(
            w * (padded[i : i + n] if axis == 0 else padded[:, i : i + n])
            for i, w in enumerate(weights)
        )
    return image


def run(np, image):
    x = image.astype(np.float32) / 255
    smooth = blur(np, x)
    sharp = np.clip(x + 1.5 * (x - smooth), 0, 1) ** 0.8
    dx = smooth[1:-1, 2:] - smooth[1:-1, :-2]
    dy = smooth[2:, 1:-1] - smooth[:-2, 1:-1]
    edges = np.hypot(dx, dy)
    return (sharp * 255).astype(np.uint8), edges > edges.mean() + edges.std()
