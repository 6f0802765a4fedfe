/* bank.c -- a memory bank beside the buffer: a row of logits for each slot, a moving average that
 * begins anew with the slot's row.
 *
 *     L = CE + 0.3 |z(x_s) - v_s|^2,  then v_s <- (v_s + z(x_s)) / 2,  for rows x_s drawn from
 * slots s
 */
#include <mneme/strategy.h>

typedef struct bank_state {
    mn_tensor *rows; /* (slots, classes) */
} bank_state;

static mn_status open(mn_learner *learner)
{
    bank_state *s = mn_state(learner);
    const int64_t slots = mn_buffer_capacity(mn_learner_buffer(learner));
    return mn_keep_tensor(learner, "rows", MN_SHAPE(slots, mn_classes(learner, MN_ALL).count),
                          &s->rows);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const bank_state *s = mn_state(learner);
    mn_var *logits = mn_forward(learner, now, MN_TRAIN)->logits;
    mn_term(learner, "stream", 1, mn_cross_entropy(logits, now->labels));
    const mn_batch *old = mn_draw(learner, "old", 16);
    if (old->count == 0)
        return MN_OK;
    mn_var *again = mn_forward(learner, old, MN_TRAIN)->logits;
    mn_var *kept = mn_gather_rows(mn_const(tape, s->rows), old->slots, old->count);
    mn_term(learner, "bank", 0.3, mn_mse(again, kept));
    return mn_store_at(mn_axpby(0.5, kept, 0.5, again), s->rows, old->slots);
}

static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)out;
    return mn_remember(learner, now, MN_WITHOUT);
}

static mn_status forget(mn_learner *learner, mn_tape *tape, const int64_t *slots, int64_t count)
{
    const bank_state *s = mn_state(learner);
    return mn_store_at(mn_zeros(tape, MN_SHAPE(count, mn_classes(learner, MN_ALL).count)), s->rows,
                       slots);
}

MN_STRATEGY(bank) = {
    MN_STRATEGY_HEADER,
    .name = "bank",
    .summary = "For tests: keeps logits beside the rows of the buffer.",
    .state_size = sizeof(bank_state),
    .needs = MN_NEEDS_BUFFER,
    .open = open,
    .loss = loss,
    .after_step = after_step,
    .forget = forget,
};
