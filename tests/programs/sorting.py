"""Sorting, searching and sets."""

import numpy as np

rng = np.random.default_rng(9)
x = rng.integers(0, 50, 20)
print(np.sort(x), x.argsort(kind="stable")[:5], np.partition(x, 3)[:4].max())
y = x.copy()
y.sort()
print(y.searchsorted([10, 25]), np.digitize([3, 30], [0, 10, 20, 40]), y[::-1][:3])
values, first, inverse, counts = np.unique(
    x, return_index=True, return_inverse=True, return_counts=True
)
print(values, first[:3], np.array_equal(values[inverse], x), counts.max())
print(np.intersect1d(x, np.arange(10)), np.union1d([1, 2], [2, 3]), np.setdiff1d([1, 2, 3], [2]))
print(
    np.isin([1, 2, 3], [2, 3]),
    np.setxor1d([1, 2], [2, 3]),
    np.in1d([1], [1]) if hasattr(np, "in1d") else "",
)
names = np.array(["bob", "al", "cy"])
print(np.sort(names), names.argsort(), np.char.upper(names), np.char.str_len(names))
print(np.strings.find(names, "b"), np.char.add(names, "!"), names == "al", np.char.join("-", names))
table = np.array([[3, 1], [1, 2], [3, 0]])
print(
    table[np.lexsort((table[:, 1], table[:, 0]))], np.sort(table, axis=0), np.unique(table, axis=0)
)
print(np.median(x), np.percentile(x, 90), x.mean(), x.var(), np.std(x, ddof=1).round(6))
print(np.histogram(x, bins=4), np.bincount(x % 3), np.cumsum(x)[-1], np.diff(np.sort(x))[:4])
print(np.maximum.accumulate(x)[:6], np.minimum.reduce(x), x.argmax(), x.argmin(), np.ptp(x))
print(np.array_equal(np.sort(x)[::-1], -np.sort(-x)), np.flip(x)[:3], np.rot90(table).tolist())
counts2, xe, ye = np.histogram2d(x, x[::-1], bins=2)
print(counts2, xe, np.average([1, 2, 3], weights=[3, 2, 1]).round(5), np.ediff1d([1, 4, 9]))
print(np.argpartition(x, 2)[:1].shape, np.trim_zeros([0, 1, 0]), np.array_equiv([1, 1], 1))
