"""Statistics of columns read from standard input."""

import sys

import numpy as np

header = sys.stdin.readline().split()
data = np.loadtxt(sys.stdin)
print("columns:", ", ".join(header), "rows:", data.shape[0])
for name, column in zip(header, data.T):
    low, middle, high = np.percentile(column, [25, 50, 75])
    print(
        f"{name:>8}: {column.min():8.3f} {low:8.3f} {middle:8.3f} {high:8.3f} {column.max():8.3f}"
    )
print(np.corrcoef(data, rowvar=False).round(5))
z = (data - data.mean(0)) / data.std(0)
np.savetxt(sys.stdout, z, fmt="%8.4f")
print(np.argsort(z[:, 0]), np.histogram(data[:, 1], bins=3)[0])
np.savetxt(sys.stdout.buffer, np.arange(4).reshape(2, 2), fmt="%d", delimiter=",")
print("done", file=sys.stderr)
