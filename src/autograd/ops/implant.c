/* implant.c -- what X-DER and its simplex head compute outside of any gradient.
 *
 * Implanting follows section 3.2 of Boschini et al. (TPAMI 2022): new logits go into remembered
 * ones, but none of them may outdo the logit of the image's own class. */
#include "autograd/memory.h"

#include <math.h>
#include <mneme/losses.h>
#include <stddef.h>

static float largest(const float *v, int64_t count)
{
    float most = -INFINITY;
    for (int64_t i = 0; i < count; i++)
        most = v[i] > most ? v[i] : most;
    return most;
}

/* Where own > 0 the new logits keep their proportions and the largest becomes gamma own.  The
 * authors' rule (`reference`) does the same where own <= 0: it turns signs round, and divides by a
 * largest near 0.  Here all that is above is then cut off as far below the own logit. */
static void implant_row(const float *now, int64_t count, float own, double gamma, bool reference,
                        float *old)
{
    const float most = largest(now, count);
    const float factor = (float)(gamma * (double)own / (double)most);
    const float cap = own - (float)(1 - gamma) * fabsf(own);
    for (int64_t i = 0; i < count; i++) {
        if (!(most > own))
            old[i] = now[i];
        else if (own > 0 || reference)
            old[i] = now[i] * factor;
        else
            old[i] = now[i] < cap ? now[i] : cap;
    }
}

static mn_status check(const mn_var *old, const mn_var *now, const int32_t *labels, int64_t first,
                       int64_t count)
{
    const mn_shape shape = mn_shape_of(old);
    char text[64], other[64];
    if (shape.rank != 2 || !mn_shape_equal(shape, mn_shape_of(now)))
        return mn_fail(MN_BAD_SHAPE, "%s into %s, expected (B,K) both",
                       mn_shape_text(mn_shape_of(now), text), mn_shape_text(shape, other));
    if (first < 0 || count < 0 || first + count > shape.size[1])
        return mn_fail(MN_BAD_SHAPE, "%lld columns from %lld of %lld", (long long)count,
                       (long long)first, (long long)shape.size[1]);
    for (int64_t i = 0; i < shape.size[0]; i++)
        if (labels[i] < 0 || labels[i] >= shape.size[1])
            return mn_fail(MN_BAD_VALUE, "row %lld has label %d", (long long)i, (int)labels[i]);
    return MN_OK;
}

mn_var *mn_implant(mn_var *old, mn_var *now, const int32_t *labels, int64_t first, int64_t count,
                   double gamma, bool reference)
{
    mn_tape *tape = mn_tape_of(old);
    if (mn_tape_status(tape) != MN_OK)
        return old;
    const mn_status status = check(old, now, labels, first, count);
    if (status != MN_OK)
        return mn_tape_refuse(tape, "implant", status);
    const mn_shape shape = mn_shape_of(old);
    const int64_t rows = shape.size[0], columns = shape.size[1];
    float *made = mn_tape_take(tape, (size_t)(rows * columns) * sizeof *made);
    const float *before = mn_host(old), *given = mn_host(now);
    if (made == NULL || before == NULL || given == NULL)
        return mn_tape_refuse(tape, "implant", mn_fail(MN_NO_MEMORY, "out of memory for logits"));
    for (int64_t i = 0; i < rows * columns; i++)
        made[i] = before[i];
    for (int64_t row = 0; row < rows; row++)
        implant_row(given + row * columns + first, count, before[row * columns + labels[row]],
                    gamma, reference, made + row * columns + first);
    return mn_input(tape, shape, made, false);
}

/* The unit vectors and one more of equal distance, about their mean, at length 1. */
mn_var *mn_simplex(mn_tape *tape, int64_t classes)
{
    const int64_t rows = classes - 1;
    if (mn_tape_status(tape) != MN_OK)
        return mn_zeros(tape, MN_SCALAR);
    if (rows < 1)
        return mn_tape_refuse(
            tape, "simplex",
            mn_fail(MN_BAD_VALUE, "%lld classes, expected at least 2", (long long)classes));
    float *made = mn_tape_take(tape, (size_t)(rows * classes) * sizeof *made);
    if (made == NULL)
        return mn_tape_refuse(tape, "simplex", mn_fail(MN_NO_MEMORY, "out of memory for a head"));
    const double m = (double)rows, last = (1 - sqrt(1 + m)) / m, mean = (1 + last) / (m + 1);
    const double length = sqrt((1 - mean) * (1 - mean) + (m - 1) * mean * mean);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < classes; j++) {
            const double at = j == rows ? last : i == j ? 1 : 0;
            made[i * classes + j] = (float)((at - mean) / length);
        }
    return mn_input(tape, MN_SHAPE(rows, classes), made, false);
}
