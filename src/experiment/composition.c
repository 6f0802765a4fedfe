/* composition.c -- a list of names becomes the strategies of a run. */
#include "experiment/composition.h"
#include "base/names.h"
#include "base/options.h"
#include "base/text.h"
#include "experiment/plugins.h"

#include <mneme/memory.h>
#include <string.h>

enum { MOST_LISTED = 64 }; /* phases, or updates of one: longer lists have no end */

static mn_status no_memory(void)
{
    return mn_fail(MN_NO_MEMORY, "out of memory for the names of the strategies");
}

/* What a phase would call must be there; a plugin may have left it out. */
static mn_status check_phase(const mn_strategy *strategy, const mn_phase *phase)
{
    if (phase->visit != NULL)
        return MN_OK;
    if (phase->updates == NULL && strategy->loss == NULL)
        return mn_fail(MN_BAD_VALUE, "%s: phase '%s' has no updates, and the strategy no loss",
                       strategy->name, phase->name);
    for (int i = 0; phase->updates != NULL && phase->updates[i].name != NULL; i++)
        if (phase->updates[i].loss == NULL || i == MOST_LISTED)
            return mn_fail(MN_BAD_VALUE,
                           "%s: update '%.60s' of phase '%s' has no loss (does the list end in one "
                           "without a name?)",
                           strategy->name, phase->updates[i].name, phase->name);
    return MN_OK;
}

static mn_status check_phases(const mn_strategy *strategy, const mn_phase *phases)
{
    for (int i = 0; phases != NULL && phases[i].name != NULL; i++) {
        if (i == MOST_LISTED)
            return mn_fail(MN_BAD_VALUE,
                           "%s: more than %d phases (does the list end in one without a name?)",
                           strategy->name, MOST_LISTED);
        MN_TRY(check_phase(strategy, &phases[i]));
    }
    return MN_OK;
}

static mn_status add_strategy(mn_experiment *experiment, const char *name)
{
    if (experiment->strategy_count == MN_MOST_STRATEGIES)
        return mn_fail(MN_BAD_OPTION, "more than %d strategies in one run", MN_MOST_STRATEGIES);
    MN_TRY(mn_plugin_named(MN_KIND_STRATEGY, &name));
    const mn_strategy *strategy = (const void *)mn_find(MN_KIND_STRATEGY, name);
    if (strategy == NULL)
        return MN_NOT_FOUND;
    for (int i = 0; i < experiment->strategy_count; i++)
        if (experiment->strategy[i] == strategy)
            return mn_fail(MN_BAD_OPTION, "'%s' is named twice", name);
    MN_TRY(check_phases(strategy, strategy->phases_before));
    MN_TRY(check_phases(strategy, strategy->phases));
    MN_TRY(check_phases(strategy, strategy->phases_filling));
    experiment->strategy[experiment->strategy_count++] = strategy;
    return MN_OK;
}

/* Whether it stands on its own without a loss: it has phases that train nothing, and classifies. */
static bool classifies_alone(const mn_strategy *strategy)
{
    return strategy->loss == NULL && strategy->scores != NULL && strategy->phases != NULL;
}

/* One base brings the loss; everything after it only adds.  At most one add-on decides predictions.
 */
static mn_status check_composition(const mn_experiment *experiment)
{
    const char *decides = NULL;
    for (int i = 0; i < experiment->strategy_count; i++) {
        const mn_strategy *strategy = experiment->strategy[i];
        if (i > 0 && strategy->loss != NULL)
            return mn_fail(MN_BAD_OPTION,
                           "'%s' and '%s' both bring a loss of their own; a run has one base, and "
                           "only add-ons may follow it",
                           experiment->strategy[0]->name, strategy->name);
        if (i > 0 && strategy->scores != NULL && decides != NULL)
            return mn_fail(
                MN_BAD_OPTION,
                "'%s' and '%s' both decide predictions in the base's place; leave one out", decides,
                strategy->name);
        if (i > 0 && strategy->scores != NULL)
            decides = strategy->name;
    }
    return MN_OK;
}

/* Whoever fills the buffer does so alone: no other strategy may, nor need a policy that selects. */
static mn_status check_fillers(const mn_experiment *experiment)
{
    for (int i = 0; i < experiment->strategy_count; i++)
        for (int j = 0; j < experiment->strategy_count; j++) {
            const mn_strategy *one = experiment->strategy[i], *other = experiment->strategy[j];
            if (i != j && (one->needs & MN_FILLS_BUFFER) != 0 &&
                (other->needs & (MN_FILLS_BUFFER | MN_NEEDS_SELECTION)) != 0)
                return mn_fail(MN_BAD_OPTION,
                               "'%s' and '%s' both fill the buffer in their own way; leave one out",
                               one->name, other->name);
        }
    return MN_OK;
}

/* An add-on that is named first stands on finetune, unless it can stand alone. */
static mn_status put_base_first(mn_experiment *experiment)
{
    if (experiment->strategy[0]->loss != NULL || classifies_alone(experiment->strategy[0]))
        return MN_OK;
    MN_TRY(add_strategy(experiment, "finetune"));
    const int last = experiment->strategy_count - 1;
    const mn_strategy *base = experiment->strategy[last];
    memmove(experiment->strategy + 1, experiment->strategy,
            (size_t)last * sizeof experiment->strategy[0]);
    experiment->strategy[0] = base;
    return MN_OK;
}

/* "er+ewc", as the names were given; paths of plugins have become names. */
static mn_status keep_names(mn_experiment *experiment)
{
    size_t bytes = 1;
    for (int i = 0; i < experiment->strategy_count; i++)
        bytes += strlen(experiment->strategy[i]->name) + 1;
    char *names = mn_memory_take(bytes, 1), *end = names;
    if (names == NULL)
        return no_memory();
    for (int i = 0; i < experiment->strategy_count; i++) {
        if (i > 0)
            *end++ = '+';
        end = stpcpy(end, experiment->strategy[i]->name);
    }
    *end = '\0';
    const mn_status status = mn_keep_text(names, &experiment->strategies);
    mn_memory_give(names);
    return status;
}

mn_status mn_composition_set(mn_experiment *experiment, const char *list)
{
    char *copy = mn_text_copy(list), *rest = copy;
    if (copy == NULL)
        return no_memory();
    mn_status status = MN_OK;
    for (char *name; status == MN_OK && (name = strsep(&rest, "+")) != NULL;)
        status = name[0] != '\0'
                     ? add_strategy(experiment, name)
                     : mn_fail(MN_BAD_OPTION, "'%s': a strategy's name is missing", list);
    mn_memory_give(copy);
    MN_TRY(status);
    MN_TRY(keep_names(experiment));
    MN_TRY(put_base_first(experiment));
    MN_TRY(check_composition(experiment));
    return check_fillers(experiment);
}
