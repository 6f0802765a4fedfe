/* backward.c -- the reverse sweep.
 *
 * A sweep has a number.  A gradient whose var carries that number holds this sweep's
 * contributions; any other is stale, and its memory is written anew by the first contribution, so
 * that nothing is ever zeroed just to be added to.  A parameter's gradient lies outside the tape
 * and is added to, unless its owner has forgotten what it held.  The gradient of an op's output is
 * complete when the op's turn comes, and its memory serves the next ones as soon as it is over: a
 * sweep needs room for a few gradients. */
#include "autograd/done.h"
#include "autograd/flips.h"
#include "autograd/node.h"
#include "autograd/profile.h"
#include "base/clock.h"

#include <stddef.h>
#include <string.h>

#ifdef MN_TEST_FLIPS
const char *mn_flip_op;
int mn_flip_input;
static bool flipping; /* only mn_flip_input of the node at hand is wanted */
#define WITHHELD(i) (flipping && (i) != mn_flip_input)
#else
#define WITHHELD(i) false
#endif

static bool wanted(const mn_var *x)
{
    if (x == NULL)
        return false;
    const mn_sweep *sweep = mn_tape_sweep(x->tape);
    return sweep->input != NULL ? x->path == sweep->number : x->to_parameter;
}

/* The parameter's own gradient, or its place in the slab that this sweep writes instead; whether
 * there is something to add to. */
static bool aim_at_parameter(const mn_sweep *sweep, mn_var *x)
{
    x->gradient = *x->parameter;
    if (sweep->from != NULL) {
        const uintptr_t begin = (uintptr_t)sweep->from->data, at = (uintptr_t)x->parameter->data;
        if (at >= begin && at < begin + mn_tensor_bytes(sweep->from)) {
            x->gradient.data = (char *)sweep->to->data + (at - begin);
            return true;
        }
    }
    const bool add = !x->parameter->forgotten;
    x->parameter->forgotten = false;
    return add;
}

static mn_tensor *gradient_memory(mn_var *x, bool *add)
{
    const mn_sweep *sweep = mn_tape_sweep(x->tape);
    *add = true;
    if (x->sweep == sweep->number)
        return &x->gradient;
    x->sweep = sweep->number;
    if (x->parameter != NULL && sweep->input == NULL) {
        *add = aim_at_parameter(sweep, x);
        return &x->gradient;
    }
    *add = false;
    if (x->gradient.data == NULL || x->parameter != NULL) {
        void *data = mn_tape_take(x->tape, mn_tensor_stored_bytes(&x->value));
        if (data == NULL)
            return NULL;
        mn_tensor_place(&x->gradient, MN_F32, x->value.shape, data);
        mn_tensor_lie(&x->gradient, x->value.layout);
    }
    return &x->gradient;
}

float *mn_node_sink(mn_node *node, int i, bool *add)
{
    mn_var *x = node->inputs[i];
    if (!wanted(x) || WITHHELD(i) ||
        (x->parameter != NULL && mn_tape_sweep(x->tape)->rows != MN_ROWS_TOGETHER))
        return NULL;
    const mn_tensor *gradient = gradient_memory(x, add);
    return gradient != NULL ? mn_tensor_floats(gradient) : NULL;
}

mn_tensor *mn_node_input_gradient(mn_node *node, int i)
{
    bool add;
    float *sink = mn_node_sink(node, i, &add);
    if (sink == NULL)
        return NULL;
    if (!add)
        mn_kernel_zero(mn_tensor_stored_bytes(&node->inputs[i]->value), sink);
    return &node->inputs[i]->gradient;
}

static mn_status seed(mn_var *loss)
{
    bool add;
    const mn_tensor *gradient = gradient_memory(loss, &add);
    if (gradient == NULL)
        return mn_tape_status(loss->tape);
    float *one = mn_tensor_floats(gradient);
    if (!add)
        mn_kernel_fill(1, 1, one);
    else /* the loss is itself a parameter */
        mn_kernel_map(MN_FUNCTION_SHIFT, 1, 1, 0, one, one);
    return MN_OK;
}

#ifdef MN_TEST_FLIPS
/* A gradient g was added; adding -2 g leaves -g. */
static mn_status flip(mn_node *node)
{
    if (mn_flip_op == NULL || strcmp(mn_flip_op, node->op->name) != 0)
        return MN_OK;
    float *dy = mn_tensor_floats(&node->output.gradient);
    mn_kernel_axpby(mn_node_y_stored_count(node), -2, dy, 0, dy);
    flipping = true;
    const mn_status status = node->op->backward(node);
    flipping = false;
    mn_kernel_axpby(mn_node_y_stored_count(node), -0.5f, dy, 0, dy);
    return status;
}
#endif

static mn_status backward_of(mn_node *node)
{
    mn_profile *profile = mn_tape_profile_of(node->output.tape);
    const double since = profile != NULL ? mn_now() : 0;
    MN_TRY(node->op->backward(node));
    if (profile != NULL)
        mn_profile_backward(profile, node, since);
    const mn_rows_sweep rows = mn_tape_sweep(node->output.tape)->rows;
    if (rows == MN_ROWS_SQUARED && node->squares != NULL)
        MN_TRY(node->squares(node));
    if (rows == MN_ROWS_MULTIPLIED && node->products != NULL)
        MN_TRY(node->products(node));
#ifdef MN_TEST_FLIPS
    MN_TRY(flip(node));
#endif
    return mn_tape_status(node->output.tape); /* scratch may have run out of memory */
}

/* What the node's own turn and those of its readers needed; a view's memory is its input's. */
static void end_node(mn_node *node)
{
    mn_tape *tape = node->output.tape;
    for (mn_saved *saved = node->saved; saved != NULL; saved = saved->next)
        mn_tape_give(tape, &saved->tensor);
    node->saved = NULL;
    if (node->op->forward != NULL && !node->output.kept)
        mn_tape_give(tape, &node->output.value);
    node->over = true;
}

static mn_status sweep_nodes(const mn_sweep *sweep, mn_var *loss)
{
    for (mn_node *node = loss->maker; node != NULL; node = node->previous) {
        if (node->output.sweep != sweep->number)
            continue;
        const mn_status status =
            node->over ? mn_fail(MN_OUT_OF_ORDER, "the last sweep through it has been made")
                       : backward_of(node);
        if (status != MN_OK) {
            mn_tape_fail(loss->tape, node->op->name, status);
            return status;
        }
        if (&node->output != sweep->input)
            mn_tape_give(loss->tape, &node->output.gradient);
        if (sweep->last)
            end_node(node);
    }
    return MN_OK;
}

mn_status mn_sweep_from(mn_var *loss)
{
    if (!wanted(loss))
        return MN_OK;
    MN_TRY(seed(loss));
    mn_kernels_hold_signals();
    const mn_status status = sweep_nodes(mn_tape_sweep(loss->tape), loss);
    mn_kernels_release_signals();
    return status;
}

void mn_var_keep(mn_var *x)
{
    for (; x != NULL && x->maker != NULL; x = x->maker->inputs[0]) {
        x->kept = true;
        if (x->maker->op->forward != NULL)
            return; /* no view: the memory is its own */
    }
}

mn_status mn_sweep_check(const char *name, const mn_var *loss)
{
    mn_tape *tape = loss->tape;
    char text[64];
    if (mn_tensor_count(&loss->value) != 1)
        mn_tape_fail(tape, name,
                     mn_fail(MN_BAD_SHAPE, "the loss is %s, expected a scalar",
                             mn_shape_text(loss->value.shape, text)));
    else if (!mn_tape_recording(tape))
        mn_tape_fail(tape, name, mn_fail(MN_OUT_OF_ORDER, "the tape is not recording"));
    return mn_tape_status(tape);
}

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
    mn_sweep *sweep = mn_tape_sweep(tape);
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
    mn_sweep *sweep = mn_tape_sweep(tape);
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
