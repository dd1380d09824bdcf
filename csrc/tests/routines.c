/* Random calls of routines that move, count and search, against loops that say what they mean; on
 * one thread and on several. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trueno.h"

static uint64_t state = 1;

static int64_t choose(int64_t n) { /* from 0 to n - 1 */
    state = state * 6364136223846793005 + 1442695040888963407;
    return (int64_t)((state >> 33) % (uint64_t)n);
}

static void expect(bool holds, const char *what, int64_t at) {
    if (holds) return;
    fprintf(stderr, "%s is wrong at %lld\n", what, (long long)at);
    exit(1);
}

static int64_t of(const void *pointer) { return (int64_t)(intptr_t)pointer; }

/* Parts side by side along an axis of a result of three, each from memory in its own order. */
static void test_place(void) {
    static const int64_t sizes[] = {1, 2, 3, 4, 8, 16};
    int64_t size = sizes[choose(6)], count = 1 + choose(3), axis = choose(3);
    int64_t shape[3], total[3], words[3 * 12], used = 0, start = 0;
    for (int d = 0; d < 3; d++) total[d] = shape[d] = 1 + choose(choose(6) ? 20 : 200);
    total[axis] *= count;
    int64_t step[3] = {total[1] * total[2] * size, total[2] * size, size};
    int64_t bytes = total[0] * step[0], part = shape[0] * shape[1] * shape[2];
    char *to = malloc((size_t)bytes), *expected = malloc((size_t)bytes), *from[3];
    memset(to, 0, (size_t)bytes);
    for (int64_t k = 0; k < count; k++, start += shape[axis] * step[axis]) {
        int order[3] = {0, 1, 2}, first = (int)choose(3), second = (int)choose(3);
        order[first] = order[second], order[second] = first;
        int64_t pace[3], along = size, offset = 0;
        from[k] = malloc((size_t)(part * size));
        for (int64_t i = 0; i < part * size; i++) from[k][i] = (char)choose(256);
        for (int i = 2; i >= 0; i--) {
            pace[order[i]] = along;
            along *= shape[order[i]];
        }
        for (int d = 0; d < 3; d++) {
            int64_t how = choose(4);
            if (how == 0) offset += (shape[d] - 1) * pace[d], pace[d] = -pace[d];
            if (how == 1) pace[d] = 0;
        }
        words[used++] = 3, words[used++] = of(to + start), words[used++] = of(from[k] + offset);
        for (int d = 0; d < 3; d++)
            words[used++] = shape[d], words[used++] = step[d], words[used++] = pace[d];
        for (int64_t i = 0; i < part; i++) {
            int64_t at[3] = {i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]};
            int64_t out = start, in = offset;
            for (int d = 0; d < 3; d++) out += at[d] * step[d], in += at[d] * pace[d];
            memcpy(expected + out, from[k] + in, (size_t)size);
        }
    }
    int64_t told = choose(4) ? bytes : (int64_t)1 << 40; /* so much goes past the caches */
    expect(!trueno_place(of(words), count, size, told), "status", 0);
    expect(!memcmp(to, expected, (size_t)bytes), "a part", size);
    for (int64_t k = 0; k < count; k++) free(from[k]);
    free(to), free(expected);
}

static void test_repeat(int64_t n) {
    int64_t *ends = malloc((size_t)n * 8), *x = malloc((size_t)n * 8), end = 0;
    for (int64_t i = 0; i < n; i++) x[i] = i, ends[i] = end += choose(8) ? choose(4) : choose(30);
    int64_t *to = malloc((size_t)end * 8 + 8);
    trueno_repeat(of(x), of(ends), n, 8, of(to));
    for (int64_t i = 0, at = 0; i < n; i++)
        for (; at < ends[i]; at++) expect(to[at] == i, "a repeated element", at);
    free(ends), free(x), free(to);
}

static void test_counts(int64_t n) {
    int64_t bins = 1 + choose(choose(2) ? 50 : 9000);
    int64_t *counts = malloc((size_t)bins * 8), *expected = calloc((size_t)bins, 8);
    int32_t *x = malloc((size_t)n * 4);
    double *value = malloc((size_t)n * 8), *edges = malloc((size_t)(bins + 1) * 8);
    for (int64_t i = 0; i < n; i++) expected[x[i] = (int32_t)choose(bins)]++;
    expect(!trueno_bincount(D_i32, of(x), n, bins, of(counts)), "status", 0);
    for (int64_t k = 0; k < bins; k++) expect(counts[k] == expected[k], "a count", k);
    memset(expected, 0, (size_t)bins * 8);
    for (int64_t k = 0; k <= bins; k++) edges[k] = (double)k / (double)bins;
    for (int64_t i = 0; i < n; i++) { /* below, above and on the edges, and NaN */
        int64_t k = choose(bins + 4) - 2, how = choose(4);
        value[i] = (double)k / (double)bins;
        if (how == 1) value[i] = nextafter(value[i], -9);
        if (how == 2) value[i] = nextafter(value[i], 9);
        if (!choose(99)) value[i] = NAN;
        for (k = 0; k < bins; k++)
            expected[k] += value[i] >= edges[k] &&
                           (value[i] < edges[k + 1] || (k + 1 == bins && value[i] == 1));
    }
    expect(!trueno_histogram(D_f64, of(value), n, of(edges), bins, 0, 1, of(counts)), "status", 0);
    for (int64_t k = 0; k < bins; k++) expect(counts[k] == expected[k], "a bin", k);
    free(counts), free(expected), free(x), free(value), free(edges);
}

static void test_ranks(int64_t n) {
    float *x = malloc((size_t)n * 4);
    int64_t *counts = malloc(TRUENO_RANKS * 8), total = 0, found = 0;
    uint8_t *wanted = malloc(TRUENO_RANKS), *mask = malloc((size_t)n);
    for (int64_t i = 0; i < n; i++) x[i] = choose(50) ? (float)choose(1000) - 500 : NAN;
    trueno_rank_counts(D_f32, of(x), n, of(counts));
    for (int64_t k = 0; k < TRUENO_RANKS; k++) {
        wanted[k] = k > TRUENO_RANKS / 2; /* what is above zero, and NaN */
        total += counts[k];
        found += wanted[k] ? counts[k] : 0;
    }
    trueno_rank_mask(D_f32, of(x), n, of(wanted), of(mask));
    for (int64_t i = 0; i < n; i++) {
        expect(mask[i] == !(x[i] <= 0), "a rank", i);
        found -= mask[i];
    }
    expect(total == n && !found, "a sum of ranks", n);
    free(x), free(counts), free(wanted), free(mask);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x == y || (x != x && y != y) ? 0 : x != x || x > y ? 1 : -1;
}

static void test_search(int64_t n) {
    int64_t length = choose(300), *at = malloc((size_t)n * 8);
    double table[300], *x = malloc((size_t)n * 8), *y = malloc((size_t)n * 8);
    for (int64_t k = 0; k < length; k++) table[k] = choose(40) ? (double)choose(100) : NAN;
    qsort(table, (size_t)length, sizeof *table, by_value);
    for (int64_t i = 0; i < n; i++) x[i] = choose(40) ? (double)choose(204) / 2 - 1 : NAN;
    if (choose(2)) qsort(x, (size_t)n, sizeof *x, by_value);
    for (int right = 0; right < 2; right++) {
        trueno_searchsorted(D_f64, of(table), length, of(x), n, right, of(at));
        for (int64_t i = 0; i < n; i++) {
            int64_t place = 0;
            while (place < length && by_value(table + place, x + i) < right) place++;
            expect(at[i] == place, "a place", i);
        }
    }
    while (length && isnan(table[length - 1])) length--;
    if (length) trueno_interpolate(of(x), n, of(table), of(table), 0, length, -5, 500, of(y));
    for (int64_t i = 0; i < n && length; i++) { /* on the line y = x */
        double expected = x[i] < table[0] ? -5 : x[i] > table[length - 1] ? 500 : x[i];
        expect(isnan(x[i]) ? isnan(y[i]) : fabs(y[i] - expected) < 1e-9, "a point", i);
    }
    free(at), free(x), free(y);
}

static void test_put(int64_t n) {
    int64_t length = 1 + choose(5000), *index = malloc((size_t)n * 8);
    int16_t *to = calloc((size_t)length, 2), value = 7;
    bool *named = calloc((size_t)length, sizeof *named);
    for (int64_t i = 0; i < n; i++) {
        index[i] = choose(2 * length) - length;
        named[index[i] < 0 ? index[i] + length : index[i]] = true;
    }
    int64_t places[] = {1, 0, of(index), length, 2};
    expect(!trueno_put(of(places), n, 2, 2 * length, of(&value), 0, of(to)), "status", 0);
    for (int64_t k = 0; k < length; k++) expect(to[k] == (named[k] ? 7 : 0), "a written place", k);
    free(index), free(to), free(named);
}

int main(void) {
    for (int threads = 1; threads < 4; threads += 2) {
        expect(trueno_open(-1, threads) >= 0, "an instruction set", 0);
        for (int round = 0; round < 60; round++) {
            int64_t n = 1 + choose(round % 20 ? 3000 : 70000);
            for (int i = 0; i < 5; i++) test_place();
            test_repeat(n);
            test_counts(n % 4000 + 1);
            test_ranks(n);
            test_search(n);
            test_put(n);
        }
    }
    return 0;
}
