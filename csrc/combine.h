/* What reductions and scans combine elements by, and the dtypes that they do it in. */
#ifndef TRUENO_COMBINE_H
#define TRUENO_COMBINE_H

#define ADD(a, b) ((a) + (b))
#define MULTIPLY(a, b) ((a) * (b))
/* NaN of either operand. One selection after the other: as one, gcc makes branches of them. */
#define EXTREME(a, b, ORDER) \
    ({ __typeof__(a) first_ = (a), other_ = (b), chosen_ = first_ ORDER other_ ? first_ : other_; \
       first_ != first_ ? first_ : chosen_; })
#define LARGER(a, b) EXTREME(a, b, >)
#define SMALLER(a, b) EXTREME(a, b, <)

/* M receives: dtype, its type, the dtype that NumPy adds and multiplies it in, its type. */
#define EVERY_TYPE(M, ...) \
    M(b8, uint8_t, i64, int64_t, __VA_ARGS__) \
    M(i8, int8_t, i64, int64_t, __VA_ARGS__) \
    M(i16, int16_t, i64, int64_t, __VA_ARGS__) \
    M(i32, int32_t, i64, int64_t, __VA_ARGS__) \
    M(i64, int64_t, i64, int64_t, __VA_ARGS__) \
    M(u8, uint8_t, u64, uint64_t, __VA_ARGS__) \
    M(u16, uint16_t, u64, uint64_t, __VA_ARGS__) \
    M(u32, uint32_t, u64, uint64_t, __VA_ARGS__) \
    M(u64, uint64_t, u64, uint64_t, __VA_ARGS__) \
    M(f32, float, f32, float, __VA_ARGS__) \
    M(f64, double, f64, double, __VA_ARGS__)

#endif
