"""Fancy indexing, masks, and writes through them."""

import numpy as np

x = np.arange(20).reshape(4, 5) ** 2
print(x[[0, 2], [1, 3]], x[np.ix_([0, 3], [1, 4])], x[x % 2 == 1])
print(x[..., -1], x[1:3, ::2], x[-1], x[2, 3], x[np.newaxis, 0].shape)
y = x.copy()
y[y > 100] = -1
y[[0, 1], :] = 7
y[:, 0] += np.arange(4)
print(y)
z = np.zeros(5, dtype=int)
z[[1, 1, 3]] += 1
print(z)
np.add.at(z, [1, 1, 3], 1)
print(z, np.bincount([0, 1, 1, 3]), np.flatnonzero(z), z.nonzero())
rows, columns = np.where(x > 200)
print(rows, columns, list(zip(rows, columns))[:2], np.argwhere(x == 16))
print(np.where(x > 50, x, 0)[1], np.select([x[0] < 2, x[0] < 10], [0, 1], 9))
print(np.take(x, [1, 3], axis=1)[0], np.choose([0, 1, 0], [[1, 2, 3], [4, 5, 6]]))
order = np.argsort([3, 1, 2])
print(order, np.take_along_axis(x, np.argsort(-x, axis=1), 1)[0], np.diag(x), np.tril(x)[1])
np.put(z, [0, 4], 9)
np.fill_diagonal(y, 0)
print(z, y[1, 1], np.delete(z, 1), np.insert(z, 0, 5), np.append(z, [1, 2]))
mask = np.zeros((4, 5), dtype=bool)
mask[1:3, 1:4] = True
print(x[mask], mask.sum(), np.count_nonzero(mask, axis=1), (~mask).all(), np.roll(x, 1, 1)[0])
i = np.array(2)
print(x[i, i], x[i].shape, [10, 20, 30][np.int64(1)], "abc"[np.argmax([0, 5, 1])])
for bad in (7, (0, 9), "a", 1.5):
    try:
        x[bad]
    except IndexError as error:
        print(type(error).__name__, error)
it = np.nditer(x, flags=["multi_index"])
print([it.multi_index for value in it if value == 16], x.flat[7], list(x.flat)[:3])
x[0] = [1.9, 2, 3, 4, 5]
print(
    x[0], 361 in x, x.item(3, 4), x.argmax(), x.tolist()[0], x.ptp() if hasattr(x, "ptp") else 361
)
