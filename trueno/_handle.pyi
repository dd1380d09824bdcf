"""Types of csrc/python/; what the attributes mean stands in handles.py, memory.py and graph.py."""

import weakref
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

from trueno.config import Settings
from trueno.graph import Buffer, Form, Node
from trueno.kinds import Dtype
from trueno.memory import DeviceCopy, NDArray

F = TypeVar("F", bound=Callable[..., Any])

class Block:
    root: NDArray
    device: DeviceCopy | None
    whole: NDArray | None
    node: Node | None
    target: NDArray | None
    before: list[weakref.ref[Node]]
    readers: list[weakref.ref[Node]]
    exports: list[weakref.ref[NDArray]]
    pin: str
    host_valid: bool
    device_valid: bool
    foreign: bool
    viewed: bool
    plain: bool
    @property
    def bit(self) -> int: ...
    def __init__(self, root: NDArray, whole: NDArray | None = None) -> None: ...

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
    def __getitem__(self, key: Any, /) -> Any: ...
    def __setitem__(self, key: Any, value: Any, /) -> None: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __bool__(self) -> bool: ...
    def __int__(self) -> int: ...
    def __index__(self) -> int: ...
    def __float__(self) -> float: ...

def wrap(array: NDArray, /) -> Any: ...
def handle_on(array: NDArray, buffer: Buffer | None, scalar: bool = False, /) -> Any: ...
def handle_for(node: Node, scalar: bool, /) -> Any: ...
def made() -> int: ...
def exported(array: NDArray, base: object, /) -> NDArray: ...
def small(
    function: Callable[..., Any], operands: tuple[Any, ...], name: str, gains: bytes, /
) -> Any: ...
def method(numpy: Callable[..., Any], python: Callable[..., Any], alike: Any, /) -> Any: ...
def public(function: F, module: str, numpys: Any = None, /) -> F: ...
def settings_from(get: Callable[[None], Settings | None] | None, defaults: Settings, /) -> None: ...
def settings() -> Settings: ...
def bind(
    *,
    result_class: type[Handle],
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
    operators: dict[str, tuple[Any, Any, Any, Any, bytes]],
    release: Callable[[NDArray], None],
    others: Callable[..., Any],
    pooled: Callable[[int], Buffer],
    pooled_from: int,
) -> None: ...
