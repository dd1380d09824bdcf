"""The one protocol that every backend implements."""

from __future__ import annotations

from typing import Protocol

from trueno.kinds import Dtype
from trueno.plan import Call, Launch


class Backend(Protocol):
    """Runs launches. Sees plans and storages, never arrays, graphs or users."""

    name: str
    device: str  # "cpu" or "gpu": where the launch's data lives

    def supports(self, op: str, inputs: tuple[Dtype, ...], output: Dtype) -> bool:
        """Whether a kernel exists for ``op`` computing in these dtypes."""

    @property
    def lost(self) -> bool:
        """Whether the backend can never run anything again."""

    def synchronize(self) -> None:
        """Waits for everything launched, and reports the conditions that have not been."""

    def launch(self, launch: Launch) -> None:
        """Runs a launch. On return (CPU) or when next read (GPU) the outputs hold the result.

        Raises RuntimeError where it fails; the host's data are then as they were.
        A CPU backend reads and writes ``view.array``. A device backend uploads what is stale
        (``storage.device_valid``), writes device copies and calls ``storage.device_written()``.
        """

    def performs(self, call: Call) -> bool:
        """Whether the backend has this routine for these operands and parameters."""

    def call(self, call: Call) -> None:
        """Runs a routine that it ``performs``; the data are where they are for ``launch``.

        Raises RuntimeError where it fails; the outputs of a routine that does not update may then
        hold anything.
        """
