/* Random launches of the tile machine, against an evaluation point by point.
 *
 *   machine [COUNT [SEED]]   COUNT launches (default 20000), spread over several callers at a time,
 *                            on every instruction set that this processor runs
 *
 * Built with -DFUZZ, libFuzzer chooses the launches instead. A launch is read from a string of
 * bytes: shape, operands of any layout (permuted, strided, reversed, broadcast, unaligned, with
 * leading dimensions missing), a program of mixed dtypes, and outputs, stored or reduced, of which
 * some lie over an input. The values are small integers, so that every order of evaluation gives
 * the same result; the roots of the outputs must be right to the last byte, also between and around
 * the elements. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trueno.h"

enum { DIMS = 4, INPUTS = 3, CONSTS = 2, STEPS = 6, OUTPUTS = 3, CELL = 16 };
enum { SLOTS = INPUTS + CONSTS + STEPS, MOST_POINTS = 6000, WRITEABLE = 0x0400 };

static const int size_of[DTYPES] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 8, 16};
static const int dtypes[] = {D_b8, D_i8, D_i16, D_i32, D_i64, D_u8, D_u64, D_f32, D_f64};
enum { KINDS = sizeof dtypes / sizeof *dtypes };

/* ---- where choices come from */

typedef struct {
    const uint8_t *byte;
    size_t left;
} Source;

static unsigned choose(Source *s, unsigned below) {
    unsigned value = 0;
    for (int i = 0; i < 2 && s->left; i++, s->left--) value = value << 8 | *s->byte++;
    return value % below;
}

static uint64_t scramble(uint64_t z) { /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* ---- Python's objects, as the library reads them */

typedef struct {
    int64_t references, type;
    char *data;
    int dims;
    intptr_t *extent, *stride;
    void *base, *descriptor;
    int flags;
} Array;

typedef struct {
    int64_t references, type;
    char value[CELL];
} Scalar;

enum { HEADER = 16, ARRAY_TYPE = 77 }; /* a dtype's address is 100 + its number */

/* ---- a launch */

typedef struct {
    Array array;
    intptr_t extent[DIMS], stride[DIMS];
    intptr_t step[DIMS]; /* strides along the launch's dimensions, 0 where broadcast or reduced */
    char *root, *expected;
    size_t bytes, offset;
    int dtype, alias; /* the input in whose memory an output lies, or -1 */
} Operand;

typedef struct {
    int dims, reduced_dims, shape[DIMS];
    bool reduced[DIMS];
    Operand input[INPUTS], output[OUTPUTS];
    Scalar constant[CONSTS];
    int dtype[SLOTS], op[STEPS]; /* the steps' operations; -1: a cast */
    Program program;
    Input in[INPUTS];
    Const consts[CONSTS];
    Step step[STEPS];
    Output out[OUTPUTS];
    int32_t storage[SLOTS];
} Case;

static bool is_real(int dtype) { return dtype == D_f32 || dtype == D_f64; }
static bool is_unsigned(int dtype) { return dtype == D_u8 || dtype == D_u64; }

static void number(char *to, int dtype, int value) {
#define PUT(D, T) case D: { T v = (T)value; memcpy(to, &v, sizeof v); break; }
    switch (dtype) {
        PUT(D_b8, bool) PUT(D_i8, int8_t) PUT(D_i16, int16_t) PUT(D_i32, int32_t)
        PUT(D_i64, int64_t) PUT(D_u8, uint8_t) PUT(D_u64, uint64_t) PUT(D_f32, float)
        PUT(D_f64, double)
    }
}

/* The bits of a number that no value lies beyond. */
static int64_t bound(int dtype, bool above) {
    char cell[CELL] = {0};
    int most = dtype == D_b8 ? 1 : dtype == D_i8 ? 127 : 1000;
    number(cell, dtype, above ? most : dtype == D_b8 ? 0 : -1 - most);
    if (is_unsigned(dtype)) memset(cell, above ? 255 : 0, sizeof cell);
    int64_t bits;
    memcpy(&bits, cell, sizeof bits);
    return bits;
}

/* Lays an operand out in a root of its own, and fills the root. */
static void lay_out(Source *s, Case *c, Operand *o, bool written, bool reduces) {
    int order[DIMS], first = 0, size = size_of[o->dtype];
    intptr_t length[DIMS], pace[DIMS], margin[DIMS], stride = size;
    for (int d = 0; d < c->dims; d++) order[d] = d;
    for (int d = c->dims - 1; d > 0; d--) {
        int other = (int)choose(s, 4) ? d : (int)choose(s, (unsigned)d + 1), kept = order[d];
        order[d] = order[other];
        order[other] = kept;
    }
    while (!written && first < c->dims && choose(s, 5) == 0) first++;
    o->offset = choose(s, 6) == 0 ? 1 + choose(s, (unsigned)size) : 0;
    for (int d = 0; d < c->dims; d++) {
        bool single = written ? reduces && c->reduced[d] : d < first || choose(s, 6) == 0;
        length[d] = single ? 1 : c->shape[d];
        pace[d] = choose(s, 4) ? 1 : 1 + (intptr_t)choose(s, 3);
        margin[d] = choose(s, 5) ? 0 : (intptr_t)choose(s, 3);
    }
    for (int i = c->dims - 1; i >= 0; i--) {
        int d = order[i];
        o->extent[d] = length[d];
        o->stride[d] = stride * pace[d];
        o->offset += (size_t)(stride * margin[d]);
        if (choose(s, 4) == 0) {
            o->offset += (size_t)((length[d] - 1) * o->stride[d]);
            o->stride[d] = -o->stride[d];
        }
        o->step[d] = length[d] == 1 ? 0 : o->stride[d];
        stride *= length[d] * pace[d] + margin[d];
    }
    o->bytes = (size_t)stride + (size_t)size + o->offset % (size_t)size;
    o->root = malloc(o->bytes);
    o->expected = malloc(o->bytes);
    size_t skew = o->offset % (size_t)size;
    memset(o->root, 1, o->bytes);
    uint64_t seed = choose(s, 256);
    for (size_t at = skew; at + (size_t)size <= o->bytes; at += (size_t)size)
        number(o->root + at, o->dtype, (int)(scramble(seed + at) % 5) - (o->dtype == D_b8 ? 0 : 2));
    memcpy(o->expected, o->root, o->bytes);
    intptr_t *extent = o->extent + first, *strides = o->stride + first;
    o->array = (Array){1, ARRAY_TYPE, o->root + o->offset, c->dims - first, extent, strides,
                       NULL, (void *)(intptr_t)(100 + o->dtype), WRITEABLE};
    o->alias = -1;
}

/* An output that is not reduced may be an input's own memory. */
static bool lay_over(Source *s, Case *c, Operand *o) {
    for (int k = 0; k < c->program.inputs; k++) {
        Operand *in = c->input + k;
        bool fits = in->dtype == o->dtype && in->array.dims == c->dims && in->alias < 0;
        for (int d = 0; d < c->dims; d++) fits = fits && in->extent[d] == c->shape[d];
        if (!fits || choose(s, 3)) continue;
        *o = *in;
        o->array.extent = o->extent;
        o->array.stride = o->stride;
        o->alias = k;
        in->alias = 0; /* taken */
        return true;
    }
    return false;
}

/* A value of that dtype among the first `count`, or one that is made so by a cast. */
static int value_of(Source *s, const Case *c, int count, int dtype) {
    int from = (int)choose(s, (unsigned)count);
    for (int i = 0; i < count; i++)
        if (c->dtype[(from + i) % count] == dtype) return (from + i) % count;
    return -1;
}

static void add_step(Source *s, Case *c, int i) {
    static const int arithmetic[] = {OP_add, OP_subtract, OP_maximum, OP_minimum, OP_negative,
                                     OP_less, OP_where};
    Program *p = &c->program;
    int count = p->inputs + p->consts + i, x = (int)choose(s, (unsigned)count), y = x, z = x;
    int op = arithmetic[choose(s, sizeof arithmetic / sizeof *arithmetic)], dtype = c->dtype[x];
    y = value_of(s, c, count, dtype);
    int result = op == OP_less ? D_b8 : dtype;
    if (op == OP_where) {
        z = value_of(s, c, count, dtype);
        x = value_of(s, c, count, D_b8);
    }
    void *run = trueno_loop(op, dtype);
    if (x < 0 || !run || choose(s, 5) == 0) { /* a cast: one that is exact */
        x = y;
        op = -1;
        result = dtypes[choose(s, KINDS)];
        if (is_real(dtype) && is_unsigned(result)) result = D_i64;
        if (is_unsigned(dtype) && is_real(result)) result = D_i64;
        run = trueno_cast(dtype, result);
    }
    int slot = p->inputs + p->consts + i;
    c->dtype[slot] = result;
    c->op[i] = op;
    bool exact = op >= 0 && op != OP_where && is_real(dtype);
    c->step[i] = (Step){.run = run, .args = {x, y, z}, .out = slot, .mask = i,
                        .trusted = exact ? DIVIDE | OVERFLOW | INVALID : 0};
    int args[] = {x, y, z};
    for (int a = 0; a < 3; a++)
        if (args[a] < p->inputs) c->in[args[a]].last_step = i;
}

static void add_output(Source *s, Case *c, int k) {
    static const int combining[] = {OP_add, OP_maximum, OP_minimum};
    Program *p = &c->program;
    Operand *o = c->output + k;
    Output *out = c->out + k;
    int values = p->inputs + p->consts + p->steps, value = (int)choose(s, (unsigned)values);
    int dtype = c->dtype[value], kind = c->reduced_dims ? (int)choose(s, 4) : 0;
    *out = (Output){.value = value, .size = size_of[dtype], .lane_size = size_of[dtype],
                    .producer = value - p->inputs - p->consts, .mask = p->steps + k};
    if (out->producer < 0) out->producer = -1;
    o->dtype = dtype;
    if (kind == 1 || kind == 2) {
        int op = combining[choose(s, 3)];
        if (dtype == D_b8) op = OP_maximum;
        out->reduces = 1;
        out->combine = trueno_loop(op, dtype);
        out->identity[0] = op == OP_add ? 0 : bound(dtype, op == OP_minimum);
    } else if (kind == 3) {
        out->reduces = 2;
        unsigned largest = choose(s, 2);
        out->pick = trueno_pick((int)largest, dtype);
        out->find = trueno_find((int)largest, dtype);
        out->identity[0] = bound(dtype, !largest);
        out->size = 8;
        o->dtype = D_i64;
    }
    out->type = 100 + o->dtype;
    if (out->reduces || !lay_over(s, c, o)) lay_out(s, c, o, true, out->reduces);
}

static void make(Source *s, Case *c) {
    memset(c, 0, sizeof *c);
    Program *p = &c->program;
    int64_t points = 1;
    c->dims = (int)choose(s, DIMS + 1);
    for (int d = 0; d < c->dims; d++) {
        unsigned kind = choose(s, 8);
        int64_t extent = kind ? 1 + choose(s, 9) : 1 + choose(s, 2500);
        c->shape[d] = (int)(points * extent > MOST_POINTS ? 1 : extent);
        points *= c->shape[d];
    }
    bool reducing = c->dims && choose(s, 2);
    for (int d = 0; d < c->dims && reducing; d++)
        if (choose(s, 2)) c->reduced[d] = ++c->reduced_dims;
    p->inputs = 1 + (int)choose(s, INPUTS);
    p->consts = (int)choose(s, CONSTS + 1);
    for (int k = 0; k < p->inputs; k++) {
        c->dtype[k] = c->input[k].dtype = dtypes[choose(s, KINDS)];
        int dtype = c->dtype[k];
        c->in[k] = (Input){.size = size_of[dtype], .last_step = -1, .type = 100 + dtype};
        lay_out(s, c, c->input + k, false, false);
    }
    for (int k = 0; k < p->consts; k++) {
        int dtype = c->dtype[p->inputs + k] = dtypes[choose(s, KINDS)];
        c->consts[k] = (Const){.size = size_of[dtype], .type = 200 + dtype};
        c->constant[k] = (Scalar){1, 200 + dtype, {0}};
        number(c->constant[k].value, dtype, 1 + (int)choose(s, 2));
    }
    int steps = (int)choose(s, STEPS + 1);
    for (; p->steps < steps; p->steps++) add_step(s, c, p->steps);
    int outputs = 1 + (int)choose(s, OUTPUTS);
    for (; p->outputs < outputs; p->outputs++) add_output(s, c, p->outputs);
    bool reduces = false;
    for (int k = 0; k < outputs; k++) reduces = reduces || c->out[k].reduces;
    if (!reduces) { /* then a launch has no reduced axes */
        c->reduced_dims = 0;
        memset(c->reduced, 0, sizeof c->reduced);
    }
    p->slots = p->storages = p->inputs + p->consts + p->steps;
    p->masks = p->steps + p->outputs;
    p->cost = 1 << choose(s, 21); /* also small launches go to several threads */
    for (int k = 0; k < p->slots; k++) {
        c->storage[k] = k;
        if (size_of[c->dtype[k]] > p->widest) p->widest = size_of[c->dtype[k]];
    }
    p->input = c->in;
    p->constant = c->consts;
    p->step = c->step;
    p->output = c->out;
    p->storage = c->storage;
}

/* ---- the evaluation point by point */

static size_t place(const Case *c, const Operand *o, const int *at) {
    intptr_t offset = (intptr_t)o->offset;
    for (int d = 0; d < c->dims; d++) offset += at[d] * o->step[d];
    return (size_t)offset;
}

/* Index of the point among the reduced dimensions. */
static int64_t index_of(const Case *c, const int *at) {
    int64_t index = 0;
    for (int d = 0; d < c->dims; d++)
        if (c->reduced[d]) index = index * c->shape[d] + at[d];
    return index;
}

static void reduce_point(const Case *c, int k, const char *value, const int *at, char *best) {
    const Output *out = c->out + k;
    const Operand *o = c->output + k;
    size_t to = place(c, o, at);
    int64_t index = index_of(c, at), held;
    char *kept = best + to * (CELL / 8); /* the best value so far, of a result of 8 bytes */
    if (out->pick) {
        memcpy(&held, o->expected + to, 8);
        if (index == 0) {
            memcpy(kept, value, (size_t)out->lane_size);
            held = 0;
        } else {
            char aligned[CELL];
            memcpy(aligned, kept, CELL);
            ((Pick *)out->pick)(value, &index, aligned, &held, 1);
            memcpy(kept, aligned, CELL);
        }
        memcpy(o->expected + to, &held, 8);
        return;
    }
    char sum[CELL] = {0};
    memcpy(sum, index ? o->expected + to : (const char *)out->identity, (size_t)out->size);
    ((Loop *)out->combine)(sum, value, NULL, sum, 1);
    memcpy(o->expected + to, sum, (size_t)out->size);
}

static void evaluate(const Case *c) {
    const Program *p = &c->program;
    int at[DIMS] = {0};
    char cell[SLOTS][CELL] __attribute__((aligned(16)));
    char *best[OUTPUTS] = {0};
    for (int k = 0; k < p->outputs; k++)
        if (c->out[k].pick) best[k] = calloc(c->output[k].bytes + 8, CELL / 8);
    for (;;) {
        for (int k = 0; k < p->inputs; k++)
            memcpy(cell[k], c->input[k].root + place(c, c->input + k, at),
                   (size_t)c->in[k].size);
        for (int k = 0; k < p->consts; k++) memcpy(cell[p->inputs + k], c->constant[k].value, CELL);
        for (int i = 0; i < p->steps; i++) {
            const Step *s = c->step + i;
            ((Loop *)s->run)(cell[s->args[0]], cell[s->args[1]], cell[s->args[2]], cell[s->out], 1);
        }
        for (int k = 0; k < p->outputs; k++) {
            const char *value = cell[c->out[k].value];
            if (c->out[k].reduces) reduce_point(c, k, value, at, best[k]);
            else
                memcpy(c->output[k].expected + place(c, c->output + k, at), value,
                       (size_t)c->out[k].size);
        }
        int d = c->dims - 1;
        for (; d >= 0 && ++at[d] == c->shape[d]; d--) at[d] = 0;
        if (d < 0) break;
    }
    for (int k = 0; k < p->outputs; k++) free(best[k]);
}

/* ---- running and comparing */

/* Zeros are equal whatever their sign, which depends on the order of a maximum. */
static bool same(const Operand *o) {
    size_t size = (size_t)size_of[o->dtype];
    if (!is_real(o->dtype)) return !memcmp(o->root, o->expected, o->bytes);
    for (size_t i = o->offset % size; i + size <= o->bytes; i += size) {
        float f, g;
        double x, y;
        memcpy(&f, o->root + i, 4), memcpy(&g, o->expected + i, 4);
        if (size == 4 && f != g) return false;
        if (size == 8 && (memcpy(&x, o->root + i, 8), memcpy(&y, o->expected + i, 8), x != y))
            return false;
    }
    return true;
}

static const char *run(Case *c, int threads) {
    const Program *p = &c->program;
    int64_t block[2 + 2 * DIMS + INPUTS + OUTPUTS + CONSTS + STEPS + OUTPUTS], *to = block;
    *to++ = c->dims;
    for (int d = 0; d < c->dims; d++) *to++ = c->shape[d];
    *to++ = c->reduced_dims;
    for (int d = 0; d < c->dims; d++)
        if (c->reduced[d]) *to++ = d;
    for (int k = 0; k < p->inputs; k++) *to++ = (intptr_t)&c->input[k].array;
    for (int k = 0; k < p->outputs; k++) *to++ = (intptr_t)&c->output[k].array;
    for (int k = 0; k < p->consts; k++) *to++ = (intptr_t)&c->constant[k];
    memset(to, 0, (size_t)p->masks * sizeof *to);
    int status = trueno_run(p, block, threads);
    if (status < 0) return "an error";
    if (status > 0) return "a condition that no value warrants";
    for (int k = 0; k < p->outputs; k++)
        if (!same(c->output + k)) return "a wrong result";
    return NULL;
}

static void release(Case *c) {
    for (int k = 0; k < c->program.inputs; k++) free(c->input[k].root), free(c->input[k].expected);
    for (int k = 0; k < c->program.outputs; k++)
        if (c->output[k].alias < 0) free(c->output[k].root), free(c->output[k].expected);
}

static const char *try_launch(const uint8_t *bytes, size_t count) {
    Source source = {bytes, count};
    Case c;
    make(&source, &c);
    evaluate(&c);
    const char *fault = run(&c, 1 + (int)choose(&source, 3));
    release(&c);
    return fault;
}

#ifdef FUZZ
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static bool open;
    if (!open) trueno_open(-1, 3), trueno_set_layout(HEADER, ARRAY_TYPE), open = true;
    if (try_launch(bytes, count)) abort();
    return 0;
}

#else
enum { CALLERS = 3, LENGTH = 256 };

typedef struct {
    pthread_t thread;
    uint64_t first, last;
    int faults;
} Caller;

static void *serve(void *context) {
    Caller *caller = context;
    for (uint64_t seed = caller->first; seed < caller->last; seed++) {
        uint64_t words[LENGTH / 8];
        for (int i = 0; i < LENGTH / 8; i++)
            words[i] = scramble((seed * LENGTH + (uint64_t)i) * 0x9e3779b97f4a7c15u);
        const char *fault = try_launch((const uint8_t *)words, sizeof words);
        if (!fault) continue;
        fprintf(stderr, "machine: launch %llu: %s\n", (unsigned long long)seed, fault);
        caller->faults++;
    }
    return NULL;
}

int main(int argc, char **argv) {
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    int best = trueno_open(-1, 3), faults = 0;
    trueno_set_layout(HEADER, ARRAY_TYPE);
    for (int isa = 0; isa <= best; isa++) {
        if (trueno_open(isa, 3) != isa) continue; /* not on this processor */
        Caller callers[CALLERS];
        for (uint64_t i = 0; i < CALLERS; i++) {
            callers[i] = (Caller){.first = seed + count * i / CALLERS,
                                  .last = seed + count * (i + 1) / CALLERS};
            pthread_create(&callers[i].thread, NULL, serve, callers + i);
        }
        for (int i = 0; i < CALLERS; i++) {
            pthread_join(callers[i].thread, NULL);
            faults += callers[i].faults;
        }
        printf("%s: %llu launches\n", trueno_isa(isa), (unsigned long long)count);
    }
    return faults != 0;
}
#endif
