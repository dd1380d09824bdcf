"""Grey values of a colour photograph, equalised by their histogram."""

SIZES = {"128 x 128": (128,), "2000 x 2000": (2000,)}


def inputs(rng, n):
    return ((rng.random((n, n, 3)) ** 2 * 255).astype("uint8"),)


def run(np, rgb):
    grey = 0.299 * rgb[..., 0] + 0.587 * rgb[..., 1] + 0.114 * rgb[..., 2]
    levels = grey.astype(np.uint8)
    histogram = np.bincount(levels.ravel(), minlength=256)
    cumulative = histogram.cumsum()
    first = cumulative[cumulative > 0].min()
    table = np.round((cumulative - first) / (levels.size - first) * 255).clip(0, 255)
    return table.astype(np.uint8)[levels]
