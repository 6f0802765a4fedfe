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
    profile->seconds = 0;
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

static void count(mn_profile *profile, const char *op, const char *parameter, bool backward,
                  double seconds)
{
    mn_profile_row *row = row_of(profile, op, parameter);
    profile->seconds += seconds;
    if (row == NULL)
        return;
    *(backward ? &row->backwards : &row->forwards) += 1;
    *(backward ? &row->backward_seconds : &row->forward_seconds) += seconds;
}

void mn_profile_forward(mn_profile *profile, const mn_node *node, double since)
{
    count(profile, node->op->name, parameter_of(node), false, mn_profile_now() - since);
}

void mn_profile_backward(mn_profile *profile, const mn_node *node, double since)
{
    count(profile, node->op->name, parameter_of(node), true, mn_profile_now() - since);
}

void mn_profile_add(mn_profile *profile, const char *what, double seconds)
{
    count(profile, what, NULL, false, seconds);
}
