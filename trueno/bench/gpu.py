"""What a GPU is measured with: workloads on data that lie there, and where it begins to win.

A timing is many calls, none of which waits, and one wait at the end, as PyTorch's and CuPy's users
time theirs; those two run beside Trueno where they are installed and find the same GPU.
"""

from __future__ import annotations

import importlib
import importlib.util
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from trueno import engine, nn, special
from trueno._array_api.creation_functions import asarray
from trueno.config import config
from trueno.protocols import evaluate

_SECONDS = 0.1  # a timing takes about this long
_MOST = 300  # calls of one
_LONG = 0.3  # what takes longer is timed once

Inputs = tuple[Any, ...]


@dataclass(frozen=True)
class Workload:
    """name; shapes and dtype of the inputs; what it is in Trueno and its peers, or None.

    amount: of bytes that must move, or operations that must be done, in one call
    unit:   "B" or "FLOP"
    aim:    what is to be reached, in words
    """

    name: str
    shapes: tuple[tuple[int, ...], ...]
    dtype: str
    ours: Callable[..., Any]
    amount: float
    unit: str = "B"
    torch: Callable[..., Any] | None = None
    cupy: Callable[..., Any] | None = None
    aim: str = ""


def _black_scholes(xp: Any, erf: Any) -> Callable[..., Any]:
    """Call and put prices (Black and Scholes 1973); 2 % interest, 30 % volatility."""

    def prices(s: Any, k: Any, t: Any) -> Any:
        root = 0.3 * xp.sqrt(t)
        d1 = (xp.log(s / k) + (0.02 + 0.5 * 0.3 * 0.3) * t) / root
        d2 = d1 - root
        paid = k * xp.exp(-0.02 * t)
        below1 = 0.5 + 0.5 * erf(d1 * 0.7071067811865476)
        below2 = 0.5 + 0.5 * erf(d2 * 0.7071067811865476)
        return s * below1 - paid * below2, paid * (1 - below2) - s * (1 - below1)

    return prices


def _chain(x: Any, y: Any, z: Any) -> Any:
    return 2 * x + 3 * y - z * x + 0.5


def _layer_norm(x: Any, weight: Any, bias: Any) -> Any:
    return nn.layer_norm(x, -1, weight, bias)


def _fold(name: str, axis: int | None, dtype: str = "f4") -> Workload:
    shape = (16384, 4096)
    size = 16384 * 4096 * np.dtype(dtype).itemsize
    of = "all" if axis is None else f"axis {axis}"
    extra = {"correction": 0} if name == "var" else {}
    return Workload(
        f"{name} {of} {dtype}",
        (shape,),
        dtype,
        lambda x: getattr(np, name)(x, axis=axis),
        size,
        torch=lambda torch, x: (
            getattr(torch, name)(x, **extra)
            if axis is None
            else getattr(torch, "amax" if name == "max" else name)(x, dim=axis, **extra)
        ),
        cupy=lambda cupy, x: getattr(cupy, name)(x, axis=axis),
        aim="PyTorch",
    )


def _product(n: int, dtype: str, aim: str) -> Workload:
    return Workload(
        f"matmul {n} {dtype}",
        ((n, n), (n, n)),
        dtype,
        lambda a, b: a @ b,
        2.0 * n**3,
        "FLOP",
        torch=lambda torch, a, b: a @ b,
        cupy=lambda cupy, a, b: a @ b,
        aim=aim,
    )


def _conv(batch: int, channels: int, side: int) -> Workload:
    out = 64 if channels == 64 else 256
    return Workload(
        f"conv2d 3x3 ({batch},{channels},{side},{side})",
        ((batch, channels, side, side), (out, channels, 3, 3)),
        "f4",
        lambda x, w: nn.conv2d(x, w, padding=1),
        2.0 * batch * out * channels * 9 * side * side,
        "FLOP",
        torch=lambda torch, x, w: torch.nn.functional.conv2d(x, w, padding=1),
        aim="60 % of cuDNN",
    )


_64M = 1 << 26
_ROWS = (16384, 4096)


def workloads() -> list[Workload]:
    """The table that the GPU engine is held to."""
    found = []
    for dtype in ("f4", "f8"):
        size = _64M * np.dtype(dtype).itemsize
        of = ((_64M,),) * 3
        add = Workload(
            f"a + b {dtype}", of[:2], dtype, lambda a, b: a + b, 3 * size,
            torch=lambda torch, a, b: a + b, cupy=lambda cupy, a, b: a + b, aim="90 % of a copy",
        )  # fmt: skip
        chain = Workload(
            f"2x + 3y - zx + 0.5 {dtype}", of, dtype, _chain, 4 * size,
            torch=lambda torch, *xs: _chain(*xs), cupy=lambda cupy, *xs: _chain(*xs),
            aim="90 % of a copy",
        )  # fmt: skip
        found += [add, chain]
    rows = _64M * 4
    found += [
        Workload(
            "Black-Scholes f8", ((_64M,),) * 3, "f8", _black_scholes(np, special.erf), 5 * 2 * rows,
            torch=lambda torch, *xs: _black_scholes(torch, torch.erf)(*xs),
            cupy=lambda cupy, *xs: _black_scholes(
                cupy, importlib.import_module("cupyx.scipy.special").erf
            )(*xs),
            aim="5x CuPy",
        ),
        Workload(
            "softmax rows f4", (_ROWS,), "f4", lambda x: nn.softmax(x, -1), 2 * rows,
            torch=lambda torch, x: torch.softmax(x, -1), aim="1.2x PyTorch",
        ),
        Workload(
            "log_softmax rows f4", (_ROWS,), "f4", lambda x: nn.log_softmax(x, -1), 2 * rows,
            torch=lambda torch, x: torch.log_softmax(x, -1), aim="1.2x PyTorch",
        ),
        Workload(
            "layer norm rows f4", (_ROWS, (4096,), (4096,)), "f4", _layer_norm, 2 * rows,
            torch=lambda torch, x, w, b: torch.nn.functional.layer_norm(x, x.shape[-1:], w, b),
            aim="1.2x PyTorch",
        ),
        *[_fold(name, axis) for name in ("sum", "max", "var", "argmax") for axis in (None, 0, 1)],
        _fold("sum", None, "f8"),
        Workload(
            "transposed copy f4", (_ROWS,), "f4", lambda x: x.T.copy(), 2 * rows,
            torch=lambda torch, x: x.T.contiguous(), cupy=lambda cupy, x: x.T.copy(),
            aim="1.5x PyTorch",
        ),
        Workload(
            "cumsum f4", ((_64M,),), "f4", lambda x: np.cumsum(x), 2 * rows,
            torch=lambda torch, x: torch.cumsum(x, 0), cupy=lambda cupy, x: cupy.cumsum(x),
            aim="PyTorch",
        ),
        Workload(
            "a[indices] f4", ((_64M,), (_64M,)), "f4", lambda x, i: x[i], 4 * rows,
            torch=lambda torch, x, i: x[i], cupy=lambda cupy, x, i: x[i],
        ),
        Workload(
            "sort f4", ((_64M // 4,),), "f4", lambda x: np.sort(x), rows // 2,
            torch=lambda torch, x: torch.sort(x)[0], cupy=lambda cupy, x: cupy.sort(x),
        ),
        _product(4096, "f4", "85 % of cuBLAS"), _product(4096, "f8", "15 TFLOP/s"),
        _product(4096, "f2", "40 TFLOP/s"), _product(1024, "f4", ""),
        _conv(128, 64, 56), _conv(128, 256, 28),
    ]  # fmt: skip
    return found


def _arrays(work: Workload) -> Inputs:
    rng = np.random.default_rng(0)
    if work.name.startswith("a[indices]"):
        n = work.shapes[0][0]
        return rng.random(n, np.float32), rng.integers(0, n, n)
    made = []
    for shape in work.shapes:
        x = rng.random(shape, np.float32)
        x += np.float32(0.5)
        made.append(x.astype(work.dtype, copy=False))
    return tuple(made)


def _seconds(call: Callable[[], Any], wait: Callable[[], Any]) -> float:
    """The time of one call among many; the median of five timings."""
    call()
    wait()
    start = time.perf_counter()
    call()
    wait()
    once = time.perf_counter() - start
    if once > _LONG:
        return once
    repeat = max(3, min(_MOST, int(_SECONDS / max(once - 1e-4, 2e-5))))
    times = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(repeat):
            result = call()
        wait()
        times.append((time.perf_counter() - start) / repeat)
        del result
    return statistics.median(times)


def _wait() -> None:
    gpu = engine.backend("wgpu")
    assert gpu is not None
    gpu.synchronize()


def _evaluated(result: Any) -> Any:
    return evaluate(*result) if isinstance(result, tuple) else evaluate(result)


def _resident(ours: Callable[..., Any], inputs: Sequence[Any]) -> float:
    """Seconds that a function takes of arrays that lie on the GPU."""
    arrays = [asarray(x) for x in inputs]
    return _seconds(lambda: _evaluated(ours(*arrays)), _wait)


def _of_peer(name: str, work: Workload, inputs: Inputs) -> float | None:
    form = getattr(work, name)
    if form is None or not importlib.util.find_spec(name):
        return None
    library = importlib.import_module(name)
    if name == "torch":
        if not library.cuda.is_available():
            return None
        library.backends.cuda.matmul.allow_tf32 = False
        library.backends.cudnn.allow_tf32 = False
        arrays = [library.from_numpy(x).cuda() for x in inputs]
        wait = library.cuda.synchronize
    else:
        arrays = [library.asarray(x) for x in inputs]
        wait = library.cuda.Device().synchronize
    return _seconds(lambda: form(library, *arrays), wait)


def table(only: str, console: Console) -> list[dict[str, Any]]:
    """Measures the workloads whose names contain ``only``, and prints them."""
    shown = Table(title="bench gpu: data on the GPU", caption="microseconds a call")
    for heading in ("workload", "trueno", "rate", "torch", "cupy", "torch / trueno", "aim"):
        shown.add_column(
            heading, no_wrap=True, justify="left" if heading == "workload" else "right"
        )
    rows = []
    for work in workloads():
        if only not in work.name:
            continue
        inputs = _arrays(work)
        seconds: dict[str, Any] = {"trueno": _resident(work.ours, inputs)}
        for peer in ("torch", "cupy"):
            seconds[peer] = _of_peer(peer, work, inputs)
        rate = work.amount / seconds["trueno"]
        text = f"{rate / 1e9:.0f} GB/s" if work.unit == "B" else f"{rate / 1e12:.1f} TFLOP/s"
        cells = [f"{seconds[k] * 1e6:.1f}" if seconds[k] else "" for k in ("torch", "cupy")]
        ratio = f"{seconds['torch'] / seconds['trueno']:.2f}x" if seconds["torch"] else ""
        shown.add_row(work.name, f"{seconds['trueno'] * 1e6:.1f}", text, *cells, ratio, work.aim)
        rows.append({"name": work.name, "seconds": seconds, "rate": rate, "unit": work.unit})
        console.print(f"{work.name}: {text} {ratio}", highlight=False)
    console.print(shown)
    return rows


# ---------------------------------------------------------------- where a GPU begins to win


def _side(n: int) -> int:
    """The side of the square matrices whose product has about n multiplications a hundred."""
    return max(8, round(n**0.5 / 8) * 8)


COMMON: dict[str, tuple[Callable[[int], tuple[tuple[int, ...], ...]], Any, Any]] = {}


def _common(name: str, shapes: Any, ours: Any, numpys: Any = None) -> None:
    COMMON[name] = (shapes, ours, numpys or ours)


def _one(n: int) -> tuple[tuple[int, ...], ...]:
    return ((n,),)


def _two(n: int) -> tuple[tuple[int, ...], ...]:
    return ((n,), (n,))


def _rows(n: int) -> tuple[tuple[int, ...], ...]:
    return ((max(1, n // 1000), 1000),)


def _squares(n: int) -> tuple[tuple[int, ...], ...]:
    return ((_side(n), _side(n)),) * 2


def _images(n: int) -> tuple[tuple[int, ...], ...]:
    return ((max(1, n // (16 * 56 * 56)), 16, 56, 56), (16, 16, 3, 3))


def _np_softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x, -1, keepdims=True))
    return e / np.sum(e, -1, keepdims=True)


def _np_log_softmax(x: Any) -> Any:
    shifted = x - np.max(x, -1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), -1, keepdims=True))


def _np_conv(x: Any, weight: Any) -> Any:
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, c * 9)
    product = columns @ weight.reshape(len(weight), -1).T
    return np.ascontiguousarray(product.reshape(n, h, w, -1).transpose(0, 3, 1, 2))


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


_common("vec_add", _two, lambda x, y: x + y)
_common("dot", _two, lambda x, y: np.sum(x * y), np.dot)
_common("relu", _one, nn.relu, lambda x: np.maximum(x, 0))
_common("leaky_relu", _one, nn.leaky_relu, lambda x: np.where(x > 0, x, 0.01 * x))
_common("elu", _one, nn.elu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))))
_common("sigmoid", _one, nn.sigmoid, _sigmoid)
_common("tanh", _one, np.tanh)
_common("swish", _one, nn.silu, lambda x: x * _sigmoid(x))
_common(
    "gelu", _one, lambda x: nn.gelu(x, approximate="tanh"),
    lambda x: 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x * x * x))),
)  # fmt: skip
_common("clip", _one, lambda x: np.clip(x, 0.2, 0.8))
_common("softmax", _rows, lambda x: nn.softmax(x, -1), _np_softmax)
_common("log_softmax", _rows, lambda x: nn.log_softmax(x, -1), _np_log_softmax)
_common("matmul", _squares, lambda a, b: a @ b)
_common("conv2d", _images, lambda x, w: nn.conv2d(x, w, padding=1), _np_conv)

SIZES = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)


def _once(call: Callable[[], Any], least: float = 0.05) -> float:
    """The best of at least three calls, each to its end; of a long one the first."""
    start = time.perf_counter()
    call()
    first = time.perf_counter() - start
    if first > _LONG:
        return first
    times: list[float] = []
    while len(times) < 3 or (sum(times) < least and len(times) < 50):
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
        del result
    return min(times)


def crossover(sizes: Sequence[int], console: Console) -> list[dict[str, Any]]:
    """Fourteen workloads by size: NumPy's time over ours, with data on the GPU and with transfers
    there and back; over the CPU backend's too; and from which size a GPU wins."""
    shown = Table(title="NumPy's time over the GPU's: resident | with transfers")
    shown.add_column("workload", no_wrap=True)
    for size in sizes:
        shown.add_column(f"{size:,}", justify="right", no_wrap=True)
    shown.add_column("wins from", justify="right", no_wrap=True)
    rng, rows = np.random.default_rng(0), []
    for name, (shapes, ours, numpys) in COMMON.items():
        cells: list[str] = []
        row: dict[str, Any] = {"name": name, "seconds": {}}
        wins = [0, 0]
        for size in sizes:
            plain = [rng.random(shape, np.float32) - np.float32(0.5) for shape in shapes(size)]
            numpy = _once(lambda p=plain, f=numpys: f(*p))  # type: ignore[misc]
            resident = _resident(ours, plain)

            def moved(p: Any = plain, f: Any = ours) -> Any:
                return np.asarray(f(*[asarray(x) for x in p]))

            both = _once(moved)
            with config(backend="simd", threshold=0):
                held = [asarray(x) for x in plain]
                simd = _once(lambda a=held, f=ours: _evaluated(f(*a)))  # type: ignore[misc]
            row["seconds"][size] = {
                "numpy": numpy,
                "resident": resident,
                "moved": both,
                "simd": simd,
            }
            cells.append(f"{numpy / resident:.1f}x | {numpy / both:.2f}x")
            for k, seconds in enumerate((resident, both)):
                if seconds >= numpy:
                    wins[k] = 0
                elif not wins[k]:
                    wins[k] = size
        words = " | ".join([f"{n:,}" if n else "never" for n in wins])
        shown.add_row(name, *cells, words)
        times = [f"{s['resident'] * 1e6:.0f}" for s in row["seconds"].values()]
        console.print(f"{name}: {', '.join(cells)}; wins from {words}", highlight=False)
        console.print(f"    microseconds, resident: {', '.join(times)}", highlight=False)
        rows.append(row)
    console.print(shown)
    return rows


def run(only: str, short: bool, console: Console) -> list[dict[str, Any]]:
    """Both tables; ``short``: neither large arrays nor the second."""
    gpu: Any = engine.backend("wgpu")
    console.print(f"GPU: {gpu.gpu.info['device']}", highlight=False)
    with config(backend="wgpu", threshold=0), np.errstate(all="ignore"):
        rows = [] if short else table(only, console)
        return rows + crossover(SIZES[:2] if short else SIZES, console) if not only else rows
