/* squares.c -- the squares of each row's gradient, in one backward or row by row.
 *
 * Which of the two depends on the network's ops; a strategy need not know.  The gradients' slab of
 * the network serves as scratch: nobody's step is under way. */
#include "learner/learner.h"

static mn_status add_row(mn_learner *learner, const mn_batch *row, mn_row_sum_of *sum,
                         mn_tensor *squares)
{
    mn_network *network = mn_learner_network(learner);
    mn_tensor *gradients = mn_network_gradients(network);
    mn_learner_reset_tape(learner);
    MN_TRY(mn_network_zero_gradients(network));
    mn_var *scalar = sum(learner, learner->tape, row);
    MN_TRY(mn_learner_check(learner));
    MN_TRY(mn_backward(scalar));
    MN_TRY(mn_tensor_mul(gradients, gradients));
    return mn_tensor_axpby(squares, 1, gradients, 1);
}

mn_status mn_add_squared_gradients(mn_learner *learner, const mn_batch *batch, mn_row_sum_of *sum,
                                   mn_tensor *squares)
{
    mn_tensor *gradients = mn_network_gradients(mn_learner_network(learner));
    mn_var *scalar = sum(learner, learner->tape, batch);
    MN_TRY(mn_learner_check(learner));
    const mn_status status = mn_backward_squares(scalar, gradients, squares);
    if (status != MN_UNSUPPORTED || mn_tape_status(learner->tape) != MN_OK)
        return status;
    for (int64_t i = 0; i < batch->count; i++) {
        const mn_batch row = mn_batch_row(batch, i);
        MN_TRY(add_row(learner, &row, sum, squares));
    }
    return MN_OK;
}
