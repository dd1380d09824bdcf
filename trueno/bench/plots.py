"""Bar charts of a record's ratios, as PNG files."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any


def draw(record: dict[str, Any], folder: Path) -> list[Path]:
    """One picture a group, in ``folder``. Raises ImportError without matplotlib."""
    try:
        figures = importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise ImportError(
            "trueno bench: plots need matplotlib: pip install 'trueno[plot]'"
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for group in record["groups"]:
        rows = group["rows"][::-1]
        figure = figures.Figure(figsize=(8, 1 + 0.22 * len(rows)), layout="constrained")
        axes = figure.add_subplot()
        ratios = [row["ratio"] for row in rows]
        errors = [
            [row["ratio"] - row["low"] for row in rows],
            [row["high"] - row["ratio"] for row in rows],
        ]
        colors = ["tab:blue" if ratio >= 1 else "tab:red" for ratio in ratios]
        axes.barh([row["name"] for row in rows], ratios, xerr=errors, color=colors, ecolor="gray")
        axes.axvline(1, color="black", linewidth=0.8)
        axes.set(xscale="log", xlabel="NumPy's time over Trueno's", title=f"bench {group['group']}")
        axes.tick_params(labelsize=8)
        path = folder / f"bench-{group['group']}.png"
        figure.savefig(path)
        paths.append(path)
    return paths
