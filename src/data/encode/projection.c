/* projection.c -- directions are drawn from a normal distribution and made orthonormal in order
 * (Gram and Schmidt, twice, so that rounding leaves nothing).
 *
 * Sums go over values in their order, one after the other, so that every row has the same bits
 * wherever it is projected. */
#include "data/encode/projection.h"

#include <math.h>
#include <mneme/memory.h>
#include <string.h>

static double product(const double *a, const double *b, int64_t values)
{
    double sum = 0;
    for (int64_t i = 0; i < values; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Takes what lies along the directions before it off a direction, and makes it 1 long. */
static void make_orthonormal(double *basis, int64_t which, int64_t values)
{
    double *own = basis + which * values;
    for (int round = 0; round < 2; round++)
        for (int64_t d = 0; d < which; d++) {
            const double *other = basis + d * values, along = product(own, other, values);
            for (int64_t i = 0; i < values; i++)
                own[i] -= along * other[i];
        }
    const double length = sqrt(product(own, own, values));
    for (int64_t i = 0; i < values; i++)
        own[i] /= length;
}

mn_status mn_projection_draw(mn_key key, int64_t values, int64_t directions,
                             mn_projection *projection)
{
    const size_t count = (size_t)(values * directions);
    double *basis = mn_memory_take(count, sizeof *basis); /* (directions, values) */
    *projection = (mn_projection){.values = values,
                                  .directions = directions,
                                  .direction = mn_memory_take(count, sizeof(float))};
    if (basis == NULL || projection->direction == NULL) {
        mn_memory_give(basis);
        mn_projection_free(projection);
        return mn_fail(MN_NO_MEMORY, "out of memory for %lld directions of %lld values",
                       (long long)directions, (long long)values);
    }
    for (int64_t d = 0; d < directions; d++) {
        for (int64_t i = 0; i < values; i++)
            basis[d * values + i] = mn_random_normal(key, (uint64_t)(d * values + i));
        make_orthonormal(basis, d, values);
        for (int64_t i = 0; i < values; i++)
            projection->direction[i * directions + d] = (float)basis[d * values + i];
    }
    mn_memory_give(basis);
    return MN_OK;
}

void mn_projection_free(mn_projection *projection)
{
    mn_memory_give(projection->direction);
    projection->direction = NULL;
}

void mn_projection_apply(const mn_projection *projection, const float *row, float *coordinates)
{
    const int64_t directions = projection->directions;
    memset(coordinates, 0, (size_t)directions * sizeof *coordinates);
    for (int64_t i = 0; i < projection->values; i++) {
        const float *of = projection->direction + i * directions, value = row[i];
        for (int64_t d = 0; d < directions; d++)
            coordinates[d] += value * of[d];
    }
}

void mn_projection_back(const mn_projection *projection, const float *coordinates, float *row)
{
    const int64_t directions = projection->directions;
    for (int64_t i = 0; i < projection->values; i++) {
        const float *of = projection->direction + i * directions;
        float sum = 0;
        for (int64_t d = 0; d < directions; d++)
            sum += coordinates[d] * of[d];
        row[i] = sum;
    }
}
