"""``trueno.linalg``: the standard's extension, and the rest of ``numpy.linalg`` on our arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno._array_api.linalg import *  # noqa: F403
from trueno._numpy.fallback import names, resolve


def __getattr__(name: str) -> Any:
    return resolve(np.linalg, name, globals())


def __dir__() -> list[str]:
    return names(np.linalg, globals())
