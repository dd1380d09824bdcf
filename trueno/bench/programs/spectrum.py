"""Signal processing: FIR filter, window, power spectrum of overlapping blocks (Welch 1967)."""

SIZES = {"4096 samples": (4096, 256), "2M samples": (1 << 21, 1024)}


def inputs(rng, n, block):
    return rng.standard_normal(n), rng.standard_normal(31) / 31, block


def run(np, signal, taps, block):
    filtered = np.convolve(signal, taps, mode="same")
    blocks = np.lib.stride_tricks.sliding_window_view(filtered, block)[:: block // 2]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(block) / block)
    blocks = (blocks - blocks.mean(axis=1, keepdims=True)) * window
    power = np.abs(np.fft.rfft(blocks, axis=1)) ** 2
    return 10 * np.log10(power.mean(axis=0) + 1e-12)
