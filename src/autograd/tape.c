/* tape.c -- a tape's life, its modes and its sticky error.
 *
 * The poison var is a scalar NaN embedded in the tape.  Any function may be given it, and asks the
 * tape, not the var, whether all is well. */
#include "autograd/tape.h"

#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>

mn_status mn_tape_new(mn_tape **tape)
{
    *tape = mn_memory_take_zeroed(1, sizeof **tape);
    if (*tape == NULL)
        return mn_fail(MN_NO_MEMORY, "no memory for a tape");
    (*tape)->recording = true;
    (*tape)->not_a_number = NAN;
    (*tape)->poison.tape = *tape;
    mn_tensor_place(&(*tape)->poison.value, MN_F32, MN_SCALAR, &(*tape)->not_a_number);
    return MN_OK;
}

void mn_tape_free(mn_tape *tape)
{
    if (tape != NULL)
        mn_arena_free(&tape->arena);
    mn_memory_give(tape);
}

/* Whether the tape records is a mode, not a part of the step: it stays. */
void mn_tape_reset(mn_tape *tape)
{
    mn_arena_reset(&tape->arena);
    tape->last = NULL;
    tape->prepared = NULL;
    tape->status = MN_OK;
    tape->error[0] = '\0';
    tape->scope[0] = '\0';
}

void mn_tape_record(mn_tape *tape, bool gradients)
{
    tape->recording = gradients;
}

bool mn_tape_recording(const mn_tape *tape)
{
    return tape->recording;
}

mn_status mn_tape_precision(mn_tape *tape, mn_dtype precision)
{
    MN_TRY(mn_kernels_precision(precision));
    tape->precision = precision;
    return MN_OK;
}

void mn_tape_scope(mn_tape *tape, const char *label)
{
    snprintf(tape->scope, sizeof tape->scope, "%s", label != NULL ? label : "");
}

mn_status mn_tape_status(const mn_tape *tape)
{
    return tape->status;
}

const char *mn_tape_error(const mn_tape *tape)
{
    return tape->error;
}

size_t mn_tape_bytes(const mn_tape *tape)
{
    return mn_arena_high_water(&tape->arena);
}

mn_var *mn_tape_poison(mn_tape *tape)
{
    return tape != NULL ? &tape->poison : NULL;
}

void mn_tape_fail(mn_tape *tape, const char *op, mn_status status)
{
    if (tape == NULL || tape->status != MN_OK)
        return;
    tape->status = status;
    const bool scoped = tape->scope[0] != '\0';
    snprintf(tape->error, sizeof tape->error, "%s: %s%s%s", op, mn_error(), scoped ? " in " : "",
             tape->scope);
    mn_fail(status, "%s", tape->error);
}

mn_tape *mn_tape_of(const mn_var *x)
{
    return x != NULL ? x->tape : NULL;
}

mn_var *mn_tape_refuse(mn_tape *tape, const char *what, mn_status status)
{
    mn_tape_fail(tape, what, status);
    return mn_tape_poison(tape);
}

mn_tape *mn_tape_of_any(mn_var *const *inputs, int n)
{
    for (int i = 0; i < n; i++)
        if (inputs[i] != NULL)
            return inputs[i]->tape;
    return NULL;
}
