"""A file seen as an array."""

import os
import tempfile

import numpy as np

folder = tempfile.mkdtemp()
path = os.path.join(folder, "big.dat")
shape = (1000, 100)
big = np.memmap(path, dtype="float32", mode="w+", shape=shape)
for i in range(0, 1000, 250):
    big[i : i + 250] = np.arange(i, i + 250, dtype=np.float32)[:, None]
big.flush()
del big
print(os.path.getsize(path))

view = np.memmap(path, dtype="float32", mode="r", shape=shape)
print(type(view).__name__, view.shape, view[500, 3], view[10:13, 0])
print(view.mean(axis=1)[:4], float(view.sum(dtype=np.float64)))
try:
    view[0, 0] = 1
except ValueError as error:
    print(type(error).__name__)
changed = np.memmap(path, dtype="float32", mode="r+", shape=shape)
changed[0] = -1
changed[1] *= 2
changed.flush()
print(np.fromfile(path, dtype="float32", count=3), np.sqrt(view[4:6, 0]))
np.save(os.path.join(folder, "y.npy"), np.arange(10))
y = np.load(os.path.join(folder, "y.npy"), mmap_mode="r")
print(y[2:5], isinstance(y, np.memmap), isinstance(y, np.ndarray), y.sum())
