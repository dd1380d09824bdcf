"""The linear algebra extension (the standard's chapter "Extensions: linalg").

Matrices are the last two axes, stacks of them the others. Integers compute in float64, float32
stays float32; float16 raises TypeError. LinAlgError (a ValueError) says that a computation has no
result: a matrix is singular, not square, not positive definite, or the method does not converge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from trueno._array_api._support import NO_VALUE, call, implements, viewed
from trueno._array_api.linear_algebra_functions import matmul, matrix_transpose, tensordot, vecdot
from trueno._numpy.norms import vector_norm
from trueno.config import SETTINGS
from trueno.handover import call_numpy

__all__ = [
    "LinAlgError",
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]


def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """The triangular factor L of positive definite L L^H = a (with ``upper``: U of U^H U = a)."""
    return call(np.linalg.cholesky, a, upper=upper)


def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """The cross product along an ``axis`` of length 3 (else ValueError), the others broadcast."""
    return call(np.linalg.cross, x1, x2, axis=axis)


def det(a: Any) -> Any:
    """Determinants of square matrices, of shape (...)."""
    return call(np.linalg.det, a)


@implements(np.linalg.diagonal)
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """Diagonals of matrices, ``offset`` above (negative: below) the main one: a read-only view."""
    return viewed(x, lambda array: np.linalg.diagonal(array, offset=offset), "diagonal")


def _complex_eig(a: Any) -> Any:
    result = np.linalg.eig(a)
    dtype = np.result_type(result.eigenvalues.dtype, np.complex64)
    return type(result)(*[np.asarray(x).astype(dtype, copy=False) for x in result])


def _complex_eigvals(a: Any) -> Any:
    values = np.asarray(np.linalg.eigvals(a))
    return values.astype(np.result_type(values.dtype, np.complex64), copy=False)


def eig(a: Any) -> Any:
    """Eigenvalues (..., n) and eigenvectors (..., n, n), in columns: a namedtuple, complex.

    In the drop-in they are real where NumPy's are: where no imaginary part is left.
    """
    if SETTINGS.get().dropin:
        return call(np.linalg.eig, a)
    return call_numpy(_complex_eig, (a,), name="eig")


def eigvals(a: Any) -> Any:
    """Eigenvalues (..., n) of square matrices, complex (see ``eig``), in no particular order."""
    if SETTINGS.get().dropin:
        return call(np.linalg.eigvals, a)
    return call_numpy(_complex_eigvals, (a,), name="eigvals")


def eigh(a: Any, UPLO: Any = "L") -> Any:
    """Eigenvalues, ascending, and eigenvectors of Hermitian matrices: a namedtuple.

    Only the lower triangle is read, the upper one for ``UPLO="U"``.
    """
    return call(np.linalg.eigh, a, UPLO)


def eigvalsh(a: Any, UPLO: Any = "L") -> Any:
    """Eigenvalues (..., n), ascending, of Hermitian matrices; arguments as of ``eigh``."""
    return call(np.linalg.eigvalsh, a, UPLO)


def inv(a: Any) -> Any:
    """Inverses of square matrices."""
    return call(np.linalg.inv, a)


def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Norms of matrices: "fro", "nuc", 1, -1, 2, -2, inf or -inf; else ValueError."""
    return call(np.linalg.matrix_norm, x, keepdims=keepdims, ord=ord)


def matrix_power(a: Any, n: int) -> Any:
    """Square matrices multiplied ``n`` times by themselves; the inverses, for n < 0."""
    return call(np.linalg.matrix_power, a, n)


def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """The number of singular values above ``tol``, or above ``rtol`` times the largest: int64."""
    return call(np.linalg.matrix_rank, A, tol, hermitian, rtol=rtol)


def outer(x1: Any, x2: Any, /) -> Any:
    """Each element of ``x1`` times each of ``x2``. ValueError unless both have one axis."""
    return call(np.linalg.outer, x1, x2)


def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """Moore-Penrose inverses.

    Singular values below ``rtol`` (or ``rcond``) times the largest count as zero.
    """
    if rcond is None and rtol is None:
        return call(np.linalg.pinv, a, hermitian=hermitian)
    if rcond is None:
        return call(np.linalg.pinv, a, hermitian=hermitian, rtol=rtol)
    rtol = NO_VALUE if rtol is None else rtol  # both: NumPy's ValueError
    return call(np.linalg.pinv, a, rcond, hermitian, rtol=rtol)


def qr(a: Any, mode: Any = "reduced") -> Any:
    """Q with orthonormal columns and upper triangular R with Q R = a: a namedtuple.

    mode: "reduced" (Q of shape (..., m, k), k = min(m, n)), "complete" (..., m, m); also NumPy's.
    """
    return call(np.linalg.qr, a, mode)


def slogdet(a: Any) -> Any:
    """Sign and logarithm of the absolute value of determinants: a namedtuple (sign, logabsdet)."""
    return call(np.linalg.slogdet, a)


def solve(a: Any, b: Any) -> Any:
    """x with a x = b, for square ``a``; ``b`` is a vector if it has one axis, else (..., n, k)."""
    return call(np.linalg.solve, a, b)


def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """U, singular values (descending) and V^H of matrices (..., m, n): a namedtuple (U, S, Vh).

    U and Vh are (..., m, m) and (..., n, n), without ``full_matrices`` (..., m, k) and (..., k, n).
    """
    return call(np.linalg.svd, a, full_matrices, compute_uv, hermitian)


def svdvals(x: Any, /) -> Any:
    """Singular values (..., min(m, n)), descending, of matrices (..., m, n)."""
    return call(np.linalg.svdvals, x)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """Sums along the diagonals of matrices; small integers add up in int64 or uint64."""
    return call(np.linalg.trace, x, offset=offset, dtype=dtype)
