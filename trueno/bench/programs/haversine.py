"""Distances on the Earth between rows of coordinates."""

SIZES = {"1000 pairs": (1000,), "2M pairs": (2_000_000,)}


def inputs(rng, n):
    latitude, longitude = rng.uniform(-80, 80, (2, n)), rng.uniform(-180, 180, (2, n))
    return latitude[0], longitude[0], latitude[1], longitude[1]


def run(np, lat1, lon1, lat2, lon2):
    lat1, lon1, lat2, lon2 = map(np.radians, (lat1, lon1, lat2, lon2))
    a = (
        np.sin((lat2 - lat1) / 2) ** 2
        + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * 6371 * np.arcsin(np.sqrt(a))
