/* functions.h -- functions of one number, with their derivatives. */
#ifndef MN_TENSOR_FUNCTIONS_H
#define MN_TENSOR_FUNCTIONS_H

#include <math.h>

/* The standard normal distribution: its mass below v, and its density there. */
static inline float mn_normal_below(float v)
{
    return 0.5f * erfcf(-v * 0.70710678f);
}
static inline float mn_normal_density(float v)
{
    return 0.39894228f * expf(-0.5f * v * v);
}
/* What the tanh form of GELU takes the tanh of, and its slope. */
static inline float mn_gelu_inner(float v)
{
    return 0.79788456f * (v + 0.044715f * v * v * v);
}
static inline float mn_gelu_tanh_slope(float v)
{
    const float t = tanhf(mn_gelu_inner(v)), inner = 0.79788456f * (1 + 0.134145f * v * v);
    return 0.5f * (1 + t) + 0.5f * v * (1 - t * t) * inner;
}

/* Of v, with result y; a and b are their parameters. */
/* clang-format off */
#define MN_FUNCTION_MAP(X)                                                                         \
    /* name       value                          derivative */                                     \
    X(SCALE,      a * v,                         a)                                                \
    X(SHIFT,      v + a,                         1)                                                \
    X(RELU,       v <= 0 ? 0 : v,                v > 0 ? 1 : 0)                                    \
    X(LEAKY_RELU, v <= 0 ? a * v : v,            v > 0 ? 1 : a)                                    \
    X(SQUARE,     v * v,                         2 * v)                                            \
    X(SQRT,       sqrtf(v),                      y > 0 ? 0.5f / y : 0)                             \
    X(EXP,        expf(v),                       y)                                                \
    X(LOG,        logf(v),                       1 / v)                                            \
    X(CLAMP,      v < a ? a : (v > b ? b : v),   v < a || v > b ? 0 : 1)                           \
    X(THRESHOLD,  v < a ? 0 : v,                 v < a ? 0 : 1)                                    \
    X(HINGE,      a - v <= 0 ? 0 : a - v,        a - v > 0 ? -1 : 0)                              \
    X(SIGMOID,    1 / (1 + expf(-v)),            y * (1 - y))                                      \
    X(SOFTPLUS,   (v > 0 ? v : 0) + log1pf(expf(-fabsf(v))), 1 / (1 + expf(-v)))                   \
    X(ABS,        fabsf(v),                      v > 0 ? 1 : v < 0 ? -1 : 0)                       \
    X(GELU,       v * mn_normal_below(v),        mn_normal_below(v) + v * mn_normal_density(v))    \
    X(GELU_TANH,  0.5f * v * (1 + tanhf(mn_gelu_inner(v))), mn_gelu_tanh_slope(v))
/* clang-format on */

typedef enum mn_function {
#define X(name, value, derivative) MN_FUNCTION_##name,
    MN_FUNCTION_MAP(X)
#undef X
} mn_function;

#endif
