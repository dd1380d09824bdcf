"""A scikit-learn pipeline on ndarrays and on TruenoArrays: scale, PCA, classify, measure.

    python examples/sklearn_pipeline.py [ROWS]

scikit-learn takes arrays of other libraries where ``array_api_dispatch`` is set; the estimators are
as they are. Printed are the times of each step, best of three, whether the results agree, and what
ran where: lines that begin with "numpy" are calls that were handed to NumPy.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ["SCIPY_ARRAY_API"] = "1"  # scikit-learn asks for it, before SciPy is imported

import numpy as np
import sklearn
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, brier_score_loss, zero_one_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import trueno as tn

COLUMNS = 40
Step = tuple[str, Callable[[dict[str, Any]], Any]]


def load(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Correlated measurements of different scales, and what is to be predicted from them."""
    rng = np.random.default_rng(1)
    mixed = rng.standard_normal((rows, COLUMNS)) @ rng.standard_normal((COLUMNS, COLUMNS))
    x = mixed * 10.0 ** rng.uniform(-2, 2, COLUMNS) + rng.uniform(-5, 5, COLUMNS)
    y = mixed @ rng.standard_normal(COLUMNS) + 9 * rng.standard_normal(rows)
    return x, (y > 0).astype(np.float64)


def clipped(x: Any) -> Any:
    """Outliers drawn in softly: what lies beyond three standard deviations grows as a logarithm."""
    beyond = np.maximum(abs(x) - 3, 0)
    return np.clip(x, -3, 3) + np.sign(x) * np.log1p(beyond) / 4


STEPS: list[Step] = [
    ("scale to unit range", lambda s: MinMaxScaler().fit_transform(s["x"])),
    ("standardise", lambda s: StandardScaler().fit_transform(s["x"])),
    ("clip outliers", lambda s: clipped(s["standardise"])),
    (
        "PCA",
        lambda s: PCA(20, svd_solver="covariance_eigh").fit_transform(s["clip outliers"]),
    ),
    ("naive Bayes", lambda s: GaussianNB().fit(s["PCA"], s["y"]).predict(s["PCA"])),
    ("logistic regression", lambda s: LogisticRegression().fit(s["PCA"], s["y"])),
    ("predict", lambda s: s["logistic regression"].predict(s["PCA"])),
    ("metrics", lambda s: [f(s["y"], s["predict"]) for f in METRICS]),
]
METRICS = (accuracy_score, zero_one_loss, brier_score_loss)


def run(x: Any, y: Any) -> tuple[dict[str, float], dict[str, Any]]:
    """Milliseconds a step, values observed, and the results of the steps."""
    state: dict[str, Any] = {"x": x, "y": y}
    times = {}
    for name, step in STEPS:
        start = time.perf_counter()
        state[name] = tn.evaluate(step(state))
        times[name] = (time.perf_counter() - start) * 1e3
    return times, state


def main(rows: int) -> None:
    x, y = load(rows)
    # scikit-learn divides zeros by zeros, and silences that for ndarrays only.
    quiet = np.errstate(divide="ignore", invalid="ignore")
    with quiet, sklearn.config_context(array_api_dispatch=True):
        ours = tn.asarray(x), tn.asarray(y)
        pairs = [(run(x, y), run(*ours)) for _ in range(4)][1:]  # the first one warms up
        with tn.profile() as profile:
            run(*ours)
    print(f"{rows} rows of {COLUMNS} float64\n\n{'':22}{'NumPy':>9}{'Trueno':>9}   ratio")
    sums = [0.0, 0.0]
    for name, _ in STEPS:
        best = [min(pair[i][0][name] for pair in pairs) for i in range(2)]
        sums = [a + b for a, b in zip(sums, best, strict=True)]
        print(f"{name:22}{best[0]:7.1f}ms{best[1]:7.1f}ms{best[0] / best[1]:8.2f}")
    print(f"{'all':22}{sums[0]:7.1f}ms{sums[1]:7.1f}ms{sums[0] / sums[1]:8.2f}\n")
    numpy_state, our_state = pairs[0][0][1], pairs[0][1][1]
    for f, a, b in zip(METRICS, numpy_state["metrics"], our_state["metrics"], strict=True):
        print(f"{f.__name__:22}{float(a):12.8f}{float(b):12.8f}")
    print(f"\n{profile}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400_000)
