/* triplets.c -- batch-hard triplets (Hermans et al. 2017), put together from ops.
 *
 *     mean of [margin + d(i, r-th farthest of its label) - d(i, r-th nearest of another)]+
 *
 * over rows i and r = 1..hardest for which both exist; d is the squared distance.  What does not
 * exist stands so far below that its hinge is 0, and is left out of the count. */
#include "autograd/memory.h"

#include <mneme/losses.h>

/* Far above any distance, and sums with it stay finite. */
static const float ABSENT = 1e9f;

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Fills two (n, n) masks, of pairs with equal and with different labels: 0 where a pair counts,
 * -ABSENT where not.  Returns how many triplets there are. */
static int64_t fill(const int32_t *labels, int64_t n, int64_t hardest, bool attract, float *alike,
                    float *unlike)
{
    int64_t triplets = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t positives = 0, negatives = 0;
        for (int64_t j = 0; j < n; j++) {
            const bool same = labels[j] == labels[i];
            alike[i * n + j] = same && j != i ? 0 : -ABSENT;
            unlike[i * n + j] = same ? -ABSENT : 0;
            positives += same && j != i;
            negatives += !same;
        }
        triplets += smaller(hardest, attract ? smaller(positives, negatives) : negatives);
    }
    return triplets;
}

/* Squared distances of the rows of x (n, K): (n, n). */
static mn_var *distances(mn_var *x)
{
    mn_tape *tape = mn_tape_of(x);
    const int64_t n = mn_rows_of(x);
    mn_var *ones = mn_shift(mn_zeros(tape, MN_SHAPE(1, n)), 1);
    mn_var *lengths = mn_matmul(mn_reshape(mn_row_sum(mn_square(x)), MN_SHAPE(n, 1)), ones);
    return mn_axpby(1, mn_add(lengths, mn_transpose(lengths)), -2, mn_matmul(x, mn_transpose(x)));
}

mn_var *mn_triplets(mn_var *x, const int32_t *labels, int64_t hardest, double margin, bool attract)
{
    mn_tape *tape = mn_tape_of(x);
    const mn_shape shape = mn_shape_of(x);
    if (mn_tape_status(tape) != MN_OK)
        return x;
    if (shape.rank != 2 || hardest < 1)
        return mn_tape_refuse(tape, "triplets",
                              mn_fail(MN_BAD_VALUE,
                                      "rows (B,K) and at least 1 of the hardest are needed, not "
                                      "rank %d and %lld",
                                      shape.rank, (long long)hardest));
    const int64_t n = shape.size[0], k = smaller(hardest, n);
    const size_t bytes = (size_t)(n * n + 1) * sizeof(float);
    float *alike = mn_tape_take(tape, bytes), *unlike = mn_tape_take(tape, bytes);
    if (alike == NULL || unlike == NULL)
        return mn_tape_refuse(tape, "triplets",
                              mn_fail(MN_NO_MEMORY, "out of memory for pairs of rows"));
    const int64_t triplets = fill(labels, n, hardest, attract, alike, unlike);
    if (triplets == 0)
        return mn_zeros(tape, MN_SCALAR);
    mn_var *d = distances(x);
    const mn_shape pairs = MN_SHAPE(n, n);
    mn_var *far = mn_row_top(mn_add(d, mn_input(tape, pairs, alike, false)), k);
    mn_var *near = mn_row_top(mn_sub(mn_input(tape, pairs, unlike, false), d), k);
    mn_var *violated = mn_relu(mn_shift(attract ? mn_add(far, near) : near, margin));
    return mn_scale(mn_sum(violated), 1 / (double)triplets);
}
