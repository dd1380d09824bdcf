/* Elements at given places. */

static inline int64_t in_bounds(int64_t at, int64_t length, int mode, int *bad) {
    if (mode == 1) {
        at %= length;
        return at < 0 ? at + length : at;
    }
    if (mode == 2) return at < 0 ? 0 : at < length ? at : length - 1;
    at += at < 0 ? length : 0;
    int out = (uint64_t)at >= (uint64_t)length;
    *bad |= out;
    return out ? 0 : at;
}

static int resolve(const Places *places, int64_t from, int64_t n, int64_t *restrict offsets) {
    int bad = 0;
    for (int axis = 0; axis < places->axes; axis++) {
        const int64_t *index = places->index[axis] + from;
        int64_t length = places->length[axis], stride = places->stride[axis];
        if (places->mode)
            for (int64_t i = 0; i < n; i++)
                offsets[i] = in_bounds(index[i], length, places->mode, &bad) * stride;
        else if (!axis)
            for (int64_t i = 0; i < n; i++)
                offsets[i] = in_bounds(index[i], length, 0, &bad) * stride;
        else
            for (int64_t i = 0; i < n; i++)
                offsets[i] += in_bounds(index[i], length, 0, &bad) * stride;
    }
    return bad;
}

#define GATHER(B, T) \
    static void gather_at_##B(const char *in, const int64_t *offsets, int64_t n, char *out_) { \
        T *out = (T *)out_; \
        for (int64_t i = 0; i < n; i++) out[i] = *(const T *)(in + offsets[i]); \
    }
GATHER(1, uint8_t)
GATHER(2, uint16_t)
GATHER(4, uint32_t)
GATHER(8, uint64_t)
GATHER(16, Wide)
