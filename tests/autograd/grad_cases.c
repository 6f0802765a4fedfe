/* grad_cases.c -- the table of gradient cases: at least three shapes of every built-in op. */
#include "tests/autograd/grad.h"

#include "tensor/tensor.h"
#include <math.h>
#include <mneme/losses.h>

/* A shape in an initialiser, where a compound literal may not stand. */
/* clang-format off */
#define S(...) {(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}}
#define SCALAR {0, {0}}
/* clang-format on */

/* build_name(x) applies the op as the expression says. */
#define BUILD(name, expression)                                                                    \
    static mn_var *build_##name(mn_var *const *x)                                                  \
    {                                                                                              \
        return expression;                                                                         \
    }

BUILD(add, mn_add(x[0], x[1]))
BUILD(sub, mn_sub(x[0], x[1]))
BUILD(mul, mn_mul(x[0], x[1]))
BUILD(axpby, mn_axpby(0.7, x[0], -1.6, x[1]))
BUILD(scale, mn_scale(x[0], -2.5))
BUILD(shift, mn_shift(x[0], 0.3))
BUILD(relu, mn_relu(x[0]))
BUILD(leaky_relu, mn_leaky_relu(x[0], 0.2))
BUILD(square, mn_square(x[0]))
BUILD(sqrt, mn_sqrt(x[0]))
BUILD(exp, mn_exp(x[0]))
BUILD(log, mn_log(x[0]))
BUILD(clamp, mn_clamp(x[0], -0.5, 0.6))
BUILD(threshold, mn_threshold(x[0], 0.25))
BUILD(hinge, mn_hinge(x[0], 0.2))
BUILD(matmul, mn_matmul(x[0], x[1]))
BUILD(linear, mn_linear(x[0], x[1], x[2]))
BUILD(linear_without_bias, mn_linear(x[0], x[1], NULL))
BUILD(sum, mn_sum(x[0]))
BUILD(mean, mn_mean(x[0]))
BUILD(row_sum, mn_row_sum(x[0]))
BUILD(row_max, mn_row_max(x[0]))
BUILD(row_top, mn_row_top(x[0], 2))
BUILD(softmax, mn_softmax(x[0]))
BUILD(log_softmax, mn_log_softmax(x[0]))
BUILD(row_normalise, mn_row_normalise(x[0]))
BUILD(cosines, mn_cosines(x[0], x[1]))
BUILD(apart, mn_row_distance(x[0], mn_shift(mn_zeros(mn_tape_of(x[0]), mn_shape_of(x[0])), 2)))
BUILD(reshape, mn_reshape(x[0], MN_SHAPE(mn_shape_count(mn_shape_of(x[0])))))
BUILD(transpose, mn_transpose(x[0]))
BUILD(rows, mn_rows(x[0], mn_rows_of(x[0]) / 3, mn_rows_of(x[0]) / 2))
BUILD(rows_all, mn_rows(x[0], 0, mn_rows_of(x[0])))
BUILD(columns, mn_columns(x[0], 1, mn_shape_of(x[0]).size[1] / 2))
BUILD(concat_rows, mn_concat_rows(x, 3))
BUILD(concat_columns, mn_concat_columns(x, 3))
BUILD(gather_rows, mn_gather_rows(x[0], (int64_t[]){1, 0, 1, 2}, 4))
BUILD(gather_last, mn_gather_rows(x[0], (int64_t[]){mn_rows_of(x[0]) - 1}, 1))
BUILD(gather_none, mn_gather_rows(x[0], NULL, 0))
BUILD(sigmoid, mn_sigmoid(x[0]))
BUILD(softplus, mn_softplus(x[0]))
BUILD(abs, mn_abs(x[0]))
BUILD(binary_cross_entropy, mn_binary_cross_entropy(x[0], x[1]))
BUILD(mse, mn_mse(x[0], x[1]))
BUILD(kl, mn_kl(x[0], x[1], 1))
BUILD(kl_warm, mn_kl(x[0], x[1], 2.5))

static const bool marks[] = {false, true, true, false, true, false, true};
static const bool no_marks[] = {false, false, false};
BUILD(rows_where, mn_rows_where(x[0], marks))
static const bool columns_kept[] = {true, false, true, true, false, false, true};
BUILD(mask_columns, mn_mask_columns(x[0], columns_kept, -2.5))
BUILD(rows_where_none, mn_rows_where(x[0], no_marks))

static mn_var *permuted(mn_var *x)
{
    static const int orders[][4] = {{0}, {0}, {1, 0}, {2, 0, 1}, {0, 2, 3, 1}};
    return mn_permute(x, orders[mn_shape_of(x).rank]);
}
BUILD(permute, permuted(x[0]))
BUILD(broadcast_add, mn_broadcast_add(x[0], x[1]))
BUILD(broadcast_mul, mn_broadcast_mul(x[0], x[1]))
BUILD(sum_first, mn_sum_axis(x[0], 0))
BUILD(sum_second, mn_sum_axis(x[0], 1))
BUILD(mean_first, mn_mean_axis(x[0], 0))
BUILD(mean_second, mn_mean_axis(x[0], 1))
BUILD(variance_first, mn_variance_axis(x[0], 0, false))
BUILD(variance_second, mn_variance_axis(x[0], 1, true))
BUILD(slice, mn_slice(x[0], 1, 1, mn_shape_of(x[0]).size[1] - 2))
BUILD(slice_last, mn_slice(x[0], mn_shape_of(x[0]).rank - 1, 0, 1))
BUILD(concat, mn_concat(x, 3, 1))
BUILD(concat_last, mn_concat(x, 3, mn_shape_of(x[0]).rank - 1))
BUILD(concat_first, mn_concat(x, 3, 0))
BUILD(products, mn_batched_matmul(x[0], x[1], false, false))
BUILD(products_of_transposed, mn_batched_matmul(x[0], x[1], true, false))
BUILD(products_with_transposed, mn_batched_matmul(x[0], x[1], false, true))
BUILD(products_both_transposed, mn_batched_matmul(x[0], x[1], true, true))
BUILD(gelu, mn_gelu(x[0]))
BUILD(gelu_tanh, mn_gelu_tanh(x[0]))
BUILD(layer_norm, mn_layer_norm(x[0], x[1], x[2], 1e-2))
BUILD(layer_norm_bare, mn_layer_norm(x[0], NULL, NULL, 1e-2))
BUILD(row_norm, mn_row_norm(x[0]))
static const bool elements_kept[] = {true, false, true, true, false, false, true, true,
                                     true, false, true, true, false, true,  true};
BUILD(mask_elements, mn_mask_elements(x[0], elements_kept, -2.5))

static const int32_t labels[] = {2, 0, 1, 2, 1, 0, 0, 1, 2};
static const int32_t upper_labels[] = {3, 2, 2, 4, 3};
BUILD(cross_entropy, mn_cross_entropy(x[0], labels))
BUILD(cross_entropy_columns, mn_cross_entropy_columns(x[0], upper_labels, 2, 3))
BUILD(cross_entropy_first, mn_cross_entropy_columns(x[0], labels, 0, 3))

static mn_var *normalised(mn_var *const *x, mn_var *scale, mn_var *shift, mn_norm_mode mode)
{
    static float mean[] = {0.1f, -0.2f, 0.3f, 0.05f, -0.4f, 0.2f, 0.6f};
    static float variance[] = {0.5f, 1.5f, 0.9f, 0.2f, 2.0f, 1.0f, 0.7f};
    static mn_tensor running_mean, running_variance; /* outlive the tape */
    const mn_shape width = MN_SHAPE(mn_shape_of(x[0]).size[1]);
    mn_tensor_place(&running_mean, MN_F32, width, mean);
    mn_tensor_place(&running_variance, MN_F32, width, variance);
    return mn_batch_norm(x[0], scale, shift, &running_mean, &running_variance, mode, 0.1, 1e-2);
}
BUILD(norm_batch, normalised(x, x[1], x[2], MN_NORM_BATCH))
BUILD(norm_frozen, normalised(x, x[1], x[2], MN_NORM_BATCH_FROZEN))
BUILD(norm_bare, normalised(x, NULL, NULL, MN_NORM_BATCH_FROZEN))
BUILD(norm_running, normalised(x, x[1], x[2], MN_NORM_RUNNING))

/* clang-format off */
#define CASE(op, build, n, least, most, ...)                                                       \
    {#op, build_##build, n, {__VA_ARGS__}, least, most, 0, {0}, false}
#define ONE(op, build, least, most, ...)   CASE(op, build, 1, least, most, __VA_ARGS__)
#define TWO(op, build, least, most, ...)   CASE(op, build, 2, least, most, __VA_ARGS__)
#define THREE(op, build, least, most, ...) CASE(op, build, 3, least, most, __VA_ARGS__)
#define KINKED(op, kinks, kink, other, shape)                                                      \
    {#op, build_##op, 1, {shape}, -1, 1, kinks, {kink, other}, false}
#define DISTINCT(op, shape) {#op, build_##op, 1, {shape}, -1, 1, 0, {0}, true}
/* clang-format on */

/* Functions of one number, and of two equal shapes. */
#define EACH(op, least, most)                                                                      \
    ONE(op, op, least, most, S(3, 5)), ONE(op, op, least, most, S(1, 7)),                          \
        ONE(op, op, least, most, S(0, 4)), ONE(op, op, least, most, S(2, 3, 3, 2)),                \
        ONE(op, op, least, most, SCALAR), ONE(op, op, least, most, S(67))
#define EACH_KINKED(op, kinks, kink, other)                                                        \
    KINKED(op, kinks, kink, other, S(3, 5)), KINKED(op, kinks, kink, other, S(1, 7)),              \
        KINKED(op, kinks, kink, other, S(0, 4)), KINKED(op, kinks, kink, other, S(67))
#define PAIR(op)                                                                                   \
    TWO(op, op, -1, 1, S(3, 5), S(3, 5)), TWO(op, op, -1, 1, S(1, 7), S(1, 7)),                    \
        TWO(op, op, -1, 1, S(0, 4), S(0, 4)), TWO(op, op, -1, 1, S(67), S(67))
/* Functions of rows. */
#define ROWS(op, least, most)                                                                      \
    ONE(op, op, least, most, S(3, 5)), ONE(op, op, least, most, S(1, 7)),                          \
        ONE(op, op, least, most, S(0, 4)), ONE(op, op, least, most, S(5, 33))

const grad_case grad_cases[] = {
    PAIR(add),
    PAIR(sub),
    PAIR(mul),
    PAIR(axpby),
    PAIR(mse),
    PAIR(binary_cross_entropy),
    EACH(scale, -1, 1),
    EACH(shift, -1, 1),
    EACH(square, -1, 1),
    EACH(sqrt, 0.5, 2),
    EACH(exp, -1, 1),
    EACH(log, 0.5, 2),
    EACH(sigmoid, -3, 3),
    EACH(softplus, -3, 3),
    EACH(gelu, -3, 3),
    EACH(gelu_tanh, -3, 3),
    EACH(sum, -1, 1),
    EACH(mean, -1, 1),
    EACH_KINKED(relu, 1, 0, 0),
    EACH_KINKED(leaky_relu, 1, 0, 0),
    EACH_KINKED(abs, 1, 0, 0),
    EACH_KINKED(clamp, 2, -0.5, 0.6),
    EACH_KINKED(threshold, 1, 0.25, 0),
    EACH_KINKED(hinge, 1, 0.2, 0),
    ROWS(row_sum, -1, 1),
    DISTINCT(row_max, S(3, 5)),
    DISTINCT(row_max, S(1, 7)),
    DISTINCT(row_max, S(0, 4)),
    DISTINCT(row_max, S(9, 2)),
    DISTINCT(row_max, S(4, 1)),
    DISTINCT(row_top, S(3, 5)),
    DISTINCT(row_top, S(1, 7)),
    DISTINCT(row_top, S(0, 4)),
    DISTINCT(row_top, S(9, 2)),
    ROWS(softmax, -2, 2),
    ROWS(log_softmax, -2, 2),
    ROWS(row_normalise, 0.2, 1),
    ROWS(apart, -1, 1),

    TWO(matmul, matmul, -1, 1, S(3, 5), S(5, 4)),
    TWO(matmul, matmul, -1, 1, S(1, 7), S(7, 1)),
    TWO(matmul, matmul, -1, 1, S(0, 3), S(3, 2)),
    TWO(matmul, matmul, -1, 1, S(2, 0), S(0, 3)),
    TWO(matmul, matmul, -1, 1, S(5, 5), S(5, 5)),
    TWO(matmul, matmul, -1, 1, S(17, 9), S(9, 19)),
    TWO(matmul, cosines, 0.2, 1, S(3, 5), S(4, 5)),
    TWO(matmul, cosines, 0.2, 1, S(1, 9), S(7, 9)),
    THREE(linear, linear, -1, 1, S(3, 5), S(4, 5), S(4)),
    THREE(linear, linear, -1, 1, S(1, 7), S(2, 7), S(2)),
    THREE(linear, linear, -1, 1, S(0, 3), S(2, 3), S(2)),
    THREE(linear, linear, -1, 1, S(11, 17), S(19, 17), S(19)),
    TWO(linear, linear_without_bias, -1, 1, S(3, 5), S(4, 5)),
    THREE(linear, linear, -1, 1, S(2, 3), S(67, 3), S(67)), /* more than a block of columns */

    ONE(reshape, reshape, -1, 1, S(3, 5)),
    ONE(reshape, reshape, -1, 1, S(1, 2, 3)),
    ONE(reshape, reshape, -1, 1, S(0, 4)),
    ONE(reshape, reshape, -1, 1, SCALAR),
    ONE(transpose, transpose, -1, 1, S(3, 5)),
    ONE(transpose, transpose, -1, 1, S(1, 7)),
    ONE(transpose, transpose, -1, 1, S(0, 4)),
    ONE(rows, rows, -1, 1, S(6, 3)),
    ONE(rows, rows, -1, 1, S(7)),
    ONE(rows, rows, -1, 1, S(4, 2, 3)),
    ONE(rows, rows, -1, 1, S(1, 3)),
    ONE(rows, rows, -1, 1, S(0, 3)),
    ONE(rows, rows_all, -1, 1, S(2, 3)),
    ONE(columns, columns, -1, 1, S(3, 5)),
    ONE(columns, columns, -1, 1, S(1, 7)),
    ONE(columns, columns, -1, 1, S(0, 4)),
    ONE(columns, columns, -1, 1, S(4, 2)),
    THREE(concat_rows, concat_rows, -1, 1, S(3, 5), S(1, 5), S(2, 5)),
    THREE(concat_rows, concat_rows, -1, 1, S(3, 5), S(0, 5), S(2, 5)),
    THREE(concat_rows, concat_rows, -1, 1, S(2, 2, 3), S(1, 2, 3), S(4, 2, 3)),
    THREE(concat_rows, concat_rows, -1, 1, S(3), S(3), S(3)),
    THREE(concat_columns, concat_columns, -1, 1, S(3, 5), S(3, 1), S(3, 2)),
    THREE(concat_columns, concat_columns, -1, 1, S(1, 2), S(1, 0), S(1, 3)),
    THREE(concat_columns, concat_columns, -1, 1, S(0, 2), S(0, 1), S(0, 3)),
    THREE(concat_columns, concat_columns, -1, 1, S(2, 2), S(2, 2), S(2, 2)),
    ONE(gather_rows, gather_rows, -1, 1, S(3, 5)),
    ONE(gather_rows, gather_rows, -1, 1, S(5)),
    ONE(gather_rows, gather_rows, -1, 1, S(4, 2, 3)),
    ONE(gather_rows, gather_last, -1, 1, S(1, 7)),
    ONE(gather_rows, gather_none, -1, 1, S(0, 4)),
    ONE(rows_where, rows_where, -1, 1, S(7, 3)),
    ONE(rows_where, rows_where, -1, 1, S(5)),
    ONE(rows_where, rows_where, -1, 1, S(2, 2, 3)),
    ONE(rows_where, rows_where, -1, 1, S(0, 3)),
    ONE(rows_where, rows_where_none, -1, 1, S(3, 4)),

    ONE(softmax, softmax, -2, 2, S(5)),
    ONE(softmax, softmax, -2, 2, S(2, 3, 4)),
    ONE(log_softmax, log_softmax, -2, 2, S(2, 3, 4)),
    ONE(row_norm, row_norm, 0.2, 1, S(3, 5)),
    ONE(row_norm, row_norm, 0.2, 1, S(2, 3, 4)),
    ONE(row_norm, row_norm, 0.2, 1, S(0, 4)),
    ONE(row_norm, row_norm, 0.2, 1, S(7)),
    ONE(permute, permute, -1, 1, S(3, 5)),
    ONE(permute, permute, -1, 1, S(2, 3, 4)),
    ONE(permute, permute, -1, 1, S(2, 3, 4, 5)),
    ONE(permute, permute, -1, 1, S(2, 0, 4)),
    ONE(permute, permute, -1, 1, S(6)),
    TWO(broadcast_add, broadcast_add, -1, 1, S(3, 5), S(5)),
    TWO(broadcast_add, broadcast_add, -1, 1, S(3, 5), S(3, 1)),
    TWO(broadcast_add, broadcast_add, -1, 1, S(2, 3, 4), S(3, 1)),
    TWO(broadcast_add, broadcast_add, -1, 1, S(2, 3, 4), S(2, 1, 4)),
    TWO(broadcast_add, broadcast_add, -1, 1, S(3, 70), S(70)), /* more than a block of columns */
    TWO(broadcast_add, broadcast_add, -1, 1, S(0, 4), S(4)),
    TWO(broadcast_add, broadcast_add, -1, 1, S(2, 3), SCALAR),
    TWO(broadcast_mul, broadcast_mul, -1, 1, S(3, 5), S(5)),
    TWO(broadcast_mul, broadcast_mul, -1, 1, S(3, 5), S(3, 1)),
    TWO(broadcast_mul, broadcast_mul, -1, 1, S(2, 3, 4), S(3, 1)),
    TWO(broadcast_mul, broadcast_mul, -1, 1, S(2, 3, 4, 2), S(2, 1, 4, 1)),
    TWO(broadcast_mul, broadcast_mul, -1, 1, S(0, 4), S(4)),
    TWO(broadcast_mul, broadcast_mul, -1, 1, S(2, 3), S(2, 3)),
    ONE(sum_axis, sum_first, -1, 1, S(3, 5)),
    ONE(sum_axis, sum_first, -1, 1, S(7)),
    ONE(sum_axis, sum_second, -1, 1, S(3, 5)),
    ONE(sum_axis, sum_second, -1, 1, S(2, 3, 70)),
    ONE(sum_axis, sum_second, -1, 1, S(0, 4)),
    ONE(sum_axis, sum_first, -1, 1, S(0, 4)),
    ONE(mean_axis, mean_first, -1, 1, S(3, 5)),
    ONE(mean_axis, mean_second, -1, 1, S(3, 5)),
    ONE(mean_axis, mean_second, -1, 1, S(2, 3, 4)),
    ONE(variance_axis, variance_first, -1, 1, S(3, 5)),
    ONE(variance_axis, variance_second, -1, 1, S(3, 5)),
    ONE(variance_axis, variance_second, -1, 1, S(2, 3, 4)),
    ONE(slice, slice, -1, 1, S(3, 5)),
    ONE(slice, slice, -1, 1, S(2, 4, 3)),
    ONE(slice, slice, -1, 1, S(0, 4, 3)),
    ONE(slice, slice_last, -1, 1, S(2, 4, 3)),
    THREE(concat, concat, -1, 1, S(2, 3, 4), S(2, 1, 4), S(2, 2, 4)),
    THREE(concat, concat_last, -1, 1, S(2, 2, 3), S(2, 2, 1), S(2, 2, 0)),
    THREE(concat, concat_first, -1, 1, S(3, 2), S(0, 2), S(1, 2)),
    TWO(batched_matmul, products, -1, 1, S(2, 3, 4), S(2, 4, 5)),
    TWO(batched_matmul, products, -1, 1, S(0, 3, 4), S(0, 4, 5)),
    TWO(batched_matmul, products_of_transposed, -1, 1, S(2, 4, 3), S(2, 4, 5)),
    TWO(batched_matmul, products_with_transposed, -1, 1, S(3, 3, 4), S(3, 5, 4)),
    TWO(batched_matmul, products_both_transposed, -1, 1, S(2, 4, 3), S(2, 5, 4)),
    THREE(layer_norm, layer_norm, -1, 1, S(3, 5), S(5), S(5)),
    THREE(layer_norm, layer_norm, -1, 1, S(2, 3, 7), S(7), S(7)),
    THREE(layer_norm, layer_norm, -1, 1, S(0, 4), S(4), S(4)),
    THREE(layer_norm, layer_norm, -1, 1, S(3, 70), S(70), S(70)), /* more than a block */
    ONE(layer_norm, layer_norm_bare, -1, 1, S(4, 19)),
    ONE(mask_elements, mask_elements, -1, 1, S(3, 5)),
    ONE(mask_elements, mask_elements, -1, 1, S(2, 2, 3)),
    ONE(mask_elements, mask_elements, -1, 1, S(0, 4)),

    ONE(mask_columns, mask_columns, -1, 1, S(3, 5)),
    ONE(mask_columns, mask_columns, -1, 1, S(1, 7)),
    ONE(mask_columns, mask_columns, -1, 1, S(0, 4)),
    ONE(mask_columns, mask_columns, -1, 1, S(6, 2)),

    ONE(cross_entropy, cross_entropy, -2, 2, S(5, 3)),
    ONE(cross_entropy, cross_entropy, -2, 2, S(1, 7)),
    ONE(cross_entropy, cross_entropy, -2, 2, S(0, 4)),
    ONE(cross_entropy, cross_entropy, -2, 2, S(9, 11)),
    ONE(cross_entropy_columns, cross_entropy_columns, -2, 2, S(5, 7)),
    ONE(cross_entropy_columns, cross_entropy_columns, -2, 2, S(1, 5)),
    ONE(cross_entropy_columns, cross_entropy_columns, -2, 2, S(0, 6)),
    ONE(cross_entropy_columns, cross_entropy_first, -2, 2, S(7, 4)),
    TWO(kl, kl, -2, 2, S(3, 5), S(3, 5)),
    TWO(kl, kl, -2, 2, S(0, 4), S(0, 4)),
    TWO(kl, kl_warm, -2, 2, S(1, 7), S(1, 7)),
    TWO(kl, kl_warm, -2, 2, S(9, 3), S(9, 3)),
    THREE(batch_norm, norm_batch, -1, 1, S(5, 3), S(3), S(3)),
    THREE(batch_norm, norm_batch, -1, 1, S(0, 3), S(3), S(3)),
    THREE(batch_norm, norm_frozen, -1, 1, S(3, 7), S(7), S(7)),
    ONE(batch_norm, norm_bare, -1, 1, S(4, 5)),
    THREE(batch_norm, norm_running, -1, 1, S(1, 7), S(7), S(7)),
    THREE(batch_norm, norm_running, -1, 1, S(4, 3), S(3), S(3)),
    ONE(batch_norm, norm_bare, -1, 1, S(5, 67)), /* more than a block of columns */
};

const int grad_case_count = sizeof grad_cases / sizeof grad_cases[0];
