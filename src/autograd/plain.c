/* plain.c -- an op on plain inputs: what lies in a layout of a kernel is copied first. */
#include "autograd/plain.h"
#include "autograd/apply.h"
#include "autograd/layout.h"
#include "autograd/memory.h"
#include "autograd/tape.h"

/* The inputs with the opaque ones made plain; NULL when memory ran out. */
static mn_var *const *plain_inputs(mn_tape *tape, mn_var *const *inputs, int n)
{
    bool all_plain = true;
    for (int i = 0; i < n; i++)
        all_plain &= inputs[i] == NULL || inputs[i]->value.layout == NULL;
    if (all_plain)
        return inputs;
    mn_var **plain = mn_tape_take(tape, (size_t)n * sizeof(mn_var *));
    for (int i = 0; plain != NULL && i < n; i++)
        plain[i] = inputs[i] != NULL ? mn_in_layout(inputs[i], NULL) : NULL;
    return plain;
}

mn_var *mn_apply(const mn_op *op, mn_var *const *inputs, int n, const void *attributes)
{
    mn_tape *tape = mn_tape_of_any(inputs, n);
    if (tape == NULL || mn_tape_status(tape) != MN_OK)
        return mn_tape_poison(tape);
    inputs = plain_inputs(tape, inputs, n);
    return inputs != NULL ? mn_apply_laid_out(op, inputs, n, attributes) : mn_tape_poison(tape);
}

mn_var *mn_apply1(const mn_op *op, mn_var *x, const void *attributes)
{
    return mn_apply(op, &x, 1, attributes);
}

mn_var *mn_apply2(const mn_op *op, mn_var *x, mn_var *y, const void *attributes)
{
    return mn_apply(op, (mn_var *[]){x, y}, 2, attributes);
}
