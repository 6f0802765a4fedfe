/* backward.c -- the sweeps that a caller asks for: into gradients, into a slab instead of them, the
 * last one, and the gradient of an input. */
#include "autograd/backward.h"
#include "autograd/input.h"
#include "autograd/sweep.h"
#include "autograd/tape.h"

/* The sticky failure, made the thread's last one again. */
static mn_status failure_of(const mn_tape *tape)
{
    return mn_fail(mn_tape_status(tape), "%s", mn_tape_error(tape));
}

static mn_status backward(mn_var *loss, const mn_tensor *gradients, mn_tensor *instead, bool last)
{
    if (loss == NULL)
        return mn_fail(MN_BAD_VALUE, "backward: there is no loss");
    mn_tape *tape = loss->tape;
    if (mn_tape_status(tape) != MN_OK)
        return failure_of(tape);
    MN_TRY(mn_sweep_check("backward", loss));
    if (gradients != NULL &&
        (instead == NULL || mn_tensor_bytes(gradients) != mn_tensor_bytes(instead))) {
        mn_tape_fail(tape, "backward",
                     instead == NULL ? mn_fail(MN_BAD_VALUE, "there is no slab to write instead")
                                     : mn_shapes_differ(gradients->shape, instead->shape));
        return failure_of(tape);
    }
    mn_sweep *sweep = &tape->sweep;
    *sweep =
        (mn_sweep){.number = sweep->number + 1, .from = gradients, .to = instead, .last = last};
    return mn_sweep_from(loss);
}

mn_status mn_backward_into(mn_var *loss, const mn_tensor *gradients, mn_tensor *instead)
{
    return backward(loss, gradients, instead, false);
}

mn_status mn_backward(mn_var *loss)
{
    return backward(loss, NULL, NULL, false);
}

mn_status mn_backward_done(mn_var *loss)
{
    return backward(loss, NULL, NULL, true);
}

/* Marks what lies on the way from the input towards the loss: the nodes made after it that use
 * it, or use what does. */
static void mark_path(mn_var *input, const mn_var *loss, uint64_t number)
{
    input->path = number;
    mn_node *const last = loss->maker;
    mn_node *node = last;
    while (node != NULL && node != input->maker && node->previous != NULL)
        node = node->previous;
    for (; node != NULL; node = node->next) {
        for (int i = 0; i < node->n && node->output.path != number; i++)
            if (node->inputs[i] != NULL && node->inputs[i]->path == number)
                node->output.path = number;
        if (node == last)
            return;
    }
}

mn_var *mn_gradient_of(mn_var *loss, mn_var *input)
{
    if (loss == NULL || input == NULL) {
        mn_tape *known = loss != NULL ? loss->tape : mn_tape_of(input);
        mn_tape_fail(known, "gradient_of",
                     mn_fail(MN_BAD_VALUE, "there is no %s", loss == NULL ? "loss" : "input"));
        return mn_tape_poison(known);
    }
    mn_tape *tape = loss->tape;
    if (mn_tape_status(tape) != MN_OK || mn_sweep_check("gradient_of", loss) != MN_OK)
        return mn_tape_poison(tape);
    if (input->tape != tape || (!input->to_input && !input->to_parameter)) {
        mn_tape_fail(tape, "gradient_of",
                     mn_fail(MN_BAD_VALUE, "the input is not differentiable or on another tape"));
        return mn_tape_poison(tape);
    }
    mn_sweep *sweep = &tape->sweep;
    *sweep = (mn_sweep){.number = sweep->number + 1, .input = input};
    mark_path(input, loss, sweep->number);
    if (mn_sweep_from(loss) != MN_OK)
        return mn_tape_poison(tape);
    if (input->sweep != sweep->number)
        return mn_zeros(tape, input->value.shape); /* the loss does not depend on it */
    mn_var *gradient = mn_tape_var(tape, input->value.shape, input->gradient.data);
    input->gradient.data = NULL; /* the next sweep must not write what was handed out */
    if (gradient == NULL)
        return mn_tape_poison(tape);
    mn_tensor_lie(&gradient->value, input->value.layout);
    return gradient;
}
