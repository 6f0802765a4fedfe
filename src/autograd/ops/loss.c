/* loss.c -- losses: means over the batch, summed in double, 0 for an empty batch.
 *
 * The shape rule copies labels into the tape's memory, so that the caller's array may go. */
#include "autograd/memory.h"
#include "autograd/node.h"
#include "autograd/plain.h"
#include "autograd/rows.h"
#include "autograd/rules.h"
#include "autograd/sweep.h"

#include <inttypes.h>
#include <mneme/losses.h>
#include <stddef.h>

static float mean_of(double sum, int64_t count)
{
    return count > 0 ? (float)(sum / (double)count) : 0;
}

/* The gradient of each term of a mean, given the gradient of the mean. */
static float gradient_over(const mn_node *node, double factor, int64_t count)
{
    const double gradient = (double)mn_node_dy_item(node);
    return count > 0 ? (float)(gradient * factor / (double)count) : 0;
}

static void put(mn_node *node, float loss)
{
    mn_kernel_fill(1, loss, mn_node_y(node));
}

/* --- mean over all elements of (x - y)^2 --- */

static mn_status mse_shape(mn_node *node, mn_shape *out)
{
    MN_TRY(mn_shape_of_equals(node, out));
    *out = MN_SCALAR;
    return MN_OK;
}

static mn_status mse_forward(mn_node *node)
{
    const int64_t count = mn_node_x_count(node, 0);
    put(node,
        mean_of(mn_kernel_squared_distance(count, mn_node_x(node, 0), mn_node_x(node, 1)), count));
    return MN_OK;
}

static mn_status mse_backward(mn_node *node) /* dx = 2 (x - y) / n dloss, dy = -dx */
{
    const int64_t count = mn_node_x_count(node, 0);
    const float factor = gradient_over(node, 2, count);
    for (int i = 0; i < 2; i++) {
        bool add;
        float *dx = mn_node_sink(node, i, &add);
        if (dx != NULL)
            mn_kernel_difference(count, factor, mn_node_x(node, i), mn_node_x(node, 1 - i), dx,
                                 add);
    }
    return MN_OK;
}

static const mn_op op_mse = {"mse", 0, mse_shape, mse_forward, mse_backward};

mn_var *mn_mse(mn_var *x, mn_var *y)
{
    return mn_rows_apart(mn_apply2(&op_mse, x, y, NULL));
}

/* --- -mean_i log softmax(logits_i over some columns)[label_i] --- */

typedef struct labelled {
    const int32_t *labels; /* (B), in the tape's memory once the shape is known */
    int64_t first, count;  /* columns, */
    bool all;              /* or all of them */
} labelled;

enum { PROBABILITIES }; /* saved: (B,count) */

static mn_status cross_entropy_shape(mn_node *node, mn_shape *out)
{
    labelled *l = node->attributes;
    MN_TRY(mn_check_matrix(node, 0, "logits (B,K)"));
    const mn_shape logits = mn_node_x_shape(node, 0);
    const int64_t rows = logits.size[0], columns = logits.size[1];
    if (l->all)
        l->count = columns;
    if (l->first < 0 || l->count < 0 || l->first > columns - l->count)
        return mn_fail(MN_BAD_SHAPE, "%" PRId64 " columns from %" PRId64 " of %" PRId64, l->count,
                       l->first, columns);
    if (l->labels == NULL && rows > 0)
        return mn_fail(MN_BAD_VALUE, "there are no labels");
    int32_t *own = mn_tape_take(node->output.tape, (size_t)rows * sizeof *own);
    if (own == NULL)
        return MN_NO_MEMORY;
    for (int64_t i = 0; i < rows; i++) {
        const int64_t label = l->labels[i];
        if (label < l->first || label >= l->first + l->count)
            return mn_fail(MN_BAD_VALUE,
                           "row %" PRId64 " has label %" PRId64 "%s, expected %" PRId64
                           " to %" PRId64,
                           i, label, label == -1 ? " (unlabelled; see mn_rows_where)" : "",
                           l->first, l->first + l->count - 1);
        own[i] = l->labels[i];
    }
    l->labels = own;
    *out = MN_SCALAR;
    return MN_OK;
}

static mn_status cross_entropy_forward(mn_node *node)
{
    const labelled *l = node->attributes;
    const mn_shape logits = mn_node_x_shape(node, 0);
    const int64_t rows = logits.size[0];
    float *p = mn_saved_memory(node, PROBABILITIES, MN_F32, rows * l->count);
    if (p == NULL)
        return MN_NO_MEMORY;
    put(node, mean_of(mn_kernel_cross_entropy(rows, logits.size[1], l->first, l->count,
                                              mn_node_x(node, 0), l->labels, p),
                      rows));
    return MN_OK;
}

static mn_status cross_entropy_backward(mn_node *node) /* (softmax - onehot) / B dloss */
{
    const labelled *l = node->attributes;
    const mn_shape logits = mn_node_x_shape(node, 0);
    const int64_t rows = logits.size[0];
    const float *p = mn_saved_memory(node, PROBABILITIES, MN_F32, rows * l->count);
    bool add;
    float *dx = mn_node_sink(node, 0, &add);
    if (dx != NULL)
        mn_kernel_cross_entropy_backward(rows, logits.size[1], l->first, l->count, p, l->labels,
                                         gradient_over(node, 1, rows), dx, add);
    return MN_OK;
}

static const mn_op op_cross_entropy = {"cross_entropy", sizeof(labelled), cross_entropy_shape,
                                       cross_entropy_forward, cross_entropy_backward};
static const mn_op op_cross_entropy_columns = {"cross_entropy_columns", sizeof(labelled),
                                               cross_entropy_shape, cross_entropy_forward,
                                               cross_entropy_backward};

mn_var *mn_cross_entropy(mn_var *logits, const int32_t *labels)
{
    return mn_rows_apart(
        mn_apply1(&op_cross_entropy, logits, &(labelled){.labels = labels, .all = true}));
}

mn_var *mn_cross_entropy_columns(mn_var *logits, const int32_t *labels, int64_t first,
                                 int64_t count)
{
    return mn_rows_apart(
        mn_apply1(&op_cross_entropy_columns, logits, &(labelled){labels, first, count, false}));
}

/* --- T^2 mean_i sum_k p log(p / q): distillation (Hinton et al. 2015, section 2.1) --- */

enum { TEACHER, STUDENT, DIVERGENCES }; /* saved: p (B,K), q (B,K), the rows' divergences (B) */

static mn_status kl_shape(mn_node *node, mn_shape *out)
{
    const double *temperature = mn_node_attributes(node);
    MN_TRY(mn_shape_of_equals(node, out));
    MN_TRY(mn_check_matrix(node, 0, "logits (B,K)"));
    if (!(*temperature > 0))
        return mn_fail(MN_BAD_VALUE, "the temperature is %g, expected one above 0", *temperature);
    *out = MN_SCALAR;
    return MN_OK;
}

static mn_status kl_forward(mn_node *node)
{
    const double temperature = *(const double *)mn_node_attributes(node);
    const mn_shape logits = mn_node_x_shape(node, 0);
    const int64_t rows = logits.size[0], count = mn_node_x_count(node, 0);
    float *p = mn_saved_memory(node, TEACHER, MN_F32, count);
    float *q = mn_saved_memory(node, STUDENT, MN_F32, count);
    float *d = mn_saved_memory(node, DIVERGENCES, MN_F32, rows);
    if (p == NULL || q == NULL || d == NULL)
        return MN_NO_MEMORY;
    const double sum = mn_kernel_kl(rows, logits.size[1], (float)temperature, mn_node_x(node, 0),
                                    mn_node_x(node, 1), p, q, d);
    put(node, mean_of(temperature * temperature * sum, rows));
    return MN_OK;
}

static mn_status kl_backward(mn_node *node)
{
    const double temperature = *(const double *)mn_node_attributes(node);
    const mn_shape logits = mn_node_x_shape(node, 0);
    const int64_t rows = logits.size[0], count = mn_node_x_count(node, 0);
    const float *p = mn_saved_memory(node, TEACHER, MN_F32, count);
    const float *q = mn_saved_memory(node, STUDENT, MN_F32, count);
    const float *d = mn_saved_memory(node, DIVERGENCES, MN_F32, rows);
    const float factor = gradient_over(node, temperature, rows);
    bool add;
    float *dstudent = mn_node_sink(node, 0, &add);
    if (dstudent != NULL)
        mn_kernel_difference(count, factor, q, p, dstudent, add);
    float *dteacher = mn_node_sink(node, 1, &add);
    if (dteacher != NULL)
        mn_kernel_kl_teacher_backward(rows, logits.size[1], factor, p, q, d, dteacher, add);
    return MN_OK;
}

static const mn_op op_kl = {"kl", sizeof(double), kl_shape, kl_forward, kl_backward};

mn_var *mn_kl(mn_var *student, mn_var *teacher, double temperature)
{
    return mn_rows_apart(mn_apply2(&op_kl, student, teacher, &temperature));
}
