"""The GPU's routines: one table of those of every family."""

from __future__ import annotations

from trueno._backends import wgpu_matmul, wgpu_scans, wgpu_sort, wgpu_windows
from trueno._backends.wgpu_routine import Routine

ROUTINES: dict[str, Routine] = {
    **wgpu_matmul.ROUTINES,
    **wgpu_scans.ROUTINES,
    **wgpu_sort.ROUTINES,
    **wgpu_windows.ROUTINES,
}
