"""Loops over elements, as people write them who come from C."""

import numpy as np


def edit_distance(a, b):
    d = np.zeros((len(a) + 1, len(b) + 1), dtype=int)
    for i in range(len(a) + 1):
        d[i, 0] = i
    for j in range(len(b) + 1):
        d[0, j] = j
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            cost = 0 if a[i - 1] == b[j - 1] else 1
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + cost)
    return d[len(a), len(b)]


def trapezoid(f, a, b, n):
    total = 0.5 * (f(a) + f(b))
    for k in range(1, n):
        total += f(a + k * (b - a) / n)
    return total * (b - a) / n


def gauss(a, b):
    a, b = a.copy(), b.copy()
    n = len(b)
    for k in range(n):
        for i in range(k + 1, n):
            factor = a[i, k] / a[k, k]
            for j in range(k, n):
                a[i, j] -= factor * a[k, j]
            b[i] -= factor * b[k]
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - sum(a[i, j] * x[j] for j in range(i + 1, n))) / a[i, i]
    return x


print(edit_distance("kitten sitting on the mitten" * 3, "sitting kitten in the kitchen" * 3))
print(trapezoid(lambda x: x * x, 0.0, 3.0, 1000))
matrix = np.array([[4.0, 1, 2], [1, 5, 3], [2, 3, 6]])
print(gauss(matrix, np.array([1.0, 2, 3])).round(10))
total = 0
for row in np.arange(12).reshape(3, 4):
    for value in row:
        total += value
print(total, type(total).__name__)
fibonacci = np.empty(30, dtype=np.int64)
fibonacci[0] = fibonacci[1] = 1
for i in range(2, 30):
    fibonacci[i] = fibonacci[i - 1] + fibonacci[i - 2]
print(fibonacci[-1], list(fibonacci[:8]))
lookup = {fibonacci[i]: i for i in range(2, 10)}
print(lookup[21], 34 in lookup, 4 in lookup)
for index, value in np.ndenumerate(np.eye(2)):
    print(index, value)
