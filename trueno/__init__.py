"""Trueno: NumPy, fast on any machine.

This module is a namespace of the Python array API standard, version 2025.12, and every other public
name of NumPy resolves here too: functions on our arrays, and NumPy's own classes and constants.
"""

from __future__ import annotations

from importlib import metadata as _metadata
from typing import Any

import numpy as _np

from trueno import fft, linalg, nn
from trueno._array_api.constants import *  # noqa: F403
from trueno._array_api.creation_functions import *  # noqa: F403
from trueno._array_api.data_type_functions import *  # noqa: F403
from trueno._array_api.data_types import *  # noqa: F403
from trueno._array_api.elementwise_functions import *  # noqa: F403
from trueno._array_api.indexing_functions import *  # noqa: F403
from trueno._array_api.info import *  # noqa: F403
from trueno._array_api.linear_algebra_functions import *  # noqa: F403
from trueno._array_api.manipulation_functions import *  # noqa: F403
from trueno._array_api.searching_functions import *  # noqa: F403
from trueno._array_api.set_functions import *  # noqa: F403
from trueno._array_api.sorting_functions import *  # noqa: F403
from trueno._array_api.statistical_functions import *  # noqa: F403
from trueno._array_api.utility_functions import *  # noqa: F403
from trueno._numpy.fallback import names as _names
from trueno._numpy.fallback import resolve as _resolve
from trueno._numpy.functions import *  # noqa: F403
from trueno.array import TruenoArray
from trueno.config import backend, config
from trueno.errors import StrictError, TruenoWarning
from trueno.protocols import evaluate, to_numpy
from trueno.stats import profile

__array_api_version__ = "2025.12"


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _metadata.version("trueno")
    return _resolve(_np, name, globals())


def __dir__() -> list[str]:
    return _names(_np, globals())
