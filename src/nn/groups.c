/* groups.c -- parameters with a rate and a decay of their own, by patterns of their names.
 *
 * Factors of several groups multiply, so that it does not matter which comes first: a group of the
 * list that a user gives, of a strategy, or of an add-on. */
#include "nn/groups.h"
#include "base/names.h"
#include "base/numbers.h"

#include <mneme/memory.h>
#include <string.h>

static const char where[] = "optimiser.groups";

mn_status mn_groups_add(mn_groups *groups, const mn_group *group)
{
    mn_group *larger = mn_memory_resize(groups->group, (size_t)(groups->count + 1), sizeof *larger);
    if (larger == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a group of parameters");
    groups->group = larger;
    larger[groups->count] = *group;
    MN_TRY(mn_keep_text(group->pattern, &larger[groups->count].pattern));
    groups->count++;
    return MN_OK;
}

void mn_groups_free(mn_groups *groups)
{
    mn_memory_give(groups->group);
    *groups = (mn_groups){.group = NULL};
}

static mn_status read_factor(mn_group *group, const char *item)
{
    double *factor = NULL;
    if (strcmp(item, "frozen") == 0) {
        group->fixed_rate = 0;
        return MN_OK;
    }
    if (strncmp(item, "rate=", strlen("rate=")) == 0)
        factor = &group->fixed_rate;
    if (strncmp(item, "decay=", strlen("decay=")) == 0)
        factor = &group->fixed_decay;
    if (factor == NULL || !mn_number_real(strchr(item, '=') + 1, factor) || *factor < 0)
        return mn_fail(
            MN_BAD_OPTION,
            "%s: '%s' of '%s' is not rate=NUMBER, decay=NUMBER or frozen; numbers are at "
            "least 0",
            where, item, group->pattern);
    return MN_OK;
}

/* The items up to the next semicolon, of which the first is the pattern. */
static mn_status read_group(mn_list *list, mn_group *group, char pattern[sizeof list->item],
                            bool *more)
{
    const int64_t which = list->group;
    int factors = 0;
    strcpy(pattern, list->item);
    *group = (mn_group){.pattern = pattern, .fixed_rate = 1, .fixed_decay = 1};
    while ((*more = mn_list_next(list)) && list->group == which) {
        MN_TRY(read_factor(group, list->item));
        factors++;
    }
    return factors > 0 ? MN_OK
                       : mn_fail(MN_BAD_OPTION,
                                 "%s: nothing is said of '%s'; write '%s,rate=0.1', "
                                 "'%s,decay=0' or '%s,frozen'",
                                 where, pattern, pattern, pattern, pattern);
}

mn_status mn_groups_read(mn_groups *groups, const char *text)
{
    mn_list list = {.rest = text};
    char pattern[sizeof list.item];
    mn_group group;
    bool more = mn_list_next(&list);
    while (more) {
        MN_TRY(read_group(&list, &group, pattern, &more));
        MN_TRY(mn_groups_add(groups, &group));
    }
    return list.broken ? mn_fail(MN_BAD_OPTION, "%s: '%s' is no list", where, text) : MN_OK;
}

bool mn_group_matches(const char *pattern, const char *name)
{
    for (; *pattern != '\0' && *pattern != '*'; pattern++, name++)
        if (*name == '\0' || (*pattern != '?' && *pattern != *name))
            return false;
    if (*pattern == '\0')
        return *name == '\0';
    while (!mn_group_matches(pattern + 1, name))
        if (*name++ == '\0')
            return false;
    return true;
}

void mn_groups_factors(const mn_groups *groups, const char *name, double *rate, double *decay)
{
    *rate = *decay = 1;
    for (int i = 0; i < groups->count; i++) {
        const mn_group *group = &groups->group[i];
        if (!mn_group_matches(group->pattern, name))
            continue;
        *rate *= group->rate != NULL ? *group->rate : group->fixed_rate;
        *decay *= group->decay != NULL ? *group->decay : group->fixed_decay;
    }
}
