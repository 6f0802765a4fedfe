/* node.h -- a value on the tape and the op that made it, for the files that define ops. */
#ifndef MN_AUTOGRAD_NODE_H
#define MN_AUTOGRAD_NODE_H

#include "tensor/kernels.h"
#include "tensor/layout_kernels.h"
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
    bool kept;            /* its values outlive the last sweep through it, and mn_release() */
    bool own;             /* no other value lies in its memory, unless it is a view of this one */
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

/* An op without a forward makes a view: its output shares the memory of input 0 and begins at the
 * element that the shape rule writes to the first member of its attributes. */
typedef struct mn_view {
    int64_t offset;
} mn_view;

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

#endif
