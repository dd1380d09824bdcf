"""Einstein sums and tensors."""

import numpy as np

a = np.arange(6.0).reshape(2, 3)
b = np.arange(12.0).reshape(3, 4)
c = np.arange(24.0).reshape(2, 3, 4)
print(np.einsum("ij,jk->ik", a, b))
print(np.einsum("ij->ji", a), np.einsum("ii", np.eye(3)), np.einsum("ij->", a))
print(np.einsum("ijk,ij->k", c, a), np.einsum("i,j->ij", [1, 2], [3, 4]))
print(np.einsum("...j,j", c, np.ones(4)))
print(np.einsum("ij,jk,kl->il", a, b, np.ones((4, 2)), optimize=True))
path, text = np.einsum_path("ij,jk,kl->il", a, b, np.ones((4, 2)))
print(path, text.splitlines()[0])
print(np.tensordot(c, a, axes=([0, 1], [0, 1])), np.tensordot(a, b, 1)[0])
batch = np.random.default_rng(0).normal(size=(5, 3, 3))
print(np.allclose(np.einsum("bij,bkj->bik", batch, batch), batch @ batch.transpose(0, 2, 1)))
print(np.linalg.det(batch).round(5))
query, key = batch[:2], batch[2:4]
scores = np.einsum("bqd,bkd->bqk", query, key) / np.sqrt(3)
weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
weights /= weights.sum(axis=-1, keepdims=True)
print(weights.round(4), weights.sum(-1).round(12))
