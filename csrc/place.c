/* Rectangular parts of an array, copied from views: what joins, tiles, pads and rolls arrays. */
#include <string.h>

#include "copy.h"
#include "layout.h"
#include "memory.h"
#include "split.h"
#include "trueno.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Bytes of a unit of work, and of a row that is worth a call of memcpy, or stores past the cache;
 * columns, and bytes along the rows, of a unit that is transposed. */
enum { UNIT = 1 << 17, SHORT_ROW = 64, LONG_ROW = 1 << 12 };
enum { TURNED_COLUMNS = 512, TURNED_BYTES = 256 };
enum { DIMS = 34 }; /* NumPy's 32, and two of extent 1 */

/* Dimensions in order of the steps in what is written; the last two are rows and columns. */
typedef struct {
    char *to;
    const char *from;
    int dims;
    bool turned;                  /* rows, not columns, are contiguous where they are read */
    int64_t extent[DIMS], to_step[DIMS], from_step[DIMS];
    int64_t rows, columns;        /* of a unit */
    int64_t row_units, column_units, units;
} Part;

typedef struct {
    Part *part;
    int64_t parts, size;
    bool streams;
} Placing;

static void swap_dims(Part *p, int a, int b) {
    int64_t extent = p->extent[a], to = p->to_step[a], from = p->from_step[a];
    p->extent[a] = p->extent[b], p->to_step[a] = p->to_step[b], p->from_step[a] = p->from_step[b];
    p->extent[b] = extent, p->to_step[b] = to, p->from_step[b] = from;
}

/* Reads dims, to, from, then of each dimension its extent and both steps. Gives what follows. */
static const int64_t *read_part(Part *p, const int64_t *word) {
    int dims = (int)*word++;
    p->to = (char *)*word++;
    p->from = (const char *)*word++;
    p->dims = 0;
    for (int i = 0; i < dims; i++, word += 3) {
        if (word[0] == 1) continue;
        int d = p->dims++;
        p->extent[d] = word[0], p->to_step[d] = word[1], p->from_step[d] = word[2];
        if (word[1] < 0) { /* written forwards */
            p->to += (word[0] - 1) * word[1];
            p->from += (word[0] - 1) * word[2];
            p->to_step[d] = -word[1], p->from_step[d] = -word[2];
        }
        for (; d > 0 && p->to_step[d - 1] < p->to_step[d]; d--) swap_dims(p, d - 1, d);
    }
    return word;
}

static void merge(Part *p) {
    int kept = 0;
    for (int d = 1; d < p->dims; d++) {
        bool joins = p->to_step[kept] == p->extent[d] * p->to_step[d] &&
                     p->from_step[kept] == p->extent[d] * p->from_step[d];
        int64_t extent = joins ? p->extent[kept] * p->extent[d] : p->extent[d];
        kept += !joins;
        p->extent[kept] = extent;
        p->to_step[kept] = p->to_step[d], p->from_step[kept] = p->from_step[d];
    }
    if (p->dims) p->dims = kept + 1;
}

static int64_t at_most(int64_t n, int64_t most) { return n < most ? n : most < 1 ? 1 : most; }

static void cut(Part *p, int64_t size) {
    while (p->dims < 2) { /* outer dimensions of extent 1 */
        for (int d = p->dims++; d > 0; d--) swap_dims(p, d, d - 1);
        p->extent[0] = 1, p->to_step[0] = p->from_step[0] = 0;
    }
    int row = p->dims - 2, column = p->dims - 1;
    p->turned = false;
    if (p->to_step[column] == size && p->from_step[column] != size && SIZE_INDEX(size) >= 0)
        for (int d = 0; d < column; d++)
            if (p->from_step[d] == size && p->extent[d] >= 8) {
                swap_dims(p, d, row);
                p->turned = true;
                break;
            }
    p->columns = at_most(p->extent[column], p->turned ? TURNED_COLUMNS : UNIT / size);
    p->rows = at_most(p->extent[row], p->turned ? TURNED_BYTES / size : UNIT / (p->columns * size));
    p->row_units = (p->extent[row] - 1) / p->rows + 1;
    p->column_units = (p->extent[column] - 1) / p->columns + 1;
    p->units = p->row_units * p->column_units;
    for (int d = 0; d < row; d++) p->units *= p->extent[d];
}

/* ---- one unit */

typedef struct {
    int64_t rows, to_row, from_row, columns, to_column, from_column;
} Block;

/* With a number of columns that the compiler knows, the inner loop is unrolled. */
#define COPY(B) \
    static inline void copy_columns_##B(const Block *b, char *to, const char *from, \
                                        int64_t columns) { \
        for (int64_t r = 0; r < b->rows; r++, to += b->to_row, from += b->from_row) \
            for (int64_t c = 0; c < columns; c++) \
                memcpy(to + c * b->to_column, from + c * b->from_column, B); \
    } \
    static void copy_##B(const Block *b, char *to, const char *from) { \
        switch (b->columns) { \
        case 1: copy_columns_##B(b, to, from, 1); break; \
        case 2: copy_columns_##B(b, to, from, 2); break; \
        case 3: copy_columns_##B(b, to, from, 3); break; \
        case 4: copy_columns_##B(b, to, from, 4); break; \
        default: copy_columns_##B(b, to, from, b->columns); \
        } \
    }
COPY(1)
COPY(2)
COPY(4)
COPY(8)
COPY(16)

static void copy_elements(const Block *b, int64_t size, char *to, const char *from) {
    static void (*const copies[SIZES])(const Block *, char *, const char *) = {
        copy_1, copy_2, copy_4, copy_8, copy_16,
    };
    int width = SIZE_INDEX(size);
    if (width >= 0) {
        copies[width](b, to, from);
        return;
    }
    for (int64_t r = 0; r < b->rows; r++)
        for (int64_t c = 0; c < b->columns; c++)
            memcpy(to + r * b->to_row + c * b->to_column,
                   from + r * b->from_row + c * b->from_column, (size_t)size);
}

static void copy_rows(const Placing *g, const Block *b, char *to, const char *from) {
    int64_t bytes = b->columns * g->size;
    if (bytes <= SHORT_ROW) { /* in the widest words that divide it */
        int64_t word = bytes % 16 == 0 ? 16 : bytes % 8 == 0 ? 8 : bytes % 4 == 0 ? 4 : 1;
        Block words = {b->rows, b->to_row, b->from_row, bytes / word, word, word};
        copy_elements(&words, word, to, from);
        return;
    }
    bool streams = g->streams && bytes >= LONG_ROW;
    for (int64_t r = 0; r < b->rows; r++, to += b->to_row, from += b->from_row) {
        if (streams) trueno_kernels->stream(to, from, bytes);
        else copy_bytes(to, from, bytes);
    }
#if defined(__x86_64__)
    if (streams) _mm_sfence(); /* streaming stores are weakly ordered */
#endif
}

static void place_unit(const Placing *g, const Part *p, int64_t unit) {
    int row = p->dims - 2, column = p->dims - 1;
    int64_t c = unit % p->column_units * p->columns, r = unit / p->column_units;
    int64_t rest = r / p->row_units;
    r = r % p->row_units * p->rows;
    Block b = {at_most(p->extent[row] - r, p->rows), p->to_step[row], p->from_step[row],
               at_most(p->extent[column] - c, p->columns), p->to_step[column],
               p->from_step[column]};
    char *to = p->to + r * b.to_row + c * b.to_column;
    const char *from = p->from + r * b.from_row + c * b.from_column;
    for (int d = row - 1; d >= 0; d--) {
        to += rest % p->extent[d] * p->to_step[d];
        from += rest % p->extent[d] * p->from_step[d];
        rest /= p->extent[d];
    }
    if (p->turned && b.rows >= 8)
        trueno_kernels->transpose(to, b.to_row, from, b.from_column, (int)g->size, b.rows,
                                  b.columns);
    else if (b.to_column == g->size && b.from_column == g->size) copy_rows(g, &b, to, from);
    else copy_elements(&b, g->size, to, from);
}

/* Unit i of every part in turn: parts that lie interleaved write to the same cache lines. */
static void place_units(void *context, int64_t from, int64_t to) {
    const Placing *g = context;
    for (int64_t unit = from; unit < to; unit++)
        for (int64_t k = 0; k < g->parts; k++)
            if (unit < g->part[k].units) place_unit(g, g->part + k, unit);
}

int trueno_place(int64_t parts, int64_t count, int64_t size, int64_t bytes) {
    Placing g = {scratch_take((size_t)count * sizeof(Part)), count, size, bytes > STREAM_BYTES};
    if (!g.part) return ERROR_MEMORY;
    const int64_t *word = (const int64_t *)parts;
    int64_t most = 0;
    for (int64_t k = 0; k < count; k++) {
        Part *p = g.part + k;
        word = read_part(p, word);
        merge(p);
        cut(p, size);
        if (p->units > most) most = p->units;
    }
    split(most, bytes < 4 * UNIT ? most : 1, place_units, &g);
    scratch_give(g.part);
    return 0;
}

/* ---- each element a number of times */

/* Copies that are written without a look at how many are wanted: the next element's follow. */
enum { AHEAD = 4 };

typedef struct {
    const int64_t *ends;
    const char *from;
    char *to;
    int64_t size;
} Repeating;

#define REPEAT(B) \
    static void repeat_##B(const Repeating *g, int64_t from, int64_t to) { \
        int64_t at = from ? g->ends[from - 1] : 0, end = g->ends[to - 1]; \
        for (int64_t i = from; i < to; at = g->ends[i++]) { \
            const char *x = g->from + i * B; \
            if (g->ends[i] - at <= AHEAD && at + AHEAD <= end) /* more than are asked for */ \
                for (int j = 0; j < AHEAD; j++) memcpy(g->to + (at + j) * B, x, B); \
            else \
                for (; at < g->ends[i]; at++) memcpy(g->to + at * B, x, B); \
        } \
    }
REPEAT(1)
REPEAT(2)
REPEAT(4)
REPEAT(8)
REPEAT(16)

static void repeat_part(void *context, int64_t from, int64_t to) {
    static void (*const repeats[SIZES])(const Repeating *, int64_t, int64_t) = {
        repeat_1, repeat_2, repeat_4, repeat_8, repeat_16,
    };
    const Repeating *g = context;
    repeats[SIZE_INDEX(g->size)](g, from, to);
}

int trueno_repeat(int64_t from, int64_t ends, int64_t n, int64_t size, int64_t to) {
    if (SIZE_INDEX(size) < 0) return ERROR_TYPE;
    Repeating g = {(const int64_t *)ends, (const char *)from, (char *)to, size};
    split(n, 1 << 14, repeat_part, &g);
    return 0;
}
