"""Principal components: standardised columns, covariance, eigenvectors, projection."""

SIZES = {"200 x 10": (200, 10), "200 000 x 40": (200_000, 40)}


def inputs(rng, n, features):
    return (rng.standard_normal((n, features)) @ rng.standard_normal((features, features)),)


def run(np, x, components=3):
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    covariance = x.T @ x / (len(x) - 1)
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1][:components]
    return np.abs(x @ vectors[:, order]), values[order]
