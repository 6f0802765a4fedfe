/* profile.c -- rows of op and parameter, found by comparing addresses: names are interned. */
#include "autograd/profile.h"
#include "autograd/node.h"

#include <stdlib.h>
#include <time.h>

void mn_profile_free(mn_profile *profile)
{
    free(profile->rows);
    *profile = (mn_profile){0};
}

void mn_profile_clear(mn_profile *profile)
{
    profile->count = 0;
}

double mn_profile_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static const char *parameter_of(const mn_node *node)
{
    for (int i = 0; i < node->n; i++)
        if (node->inputs[i] != NULL && node->inputs[i]->name != NULL)
            return node->inputs[i]->name;
    return NULL;
}

/* NULL when memory ran out: a profile may lose a row, a run must not end for it. */
static mn_profile_row *row_of(mn_profile *profile, const char *op, const char *parameter)
{
    for (int i = 0; i < profile->count; i++)
        if (profile->rows[i].op == op && profile->rows[i].parameter == parameter)
            return &profile->rows[i];
    if (profile->count == profile->capacity) {
        const int capacity = 2 * profile->capacity + 64;
        mn_profile_row *rows = realloc(profile->rows, (size_t)capacity * sizeof *rows);
        if (rows == NULL)
            return NULL;
        profile->rows = rows;
        profile->capacity = capacity;
    }
    profile->rows[profile->count] = (mn_profile_row){.op = op, .parameter = parameter};
    return &profile->rows[profile->count++];
}

void mn_profile_forward(mn_profile *profile, const mn_node *node, double since)
{
    mn_profile_row *row = row_of(profile, node->op->name, parameter_of(node));
    if (row == NULL)
        return;
    row->forwards++;
    row->forward_seconds += mn_profile_now() - since;
}

void mn_profile_backward(mn_profile *profile, const mn_node *node, double since)
{
    mn_profile_row *row = row_of(profile, node->op->name, parameter_of(node));
    if (row == NULL)
        return;
    row->backwards++;
    row->backward_seconds += mn_profile_now() - since;
}
