"""NumPy's functions and ufunc methods beyond the array API standard."""
