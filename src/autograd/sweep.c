/* sweep.c -- the reverse sweep.
 *
 * A sweep has a number.  A gradient whose var carries that number holds this sweep's
 * contributions; any other is stale, and its memory is written anew by the first contribution, so
 * that nothing is ever zeroed just to be added to.  A parameter's gradient lies outside the tape
 * and is added to, unless its owner has forgotten what it held.  The gradient of an op's output is
 * complete when the op's turn comes, and its memory serves the next ones as soon as it is over: a
 * sweep needs room for a few gradients. */
#include "autograd/sweep.h"
#include "autograd/memory.h"
#include "autograd/profile.h"
#include "autograd/tape.h"
#include "base/clock.h"
#include "tensor/kernels.h"

#include <string.h>

#ifdef MN_TEST_FLIPS
const char *mn_flip_op;
int mn_flip_input;
static bool flipping; /* only mn_flip_input of the node at hand is wanted */
#define WITHHELD(i) (flipping && (i) != mn_flip_input)
#define MN_FLIPS    (mn_flip_op != NULL) /* the gradient is needed once more */
#else
#define WITHHELD(i) false
#define MN_FLIPS    false
#endif

static bool wanted(const mn_var *x)
{
    if (x == NULL)
        return false;
    const mn_sweep *sweep = &x->tape->sweep;
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
    const mn_sweep *sweep = &x->tape->sweep;
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
        (x->parameter != NULL && x->tape->sweep.rows != MN_ROWS_TOGETHER))
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

bool mn_node_hand_over(mn_node *node, int i)
{
    mn_var *x = node->inputs[i];
    mn_tensor *from = &node->output.gradient;
    const mn_sweep *sweep = &x->tape->sweep;
    if (MN_FLIPS || !wanted(x) || x->parameter != NULL || x->sweep == sweep->number ||
        &node->output == sweep->input || x->value.layout != NULL || from->layout != NULL)
        return false;
    x->sweep = sweep->number;
    mn_tape_give(x->tape, &x->gradient);
    mn_tensor_place(&x->gradient, MN_F32, x->value.shape, from->data);
    from->data = NULL;
    return true;
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
    mn_profile *profile = node->output.tape->profile;
    const double since = profile != NULL ? mn_now() : 0;
    MN_TRY(node->op->backward(node));
    if (profile != NULL)
        mn_profile_backward(profile, node, since);
    const mn_rows_sweep rows = node->output.tape->sweep.rows;
    if (rows == MN_ROWS_SQUARED && node->squares != NULL)
        MN_TRY(node->squares(node));
    if (rows == MN_ROWS_MULTIPLIED && node->products != NULL)
        MN_TRY(node->products(node));
#ifdef MN_TEST_FLIPS
    MN_TRY(flip(node));
#endif
    return mn_tape_status(node->output.tape); /* scratch may have run out of memory */
}

/* Frees what only this node's backward and its readers needed.  A view owns no memory. */
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
    mn_kernels_begin();
    const mn_status status = sweep_nodes(&loss->tape->sweep, loss);
    mn_kernels_end();
    return status;
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
