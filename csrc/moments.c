/* Means and sums of squared deviations along the middle dimension of three, in one pass over memory:
 * those of pieces that fit in the cache, joined in an order that depends on the shape alone. */
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

static void put(const Job *job, int64_t at, const Moments *from, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        job->mean[at + i] = from[i].mean;
        job->squares[at + i] = from[i].squares;
    }
}

static void row_pieces(void *context, int64_t from, int64_t to) {
    const Job *job = context;
    for (int64_t i = from; i < to; i++) {
        int64_t start = i % job->pieces * PIECE;
        const char *x = job->x + (i / job->pieces * job->length + start) * job->size;
        job->loops->row(x, least(PIECE, job->length - start), job->part + i);
    }
}

/* One part of a panel of columns: chunk by chunk. */
static void column_pieces(void *context, int64_t from, int64_t to) {
    const Job *job = context;
    Moments next[PANEL];
    for (int64_t i = from; i < to; i++) {
        int64_t panel = i % job->panels, piece = i / job->panels % job->pieces;
        int64_t outer = i / job->panels / job->pieces, first = panel * PANEL;
        int64_t width = least(PANEL, job->width - first), row = piece * TALL * CHUNKS;
        int64_t end = least(row + TALL * CHUNKS, job->length);
        const char *x = job->x + (outer * job->length * job->width + first) * job->size;
        Moments *out = job->part + (outer * job->pieces + piece) * job->width + first;
        for (int64_t at = row; at < end; at += TALL) {
            Moments *into = at == row ? out : next;
            job->loops->columns(x + at * job->width * job->size, least(TALL, end - at), job->width,
                                width, into);
            if (into == next) join(out, next, width);
        }
    }
}

static void fold_lines(void *context, int64_t from, int64_t to) {
    const Job *job = context;
    for (int64_t i = from; i < to; i++) {
        Moments *line = job->part + i * job->pieces * job->width;
        fold(line, job->pieces, job->width);
        fold(line, job->width / job->inner, job->inner);
        put(job, i * job->inner, line, job->inner);
    }
}

/* Columns so few that several rows are taken as one; what is left of the last is joined at the end. */
static void widen(Job *job) {
    int64_t beside = job->inner < WIDE ? WIDE / job->inner : 1;
    if (job->outer > 1 || beside > job->length) beside = 1;
    job->width = beside * job->inner;
    job->length /= beside;
}

static void join_rest(const Job *job, int64_t rest) {
    const char *x = job->x + job->length * job->width * job->size;
    Moments next[WIDE];
    job->loops->columns(x, rest, job->inner, job->inner, next);
    for (int64_t j = 0; j < job->inner; j++) {
        Moments all = {(double)(job->length * job->width / job->inner), job->mean[j],
                       job->squares[j]};
        join(&all, next + j, 1);
        put(job, j, &all, 1);
    }
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
    int64_t rest = length - job.length * (job.width / inner);
    if (rest) join_rest(&job, rest);
    return 0;
}
