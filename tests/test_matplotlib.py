"""Figures of matplotlib drawn from TruenoArrays: the same pixels as from ndarrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests.mixed import A, K, V, agree

T = np.linspace(0, 6, 30)

PLOTS: dict[str, Callable[[Any, Any], Any]] = {
    "lines": lambda ax, c: ax.plot(c(T), np.sin(c(T)), c(T), c(T) / 6, "r--", lw=c(V)[0]),
    "rows": lambda ax, c: ax.plot(c(A), marker="o"),
    "filled": lambda ax, c: ax.fill_between(c(T), c(T) - 1, c(T) + 1, where=c(T) > 2),
    "scatter": lambda ax, c: ax.scatter(c(V), c(K), s=c(V) * 20, c=c(V), alpha=c(V) / 3),
    "colours": lambda ax, c: ax.scatter(c(V), c(K), color=c(np.eye(4)[:, :4])),
    "histogram": lambda ax, c: ax.hist(c(T), bins=c(np.arange(7.0)), weights=c(T)),
    "histogram 2d": lambda ax, c: ax.hist2d(c(T), c(T), bins=5),
    "bars": lambda ax, c: ax.bar(c(np.arange(4)), c(V), width=c(V) / 4, yerr=c(V) / 10),
    "errors": lambda ax, c: ax.errorbar(c(V), c(V), xerr=c(V) / 9, yerr=[c(V) / 8, c(V) / 7]),
    "image": lambda ax, c: ax.imshow(c(A), vmin=c(A).min(), extent=c(V) * [0, 1, 0, 1]),
    "image of bytes": lambda ax, c: ax.imshow(c((A * 80).astype("u1"))),
    "mesh": lambda ax, c: ax.pcolormesh(*np.meshgrid(c(T[:3]), c(T[:4])), c(A.T)),
    "contours": lambda ax, c: ax.contourf(c(A), levels=c(np.linspace(0, 3, 5))),
    "arrows": lambda ax, c: ax.quiver(c(V), c(V), c(V), c(V)),
    "streams": lambda ax, c: ax.streamplot(c(np.arange(4)), c(np.arange(3)), c(A), c(A)),
    "boxes": lambda ax, c: ax.boxplot([c(V), c(T)]),
    "violins": lambda ax, c: ax.violinplot(c(A)),
    "steps": lambda ax, c: ax.step(c(V), c(V)),
    "stems": lambda ax, c: ax.stem(c(V)),
    "stacks": lambda ax, c: ax.stackplot(c(np.arange(4)), c(A)),
    "pie": lambda ax, c: ax.pie(c(V), explode=c(V) / 20),
    "lines across": lambda ax, c: (
        ax.hlines(c(V), 0, c(V)), ax.axhline(c(V)[0]), ax.vlines(c(V), 0, 1),
    ),
    "limits": lambda ax, c: (
        ax.set_xlim(c(V)[1], c(V)[0]), ax.set_ylim(c(V)[:2]), ax.set_xticks(c(V)),
    ),
    "text": lambda ax, c: ax.annotate("x", c(V)[:2], xytext=c(V)[2:], arrowprops={}),
    "log": lambda ax, c: (ax.loglog(c(T) + 1, np.exp(c(T))), ax.plot(c(V), c(V))),
    "triangles": lambda ax, c: ax.tripcolor(c(V), c(np.array([1.0, 2, 5, 3])), c(V)),
    "spectrum": lambda ax, c: ax.magnitude_spectrum(c(T)),
    "changed": lambda ax, c: ax.plot(c(T), c(T))[0].set_data(c(T), c(T) ** 2),
}  # fmt: skip


@pytest.fixture(scope="module")
def figures() -> Callable[[Callable[[Any], Any]], Any]:
    """What draws on axes: the pixels."""
    pytest.importorskip("matplotlib")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    def pixels(draw: Callable[[Any], Any]) -> Any:
        figure = Figure(figsize=(2, 2), dpi=50)
        canvas = FigureCanvasAgg(figure)
        draw(figure.subplots())
        canvas.draw()
        return np.array(canvas.buffer_rgba())

    return pixels


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("dropin", [False, True])
def test_matplotlib(name: str, dropin: bool, figures: Any) -> None:
    if name == "colours" and not dropin:
        pytest.skip("components of a colour have to be numbers to Python")
    with tn.config(backend="simd", threshold=0, dropin=dropin):
        agree(lambda c: figures(lambda axes: PLOTS[name](axes, c) and None))
