/* Elements under a mask, moved together and apart. */

/* Which of 64 bytes are not zero, as bits. */
static inline uint64_t bits_of(const uint8_t *mask) {
#if defined(__AVX512BW__)
    __m512i v = _mm512_loadu_si512(mask);
    return _mm512_test_epi8_mask(v, v);
#elif defined(__AVX2__)
    const __m256i *v = (const __m256i *)mask, zero = _mm256_setzero_si256();
    uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256(v), zero));
    uint32_t high =
        (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_loadu_si256(v + 1), zero));
    return ~((uint64_t)high << 32 | low);
#else
    uint64_t bits = 0;
    for (int j = 0; j < 8; j++) {
        uint64_t bytes, low7 = 0x7f7f7f7f7f7f7f7f;
        memcpy(&bytes, mask + 8 * j, 8);
        uint64_t top = (((bytes & low7) + low7) | bytes) & ~low7; /* each byte's top bit */
        bits |= (top >> 7) * 0x0102040810204080 >> 56 << 8 * j;
    }
    return bits;
#endif
}

static uint64_t bits_of_some(const uint8_t *mask, int64_t n) {
    if (n >= 64) return bits_of(mask);
    uint8_t padded[64] = {0};
    memcpy(padded, mask, (size_t)n);
    return bits_of(padded);
}

static int64_t count_mask(const uint8_t *mask, int64_t n) {
    int64_t count = 0;
    for (int64_t i = 0; i < n; i += 64)
        count += __builtin_popcountll(bits_of_some(mask + i, n - i));
    return count;
}

typedef struct { uint64_t word[2]; } Wide;

/* PACK moves the elements of 64 that `bits` has to `out`, and may write up to 64 there. */
#define PACK(B, T) static inline T *pack_##B(const T *in, uint64_t bits, T *out)
#define PACK_ONE_BY_ONE(B, T) \
    PACK(B, T) { \
        for (; bits; bits &= bits - 1) *out++ = in[__builtin_ctzll(bits)]; \
        return out; \
    }

#ifdef __BMI2__
/* Bit i of a byte becomes byte i, all ones or zero; bit i of four, two bytes. */
static inline uint64_t byte_mask(uint64_t bits) {
    return _pdep_u64(bits, 0x0101010101010101) * 0xff;
}
static inline uint64_t short_mask(uint64_t bits) {
    return _pdep_u64(bits, 0x0001000100010001) * 0xffff;
}
#define PACK_BY_EXTRACTION(B, T, MASK) \
    PACK(B, T) { \
        enum { LANES = 8 / sizeof(T) }; \
        for (int j = 0; j < 64; j += LANES, bits >>= LANES) { \
            uint64_t word; \
            memcpy(&word, in + j, 8); \
            word = _pext_u64(word, MASK(bits)); \
            memcpy(out, &word, 8); \
            out += __builtin_popcountll(bits & ((1 << LANES) - 1)); \
        } \
        return out; \
    }
PACK_BY_EXTRACTION(1, uint8_t, byte_mask)
PACK_BY_EXTRACTION(2, uint16_t, short_mask)
#else
PACK_ONE_BY_ONE(1, uint8_t)
PACK_ONE_BY_ONE(2, uint16_t)
#endif

/* The compressed vector is stored whole: to compress into memory is many times slower on AMD. */
#if defined(__AVX512F__)
#define PACK_BY_VECTORS(B, T, LANES, COMPRESS) \
    PACK(B, T) { \
        for (int j = 0; j < 64; j += LANES, bits >>= LANES) { \
            unsigned lanes = (unsigned)bits & ((1u << LANES) - 1); \
            _mm512_storeu_si512(out, COMPRESS(lanes, _mm512_loadu_si512(in + j))); \
            out += __builtin_popcount(lanes); \
        } \
        return out; \
    }
PACK_BY_VECTORS(4, uint32_t, 16, _mm512_maskz_compress_epi32)
PACK_BY_VECTORS(8, uint64_t, 8, _mm512_maskz_compress_epi64)
#elif defined(__AVX2__)
/* The numbers of the words to keep, in bytes, extracted by the mask, say how to permute. */
#define PACK_BY_VECTORS(B, T, LANES, MASK) \
    PACK(B, T) { \
        for (int j = 0; j < 64; j += LANES, bits >>= LANES) { \
            int64_t keep = (int64_t)_pext_u64(0x0706050403020100, MASK(bits)); \
            __m256i order = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(keep)); \
            __m256i v = _mm256_loadu_si256((const __m256i *)(in + j)); \
            _mm256_storeu_si256((__m256i *)out, _mm256_permutevar8x32_epi32(v, order)); \
            out += __builtin_popcount((unsigned)bits & ((1u << LANES) - 1)); \
        } \
        return out; \
    }
PACK_BY_VECTORS(4, uint32_t, 8, byte_mask)
PACK_BY_VECTORS(8, uint64_t, 4, short_mask)
#else
PACK_ONE_BY_ONE(4, uint32_t)
PACK_ONE_BY_ONE(8, uint64_t)
#endif
PACK_ONE_BY_ONE(16, Wide)

#define COMPRESS(B, T) \
    static void compress_##B(const char *in_, const uint8_t *mask, int64_t n, char *out_, \
                             int64_t count) { \
        const T *in = (const T *)in_; \
        T *out = (T *)out_, *end = out + count; \
        for (int64_t i = 0; out < end; i += 64) { \
            uint64_t bits = bits_of_some(mask + i, n - i); \
            if (n - i >= 64 && end - out >= 64) out = pack_##B(in + i, bits, out); \
            else \
                for (; bits; bits &= bits - 1) *out++ = in[i + __builtin_ctzll(bits)]; \
        } \
    } \
    static void expand_##B(const char *in_, const uint8_t *mask, int64_t n, char *out_, \
                           int64_t step) { \
        const T *in = (const T *)in_; \
        T *out = (T *)out_; \
        for (int64_t i = 0; i < n; i += 64) \
            for (uint64_t bits = bits_of_some(mask + i, n - i); bits; \
                 bits &= bits - 1, in += step) \
                out[i + __builtin_ctzll(bits)] = *in; \
    }
COMPRESS(1, uint8_t)
COMPRESS(2, uint16_t)
COMPRESS(4, uint32_t)
COMPRESS(8, uint64_t)
COMPRESS(16, Wide)

static void positions(const uint8_t *mask, int64_t n, int64_t first, int64_t *out, int64_t step,
                      int64_t count) {
    int64_t *end = out + count * step;
    for (int64_t i = 0; out != end; i += 64) {
        uint64_t bits = bits_of_some(mask + i, n - i);
#ifdef __AVX512F__
        if (step == 1 && end - out >= 64) {
            __m512i at = _mm512_add_epi64(_mm512_set1_epi64(first + i),
                                          _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
            for (int j = 0; j < 64; j += 8, bits >>= 8) {
                _mm512_storeu_si512(out, _mm512_maskz_compress_epi64((__mmask8)bits, at));
                out += __builtin_popcount((unsigned)bits & 0xff);
                at = _mm512_add_epi64(at, _mm512_set1_epi64(8));
            }
            continue;
        }
#endif
        for (; bits; bits &= bits - 1, out += step) *out = first + i + __builtin_ctzll(bits);
    }
}
