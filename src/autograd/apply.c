/* apply.c -- carrying out one op, and what its functions see of it.
 *
 * A node, its list of inputs and its attributes are one piece of the arena; the output's elements
 * are another.  Only nodes through which a gradient may flow are kept in the tape's list. */
#include "autograd/apply.h"
#include "autograd/memory.h"
#include "autograd/profile.h"
#include "autograd/tape.h"
#include "base/clock.h"

#include <stddef.h>
#include <string.h>

static size_t aligned(size_t bytes)
{
    const size_t alignment = _Alignof(max_align_t);
    return (bytes + alignment - 1) / alignment * alignment;
}

static mn_node *node_new(mn_tape *tape, const mn_op *op, mn_var *const *inputs, int n,
                         const void *attributes)
{
    const size_t list_at = aligned(sizeof(mn_node));
    const size_t attributes_at = aligned(list_at + (size_t)n * sizeof(mn_var *));
    char *memory = mn_tape_take(tape, attributes_at + op->attributes_bytes);
    if (memory == NULL)
        return NULL;
    mn_node *node = (mn_node *)(void *)memory;
    *node = (mn_node){.op = op, .n = n, .output.tape = tape};
    node->inputs = (mn_var **)(void *)(memory + list_at);
    node->attributes = memory + attributes_at;
    memcpy(node->inputs, inputs, (size_t)n * sizeof(mn_var *));
    if (op->attributes_bytes > 0)
        memcpy(node->attributes, attributes, op->attributes_bytes);
    return node;
}

static mn_status check_operands(const mn_tape *tape, mn_var *const *inputs, int n)
{
    for (int i = 0; i < n; i++) {
        if (inputs[i] != NULL && inputs[i]->tape != tape)
            return mn_fail(MN_BAD_VALUE, "operand %d is on another tape", i + 1);
        if (inputs[i] != NULL && inputs[i]->value.data == NULL)
            return mn_fail(
                MN_OUT_OF_ORDER,
                "operand %d is gone: it was released, or the last sweep through it has been made",
                i + 1);
    }
    return MN_OK;
}

/* Input 0 is there in every op; rules that allow an absent one look for themselves. */
static mn_status begin(mn_tape *tape, const mn_op *op, mn_var *const *inputs, int n,
                       const void *attributes, mn_node **node, mn_shape *shape)
{
    MN_TRY(check_operands(tape, inputs, n));
    if (op->forward == NULL && op->attributes_bytes < sizeof(mn_view))
        return mn_fail(MN_BAD_VALUE, "the op has no forward");
    if (inputs[0] == NULL)
        return mn_fail(MN_BAD_VALUE, "operand 1 is absent");
    *node = node_new(tape, op, inputs, n, attributes);
    if (*node == NULL)
        return mn_tape_status(tape);
    MN_TRY(op->shape(*node, shape));
    return mn_shape_check(*shape);
}

/* Notes that a gradient may flow through the node, when it may. */
static void record(mn_tape *tape, mn_node *node)
{
    if (!mn_tape_recording(tape) || node->op->backward == NULL)
        return;
    mn_var *output = &node->output;
    for (int i = 0; i < node->n; i++) {
        const mn_var *x = node->inputs[i];
        output->to_parameter |= x != NULL && x->to_parameter;
        output->to_input |= x != NULL && x->to_input;
    }
    if (!output->to_parameter && !output->to_input)
        return;
    output->maker = node;
    node->previous = tape->last;
    if (tape->last != NULL)
        tape->last->next = node;
    tape->last = node;
}

/* The shape rule may have chosen a layout. */
static void place_output(mn_tensor *value, mn_shape shape)
{
    const mn_layout *layout = value->layout;
    mn_tensor_place(value, MN_F32, shape, NULL);
    mn_tensor_lie(value, layout);
}

/* The memory of the output: the input's own for a view, else new. */
static void *output_memory(mn_tape *tape, const mn_node *node)
{
    if (node->op->forward != NULL)
        return mn_tape_take(tape, mn_tensor_stored_bytes(&node->output.value));
    const mn_view *view = node->attributes;
    return mn_tensor_floats(&node->inputs[0]->value) + view->offset;
}

static mn_status forward_of(mn_node *node)
{
    mn_profile *profile = node->output.tape->profile;
    const double since = profile != NULL ? mn_now() : 0;
    const mn_status status = node->op->forward(node);
    if (profile != NULL)
        mn_profile_forward(profile, node, since);
    return status;
}

mn_var *mn_apply_laid_out(const mn_op *op, mn_var *const *inputs, int n, const void *attributes)
{
    mn_tape *tape = mn_tape_of_any(inputs, n);
    if (tape == NULL || mn_tape_status(tape) != MN_OK)
        return mn_tape_poison(tape);
    mn_node *node = NULL;
    mn_shape shape = MN_SCALAR;
    mn_status status = begin(tape, op, inputs, n, attributes, &node, &shape);
    if (status == MN_OK) {
        place_output(&node->output.value, shape);
        node->output.value.data = output_memory(tape, node);
        if (node->output.value.data == NULL)
            return mn_tape_poison(tape);
        node->output.own = op->forward != NULL;
        status = op->forward != NULL ? forward_of(node) : MN_OK;
    }
    if (status != MN_OK)
        mn_tape_fail(tape, op->name, status);
    if (mn_tape_status(tape) != MN_OK)
        return mn_tape_poison(tape);
    record(tape, node);
    return &node->output;
}

mn_var *mn_apply1_laid_out(const mn_op *op, mn_var *x, const void *attributes)
{
    return mn_apply_laid_out(op, &x, 1, attributes);
}

/* --- what an op's functions see --- */

int mn_node_inputs(const mn_node *node)
{
    return node->n;
}

const void *mn_node_attributes(const mn_node *node)
{
    return node->attributes;
}

const mn_tensor *mn_node_input(const mn_node *node, int i)
{
    return node->inputs[i] != NULL ? &node->inputs[i]->value : NULL;
}

mn_tensor *mn_node_output(mn_node *node)
{
    return &node->output.value;
}

const mn_tensor *mn_node_output_gradient(const mn_node *node)
{
    return &node->output.gradient;
}

mn_tensor *mn_node_saved(mn_node *node, int slot, mn_dtype dtype, mn_shape shape)
{
    for (mn_saved *saved = node->saved; saved != NULL; saved = saved->next)
        if (saved->slot == slot)
            return &saved->tensor;
    mn_tape *tape = node->output.tape;
    mn_saved *saved = mn_tape_take(tape, sizeof *saved);
    void *data = mn_tape_take(tape, (size_t)mn_shape_count(shape) * mn_dtype_bytes(dtype));
    if (saved == NULL || data == NULL)
        return NULL;
    *saved = (mn_saved){.next = node->saved, .slot = slot};
    mn_tensor_place(&saved->tensor, dtype, shape, data);
    node->saved = saved;
    return &saved->tensor;
}
