/* terms.c -- the loss as a sum of named terms, and when their backward is made.
 *
 * mn_backward_now() ends a group of terms.  Groups are swept one after the other, early where that
 * is possible, so that the gradients' bits do not depend on when. */
#include "learner/terms.h"
#include "autograd/backward.h"
#include "base/names.h"
#include "learner/learner.h"

#include <math.h>
#include <mneme/memory.h>
#include <mneme/ops.h>
#include <string.h>

/* A base's terms go by the names it gives them; an add-on does not know the names of what it adds
 * to. */
static mn_status add_name(mn_learner *learner, const char *given, const char **name)
{
    const size_t count = (size_t)learner->term_names;
    mn_term_name *larger = mn_memory_resize(learner->term_name, (count + 1), sizeof *larger);
    if (larger == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for the name of a loss term");
    learner->term_name = larger;
    MN_TRY(learner->current == 0 ? mn_keep_text(given, name)
                                 : mn_learner_own_name(learner, given, name));
    const char *kept = *name + strlen(*name) - strlen(given);
    larger[learner->term_names++] = (mn_term_name){learner->current, kept, *name};
    return MN_OK;
}

static mn_status name_of(mn_learner *learner, const char *given, const char **name)
{
    for (int i = 0; i < learner->term_names; i++) {
        const mn_term_name *known = &learner->term_name[i];
        *name = known->name;
        if (known->member == learner->current && strcmp(known->given, given) == 0)
            return MN_OK;
    }
    return add_name(learner, given, name);
}

static mn_status add_term(mn_learner *learner, const char *given, double weight, mn_var *value)
{
    const char *name = NULL;
    if (learner->terms == MN_MOST_TERMS)
        return mn_fail(MN_UNSUPPORTED, "%s: more than %d loss terms in one step", given,
                       MN_MOST_TERMS);
    MN_TRY(name_of(learner, given, &name));
    for (int i = 0; i < learner->terms; i++)
        if (learner->term[i].name == name)
            return mn_fail(MN_OUT_OF_ORDER,
                           "two terms of one update are called '%s', and the run file could not "
                           "tell them apart; give one another name, or add them",
                           name);
    learner->term[learner->terms++] =
        (mn_loss_term){.name = name, .weight = weight, .value = value, .group = learner->group};
    return MN_OK;
}

void mn_term(mn_learner *learner, const char *name, double weight, mn_var *value)
{
    mn_learner_remember_failure(learner, add_term(learner, name, weight, value));
}

/* How a value that is no number is printed: the sign of a NaN means nothing. */
static const char *not_finite(double value)
{
    return isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

static mn_status read_term(const mn_learner *learner, mn_loss_term *term)
{
    char text[64];
    if (mn_tape_status(learner->tape) != MN_OK)
        return mn_fail(mn_tape_status(learner->tape), "%s", mn_tape_error(learner->tape));
    const mn_shape shape = mn_shape_of(term->value);
    if (mn_shape_count(shape) != 1)
        return mn_fail(MN_BAD_SHAPE,
                       "loss term '%s' is %s, not a scalar; take its mn_mean() or mn_sum()",
                       term->name, mn_shape_text(shape, text));
    term->item = mn_item(term->value);
    if (!isfinite(term->item))
        return mn_fail(MN_NOT_FINITE,
                       "loss term '%s' became %s at step %lld (task %lld); a smaller lr may help; "
                       "the last commit is kept",
                       term->name, not_finite(term->item), (long long)learner->cursor.step,
                       (long long)learner->cursor.task + 1);
    return MN_OK;
}

/* The weighted sum of a group, NULL when it has no terms. */
static mn_status sum_of_group(mn_learner *learner, int group, mn_var **sum)
{
    *sum = NULL;
    for (int i = 0; i < learner->terms; i++) {
        mn_loss_term *term = &learner->term[i];
        if (term->group != group)
            continue;
        MN_TRY(read_term(learner, term));
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

void mn_backward_now(mn_learner *learner)
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
        *loss += learner->term[i].weight * learner->term[i].item;
    return isfinite(*loss)
               ? MN_OK
               : mn_fail(MN_NOT_FINITE, "the sum of the loss terms became %s at step %lld",
                         not_finite(*loss), (long long)learner->cursor.step);
}
