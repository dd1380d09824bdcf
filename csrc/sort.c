/* Sorting by least significant digits first: stable, and each pass reads and writes memory in
 * streams, whatever the data. Elements keep their bits; keys are computed from them at every pass
 * (radix.h). The parts of a long row are passed by several threads at a time. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "split.h"
#include "threads.h"
#include "trueno.h"

/* Elements of a tile of digits; bytes of a row, no less than
 * caches hold, from which it is written line by line; elements of
 * one from which threads share it. */
enum { DIGITS = 1024, FAR = 1 << 25, SHARED = 1 << 16, MOST_PARTS = 64 };

typedef int64_t Counts[256];

/* One row. In argsort, records of a key and a number are sorted, made by the first pass. */
typedef struct {
    const Moves *moves;
    const Keys *keys;
    int key_size, width;   /* bytes of a key, and of what is moved */
    bool arg;
    uint8_t flip;          /* 0xff: descending */
    int64_t n, parts;
    const char *in;
    char *out, *spare;     /* the result, and room for a row (in argsort, for two of records) */

    int shift;             /* this pass: its digit, whence and whereto */
    bool makes;            /* from `in`, in argsort */
    const char *from;
    char *to;
    Counts *counts;        /* of each part */
    atomic_int unordered;
} Sort;

static int64_t part_begin(const Sort *s, int64_t part) {
    int64_t tiles = (s->n + DIGITS - 1) / DIGITS, at = tiles * part / s->parts * DIGITS;
    return at < s->n ? at : s->n;
}

static int64_t tile_length(int64_t i, int64_t end) { return end - i < DIGITS ? end - i : DIGITS; }

/* The elements to move from i on, and their digits. */
static const char *tile(const Sort *s, int64_t i, int64_t n, char *room, uint8_t *digits) {
    const char *elements = s->from + i * s->width;
    if (s->makes) {
        s->keys->records(s->in + i * s->key_size, n, (uint64_t)i, (uint64_t *)room);
        elements = room;
    }
    if (s->arg) s->moves->record_digits[s->width == 16](elements, n, s->shift, s->flip, digits);
    else s->keys->digits(elements, n, s->shift, s->flip, digits);
    return elements;
}

static void count_parts(void *context, int64_t first, int64_t last) {
    Sort *s = context;
    uint8_t digits[DIGITS];
    _Alignas(64) char room[DIGITS * 16];
    for (int64_t part = first; part < last; part++) {
        int64_t end = part_begin(s, part + 1);
        memset(s->counts[part], 0, sizeof(Counts));
        for (int64_t i = part_begin(s, part); i < end; i += DIGITS) {
            tile(s, i, tile_length(i, end), room, digits);
            s->moves->tally(digits, tile_length(i, end), s->counts[part]);
        }
    }
}

static void scatter_parts(void *context, int64_t first, int64_t last) {
    Sort *s = context;
    Bucket buckets[256];
    _Alignas(64) char room[DIGITS * 16];
    uint8_t digits[DIGITS];
    int width = SIZE_INDEX(s->width);
    bool far = s->n * s->width >= FAR && (uintptr_t)s->to % 64 == 0;
    for (int64_t part = first; part < last; part++) {
        int64_t end = part_begin(s, part + 1), *at = s->counts[part];
        for (int d = 0; far && d < 256; d++) buckets[d].begin = buckets[d].at = at[d];
        for (int64_t i = part_begin(s, part); i < end; i += DIGITS) {
            int64_t n = tile_length(i, end);
            const void *elements = tile(s, i, n, room, digits);
            if (far) s->moves->scatter_far[width](elements, digits, n, s->to, buckets);
            else s->moves->scatter_near[width](elements, digits, n, s->to, at);
        }
        if (far) s->moves->flush[width](s->to, buckets);
    }
}

/* Counts into places: digit by digit, part by part. Gives whether all have the same digit. */
static bool place(Sort *s) {
    int64_t at = 0;
    bool one = false;
    for (int d = 0; d < 256; d++) {
        int64_t before = at;
        for (int64_t part = 0; part < s->parts; part++) {
            int64_t count = s->counts[part][d];
            s->counts[part][d] = at;
            at += count;
        }
        one |= at - before == s->n;
    }
    return one;
}

static void check_parts(void *context, int64_t first, int64_t last) {
    Sort *s = context;
    for (int64_t part = first; part < last; part++) {
        int64_t end = part_begin(s, part + 1), begin = part_begin(s, part);
        for (int64_t i = begin ? begin - 1 : 0; i + 1 < end; i += DIGITS - 1) {
            if (atomic_load_explicit(&s->unordered, memory_order_relaxed)) return;
            if (!s->keys->ordered(s->in + i * s->key_size, tile_length(i, end), s->flip))
                atomic_store(&s->unordered, 1);
        }
    }
}

/* The result from where the last pass left it; or from `in`, where none was needed. */
static void finish_parts(void *context, int64_t first, int64_t last) {
    Sort *s = context;
    int64_t begin = part_begin(s, first), end = part_begin(s, last);
    int64_t *numbers = (int64_t *)s->out;
    if (!s->arg)
        memcpy(s->out + begin * s->width, s->from + begin * s->width,
               (size_t)((end - begin) * s->width));
    else if (s->makes)
        for (int64_t i = begin; i < end; i++) numbers[i] = i;
    else
        s->moves->numbers[s->width == 16](s->from + begin * s->width, end - begin,
                                          numbers + begin);
}

static void over_parts(Sort *s, void (*work)(void *, int64_t, int64_t)) {
    if (s->parts == 1) work(s, 0, 1);
    else split(s->parts, 1, work, s);
}

static void sort_row(Sort *s) {
    char *places[2] = {s->spare, s->arg ? s->spare + s->n * s->width : s->out};
    int turn = 0;
    s->makes = s->arg;
    s->from = s->in;
    over_parts(s, check_parts);
    for (s->shift = 0; s->unordered && s->shift < 8 * s->key_size; s->shift += 8) {
        over_parts(s, count_parts);
        if (place(s)) continue;
        s->to = places[turn];
        over_parts(s, scatter_parts);
        s->from = s->to;
        s->makes = false;
        turn ^= 1;
    }
    if (s->from != s->out) over_parts(s, finish_parts);
}

typedef struct {
    Sort sort;
    int64_t result_size, spare_size; /* bytes a row */
    atomic_int failed;
} Rows;

static void sort_rows(void *context, int64_t from, int64_t to) {
    Rows *r = context;
    for (int64_t row = from; row < to; row++) {
        Sort s = r->sort;
        Counts counts[MOST_PARTS];
        s.counts = counts;
        s.in += row * s.n * s.key_size;
        s.out += row * s.n * r->result_size;
        s.spare += row * r->spare_size;
        sort_row(&s);
    }
}

int trueno_sort(int dtype, int64_t in, int64_t rows, int64_t n, int arg, int descending,
                int64_t spare, int64_t out) {
    const Moves *moves = trueno_kernels->moves;
    if (dtype < 0 || dtype >= DTYPES || !moves->keys[dtype].digits) return ERROR_TYPE;
    const Keys *keys = &moves->keys[dtype];
    int width = !arg ? keys->size : keys->size == 8 ? 16 : 8;
    int threads = threads_count();
    bool shares = n >= SHARED && rows < 2 * threads;
    Rows r = {
        .sort = {.moves = moves, .keys = keys, .key_size = keys->size, .width = width,
                 .arg = arg != 0, .flip = descending ? 0xff : 0, .n = n,
                 .parts = !shares ? 1 : threads < MOST_PARTS ? threads : MOST_PARTS,
                 .in = (const char *)in, .out = (char *)out, .spare = (char *)spare},
        .result_size = arg ? 8 : keys->size,
        .spare_size = n * width * (arg ? 2 : 1),
    };
    if (shares) sort_rows(&r, 0, rows);
    else split(rows, n < 4096 ? 4096 / (n + 1) + 1 : 1, sort_rows, &r);
    return 0;
}
