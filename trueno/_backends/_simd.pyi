"""The extension module that cffi generates from ``csrc/api.cdef``."""

from typing import Any

ffi: Any
lib: Any
