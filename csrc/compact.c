/* Boolean masks: what they select, where that lies, and writing to it. The mask is cut into blocks;
 * before[b] counts the selected in front of block b, so that threads know where each block's go. */
#include <string.h>

#include "split.h"
#include "trueno.h"

enum { BLOCK = TRUENO_MASK_BLOCK, BLOCKS_A_PART = 8 };

typedef struct {
    const Moves *moves;
    const uint8_t *mask;
    int64_t n;
    int64_t *before;
    const char *from;
    char *to;
    int64_t size;         /* bytes of what one byte of the mask stands for */
    const int64_t *shape; /* of the mask, for positions, */
    int64_t ndim, step, axis_step; /* from one to the next, and between its coordinates */
} Masked;

static int64_t block_length(const Masked *m, int64_t block) {
    int64_t rest = m->n - block * BLOCK;
    return rest < BLOCK ? rest : BLOCK;
}

static void count_blocks(void *context, int64_t from, int64_t to) {
    Masked *m = context;
    for (int64_t b = from; b < to; b++)
        m->before[b + 1] = m->moves->count(m->mask + b * BLOCK, block_length(m, b));
}

int trueno_mask_count(int64_t mask, int64_t n, int64_t before) {
    int64_t blocks = (n + BLOCK - 1) / BLOCK, *counts = (int64_t *)before;
    Masked m = {trueno_kernels->moves, (const uint8_t *)mask, n, counts};
    counts[0] = 0;
    split(blocks, BLOCKS_A_PART, count_blocks, &m);
    for (int64_t b = 0; b < blocks; b++) counts[b + 1] += counts[b];
    return 0;
}

/* Runs of longer elements (rows) are copied one by one. */
static void compress_rows(const Masked *m, int64_t block, bool expands) {
    const uint8_t *mask = m->mask + block * BLOCK;
    int64_t n = block_length(m, block), at = m->before[block];
    for (int64_t i = 0; i < n; i++) {
        if (!mask[i]) continue;
        int64_t whole = (block * BLOCK + i) * m->size, packed = at++ * m->size;
        memcpy(m->to + (expands ? whole : packed), m->from + (expands ? packed : whole),
               (size_t)m->size);
    }
}

static void compress_blocks(void *context, int64_t from, int64_t to) {
    Masked *m = context;
    int width = SIZE_INDEX(m->size);
    for (int64_t b = from; b < to; b++) {
        int64_t at = b * BLOCK, count = m->before[b + 1] - m->before[b];
        if (width < 0) compress_rows(m, b, false);
        else
            m->moves->compress[width](m->from + at * m->size, m->mask + at, block_length(m, b),
                                      m->to + m->before[b] * m->size, count);
    }
}

static void expand_blocks(void *context, int64_t from, int64_t to) {
    Masked *m = context;
    int width = SIZE_INDEX(m->size);
    for (int64_t b = from; b < to; b++) {
        int64_t at = b * BLOCK;
        if (width < 0) compress_rows(m, b, true);
        else
            m->moves->expand[width](m->from + m->before[b] * m->size, m->mask + at,
                                    block_length(m, b), m->to + at * m->size, 1);
    }
}

static void fill_blocks(void *context, int64_t from, int64_t to) {
    Masked *m = context;
    for (int64_t b = from; b < to; b++)
        m->moves->expand[SIZE_INDEX(m->size)](m->from, m->mask + b * BLOCK, block_length(m, b),
                                              m->to + b * BLOCK * m->size, 0);
}

/* Row by row of the mask's last axis, so that the other coordinates are constant meanwhile. */
static void positions_blocks(void *context, int64_t from, int64_t to) {
    Masked *m = context;
    int64_t *out = (int64_t *)m->to + m->before[from] * m->step;
    int64_t last = m->ndim - 1, width = m->shape[last], i = from * BLOCK;
    int64_t end = to * BLOCK < m->n ? to * BLOCK : m->n;
    while (i < end) {
        int64_t row = i / width, column = i % width;
        int64_t n = width - column < end - i ? width - column : end - i;
        int64_t count = m->moves->count(m->mask + i, n);
        m->moves->positions(m->mask + i, n, column, out + last * m->axis_step, m->step, count);
        for (int64_t axis = last - 1; axis >= 0; row /= m->shape[axis], axis--)
            for (int64_t j = 0; j < count; j++)
                out[j * m->step + axis * m->axis_step] = row % m->shape[axis];
        out += count * m->step;
        i += n;
    }
}

static int run(Masked m, void (*work)(void *, int64_t, int64_t)) {
    m.moves = trueno_kernels->moves;
    split((m.n + BLOCK - 1) / BLOCK, BLOCKS_A_PART, work, &m);
    return 0;
}

int trueno_compress(int64_t from, int64_t mask, int64_t n, int64_t before, int64_t size,
                    int64_t to) {
    return run((Masked){NULL, (const uint8_t *)mask, n, (int64_t *)before, (const char *)from,
                        (char *)to, size}, compress_blocks);
}

int trueno_expand(int64_t from, int64_t mask, int64_t n, int64_t before, int64_t size, int64_t to) {
    return run((Masked){NULL, (const uint8_t *)mask, n, (int64_t *)before, (const char *)from,
                        (char *)to, size}, expand_blocks);
}

int trueno_mask_fill(int64_t value, int64_t mask, int64_t n, int64_t size, int64_t to) {
    if (SIZE_INDEX(size) < 0) return ERROR_TYPE;
    return run((Masked){NULL, (const uint8_t *)mask, n, NULL, (const char *)value, (char *)to,
                        size}, fill_blocks);
}

int trueno_positions(int64_t mask, int64_t n, int64_t before, int64_t ndim, int64_t shape,
                     int64_t step, int64_t axis_step, int64_t to) {
    return run((Masked){NULL, (const uint8_t *)mask, n, (int64_t *)before, NULL, (char *)to, 0,
                        (const int64_t *)shape, ndim, step, axis_step}, positions_blocks);
}
