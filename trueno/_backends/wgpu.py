"""The GPU backend: launches become WGSL compute shaders, recorded in batches and run when read.

Storages are mirrored whole: a device block holds the bytes of a storage's root. What a shader
cannot address (foreign memory with gaps, one buffer as two dtypes) goes through compact copies;
what no shader can do (bind dozens of operands) runs in NumPy.

Deviations from NumPy, all of them the driver's: subnormal float32 and float64 numbers may be
flushed to zero where the GPU does so (llvmpipe does not), and the sign and payload of a NaN are
not kept. And two of ours: matrix products do not warn of overflow or of what is invalid; and the
rounding error of some convolutions is that of a window's largest element (``wgpu_winograd``).
"""

from __future__ import annotations

import struct
import threading
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from trueno import stats
from trueno._backends import wgsl
from trueno._backends.numpy import NumpyBackend
from trueno._backends.wgpu_chain import prepare_chain
from trueno._backends.wgpu_device import Block, Device, GpuError, Pipeline
from trueno._backends.wgpu_exact import exactly
from trueno._backends.wgpu_layout import LayoutError, Operand, Prepared, Step, prepare
from trueno._backends.wgpu_native import adapters, load
from trueno._backends.wgpu_routine import Array, Building
from trueno._backends.wgpu_routines import ROUTINES
from trueno._backends.wgpu_transpose import prepare_transposed
from trueno.errors import TruenoWarning
from trueno.kinds import FLOAT32, FLOAT64, INT32, INT64, UINT32, UINT64, Dtype
from trueno.memory import NDArray, Storage, View, address
from trueno.ops import REDUCTIONS
from trueno.ops import ROUTINES as OPS_ROUTINES
from trueno.plan import Call, Instruction, Kernel, Launch, Output, ignore

__all__ = ["GpuError", "WgpuBackend", "open_backend"]

READY_CACHED = 1024
_HEAD = struct.Struct("<2I").pack  # the parameters zero and flags
_NEEDS = {FLOAT64: ("shader-f64", "shader-int64"), INT64: ("shader-int64",)}
_NEEDS[UINT64] = _NEEDS[INT64]
# The strongest first; software adapters ("CPU") are used only when asked for.
_STRENGTH = ("DiscreteGPU", "IntegratedGPU", "VirtualGPU", "Unknown")


def open_backend(selection: str | None) -> WgpuBackend | None:
    """The backend of the adapter that ``selection`` (the value of TRUENO_GPU) names.

    None or "": the strongest hardware adapter. "off" or "0": none. "software": that, or else a
    software adapter. Otherwise part of an adapter's name, or an index ("1" or "gpu:1") from 1 in
    the order in which wgpu lists them. None where there is no such adapter or wgpu cannot be
    loaded.
    """
    choice = (selection or "").strip().lower()
    if choice in ("off", "0"):
        return None
    try:
        wgpu = load()
        chosen = _choose(adapters(wgpu), choice)
        found = None if chosen is None else WgpuBackend(Device(wgpu, chosen))
        if found is not None:
            found.gpu.exact = exactly(found.gpu)
        sound = found is None or found.sound()
    except Exception:  # no driver, no library, no device: whatever it is, there is no GPU to use
        return None
    if not sound:
        assert chosen is not None
        warnings.warn(
            f"trueno: the GPU {chosen.info['device']} computes wrongly; it is not used",
            TruenoWarning,
            stacklevel=stats.user_depth(),
        )
        return None
    return found


def _choose(found: Sequence[Any], choice: str) -> Any:
    index = choice.removeprefix("gpu:")
    if index.isdecimal():
        return found[int(index) - 1] if 0 < int(index) <= len(found) else None
    types = (*_STRENGTH, "CPU") if choice else _STRENGTH
    candidates = [a for a in found if a.info["adapter_type"] in types]
    candidates.sort(key=lambda a: types.index(a.info["adapter_type"]))
    if choice not in ("", "software"):
        candidates = [a for a in candidates if choice in a.info["device"].lower()]
    return candidates[0] if candidates else None


class Mirror:
    """A storage's bytes on the device (the DeviceCopy of this backend).

    address: of the root's memory; nbytes: its size; block: the device memory, once there is any
    storage: the storage, so that its bytes can be moved out when the device's memory is full
    """

    __slots__ = ("__weakref__", "address", "backend", "block", "nbytes", "storage")

    def __init__(self, backend: WgpuBackend, storage: Storage) -> None:
        root = storage.root
        self.backend, self.address, self.nbytes = backend, address(root), root.nbytes
        self.storage = weakref.ref(storage)
        self.block: Block | None = None

    def read_into(self, root: NDArray) -> None:
        """Copies the bytes to ``root``. Raises GpuError if they cannot be had."""
        self.backend.read(self, root)

    def __del__(self) -> None:
        if self.block is not None:
            self.backend.gpu.release(self.block)


class _Ready(NamedTuple):
    """What is prepared, with the pipelines of its steps."""

    steps: tuple[Step, ...]
    temporaries: tuple[int, ...]
    flags: int
    pipelines: list[Pipeline]


class WgpuBackend:
    """Runs launches on one adapter."""

    name = "wgpu"
    device = "gpu"

    def __init__(self, gpu: Device) -> None:
        self.gpu = gpu
        self._lock = threading.RLock()
        self._depth = 0
        self._ready: OrderedDict[Any, _Ready | LayoutError] = OrderedDict()
        self._mirrors: weakref.WeakSet[Mirror] = weakref.WeakSet()
        self._host = NumpyBackend()

    def supports(self, op: str, inputs: tuple[Dtype, ...], output: Dtype) -> bool:
        """Whether WGSL expresses ``op`` and the adapter has the dtypes."""
        for dtype in (*inputs, output):
            if not self.gpu.features.issuperset(_NEEDS.get(dtype, ())):
                return False
        return wgsl.supports(op, inputs, output)

    def sound(self) -> bool:
        """Whether the device computes what it should: an expression and its sum, in floats."""
        for dtype in (FLOAT32, FLOAT64):
            if not self.supports("add", (dtype, dtype), dtype):
                continue
            x = np.arange(256).astype(dtype)
            square = Instruction("multiply", (0, 0), dtype)
            body = (square, Instruction("add", (1, 0), dtype))
            outputs = (Output(2, None, dtype), Output(2, "sum", dtype))
            kernel = Kernel((dtype,), (), body, outputs)
            expected = x * x + x
            results = [np.zeros_like(x), np.zeros(1, dtype)]
            views = tuple([View(Storage(array), array) for array in results])
            source = View(Storage(x), x)
            self.launch(Launch(kernel, x.shape, (0,), (source,), (), views, ignore))
            for view in views:
                view.storage.to_host()
            if not (np.array_equal(results[0], expected) and results[1][0] == expected.sum()):
                return False
        return True

    def performs(self, call: Call) -> bool:
        """Whether there is a routine for these operands, all of which the device can address."""
        routine = ROUTINES.get(call.routine)
        if routine is None or not routine.performs(call, self.supports):
            return False
        return all(
            storage.root.nbytes <= self.gpu.limits.binding
            and (storage.root.flags.c_contiguous or storage.root.flags.f_contiguous)
            for storage, _ in (*call.inputs, *call.outputs)
        )

    def call(self, call: Call) -> None:
        """Records a routine, as ``launch`` does a launch. IndexError where an index is out of
        bounds: to look for that waits for the device."""
        if call.routine == "take":
            self._check_bounds(call.inputs[1], call.inputs[0].array.shape[call.params["axis"]])
        self._guarded(self._launch, call)

    def _check_bounds(self, index: View, length: int) -> None:
        shape, dtype = index.array.shape, index.array.dtype
        ends = [np.zeros((1,) * len(shape), dtype) for _ in range(2)]
        views = tuple([View(Storage(end), end) for end in ends])
        both = tuple([Output(0, name, dtype) for name in ("min", "max")])
        kernel = Kernel((dtype,), (), (), both)
        axes = tuple(range(len(shape)))
        self.launch(Launch(kernel, shape, axes, (index,), (), views, ignore))
        for view in views:
            view.storage.to_host()
        if int(ends[0].min()) < -length or int(ends[1].max()) >= length:
            raise IndexError("trueno.take: an index is out of bounds")

    def launch(self, launch: Launch) -> None:
        """Records a launch: it runs when a batch is full or something is read.

        Raises GpuError before any output is marked as written.
        """
        self._guarded(self._launch, launch)

    @property
    def lost(self) -> bool:
        """Whether the device is lost, or was opened before a fork."""
        return self.gpu.lost

    def synchronize(self) -> None:
        """Waits until everything recorded has run, and reports the conditions that arose."""
        self._guarded(self.gpu.synchronize)

    def read(self, mirror: Mirror, root: NDArray) -> None:
        """Copies a mirror to its root."""
        assert mirror.block is not None
        self._guarded(self.gpu.read, mirror.block, _bytes(root))

    def _guarded(self, call: Callable[..., None], *args: Any) -> None:
        """Calls with the lock held, errors as GpuError; then, without the lock, reports conditions:
        a report may warn, raise or compute. (A launch may read: the outermost call reports.)"""
        self.gpu.check()
        try:
            with self._lock:
                self._depth += 1
                try:
                    call(*args)
                finally:
                    self._depth -= 1
                    outermost = not self._depth
        except self.gpu.errors as error:
            raise self.gpu.error(error) from error
        if outermost:
            self.gpu.deliver()

    # ------------------------------------------------------------ launching

    def _launch(self, work: Launch | Call) -> None:
        views = (*work.inputs, *work.outputs)
        numbers: dict[int, int] = {}
        mirrors: list[Mirror] = []
        places = []
        large: tuple[int, ...] = ()
        binding = self.gpu.limits.binding
        for storage, array in views:
            number = numbers.get(id(storage))
            if number is None:
                found = self._mirror(storage)
                if found is None:
                    same = [k for k, v in enumerate(views) if v.storage is storage]
                    self._staged(work, tuple(same))
                    return
                number = numbers[id(storage)] = len(mirrors)
                mirrors.append(found)
                if found.nbytes > binding:
                    large += (number,)
            offset = 0 if array is storage.root else address(array) - mirrors[number].address
            places.append((number, offset, array.shape, array.strides))
        if large and any(m.nbytes > self.gpu.max_buffer for m in mirrors):
            self._on_host(work)
            return
        key: tuple[Any, ...]
        if isinstance(work, Launch):
            key = (*places, large, work.kernel, work.shape, work.axes)
        else:
            dtypes = [view.array.dtype.char for view in views]
            key = (*places, large, work.routine, repr(work.params), *dtypes)
        ready = self._ready.get(key)
        if ready is None:
            ready = self._ready[key] = self._make_ready(work, places, large)
            if len(self._ready) > READY_CACHED:
                self._ready.popitem(last=False)
        else:
            self._ready.move_to_end(key)
        if isinstance(ready, _Ready):
            self._run(work, ready, mirrors)
        elif ready.operands:
            self._staged(work, ready.operands)
        elif not (ready.split and isinstance(work, Launch) and self._halves(work)):
            self._on_host(work)

    def _make_ready(
        self, work: Launch | Call, places: Sequence[tuple[Any, ...]], large: tuple[int, ...]
    ) -> _Ready | LayoutError:
        if isinstance(work, Launch):
            prepared = self._prepare(work, places, large)
        else:
            prepared = self._prepare_call(work, places)
        if isinstance(prepared, LayoutError):
            return prepared
        return _Ready(*prepared, [self.gpu.pipeline(step) for step in prepared.steps])

    def _mirror(self, storage: Storage) -> Mirror | None:
        """The storage's mirror, without memory yet if it is new; None where its root has gaps."""
        mirror = storage.device
        if isinstance(mirror, Mirror) and mirror.backend is self:
            return mirror
        if not (storage.root.flags.c_contiguous or storage.root.flags.f_contiguous):
            return None
        storage.to_host()
        mirror = Mirror(self, storage)
        storage.device, storage.device_valid = mirror, False
        self._mirrors.add(mirror)
        return mirror

    def _prepare(
        self, launch: Launch, places: Sequence[tuple[Any, ...]], large: tuple[int, ...]
    ) -> Prepared | LayoutError:
        kernel, shape = launch.kernel, launch.shape
        dtypes = [*kernel.inputs, *(output.dtype for output in kernel.outputs)]
        kept = tuple(1 if a in launch.axes else n for a, n in enumerate(shape))
        operands, odd = [], []
        for m, ((number, offset, sizes, strides), dtype) in enumerate(
            zip(places, dtypes, strict=True)
        ):
            size, missing = dtype.itemsize, len(shape) - len(sizes)
            if offset % size or any(s % size for s, n in zip(strides, sizes, strict=True) if n > 1):
                odd.append(m)
            reducing = m >= len(kernel.inputs) and kernel.outputs[m - len(kernel.inputs)].reduce
            space = kept if reducing else shape
            steps = [0] * missing + [
                0 if n == 1 else s // size for s, n in zip(strides, sizes, strict=True)
            ]
            assert len(steps) == len(space)
            operands.append(Operand(number, offset // size, tuple(steps), dtype, number in large))
        if odd:
            return LayoutError("elements not aligned to their size", tuple(odd))
        count = len(kernel.inputs)
        inputs, outputs = operands[:count], operands[count:]
        try:
            moved = prepare_transposed(kernel, shape, inputs, outputs, self.gpu.limits)
            if moved is not None:
                return moved
            chained = any(instruction.op in REDUCTIONS for instruction in kernel.body)
            how = prepare_chain if chained else prepare
            return how(kernel, shape, launch.axes, inputs, outputs, self.gpu.limits)
        except LayoutError as error:
            return error

    def _prepare_call(
        self, call: Call, places: Sequence[tuple[Any, ...]]
    ) -> Prepared | LayoutError:
        arrays = []
        for (number, offset, shape, strides), view in zip(
            places, (*call.inputs, *call.outputs), strict=True
        ):
            dtype = view.array.dtype
            size = dtype.itemsize
            steps = tuple([0 if n == 1 else s // size for s, n in zip(strides, shape, strict=True)])
            arrays.append(Array(number, offset // size, shape, steps, dtype))
        building, count = Building(self.gpu.limits), len(call.inputs)
        try:
            routine = ROUTINES[call.routine]
            routine.prepare(building, call.params, arrays[:count], arrays[count:])
        except LayoutError as error:
            return error
        return building.finish()

    def _run(self, work: Launch | Call, ready: _Ready, mirrors: list[Mirror]) -> None:
        gpu = self.gpu
        updates = False
        all_consts: tuple[np.generic[Any], ...] = ()
        if isinstance(work, Launch):
            all_consts = work.consts
        else:
            updates = OPS_ROUTINES[work.routine].updates
        for storage, _ in work.inputs:
            self._current(storage, mirrors)
        for storage, array in work.outputs:
            made_for = getattr(storage, "whole", None)  # the rest of its memory is nobody's
            most = storage.root.nbytes if made_for is None else made_for.nbytes
            whole = array is storage.root or array.nbytes == most
            if whole and not updates:
                self._memory(storage, mirrors)
            else:
                self._current(storage, mirrors)
        temporaries = []
        try:
            for size in ready.temporaries:
                temporaries.append(self._allocate(size, mirrors))
            consts = [_words(const) for const in all_consts]
            base = gpu.flag_slots(ready.flags, work.report) if ready.flags else 0
            binding = gpu.limits.binding
            for step, pipeline in zip(ready.steps, ready.pipelines, strict=True):
                entries = []
                for number, start, size in step.entries:
                    block = mirrors[number].block if number >= 0 else temporaries[-1 - number]
                    assert block is not None
                    entries.append((block, start, min(size or binding, block.size - start)))
                head = _HEAD(0, base + step.slot)
                parameters = b"".join([head, *[consts[c] for c in step.consts], step.static])
                gpu.record(pipeline, entries, step.writes, parameters, step.grid)
        finally:
            for block in temporaries:
                gpu.release(block)
        for view in work.outputs:
            view.storage.device_written()

    def _memory(self, storage: Storage, keep: list[Mirror]) -> Block:
        """The mirror's memory. ``keep``: the mirrors of the launch."""
        mirror = storage.device
        assert isinstance(mirror, Mirror)
        if mirror.block is None:
            mirror.block = self._allocate(mirror.nbytes, keep)
        return mirror.block

    def _allocate(self, nbytes: int, keep: list[Mirror]) -> Block:
        while True:
            try:
                return self.gpu.allocate(nbytes)
            except MemoryError:
                if not self._spill(nbytes, keep):
                    raise

    def _spill(self, nbytes: int, keep: list[Mirror]) -> bool:
        """Moves so many bytes to the host, those unused for longest first, but nothing that the
        launch uses: the device's memory is full. Says whether there was anything to move."""
        candidates = [m for m in list(self._mirrors) if m.block is not None and m not in keep]
        candidates.sort(key=lambda m: -1 if m.block is None else m.block.batch)
        freed = 0
        for mirror in candidates:
            storage, block = mirror.storage(), mirror.block
            if storage is None or block is None:
                continue
            if not storage.host_valid:
                start = stats.now()
                self.gpu.read(block, _bytes(storage.root))
                stats.tell("transfer", "gpu to host", mirror.nbytes, start)
                storage.host_valid = True
            storage.device_valid = False
            self.gpu.release(block)
            mirror.block = None
            freed += block.size
            if freed >= nbytes:
                break
        self.gpu.trim()
        return freed > 0

    def _current(self, storage: Storage, keep: list[Mirror]) -> None:
        """Makes the mirror's bytes current."""
        block = self._memory(storage, keep)
        if not storage.device_valid:
            start = stats.now()
            self.gpu.write(block, _bytes(storage.root))
            stats.tell("transfer", "host to gpu", storage.root.nbytes, start)
            block.lost = None
            storage.device_valid = True
        elif block.lost is not None:
            raise GpuError(block.lost)

    # ------------------------------------------------------------ what one dispatch cannot do

    def _staged(self, work: Launch | Call, operands: tuple[int, ...]) -> None:
        """Runs it with compact copies of some operands, made and unmade on the host."""
        views = [*work.inputs, *work.outputs]
        count = len(work.inputs)
        for m in operands:
            view = views[m]
            view.storage.to_host()
            copy = view.array.copy() if m < count else np.empty(view.array.shape, view.array.dtype)
            views[m] = View(Storage(copy), copy)
        self._launch(work._replace(inputs=tuple(views[:count]), outputs=tuple(views[count:])))
        for m in operands:
            if m >= count:
                target = work.outputs[m - count]
                views[m].storage.to_host()
                target.array[...] = views[m].array
                target.storage.host_written()

    def _halves(self, launch: Launch) -> bool:
        """Runs the launch as two, split along its longest axis; False where none can be split."""
        free = [a for a, n in enumerate(launch.shape) if n > 1 and a not in launch.axes]
        if not free:
            return False
        axis = max(free, key=lambda a: launch.shape[a])
        middle = launch.shape[axis] // 2
        merged = _Merged(launch, 2)
        for part in (slice(0, middle), slice(middle, launch.shape[axis])):
            shape = list(launch.shape)
            shape[axis] = part.stop - part.start
            self._launch(
                launch._replace(
                    shape=tuple(shape),
                    inputs=tuple(_cut(v, len(shape), axis, part) for v in launch.inputs),
                    outputs=tuple(_cut(v, len(shape), axis, part) for v in launch.outputs),
                    report=merged,
                )
            )
        return True

    def _on_host(self, work: Launch | Call) -> None:
        for view in (*work.inputs, *work.outputs):
            view.storage.to_host()
        if isinstance(work, Launch):
            self._host.launch(work)
        else:
            self._host.call(work)
        for view in work.outputs:
            view.storage.host_written()


class _Merged:
    """Reports the parts of a split launch as one."""

    def __init__(self, launch: Launch, parts: int) -> None:
        self._report, self._left = launch.report, parts
        self._masks = [0] * (len(launch.kernel.body) + len(launch.kernel.outputs))

    def __call__(self, masks: Sequence[int]) -> None:
        self._masks = [a | b for a, b in zip(self._masks, masks, strict=True)]
        self._left -= 1
        if not self._left:
            self._report(self._masks)


def _cut(view: View, rank: int, axis: int, part: slice) -> View:
    """The part of a view along an axis of the iteration space, along which it may be broadcast."""
    own = axis - (rank - view.array.ndim)
    if own < 0 or view.array.shape[own] == 1:
        return view
    return View(view.storage, view.array[(slice(None),) * own + (part,)])


def _bytes(root: NDArray) -> NDArray:
    """The bytes of a contiguous array (of either order), as a view."""
    flat = root if root.flags.c_contiguous else root.T
    return flat.reshape(-1).view(np.uint8)


def _words(const: np.generic[Any]) -> bytes:
    """A constant as the shader's parameters hold it: narrow ones widened to their register."""
    if const.dtype.itemsize >= 4:
        return const.tobytes()
    wide = {"b": UINT32, "i": INT32, "u": UINT32, "f": FLOAT32}[const.dtype.kind]
    return np.asarray(const, wide).tobytes()
