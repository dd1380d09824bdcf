"""NumPy programs of the kinds that people write, unmodified: one file each.

``SIZES`` maps a label to the arguments of ``inputs``, small to large; ``inputs(rng, ...)`` makes
ndarrays, and numbers; ``run(np, ...)`` is the program. ``TOLERANCE`` says how far results may be
from NumPy's where that is more than usual.
"""
