"""The dtypes that Trueno computes itself, and their names in the field's vocabulary.

Dtypes are NumPy's own: ``trueno.float32 is numpy.float32``. Anything that is not listed here
(datetime64, strings, object, structured, byte-swapped) is carried and computed by NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

BOOL = np.dtype(np.bool_)
INT8, INT16, INT32, INT64 = (np.dtype(t) for t in ("int8", "int16", "int32", "int64"))
UINT8, UINT16, UINT32, UINT64 = (np.dtype(t) for t in ("uint8", "uint16", "uint32", "uint64"))
FLOAT16, FLOAT32, FLOAT64 = (np.dtype(t) for t in ("float16", "float32", "float64"))
COMPLEX64, COMPLEX128 = (np.dtype(t) for t in ("complex64", "complex128"))

SIGNED = (INT8, INT16, INT32, INT64)
UNSIGNED = (UINT8, UINT16, UINT32, UINT64)
FLOATS = (FLOAT16, FLOAT32, FLOAT64)
COMPLEXES = (COMPLEX64, COMPLEX128)

# The order fixes the dtype numbers that csrc/trueno.h and the packed programs use.
ACCELERATED: tuple[np.dtype[Any], ...] = (BOOL, *SIGNED, *UNSIGNED, *FLOATS, *COMPLEXES)
NUMBER: dict[np.dtype[Any], int] = {dtype: i for i, dtype in enumerate(ACCELERATED)}

Dtype = np.dtype[Any]
