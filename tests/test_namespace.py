"""The namespace: complete, inspectable, quick to import, and no trap for our own code."""

from __future__ import annotations

import ast
import builtins
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests.compare import outcome, same
from trueno import engine

PACKAGE = Path(tn.__file__).parent


def words(text: str) -> list[str]:
    return text.split()


# The Python array API standard, 2025.12, by chapter.
STANDARD = words("""
e inf nan newaxis pi
arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid ones ones_like tril
triu zeros zeros_like
astype can_cast finfo iinfo isdtype result_type
bool complex64 complex128 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64
abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_invert
bitwise_or bitwise_right_shift bitwise_xor ceil clip conj copysign cos cosh divide equal exp expm1
floor floor_divide greater greater_equal hypot imag isfinite isinf isnan less less_equal log log1p
log2 log10 logaddexp logical_and logical_not logical_or logical_xor maximum minimum multiply
negative nextafter not_equal positive pow real reciprocal remainder round sign signbit sin sinh
square sqrt subtract tan tanh trunc
take take_along_axis
__array_namespace_info__
matmul matrix_transpose tensordot vecdot
broadcast_arrays broadcast_shapes broadcast_to concat expand_dims flip moveaxis permute_dims repeat
reshape roll squeeze stack tile unstack
argmax argmin count_nonzero nonzero searchsorted where
isin unique_all unique_counts unique_inverse unique_values
argsort sort
cumulative_prod cumulative_sum max mean min prod std sum var
all any diff
""")
LINALG = words("""
cholesky cross det diagonal eig eigh eigvals eigvalsh inv matmul matrix_norm matrix_power
matrix_rank matrix_transpose outer pinv qr slogdet solve svd svdvals tensordot trace vecdot
vector_norm
""")
FFT = words("""
fft ifft fftn ifftn rfft irfft rfftn irfftn hfft ihfft fftfreq rfftfreq fftshift ifftshift
""")
METHODS = words("""
__abs__ __add__ __and__ __array_namespace__ __bool__ __complex__ __dlpack__ __dlpack_device__ __eq__
__float__ __floordiv__ __ge__ __getitem__ __gt__ __index__ __int__ __invert__ __le__ __lshift__
__lt__ __matmul__ __mod__ __mul__ __ne__ __neg__ __or__ __pos__ __pow__ __rshift__ __setitem__
__sub__ __truediv__ __xor__ to_device dtype device mT ndim shape size T
""")


def test_every_name_of_the_standard_is_there() -> None:
    assert set(STANDARD) <= set(tn.__all__)
    assert set(LINALG) <= set(tn.linalg.__all__)
    assert set(FFT) <= set(tn.fft.__all__)
    for module, names in ((tn, STANDARD), (tn.linalg, LINALG), (tn.fft, FFT)):
        for name in names:
            assert hasattr(module, name), name
    assert all(hasattr(tn.TruenoArray, name) for name in METHODS)
    assert tn.__array_api_version__ == "2025.12"


def test_extensions_are_modules_and_share_the_namespace_s_functions() -> None:
    from trueno.fft import rfft
    from trueno.linalg import svd

    assert (svd, rfft) == (tn.linalg.svd, tn.fft.rfft)
    # One implementation; each stands for NumPy's own, which are two.
    assert tn.linalg.matmul.__wrapped__ is tn.matmul.__wrapped__
    assert (tn.matmul == np.matmul, tn.linalg.matmul == np.linalg.matmul) == (True, True)


def test_dtypes_and_constants_are_numpy_s() -> None:
    for name in ("bool", "int8", "uint64", "float32", "complex128"):
        assert getattr(tn, name) is getattr(np, name)
    assert (tn.pi, tn.e, tn.inf, tn.newaxis) == (np.pi, np.e, np.inf, None)


@pytest.mark.parametrize("name", [n for n in STANDARD if n.islower() and n not in vars(np.dtypes)])
def test_functions_have_names_signatures_and_docstrings(name: str) -> None:
    f = getattr(tn, name)
    if isinstance(f, type) or not callable(f):
        return
    assert f.__name__ == name or name == "matmul"
    assert f.__doc__
    inspect.signature(f)


def test_generated_functions_take_operands_by_position_only() -> None:
    assert inspect.signature(tn.vecdot).parameters["axis"].default == -1
    parameters = list(inspect.signature(tn.atan2).parameters.values())
    assert [p.name for p in parameters[:3]] == ["x1", "x2", "out"]
    assert parameters[0].kind is parameters[1].kind is inspect.Parameter.POSITIONAL_ONLY
    with pytest.raises(TypeError):
        tn.add(1)
    with pytest.raises(TypeError):
        tn.add(1, 2, None, None)
    with pytest.raises(TypeError):
        tn.nn.relu(1, 2)


def test_array_namespace_is_this_module() -> None:
    for x in (tn.zeros(3), tn.zeros(()), tn.sum(tn.zeros(3)), tn.zeros(3)[0]):
        assert x.__array_namespace__() is tn
    assert tn.zeros(1).__array_namespace__(api_version="2025.12") is tn
    with pytest.raises(ValueError, match=r"trueno\.__array_namespace__"):
        tn.zeros(1).__array_namespace__(api_version="1999.12")


# ---------------------------------------------------------------- inspection and devices


def test_inspection() -> None:
    info = tn.__array_namespace_info__()
    assert info.capabilities() == {
        "boolean indexing": True,
        "data-dependent shapes": True,
        "max dimensions": 64,
    }
    assert info.default_device() == "auto"
    assert info.default_dtypes()["indexing"] == np.int64
    assert set(info.dtypes(kind="real floating")) == {"float32", "float64"}
    assert set(info.dtypes(kind=("bool", "signed integer"), device="cpu")) == {
        "bool", "int8", "int16", "int32", "int64",
    }  # fmt: skip
    assert len(info.dtypes()) == 13
    with pytest.raises(ValueError, match="unknown kind"):
        info.dtypes(kind="floating")
    with pytest.raises(ValueError, match="unknown device"):
        info.default_dtypes(device="tpu")


def test_devices_are_a_tuple_that_adds_to_lists() -> None:
    devices = tn.__array_namespace_info__().devices()
    assert isinstance(devices, tuple)
    assert devices[:2] == ("auto", "cpu")
    assert ("gpu" in devices) == (engine.backend("wgpu") is not None)
    assert devices + [None] == [*devices, None]  # noqa: RUF005  # SciPy's way of writing it
    assert [None] + devices == [None, *devices]  # noqa: RUF005
    assert devices + ("x",) == (*devices, "x")  # noqa: RUF005


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: tn.arange(4, **k),
        lambda **k: tn.asarray([1.0], **k),
        lambda **k: tn.asarray(np.ones(3), **k),
        lambda **k: tn.asarray(tn.ones(3), **k),
        lambda **k: tn.astype(tn.ones(3), tn.float32, **k),
        lambda **k: tn.empty(3, **k),
        lambda **k: tn.empty_like(tn.ones(3), **k),
        lambda **k: tn.eye(3, **k),
        lambda **k: tn.full(3, 1, **k),
        lambda **k: tn.full_like(tn.ones(3), 2, **k),
        lambda **k: tn.linspace(0, 1, 5, **k),
        lambda **k: tn.ones(3, **k),
        lambda **k: tn.ones_like(tn.ones(3), **k),
        lambda **k: tn.zeros(3, **k),
        lambda **k: tn.zeros_like(tn.ones(3), **k),
        lambda **k: tn.from_dlpack(np.ones(3), **k),
        lambda **k: tn.fft.fftfreq(3, **k),
    ],
)
def test_creation_functions_take_devices(make: Any) -> None:
    assert make().device == "auto"
    for device in ("auto", "cpu"):
        assert make(device=device).device == device
    with pytest.raises(ValueError, match="unknown device 'tpu'"):
        make(device="tpu")


def test_results_like_a_pinned_array_are_pinned_too() -> None:
    x = tn.ones(3, device="cpu")
    assert tn.zeros_like(x).device == tn.asarray(x, dtype=tn.float32).device == "cpu"
    assert tn.asarray(x, device="auto").device == "auto"
    assert (x + 1).device == tn.sort(x).device == "cpu"


@pytest.mark.gpu
def test_devices_include_the_gpu(gpu: None) -> None:
    x = tn.asarray(np.arange(4.0, dtype=np.float32), device="gpu")
    assert x.device == tn.zeros_like(x).device == (x * 2).device == "gpu"
    same(x * 2, np.arange(4, dtype=np.float32) * 2)
    with pytest.raises(ValueError, match="different devices"):
        x + tn.ones(4, dtype=tn.float32, device="cpu")


# ---------------------------------------------------------------- creation


def test_asarray_owns_shares_or_returns() -> None:
    array = np.arange(3.0)
    x = tn.asarray(array)
    array[0] = 9
    same(x, np.arange(3.0))
    shared = tn.asarray(array, copy=False)
    array[1] = 7
    same(shared, np.array([9.0, 7, 2]))
    shared[2] = 5
    assert array[2] == 5
    assert tn.asarray(x) is x
    assert tn.asarray(x, dtype=tn.float64, copy=False) is x
    copy = tn.asarray(x, copy=True)
    copy[0] = 1
    assert x[0] == 0
    same(tn.asarray(x, dtype=tn.int8), np.arange(3, dtype=np.int8))
    for bad in (x, array, [1, 2]):
        with pytest.raises(ValueError, match=r"trueno\.asarray"):
            tn.asarray(bad, dtype=tn.float32, copy=False)


@pytest.mark.parametrize("source", ["int64", "float32", "float64", "bool"])
@pytest.mark.parametrize("dtype", [np.dtype("float64"), np.float32, "int8", float, None])
def test_asarray_converts_ndarrays(source: str, dtype: Any) -> None:
    array = np.ones(3, source)
    result = tn.asarray(array, dtype=dtype)
    assert result.dtype == np.asarray(array, dtype=dtype).dtype
    assert not np.shares_memory(np.asarray(result), array)


def test_asarray_of_anything() -> None:
    x = tn.arange(3)
    same(tn.asarray([x, x + 1]), np.array([[0, 1, 2], [1, 2, 3]]))
    same(tn.asarray([[x[0], 2.5], (x[1], x[2])]), np.array([[0, 2.5], [1, 2]]))
    same(tn.asarray(3), np.asarray(3))
    same(tn.asarray(True, dtype=tn.float32), np.asarray(True, dtype=np.float32))
    same(tn.asarray(np.float32(1.5)), np.asarray(np.float32(1.5)))
    same(tn.asarray(memoryview(b"abc")), np.asarray(memoryview(b"abc")))
    data = bytearray(b"\x01\x02")
    view = tn.asarray(memoryview(data), copy=False)
    data[0] = 5
    same(view, np.array([5, 2], np.uint8))
    same(tn.asarray(np.asfortranarray(np.ones((2, 3)))), np.ones((2, 3)))
    assert tn.asarray(np.ones((2, 3)), order="F").flags.f_contiguous
    assert tn.asarray(tn.ones((2, 3)), order="F").flags.f_contiguous
    swapped = np.arange(3).astype(">i4")
    assert tn.asarray(swapped).dtype == swapped.dtype


def test_lists_nested_without_end() -> None:
    endless: list[Any] = []
    endless.append(endless)
    calls: list[Callable[[Any], Any]] = [
        lambda xp: xp.array(endless),
        lambda xp: xp.asarray((endless,)),
        lambda xp: xp.sum(endless),
        lambda xp: xp.add(endless, 1),
        lambda xp: xp.stack([endless, endless]),
        lambda xp: xp.ones(3)[endless],
        lambda xp: xp.zeros(endless),
    ]
    for call in calls:
        theirs = outcome(call, np)[1]
        assert theirs is not None and outcome(call, tn)[1] is theirs
    deep: Any = 1.5
    for _ in range(64):
        deep = [deep]
    same(tn.array(deep), np.array(deep))
    for call in (lambda xp: xp.array([deep]), lambda xp: xp.add([deep], tn.ones(1))):
        with pytest.raises(ValueError, match="dimension"):
            call(tn)


def test_creation_equals_numpy() -> None:
    same(tn.arange(2, 7, 2), np.arange(2, 7, 2))
    same(tn.arange(3.0), np.arange(3.0))
    same(tn.arange(tn.asarray(4), dtype=tn.int8), np.arange(4, dtype=np.int8))
    same(tn.linspace(0, 1, 5, endpoint=False), np.linspace(0, 1, 5, endpoint=False))
    ours, step = tn.linspace(0, 1, 5, retstep=True)
    same(ours, np.linspace(0, 1, 5))
    assert step == 0.25
    same(tn.eye(3, 4, k=1, dtype=tn.int8), np.eye(3, 4, k=1, dtype=np.int8))
    same(tn.full((2, 2), 1 + 1j), np.full((2, 2), 1 + 1j))
    same(tn.full(2, tn.asarray(3)), np.full(2, 3))
    like = tn.asarray(np.asfortranarray(np.ones((2, 3), np.float32)), order="K")
    assert tn.zeros_like(like).strides == (4, 8)
    same(tn.full_like(like, 2), np.full((2, 3), 2, np.float32))
    same(tn.ones_like(like, dtype=tn.int8, shape=(2,)), np.ones(2, np.int8))
    assert tn.empty((2, 0)).shape == (2, 0)
    for wrong, error in (
        (lambda: tn.zeros(-1), ValueError),
        (lambda: tn.zeros((2**40, 2**40)), ValueError),
        (lambda: tn.linspace(0, 1, -1), ValueError),
        (lambda: tn.arange(0, 1, 0), ZeroDivisionError),
        (lambda: tn.zeros(3, dtype="nonsense"), TypeError),
    ):
        with pytest.raises(error, match="trueno"):
            wrong()


# ---------------------------------------------------------------- NumPy's other names


def test_other_numpy_names_resolve() -> None:
    x = tn.asarray([3.0, 1, 2])
    same(tn.percentile(x, 50), np.percentile([3.0, 1, 2], 50))
    same(tn.einsum("i,i->", x, x), np.einsum("i,i->", [3.0, 1, 2], [3.0, 1, 2]))
    same(tn.arcsin(x / 3), np.arcsin(np.array([3.0, 1, 2]) / 3))
    same(tn.linalg.norm(x), np.linalg.norm([3.0, 1, 2]))
    same(tn.fft.fft2(tn.eye(2)), np.fft.fft2(np.eye(2)))
    same(tn.frexp(x), np.frexp([3.0, 1, 2]))
    same(tn.array([[1, 2]], dtype=tn.int8, ndmin=3), np.array([[[1, 2]]], np.int8))
    same(tn.transpose(tn.ones((2, 3))), np.ones((3, 2)))
    assert tn.dtype is np.dtype
    assert tn.euler_gamma == np.euler_gamma
    assert tn.random.PCG64 is np.random.PCG64
    assert tn.linalg.LinAlgError is np.linalg.LinAlgError
    assert tn.percentile is tn.percentile  # resolved once
    assert tn.percentile.__name__ == "percentile"


def test_dir_lists_our_names_and_numpy_s() -> None:
    assert {"TruenoArray", "percentile", "add", "linalg"} <= set(dir(tn))
    assert {"svd", "norm"} <= set(dir(tn.linalg))
    assert {"rfft", "fft2"} <= set(dir(tn.fft))
    for module in (tn, tn.linalg, tn.fft):
        with pytest.raises(AttributeError, match="no_such_name"):
            module.no_such_name  # noqa: B018
        with pytest.raises(AttributeError):
            module._private  # noqa: B018


def test_version_is_the_distribution_s() -> None:
    assert tn.__version__[0].isdigit()


# ---------------------------------------------------------------- our own code


def _own(tree: ast.Module) -> set[str]:
    """The names that a module binds at its top level, builtins among them."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    if any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in tree.body):
        names |= set(tn.__all__)
    return {name for name in names if hasattr(builtins, name)}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.name)
def test_no_module_uses_a_builtin_that_it_shadows(path: Path) -> None:
    tree = ast.parse(path.read_text())
    own = _own(tree)
    used = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    arguments = {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg)}
    assert not own & used - arguments, f"{path}: {own & used}"


def test_import_is_quick_and_leaves_heavy_packages_alone() -> None:
    code = (
        "import numpy, sys, time; t = time.process_time(); import trueno;"
        "print(time.process_time() - t);"
        "heavy = ('wgpu', 'rich', 'platformdirs', 'importlib.metadata', 'asyncio');"
        "print([m for m in heavy if m in sys.modules])"
    )
    seconds = []
    for _ in range(3):
        run = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        spent, heavy = run.stdout.splitlines()
        seconds.append(float(spent))
        assert heavy == "[]"
    assert min(seconds) < 0.25
