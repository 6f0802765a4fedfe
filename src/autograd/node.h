/* node.h -- the inside of the tape, for the files that define ops. */
#ifndef MN_AUTOGRAD_NODE_H
#define MN_AUTOGRAD_NODE_H

#include "base/arena.h"
#include "tensor/kernels.h"
#include "tensor/layout.h"
#include "tensor/tensor.h"
#include <mneme/autograd.h>

struct mn_var {
    mn_tape *tape;
    mn_node *maker; /* NULL for what was brought onto the tape or is constant */
    mn_tensor value;
    mn_tensor gradient;   /* its data is NULL until a sweep first adds to it */
    mn_tensor *parameter; /* of a leaf: where backward adds */
    const char *name;     /* of a network's leaf */
    uint64_t sweep;       /* the sweep whose contributions `gradient` holds */
    uint64_t path;        /* the sweep on whose way from input to loss it lies */
    bool to_parameter;    /* a gradient would flow on to a parameter, */
    bool to_input;        /* or to a differentiable input */
    bool kept;            /* its values outlive the last sweep through it */
};

typedef struct mn_saved {
    struct mn_saved *next;
    int slot;
    mn_tensor tensor;
} mn_saved;

struct mn_node {
    mn_var output;
    const mn_op *op;
    mn_node *previous, *next; /* among the nodes that a gradient flows through */
    mn_var **inputs;          /* absent ones are NULL */
    int n;
    void *attributes;
    mn_saved *saved;
    /* Multiplications and additions of its forward, for profiles; backward makes as many for each
     * gradient.  0: so few that memory is the limit. */
    double operations;
    bool over;  /* its last sweep has been: what it needed is gone */
    bool apart; /* row i of the output comes from row i of the inputs alone */
    /* Of an op with parameters: adds, for each of them, the sum over rows of the squares of a row's
     * gradient to mn_node_squares_sink().  NULL: it cannot tell. */
    mn_status (*squares)(mn_node *node);
    /* The same: hands every parameter's to mn_node_add_products(). */
    mn_status (*products)(mn_node *node);
};

/* --- failing: the tape keeps the first message and passes on its poison --- */
mn_var *mn_tape_poison(mn_tape *tape);
/* Records "op: message in scope", the message being mn_error(), unless the tape has failed. */
void mn_tape_fail(mn_tape *tape, const char *op, mn_status status);
void *mn_tape_take(mn_tape *tape, size_t bytes); /* NULL: the tape carries MN_NO_MEMORY */
/* The memory of a value or gradient on the tape that nothing will read any more, for others. */
void mn_tape_give(mn_tape *tape, mn_tensor *tensor);
/* A constant on the tape, of undefined contents when `data` is NULL; NULL when memory ran out. */
mn_var *mn_tape_var(mn_tape *tape, mn_shape shape, void *data);
const mn_arena *mn_tape_arena(const mn_tape *tape);
void mn_tape_append(mn_tape *tape, mn_node *node);
mn_dtype mn_tape_precision_of(const mn_tape *tape);
/* A weight in the layout that a kernel reads, made at most once a step: *fresh says that the caller
 * must fill the memory now.  It is forgotten when any tensor changes.  NULL when memory ran out. */
void *mn_tape_prepared(mn_tape *tape, const void *weight, const mn_layout *layout, bool *fresh);

/* An op without a forward makes a view: its output shares the memory of input 0 and begins at the
 * element that the shape rule writes to the first member of its attributes. */
typedef struct mn_view {
    int64_t offset;
} mn_view;

/* --- profiling (autograd/profile.h) --- */
struct mn_profile *mn_tape_profile_of(const mn_tape *tape); /* NULL: off */
void mn_profile_forward(struct mn_profile *profile, const mn_node *node, double since);
void mn_profile_backward(struct mn_profile *profile, const mn_node *node, double since);

/* --- sweeps --- */
/* Where this sweep's gradient of the i-th input goes, NULL when nobody wants it.  *add is false
 * when nothing was written yet: the caller then writes every element. */
float *mn_node_sink(mn_node *node, int i, bool *add);

/* Gradients of parameters themselves; or the squares of rows' own, summed over rows, at the same
 * place of `to`; or the products of every two rows' own, summed over parameters, `to` (B, B). */
typedef enum mn_rows_sweep { MN_ROWS_TOGETHER, MN_ROWS_SQUARED, MN_ROWS_MULTIPLIED } mn_rows_sweep;

/* What backward works on, kept by the tape between sweeps. */
typedef struct mn_sweep {
    uint64_t number;
    const mn_var *input;   /* of mn_gradient_of(); NULL: parameters' gradients are wanted */
    const mn_tensor *from; /* gradients in this slab go to the same place of `to` */
    mn_tensor *to;
    bool last;          /* through these nodes: each gives its memory back when its turn is over */
    mn_rows_sweep rows; /* `to` takes what rows make of their gradients, and nothing else does */
} mn_sweep;
mn_sweep *mn_tape_sweep(mn_tape *tape);
/* The sweep proper, over what mn_tape_sweep() says. */
mn_status mn_sweep_from(mn_var *loss);
mn_status mn_sweep_check(const char *name, const mn_var *loss);

/* --- rows apart: what mn_backward_squares() and mn_backward_products() may pass through.  Each
 * marks y and returns it --- */
mn_var *mn_rows_apart(mn_var *y);
mn_var *mn_rows_apart_in_matrix(mn_var *y); /* a scalar would mix the rows summed in it */
mn_var *mn_rows_apart_with(mn_var *y, mn_status (*squares)(mn_node *node),
                           mn_status (*products)(mn_node *node));
/* Where the i-th input's squares are added; NULL when nobody wants them. */
float *mn_node_squares_sink(mn_node *node, int i);
/* Adds the products of every two of the rows d (B,columns) that are, row by row, the gradient of
 * the i-th input; with x (B,width) not NULL, that of a weight, d_i x_i^T.  Nothing when nobody
 * wants them.  `slot`: of mn_node_saved(), and the one after it. */
mn_status mn_node_add_products(mn_node *node, int i, int64_t columns, const float *d, int64_t width,
                               const float *x, int slot);

/* --- shorthands of the op files --- */
static inline mn_shape mn_node_x_shape(const mn_node *node, int i)
{
    return node->inputs[i]->value.shape;
}
static inline const float *mn_node_x(const mn_node *node, int i)
{
    return node->inputs[i] != NULL ? mn_tensor_floats(&node->inputs[i]->value) : NULL;
}
static inline float *mn_node_y(const mn_node *node)
{
    return mn_tensor_floats(&node->output.value);
}
static inline const float *mn_node_dy(const mn_node *node)
{
    return mn_tensor_floats(&node->output.gradient);
}
static inline int64_t mn_node_y_count(const mn_node *node)
{
    return mn_tensor_count(&node->output.value);
}
/* With what pads the layout. */
static inline int64_t mn_node_y_stored_count(const mn_node *node)
{
    return mn_tensor_stored_count(&node->output.value);
}
static inline int64_t mn_node_x_count(const mn_node *node, int i)
{
    return mn_tensor_count(&node->inputs[i]->value);
}
/* A scalar output's gradient, read because it becomes a kernel's factor. */
static inline float mn_node_dy_item(const mn_node *node)
{
    float item;
    mn_kernel_download(&item, node->output.gradient.data, sizeof item);
    return item;
}
/* The memory of mn_node_saved(); NULL when memory ran out. */
static inline void *mn_saved_memory(mn_node *node, int slot, mn_dtype dtype, int64_t count)
{
    const mn_tensor *saved = mn_node_saved(node, slot, dtype, MN_SHAPE(count));
    return saved != NULL ? saved->data : NULL;
}
/* Elements of one row, an entry of axis 0. */
static inline int64_t mn_row_count(mn_shape shape)
{
    shape.size[0] = 1;
    return mn_shape_count(shape);
}
/* Shape rules: the output is like input 0; inputs 0 and 1 are equal; input 0 has rows; input i is
 * a matrix. */
mn_status mn_shape_like_input(mn_node *node, mn_shape *out);
mn_status mn_shape_of_equals(mn_node *node, mn_shape *out);
mn_status mn_check_rows(const mn_node *node);
mn_status mn_check_matrix(const mn_node *node, int i, const char *expected);
/* mn_apply() for one or two operands. */
mn_var *mn_apply1(const mn_op *op, mn_var *x, const void *attributes);
mn_var *mn_apply2(const mn_op *op, mn_var *x, mn_var *y, const void *attributes);

/* --- layouts: mn_apply() gives an op plain inputs alone --- */
/* For an op that works on the inputs' own layouts.  Its shape rule may write the output's layout to
 * node->output.value.layout; a gradient always has the layout of its value. */
mn_var *mn_apply_laid_out(const mn_op *op, mn_var *const *inputs, int n, const void *attributes);
/* The same values in that layout (NULL: plain), by an op where they lie otherwise. */
mn_var *mn_in_layout(mn_var *x, const mn_layout *layout);
mn_var *mn_in_f32(mn_var *x); /* where x lies, but for the type of its elements */
/* For elementwise ops that map 0 to 0, whose output lies as their inputs do; and their rules. */
mn_status mn_laid_out_like_input(mn_node *node, mn_shape *out);
mn_status mn_laid_out_of_equals(mn_node *node, mn_shape *out);
mn_var *mn_apply1_laid_out(const mn_op *op, mn_var *x, const void *attributes);
mn_var *mn_apply2_laid_out(const mn_op *op, mn_var *x, mn_var *y, const void *attributes);

#endif
