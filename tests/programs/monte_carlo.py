"""Monte Carlo with seeds: new generators, old ones, and the global state."""

import numpy as np

rng = np.random.default_rng(12345)
n = 200_000
x, y = rng.random(n), rng.random(n)
inside = x**2 + y**2 <= 1
print("pi is about", 4 * inside.mean(), "+-", round(4 * inside.std() / np.sqrt(n), 6))

np.random.seed(7)
walk = np.cumsum(np.random.choice([-1, 1], size=1000))
print("walk ends at", walk[-1], "after extremes", walk.min(), walk.max())
print(np.random.rand(3))
print(np.random.randint(0, 100, 10))
print(np.random.normal(size=2), np.random.uniform(1, 2))

dice = rng.integers(1, 7, size=(10000, 2)).sum(axis=1)
values, counts = np.unique(dice, return_counts=True)
for value, count in zip(values, counts):
    print(f"{value:3d} {'#' * (count // 100)} {count}")

state = rng.bit_generator.state
first = rng.standard_normal(5)
rng.bit_generator.state = state
print("same again:", np.array_equal(first, rng.standard_normal(5)))
deck = np.arange(10)
rng.shuffle(deck)
print(deck, rng.permutation(5), rng.choice(["a", "b", "c"], 4))
children = rng.spawn(2)
print([int(child.integers(1000)) for child in children])
old = np.random.RandomState(3)
print(old.exponential(2.0, 3).round(5), old.randint(10), old.rand())
print(type(rng.random()).__name__, type(rng.integers(5)).__name__)
