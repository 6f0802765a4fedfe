/* contrast.c -- the supervised contrastive loss (Khosla et al. 2020, L_out), put together from ops.
 *
 *     l_i = -1/|P(i)| sum_{p in P(i)} log( exp(u_i u_p / t) / sum_{a != i} exp(u_i u_a / t) )
 *
 * u_i is row i at length 1, P(i) the other rows of its label.  A row alone with its label has no
 * positives; it adds 0, and counts in the mean. */
#include "autograd/memory.h"

#include <mneme/losses.h>
#include <stddef.h>

/* Large enough that exp(x - ABSENT) is 0, small enough that sums with it stay finite. */
static const float ABSENT = -1e9f;

/* Weights (n, n): 1/|P(i)| at the positives of row i; and `absent` (n, n) on the diagonal alone. */
static void fill(const int32_t *labels, int64_t n, float *weight, float *absent)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t positives = 0;
        for (int64_t j = 0; j < n; j++)
            positives += j != i && labels[j] == labels[i];
        for (int64_t j = 0; j < n; j++) {
            const bool positive = j != i && labels[j] == labels[i];
            weight[i * n + j] = positive ? 1 / (float)positives : 0;
            absent[i * n + j] = j == i ? ABSENT : 0;
        }
    }
}

mn_var *mn_supervised_contrastive(mn_var *x, const int32_t *labels, double temperature)
{
    mn_tape *tape = mn_tape_of(x);
    const mn_shape shape = mn_shape_of(x);
    if (mn_tape_status(tape) != MN_OK)
        return x;
    if (shape.rank != 2 || !(temperature > 0))
        return mn_tape_refuse(tape, "supervised_contrastive",
                              mn_fail(MN_BAD_VALUE,
                                      "rows (B,K) and a temperature above 0 are "
                                      "needed, not rank %d and %g",
                                      shape.rank, temperature));
    const int64_t n = shape.size[0];
    const size_t bytes = (size_t)(n * n) * sizeof(float);
    float *weight = mn_tape_take(tape, bytes), *absent = mn_tape_take(tape, bytes);
    if (weight == NULL || absent == NULL)
        return mn_tape_refuse(tape, "supervised_contrastive",
                              mn_fail(MN_NO_MEMORY, "out of memory for pairs of rows"));
    fill(labels, n, weight, absent);
    mn_var *u = mn_row_normalise(x);
    mn_var *likeness = mn_scale(mn_matmul(u, mn_transpose(u)), 1 / temperature);
    mn_var *logs = mn_log_softmax(mn_add(likeness, mn_input(tape, MN_SHAPE(n, n), absent, false)));
    mn_var *positives = mn_mul(logs, mn_input(tape, MN_SHAPE(n, n), weight, false));
    return mn_scale(mn_sum(positives), n > 0 ? -1 / (double)n : 0);
}
