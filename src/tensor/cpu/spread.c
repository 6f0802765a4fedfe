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
    } else {
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            z[i] = x[i] + a * y[i * step];
    }
}

void mn_kernel_spread_add(const mn_spread *s, float a, const float *x, const float *y, float *z)
{
    const int64_t n = inner(s), rows = rows_of(s), step = s->step[s->rank - 1];
#pragma omp parallel for schedule(static) if (rows * n >= MN_LARGE)
    for (int64_t row = 0; row < rows; row++)
        add_row(n, a, x != NULL ? x + row * n : NULL, y + place_of(s, row), step, z + row * n);
}

MN_CLONES static void mul_row(int64_t n, float a, const float *x, const float *y, int64_t step,
                              float *z, bool add)
{
    if (step == 1) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++)
            z[i] = (add ? z[i] : 0) + a * x[i] * y[i];
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
#pragma omp parallel for schedule(static) if (rows * n >= MN_LARGE)
    for (int64_t row = 0; row < rows; row++)
        mul_row(n, a, x + row * n, y + place_of(s, row), step, z + row * n, add);
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
    for (int i = 0; i < w->rank; i++) {
        place += number % w->size[i] * step[i];
        number /= w->size[i];
    }
    return place;
}

enum { BLOCK = 64 };

MN_CLONES static void add_columns(int64_t n, const float *x, const float *w, double *sum)
{
    if (w == NULL)
        for (int64_t j = 0; j < n; j++)
            sum[j] += (double)x[j];
    else
        for (int64_t j = 0; j < n; j++)
            sum[j] += (double)x[j] * (double)w[j];
}

/* One place of the small array, or a row of it where the innermost axis is not repeated. */
static void sums_at(const walk *repeated, int64_t n, bool whole, float a, const float *x,
                    const float *w, float *y, bool add)
{
    double sum[BLOCK];
    for (int64_t first = 0; first < (whole ? 1 : n); first += BLOCK) {
        const int64_t width = whole ? 1 : n - first < BLOCK ? n - first : BLOCK;
        for (int64_t j = 0; j < width; j++)
            sum[j] = 0;
        for (int64_t r = 0; r < repeated->count; r++) {
            const int64_t at = place_in(repeated, repeated->step, r) + first;
            const float *weights = w != NULL ? w + at : NULL;
            if (!whole)
                add_columns(width, x + at, weights, sum);
            else
                sum[0] +=
                    weights != NULL ? mn_kernel_dot(n, x + at, weights) : mn_kernel_sum(n, x + at);
        }
        for (int64_t j = 0; j < width; j++)
            y[first + j] = (add ? y[first + j] : 0) + a * (float)sum[j];
    }
}

void mn_kernel_spread_sums(const mn_spread *s, float a, const float *x, const float *w, float *y,
                           bool add)
{
    const walk kept = walk_along(s, false), repeated = walk_along(s, true);
    const int64_t n = inner(s);
    const bool whole = s->step[s->rank - 1] == 0;
#pragma omp parallel for schedule(static) if (rows_of(s) * n >= MN_LARGE)
    for (int64_t k = 0; k < kept.count; k++) {
        const int64_t at = place_in(&kept, kept.step, k);
        sums_at(&repeated, n, whole, a, x + at, w != NULL ? w + at : NULL,
                y + place_in(&kept, kept.small, k), add);
    }
}
