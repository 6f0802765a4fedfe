/* groups.h -- which of a network's parameters have a rate and a decay of their own. */
#ifndef MN_NN_GROUPS_H
#define MN_NN_GROUPS_H

#include <mneme/status.h>
#include <stdbool.h>

/* Factors of the parameters that a pattern matches. */
typedef struct mn_group {
    const char *pattern;
    const double *rate, *decay; /* borrowed; NULL: those below */
    double fixed_rate, fixed_decay;
} mn_group;

typedef struct mn_groups {
    mn_group *group;
    int count;
} mn_groups;

/* "*.bias,decay=0;conv1.*,frozen": patterns, each with what is so of its parameters. */
mn_status mn_groups_read(mn_groups *groups, const char *text);
mn_status mn_groups_add(mn_groups *groups, const mn_group *group);
void mn_groups_free(mn_groups *groups); /* what it points to, not the struct */
/* Whether a pattern, in which * stands for any text and ? for any character, is this name. */
bool mn_group_matches(const char *pattern, const char *name);
/* The products of all groups that match; 1 where none does. */
void mn_groups_factors(const mn_groups *groups, const char *name, double *rate, double *decay);

#endif
