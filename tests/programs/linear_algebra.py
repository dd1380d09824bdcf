"""numpy.linalg."""

import numpy as np
from numpy import linalg as la
from numpy.linalg import LinAlgError, inv, solve

a = np.array([[4.0, 2, 1], [2, 5, 3], [1, 3, 6]])
b = np.array([1.0, 2, 3])
x = solve(a, b)
print(x.round(6), np.allclose(a @ x, b), la.det(a).round(6), la.matrix_rank(a))
print(inv(a).round(4))
print((a @ inv(a)).round(10) + 0.0)
values, vectors = la.eigh(a)
print(values.round(5), np.allclose(vectors @ np.diag(values) @ vectors.T, a))
print(la.cholesky(a).round(4))
q, r = la.qr(a)
print(np.abs(np.diag(r)).round(4), np.allclose(q @ r, a), np.allclose(q.T @ q, np.eye(3)))
print(la.norm(a), la.norm(b, 1), la.norm(a, "fro").round(4), la.norm(a, axis=1).round(4))
print(la.svd(a, compute_uv=False).round(4), la.cond(a).round(4), np.trace(a))
print(la.eigvals([[0, 1], [-1, 0]]), la.matrix_power(np.array([[1, 1], [1, 0]]), 10))
print(la.pinv(a[:, :2]).round(3), np.dot(b, b), np.inner(b, b), np.outer(b, b)[1], np.vdot(b, b))
print(np.cross([1, 0, 0], [0, 1, 0]), np.matmul(a[None], a[None]).shape, la.slogdet(a))
try:
    inv(np.zeros((2, 2)))
except LinAlgError as error:
    print("LinAlgError:", error)
try:
    la.cholesky(-a)
except np.linalg.LinAlgError as error:
    print("LinAlgError:", error)
m = np.matrix([[1, 2], [3, 4]])
print(m * m, m.T, type(m).__name__, la.multi_dot([a, a, b]))
stack = np.stack([a, 2 * a])
print(la.det(stack).round(3), la.solve(stack, np.ones((2, 3, 1)))[:, :, 0].round(4))
result = la.eigh(a)
print(type(result).__name__, result.eigenvalues.round(3))
