"""Harris corners and a reduced palette: an image pipeline in plain NumPy.

Images are float arrays, grey (height, width) or colour (height, width, 3).
"""

import kmeans
import numpy as np


def gaussian_weights(sigma):
    """Weights of a Gaussian filter of standard deviation ``sigma`` pixels, cut at 3 sigma."""
    radius = int(3 * sigma + 0.5)
    weights = [np.exp(-0.5 * (k / sigma) ** 2) for k in range(-radius, radius + 1)]
    return [float(weight / sum(weights)) for weight in weights]


def filter_rows(image, weights):
    """Correlates along axis 0, the image mirrored at its edges."""
    radius = len(weights) // 2
    padded = np.pad(image, ((radius, radius), (0, 0)), mode="reflect")
    result = weights[0] * padded[: len(image)]
    for k in range(1, len(weights)):
        result += weights[k] * padded[k : k + len(image)]
    return result


def blur(image, sigma):
    """Gaussian blur of a grey image."""
    weights = gaussian_weights(sigma)
    return filter_rows(filter_rows(image, weights).T, weights).T


def grey(image):
    """Luma of a colour image (ITU-R BT.601)."""
    return 0.299 * image[..., 0] + 0.587 * image[..., 1] + 0.114 * image[..., 2]


def gradient(image):
    """Central differences along both axes, zero on the border."""
    down, right = np.zeros_like(image), np.zeros_like(image)
    down[1:-1] = (image[2:] - image[:-2]) / 2
    right[:, 1:-1] = (image[:, 2:] - image[:, :-2]) / 2
    return down, right


def harris_response(image, sigma=1.5, k=0.05):
    """Corner strength of a grey image (Harris and Stephens, 1988)."""
    down, right = gradient(image)
    a, b, c = blur(down * down, sigma), blur(down * right, sigma), blur(right * right, sigma)
    return a * c - b * b - k * (a + c) ** 2


def local_maxima(response, threshold):
    """Where a point is the greatest of its 3 x 3 neighbourhood, and above a part of the maximum."""
    inner = response[1:-1, 1:-1]
    greatest = np.copy(inner)
    height, width = inner.shape
    for i in range(3):
        for j in range(3):
            greatest = np.maximum(greatest, response[i : i + height, j : j + width])
    found = np.zeros_like(response, dtype=bool)
    found[1:-1, 1:-1] = (inner == greatest) & (inner > threshold * np.max(response))
    return found


def harris_corners(image, threshold=0.02):
    """Rows and columns of the corners of a colour image, and the corner strength everywhere."""
    response = harris_response(grey(image))
    return np.argwhere(local_maxima(response, threshold)), response


def quantise(image, colours=12, iterations=8):
    """A colour image in its ``colours`` most typical colours, and those colours."""
    pixels = np.reshape(image, (-1, 3))
    first = pixels[:: len(pixels) // colours][:colours]
    centres, labels = kmeans.kmeans(pixels, first, iterations)
    return np.reshape(np.take(centres, labels, axis=0), image.shape), centres
