/* memory.c -- a step's memory is its tape's arena; what is given back early serves the same step.
 */
#include "autograd/memory.h"
#include "autograd/tape.h"

void *mn_tape_take(mn_tape *tape, size_t bytes)
{
    void *memory = mn_arena_take(&tape->arena, bytes);
    if (memory == NULL)
        mn_tape_fail(tape, "tape", mn_fail(MN_NO_MEMORY, "no memory for %zu more bytes", bytes));
    return memory;
}

void mn_tape_give(mn_tape *tape, mn_tensor *tensor)
{
    if (mn_arena_give(&tape->arena, tensor->data, mn_tensor_stored_bytes(tensor)))
        tensor->data = NULL;
}

void mn_release(mn_var *x)
{
    if (x != NULL && x->own && !x->kept && !x->to_parameter && !x->to_input)
        mn_tape_give(x->tape, &x->value);
}

void mn_var_keep(mn_var *x)
{
    while (x != NULL) {
        x->kept = true;
        const bool view = x->maker != NULL && x->maker->op->forward == NULL;
        x = view ? x->maker->inputs[0] : NULL;
    }
}
