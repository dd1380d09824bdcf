"""How scalars and arrays print."""

import numpy as np

x = np.array([1.5, -2.25, 1e10, np.nan, np.inf])
print(x)
print(repr(x))
print(x[0], repr(x[0]), str(x[1]), f"{x[1]:8.3f}|{x[0]:>10}|{x[2]:e}")
print("%5.2f and %d and %s" % (x[0], x[0], x[0]))
print(np.float64(0.1) + np.float64(0.2), np.float32(0.1), np.int8(5), np.bool_(True))
print([x[0], np.int64(3), np.float32(2.5)])
print((np.pi, np.e, np.euler_gamma))
print(repr(np.arange(5)), repr(np.zeros((2, 2), dtype=np.float32)), repr(np.array([])))
print(np.array([True, False]), np.array(["ab", "c"]), repr(np.array(["ab", "c"])))
print(np.array([1 + 2j, -0.5j]), np.array(3.0), repr(np.array(3)))
print(np.arange(2000))
print(np.arange(24).reshape(2, 3, 4))
with np.printoptions(precision=3, suppress=True, linewidth=40):
    print(np.array([1e-8, 1.23456789, 100.0]))
    print(np.linspace(0, 1, 12))
print(np.array2string(np.array([[1.5, 2], [3, 4]]), separator=", ", prefix="m = "))
print(np.format_float_positional(1e-5), np.base_repr(255, 16), np.binary_repr(-3, 8))
print(str(np.arange(3).tolist()), np.arange(3).dtype, np.dtype("f4,i8"), x.dtype.name)
print("{}".format(np.arange(3)), f"{np.arange(3)!r}", "%s" % np.ones(2))
print(sum(np.arange(4)), max(np.array([3, 1, 2])), sorted(np.array([3, 1, 2])), round(x[1]))
print(x.mean(), x[:2].sum(), x[:3].max(), np.arange(5).sum(), np.arange(5).mean())
print(bool(x[0] > 1), x[0] > 1, np.all(x[:2] > -5), np.any(x > 1e11), not np.array(0))
print(divmod(np.int64(7), 2), 2 ** np.arange(4), -np.array(2), np.array([7]) // 2)
print(hash(np.float64(0.5)) == hash(0.5), {np.int64(1): "one"}[1], np.str_("text"))
