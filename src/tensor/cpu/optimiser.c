/* optimiser.c -- one pass over parameters, gradient and moments. */
#include "base/clones.h"
#include "tensor/cpu/parts.h"
#include "tensor/kernels.h"

#include <math.h>
#include <stddef.h>

MN_CLONES static void plain_step(int64_t n, float rate, float decay, const float *g, float *w)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        w[i] -= rate * (g[i] + decay * w[i]);
}

/* The first step has its own loop: the moment buffers are not initialised yet. */
MN_CLONES static void first_step(int64_t n, const mn_sgd_step *step, const float *g, float *v,
                                 float *w)
{
    const float rate = step->rate, decay = step->weight_decay;
    const float ahead = step->nesterov ? 1 + step->momentum : 1;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float slope = g[i] + decay * w[i];
        v[i] = slope;
        w[i] -= rate * ahead * slope;
    }
}

MN_CLONES static void momentum_step(int64_t n, const mn_sgd_step *step, const float *g, float *v,
                                    float *w)
{
    const float rate = step->rate, decay = step->weight_decay, momentum = step->momentum;
    const float of_slope = step->nesterov ? 1 : 0, of_velocity = step->nesterov ? momentum : 1;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float slope = g[i] + decay * w[i];
        const float velocity = momentum * v[i] + slope;
        v[i] = velocity;
        w[i] -= rate * (of_slope * slope + of_velocity * velocity);
    }
}

void mn_kernel_sgd_step(int64_t n, const mn_sgd_step *step, const float *g, float *velocity,
                        float *w)
{
    if (velocity == NULL) {
        MN_IN_PARTS(n, plain_step(count, step->rate, step->weight_decay, g + at, w + at));
    } else if (step->first) {
        MN_IN_PARTS(n, first_step(count, step, g + at, velocity + at, w + at));
    } else {
        MN_IN_PARTS(n, momentum_step(count, step, g + at, velocity + at, w + at));
    }
}

MN_CLONES static void velocity_loop(int64_t n, float momentum, float rate, float decay,
                                    const float *g, float *v, float *w)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float velocity = momentum * v[i] - rate * (g[i] + decay * w[i]);
        v[i] = velocity;
        w[i] += velocity;
    }
}

void mn_kernel_velocity_step(int64_t n, float momentum, float rate, float weight_decay,
                             const float *g, float *velocity, float *w)
{
    MN_IN_PARTS(n,
                velocity_loop(count, momentum, rate, weight_decay, g + at, velocity + at, w + at));
}

static inline float left_by_decay(const mn_adam_step *step)
{
    return step->decoupled ? 1 - step->rate * step->weight_decay : 1;
}

MN_CLONES static void adam_loop(int64_t n, const mn_adam_step *step, float rate, float root,
                                const float *g, float *first_moment, float *second_moment, float *w)
{
    const float beta1 = step->beta1, beta2 = step->beta2, epsilon = step->epsilon;
    const float rest1 = 1 - beta1, rest2 = 1 - beta2, left = left_by_decay(step);
    const float decay = step->decoupled ? 0 : step->weight_decay;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float slope = g[i] + decay * w[i];
        const float m = beta1 * first_moment[i] + rest1 * slope;
        const float s = beta2 * second_moment[i] + rest2 * slope * slope;
        first_moment[i] = m;
        second_moment[i] = s;
        w[i] = left * w[i] - rate * m / (sqrtf(s) * root + epsilon);
    }
}

/* The same without a denominator. */
MN_CLONES static void mean_loop(int64_t n, const mn_adam_step *step, float rate, const float *g,
                                float *first_moment, float *second_moment, float *w)
{
    const float beta1 = step->beta1, beta2 = step->beta2, left = left_by_decay(step);
    const float rest1 = 1 - beta1, rest2 = 1 - beta2;
    const float decay = step->decoupled ? 0 : step->weight_decay;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float slope = g[i] + decay * w[i];
        const float m = beta1 * first_moment[i] + rest1 * slope;
        first_moment[i] = m;
        second_moment[i] = beta2 * second_moment[i] + rest2 * slope * slope;
        w[i] = left * w[i] - rate * m;
    }
}

/* How far the variance is known, from 0 to 1; 0 while it is not (Liu et al. 2020, algorithm 2). */
static double rectification(double beta2, double number, double correction2)
{
    const double longest = 2 / (1 - beta2) - 1;
    const double length = longest - 2 * number * pow(beta2, number) / correction2;
    return length <= 5 ? 0
                       : sqrt((length - 4) * (length - 2) * longest /
                              ((longest - 4) * (longest - 2) * length));
}

void mn_kernel_adam_step(int64_t n, const mn_adam_step *step, const float *g, float *first_moment,
                         float *second_moment, float *w)
{
    const double number = (double)step->number;
    const double correction1 = 1 - pow((double)step->beta1, number);
    const double correction2 = 1 - pow((double)step->beta2, number);
    double rate = (double)step->rate / correction1, root = 1 / sqrt(correction2);
    if (step->rectified) { /* epsilon is added before the correction, as PyTorch does */
        const double known = rectification((double)step->beta2, number, correction2);
        if (known == 0) {
            MN_IN_PARTS(n, mean_loop(count, step, (float)rate, g + at, first_moment + at,
                                     second_moment + at, w + at));
            return;
        }
        rate *= known / root;
        root = 1;
    }
    MN_IN_PARTS(n, adam_loop(count, step, (float)rate, (float)root, g + at, first_moment + at,
                             second_moment + at, w + at));
}
