"""Errors: NumPy's own classes and conditions, with the operation's name in front."""

from __future__ import annotations

import numpy as np

from trueno import _handle


class StrictError(RuntimeError):
    """Raised with ``trueno.config(strict=True)`` where work would be handed to NumPy."""


class TruenoWarning(RuntimeWarning):
    """Something went wrong that cost speed but no data: a lost GPU."""


def named(error: Exception, name: str) -> Exception:
    """``error`` with ``trueno.<name>:`` before its message, its class and attributes unchanged.

    In the drop-in as it is: programs of NumPy print what NumPy says.
    """
    if _handle.settings().dropin:
        return error
    if isinstance(error, np.exceptions.AxisError):
        if error.axis is None or error.ndim is None:
            return np.exceptions.AxisError(f"trueno.{name}: {error}")
        return np.exceptions.AxisError(error.axis, error.ndim, f"trueno.{name}")
    message = error.args[0] if error.args else None
    if isinstance(message, str) and not message.startswith("trueno."):
        error.args = (f"trueno.{name}: {message}", *error.args[1:])
    return error
