/* labelled.c -- the rows of a step whose label the base's cross-entropy is about. */
#include "strategies/shared/labelled.h"

typedef struct choice {
    mn_range classes;
    int64_t rows;           /* the first so many of the batch */
    const float *predicted; /* (rows) among them; NULL: right or wrong */
} choice;

static bool is_wanted(const mn_batch *batch, int64_t row, void *context)
{
    const choice *c = context;
    const int64_t place = batch->labels[row] - c->classes.first;
    return row < c->rows && place >= 0 && place < c->classes.count &&
           (c->predicted == NULL || (int64_t)c->predicted[row] == place);
}

bool mn_is_training_forward(mn_learner *learner, const mn_out *out)
{
    return out->network == mn_learner_network(learner) && out->batch->count > 0 &&
           (out->mode & (MN_EVAL | MN_NO_GRADIENT)) == 0;
}

void mn_labelled_add(mn_learner *learner, mn_tape *tape, const mn_out *out, int only,
                     mn_labelled *rows, const int64_t **places, int64_t *added)
{
    choice c = {.classes = mn_trained_classes(learner),
                .rows =
                    (only & MN_LABELLED_STREAM) != 0 ? out->batch->stream_rows : out->batch->count};
    *added = 0;
    if (!mn_is_training_forward(learner, out))
        return;
    mn_var *logits = mn_columns(out->logits, c.classes.first, c.classes.count);
    if ((only & MN_LABELLED_CORRECT) != 0) {
        c.predicted = mn_host(mn_row_argmax(logits));
        if (c.predicted == NULL)
            return; /* the tape has failed */
    }
    const mn_batch *chosen = mn_subset(learner, out->batch, is_wanted, &c, places);
    if (chosen->count == 0)
        return;
    mn_var *targets =
        mn_one_hot(tape, chosen->labels, chosen->count, mn_classes(learner, MN_ALL).count);
    rows->logits = mn_rows_below(rows->logits, mn_gather_rows(logits, *places, chosen->count));
    rows->targets =
        mn_rows_below(rows->targets, mn_columns(targets, c.classes.first, c.classes.count));
    rows->count += *added = chosen->count;
}

mn_var *mn_rows_below(mn_var *all, mn_var *x)
{
    return all == NULL ? x : mn_concat_rows((mn_var *[]){all, x}, 2);
}

mn_var *mn_labelled_others(const mn_labelled *rows, mn_var *x)
{
    return mn_axpby(1, x, -1e9, rows->targets);
}

mn_status mn_labelled_check(const mn_learner *learner, const char *what)
{
    return mn_trained_classes(learner).count > 1
               ? MN_OK
               : mn_fail(MN_UNSUPPORTED,
                         "%s: the base's cross-entropy is among one class, and there is no other "
                         "to smooth over; let the first task have two, or train on all classes",
                         what);
}
