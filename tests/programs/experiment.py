"""Dataclasses, type hints, and functions from everywhere."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from dataclasses import dataclass, field
from statistics import mean
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


@dataclass
class Config:
    learning_rate: float = 0.1
    steps: int = 50
    start: np.ndarray = field(default_factory=lambda: np.zeros(2))


class Result(NamedTuple):
    x: npt.NDArray[np.float64]
    losses: list[float]


def descend(gradient, config: Config) -> Result:
    x = config.start.copy()
    losses = []
    for _ in range(config.steps):
        g = gradient(x)
        x -= config.learning_rate * g
        losses.append(float(np.dot(g, g)))
    return Result(x, losses)


def quadratic(x: np.ndarray[tuple[int], np.dtype[np.float64]]) -> npt.ArrayLike:
    return np.array([[3.0, 1], [1, 2]]) @ x - np.array([1.0, 1])


result = descend(quadratic, Config())
print(result.x.round(6), f"{result.losses[0]:.3f} {result.losses[-1]:.2e}"[:7])
print(Config(steps=3))
print(math.sqrt(np.float64(2)), math.floor(np.float64(2.7)), round(np.float64(2.567), 2))
print(mean(np.array([1.0, 2, 3])), sum(np.arange(3)), functools.reduce(operator.add, np.arange(4)))
print(list(itertools.accumulate(np.arange(4))), list(map(np.sqrt, [1, 4, 9])), any(np.zeros(3)))
print([range(5)[i] for i in np.array([1, 3])], "ab" * np.int64(2), list(range(np.int64(3))))
f = np.vectorize(lambda x, y: x + y if x > y else x - y)
print(f(np.arange(4), 2), np.apply_along_axis(sorted, 1, [[3, 1, 2], [9, 8, 7]]))
print(
    np.frompyfunc(math.gcd, 2, 1)(np.array([4, 6]), 6),
    np.piecewise(np.arange(4.0), [[1, 1, 0, 0]], [5]),
)
key = {tuple(np.arange(2)): "pair"}
print(key[(0, 1)], min(np.array([3.5, 1.5]), key=lambda v: -v), sorted(np.arange(3), reverse=True))
a, b, *rest = np.arange(5)
print(a, b, rest, max([np.float64(1), 2.5]), 3 in np.arange(5), complex(np.complex128(1 + 2j)))
