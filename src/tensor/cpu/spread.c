/* spread.c -- a small array along the axes of a large one: added, multiplied, or what sums of the
 * large one go to.
 *
 * The innermost axis is the loop that the compiler vectorises.  Each row's place in the small array
 * is worked out from the row's number, so that rows can be done by any thread in any order. */
#include "base/clones.h"
#include "tensor/axis_kernels.h"
#include "tensor/cpu/parts.h"
#include "tensor/kernels.h"

#include <stddef.h>

mn_spread mn_spread_of(mn_shape shape, const int64_t step[MN_MAX_RANK])
{
    mn_spread s = {1, {1}, {0}};
    for (int i = 0; i < shape.rank; i++) {
        const int last = s.rank - 1;
        if (shape.size[i] == 1)
            continue;
        if (s.size[last] == 1 || s.step[last] == shape.size[i] * step[i]) {
            s.size[last] *= shape.size[i]; /* one goes on from axis to axis without a jump */
            s.step[last] = step[i];
        } else {
            s.size[s.rank] = shape.size[i];
            s.step[s.rank++] = step[i];
        }
    }
    return s;
}

static int64_t inner(const mn_spread *s)
{
    return s->size[s->rank - 1];
}

static int64_t rows_of(const mn_spread *s)
{
    int64_t rows = 1;
    for (int i = 0; i < s->rank - 1; i++)
        rows *= s->size[i];
    return rows;
}

/* Where row `row` of the large array begins in the small one. */
static int64_t place_of(const mn_spread *s, int64_t row)
{
    int64_t place = 0;
    for (int i = s->rank - 2; i >= 0; i--) {
        place += row % s->size[i] * s->step[i];
        row /= s->size[i];
    }
    return place;
}

MN_CLONES static void add_row(int64_t n, float a, const float *x, const float *y, int64_t step,
                              float *z)
{
    if (x == NULL && step == 1)
        for (int64_t i = 0; i < n; i++)
            z[i] = a * y[i];
    else if (x == NULL)
        for (int64_t i = 0; i < n; i++)
            z[i] = a * y[i * step];
    else if (step == 1) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            z[i] = x[i] + a * y[i];
    } else if (step == 0) {
        const float same = a * y[0];
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            z[i] = x[i] + same;
    } else {
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            z[i] = x[i] + a * y[i * step];
    }
}

void mn_kernel_spread_add(const mn_spread *s, float a, const float *x, const float *y, float *z)
{
    const int64_t n = inner(s), rows = rows_of(s), step = s->step[s->rank - 1];
    MN_SHARED_LOOP(
        row, rows, rows * n >= MN_LARGE,
        add_row(n, a, x != NULL ? x + row * n : NULL, y + place_of(s, row), step, z + row * n));
}

MN_CLONES static void mul_row(int64_t n, float a, const float *x, const float *y, int64_t step,
                              float *z, bool add)
{
    if (step == 1) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            z[i] = (add ? z[i] : 0) + a * x[i] * y[i];
    } else if (step == 0) {
        const float same = y[0];
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            z[i] = (add ? z[i] : 0) + a * x[i] * same;
    } else {
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            z[i] = (add ? z[i] : 0) + a * x[i] * y[i * step];
    }
}

void mn_kernel_spread_mul(const mn_spread *s, float a, const float *x, const float *y, float *z,
                          bool add)
{
    const int64_t n = inner(s), rows = rows_of(s), step = s->step[s->rank - 1];
    MN_SHARED_LOOP(row, rows, rows * n >= MN_LARGE,
                   mul_row(n, a, x + row * n, y + place_of(s, row), step, z + row * n, add));
}

/* --- sums --- */

/* The axes but the innermost along which the small array is repeated, or those along which it is
 * not, with the steps of the large one. */
typedef struct walk {
    int rank;
    int64_t count, size[MN_MAX_RANK], step[MN_MAX_RANK], small[MN_MAX_RANK];
} walk;

static walk walk_along(const mn_spread *s, bool repeated)
{
    walk w = {.count = 1};
    int64_t step = inner(s);
    for (int i = s->rank - 2; i >= 0; step *= s->size[i], i--)
        if ((s->step[i] == 0) == repeated) {
            w.size[w.rank] = s->size[i];
            w.step[w.rank] = step;
            w.small[w.rank++] = s->step[i];
            w.count *= s->size[i];
        }
    return w;
}

static int64_t place_in(const walk *w, const int64_t *step, int64_t number)
{
    int64_t place = 0;
    for (int i = 0; i < w->rank - 1; i++) {
        place += number % w->size[i] * step[i];
        number /= w->size[i];
    }
    return w->rank > 0 ? place + number * step[w->rank - 1] : 0;
}

enum { BLOCK = 64 };

/* Rows of x that lie `step` apart, added up; a whole block's sums stay in registers. */
MN_CLONES static void add_columns(int64_t rows, int64_t step, int64_t n, const float *x,
                                  const float *w, double *sum)
{
    double block[BLOCK] = {0};
    if (n == BLOCK && w == NULL)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < BLOCK; j++)
                block[j] += (double)x[i * step + j];
    else if (n == BLOCK)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < BLOCK; j++)
                block[j] += (double)x[i * step + j] * (double)w[i * step + j];
    else
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < n; j++)
                block[j] += (double)x[i * step + j] * (w != NULL ? (double)w[i * step + j] : 1);
    for (int64_t j = 0; j < n; j++)
        sum[j] += block[j];
}

/* `width` places of the small array that lie side by side. */
static void column_sums_at(const walk *repeated, int64_t width, float a, const float *x,
                           const float *w, float *y, bool add)
{
    const int64_t rows = repeated->rank > 0 ? repeated->size[0] : 1,
                  step = repeated->rank > 0 ? repeated->step[0] : 0;
    double sum[BLOCK] = {0};
    for (int64_t r = 0; r < repeated->count; r += rows) {
        const int64_t at = place_in(repeated, repeated->step, r);
        add_columns(rows, step, width, x + at, w != NULL ? w + at : NULL, sum);
    }
    for (int64_t j = 0; j < width; j++)
        y[j] = (add ? y[j] : 0) + a * (float)sum[j];
}

/* One place, to which the innermost axis, of n elements, goes whole. */
static void row_sum_at(const walk *repeated, int64_t n, float a, const float *x, const float *w,
                       float *y, bool add)
{
    double sum = 0;
    for (int64_t r = 0; r < repeated->count; r++) {
        const int64_t at = place_in(repeated, repeated->step, r);
        sum += w != NULL ? mn_kernel_dot(n, x + at, w + at) : mn_kernel_sum(n, x + at);
    }
    *y = (add ? *y : 0) + a * (float)sum;
}

void mn_kernel_spread_sums(const mn_spread *s, float a, const float *x, const float *w, float *y,
                           bool add)
{
    const walk kept = walk_along(s, false), repeated = walk_along(s, true);
    const int64_t n = inner(s);
    const bool whole = s->step[s->rank - 1] == 0;
    const int64_t blocks = whole ? 1 : (n + BLOCK - 1) / BLOCK;
    MN_SHARED_LOOP(b, kept.count * blocks, 2 * rows_of(s) * n >= MN_LARGE, {
        const int64_t k = whole ? b : b / blocks, first = (b - k * blocks) * BLOCK,
                      left = n - first, at = place_in(&kept, kept.step, k) + first;
        const float *weights = w != NULL ? w + at : NULL;
        float *to = y + place_in(&kept, kept.small, k) + first;
        if (whole)
            row_sum_at(&repeated, n, a, x + at, weights, to, add);
        else
            column_sums_at(&repeated, left < BLOCK ? left : BLOCK, a, x + at, weights, to, add);
    });
}
