"""The CPU backend: kernels become programs of the tile machine in ``csrc/``.

A kernel is compiled once (``simd_program``), and cached. A launch is one call into C, which reads
addresses, shapes and strides out of the arrays themselves: fetching them through Python would take
longer than small launches do.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np

from trueno._backends import _simd, simd_routines
from trueno._backends.simd_program import Compiler, Program, canonical, supports
from trueno.config import SETTINGS, THREADS
from trueno.kinds import Dtype
from trueno.memory import NDArray, View
from trueno.plan import Call, Kernel, Launch

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

_MOST_PROGRAMS = 4096  # then the cache is emptied: kernels that vary without end are not worth it


# ---------------------------------------------------------------- what the machine offers


def _built() -> list[str]:
    """The instruction sets that the extension was built for."""
    names: list[str] = []
    while (name := _lib.trueno_isa(len(names))) != _ffi.NULL:
        names.append(_ffi.string(name).decode())
    return names


def _open(names: list[str]) -> str:
    """Chooses among the instruction sets; TRUENO_ISA names the most capable one allowed."""
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


# ---------------------------------------------------------------- the backend


class SimdBackend:
    """Runs launches on the tile machine.

    built: the instruction sets there are loops for: "sse2", "avx2", "avx512", "neon", "base"
    isa:   the one in use
    run:   the address of the function that runs programs
    """

    name = "simd"
    device = "cpu"
    lost = False

    def __init__(self) -> None:
        if not _set_layout():
            raise ImportError("trueno: NumPy's arrays do not lie in memory as the backend expects")
        self.built = _built()
        self.isa = _open(self.built)
        self.run = int(_ffi.cast("intptr_t", _ffi.addressof(_lib, "trueno_run")))
        self._programs: dict[Kernel, Program] = {}

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
        program = self.program(kernel)
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

    def program(self, kernel: Kernel) -> Program:
        """The kernel compiled, now or before."""
        program = self._programs.get(kernel)
        if program is None:
            if len(self._programs) >= _MOST_PROGRAMS:
                self._programs.clear()
            program = self._programs[kernel] = Compiler(kernel).compile()
        return program

    def performs(self, call: Call) -> bool:
        routine = ROUTINES.get(call.routine)
        return routine is not None and routine.performs(call)

    def call(self, call: Call) -> None:
        _lib.trueno_use_threads(SETTINGS.get().threads)
        status = ROUTINES[call.routine].run(call)
        if status < 0:
            error, message = _ERRORS[status]
            raise error(f"trueno.{call.routine}: {message}")

    def _launch_again(self, launch: Launch, program: Program, status: int) -> None:
        """After an error: with operands of NumPy's own classes and dtypes, where they differ."""
        error, message = _ERRORS[status]
        kernel = launch.kernel
        if error is not TypeError:
            raise error(f"trueno: {message}")
        inputs = [_plain(v, d) for v, d in zip(launch.inputs, kernel.inputs, strict=True)]
        outputs = [_plain(v, o.dtype) for v, o in zip(launch.outputs, kernel.outputs, strict=True)]
        if not all(array.flags.writeable for array in outputs):
            raise ValueError("trueno: an output is read-only")
        consts = [canonical(d).type(c) for c, d in zip(launch.consts, kernel.consts, strict=True)]
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
    return np.asarray(view.array).view(canonical(dtype))
