"""Standard scores and the correlation matrix of a table, missing values as NaN."""

SIZES = {"100 x 20": (100, 20), "200 000 x 30": (200_000, 30)}


def inputs(rng, n, columns):
    x = rng.standard_normal((n, columns))
    x[rng.random(x.shape) < 0.01] = float("nan")
    return (x,)


def run(np, x):
    mean, deviation = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
    z = np.where(np.isnan(x), 0, (x - mean) / deviation)
    outliers = np.count_nonzero(np.abs(z) > 3, axis=0)
    return z.T @ z / len(z), outliers, np.median(z, axis=0)
