"""Kernels compiled to programs of the tile machine in ``csrc/``: lists of typed steps on tiles.

float16 is computed in float32 and rounded after every step, as NumPy does; a float16 value may
therefore have two slots, one of each width.

A kernel that goes on with the results of its reductions is a chain (``csrc/chain.c``): it makes
several passes over a row. The pass of each value is one more than that of the reductions it needs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from trueno._backends import _simd
from trueno.kinds import (
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
from trueno.ops import DIVIDE, ELEMENTWISE, INVALID, OPS, OVERFLOW, REDUCTIONS
from trueno.plan import Instruction, Kernel, Output

_ffi: Any = _simd.ffi
_lib: Any = _simd.lib
_new = _ffi.new

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
_COUNTED_PASSES = 31  # whose inputs C knows; all come in for later ones


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


@dataclass(slots=True)
class Program:
    """A compiled kernel. ``keep`` holds what the C structure points to."""

    pointer: Any
    keep: list[Any]
    masks: int
    silent: tuple[int, ...]  # the masks of a launch without conditions

    @property
    def address(self) -> int:
        """Where the C structure lies."""
        return int(_ffi.cast("intptr_t", self.pointer))


class Compiler:
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
        self.rows = kernel.rows()
        self.passes = _passes(kernel)
        self.last = max(_read_in(kernel, self.passes), default=0)  # pass over a row
        self.place = (0, False)  # the pass, and whether a value a row is computed
        self.places: dict[int, tuple[int, bool]] = {}  # of steps' slots
        self.spreads: dict[int, dict[str, int]] = {}  # by the slot of a value a row
        self.results: list[dict[str, Any]] = []  # reductions that the kernel goes on with
        self.work: Counter[int] = Counter()  # by pass
        for value in range(len(self.itemsize)):
            self.narrow[value] = value

    def compile(self) -> Program:
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
        phase, row = self.places[slot] = self.place
        step = {"run": run, "args": padded, "out": slot, "mask": mask, "phase": phase, "row": row}
        self.steps.append(step | conditions)
        return slot

    def _priced(self, cost: int) -> None:
        phase, row = self.place
        self.cost += 0 if row else cost
        self.work[phase] += 0 if row else cost

    def _convert(self, value: int, slot: int, source: Dtype, target: Dtype) -> int:
        """A step that gives the other form of a float16 value, where the value is computed."""
        place, self.place = self.place, (self.passes[value], self.rows[value])
        slot = self._step(_lib.trueno_cast(NUMBER[source], NUMBER[target]), (slot,), target, 0)
        self.place = place
        return slot

    def _operand(self, value: int, wide: bool = True) -> int:
        """The slot of a value for the place where it is needed: at each point, or once a row."""
        slot = self._slot(value, wide)
        if not self.rows[value] or self.place[1]:
            return slot
        if slot not in self.spreads:
            self.spreads[slot] = {"from": slot, "to": len(self.itemsize), "phase": self.place[0]}
            self.itemsize.append(self.itemsize[slot])
        made = self.spreads[slot]
        made["phase"] = min(made["phase"], self.place[0])
        return made["to"]

    def _dtype(self, value: int) -> Dtype:
        return self.kernel.dtype_of(value)

    def _slot(self, value: int, wide: bool = True) -> int:
        """The slot of a value; of a float16 value, that of its float32 or its float16 form."""
        if self._dtype(value) != FLOAT16 or not wide:
            if value not in self.narrow:
                self.narrow[value] = self._convert(value, self.wide[value], FLOAT32, FLOAT16)
            return self.narrow[value]
        if value not in self.wide:
            self.wide[value] = self._convert(value, self.narrow[value], FLOAT16, FLOAT32)
        return self.wide[value]

    def _instruction(self, value: int, instruction: Instruction, mask: int) -> None:
        name, args, dtype = instruction
        if name in REDUCTIONS:
            self._result(value, instruction, mask)
            return
        self.place = (self.passes[value], self.rows[value])
        if name == "cast":
            self._cast(value, args[0], dtype, mask)
            return
        operand = self._dtype(args[-1])
        if not supports(name, tuple(self._dtype(arg) for arg in args), dtype):
            raise TypeError(f"trueno.{name}: no SIMD kernel for {operand}")
        price = 1 if name in _CHEAP or operand.kind not in "fc" else _COSTLY
        self._priced(price * operand.itemsize)
        own = operand == FLOAT16 and loop_of(name, FLOAT16) != _ffi.NULL
        computed = FLOAT32 if operand == FLOAT16 and not own else operand
        slots = tuple(self._operand(arg, wide=not own) for arg in args)
        result = FLOAT32 if dtype == FLOAT16 and not own else dtype
        conditions = conditions_of(name, computed)
        slot = self._step(loop_of(name, computed), slots, result, mask, **conditions)
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
        self._priced(max(origin.itemsize, dtype.itemsize))
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

    def _result(self, value: int, instruction: Instruction, mask: int) -> None:
        """A reduction that other instructions go on with."""
        name, (arg,), dtype = instruction
        packed = self._reduction(Output(arg, name, dtype), mask)
        self.narrow[value] = packed["into"] = len(self.itemsize)
        self.itemsize.append(dtype.itemsize)
        self.results.append(packed)

    def _output(self, output: Output, mask: int) -> dict[str, Any]:
        dtype, value = self._dtype(output.value), output.value
        packed: dict[str, Any] = {
            "size": output.dtype.itemsize,
            "type": id(canonical(output.dtype)),
        }
        if output.reduce is not None:
            return packed | self._reduction(output, mask)
        if dtype != output.dtype:
            raise TypeError(f"trueno: a value of {dtype} cannot be stored as {output.dtype}")
        self.place = (self.last, self.rows[value])
        self._priced(dtype.itemsize)
        packed |= {"mask": mask, "value": self._slot(value, wide=False)}
        packed |= {"reduces": 3, "phase": -1} if self.rows[value] else {"phase": self.last}
        return packed | {"lane_size": dtype.itemsize}

    def _reduction(self, output: Output, mask: int) -> dict[str, Any]:
        dtype, value, name = self._dtype(output.value), output.value, output.reduce
        assert name is not None
        self.place = (self.passes[value], False)
        self._priced(dtype.itemsize)
        lane = FLOAT32 if dtype == FLOAT16 else dtype
        slot = self._operand(value)
        if not supports(name, (dtype,), output.dtype):
            raise TypeError(f"trueno.{name}: no SIMD kernel for {dtype}")
        if name in ("all", "any") and lane != BOOL:
            run = _lib.trueno_cast(NUMBER[lane], NUMBER[BOOL])
            slot, lane = self._step(run, (slot,), BOOL, mask), BOOL
        packed: dict[str, Any] = {"value": slot, "lane_size": lane.itemsize, "mask": mask}
        packed |= {"identity": _identity(name, lane), "phase": self.place[0]}
        packed["direct"] = self._direct(name, lane)
        if name in ("argmax", "argmin"):
            which = name == "argmax", NUMBER[lane]
            packed |= {"pick": _lib.trueno_pick(*which), "find": _lib.trueno_find(*which)}
            if lane == BOOL:
                packed["settles"] = 1 + (name == "argmax")
            return packed | {"reduces": 2}
        combine = OPS[name].reduce
        assert combine is not None
        packed |= {"reduces": 1, "combine": loop_of(combine, lane)}
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
            if name in _SECOND and x != y and first in firsts and self._together(first, slot):
                steps[slot] = self._pair(steps.pop(first), step)
            elif name in _FIRST and readers[slot] == 1 and slot not in results:
                firsts.add(slot)
        self.steps = list(steps.values())

    def _together(self, first: int, second: int) -> bool:
        return self.places[first] == self.places[second]

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
            "phase": second["phase"],
            "row": second["row"],
            "trusted": first["trusted"] | second["trusted"],
            "parts": parts,
        }

    def _assemble(self, outputs: list[dict[str, Any]]) -> Program:
        kernel = self.kernel
        last = [*outputs, *self.results]
        results = {output["value"] for output in last}
        self.steps.sort(key=lambda step: (step["phase"], not step["row"]))
        self._join(results)
        producer = {step["out"]: i for i, step in enumerate(self.steps)}
        last_read = {slot: i for i, step in enumerate(self.steps) for slot in step["args"]}
        for output in last:
            output["producer"] = producer.get(output["value"], -1)
            step = self.steps[output["producer"]] if output["producer"] >= 0 else {}
            output["checked"] = int(_reads_again(step))
        reads = [(slot, step["phase"]) for step in self.steps for slot in step["args"]]
        reads += [(output["value"], output["phase"]) for output in last]
        inputs = [
            {
                "size": dtype.itemsize,
                "type": id(canonical(dtype)),
                "last_step": last_read.get(i, -1),
                "phases": _bits({phase for slot, phase in reads if slot == i}),
            }
            for i, dtype in enumerate(kernel.inputs)
        ]
        consts = [
            {"size": dtype.itemsize, "type": id(canonical(dtype).type)} for dtype in kernel.consts
        ]
        resident = sorted({slot for slot, phase in reads if self._outlives(slot, phase)})
        storage, storages = self._allocate(last_read, results, resident)
        spreads = list(self.spreads.values())
        arrays = [
            _new("Input[]", inputs),
            _new("Const[]", consts),
            _new("Step[]", self.steps),
            _new("Output[]", last),
            _new("Spread[]", spreads),
            _new("int32_t[]", storage),
            _new("int32_t[]", self.itemsize),
        ]
        masks = len(kernel.body) + len(kernel.outputs)
        pointer = _new(
            "Program *",
            {
                "inputs": len(inputs),
                "consts": len(consts),
                "steps": len(self.steps),
                "outputs": len(outputs),
                "results": len(self.results),
                "spreads": len(spreads),
                "phases": self.last + 1 if self.results else 0,
                "busiest": max(self.work, key=lambda phase: self.work[phase], default=0),
                "slots": len(self.itemsize),
                "storages": storages,
                "resident": len(resident),
                "masks": masks,
                "widest": max(self.itemsize),
                "cost": self.cost,
                "input": arrays[0],
                "constant": arrays[1],
                "step": arrays[2],
                "output": arrays[3],
                "spread": arrays[4],
                "storage": arrays[5],
                "size": arrays[6],
            },
        )
        return Program(pointer, [*arrays, *self.parts], masks, (0,) * masks)

    def _outlives(self, slot: int, phase: int) -> bool:
        """Whether a value that is read in this pass comes from an earlier one."""
        made, row = self.places.get(slot, (phase, True))
        return not row and made < phase

    def _allocate(
        self, last_read: dict[int, int], results: set[int], resident: list[int]
    ) -> tuple[list[int], int]:
        """A tile buffer for every slot: inputs and constants have their own, results share theirs
        with values that are no longer read. What outlives a pass over a row shares with none."""
        rows = [slot for slot, (_, row) in self.places.items() if row]
        rows += [result["into"] for result in self.results]
        rows += [spread["to"] for spread in self.spreads.values()]
        kept = {*rows, *resident}
        results = results | kept
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
            if out in kept:
                pass
            elif same_width and not _reads_again(step):
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
        for slot in (*rows, *resident):
            storage[slot] = count
            count += 1
        return storage, count


def _passes(kernel: Kernel) -> list[int]:
    """For each value: the first pass over a row in which it is known."""
    passes = [0] * (len(kernel.inputs) + len(kernel.consts))
    for op, args, _ in kernel.body:
        passes.append(max([passes[arg] for arg in args]) + (op in REDUCTIONS))
    return passes


def _read_in(kernel: Kernel, passes: list[int]) -> list[int]:
    """The passes in which something is computed at each point of a row."""
    first = len(passes) - len(kernel.body)
    rows = kernel.rows()
    read = [passes[i.args[0]] for i in kernel.body if i.op in REDUCTIONS]
    read += [passes[first + k] for k in range(len(kernel.body)) if not rows[first + k]]
    return read + [passes[o.value] for o in kernel.outputs if o.reduce or not rows[o.value]]


def _bits(phases: set[int]) -> int:
    """The passes as bits, up to the last one that has a bit."""
    return sum([1 << phase for phase in phases if 0 <= phase < _COUNTED_PASSES])


def _reads_again(step: dict[str, Any]) -> bool:
    """Whether a step's operands are read after its loop: by a check, or by a pair's parts."""
    return bool(step.get("check") or step.get("parts"))


def canonical(dtype: Dtype) -> Dtype:
    """The object among equal dtypes that C compares with (NumPy has two int64 on some systems)."""
    return ACCELERATED[NUMBER[dtype]]


def loop_of(name: str, dtype: Dtype) -> Any:
    return _lib.trueno_loop(_OP[name], NUMBER[dtype]) if name in _OP else _ffi.NULL


def conditions_of(name: str, dtype: Dtype) -> dict[str, Any]:
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
        return output == computed and (
            computed == FLOAT16 or loop_of(combine, computed) != _ffi.NULL
        )
    if loop_of(op, computed) == _ffi.NULL:
        if computed != FLOAT16:
            return False
        computed = FLOAT32
        if loop_of(op, computed) == _ffi.NULL:
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
