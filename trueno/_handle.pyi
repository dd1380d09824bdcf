"""Types of csrc/handle.c; what the attributes mean stands in core.py."""

from collections.abc import Callable
from typing import Any, ClassVar

from trueno.dtypes import Dtype
from trueno.graph import Buffer, Form, Node
from trueno.memory import NDArray

class Handle:
    # The class of new handles: set by trueno.array, which stands above all that makes some.
    result_class: ClassVar[type[Handle]]

    _array: NDArray
    _buffer: Buffer | None
    _node: Node | None
    _scalar: bool
    shape: tuple[int, ...]
    @property
    def _layout(self) -> NDArray | Form: ...
    @property
    def dtype(self) -> Dtype: ...
    @property
    def ndim(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def itemsize(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def strides(self) -> tuple[int, ...]: ...

def wrap(array: NDArray, /) -> Any: ...
def handle_on(array: NDArray, buffer: Buffer | None, scalar: bool = False, /) -> Any: ...
def handle_for(node: Node, scalar: bool, /) -> Any: ...
def bind(
    *,
    result_class: type[Handle],
    settings: Callable[[], Any],
    named: Callable[[Exception, str], Exception],
    give_memory: Callable[[Any], None],
    buffer_of: Callable[[Handle], Buffer],
    host: Callable[[Any], Any],
    rewrap: Callable[[Any, list[Any]], Any],
    wrap_value: Callable[[Any], Any],
    array_ufunc: Callable[..., Any],
    array_function: Callable[..., Any],
    getitem: Callable[[Any, Any], Any],
    setitem: Callable[[Any, Any, Any], None],
    set_shape: Callable[[Any, Any], None],
    ufuncs: dict[Any, bytes],
    functions: dict[Any, bytes],
    operators: dict[str, tuple[Any, Any, Any, bytes]],
) -> None: ...
