/* The parts of a radix sort that gain from vectors: digits of keys, and elements to buckets. */

/* An element's bits as an unsigned number in the order of its values. NaNs are the greatest, and
 * all equal, as are the two zeros. */
#define FLOAT_KEY(U, S, BITS, INFINITE) \
    static inline U float_key_##BITS(U x) { \
        U top = (U)((U)1 << (BITS - 1)), magnitude = (U)(x & (U)(top - 1)); \
        U key = (U)(x ^ ((U)((S)x >> (BITS - 1)) | top)); \
        key = magnitude ? key : top; \
        return magnitude > INFINITE ? (U)~(U)0 : key; \
    }
FLOAT_KEY(uint16_t, int16_t, 16, 0x7c00)
FLOAT_KEY(uint32_t, int32_t, 32, 0x7f800000)
FLOAT_KEY(uint64_t, int64_t, 64, 0x7ff0000000000000)

#define KEYS(M) \
    M(b8, uint8_t, x) M(u8, uint8_t, x) M(u16, uint16_t, x) M(u32, uint32_t, x) \
    M(u64, uint64_t, x) \
    M(i8, uint8_t, (uint8_t)(x ^ 0x80)) M(i16, uint16_t, (uint16_t)(x ^ 0x8000)) \
    M(i32, uint32_t, x ^ 0x80000000) M(i64, uint64_t, x ^ 0x8000000000000000) \
    M(f16, uint16_t, float_key_16(x)) M(f32, uint32_t, float_key_32(x)) \
    M(f64, uint64_t, float_key_64(x))

#define KEY_LOOPS(S, U, KEY) \
    static inline U key_##S(U x) { return KEY; } \
    static void digits_##S(const void *in, int64_t n, int shift, uint8_t flip, uint8_t *out) { \
        const U *xs = in; \
        for (int64_t i = 0; i < n; i++) out[i] = (uint8_t)(key_##S(xs[i]) >> shift) ^ flip; \
    } \
    static int ordered_##S(const void *in, int64_t n, int flip) { \
        const U *xs = in; \
        U all = flip ? (U)~(U)0 : 0; \
        int wrong = 0; \
        for (int64_t i = 1; i < n; i++) \
            wrong |= (U)(key_##S(xs[i - 1]) ^ all) > (U)(key_##S(xs[i]) ^ all); \
        return !wrong; \
    } \
    static void records_##S(const void *in, int64_t n, uint64_t first, uint64_t *out) { \
        const U *xs = in; \
        if (sizeof(U) == 8) \
            for (int64_t i = 0; i < n; i++) { \
                out[2 * i] = key_##S(xs[i]); \
                out[2 * i + 1] = first + (uint64_t)i; \
            } \
        else \
            for (int64_t i = 0; i < n; i++) \
                out[i] = (uint64_t)key_##S(xs[i]) << 32 | (first + (uint64_t)i); \
    }
KEYS(KEY_LOOPS)

static void record_digits_8(const void *in, int64_t n, int shift, uint8_t flip, uint8_t *out) {
    const uint64_t *xs = in;
    for (int64_t i = 0; i < n; i++) out[i] = (uint8_t)(xs[i] >> (32 + shift)) ^ flip;
}
static void record_digits_16(const void *in, int64_t n, int shift, uint8_t flip, uint8_t *out) {
    const uint64_t *xs = in;
    for (int64_t i = 0; i < n; i++) out[i] = (uint8_t)(xs[2 * i] >> shift) ^ flip;
}

/* How often each digit occurs; four counters for each, lest equal neighbours wait in line. */
static void tally(const uint8_t *digits, int64_t n, int64_t *counts) {
    uint32_t part[4][256] = {{0}};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int j = 0; j < 4; j++) part[j][digits[i + j]]++;
    for (; i < n; i++) part[0][digits[i]]++;
    for (int d = 0; d < 256; d++)
        counts[d] += (int64_t)part[0][d] + part[1][d] + part[2][d] + part[3][d];
}

/* A cache line to memory, past the caches where that can be. */
static inline void store_line(void *to, const void *from) {
#if defined(__AVX512F__)
    _mm512_stream_si512(to, _mm512_load_si512(from));
#elif defined(__SSE2__)
    for (int j = 0; j < 4; j++)
        _mm_stream_si128((__m128i *)to + j, _mm_load_si128((const __m128i *)from + j));
#else
    memcpy(to, from, 64);
#endif
}

/* Each element to the place that its digit's `at` says, which then moves on. */
#define SCATTER(B, T) \
    static void scatter_near_##B(const void *in, const uint8_t *digits, int64_t n, void *out, \
                                 int64_t *at) { \
        const T *xs = in; \
        T *to = out; \
        for (int64_t i = 0; i < n; i++) to[at[digits[i]]++] = xs[i]; \
    } \
    /* The same through a line a bucket, written when it is full. `out` begins a line. */ \
    static void scatter_far_##B(const void *in, const uint8_t *digits, int64_t n, void *out, \
                                Bucket *buckets) { \
        enum { LINE = 64 / sizeof(T) }; \
        const T *xs = in; \
        T *to = out; \
        for (int64_t i = 0; i < n; i++) { \
            Bucket *b = &buckets[digits[i]]; \
            int64_t at = b->at++; \
            ((T *)b->line)[at % LINE] = xs[i]; \
            if (at % LINE == LINE - 1) { \
                int64_t first = at - (LINE - 1); \
                if (first >= b->begin) store_line(to + first, b->line); \
                else \
                    memcpy(to + b->begin, (T *)b->line + b->begin % LINE, \
                           (size_t)(at + 1 - b->begin) * sizeof(T)); \
            } \
        } \
    } \
    static void flush_##B(void *out, Bucket *buckets) { \
        enum { LINE = 64 / sizeof(T) }; \
        for (int d = 0; d < 256; d++) { \
            Bucket *b = &buckets[d]; \
            int64_t from = b->at - b->at % LINE; \
            if (from < b->begin) from = b->begin; \
            memcpy((T *)out + from, (T *)b->line + from % LINE, \
                   (size_t)(b->at - from) * sizeof(T)); \
        } \
    }
SCATTER(1, uint8_t)
SCATTER(2, uint16_t)
SCATTER(4, uint32_t)
SCATTER(8, uint64_t)
SCATTER(16, Wide)

/* The numbers in records. */
static void numbers_8(const void *in, int64_t n, int64_t *out) {
    const uint64_t *xs = in;
    for (int64_t i = 0; i < n; i++) out[i] = (int64_t)(xs[i] & 0xffffffff);
}
static void numbers_16(const void *in, int64_t n, int64_t *out) {
    const int64_t *xs = in;
    for (int64_t i = 0; i < n; i++) out[i] = xs[2 * i + 1];
}

#define KEY_ENTRY(S, U, KEY) [D_##S] = {digits_##S, ordered_##S, records_##S, sizeof(U)},
