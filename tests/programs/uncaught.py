"""An error that nobody catches."""

import atexit

import numpy as np


def inner(x):
    return x.reshape(7, 7)


def outer(n):
    try:
        {}["missing"]
    except KeyError:
        return inner(np.arange(n))


atexit.register(print, "at exit")
print("before")
outer(10)
