"""Masked arrays."""

import numpy as np
import numpy.ma as ma

data = np.array([1.0, -999.0, 3.0, 4.0, -999.0, 6.0])
m = ma.masked_values(data, -999.0)
print(m)
print(m.mean(), m.sum(), m.count(), m.std().round(6))
print(m.filled(0), m.compressed())
print(m * 2 + np.arange(6))
print(np.sqrt(m).round(4))
table = ma.array(np.arange(12).reshape(3, 4), mask=np.arange(12).reshape(3, 4) % 5 == 0)
print(table)
print(table.sum(axis=0), table.max(axis=1))
print(ma.masked_where(table > 8, table))
print(np.ma.is_masked(table), table.mask.sum(), np.ma.median(table))
invalid = ma.masked_invalid(np.array([1.0, np.nan, np.inf]))
print(invalid, repr(invalid))
table[0] = ma.masked
print(table[0], table[1, 1], table[0, 0] is ma.masked)
print(np.where(table.mask, -1, table.data))
print(type(m + data).__name__, isinstance(m, np.ndarray))
