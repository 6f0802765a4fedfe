/* groups.c -- a pattern that matches no parameter is a slip of the pen, and is refused before
 * training.
 */
#include "learner/groups.h"
#include "learner/learner.h"
#include "nn/groups.h"
#include "nn/optimiser.h"

#include <stdio.h>
#include <string.h>

static bool matches(const mn_network *network, const char *pattern)
{
    for (int i = 0; i < mn_network_parameter_count(network); i++)
        if (mn_group_matches(pattern, mn_network_parameter(network, i)->name))
            return true;
    return false;
}

/* "fc1.weight, fc1.bias, ...", as many as fit. */
static void list_parameters(const mn_network *network, char *text, size_t bytes)
{
    text[0] = '\0';
    for (int i = 0; i < mn_network_parameter_count(network); i++) {
        const char *name = mn_network_parameter(network, i)->name;
        const size_t used = strlen(text);
        if (used + strlen(name) + 8 > bytes) {
            snprintf(text + used, bytes - used, ", ...");
            return;
        }
        snprintf(text + used, bytes - used, "%s%s", i > 0 ? ", " : "", name);
    }
}

static mn_status check(const mn_learner *learner, int leader, const char *pattern)
{
    char names[200];
    const mn_network *network = learner->optimiser[leader].network;
    for (int i = 0; i < learner->optimisers; i++)
        if ((i == leader || learner->optimiser[i].leader == leader) &&
            matches(learner->optimiser[i].network, pattern))
            return MN_OK;
    list_parameters(network, names, sizeof names);
    return mn_fail(MN_BAD_OPTION,
                   "optimiser.groups: no parameter is called '%s'; the network has %s", pattern,
                   names);
}

mn_status mn_learner_check_groups(const mn_learner *learner)
{
    for (int i = 0; i < learner->optimisers; i++) {
        const mn_owned_optimiser *owned = &learner->optimiser[i];
        const char *pattern;
        for (int p = 0; (pattern = mn_optimiser_pattern(owned->optimiser, p)) != NULL; p++)
            if (owned->leader < 0)
                MN_TRY(check(learner, i, pattern));
    }
    return MN_OK;
}
