"""The Mandelbrot set, complex numbers, and in-place operations with masks."""

import numpy as np


def mandelbrot(width, height, rounds):
    x = np.linspace(-2, 0.5, width)
    y = np.linspace(-1.2, 1.2, height)
    c = x[np.newaxis, :] + 1j * y[:, np.newaxis]
    z = np.zeros_like(c)
    count = np.zeros(c.shape, dtype=int)
    for i in range(rounds):
        mask = np.abs(z) <= 2
        z[mask] = z[mask] ** 2 + c[mask]
        count[mask] = i
    return count


count = mandelbrot(64, 24, 30)
for row in count:
    print("".join(" .:-=+*#%@"[int(value) // 3] for value in row))
print(count.sum(), count.max(), (count == 29).mean().round(4))
z = np.array([3 + 4j, -1j])
print(
    np.abs(z), np.angle(z).round(4), z.conj(), z.real, z.imag, z * z, np.exp(1j * np.pi).round(12)
)
w = np.empty(3, dtype=complex)
w.real = 1, 2, 3
w.imag[:] = 0.5
print(w, w.view(float).shape, np.sum(w), w.mean(), np.iscomplex(w).all(), complex(w[0]))
out = np.empty(4)
np.sqrt([1, 4, 9, 16], out=out)
np.multiply(out, 2, out=out, where=out > 2)
print(out, np.clip(out, 2, 6), np.clip(out, None, 3), out.clip(min=3))
out += 1
out **= 2
out[::2] -= 5
out /= 2
print(out, np.add(out, 1, dtype=np.float32).dtype, np.rint(out), np.trunc(-out), np.ceil(out / 3))
