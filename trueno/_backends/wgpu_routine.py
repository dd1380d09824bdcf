"""What the GPU's routines share: operands as they see them, and how they collect dispatches.

A routine's ``performs`` looks at the views' dtypes and layouts and at the parameters, ``prepare``
turns them into the dispatches that ``wgpu_layout`` makes of launches too, cached by the geometry.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from trueno._backends.wgpu_layout import (
    LayoutError,
    Limits,
    Operand,
    Prepared,
    Step,
    contiguous,
    copy_kernel,
    elementwise_step,
    grid_of,
    prepare,
)
from trueno._backends.wgpu_shaders import MAIN, Binding, module, notes
from trueno.kinds import Dtype
from trueno.plan import Call, Kernel

# Whether there is a kernel of an operation for input dtypes and an output dtype.
Supports = Callable[[str, tuple[Dtype, ...], Dtype], bool]


class Array(NamedTuple):
    """An operand of a routine: strides and offset count elements."""

    buffer: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: Dtype

    def operand(self) -> Operand:
        return Operand(self.buffer, self.offset, self.strides, self.dtype)


class Bound(NamedTuple):
    """A buffer bound to a shader, as an array of ``element``."""

    array: Array
    element: str
    writes: bool = False


class Building:
    """The dispatches of a routine in the making."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.steps: list[Step] = []
        self.temporaries: list[int] = []
        self.flags = 0

    def temporary(self, shape: Sequence[int], dtype: Dtype) -> Array:
        """Device memory for one run of the routine, in C order."""
        nbytes = dtype.itemsize
        for length in shape:
            nbytes *= length
        if nbytes > self.limits.binding:
            raise LayoutError("a temporary larger than a binding")
        self.temporaries.append(nbytes)
        return Array(-len(self.temporaries), 0, tuple(shape), contiguous(shape), dtype)

    def dispatch(
        self,
        bound: Sequence[Bound],
        values: Mapping[str, int],
        functions: Sequence[str],
        body: str,
        groups: int,
        size: int = 256,
        raises: bool = False,
    ) -> None:
        """Adds a shader: ``values`` are its parameters ``p.<name>``, ``body`` is what a workgroup
        number ``group`` of ``size`` invocations (each its ``lane``) does, which may leave
        conditions in ``raised_0`` if it ``raises``."""
        bindings = tuple([Binding(b.element, b.writes) for b in bound])
        slots = (0,) if raises else ()
        self.flags = max(self.flags, len(slots))
        main = MAIN.format(size=size, body="\n    ".join([body, *notes(slots)]))
        fields = list(values)
        immediates = 8 + 4 * len(fields) <= self.limits.immediates
        text = module(fields, bindings, slots, immediates, list(functions), main)
        self.steps.append(
            Step(
                text,
                tuple([b.writes for b in bound]),
                immediates,
                tuple([(b.array.buffer, 0, 0) for b in bound]),
                (),
                struct.pack(f"<{len(fields)}I", *[v & 0xFFFFFFFF for v in values.values()]),
                0,
                grid_of(groups, self.limits),
            )
        )

    def copy(self, source: Array, target: Array) -> None:
        """Copies (and casts) ``source``, broadcast to the target's shape."""
        kernel = copy_kernel(source.dtype, target.dtype)
        operands = [source.operand()], [target.operand()]
        self.steps.append(elementwise_step(kernel, (0,), target.shape, *operands, self.limits))

    def compact(self, source: Array, dtype: Dtype | None = None) -> Array:
        """A copy in C order."""
        made = self.temporary(source.shape, dtype or source.dtype)
        self.copy(source, made)
        return made

    def launch(
        self, kernel: Kernel, shape: tuple[int, ...], axes: tuple[int, ...],
        inputs: Sequence[Operand], outputs: Sequence[Operand],
    ) -> None:  # fmt: skip
        """Adds the dispatches of a kernel."""
        made = prepare(kernel, shape, axes, inputs, outputs, self.limits, self.temporaries)
        self.steps += made.steps
        self.temporaries = list(made.temporaries)
        self.flags = max(self.flags, made.flags)

    def finish(self) -> Prepared:
        return Prepared(tuple(self.steps), tuple(self.temporaries), self.flags)


class Routine(NamedTuple):
    """performs: whether it takes such a call, where the adapter has these operations
    prepare:  adds the dispatches of a call with these parameters, inputs and outputs
    """

    performs: Callable[[Call, Supports], bool]
    prepare: Callable[[Building, dict[str, Any], Sequence[Array], Sequence[Array]], None]
