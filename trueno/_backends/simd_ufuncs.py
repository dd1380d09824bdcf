"""Entries of ``csrc/ufuncs.c``: functions that may stand in place of NumPy's inner loops.

An entry is described once, for one loop of one ufunc, and then belongs to it for the rest of the
process, since NumPy may call it at any time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trueno._backends import _simd
from trueno._backends.simd_program import conditions_of, loop_of, supports
from trueno.kinds import NUMBER, Dtype
from trueno.ops import BY_UFUNC, OPS, REDUCTIONS

_ffi: Any = _simd.ffi
_lib: Any = _simd.lib
_FIELDS = ("check", "trusted", "derived", "pole")
_NEVER = np.iinfo(np.int64).max
# The reductions that a ufunc's loop performs, by the name of what combines.
_FOLDS = {op.reduce: name for name, op in REDUCTIONS.items()}


class Entry:
    """What stands in place of the loop of ``ufunc`` for operands (and results) of ``dtypes``.

    own:    elements from which a kernel of ours computes; 0: never, NumPy's loop always does
    shared: elements from which threads share the work of either; 0: never
    folded: elements from which a kernel of ours reduces; 0: never
    """

    def __init__(
        self,
        number: int,
        ufunc: np.ufunc,
        dtypes: tuple[Dtype, ...],
        own: int,
        shared: int,
        folded: int,
    ) -> None:
        function = _lib.trueno_ufunc_entry(number)
        if function == _ffi.NULL:
            raise ValueError("trueno: csrc/ufuncs.c has no entry left")
        self.ufunc = ufunc
        self.dtypes = dtypes
        self.sizes = (own, shared, folded)
        self.types = tuple(dtype.num for dtype in dtypes)
        self.address = int(_ffi.cast("intptr_t", function))
        self._description = _lib.trueno_ufunc(number)
        fields: dict[str, Any] = {
            "inputs": ufunc.nin,
            "operands": ufunc.nargs,
            "size": [dtype.itemsize for dtype in dtypes],
        }
        if own:
            fields |= _kernel(ufunc, dtypes)
        if folded:
            fields |= _reducer(ufunc, dtypes[0])
        for name, value in fields.items():
            setattr(self._description, name, value)
        self.begin(own, shared, folded)

    def begin(self, own: int, shared: int, folded: int) -> None:
        """Sets from how many elements each way is taken."""
        sizes = [size or _NEVER for size in (own, shared, folded)]
        d = self._description
        d.own, d.shared, d.folded = sizes
        d.least = min(sizes)

    @property
    def computes(self) -> bool:
        """Whether a kernel of ours may compute."""
        return bool(self.sizes[0])

    @property
    def reduces(self) -> bool:
        """Whether a kernel of ours may reduce."""
        return bool(self.sizes[2])

    @property
    def former(self) -> int:
        """The address of what the entry stands in place of; 0 at first."""
        return int(_ffi.cast("intptr_t", self._description.former))

    @property
    def former_at(self) -> int:
        """The address of where that is written down."""
        return int(_ffi.cast("intptr_t", _ffi.addressof(self._description, "former")))


def has_kernel(ufunc: np.ufunc, dtypes: tuple[Dtype, ...]) -> bool:
    """Whether there is a kernel of ours for a loop of ``ufunc``."""
    op = BY_UFUNC.get(ufunc)
    return op is not None and ufunc.nout == 1 and supports(op.name, dtypes[:-1], dtypes[-1])


def has_reducer(ufunc: np.ufunc, dtype: Dtype) -> bool:
    """Whether there is a kernel of ours for reductions by ``ufunc`` in ``dtype``."""
    return ufunc in BY_UFUNC and _reducer(ufunc, dtype)["reducer"] != _ffi.NULL


def _kernel(ufunc: np.ufunc, dtypes: tuple[Dtype, ...]) -> dict[str, Any]:
    name = BY_UFUNC[ufunc].name
    conditions = conditions_of(name, dtypes[0])
    return {"run": loop_of(name, dtypes[0]), **conditions}


def _reducer(ufunc: np.ufunc, dtype: Dtype) -> dict[str, Any]:
    combine = BY_UFUNC[ufunc].name
    name = _FOLDS.get(combine, "")
    number = NUMBER[dtype]
    return {
        "reducer": _lib.trueno_reducer(name.encode(), number, number),
        "combine": loop_of(combine, dtype),
        "trusted": OPS[name].raises if name and dtype.kind == "f" else 0,
    }
