"""Broadcasting, axes and shapes."""

import numpy as np

a = np.arange(3)[:, None]
b = np.arange(4)
print(a * 10 + b)
print((a + b).shape, np.broadcast_shapes((3, 1), (4,)), np.broadcast(a, b).shape)
table = np.arange(24).reshape(2, 3, 4)
print(table.transpose(2, 0, 1).shape, np.moveaxis(table, 0, -1).shape, table.T.strides)
print(table.sum(axis=(0, 2)), table.mean(axis=1, keepdims=True).shape)
x = np.stack([np.arange(3), np.arange(3, 6)])
print(np.vstack([x, [9, 9, 9]]), np.hstack([x, x])[0], np.column_stack(x))
print(np.split(np.arange(9), [2, 5]), np.array_split(np.arange(7), 3))
print(np.tile([1, 2], (2, 2)), np.repeat([1, 2], [2, 3]), np.expand_dims(b, 0).shape)
print(np.squeeze(np.zeros((1, 3, 1))).shape, np.ravel(x, order="F"), x.reshape(-1))
view = x[:, ::-1]
view[0, 0] = 100
print(x, np.shares_memory(x, view), view.base is not None, x.flags["C_CONTIGUOUS"])
distances = np.sqrt(((x[:, None, :] - x[None, :, :]) ** 2).sum(-1))
print(distances.round(3))
c = np.broadcast_to(b, (2, 4))
try:
    c[0, 0] = 1
except ValueError as error:
    print("ValueError:", error)
try:
    np.ones(3) + np.ones(4)
except ValueError as error:
    print("ValueError:", error)
grid = np.meshgrid(np.arange(2), np.arange(3), indexing="ij")
print([g.tolist() for g in grid], np.ogrid[0:2, 0:3][1], np.indices((2, 2)).sum(axis=0))
print(np.add.outer([1, 2], [10, 20]), np.multiply.reduce([1, 2, 3, 4]), np.kron([1, 2], [1, 1]))
x.shape = (3, 2)
print(x, x.size, x.ndim, x.nbytes, len(x), np.atleast_2d(5))
