/* labelled.h -- what add-ons share that look at the rows of all of a step's training forwards, or
 * at those of them whose label the base's cross-entropy is about. */
#ifndef MN_STRATEGIES_LABELLED_H
#define MN_STRATEGIES_LABELLED_H

#include <mneme/strategy.h>

/* Rows of one forward, or of several, with columns for the classes of mn_trained_classes(). */
typedef struct mn_labelled {
    mn_var *logits, *targets; /* (B, C); 1 at each row's label, 0 elsewhere; NULL: no rows yet */
    int64_t count;            /* B */
} mn_labelled;

/* Whether a published forward trains the shared network, and is not of an empty batch. */
bool mn_is_training_forward(mn_learner *learner, const mn_out *out);
/* The rows of x below those of `all`; x, where `all` is NULL. */
mn_var *mn_rows_below(mn_var *all, mn_var *x);

enum {
    MN_LABELLED_CORRECT = 1, /* those alone whose largest logit is their label's */
    MN_LABELLED_STREAM = 2,  /* none from memory */
};
/* Adds the rows of a training forward whose label is among those classes and which `only`, of the
 * above, lets through.  *places: where each of the *added rows stood in the forward; 0 are added of
 * any other forward. */
void mn_labelled_add(mn_learner *learner, mn_tape *tape, const mn_out *out, int only,
                     mn_labelled *rows, const int64_t **places, int64_t *added);
/* Pushes each row's own class out of the way of a softmax. */
mn_var *mn_labelled_others(const mn_labelled *rows, mn_var *x);
/* MN_UNSUPPORTED where there is no class but a row's own. */
mn_status mn_labelled_check(const mn_learner *learner, const char *what);

#endif
