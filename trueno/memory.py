"""Buffers and views: blocks of memory, mirrored on a device where one is used.

Every buffer has host memory, reserved when it is made (untouched pages cost nothing) and possibly
stale: then a device copy holds the current bytes. A view is an ordinary ``numpy.ndarray`` over that
memory, so that NumPy's own rules decide every shape, stride and overlap.
"""

from __future__ import annotations

import itertools
import os
import sys
from time import monotonic
from typing import Any, NamedTuple, Protocol

import numpy as np

from trueno import stats
from trueno._handle import Block

NDArray = np.ndarray[Any, Any]


class DeviceCopy(Protocol):
    """A buffer's bytes on a device. Made, and its contents understood, by one backend only."""

    def read_into(self, root: NDArray) -> None:
        """Copies the bytes to ``root`` (the buffer's whole host memory), waiting for them."""


class Storage(Block):
    """A block of bytes: ``root`` on the host, and ``device``, its copy on a device.

    root:         the ndarray that owns the host memory (of any shape); views share its memory
    host_valid:   whether the host bytes are current
    device:       the device copy, or None
    device_valid: whether the device bytes are current; at least one side always is, once written
    """

    __slots__ = ()

    def to_host(self) -> None:
        """Makes the host bytes current."""
        if not self.host_valid:
            assert self.device is not None and self.device_valid
            start = stats.now()
            self.device.read_into(self.root)
            stats.tell("transfer", "gpu to host", self.root.nbytes, start)
            self.host_valid = True

    @property
    def shared(self) -> bool:
        """Whether someone outside Trueno may read or write the host memory right now."""
        return False

    def host_written(self) -> None:
        """Notes that the host bytes were changed: a device copy is stale now."""
        self.host_valid = True
        self.device_valid = False

    def device_written(self) -> None:
        """Notes that the device bytes were changed: the host bytes are stale now."""
        self.device_valid = True
        self.host_valid = False


class View(NamedTuple):
    """Elements of a storage, seen through an ndarray over its host memory.

    ``array`` may show stale bytes; its address, shape, strides and dtype are always right. Its byte
    offset within the storage is ``address(array) - address(storage.root)``.
    """

    storage: Storage
    array: NDArray


def address(array: NDArray) -> int:
    """The memory address of an array's first element."""
    pointer: int = array.__array_interface__["data"][0]
    return pointer


def same_elements(a: NDArray, b: NDArray) -> bool:
    """Whether two arrays show the same elements of the same memory in the same order."""
    return a is b or (
        a.shape == b.shape
        and a.strides == b.strides
        and a.dtype == b.dtype
        and address(a) == address(b)
    )


# ---------------------------------------------------------------- the pool
# Fresh memory costs more than the arithmetic done on it (page faults), so that the memory of dead
# buffers is kept, up to a bound, and handed out again while its pages are warm. What has not been
# used for a while goes back to the system when memory is next released, as does the longest unused
# where the bound is met.

# Blocks begin at a cache line, at different places of a page: a load whose address equals that of a
# store just before it in the lower 12 bits waits for that, as if it read what was stored.
_PAGE = 4096
_places = itertools.cycle([64 * (11 * n % 64) for n in range(64)])
POOLED_FROM = 1 << 16  # bytes; the C library's own allocator is as good below
_KEPT_FOR = 10.0  # seconds
_free: dict[int, list[tuple[float, NDArray]]] = {}  # size to when released, aligned slice of block
_free_bytes = 0
_next_look = 0.0  # when blocks may be too old


def _limit() -> int:
    """Bytes to keep at most: an eighth of the memory that this process may use, up to 4 GiB."""
    limits = [32 << 30]
    try:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        limits.append(8 << 30)  # a system that does not say: as if it were a small one
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # control groups: version 2 and 1
        try:
            with open(f"/sys/fs/cgroup/{name}") as file:
                limits.append(int(file.read()))
        except (OSError, ValueError):
            continue
    return min(limits) // 8


LIMIT = _limit()


def _size_class(nbytes: int) -> int:
    """``nbytes`` rounded up to one of eight steps an octave, so that near sizes share blocks."""
    step = 1 << max(nbytes.bit_length() - 4, 12)
    return -(-nbytes // step) * step


def block(nbytes: int) -> NDArray:
    """At least ``nbytes`` (from POOLED_FROM on) of uninitialised memory, aligned. MemoryError."""
    global _free_bytes
    size = _size_class(nbytes)
    blocks = _free.get(size)
    try:
        root: NDArray | None = blocks.pop()[1] if blocks else None
    except IndexError:  # another thread took the last one
        root = None
    if root is not None:
        _free_bytes -= size
        return root
    try:
        whole = np.empty(size + _PAGE, np.uint8)
    except MemoryError:
        trim()
        whole = np.empty(size + _PAGE, np.uint8)
    offset = (next(_places) - address(whole)) % _PAGE
    return whole[offset : offset + size]


def allocate(
    shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype[Any]
) -> tuple[NDArray, NDArray]:
    """A block of uninitialised memory and an array of the given layout at its beginning.

    ``strides`` must be those of a compact layout (any order of axes). Raises MemoryError.
    """
    nbytes = dtype.itemsize
    for n in shape:
        nbytes *= n
    if nbytes < POOLED_FROM:
        small = np.empty(max(nbytes, 1), np.uint8)
        return small, np.ndarray(shape, dtype, small, 0, strides)
    try:
        root = block(nbytes)
    except MemoryError:
        np.empty(shape, dtype)  # raises with the shape and dtype that the user knows
        raise
    return root, np.ndarray(shape, dtype, root, 0, strides)


def _reference_count(root: NDArray) -> int:
    """References to the block that ``root`` is a slice of, as ``release`` counts them."""
    block = root.base
    return sys.getrefcount(block)


_UNSHARED = _reference_count(np.empty(POOLED_FROM, np.uint8)[:1])


def release(root: NDArray) -> None:
    """Takes back the memory of a dead buffer, unless an array over it is still alive."""
    global _free_bytes, _next_look
    block, size = root.base, root.nbytes
    # Only blocks of our own making have just this much room for alignment.
    if type(block) is not np.ndarray or size < POOLED_FROM or block.nbytes != size + _PAGE:
        return
    if sys.getrefcount(block) != _UNSHARED or size > LIMIT:
        return
    now = monotonic()
    if now >= _next_look or _free_bytes + size > LIMIT:
        _next_look = now + _KEPT_FOR
        _give_back(now - _KEPT_FOR, LIMIT - size)
    _free.setdefault(size, []).append((now, root))
    _free_bytes += size


def _give_back(since: float, most: int) -> None:
    """Gives blocks back to the system, the longest unused first.

    Those that were released before ``since``, then others until ``most`` bytes are left.
    """
    global _free_bytes
    while True:
        # Other threads, and buffers that die meanwhile, change the lists.
        first = [(blocks[:1], size) for size, blocks in list(_free.items())]
        released, size = min(((b[0][0], size) for b, size in first if b), default=(since, 0))
        if released >= since and (_free_bytes <= most or not size):
            return
        try:
            del _free[size][0]
        except (IndexError, KeyError):
            continue
        _free_bytes -= size


def trim() -> None:
    """Gives the pool's memory back to the system."""
    global _free_bytes
    _free.clear()
    _free_bytes = 0
