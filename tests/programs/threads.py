"""Threads that share arrays."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

x = np.linspace(0, 10, 400_000)
result = np.zeros(8)
lock = threading.Lock()
total = 0.0


def part(i):
    global total
    piece = x[i * 50_000 : (i + 1) * 50_000]
    value = np.sqrt(piece * piece + 1).sum()
    result[i] = value
    with lock:
        total += value
    return type(piece[0]).__name__


threads = [threading.Thread(target=part, args=(i,)) for i in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"{total:.4f} {result.sum():.4f} {result[3]:.5f}")

with ThreadPoolExecutor(4) as pool:
    print(set(pool.map(part, range(8))))
    futures = [pool.submit(np.sum, x[i::4]) for i in range(4)]
    print(f"{sum(f.result() for f in futures):.3f}")
    seeds = np.random.SeedSequence(5).spawn(3)
    draws = pool.map(lambda seed: np.random.default_rng(seed).random(3).round(6), seeds)
    for values in draws:
        print(values)


def fail():
    raise ValueError("in a thread")


with ThreadPoolExecutor(1) as pool:
    try:
        pool.submit(fail).result()
    except ValueError as error:
        print("caught", error)
local = threading.local()
local.x = np.arange(3)
print(local.x, threading.current_thread() is threading.main_thread())
