/* profile.c -- rows of op and parameter, found by comparing addresses: names are interned. */
#include "autograd/profile.h"
#include "autograd/tape.h"
#include "base/clock.h"

#include <mneme/memory.h>

void mn_profile_free(mn_profile *profile)
{
    mn_memory_give(profile->rows);
    *profile = (mn_profile){0};
}

void mn_profile_clear(mn_profile *profile)
{
    profile->count = 0;
    profile->seconds = 0;
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
        mn_profile_row *rows = mn_memory_resize(profile->rows, (size_t)capacity, sizeof *rows);
        if (rows == NULL)
            return NULL;
        profile->rows = rows;
        profile->capacity = capacity;
    }
    profile->rows[profile->count] = (mn_profile_row){.op = op, .parameter = parameter};
    return &profile->rows[profile->count++];
}

static void count(mn_profile *profile, mn_profile_row *row, bool backward, double seconds)
{
    profile->seconds += seconds;
    if (row == NULL)
        return;
    *(backward ? &row->backwards : &row->forwards) += 1;
    *(backward ? &row->backward_seconds : &row->forward_seconds) += seconds;
}

static mn_profile_row *row_of_node(mn_profile *profile, const mn_node *node)
{
    return row_of(profile, node->op->name, parameter_of(node));
}

void mn_profile_forward(mn_profile *profile, const mn_node *node, double since)
{
    mn_profile_row *row = row_of_node(profile, node);
    count(profile, row, false, mn_now() - since);
    if (row == NULL)
        return;
    row->operations += node->operations;
    row->bytes += (double)mn_tensor_stored_bytes(&node->output.value);
    for (int i = 0; i < node->n; i++)
        if (node->inputs[i] != NULL)
            row->bytes += (double)mn_tensor_stored_bytes(&node->inputs[i]->value);
}

/* Reads the gradient of the output, and for every gradient wanted one operand; writes those. */
void mn_profile_backward(mn_profile *profile, const mn_node *node, double since)
{
    mn_profile_row *row = row_of_node(profile, node);
    count(profile, row, true, mn_now() - since);
    if (row == NULL)
        return;
    row->bytes += (double)mn_tensor_stored_bytes(&node->output.value);
    for (int i = 0; i < node->n; i++) {
        const mn_var *x = node->inputs[i];
        if (x == NULL || (!x->to_parameter && !x->to_input))
            continue;
        row->bytes += 2 * (double)mn_tensor_stored_bytes(&x->value);
        if (i < 2) /* a bias takes next to none */
            row->operations += node->operations;
    }
}

void mn_profile_add(mn_profile *profile, const char *what, double seconds)
{
    count(profile, row_of(profile, what, NULL), false, seconds);
}

void mn_tape_profile(mn_tape *tape, mn_profile *profile)
{
    tape->profile = profile;
}

void mn_var_name(mn_var *leaf, const char *name)
{
    if (leaf != &leaf->tape->poison)
        leaf->name = name;
}
