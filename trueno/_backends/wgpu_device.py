"""One GPU: its memory pool, its pipelines, the batch of recorded dispatches, and reading back.

Every method expects its caller to hold the backend's lock, but for ``release``, which finalizers
call from any thread.
"""

from __future__ import annotations

import atexit
import os
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from trueno._backends import wgsl
from trueno._backends.wgpu_layout import Limits, Step
from trueno._backends.wgpu_native import commands, trusted_module
from trueno._backends.wgpu_shaders import Module
from trueno.memory import NDArray
from trueno.plan import Report

BATCH = 64  # dispatches in a submission
# Bytes that a batch may touch: then it is submitted, so that the GPU works while Python records on.
BATCH_BYTES = 1 << 31
FLAG_WORDS = 1 << 16  # flag slots between two synchronisations
ARENA = 1 << 16  # bytes of uniform parameters in a batch, where immediates do not do
# Bytes moved at a time: one part is copied on the host while the GPU moves the next.
CHUNK = 1 << 24
COPIERS = 4  # threads that copy them
GROUPS_CACHED = 2048
FEATURES = ("shader-f64", "shader-int64", "shader-f16", "subgroup", "timestamp-query", "immediates")


class GpuError(RuntimeError):
    """The GPU cannot go on: lost, out of memory, or a shader that its driver refuses."""


class Block:
    """A device buffer from the pool.

    batch:  the last batch that used it
    groups: keys of the cached bind groups that hold it
    lost:   why its contents are undefined, or None
    """

    __slots__ = ("batch", "buffer", "groups", "lost", "serial", "size")

    def __init__(self, buffer: Any, size: int, serial: int) -> None:
        self.buffer, self.size, self.serial = buffer, size, serial
        self.batch = -1
        self.groups: set[tuple[Any, ...]] = set()
        self.lost: str | None = None


class Pipeline:
    """A compiled module."""

    __slots__ = ("flagged", "layout", "pipeline", "serial", "uniform")

    def __init__(
        self, pipeline: Any, layout: Any, serial: int, flagged: bool, uniform: bool
    ) -> None:
        self.pipeline, self.layout, self.serial = pipeline, layout, serial
        self.flagged, self.uniform = flagged, uniform


class _Reading(NamedTuple):
    """A copy to the host under way: what was begun, and what is to be done at its end."""

    staging: Any
    mapped: int
    mapping: Any
    target: NDArray
    size: int
    reports: list[tuple[int, int, Report]]


def _copy(target: NDArray, source: NDArray) -> None:
    """Copies bytes: many by several threads, since fresh pages cost more than the copying."""
    size, parts = target.size, min(COPIERS, os.cpu_count() or 1)
    if size < CHUNK // 4 or parts == 1:
        np.copyto(target, source)
        return
    step = -(-size // parts)
    cuts = [slice(start, start + step) for start in range(0, size, step)]
    list(_copiers().map(lambda cut: np.copyto(target[cut], source[cut]), cuts))


@cache
def _copiers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(COPIERS, "trueno-gpu-copy")


def _close(reference: weakref.ref[Device]) -> None:
    device = reference()
    if device is not None:
        device.close()


def size_class(nbytes: int) -> int:
    """Pool sizes: four to an octave, at least 256 bytes."""
    if nbytes <= 256:
        return 256
    step = 1 << max((nbytes - 1).bit_length() - 3, 6)
    return -(-nbytes // step) * step


class Device:
    """A wgpu device. ``uploaded`` and ``downloaded`` count bytes; ``inject`` is called with
    "allocate", "compile", "submit" or "read" before each, so that tests can raise there."""

    def __init__(self, wgpu: ModuleType, adapter: Any) -> None:
        self.wgpu = wgpu
        self.info: dict[str, Any] = dict(adapter.info)
        self.features = frozenset(f for f in FEATURES if f in adapter.features)
        self.gpu = adapter.request_device_sync(
            label="trueno", required_features=sorted(self.features), required_limits={}
        )
        limits = self.gpu.limits
        self.limits = Limits(
            int(limits["max-storage-buffer-binding-size"]) // 256 * 256,
            min(int(limits["max-storage-buffers-per-shader-stage"]), 64),
            int(limits.get("max-immediate-size", 0)) if "immediates" in self.features else 0,
            int(limits["max-compute-workgroups-per-dimension"]),
            int(limits["max-compute-invocations-per-workgroup"]),
        )
        self.max_buffer = int(limits["max-buffer-size"])
        software = self.info["adapter_type"] == "CPU"
        self.pool_limit = (1 << 29) if software else (1 << 32)
        self.uploaded = self.downloaded = self.dispatched = self.submitted = 0
        self.exact: frozenset[str] = frozenset()  # what was found to be computed exactly
        self.inject: Callable[[str], object] = len  # called with a string; does nothing
        self._commands = commands()
        self.errors = (wgpu.GPUError, RuntimeError, MemoryError, OSError)
        self.dead: str | None = None  # why the device is lost
        self._process = os.getpid()
        self._serial = 0
        # Every block is held here: a block and its holder found by the garbage collector in one
        # cycle would both be finalized, and a dead buffer would come back to the pool.
        self._blocks: set[Block] = set()
        self._free: dict[int, list[Block]] = {}
        self._pooled = 0
        self._returned: deque[Block] = deque()
        self._pipelines: dict[tuple[str, bool], Pipeline] = {}
        self._groups: OrderedDict[tuple[Any, ...], tuple[Any, list[Block]]] = OrderedDict()
        self._encoder: Any = None
        self._pass: Any = None
        self._last: tuple[Any, Any] = (None, None)  # the pass's current pipeline and bind group
        self._recorded = 0
        self._touched = 0  # bytes that the batch's dispatches may read and write
        self._batch = 0
        self._written: list[Block] = []
        self._arena = bytearray()
        self._arena_block: Block | None = None
        self._staging: list[Any] = [None, None]
        self._flags: Block | None = None
        self._flags_used = 0
        self._reports: list[tuple[int, int, Report]] = []
        self._ready: deque[tuple[Report, list[int]]] = deque()

        atexit.register(_close, weakref.ref(self))

    def close(self) -> None:
        """Waits for what was submitted: a driver's threads must not outlive the interpreter."""
        if not self.lost:
            with suppress(*self.errors):
                self.synchronize()

    @property
    def lost(self) -> bool:
        """Whether the device is lost, or belongs to the parent of a forked process."""
        return self.dead is not None or os.getpid() != self._process

    def check(self) -> None:
        """Raises GpuError in a forked child, where the driver's state is gone, and on a lost
        device."""
        if self.dead is not None:
            raise GpuError(self.dead)
        if os.getpid() != self._process:
            raise GpuError("the GPU cannot be used after fork; start the process with 'spawn'")

    def error(self, error: BaseException) -> GpuError:
        """The error as a GpuError; notes the loss of the device, of which wgpu tells in words
        only."""
        if isinstance(error, GpuError):
            return error
        found = GpuError(f"{type(error).__name__}: {error}")
        if "device is lost" in str(error).lower():
            self.dead = str(found)
        return found

    # ------------------------------------------------------------ memory

    def allocate(self, nbytes: int) -> Block:
        """A buffer of at least ``nbytes``; its contents are undefined. Raises MemoryError."""
        self.inject("allocate")
        self._take_back()
        size = min(size_class(nbytes), max(self.max_buffer // 4 * 4, nbytes))
        free = self._free.get(size)
        if free:
            block = free.pop()
            self._pooled -= size
            block.lost = None
            return block
        usage = self.wgpu.BufferUsage
        flags = usage.STORAGE | usage.COPY_SRC | usage.COPY_DST
        try:
            buffer = self.gpu.create_buffer(size=size, usage=flags)
        except MemoryError:  # wgpu's GPUOutOfMemoryError is one
            self.trim()
            buffer = self.gpu.create_buffer(size=size, usage=flags)
        self._serial += 1
        block = Block(buffer, size, self._serial)
        self._blocks.add(block)
        return block

    def release(self, block: Block) -> None:
        """Returns a block to the pool. Called by finalizers, from any thread, at any time."""
        self._returned.append(block)

    def _take_back(self) -> None:
        while self._returned:
            block = self._returned.popleft()
            self._free.setdefault(block.size, []).append(block)
            self._pooled += block.size
        if self._pooled > self.pool_limit:
            self._shrink(self.pool_limit // 2)

    def trim(self) -> None:
        """Empties the pool, and waits until the driver has its memory back."""
        self._take_back()
        self._shrink(0)
        self.synchronize()

    def _shrink(self, limit: int) -> None:
        """Drops pooled blocks, the largest first, until at most ``limit`` bytes are left. The
        driver frees each when the commands that use it are done."""
        for size in sorted(self._free, reverse=True):
            blocks = self._free[size]
            while blocks and self._pooled > limit:
                block = blocks.pop()
                self._pooled -= size
                self._blocks.discard(block)
                for key in block.groups:
                    self._groups.pop(key, None)

    def write(self, block: Block, data: NDArray, offset: int = 0) -> None:
        """Uploads bytes (a one-dimensional uint8 array). A write takes effect before the batch
        being recorded, so that is submitted first if it uses the block."""
        if block.batch == self._batch:
            self.submit()
        whole = data.size // 4 * 4
        for start in range(0, whole, CHUNK):
            part = data[start : min(start + CHUNK, whole)]
            self.gpu.queue.write_buffer(block.buffer, offset + start, part)
            if part.size == CHUNK:  # on its way while the next is copied
                self.gpu.queue.submit([])
        if whole < data.size:
            word = data[whole:].tobytes().ljust(4, b"\0")
            self.gpu.queue.write_buffer(block.buffer, offset + whole, word)
        self.uploaded += data.size

    # ------------------------------------------------------------ pipelines

    def pipeline(self, step: Step) -> Pipeline:
        """The compiled module of a step."""
        key = (step.module.text, step.immediates)
        found = self._pipelines.get(key)
        if found is None:
            self.inject("compile")
            found = self._pipelines[key] = self._compile(step.module, step)
        return found

    def _compile(self, module: Module, step: Step) -> Pipeline:
        visibility = self.wgpu.ShaderStage.COMPUTE
        types: list[dict[str, Any]] = [
            {"type": "storage" if writes else "read-only-storage"} for writes in step.writes
        ]
        if module.slots:
            types.append({"type": "storage"})
        if not step.immediates:
            types.append({"type": "uniform", "has_dynamic_offset": True})
        layout = self.gpu.create_bind_group_layout(
            entries=[
                {"binding": n, "visibility": visibility, "buffer": t} for n, t in enumerate(types)
            ]
        )
        immediates = 8 + 4 * len(module.fields) if step.immediates else 0
        helpers = wgsl.helpers(module.text, self.exact)
        shader = trusted_module(self.gpu, f"{module.text}\n{helpers}\n")
        pipeline = self.gpu.create_compute_pipeline(
            layout=self.gpu.create_pipeline_layout(
                bind_group_layouts=[layout], immediate_size=immediates
            ),
            compute={"module": shader, "entry_point": "main"},
        )
        self._serial += 1
        return Pipeline(pipeline, layout, self._serial, bool(module.slots), not step.immediates)

    # ------------------------------------------------------------ recording

    def record(
        self,
        pipeline: Pipeline,
        entries: list[tuple[Block, int, int]],
        writes: tuple[bool, ...],
        parameters: bytes,
        grid: tuple[int, int],
    ) -> None:
        """Adds a dispatch to the batch, and submits the batch if it is full."""
        if pipeline.flagged:
            flags = self._flag_block()
            entries = [*entries, (flags, 0, flags.size)]
        offsets: list[int] = []
        if pipeline.uniform:
            offsets, entry = self._uniform(parameters)
            entries = [*entries, entry]
        group = self._bind_group(pipeline, entries)
        if self._pass is None:
            if self._encoder is None:
                self._encoder = self.gpu.create_command_encoder()
            self._pass = self._encoder.begin_compute_pass()
            self._last = (None, None)
        last, self._last = self._last, (pipeline, group)
        known = last[0] is pipeline
        commands = self._commands
        commands.dispatch(
            self._pass,
            None if known else pipeline.pipeline,
            None if known and last[1] is group and not offsets else group,
            offsets,
            b"" if pipeline.uniform else parameters,
            grid,
        )
        batch, touched = self._batch, 0
        for (block, _, size), written in zip(entries, writes, strict=False):
            block.batch = batch
            touched += size
            if written:
                block.lost = None
                self._written.append(block)
        self._touched += touched
        self._recorded += 1
        self.dispatched += 1
        if self._recorded >= BATCH or self._touched >= BATCH_BYTES:
            self.submit()

    def _uniform(self, parameters: bytes) -> tuple[list[int], tuple[Block, int, int]]:
        """Puts parameters into the batch's arena: their dynamic offset, and the arena's entry."""
        if len(self._arena) + 1024 > ARENA:
            self.submit()
        if self._arena_block is None:
            usage = self.wgpu.BufferUsage
            buffer = self.gpu.create_buffer(size=ARENA, usage=usage.UNIFORM | usage.COPY_DST)
            self._serial += 1
            self._arena_block = Block(buffer, ARENA, self._serial)
        offset = len(self._arena)
        self._arena += parameters.ljust(-(-len(parameters) // 256) * 256, b"\0")
        return [offset], (self._arena_block, 0, -(-len(parameters) // 16) * 16)

    def _bind_group(self, pipeline: Pipeline, entries: list[tuple[Block, int, int]]) -> Any:
        key = (pipeline.serial, *[(block.serial, start, size) for block, start, size in entries])
        cached = self._groups.get(key)
        if cached is not None:
            self._groups.move_to_end(key)
            return cached[0]
        group = self.gpu.create_bind_group(
            layout=pipeline.layout,
            entries=[
                {"binding": n, "resource": {"buffer": b.buffer, "offset": start, "size": size}}
                for n, (b, start, size) in enumerate(entries)
            ],
        )
        self._groups[key] = (group, [block for block, _, _ in entries])
        for block, _, _ in entries:
            block.groups.add(key)
        if len(self._groups) > GROUPS_CACHED:
            old, (_, blocks) = self._groups.popitem(last=False)
            for block in blocks:
                block.groups.discard(old)
        return group

    def submit(self) -> None:
        """Submits what was recorded. If that fails, what it would have written is marked lost."""
        if self._encoder is None:
            return
        encoder, compute, written = self._encoder, self._pass, self._written
        self._encoder = self._pass = None
        self._recorded, self._touched, self._written = 0, 0, []
        self._batch += 1
        arena, self._arena = self._arena, bytearray()
        try:
            self.inject("submit")
            if compute is not None:
                compute.end()
            if arena:
                assert self._arena_block is not None
                self.gpu.queue.write_buffer(self._arena_block.buffer, 0, arena)
            self.gpu.queue.submit([encoder.finish()])
        except self.errors as error:
            for block in written:
                block.lost = str(error)
            raise
        self.submitted += 1

    def _end_pass(self) -> Any:
        """Ends the compute pass; returns the batch's encoder, for copies."""
        if self._pass is not None:
            self._pass.end()
            self._pass = None
        if self._encoder is None:
            self._encoder = self.gpu.create_command_encoder()
        return self._encoder

    # ------------------------------------------------------------ conditions

    def _flag_block(self) -> Block:
        if self._flags is None:
            self._flags = self.allocate(4 * FLAG_WORDS)
            self._end_pass().clear_buffer(self._flags.buffer, 0, 4 * FLAG_WORDS)
        return self._flags

    def flag_slots(self, count: int, report: Report) -> int:
        """Reserves slots for a launch's conditions, which ``report`` is told after the next
        read."""
        if self._flags_used + count > FLAG_WORDS:
            self.synchronize()
        base = self._flags_used
        self._flags_used += count
        self._reports.append((base, count, report))
        return base

    def deliver(self) -> None:
        """Reports the conditions that were read. To be called without the lock: reports may warn,
        raise, or compute."""
        while True:
            try:
                report, masks = self._ready.popleft()
            except IndexError:
                return
            report(masks)

    # ------------------------------------------------------------ reading

    def synchronize(self) -> None:
        """Submits everything, waits for it and reads the conditions that arose."""
        self._read([(None, 0, np.empty(0, np.uint8))])

    def read(self, block: Block, target: NDArray) -> None:
        """Copies a block's first bytes to a one-dimensional uint8 array, waiting for them."""
        starts = range(0, target.size, CHUNK)
        self._read([(block, start, target[start : start + CHUNK]) for start in starts])
        self.downloaded += target.size

    def _read(self, parts: list[tuple[Block | None, int, NDArray]]) -> None:
        """Reads parts by way of two staging buffers: the GPU fills one while the host copies the
        other. The conditions come with the first."""
        under_way: _Reading | None = None
        try:
            for number, (block, start, target) in enumerate(parts):
                begun = self._begin(block, start, target, number)
                if under_way is not None:
                    self._finish(under_way)
                under_way = begun
            if under_way is not None:
                self._finish(under_way)
        except BaseException:
            self._staging = [None, None]  # one may be mapped, or about to be
            raise

    def _begin(self, block: Block | None, start: int, target: NDArray, number: int) -> _Reading:
        self.inject("read")
        size = -(-target.size // 4) * 4
        reports = self._reports if number == 0 else []
        flags = 4 * self._flags_used if reports else 0
        mapped = max(size + flags, 4)
        staging = self._staging_buffer(number % 2, mapped)
        encoder = self._end_pass()
        if block is not None:
            encoder.copy_buffer_to_buffer(block.buffer, start, staging, 0, size)
        if flags:
            assert self._flags is not None
            encoder.copy_buffer_to_buffer(self._flags.buffer, 0, staging, size, flags)
            encoder.clear_buffer(self._flags.buffer, 0, flags)
        if not size + flags:  # nothing to read: mapping still has something to wait for
            encoder.clear_buffer(staging, 0, mapped)
        self.submit()
        if block is not None and block.lost is not None:
            raise GpuError(block.lost)
        return _Reading(
            staging, mapped, staging.map_async("READ_NOSYNC", 0, mapped), target, size, reports
        )

    def _finish(self, reading: _Reading) -> None:
        staging, mapped, mapping, target, size, reports = reading
        mapping.sync_wait()
        try:
            data = np.frombuffer(staging.read_mapped(0, mapped, copy=False), np.uint8)
            _copy(target, data[: target.size])
            words = data[size:].view(np.uint32).tolist()
            del data
        finally:
            staging.unmap()
        if reports:
            for base, count, report in reports:
                self._ready.append((report, words[base : base + count]))
            self._reports, self._flags_used = [], 0

    def _staging_buffer(self, number: int, nbytes: int) -> Any:
        staging = self._staging[number]
        if staging is None or staging.size < nbytes:
            usage = self.wgpu.BufferUsage
            staging = self._staging[number] = self.gpu.create_buffer(
                size=size_class(max(nbytes, 1 << 16)), usage=usage.MAP_READ | usage.COPY_DST
            )
        return staging
