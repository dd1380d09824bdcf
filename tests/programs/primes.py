"""A sieve, bits and integers."""

import numpy as np


def primes(n):
    sieve = np.ones(n + 1, dtype=bool)
    sieve[:2] = False
    for i in range(2, int(np.sqrt(n)) + 1):
        if sieve[i]:
            sieve[i * i :: i] = False
    return np.flatnonzero(sieve)


p = primes(100_000)
print(len(p), p[:10], p[-1], p.dtype, np.diff(p).max())
print(np.gcd(12, [8, 9]), np.lcm.reduce([2, 3, 4]), 17 % np.arange(1, 5), -7 // np.array([2, 3]))
bits = np.array([5, 250], dtype=np.uint8)
print(np.unpackbits(bits), np.packbits([1, 0, 1]), bits << 1, ~bits, bits & 7, bits ^ 255)
print(np.array([200], np.uint8) + np.array([100], np.uint8), np.array([100], np.int8) * 2)
print((np.int64(2) ** 62), np.left_shift(1, np.arange(5)), np.bitwise_count(bits))
collatz = np.arange(1, 1000)
steps = np.zeros_like(collatz)
active = collatz > 1
while active.any():
    odd = active & (collatz % 2 == 1)
    even = active & (collatz % 2 == 0)
    collatz[odd] = 3 * collatz[odd] + 1
    collatz[even] //= 2
    steps[active] += 1
    active = collatz > 1
print(steps.max(), steps.argmax() + 1, steps.sum())
big = np.array([2**70, 3], dtype=object)
print(big * 2, big.sum(), np.floor_divide(big, 7))
print(np.array([1, 2, 3]).cumprod(), np.prod(np.arange(1, 21)), np.power(3, np.arange(4)))
print(np.divmod(np.array([7, -7]), 3), np.fmod(-7, 3), np.remainder(-7, 3), np.sign([-2, 0, 2]))
print(np.array([0x1234], dtype=">u2").view(np.uint8), np.arange(4, dtype=">i4").byteswap()[1])
