/* Moments for kernels.c: the mean of elements and the sum of their squared deviations from it, in
 * double. What fits in the first-level cache is read twice: for a number near the mean, then for
 * the deviations from that, whose own sum corrects both (Chan, Golub and LeVeque 1983, "Algorithms
 * for computing the sample variance", The American Statistician 37). */
#ifndef TRUENO_KERNELS_MOMENTS_H
#define TRUENO_KERNELS_MOMENTS_H

enum { MOMENT_LANES = 32, MOMENT_STRIP = 256 };

ALWAYS double moment_fold(double *lane) {
    for (int width = MOMENT_LANES / 2; width; width /= 2)
        for (int j = 0; j < width; j++) lane[j] += lane[j + width];
    return lane[0];
}

/* `sum` is that of n deviations from `near`, `squares` that of their squares. Rounding may leave
 * less than nothing of the latter. The mean counts from `origin`: what is joined are
 * differences. */
ALWAYS Moments moments_about(double origin, double near, double n, double sum, double squares) {
    double rest = squares - sum / n * sum;
    return (Moments){n, near - origin + sum / n, rest < 0 ? 0 : rest};
}

#define MOMENTS(F, M, ...) \
    /* of n consecutive elements */ \
    static void moments_##F##_row(const void *x_, int64_t n, const void *origin, \
                                  Moments *out) { \
        const M *x = x_; \
        double lane[MOMENT_LANES] = {0}, square[MOMENT_LANES] = {0}; \
        int64_t i = 0; \
        for (; i + MOMENT_LANES <= n; i += MOMENT_LANES) \
            for (int j = 0; j < MOMENT_LANES; j++) lane[j] += (double)x[i + j]; \
        for (int j = 0; i + j < n; j++) lane[j] += (double)x[i + j]; \
        double near = moment_fold(lane) / (double)n; \
        memset(lane, 0, sizeof lane); \
        for (i = 0; i + MOMENT_LANES <= n; i += MOMENT_LANES) \
            for (int j = 0; j < MOMENT_LANES; j++) { \
                double d = (double)x[i + j] - near; \
                lane[j] += d; \
                square[j] += d * d; \
            } \
        for (int j = 0; i + j < n; j++) { \
            double d = (double)x[i + j] - near; \
            lane[j] += d; \
            square[j] += d * d; \
        } \
        double sum = moment_fold(lane); \
        double first = (double)*(const M *)origin; \
        *out = moments_about(first, near, (double)n, sum, moment_fold(square)); \
    } \
    /* of each of `width` columns, whose elements lie `step` elements apart */ \
    static void moments_##F##_columns(const void *x_, int64_t rows, int64_t step, int64_t width, \
                                      const void *origin, Moments *out) { \
        double near[MOMENT_STRIP], sum[MOMENT_STRIP], square[MOMENT_STRIP]; \
        for (int64_t from = 0; from < width; from += MOMENT_STRIP) { \
            int64_t n = width - from < MOMENT_STRIP ? width - from : MOMENT_STRIP; \
            const M *x = (const M *)x_ + from, *first = (const M *)origin + from; \
            for (int64_t j = 0; j < n; j++) near[j] = sum[j] = square[j] = 0; \
            for (int64_t i = 0; i < rows; i++) \
                for (int64_t j = 0; j < n; j++) near[j] += (double)x[i * step + j]; \
            for (int64_t j = 0; j < n; j++) near[j] /= (double)rows; \
            for (int64_t i = 0; i < rows; i++) \
                for (int64_t j = 0; j < n; j++) { \
                    double d = (double)x[i * step + j] - near[j]; \
                    sum[j] += d; \
                    square[j] += d * d; \
                } \
            for (int64_t j = 0; j < n; j++) \
                out[from + j] = moments_about((double)first[j], near[j], (double)rows, sum[j], \
                                              square[j]); \
        } \
    }
EVERY_TYPE(MOMENTS, )

#define MOMENTS_ENTRY(F, M, ...) [D_##F] = {moments_##F##_row, moments_##F##_columns},

#endif
