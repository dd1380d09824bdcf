/* Means and sums of squared deviations along the middle dimension of three, in one pass over
 * memory: those of pieces that fit in the cache, joined in an order that depends on the shape
 * alone. */
#include <string.h>

#include "memory.h"
#include "split.h"
#include "trueno.h"

enum {
    PIECE = 2048,      /* elements of a row at a time */
    TALL = 32,         /* elements of a column at a time, */
    CHUNKS = 16,       /* as many of these one after the other, */
    PANEL = 1024,      /* of so many columns */
    WIDE = 64,         /* fewer columns: several rows are taken as one */
    UNIT_BYTES = 1 << 18
};

typedef struct {
    const MomentLoops *loops;
    const char *x;
    double *mean, *squares;
    int64_t size, outer, length, inner;
    int64_t pieces;   /* a line along the middle dimension is cut into */
    int64_t panels, width;
    int64_t rest;     /* rows behind those that are taken several as one */
    double repeated[WIDE]; /* the first row, as often as these are */
    Moments *part;    /* [outer][pieces][width] */
} Job;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Of two sets of numbers as one: Chan et al., formula 2.1. */
static void join(Moments *into, const Moments *from, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        double a = into[i].count, b = from[i].count, count = a + b;
        double apart = from[i].mean - into[i].mean;
        into[i].mean += apart * (b / count);
        into[i].squares += from[i].squares + apart * apart * (a * b / count);
        into[i].count = count;
    }
}

/* Rows of `width` moments, joined pairwise into the first. */
static void fold(Moments *rows, int64_t count, int64_t width) {
    while (count > 1) {
        int64_t half = (count + 1) / 2;
        join(rows, rows + half * width, (count - half) * width);
        count = half;
    }
}

/* The first element of each line: means are kept as differences from it, lest rounding them by
 * their own size be seen in the differences between them. */
static const char *first(const Job *job, int64_t outer) {
    return job->x + outer * job->length * job->width * job->size;
}

static const char *origin(const Job *job, int64_t outer) {
    return job->width > job->inner ? (const char *)job->repeated : first(job, outer);
}

static void row_pieces(void *context, int64_t from, int64_t to) {
    const Job *job = context;
    for (int64_t i = from; i < to; i++) {
        int64_t start = i % job->pieces * PIECE;
        const char *x = job->x + (i / job->pieces * job->length + start) * job->size;
        job->loops->row(x, least(PIECE, job->length - start), origin(job, i / job->pieces),
                        job->part + i);
    }
}

/* One part of a panel of columns: chunk by chunk. */
static void column_pieces(void *context, int64_t from, int64_t to) {
    const Job *job = context;
    Moments next[PANEL];
    for (int64_t i = from; i < to; i++) {
        int64_t panel = i % job->panels, piece = i / job->panels % job->pieces;
        int64_t outer = i / job->panels / job->pieces, from_column = panel * PANEL;
        int64_t width = least(PANEL, job->width - from_column), row = piece * TALL * CHUNKS;
        int64_t end = least(row + TALL * CHUNKS, job->length);
        int64_t skipped = from_column * job->size;
        const char *x = first(job, outer) + skipped;
        Moments *out = job->part + (outer * job->pieces + piece) * job->width + from_column;
        for (int64_t at = row; at < end; at += TALL) {
            Moments *into = at == row ? out : next;
            job->loops->columns(x + at * job->width * job->size, least(TALL, end - at), job->width,
                                width, origin(job, outer) + skipped, into);
            if (into == next) join(out, next, width);
        }
    }
}

static void join_rest(const Job *job, Moments *line) {
    Moments next[WIDE];
    job->loops->columns(first(job, 1), job->rest, job->inner, job->inner, job->x, next);
    join(line, next, job->inner);
}

/* Means count from zero again: the moments of single elements hold these as double. */
static void put(const Job *job, int64_t outer, const Moments *line) {
    static const double zeros[WIDE];
    Moments one[WIDE];
    for (int64_t j = 0; j < job->inner; j++) {
        int64_t i = j % WIDE, at = outer * job->inner + j;
        if (!i)
            job->loops->columns(first(job, outer) + j * job->size, 1, 0,
                                least(WIDE, job->inner - j), zeros, one);
        job->mean[at] = one[i].mean + line[j].mean;
        job->squares[at] = line[j].squares;
    }
}

static void fold_lines(void *context, int64_t from, int64_t to) {
    const Job *job = context;
    for (int64_t i = from; i < to; i++) {
        Moments *line = job->part + i * job->pieces * job->width;
        fold(line, job->pieces, job->width);
        fold(line, job->width / job->inner, job->inner);
        if (job->rest) join_rest(job, line);
        put(job, i, line);
    }
}

/* Columns so few that several rows are taken as one; what is left of the last is joined at the
 * end. */
static void widen(Job *job) {
    int64_t beside = job->inner < WIDE ? WIDE / job->inner : 1, row = job->inner * job->size;
    if (job->outer > 1 || beside > job->length) beside = 1;
    for (int64_t i = 0; beside > 1 && i < beside; i++)
        memcpy((char *)job->repeated + i * row, job->x, (size_t)row);
    job->width = beside * job->inner;
    job->rest = job->length % beside;
    job->length /= beside;
}

int trueno_moments(int dtype, int64_t size, int64_t x, int64_t outer, int64_t length, int64_t inner,
                   int64_t mean, int64_t squares) {
    Job job = {.loops = trueno_kernels->moments + dtype, .x = (const char *)x, .size = size,
               .mean = (double *)mean, .squares = (double *)squares, .outer = outer,
               .length = length, .inner = inner, .panels = 1};
    if (!job.loops->row) return ERROR_TYPE;
    bool rows = inner == 1;
    if (rows) job.width = 1;
    else widen(&job);
    int64_t piece = rows ? PIECE : TALL * CHUNKS;
    job.pieces = (job.length - 1) / piece + 1;
    if (!rows) job.panels = (job.width - 1) / PANEL + 1;
    job.part = scratch_take((size_t)(outer * job.pieces * job.width) * sizeof *job.part);
    if (!job.part) return ERROR_MEMORY;
    int64_t bytes = least(piece, job.length) * least(PANEL, job.width) * size;
    int64_t units = outer * job.pieces * job.panels, grain = UNIT_BYTES / bytes + 1;
    bool alone = units * bytes < 4 * UNIT_BYTES;
    split(units, alone ? units : grain, rows ? row_pieces : column_pieces, &job);
    split(outer, alone ? outer : outer / 64 + 1, fold_lines, &job);
    scratch_give(job.part);
    return 0;
}
