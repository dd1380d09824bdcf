"""The CPU backend: kernels become programs of the tile machine in ``csrc/``.

A kernel is compiled once, here, to a list of typed steps on tiles (``Step`` in ``csrc/api.cdef``),
and cached. A launch is one call into C, which reads addresses, shapes and strides out of the arrays
themselves: fetching them through Python would take longer than small launches do.

float16 is computed in float32 and rounded after every step, as NumPy does; a float16 value may
therefore have two slots, one of each width.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from trueno._backends import _simd, simd_routines
from trueno.config import SETTINGS, THREADS
from trueno.dtypes import (
    ACCELERATED,
    BOOL,
    COMPLEX128,
    COMPLEXES,
    FLOAT16,
    FLOAT32,
    FLOAT64,
    INT64,
    NUMBER,
    UINT32,
    Dtype,
)
from trueno.memory import NDArray, View
from trueno.ops import DIVIDE, ELEMENTWISE, INVALID, OPS, OVERFLOW
from trueno.plan import Call, Instruction, Kernel, Launch, Output

_ffi: Any = _simd.ffi
_lib: Any = _simd.lib
_new = _ffi.new
_run = _lib.trueno_run
_BLOCK = _ffi.typeof("int64_t[]")

ROUTINES = simd_routines.ROUTINES

_WRITTEN = -1  # what C puts in front of a launch's block at the end
_ERRORS = {
    -1: (MemoryError, "no memory for the tiles"),
    -2: (TypeError, "an operand is not of the dtype that the kernel declares"),
    -3: (ValueError, "an operand's shape does not fit the launch"),
    -4: (IndexError, "an index is out of bounds"),
}

# Operations whose loops are IEEE operations: their conditions are the hardware's own. The others'
# are derived from their values, since vectorised code raises flags that no element warrants.
_TRUSTED = frozenset(
    {"add", "subtract", "multiply", "divide", "square", "reciprocal", "rsqrt", "sqrt"}
)
# Of operations that may overflow and have poles: the operand that is zero at a pole.
_POLES = {"pow": 0, "floor_divide": 1}
# Operations on float32 that one loop computes two at a time, as trueno_pair numbers them: the
# first, and the second by the place of the first's result among its operands.
_FIRST = {"add": 0, "subtract": 1, "multiply": 2, "square": 2}
_SECOND = {"add": (0, 0), "subtract": (1, 2), "multiply": (3, 3)}
# A rough price, in simple steps, of operations that take much longer than those.
_CHEAP = _TRUSTED | {
    "negative", "positive", "abs", "sign", "conj", "floor", "ceil", "trunc", "round", "copysign",
    "maximum", "minimum", "fmax", "fmin", "clip", "where", "cast", "relu", "leaky_relu",
}  # fmt: skip
_COSTLY = 8

_MOST_PROGRAMS = 4096  # then the cache is emptied: kernels that vary without end are not worth it


def _op_numbers() -> dict[str, int]:
    names: dict[str, int] = {}
    while (name := _lib.trueno_op(len(names))) != _ffi.NULL:
        names[_ffi.string(name).decode()] = len(names)
    only_here, only_c = ELEMENTWISE.keys() - names.keys(), names.keys() - ELEMENTWISE.keys()
    assert not only_here, f"csrc/ops.def lacks {sorted(only_here)}"
    assert not only_c, f"trueno/ops.py lacks {sorted(only_c)}"
    return names


_OP = _op_numbers()
_DTYPES = frozenset(ACCELERATED)
# The real dtype of a complex one's parts.
_PARTS = dict(zip(COMPLEXES, (FLOAT32, FLOAT64), strict=True))
# Of complex operations that are not IEEE operations: which check tells their conditions.
_COMPLEX_CHECKS = {
    "less": 1, "less_equal": 1, "greater": 1, "greater_equal": 1, "sign": 2, "exp": 3,
}  # fmt: skip


# ---------------------------------------------------------------- what the machine offers


def _open() -> str:
    """Chooses the instruction set; TRUENO_ISA names the most capable one allowed."""
    names: list[str] = []
    while (name := _lib.trueno_isa(len(names))) != _ffi.NULL:
        names.append(_ffi.string(name).decode())
    cap = os.environ.get("TRUENO_ISA", "")
    if cap and cap not in names:
        raise ValueError(f"trueno: TRUENO_ISA is one of {', '.join(names)} here, not {cap!r}")
    return names[_lib.trueno_open(names.index(cap) if cap else -1, THREADS)]


def _set_layout() -> bool:
    """Tells C where NumPy keeps things, and whether it reads them rightly from there."""
    if sys.implementation.name != "cpython":
        return False
    _lib.trueno_set_layout(object.__basicsize__, id(np.ndarray))
    sample = np.arange(120, dtype=np.float64).reshape(2, 3, 4, 5)[::-1, :, ::2]
    description = _new(_BLOCK, 2 + 2 * 64)
    if _lib.trueno_describe(id(sample), description) != sample.ndim:
        return False
    expected = [sample.__array_interface__["data"][0], id(sample.dtype)]
    expected += [*sample.shape, *sample.strides]
    return list(description[0 : len(expected)]) == expected


# ---------------------------------------------------------------- programs


@dataclass(slots=True)
class _Program:
    """A compiled kernel. ``keep`` holds what the C structure points to."""

    pointer: Any
    keep: list[Any]
    masks: int
    silent: tuple[int, ...]  # the masks of a launch without conditions


class _Compiler:
    """Translates one kernel. Slots: inputs, constants, then one a step."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.steps: list[dict[str, Any]] = []
        self.itemsize = [dtype.itemsize for dtype in kernel.inputs + kernel.consts]
        self.cost = 0  # bytes computed an element, times the price
        self.narrow: dict[int, int] = {}  # value -> slot, in its own dtype
        self.wide: dict[int, int] = {}  # float16 value -> slot of its float32 form
        self.arithmetic: dict[int, str] = {}  # slot -> operation that may be part of a pair
        self.parts: list[Any] = []  # of the pairs
        for value in range(len(self.itemsize)):
            self.narrow[value] = value

    def compile(self) -> _Program:
        kernel = self.kernel
        first = len(kernel.inputs) + len(kernel.consts)
        for i, instruction in enumerate(kernel.body):
            self._instruction(first + i, instruction, i)
        outputs = [self._output(o, len(kernel.body) + k) for k, o in enumerate(kernel.outputs)]
        return self._assemble(outputs)

    def _step(
        self, run: Any, args: tuple[int, ...], dtype: Dtype, mask: int, **conditions: Any
    ) -> int:
        """Adds a step and gives its slot."""
        slot = len(self.itemsize)
        self.itemsize.append(dtype.itemsize)
        padded = (args + args[:1] * 2)[:3] if len(args) == 1 else (*args, args[0])[:3]
        self.steps.append({"run": run, "args": padded, "out": slot, "mask": mask, **conditions})
        return slot

    def _dtype(self, value: int) -> Dtype:
        return self.kernel.dtype_of(value)

    def _slot(self, value: int, wide: bool = True) -> int:
        """The slot of a value; of a float16 value, that of its float32 or its float16 form."""
        if self._dtype(value) != FLOAT16 or not wide:
            if value not in self.narrow:
                run = _lib.trueno_cast(NUMBER[FLOAT32], NUMBER[FLOAT16])
                self.narrow[value] = self._step(run, (self.wide[value],), FLOAT16, 0)
            return self.narrow[value]
        if value not in self.wide:
            run = _lib.trueno_cast(NUMBER[FLOAT16], NUMBER[FLOAT32])
            self.wide[value] = self._step(run, (self.narrow[value],), FLOAT32, 0)
        return self.wide[value]

    def _instruction(self, value: int, instruction: Instruction, mask: int) -> None:
        name, args, dtype = instruction
        if name == "cast":
            self._cast(value, args[0], dtype, mask)
            return
        operand = self._dtype(args[-1])
        if not supports(name, tuple(self._dtype(arg) for arg in args), dtype):
            raise TypeError(f"trueno.{name}: no SIMD kernel for {operand}")
        price = 1 if name in _CHEAP or operand.kind not in "fc" else _COSTLY
        self.cost += price * operand.itemsize
        own = operand == FLOAT16 and _loop(name, FLOAT16) != _ffi.NULL
        computed = FLOAT32 if operand == FLOAT16 and not own else operand
        slots = tuple(self._slot(arg, wide=not own) for arg in args)
        result = FLOAT32 if dtype == FLOAT16 and not own else dtype
        conditions = _conditions(name, computed)
        slot = self._step(_loop(name, computed), slots, result, mask, **conditions)
        if name in _FIRST and computed == FLOAT32:
            self.arithmetic[slot] = name
        if result == dtype:
            self.narrow[value] = slot
        else:
            self.wide[value] = self._round16(slot, mask, OPS[name].raises)

    def _round16(self, slot: int, mask: int, raises: int) -> int:
        check = _lib.trueno_check_round16() if raises else _ffi.NULL
        run = _lib.trueno_round16()
        return self._step(run, (slot,), FLOAT32, mask, check=check, derived=raises)

    def _cast(self, value: int, source: int, dtype: Dtype, mask: int) -> None:
        raises, origin = OPS["cast"].raises, self._dtype(source)
        self.cost += max(origin.itemsize, dtype.itemsize)
        if origin == dtype:
            self.narrow[value] = self._slot(source, wide=False)
            return
        if dtype == FLOAT16 and origin == FLOAT64:
            run = _lib.trueno_cast(NUMBER[origin], NUMBER[FLOAT16])
            check = _lib.trueno_check_narrow(NUMBER[origin])
            slots = (self._slot(source),)
            self.narrow[value] = self._step(run, slots, dtype, mask, check=check, derived=raises)
            return
        if dtype == FLOAT16 and origin == COMPLEX128:  # the real part first, then as above
            part = _lib.trueno_cast(NUMBER[origin], NUMBER[FLOAT64])
            wide = self._step(part, (self._slot(source),), FLOAT64, mask)
            run = _lib.trueno_cast(NUMBER[FLOAT64], NUMBER[FLOAT16])
            check = _lib.trueno_check_narrow(NUMBER[FLOAT64])
            self.narrow[value] = self._step(run, (wide,), dtype, mask, check=check, derived=raises)
            return
        slot = self._slot(source)
        before = FLOAT32 if origin == FLOAT16 else origin
        after = FLOAT32 if dtype == FLOAT16 else dtype
        if before != after:
            trusted = raises if {"f", "c"} & {before.kind, after.kind} else 0
            if (origin, dtype) == (FLOAT16, UINT32):  # NumPy converts these through int64
                run = _lib.trueno_cast(NUMBER[before], NUMBER[INT64])
                slot, before = self._step(run, (slot,), INT64, mask, trusted=trusted), INT64
            run = _lib.trueno_cast(NUMBER[before], NUMBER[after])
            slot = self._step(run, (slot,), after, mask, trusted=trusted)
        if dtype == FLOAT16:
            self.wide[value] = self._round16(slot, mask, raises)
        else:
            self.narrow[value] = slot

    def _output(self, output: Output, mask: int) -> dict[str, Any]:
        dtype = self._dtype(output.value)
        packed: dict[str, Any] = {"size": output.dtype.itemsize, "mask": mask}
        packed["type"] = id(_own(output.dtype))
        self.cost += dtype.itemsize
        if output.reduce is None:
            if dtype != output.dtype:
                raise TypeError(f"trueno: a value of {dtype} cannot be stored as {output.dtype}")
            slot = self._slot(output.value, wide=False)
            return packed | {"value": slot, "lane_size": dtype.itemsize}
        lane = FLOAT32 if dtype == FLOAT16 else dtype
        slot = self._slot(output.value)
        name = output.reduce
        if not supports(name, (dtype,), output.dtype):
            raise TypeError(f"trueno.{name}: no SIMD kernel for {dtype}")
        if name in ("all", "any") and lane != BOOL:
            run = _lib.trueno_cast(NUMBER[lane], NUMBER[BOOL])
            slot, lane = self._step(run, (slot,), BOOL, mask), BOOL
        packed |= {"value": slot, "lane_size": lane.itemsize, "identity": _identity(name, lane)}
        packed["direct"] = self._direct(name, lane)
        if name in ("argmax", "argmin"):
            which = name == "argmax", NUMBER[lane]
            packed |= {"pick": _lib.trueno_pick(*which), "find": _lib.trueno_find(*which)}
            if lane == BOOL:
                packed["settles"] = 1 + (name == "argmax")
            return packed | {"reduces": 2}
        combine = OPS[name].reduce
        assert combine is not None
        packed |= {"reduces": 1, "combine": _loop(combine, lane)}
        packed["trusted"] = OPS[name].raises if lane.kind in "fc" else 0
        if name in ("all", "any") and not self.kernel.body and len(self.kernel.outputs) == 1:
            packed["settles"] = 1 + (name == "any")
        if output.dtype == FLOAT16:
            packed["narrow"] = _lib.trueno_cast(NUMBER[FLOAT32], NUMBER[FLOAT16])
            packed["narrow_check"] = _lib.trueno_check_narrow(NUMBER[FLOAT32])
        return packed

    def _direct(self, name: str, lane: Dtype) -> Any:
        """The reducer of a kernel that does no more than reduce its input, perhaps after a cast."""
        kernel = self.kernel
        plain = not kernel.body
        if len(kernel.body) == 1 and name in ("sum", "prod"):
            plain = kernel.body[0].op == "cast" and kernel.outputs[0].dtype == lane
        if not plain or len(kernel.inputs) + len(kernel.consts) + len(kernel.outputs) > 2:
            return _ffi.NULL
        return _lib.trueno_reducer(name.encode(), NUMBER[kernel.inputs[0]], NUMBER[lane])

    def _join(self, results: set[int]) -> None:
        """Makes one step of two, where the second alone reads what the first gives."""
        readers = Counter(slot for step in self.steps for slot in set(step["args"]))
        steps: dict[int, dict[str, Any]] = {}  # by the slot of the result
        firsts: set[int] = set()
        for step in self.steps:
            slot = step["out"]
            name = self.arithmetic.get(slot)
            x, y, _ = step["args"]
            first = y if y in firsts else x
            steps[slot] = step
            if name in _SECOND and x != y and first in firsts:
                steps[slot] = self._pair(steps.pop(first), step)
            elif name in _FIRST and readers[slot] == 1 and slot not in results:
                firsts.add(slot)
        self.steps = list(steps.values())

    def _pair(self, first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
        """One step of two; alone, the first puts its result where the second does."""
        slot, place = second["out"], second["args"].index(first["out"])
        numbers = _FIRST[self.arithmetic[first["out"]]], _SECOND[self.arithmetic[slot]][place]
        other = second["args"][1 - place]
        args = (other, slot) if place else (slot, other)
        parts = _new("Step[]", [first | {"out": slot}, second | {"args": (*args, slot)}])
        self.parts.append(parts)
        return {
            "run": _lib.trueno_pair(*numbers),
            "args": (*first["args"][:2], other),
            "out": slot,
            "trusted": first["trusted"] | second["trusted"],
            "parts": parts,
        }

    def _assemble(self, outputs: list[dict[str, Any]]) -> _Program:
        kernel = self.kernel
        results = {output["value"] for output in outputs}
        self._join(results)
        producer = {step["out"]: i for i, step in enumerate(self.steps)}
        last_read = {slot: i for i, step in enumerate(self.steps) for slot in step["args"]}
        for output in outputs:
            output["producer"] = producer.get(output["value"], -1)
            step = self.steps[output["producer"]] if output["producer"] >= 0 else {}
            output["checked"] = int(_reads_again(step))
        inputs = [
            {"size": dtype.itemsize, "type": id(_own(dtype)), "last_step": last_read.get(i, -1)}
            for i, dtype in enumerate(kernel.inputs)
        ]
        consts = [{"size": dtype.itemsize, "type": id(_own(dtype).type)} for dtype in kernel.consts]
        storage, storages = self._allocate(last_read, results)
        arrays = [
            _new("Input[]", inputs),
            _new("Const[]", consts),
            _new("Step[]", self.steps),
            _new("Output[]", outputs),
            _new("int32_t[]", storage),
        ]
        masks = len(kernel.body) + len(kernel.outputs)
        pointer = _new(
            "Program *",
            {
                "inputs": len(inputs),
                "consts": len(consts),
                "steps": len(self.steps),
                "outputs": len(outputs),
                "slots": len(self.itemsize),
                "storages": storages,
                "masks": masks,
                "widest": max(self.itemsize),
                "cost": self.cost,
                "input": arrays[0],
                "constant": arrays[1],
                "step": arrays[2],
                "output": arrays[3],
                "storage": arrays[4],
            },
        )
        return _Program(pointer, [*arrays, *self.parts], masks, (0,) * masks)

    def _allocate(self, last_read: dict[int, int], results: set[int]) -> tuple[list[int], int]:
        """A tile buffer for every slot: inputs and constants have their own, results share theirs
        with values that are no longer read."""
        own = len(self.kernel.inputs) + len(self.kernel.consts)
        storage = [*range(own), *[0] * (len(self.itemsize) - own)]  # none for firsts of pairs
        free: list[int] = []
        count = own
        for i, step in enumerate(self.steps):
            dead = [
                slot
                for slot in dict.fromkeys(step["args"])
                if slot >= own and last_read[slot] == i and slot not in results
            ]
            out = step["out"]
            # A loop may write over an operand of the same width.
            same_width = [slot for slot in dead if self.itemsize[slot] == self.itemsize[out]]
            if same_width and not _reads_again(step):
                storage[out] = storage[same_width[0]]
                dead.remove(same_width[0])
            elif free:
                storage[out] = free.pop()
            else:
                storage[out] = count
                count += 1
            free += [storage[slot] for slot in dead]
            if out not in last_read and out not in results:
                free.append(storage[out])
        return storage, count


def _reads_again(step: dict[str, Any]) -> bool:
    """Whether a step's operands are read after its loop: by a check, or by a pair's parts."""
    return bool(step.get("check") or step.get("parts"))


def _own(dtype: Dtype) -> Dtype:
    """The object among equal dtypes that C compares with (NumPy has two int64 on some systems)."""
    return ACCELERATED[NUMBER[dtype]]


def _loop(name: str, dtype: Dtype) -> Any:
    return _lib.trueno_loop(_OP[name], NUMBER[dtype]) if name in _OP else _ffi.NULL


def _conditions(name: str, dtype: Dtype) -> dict[str, Any]:
    """How a step's floating-point conditions become known."""
    raises = OPS[name].raises_in(dtype)
    if not raises or dtype == FLOAT16:
        return {}
    if dtype.kind == "c":
        if name in _COMPLEX_CHECKS:
            check = _lib.trueno_check_complex(_COMPLEX_CHECKS[name], NUMBER[dtype])
            return {"check": check, "derived": raises}
        return {"trusted": raises} if name in _TRUSTED and name != "sqrt" else {}
    if dtype.kind == "f":
        if name in _TRUSTED:
            return {"trusted": raises}
        check = _lib.trueno_check(NUMBER[dtype])
        return {"check": check, "derived": raises, "pole": _POLES.get(name, 0)}
    check = _lib.trueno_check(NUMBER[dtype])
    if name == "reciprocal":
        return {"check": check, "derived": DIVIDE | INVALID}
    if name == "floor_divide":
        return {"check": check, "derived": DIVIDE | OVERFLOW, "pole": 1}
    if name in ("remainder", "fmod"):
        return {"check": check, "derived": DIVIDE}
    return {}


def _identity(name: str, dtype: Dtype) -> tuple[int, int]:
    """The bits of the value that a reduction starts from, in two words."""
    if name == "sum":
        value: Any = -0.0 if dtype.kind == "f" else 0  # -0.0 + -0.0 is the sum that keeps its sign
    elif name in ("prod", "all"):
        value = 1
    elif name == "any":
        value = 0
    else:
        least = name in ("max", "argmax")
        if dtype.kind == "f":
            value = -np.inf if least else np.inf
        elif dtype == BOOL:
            value = not least
        else:
            value = np.iinfo(dtype).min if least else np.iinfo(dtype).max
    low, high = np.frombuffer(np.array(value, dtype).tobytes().ljust(16, b"\0"), np.int64)
    return int(low), int(high)


def supports(op: str, inputs: tuple[Dtype, ...], output: Dtype) -> bool:
    """Whether the C table has a loop for ``op`` in these dtypes."""
    if op not in OPS or output not in _DTYPES or not _DTYPES.issuperset(inputs):
        return False
    row = OPS[op]
    if len(inputs) != row.nin:
        return False
    if op == "cast":
        return True
    if op == "where":
        return inputs[0] == BOOL and inputs[1] == inputs[2] == output
    if any(dtype != inputs[0] for dtype in inputs):
        return False
    computed = inputs[0]
    if op == "abs" and computed in _PARTS:
        return output == _PARTS[computed]
    if row.reduce is not None:
        # of several NaN NumPy's min and max give the first, as no tree of combinations does
        if computed in _PARTS and op not in ("all", "any", "sum", "prod"):
            return False
        if op in ("all", "any"):
            return output == BOOL
        if op in ("argmax", "argmin"):
            return output == INT64
        combine = row.reduce
        return output == computed and (computed == FLOAT16 or _loop(combine, computed) != _ffi.NULL)
    if _loop(op, computed) == _ffi.NULL:
        if computed != FLOAT16:
            return False
        computed = FLOAT32
        if _loop(op, computed) == _ffi.NULL:
            return False
    return output in (inputs[0], BOOL) and (output == BOOL) == _gives_bool(op, inputs[0])


_BOOL_RESULT: dict[tuple[str, Dtype], bool] = {}


def _gives_bool(op: str, dtype: Dtype) -> bool:
    """Whether the result of ``op`` on operands of ``dtype`` is bool, by NumPy's rules."""
    key = (op, dtype)
    if key not in _BOOL_RESULT:
        row = OPS[op]
        try:
            _BOOL_RESULT[key] = row.resolve((dtype,) * row.nin)[-1] == BOOL
        except TypeError:
            _BOOL_RESULT[key] = False
    return _BOOL_RESULT[key]


# ---------------------------------------------------------------- the backend


class SimdBackend:
    """Runs launches on the tile machine.

    isa: the instruction set in use: "sse2", "avx2", "avx512", "neon" or "base"
    """

    name = "simd"
    device = "cpu"
    lost = False

    def __init__(self) -> None:
        if not _set_layout():
            raise ImportError("trueno: NumPy's arrays do not lie in memory as the backend expects")
        self.isa = _open()
        self._programs: dict[Kernel, _Program] = {}

    @property
    def threads(self) -> int:
        """How many threads a launch may use where ``trueno.config(threads=...)`` says nothing."""
        count: int = _lib.trueno_get_num_threads()
        return count

    def supports(self, op: str, inputs: tuple[Dtype, ...], output: Dtype) -> bool:
        return supports(op, inputs, output)

    def synchronize(self) -> None:
        """Launches are finished when they return."""

    def launch(self, launch: Launch) -> None:
        kernel, shape, axes, inputs, consts, outputs, report = launch
        program = self._programs.get(kernel)
        if program is None:
            program = self._compile(kernel)
        words = [len(shape), *shape, len(axes), *axes]
        for _, array in inputs:
            words.append(id(array))
        for _, array in outputs:
            words.append(id(array))
        for const in consts:
            words.append(id(const))
        words += program.silent
        block = _new(_BLOCK, words)
        try:
            status = _run(program.pointer, block, SETTINGS.get().threads)
            if status == 0:
                report(program.silent)
            elif status == 1:
                report(list(block[len(block) - program.masks : len(block)]))
            else:
                self._launch_again(launch, program, status)
        except BaseException:  # a signal's handler raised, perhaps after the outputs were written
            if block[0] == _WRITTEN:
                report(list(block[len(block) - program.masks : len(block)]))
            raise

    def performs(self, call: Call) -> bool:
        routine = ROUTINES.get(call.routine)
        return routine is not None and routine.performs(call)

    def call(self, call: Call) -> None:
        _lib.trueno_use_threads(SETTINGS.get().threads)
        status = ROUTINES[call.routine].run(call)
        if status < 0:
            error, message = _ERRORS[status]
            raise error(f"trueno.{call.routine}: {message}")

    def _compile(self, kernel: Kernel) -> _Program:
        if len(self._programs) >= _MOST_PROGRAMS:
            self._programs.clear()
        program = self._programs[kernel] = _Compiler(kernel).compile()
        return program

    def _launch_again(self, launch: Launch, program: _Program, status: int) -> None:
        """After an error: with operands of NumPy's own classes and dtypes, where they differ."""
        error, message = _ERRORS[status]
        kernel = launch.kernel
        if error is not TypeError:
            raise error(f"trueno: {message}")
        inputs = [_plain(v, d) for v, d in zip(launch.inputs, kernel.inputs, strict=True)]
        outputs = [_plain(v, o.dtype) for v, o in zip(launch.outputs, kernel.outputs, strict=True)]
        if not all(array.flags.writeable for array in outputs):
            raise ValueError("trueno: an output is read-only")
        consts = [_own(d).type(c) for c, d in zip(launch.consts, kernel.consts, strict=True)]
        words = [len(launch.shape), *launch.shape, len(launch.axes), *launch.axes]
        words += [id(operand) for operand in (*inputs, *outputs, *consts)]
        block = _new(_BLOCK, [*words, *program.silent])
        status = _run(program.pointer, block, SETTINGS.get().threads)
        if status < 0:
            error, message = _ERRORS[status]
            raise error(f"trueno: {message}")
        launch.report(list(block[len(words) : len(block)]))


def _plain(view: View, dtype: Dtype) -> NDArray:
    """The view's array as an ndarray proper, with this module's own dtype object."""
    if view.array.dtype != dtype:
        raise TypeError(f"trueno: an operand is {view.array.dtype}, its kernel says {dtype}")
    return np.asarray(view.array).view(_own(dtype))
