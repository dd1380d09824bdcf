/* Hashes of what every loop computes, a line an operation and dtype: equal hashes, equal bits.
 *
 *   digest FILE     on all instruction sets that this processor runs; fails where they differ
 *
 * The lines do not depend on the compiler, nor on the processor: csrc/tests/run compares them.
 * Left out are conversions out of the target's range, which are the processor's own, and the
 * payload of NaN. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trueno.h"

enum { N = 3001, CELL = 16, LINES = OPS * DTYPES + DTYPES * DTYPES };

static const char *const dtype_name[DTYPES] = {
    "b8", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "f32", "f64", "c64", "c128"};
static const int dtype_size[DTYPES] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8, 8, 16};

static uint64_t state;

static uint64_t random_bits(void) { /* splitmix64 */
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* A third of the numbers are special, a third near 1, a third anything. */
static double random_number(bool tame) {
    static const double special[] = {0,   -0.0, 1,  -1,        0.5,   2,  -2.5, 3,      88.5, -104,
                                     700, 1e-9, -7, INFINITY, -INFINITY, NAN, 1e30, 0x1p-130};
    uint64_t bits = random_bits(), kind = bits % 3;
    double any, near = (double)(int64_t)random_bits() * 0x1p-61;
    bits = random_bits();
    memcpy(&any, &bits, sizeof any);
    if (tame) return (double)(bits % 100);
    return kind == 0 ? special[bits % (sizeof special / sizeof *special)] : kind == 1 ? near : any;
}

/* Fills N elements; `tame` ones fit every dtype. */
static void fill(char *to, int dtype, bool tame) {
    for (int i = 0; i < N; i++, to += dtype_size[dtype]) {
        double parts[2] = {random_number(tame), random_number(tame)};
        float narrow[2] = {(float)parts[0], (float)parts[1]};
        uint64_t shift = random_bits() % 64, bits = random_bits() >> shift;
        if (tame) bits = (uint64_t)parts[0];
        if (dtype == D_b8) bits &= 1;
        if (dtype == D_f16 && tame) bits = 0x3c00 + bits;
        if (dtype == D_f32 || dtype == D_c64) memcpy(to, narrow, (size_t)dtype_size[dtype]);
        else if (dtype == D_f64 || dtype == D_c128) memcpy(to, parts, (size_t)dtype_size[dtype]);
        else memcpy(to, &bits, (size_t)dtype_size[dtype]);
    }
}

/* FNV-1a, all NaN alike. */
static uint64_t hash(const char *from, size_t bytes, int dtype) {
    uint64_t h = 0xcbf29ce484222325u;
    size_t width = dtype == D_f32 || dtype == D_c64 ? 4 : dtype == D_f64 || dtype == D_c128 ? 8 : 1;
    for (size_t i = 0; i < bytes; i += width) {
        uint64_t bits = 0;
        float single;
        double wide;
        memcpy(&bits, from + i, width);
        memcpy(&single, &bits, 4);
        memcpy(&wide, &bits, 8);
        if (width == 4 ? single != single : width == 8 && wide != wide) bits = 0x7ff;
        h = (h ^ bits) * 0x100000001b3u;
    }
    return h;
}

/* A loop that leaves all but a byte an element untouched gives bool, whatever it takes. */
static bool gave_bool(const char *out) {
    for (int i = N; i < N * CELL; i++)
        if (out[i]) return false;
    return true;
}

static void line(char *text, const char *name, int dtype, Loop *loop, bool tame, int result) {
    static char x[N * CELL], y[N * CELL], z[N * CELL], out[N * CELL];
    state = 1;
    bool selects = strcmp(name, "where") == 0;
    fill(x, selects ? D_b8 : dtype, tame);
    fill(y, dtype, tame);
    fill(z, dtype, tame);
    memset(out, 0, sizeof out);
    loop(x, y, z, out, N);
    sprintf(text, "%s %s %016llx", name, dtype_name[dtype],
            (unsigned long long)hash(out, sizeof out, gave_bool(out) ? D_b8 : result));
}

static int digest(char (*text)[64]) {
    int lines = 0;
    for (int op = 0; op < OPS; op++)
        for (int dtype = 0; dtype < DTYPES; dtype++) {
            Loop *loop = (Loop *)trueno_loop(op, dtype);
            if (loop) line(text[lines++], trueno_op(op), dtype, loop, false, dtype);
        }
    for (int from = 0; from < DTYPES; from++)
        for (int to = 0; to < DTYPES; to++) {
            Loop *loop = (Loop *)trueno_cast(from, to);
            if (loop) line(text[lines++], dtype_name[to], from, loop, true, to);
        }
    return lines;
}

int main(int argc, char **argv) {
    static char first[LINES][64], other[LINES][64];
    int best = trueno_open(-1, 1), different = 0, lines = 0;
    for (int isa = 0; isa <= best; isa++) {
        if (trueno_open(isa, 1) != isa) continue; /* not on this processor */
        lines = digest(isa ? other : first);
        for (int i = 0; i < lines && isa; i++)
            if (strcmp(first[i], other[i])) {
                fprintf(stderr, "%s: %s, %s: %s\n", trueno_isa(0), first[i], trueno_isa(isa),
                        other[i]);
                different = 1;
            }
    }
    FILE *file = argc == 2 ? fopen(argv[1], "w") : NULL;
    if (!file) return 2;
    for (int i = 0; i < lines; i++) fprintf(file, "%s\n", first[i]);
    return fclose(file) || different;
}
