/* functions.h -- functions of one number, with their derivatives. */
#ifndef MN_TENSOR_FUNCTIONS_H
#define MN_TENSOR_FUNCTIONS_H

#include <math.h>
#include <stdint.h>

/* These have no calls in them, so that compilers make loops of vectors of them. */

/* exp(v) to 2e-7 of itself, for v from -87 to 88, beyond which it stays: 2^n exp(f), with n the
 * whole number nearest to v / log 2 and a polynomial for the rest (Cephes' expf). */
static inline float mn_exp_simple(float v)
{
    const float to_whole = 12582912.0f; /* 1.5 times 2^23: what is added to it is rounded */
    v = v < -87 ? -87 : v;
    v = v > 88 ? 88 : v;
    const float n = v * 1.44269504f + to_whole - to_whole;
    const float f = v - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    const union {
        uint32_t whole;
        float real;
    } power = {.whole = (uint32_t)((int32_t)n + 127) << 23};
    return (p * f * f + f + 1) * power.real;
}

/* The standard normal distribution's density, and its mass below v to 1e-7 (Abramowitz and Stegun
 * 1964, 7.1.26). */
static inline float mn_normal_density(float v)
{
    return 0.39894228f * mn_exp_simple(-0.5f * v * v);
}
static inline float mn_normal_below(float v)
{
    const float t = 1 / (1 + 0.3275911f * 0.70710678f * fabsf(v));
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    const float tail = 0.5f * p * t * mn_exp_simple(-0.5f * v * v);
    return v > 0 ? 1 - tail : tail;
}

/* GELU's tanh form is v s(2 u), with s the logistic function and u what the tanh is taken of: this
 * is s(2 u). */
static inline float mn_gelu_share(float v)
{
    return 1 / (1 + mn_exp_simple(-1.59576912f * (v + 0.044715f * v * v * v)));
}
static inline float mn_gelu_tanh_slope(float v)
{
    const float s = mn_gelu_share(v), inner = 1.59576912f * (1 + 0.134145f * v * v);
    return s + v * s * (1 - s) * inner;
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
    X(GELU_TANH,  v * mn_gelu_share(v),         mn_gelu_tanh_slope(v))
/* clang-format on */

typedef enum mn_function {
#define X(name, value, derivative) MN_FUNCTION_##name,
    MN_FUNCTION_MAP(X)
#undef X
} mn_function;

#endif
