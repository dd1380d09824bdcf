"""Polynomial fits, old and new."""

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial
from numpy.polynomial import polynomial as P

x = np.linspace(-2, 2, 41)
noise = np.random.default_rng(0).normal(scale=0.05, size=x.size)
y = 1 - 2 * x + 0.5 * x**3 + noise
c = np.polyfit(x, y, 3)
print(c.round(3), np.polyval(c, 1.5).round(4))
p = np.poly1d([1, -3, 2])
print(p, p.roots, p(5), p.deriv(), (p * p).order)
fit = Polynomial.fit(x, y, 3)
print(fit.convert().coef.round(3), fit(0.5).round(4), fit.degree())
print(np.abs(fit(x) - y).max().round(4))
q = Polynomial([1, 2, 3])
print(q, q.deriv().coef, q.integ(1).coef, (q + 1)(2), q.roots().round(4))
print(P.polyval(np.array([1.0, 2.0]), [1, 2, 3]), P.polyroots([6, -5, 1]))
t = Chebyshev.interpolate(np.cos, 8)
print(f"{abs(t(0.3) - np.cos(0.3)):.1e}"[:2] != "", np.roots([1, 0, -4]), np.polyadd([1], [1, 1]))
a = np.vander(x[:4], 3)
solution, residual, rank, s = np.linalg.lstsq(np.vander(x, 4), y, rcond=None)
print(a, solution.round(3), rank, len(s))
print(np.interp([0.5, 1.5], [0, 1, 2], [0, 10, 40]), np.trapezoid(x**2, x).round(4))
print(np.gradient(np.array([1.0, 4, 9, 16])), np.polydiv([1, -3, 2], [1, -1]))
