"""Work shared among processes, in each of the ways to start them."""

import multiprocessing as mp
import sys

import numpy as np

TABLE = np.arange(100.0).reshape(10, 10)


class Task:
    def __init__(self, n):
        self.n = n

    def __call__(self, offset):
        return self.n + offset


def work(row):
    return float((TABLE[row] ** 2).sum()), type(TABLE).__module__.split(".")[0]


def scaled(x):
    return x * 2


def put(queue, values):
    queue.put(values.cumsum())


if __name__ == "__main__":
    for method in sys.argv[1:] or ["fork", "spawn"]:
        context = mp.get_context(method)
        with context.Pool(2) as pool:
            results = pool.map(work, range(4))
            print(method, [total for total, _ in results])
            print({kind == type(TABLE).__module__.split(".")[0] for _, kind in results})
            print(
                pool.map(scaled, [np.arange(3), np.float64(1.5)]), pool.map(Task(np.int64(4)), [1])
            )
        queue = context.Queue()
        process = context.Process(target=put, args=(queue, np.arange(5)))
        process.start()
        print(queue.get())
        process.join()
        print(process.exitcode)
