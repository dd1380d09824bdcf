"""``trueno.linalg``: the standard's extension, and the rest of ``numpy.linalg`` on our arrays."""

from __future__ import annotations

from typing import Any

import numpy as _np

from trueno._array_api import linalg as _standard
from trueno._array_api.linalg import *  # noqa: F403
from trueno._numpy.fallback import names as _names
from trueno._numpy.fallback import publish as _publish
from trueno._numpy.fallback import resolve as _resolve

__all__: list[str] = []
__all__ += _standard.__all__
_publish(globals())


def __getattr__(name: str) -> Any:
    return _resolve(_np.linalg, name, globals())


def __dir__() -> list[str]:
    return _names(_np.linalg, globals())
