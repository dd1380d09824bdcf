"""The main job: plain NumPy programs on real data, on NumPy and on Trueno, side by side.

``python -m trueno demo`` runs the programs of ``examples/``, which import nothing but NumPy, once
with ndarrays and once with TruenoArrays. It checks that the answers agree, times interleaved
repeats, and writes pictures and a chart. scikit-learn's estimators, dispatching by the array API,
are one more program.
"""

from __future__ import annotations

import importlib
import os
import platform
import statistics
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

# SciPy reads it when it is imported; without it scikit-learn refuses to dispatch. It stands before
# the imports that follow for that reason.
os.environ["SCIPY_ARRAY_API"] = "1"

import numpy as np
import sklearn
from matplotlib.figure import Figure
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sklearn.datasets import load_digits, load_sample_images
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

import trueno as tn
from trueno import engine, memory, profiling
from trueno.config import SETTINGS

Values = dict[str, Any]

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


class Program(NamedTuple):
    """A program and its input.

    run:       takes the inputs, ndarrays or TruenoArrays, and gives named results
    size:      the input in words
    tolerance: greatest difference of a floating-point result, as a part of its largest magnitude;
               integers and booleans must be equal
    """

    name: str
    size: str
    run: Callable[..., Values]
    inputs: tuple[Any, ...]
    tolerance: float


class Measured(NamedTuple):
    """One program's figures, for NumPy and for Trueno: seconds (median) and peak bytes (or None).

    difference: the greatest relative difference of a result; worst: that result's name
    """

    program: Program
    seconds: tuple[float, float]
    peak: tuple[int | None, int | None]
    where: dict[str, int]
    difference: float
    worst: str

    @property
    def agrees(self) -> bool:
        return self.difference <= self.program.tolerance


# ---------------------------------------------------------------- programs


def _photographs() -> dict[str, Any]:
    """scikit-learn's photographs by name, their values whole numbers (0 to 255).

    Whole numbers add up exactly, so that distances in k-means that tie do so on both sides, and no
    rounding decides between two colours.
    """
    images = load_sample_images()
    return {
        Path(name).stem: image.astype(np.float64)
        for name, image in zip(images.filenames, images.images, strict=True)
    }


def _image_program(folder: Any, quick: bool) -> Program:
    photographs = _photographs()
    if quick:
        photographs = {name: image[::4, ::4].copy() for name, image in photographs.items()}
    iterations = 2 if quick else 8

    def run(*images: Any) -> Values:
        results: Values = {}
        for name, image in zip(photographs, images, strict=True):
            corners, response = folder.harris_corners(image)
            quantised, palette = folder.quantise(image, iterations=iterations)
            results |= {f"{name} corners": corners, f"{name} response": response}
            results |= {f"{name} quantised": quantised, f"{name} palette": palette}
        return results

    height, width = next(iter(photographs.values())).shape[:2]
    size = f"{len(photographs)} photographs, {width} x {height}"
    return Program("images", size, run, tuple(photographs.values()), 1e-9)


def _kmeans_program(folder: Any, quick: bool) -> Program:
    points = load_digits().data
    iterations = 3 if quick else 20

    def run(points: Any) -> Values:
        first = points[:: len(points) // 10][:10]
        centres, labels = folder.kmeans(points, first, iterations)
        total = folder.inertia(points, centres, labels)
        return {"centres": centres, "labels": labels, "inertia": total}

    return Program("k-means", f"{len(points)} digits of 8 x 8", run, (points,), 1e-9)


def _options_program(folder: Any, quick: bool) -> Program:
    n = 100_000 if quick else 4_000_000
    rng = np.random.default_rng(7)
    inputs = (rng.uniform(10, 200, n), rng.uniform(10, 200, n), rng.uniform(0.1, 3, n))

    def run(spot: Any, strike: Any, years: Any) -> Values:
        call, put = folder.prices(spot, strike, years, rate=0.02, volatility=0.3)
        cost, dearest, share = folder.portfolio(call, put)
        return {"call": call, "put": put, "cost": cost, "dearest": dearest, "share": share}

    return Program("Black-Scholes", f"{n:,} options", run, inputs, 1e-9)


def _sklearn_program() -> Program:
    digits = load_digits()
    points, classes = digits.data, digits.target

    def run(points: Any, classes: Any) -> Values:
        dispatch = not isinstance(points, np.ndarray)
        # scikit-learn silences a 0 / 0 of its own for NumPy's namespace only (extmath.py).
        ignored = np.errstate(divide="ignore", invalid="ignore")
        with sklearn.config_context(array_api_dispatch=dispatch), ignored:
            scaled = StandardScaler().fit_transform(points)
            pca = PCA(n_components=16, svd_solver="full").fit(scaled)
            reduced = pca.transform(scaled)
            lda = LinearDiscriminantAnalysis(solver="svd").fit(reduced, classes)
            ridge = Ridge(alpha=1.0, solver="svd").fit(reduced, points[:, 20])
            return {
                "scaled": scaled,
                "variance": pca.explained_variance_,
                "reduced": reduced,
                "classes": lda.predict(reduced),
                "regression": ridge.predict(reduced),
            }

    return Program(
        "scikit-learn", f"{len(points)} digits, 4 estimators", run, (points, classes), 1e-8
    )


def programs(examples: Path = EXAMPLES, quick: bool = False) -> list[Program]:
    """The programs, loaded from the folder ``examples``; with small inputs if ``quick``.

    Raises FileNotFoundError where that folder is not there: it comes with the source, not with the
    installed package.
    """
    if not (examples / "image_pipeline.py").is_file():
        raise FileNotFoundError(
            f"the example programs are not at {examples}; run from a checkout, or give --examples"
        )
    sys.path.insert(0, str(examples))
    try:
        load = importlib.import_module
        return [
            _image_program(load("image_pipeline"), quick),
            _kmeans_program(load("kmeans"), quick),
            _options_program(load("black_scholes"), quick),
            _sklearn_program(),
        ]
    finally:
        sys.path.remove(str(examples))


# ---------------------------------------------------------------- measuring


def _observed(results: Values) -> Values:
    """The results on the host as ndarrays."""
    tn.evaluate(*results.values())
    return {name: np.asarray(value) for name, value in results.items()}


def _timed(program: Program, inputs: tuple[Any, ...]) -> float:
    start = time.perf_counter()
    _observed(program.run(*inputs))
    return time.perf_counter() - start


def _peak(program: Program, inputs: tuple[Any, ...]) -> int | None:
    """Most bytes of resident memory that a run adds; None where Linux is not there."""
    memory.trim()
    mark = profiling.mark_memory()
    _observed(program.run(*inputs))
    return profiling.added_memory(mark)


def difference(expected: Any, got: Any) -> float:
    """How far two results are apart: 0 if equal, infinity for another shape or dtype.

    For floats, the greatest difference as a part of the largest magnitude; otherwise the share of
    elements that differ.
    """
    if expected.shape != got.shape or expected.dtype != got.dtype:
        return float("inf")
    if not expected.size:
        return 0.0
    if expected.dtype.kind not in "fc":
        return float(np.mean(expected != got))
    finite = np.isfinite(expected)
    if not np.array_equal(expected[~finite], got[~finite], equal_nan=True):
        return float("inf")
    largest = float(np.max(np.abs(expected[finite]), initial=0.0))
    apart = float(np.max(np.abs(expected[finite] - got[finite]), initial=0.0))
    return apart / largest if largest else apart


def compare(expected: Values, got: Values) -> tuple[float, str]:
    """The greatest difference among two runs' results, and the result's name."""
    apart = {name: difference(expected[name], got[name]) for name in expected}
    worst = max(apart, key=lambda name: apart[name])
    return apart[worst], worst


def measure(program: Program, repeats: int) -> tuple[Measured, Values]:
    """A program on NumPy and on Trueno: its figures, and Trueno's results."""
    inputs = tuple([tn.asarray(x) for x in program.inputs])
    expected = _observed(program.run(*program.inputs))
    results = _observed(program.run(*inputs))
    worst, name = compare(expected, results)
    with tn.profile() as profile:
        _observed(program.run(*inputs))
    peak = _peak(program, program.inputs), _peak(program, inputs)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        times[0].append(_timed(program, program.inputs))
        times[1].append(_timed(program, inputs))
    seconds = statistics.median(times[0]), statistics.median(times[1])
    return Measured(program, seconds, peak, profile.where(), worst, name), results


# ---------------------------------------------------------------- showing


def _mebibytes(nbytes: int | None) -> str:
    return "-" if nbytes is None else f"{nbytes / 2**20:.0f}"


def _table(rows: list[Measured]) -> Table:
    table = Table(title="The same programs on NumPy and on Trueno", box=SIMPLE)
    table.add_column("program")
    for title in ("NumPy\nms", "Trueno\nms", "speed", "NumPy\nMiB", "Trueno\nMiB"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("where it\nran", no_wrap=True)
    table.add_column("answers", no_wrap=True)
    for row in rows:
        numpy_seconds, trueno_seconds = row.seconds
        ratio = numpy_seconds / trueno_seconds
        style = "green" if ratio >= 1 else "red"
        if row.agrees:
            answers = f"agree\n{row.difference:.0e} <= {row.program.tolerance:.0e}"
        else:
            answers = f"[red]differ by {row.difference:.0e}\n{row.worst}[/red]"
        table.add_row(
            f"{row.program.name}\n[dim]{row.program.size}[/dim]",
            f"{numpy_seconds * 1e3:.1f}",
            f"{trueno_seconds * 1e3:.1f}",
            f"[{style}]{ratio:.2f}x[/{style}]",
            _mebibytes(row.peak[0]),
            _mebibytes(row.peak[1]),
            "\n".join(f"{name} {count}" for name, count in sorted(row.where.items())),
            answers,
        )
    return table


def _notes(repeats: int) -> str:
    simd: Any = engine.backend("simd")
    return (
        f"Medians of {repeats} interleaved repeats after a warm-up, until all results are in host "
        "memory. Speed: NumPy's time over Trueno's. MiB: the most resident memory that a run adds. "
        "Where: kernel launches by backend; deferred: calls handed to NumPy. Answers: the greatest "
        "difference of a result as a part of its largest magnitude, and what is allowed. "
        f"NumPy {np.__version__}, Python {platform.python_version()}, {platform.machine()} "
        f"({simd.isa}), {os.cpu_count()} CPUs, {simd.threads} threads, "
        f"backend {SETTINGS.get().backend!r}."
    )


def _markdown(rows: list[Measured], repeats: int) -> str:
    """The table and the notes for a README."""
    lines = [
        "| program | input | NumPy ms | Trueno ms | speed | NumPy MiB | Trueno MiB | where |",
        "|---|---|--:|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        numpy_seconds, trueno_seconds = row.seconds
        cells = (
            row.program.name,
            row.program.size,
            f"{numpy_seconds * 1e3:.1f}",
            f"{trueno_seconds * 1e3:.1f}",
            f"{numpy_seconds / trueno_seconds:.2f}x",
            _mebibytes(row.peak[0]),
            _mebibytes(row.peak[1]),
            ", ".join(f"{name} {count}" for name, count in sorted(row.where.items())),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *textwrap.wrap(_notes(repeats), 100)]) + "\n"


def _chart(rows: list[Measured], path: Path) -> None:
    """Bars: Trueno's time as a part of NumPy's, one pair a program."""
    figure = Figure(figsize=(8, 0.9 * len(rows) + 1.2), layout="constrained")
    axes = figure.subplots()
    for i, row in enumerate(rows):
        for k, (label, seconds) in enumerate(zip(("NumPy", "Trueno"), row.seconds, strict=True)):
            at = i + (k - 0.5) * 0.38
            bar = axes.barh(at, seconds / row.seconds[0], 0.36, color=("0.7", "tab:blue")[k])
            axes.bar_label(bar, [f" {seconds * 1e3:.1f} ms"])
            if not i:
                bar.set_label(label)
    axes.set_yticks(range(len(rows)), [row.program.name for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("time, as a part of NumPy's (shorter is faster)")
    axes.margins(x=0.15)
    axes.legend()
    figure.savefig(path, dpi=120)


def _image_pictures(program: Program, results: Values, out: Path) -> Iterator[Path]:
    """For each photograph: its corners, the corner strength, and the picture in fewer colours."""
    names = [name.removesuffix(" corners") for name in results if name.endswith(" corners")]
    for name, image in zip(names, program.inputs, strict=True):
        figure = Figure(figsize=(15, 4), layout="constrained")
        axes = figure.subplots(1, 3)
        rows, columns = results[f"{name} corners"].T
        axes[0].imshow(image / 255)
        axes[0].plot(columns, rows, "r.", markersize=2)
        axes[0].set_title(f"{len(rows)} corners")
        axes[1].imshow(np.log10(np.maximum(results[f"{name} response"], 1)), cmap="magma")
        axes[1].set_title("corner strength, log10")
        axes[2].imshow(np.clip(results[f"{name} quantised"] / 255, 0, 1))
        axes[2].set_title(f"{len(results[f'{name} palette'])} colours")
        for panel in axes:
            panel.set_axis_off()
        path = out / f"{name}.png"
        figure.savefig(path, dpi=110)
        yield path


def _digits_picture(results: Values, path: Path) -> None:
    """The centres of the clusters as pictures of 8 x 8."""
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    sizes = np.bincount(results["labels"], minlength=len(results["centres"]))
    panels = figure.subplots(2, 5).flat
    for axes, centre, size in zip(panels, results["centres"], sizes, strict=True):
        axes.imshow(centre.reshape(8, 8), cmap="gray_r")
        axes.set_title(f"{size} digits")
        axes.set_axis_off()
    figure.savefig(path, dpi=110)


def _options_picture(program: Program, results: Values, path: Path) -> None:
    """Prices against the ratio of spot and strike, for some of the options."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    spot, strike, _ = (x[:4000] for x in program.inputs)
    for name in ("call", "put"):
        axes.plot(spot / strike, results[name][:4000] / strike, ".", markersize=2, label=name)
    axes.set_xlim(0, 3)
    axes.set_ylim(0, 2)
    axes.set_xlabel("spot / strike")
    axes.set_ylabel("price / strike")
    axes.legend()
    figure.savefig(path, dpi=110)


def _pictures(results: dict[str, tuple[Program, Values]], out: Path) -> list[Path]:
    written = list(_image_pictures(*results["images"], out))
    _digits_picture(results["k-means"][1], out / "digits.png")
    _options_picture(*results["Black-Scholes"], out / "options.png")
    return [*written, out / "digits.png", out / "options.png"]


def main(out: Path, repeats: int, quick: bool, examples: Path) -> int:
    """Runs the demo and writes pictures, a chart and the table into ``out``.

    Returns the exit status: 1 if an answer differs by more than its program's tolerance.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=110)
    rows: list[Measured] = []
    results: dict[str, tuple[Program, Values]] = {}
    with Progress(console=console, transient=True) as progress:
        chosen = programs(examples, quick)
        task = progress.add_task("", total=len(chosen))
        for program in chosen:
            progress.update(task, description=program.name)
            row, values = measure(program, repeats)
            rows.append(row)
            results[program.name] = program, values
            progress.advance(task)
    console.print(_table(rows))
    console.print(_notes(repeats), style="dim")
    out.mkdir(parents=True, exist_ok=True)
    _chart(rows, out / "times.png")
    (out / "results.md").write_text(_markdown(rows, repeats), encoding="utf-8")
    for path in [*_pictures(results, out), out / "times.png", out / "results.md"]:
        console.print(f"wrote {path}", highlight=False)
    return 0 if all(row.agrees for row in rows) else 1
