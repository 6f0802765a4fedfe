/* terms.c -- the loss as a sum of named terms, and when their backward is made.
 *
 * mn_terms_done() ends a group of terms.  Groups are swept one after the other, early where that is
 * possible, so that the gradients' bits do not depend on when. */
#include "learner/terms.h"
#include "autograd/backward.h"
#include "learner/learner.h"

#include <math.h>
#include <mneme/ops.h>

void mn_term(mn_learner *learner, const char *name, double weight, mn_var *value)
{
    if (learner->terms == MN_MOST_TERMS) {
        mn_learner_remember_failure(learner, mn_fail(MN_UNSUPPORTED,
                                                     "%s: more than %d loss terms in one step",
                                                     name, MN_MOST_TERMS));
        return;
    }
    /* An add-on does not know the names of what it adds to. */
    if (learner->current > 0)
        name = mn_learner_own_name(learner, name);
    learner->term[learner->terms++] = (mn_loss_term){name, weight, value, learner->group};
}

/* How a value that is no number is printed: the sign of a NaN means nothing. */
static const char *not_finite(double value)
{
    return isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

static mn_status check_term(const mn_learner *learner, const mn_loss_term *term)
{
    char text[64];
    if (mn_tape_status(learner->tape) != MN_OK)
        return mn_fail(mn_tape_status(learner->tape), "%s", mn_tape_error(learner->tape));
    const mn_shape shape = mn_shape_of(term->value);
    if (mn_shape_count(shape) != 1)
        return mn_fail(MN_BAD_SHAPE,
                       "loss term '%s' is %s, not a scalar; take its mn_mean() or mn_sum()",
                       term->name, mn_shape_text(shape, text));
    if (!isfinite(mn_item(term->value)))
        return mn_fail(MN_NOT_FINITE,
                       "loss term '%s' became %s at step %lld (task %lld); a smaller lr may help; "
                       "the last commit is kept",
                       term->name, not_finite(mn_item(term->value)),
                       (long long)learner->cursor.step, (long long)learner->cursor.task + 1);
    return MN_OK;
}

/* The weighted sum of a group, NULL when it has no terms. */
static mn_status sum_of_group(mn_learner *learner, int group, mn_var **sum)
{
    *sum = NULL;
    for (int i = 0; i < learner->terms; i++) {
        const mn_loss_term *term = &learner->term[i];
        if (term->group != group)
            continue;
        MN_TRY(check_term(learner, term));
        *sum = *sum == NULL ? mn_scale(term->value, term->weight)
                            : mn_axpby(1, *sum, term->weight, term->value);
    }
    return MN_OK;
}

/* Add-ons' terms come last, and may be made of any forward that was published. */
static bool addons_follow(const mn_learner *learner)
{
    for (int i = 1; i < learner->members; i++)
        if (learner->current == 0 && learner->member[i].strategy->term != NULL)
            return true;
    return false;
}

void mn_terms_done(mn_learner *learner)
{
    mn_var *sum;
    const int group = learner->group++;
    if (learner->groups_done < group || addons_follow(learner))
        return; /* swept at the end, in the same order: the same bits */
    mn_status status = sum_of_group(learner, group, &sum);
    if (status == MN_OK && sum != NULL)
        status = mn_backward_done(sum);
    mn_learner_remember_failure(learner, status);
    learner->groups_done++;
}

mn_status mn_learner_backward(mn_learner *learner, double *loss)
{
    *loss = 0;
    if (learner->terms == 0)
        return mn_fail(MN_OUT_OF_ORDER, "the strategy's loss added no term; call mn_term()");
    int last = 0;
    for (int i = 0; i < learner->terms; i++)
        last = learner->term[i].group > last ? learner->term[i].group : last;
    for (int group = learner->groups_done; group <= last; group++) {
        mn_var *sum;
        MN_TRY(sum_of_group(learner, group, &sum));
        if (sum != NULL)
            MN_TRY(mn_backward(sum));
    }
    for (int i = 0; i < learner->terms; i++)
        *loss += learner->term[i].weight * mn_item(learner->term[i].value);
    return isfinite(*loss)
               ? MN_OK
               : mn_fail(MN_NOT_FINITE, "the sum of the loss terms became %s at step %lld",
                         not_finite(*loss), (long long)learner->cursor.step);
}
