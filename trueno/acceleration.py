"""NumPy's own ufuncs on ndarrays, faster: for code that cannot be changed.

NumPy calls one C function, an inner loop, for each ufunc and dtype. ``accelerate_numpy`` puts
others in their place, which share long loops among the threads of Trueno's pool and compute some by
Trueno's kernels. Which loops, and from how many elements, says ``trueno/loops.py``. The memory of
dead ndarrays is kept for new ones, as that of TruenoArrays is.
"""

from __future__ import annotations

import threading
from types import TracebackType

import numpy as np

from trueno import _handle, engine, memory
from trueno._backends.simd_ufuncs import Entry
from trueno.loops import FOLDED, OWN, SHARED

_lock = threading.Lock()
_entries: list[Entry] = []
_standing: set[Entry] = set()
_uses = 0
_keeping = 0  # uses that keep memory


class accelerate_numpy:
    """Lets NumPy's ufuncs use Trueno's threads and kernels, from now on or for a ``with`` block.

    Holds for the whole process, so for plain ndarrays in pandas, SciPy, scikit-learn and all other
    libraries that call NumPy: large contiguous or strided operands of float32, float64 and int64 in
    elementwise functions, and sums of contiguous ones. Results have
    NumPy's dtypes, errors and warnings; those of mathematical functions may differ from NumPy's in
    the last digit, and so may sums, which are at least as accurate. Calls on few elements go to
    NumPy as before.

    With ``keep_memory``, memory of a MiB or more that ndarrays no longer use is kept for new ones
    (as ``python -m trueno info`` says, at most), since the system takes as long to clear fresh
    memory as most functions take to fill it. NumPy's memory handlers belong to a context: other
    threads keep memory where they call this function too.

    It may be called several times, from any thread, and holds until each has been undone, by
    ``undo`` or at the end of its ``with`` block. As many threads work as TRUENO_NUM_THREADS or
    threadpoolctl says; calls from several threads at a time take turns at the pool, and those that
    do not have it work alone. Children of ``fork`` have it too; other new processes do not.

    >>> import numpy as np, trueno as tn
    >>> x = np.linspace(0, 1, 1_000_000)
    >>> with tn.accelerate_numpy():
    ...     y = np.sin(x) + 1
    >>> type(y).__name__, round(float(y.max()), 4)
    ('ndarray', 1.8415)
    """

    def __init__(self, *, keep_memory: bool = True) -> None:
        global _uses, _keeping
        self._holds, self._keeps = True, keep_memory
        with _lock:
            _uses += 1
            _keeping += keep_memory
            if _uses == 1:
                for entry in entries():
                    put(entry)
            if keep_memory:
                _handle.keep_warm(memory.LIMIT)

    def undo(self) -> None:
        """Takes this call back. Does nothing if that has been done."""
        global _uses, _keeping
        with _lock:
            if not self._holds:
                return
            self._holds = False
            _uses -= 1
            _keeping -= self._keeps
            if self._keeps and not _keeping:
                _handle.keep_warm(0)
            if _uses == 0:
                for entry in list(_standing):
                    take_back(entry)

    def __enter__(self) -> accelerate_numpy:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.undo()


def replaced() -> tuple[int, int]:
    """How many of NumPy's loops are replaced now, and how many can be."""
    with _lock:
        return len(_standing), len(entries())


def entries() -> list[Entry]:
    """What can stand in place of NumPy's loops, made when first asked for."""
    if not _entries:
        engine.backend("simd")  # chooses the kernels
        for name in sorted(OWN.keys() | SHARED.keys() | FOLDED.keys()):
            _entries.extend(_of_ufunc(len(_entries), name))
    return _entries


def _of_ufunc(number: int, name: str) -> list[Entry]:
    ufunc: np.ufunc = getattr(np._core.umath, name)  # type: ignore[attr-defined]
    tables = [table.get(name, {}) for table in (OWN, SHARED, FOLDED)]
    made: list[Entry] = []
    for char in sorted({char for table in tables for char in table}):
        sizes = [table.get(char, 0) for table in tables]
        made.append(Entry(number + len(made), ufunc, types_of(ufunc, char), *sizes))
    return made


def types_of(ufunc: np.ufunc, char: str) -> tuple[np.dtype, ...]:
    """The dtypes of the loop for operands of one dtype."""
    inputs = char * ufunc.nin
    results = next(types[-ufunc.nout :] for types in ufunc.types if types.startswith(inputs + "->"))
    return tuple(np.dtype(c) for c in inputs + results)


def put(entry: Entry) -> None:
    """Puts an entry in the place of NumPy's loop, if it does not stand there."""
    if entry not in _standing:
        _handle.replace_loop(entry.ufunc, entry.types, entry.address, entry.former_at)
        _standing.add(entry)


def take_back(entry: Entry) -> None:
    """Puts NumPy's loop back. Where somebody has replaced ours, theirs stays, and so does ours
    below it."""
    found = _handle.replace_loop(entry.ufunc, entry.types, entry.former, 0)
    if found == entry.address:
        _standing.remove(entry)
    else:
        _handle.replace_loop(entry.ufunc, entry.types, found, 0)
