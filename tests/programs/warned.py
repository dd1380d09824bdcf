"""Warnings with the line that they are about, and those that are turned into errors."""

import warnings

import numpy as np


def ratio(a, b):
    return a / b


print(ratio(np.ones(2), np.zeros(2)))
print(np.log(np.array([-1.0])))
warnings.warn("mine", UserWarning)
print(np.float64(1) / 0)
with warnings.catch_warnings():
    warnings.simplefilter("error")
    try:
        ratio(np.zeros(2), np.zeros(2))
    except RuntimeWarning as warning:
        print("caught", warning)
print(np.mean(np.array([])))
np.seterr(all="ignore")
print(np.ones(1) / 0)
