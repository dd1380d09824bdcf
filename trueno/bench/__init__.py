"""``python -m trueno bench``: ratios to NumPy and to peers, measured in one run."""

from trueno.bench.cases import GROUPS
from trueno.bench.report import Options, main

__all__ = ["GROUPS", "Options", "main"]
