/* Binary search: where values belong in a sorted array. */
#include "split.h"
#include "trueno.h"

/* NaN sorts last, as NumPy has it. */
#define FLOAT_BEFORE(x, y) ((x) < (y) || ((y) != (y) && (x) == (x)))
#define BEFORE(x, y) ((x) < (y))

typedef struct {
    const void *sorted, *values;
    int64_t length, *at;
    int right;
} Search;

/* The step halves without a branch on the comparison, so that it costs a conditional move; as the
 * values of a part are independent, the processor works on several at once. */
#define SEARCH(S, T, BEFORE)                                                        \
    static void search_##S(void *context, int64_t from, int64_t to) {               \
        const Search *s = context;                                                  \
        const T *sorted = s->sorted, *values = s->values;                           \
        for (int64_t i = from; i < to; i++) {                                       \
            const T *low = sorted, value = values[i];                               \
            int64_t n = s->length;                                                  \
            while (n > 0) {                                                         \
                int64_t half = (n + 1) / 2;                                         \
                T middle = low[half - 1];                                           \
                bool after = s->right ? !BEFORE(value, middle) : BEFORE(middle, value); \
                low = after ? low + half : low;                                     \
                n -= half;                                                          \
            }                                                                       \
            s->at[i] = low - sorted;                                                \
        }                                                                           \
    }

#define SEARCHES(M)                                                                 \
    M(b8, uint8_t, BEFORE) M(i8, int8_t, BEFORE) M(i16, int16_t, BEFORE)            \
    M(i32, int32_t, BEFORE) M(i64, int64_t, BEFORE) M(u8, uint8_t, BEFORE)          \
    M(u16, uint16_t, BEFORE) M(u32, uint32_t, BEFORE) M(u64, uint64_t, BEFORE)      \
    M(f32, float, FLOAT_BEFORE) M(f64, double, FLOAT_BEFORE)

SEARCHES(SEARCH)

typedef void Part(void *context, int64_t from, int64_t to);

#define ENTRY(S, T, BEFORE) [D_##S] = search_##S,
static Part *const searches[DTYPES] = {SEARCHES(ENTRY)};

enum { GRAIN = 4096 };

int trueno_searchsorted(int dtype, int64_t sorted, int64_t length, int64_t values, int64_t count,
                        int right, int64_t at) {
    if (dtype < 0 || dtype >= DTYPES || !searches[dtype]) return ERROR_TYPE;
    Search s = {(const void *)sorted, (const void *)values, length, (int64_t *)at, right};
    split(count, GRAIN, searches[dtype], &s);
    return 0;
}
