"""The planner: pending nodes in, kernels out. The only place that knows about fusion.

A node is *stored* if someone needs its value in memory: it is asked for, a live buffer waits for
it, it is a reduction, or a consumer reads it in another iteration space, through a view, or on
another backend. Everything else is *inlined*: computed in the registers of kernels that use it.

A reduction along short rows (``Form.rows``) begins a *chain*: what is done with its results goes
into the same kernel, where each row stays in the cache from the first step to the last.

Stored nodes get a level: one more than what they must wait for. Those of one level, iteration space
and backend share a kernel with several outputs. Plans are cached by structure, so that a loop plans
once: the key holds operations, dtypes and which shapes are equal, never the shapes themselves.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from trueno._handle import walk
from trueno.graph import Form, Node, Shape
from trueno.kinds import Dtype
from trueno.memory import View
from trueno.plan import Instruction, Kernel, Output

# Bounds of one kernel: a tile machine keeps its registers in cache, a GPU has few bindings.
MAX_INSTRUCTIONS = 256
MAX_INPUTS = 8
MAX_OUTPUTS = 4
# A value used by several kernels is computed again in each up to this many operations.
RECOMPUTE_LIMIT = 3


class Step(NamedTuple):
    """One kernel of a plan, its operands given as positions in the Graph's lists.

    space:    a node whose iteration space it is
    axes:     the reduced axes
    inputs:   (True, leaf position) or (False, node position)
    nodes:    the node of each instruction
    reported: the node of each instruction and of each output: the calls that conditions belong to
    releases: the nodes that no later step needs
    """

    kernel: Kernel
    backend: str
    space: int
    axes: Shape
    inputs: tuple[tuple[bool, int], ...]
    consts: tuple[int, ...]
    outputs: tuple[int, ...]
    nodes: tuple[int, ...]
    reported: tuple[int, ...]
    releases: tuple[int, ...] = ()


Plan = tuple[Step, ...]
# What an operand of a node is ("n": a node, "l": a leaf, "c": a constant), its position in the
# Graph's list of these, and for a leaf the position of the node that must write it first, or -1.
Operand = tuple[str, int, int]


class Graph:
    """The pending nodes below some roots, in topological order, and what they read.

    nodes:  of Node
    forms:  the nodes' forms
    leaves: the views that they read
    consts: the scalars
    args:   for each node: its operands
    stored: for each node: whether it was asked for, or a live buffer waits for it
    key:    all that the plan depends on, and the shapes: graphs with equal keys have one plan
    """

    def __init__(self, roots: list[Node], spared: Node | None = None) -> None:
        self.nodes: list[Node]
        self.leaves: list[View]
        self.consts: list[np.generic[Any]]
        self.args: list[tuple[Operand, ...]]
        self.stored: list[bool]
        self.key: bytes
        parts = walk(roots, spared)
        self.nodes, self.leaves, self.consts, self.args, self.stored, self.key = parts
        self.forms: list[Form] = [node.form for node in self.nodes]

    def structure(self) -> tuple[Any, ...]:
        """The key without the shapes, but for which are equal: a plan depends on no more."""
        known: dict[Shape, int] = {}
        rows = []
        for i, form in enumerate(self.forms):
            shapes = [known.setdefault(shape, len(known)) for shape in (form.space, form.shape)]
            rows.append(
                (form.op, form.dtype, form.backend, form.axes, form.rows, *shapes, self.stored[i])
                + self.args[i]
            )
        leaves = [leaf.array.dtype for leaf in self.leaves]
        return tuple(rows), tuple(leaves), tuple([const.dtype for const in self.consts])


def plan(graph: Graph) -> Plan:
    """Groups a graph's nodes into kernels, in an order that respects every dependency."""
    stored, chains = _stored(graph)
    inlined = _inline(graph, stored, chains)
    groups = _groups(graph, stored, inlined.level, chains)
    if _share_repeated(graph, stored, groups):
        inlined = _inline(graph, stored, chains)
        groups = _groups(graph, stored, inlined.level, chains)
    steps: list[Step] = []
    for members in groups:
        steps += _steps(graph, members, stored, chains, inlined)
    last = {at: n for n, step in enumerate(steps) for at in _uses(step)}
    released = [tuple([at for at in _uses(step) if last[at] == n]) for n, step in enumerate(steps)]
    released[-1] = ()  # what is left at the end goes with the graph
    return tuple([s._replace(releases=r) for s, r in zip(steps, released, strict=True)])


def _uses(step: Step) -> set[int]:
    """The nodes that a step reads, computes or stores."""
    return {*step.nodes, *step.outputs, *[at for is_leaf, at in step.inputs if not is_leaf]}


class Chain(NamedTuple):
    """The rows that a chain goes along: an iteration space, axes of it and a backend.

    row: whether the node has a value a row, not one a point
    """

    space: Shape
    axes: Shape
    backend: str
    row: bool = False


# Backends whose kernels go on with the results of reductions.
_CHAINING = ("numpy", "simd", "wgpu")


def _stored(graph: Graph) -> tuple[list[bool], list[Chain | None]]:
    """Which nodes must be in memory, by who consumes them; and the chain that each belongs to."""
    stored: list[bool] = []
    chains: list[Chain | None] = []
    for i, form in enumerate(graph.forms):
        chain = _chain(graph, i, chains)
        reduces = form.op.reduce is not None
        stored.append(graph.stored[i] or (reduces and chain is None))
        chains.append(chain)
        for kind, at, source in graph.args[i]:
            if source >= 0:
                stored[source] = True
            if kind == "n" and not _joins(graph, i, at, chains):
                stored[at] = True
    return stored, chains


def _chain(graph: Graph, i: int, chains: list[Chain | None]) -> Chain | None:
    """The chain of node ``i``: its own, or its operands' if they agree."""
    form = graph.forms[i]
    if form.op.reduce is not None:
        chaining = form.rows and form.backend in _CHAINING
        return Chain(form.space, form.axes, form.backend, True) if chaining else None
    operands = graph.args[i]
    for chain in [chains[at] for kind, at, _ in operands if kind == "n"]:
        if chain is None or chain.backend != form.backend:
            continue
        if chain.space == form.space:
            return chain._replace(row=False)
        of_rows = all(
            kind == "c" or (kind == "n" and chains[at] == chain) for kind, at, _ in operands
        )
        if chain.row and of_rows:
            return chain
    return None


def _joins(graph: Graph, i: int, at: int, chains: list[Chain | None]) -> bool:
    """Whether one kernel may compute node ``i`` and its operand ``at``."""
    form, operand = graph.forms[i], graph.forms[at]
    mine, chain = chains[i], chains[at]
    if operand.backend != form.backend:
        return False
    if chain is None:
        return operand.op.reduce is None and operand.shape == form.space
    if form.op.reduce is not None:
        rows = form.space, form.axes
        return not chain.row and rows == (chain.space, chain.axes)
    return mine is not None and mine._replace(row=chain.row) == chain


class _Inlined(NamedTuple):
    """For each node: what is computed in registers and read from memory for it, and its level.

    The level is the number of kernels that must run before its own.
    """

    level: list[int]
    computed: list[frozenset[int]]
    reads: list[frozenset[tuple[str, int]]]


def _inline(graph: Graph, stored: list[bool], chains: list[Chain | None]) -> _Inlined:
    """Decides what each node's kernel inlines.

    Where that would pass a bound of a kernel, the heaviest operand is stored instead.
    """
    forms, args = graph.forms, graph.args
    level = [0] * len(forms)
    computed: list[frozenset[int]] = []
    reads: list[frozenset[tuple[str, int]]] = []
    for i in range(len(forms)):
        while True:
            inlined = [at for kind, at, _ in args[i] if kind == "n" and not stored[at]]
            inside = frozenset((i,)).union(*[computed[at] for at in inlined])
            direct = [(k, at) for k, at, _ in args[i] if k == "l" or (k == "n" and stored[at])]
            read = frozenset(direct).union(*[reads[at] for at in inlined])
            fits = len(inside) <= MAX_INSTRUCTIONS and len(read) <= MAX_INPUTS
            if fits or not inlined:
                break
            stored[max(inlined, key=lambda at: (len(reads[at]), len(computed[at])))] = True
        computed.append(inside)
        reads.append(read)
        for kind, at, source in args[i]:
            if source >= 0:
                level[i] = max(level[i], level[source] + 1)
            if kind != "n":
                continue
            level[i] = max(level[i], level[at] + (not _joins(graph, i, at, chains)))
    return _Inlined(level, computed, reads)


def _groups(
    graph: Graph, stored: list[bool], level: list[int], chains: list[Chain | None]
) -> list[list[int]]:
    """Stored nodes that may share a kernel, in the order in which the kernels run.

    A kernel has one set of reduced axes; purely elementwise outputs join any.
    """
    groups: dict[tuple[int, Shape, str], dict[Shape, list[int]]] = {}
    for i, form in enumerate(graph.forms):
        if stored[i]:
            chain = chains[i] or form
            key = (level[i], chain.space, form.backend)
            groups.setdefault(key, {}).setdefault(chain.axes, []).append(i)
    ordered = []
    for key in sorted(groups, key=lambda key: key[0]):
        by_axes = groups[key]
        elementwise = by_axes.pop((), None)
        reducing = list(by_axes.values())
        if elementwise is not None:
            if reducing:
                reducing[0] = sorted(elementwise + reducing[0])
            else:
                reducing = [elementwise]
        ordered += reducing
    return ordered


def _share_repeated(graph: Graph, stored: list[bool], groups: list[list[int]]) -> bool:
    """Stores costly values that several kernels would compute again; says if there were any."""
    kernels_using: dict[int, int] = {}
    size: dict[int, int] = {}
    for members in groups:
        seen: set[int] = set()
        stack = list(members)
        while stack:
            i = stack.pop()
            for kind, at, _ in graph.args[i]:
                if kind == "n" and not stored[at] and at not in seen:
                    seen.add(at)
                    stack.append(at)
        for at in seen:
            kernels_using[at] = kernels_using.get(at, 0) + 1
    changed = False
    for at in sorted(kernels_using):
        own = 1 if graph.forms[at].op.reduce is None else RECOMPUTE_LIMIT + 1
        size[at] = own + sum(size.get(a, 0) for kind, a, _ in graph.args[at] if kind == "n")
        if kernels_using[at] > 1 and size[at] > RECOMPUTE_LIMIT:
            stored[at] = changed = True
            size[at] = 0
    return changed


class _Builder:
    """One kernel in the making: values by symbolic names until their numbers are known."""

    def __init__(self, graph: Graph, stored: list[bool], chains: list[Chain | None]) -> None:
        self.graph = graph
        self.stored = stored
        self.chains = chains
        self.inputs: dict[tuple[bool, int], Dtype] = {}
        self.consts: dict[int, Dtype] = {}
        self.body: list[tuple[int, tuple[tuple[str, Any], ...]]] = []
        self.value: dict[int, tuple[str, Any]] = {}  # node position to where its value is
        self.members: list[int] = []
        self.dropped: set[int] = set()

    def add(self, member: int) -> None:
        """Makes the stored node ``member`` an output."""
        self.members.append(member)
        if self.graph.forms[member].op.reduce is not None and self.chains[member] is None:
            operand = self.graph.args[member][0]
            if operand[0] == "n" and self._inline(operand[1]):
                self._emit(operand[1])
            else:
                self._operand(operand)
        else:
            self._emit(member)

    def _inline(self, at: int) -> bool:
        return not self.stored[at]

    def _emit(self, top: int) -> None:
        stack = [(top, False)]
        while stack:
            i, ready = stack.pop()
            if i in self.value:
                continue
            if ready:
                refs = tuple([self._operand(operand) for operand in self.graph.args[i]])
                if self._is_copy(i):
                    self.value[i] = refs[0]
                else:
                    self.value[i] = ("b", len(self.body))
                    self.body.append((i, refs))
                continue
            stack.append((i, True))
            for kind, at, _ in reversed(self.graph.args[i]):
                if kind == "n" and self._inline(at):
                    stack.append((at, False))

    def _is_copy(self, i: int) -> bool:
        """Whether node ``i`` is a cast to its operand's own dtype: no instruction, only a store."""
        form = self.graph.forms[i]
        if form.op.name != "cast":
            return False
        kind, at, _ = self.graph.args[i][0]
        if kind == "l":
            return bool(self.graph.leaves[at].array.dtype == form.dtype)
        operand = self.graph.forms[at] if kind == "n" else self.graph.consts[at]
        return bool(operand.dtype == form.dtype)

    def _operand(self, operand: Operand) -> tuple[str, Any]:
        kind, at, _ = operand
        if kind == "c":
            self.consts[at] = self.graph.consts[at].dtype
            return ("c", at)
        if kind == "n" and at in self.value:
            return self.value[at]
        key = (kind == "l", at)
        self.inputs[key] = (
            self.graph.leaves[at].array.dtype if kind == "l" else self.graph.forms[at].dtype
        )
        return ("i", key)

    def _drop_unread(self) -> None:
        """Reductions that nothing in the kernel reads are its outputs only."""
        read = {ref for _, refs in self.body for ref in refs}
        kept: list[tuple[int, tuple[tuple[str, Any], ...]]] = []
        place: dict[tuple[str, Any], tuple[str, Any]] = {}
        for at, (i, refs) in enumerate(self.body):
            if self.graph.forms[i].op.reduce is not None and ("b", at) not in read:
                self.value[i] = place.get(refs[0], refs[0])
                self.dropped.add(i)
                continue
            place["b", at] = ("b", len(kept))
            kept.append((i, tuple([place.get(ref, ref) for ref in refs])))
        if self.dropped:
            self.body = kept
            for i, ref in self.value.items():
                if i not in self.dropped:
                    self.value[i] = place.get(ref, ref)

    def finish(self) -> Step:
        graph = self.graph
        self._drop_unread()
        number: dict[tuple[str, Any], int] = {}
        for key in self.inputs:
            number["i", key] = len(number)
        for at in self.consts:
            number["c", at] = len(number)
        for i in range(len(self.body)):
            number["b", i] = len(number)
        body = tuple(
            [
                Instruction(
                    graph.forms[i].op.name,
                    tuple([number[ref] for ref in refs]),
                    graph.forms[i].dtype,
                )
                for i, refs in self.body
            ]
        )
        outputs = []
        for member in self.members:
            form = graph.forms[member]
            if member in self.value:
                reduce = form.op.name if member in self.dropped else None
                outputs.append(Output(number[self.value[member]], reduce, form.dtype))
            else:
                ref = self._operand(graph.args[member][0])
                outputs.append(Output(number[ref], form.op.name, form.dtype))
        first = self.members[0]
        chain = next((chain for m in self.members if (chain := self.chains[m])), None)
        axes = next((axes for m in self.members if (axes := graph.forms[m].axes)), ())
        nodes = tuple([i for i, _ in self.body])
        space = first
        if chain is not None:
            axes = chain.axes
            space = next(i for i in (*nodes, first) if graph.forms[i].space == chain.space)
        return Step(
            Kernel(tuple(self.inputs.values()), tuple(self.consts.values()), body, tuple(outputs)),
            graph.forms[first].backend,
            space,
            axes,
            tuple(self.inputs),
            tuple(self.consts),
            tuple(self.members),
            nodes,
            (*nodes, *self.members),
        )


def _steps(
    graph: Graph,
    members: list[int],
    stored: list[bool],
    chains: list[Chain | None],
    inlined: _Inlined,
) -> list[Step]:
    steps = []
    builder = _Builder(graph, stored, chains)
    computed: frozenset[int] = frozenset()
    reads: frozenset[tuple[str, int]] = frozenset()
    for member in members:
        computed |= inlined.computed[member]
        reads |= inlined.reads[member]
        outside = reads - {("n", at) for at in builder.members}
        chained = any(chains[at] is not None for at in builder.members)
        if (builder.members and not chained) and (
            len(builder.members) == MAX_OUTPUTS
            or len(computed) > MAX_INSTRUCTIONS
            or len(outside) > MAX_INPUTS
        ):
            steps.append(builder.finish())
            builder = _Builder(graph, stored, chains)
            computed, reads = inlined.computed[member], inlined.reads[member]
        builder.add(member)
    steps.append(builder.finish())
    return steps
