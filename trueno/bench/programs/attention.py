"""Multi-head attention of one layer, with layer normalisation before it."""

SIZES = {"64 tokens": (64, 64, 4), "1024 tokens": (1024, 512, 8)}


def inputs(rng, tokens, width, heads):
    return (
        rng.standard_normal((tokens, width), "f4"),
        rng.standard_normal((width, 3 * width), "f4") / width**0.5,
        rng.standard_normal((width, width), "f4") / width**0.5,
        heads,
    )


def run(np, x, w_qkv, w_out, heads):
    tokens, width = x.shape
    mean = x.mean(axis=-1, keepdims=True)
    variance = x.var(axis=-1, keepdims=True)
    normal = (x - mean) / np.sqrt(variance + 1e-5)
    qkv = (normal @ w_qkv).reshape(tokens, 3, heads, width // heads).transpose(1, 2, 0, 3)
    q, k, v = qkv[0], qkv[1], qkv[2]
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(width // heads).astype(np.float32)
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    scores = scores / scores.sum(axis=-1, keepdims=True)
    mixed = (scores @ v).transpose(1, 0, 2).reshape(tokens, width)
    return x + mixed @ w_out
