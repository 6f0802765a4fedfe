/* functions.h -- functions of one number, with their derivatives. */
#ifndef MN_TENSOR_FUNCTIONS_H
#define MN_TENSOR_FUNCTIONS_H

#include <math.h>

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
    X(ABS,        fabsf(v),                      v > 0 ? 1 : v < 0 ? -1 : 0)
/* clang-format on */

typedef enum mn_function {
#define X(name, value, derivative) MN_FUNCTION_##name,
    MN_FUNCTION_MAP(X)
#undef X
} mn_function;

#endif
