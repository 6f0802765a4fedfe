/* What the built-in ops compute, what they refuse, and what they make of empty batches.  Their
 * gradients are the business of grad.c. */
#include "tests/suite.h"

#include <math.h>
#include <mneme/image_ops.h>
#include <mneme/losses.h>
#include <string.h>

static mn_tape *tape;

static void set_up(void)
{
    mn_tape_free(tape);
    ck_assert_ok(mn_tape_new(&tape));
}

static mn_var *input(mn_shape shape, const float *elements)
{
    return mn_input(tape, shape, elements, false);
}

static void ck_var(mn_var *x, mn_shape shape, const float *expected)
{
    ck_assert_msg(mn_tape_status(tape) == MN_OK, "%s", mn_tape_error(tape));
    ck_assert(mn_shape_equal(mn_shape_of(x), shape));
    for (int64_t i = 0; i < mn_shape_count(shape); i++)
        ck_assert_msg(fabsf(mn_host(x)[i] - expected[i]) < 1e-5f, "element %d: %g, expected %g",
                      (int)i, (double)mn_host(x)[i], (double)expected[i]);
}

static void ck_refused(mn_var *x, mn_status status, const char *text)
{
    (void)x;
    ck_assert_int_eq(mn_tape_status(tape), status);
    ck_assert_str_eq(mn_tape_error(tape), text);
    mn_tape_reset(tape);
}

START_TEST(elementwise_functions_have_their_textbook_values)
{
    set_up();
    const mn_shape four = MN_SHAPE(4);
    mn_var *x = input(four, (float[]){-2, -0.5f, 0, 3}), *y = input(four, (float[]){1, 2, 4, 9});
    ck_var(mn_add(x, y), four, (float[]){-1, 1.5f, 4, 12});
    ck_var(mn_sub(x, y), four, (float[]){-3, -2.5f, -4, -6});
    ck_var(mn_mul(x, y), four, (float[]){-2, -1, 0, 27});
    ck_var(mn_axpby(2, x, -1, y), four, (float[]){-5, -3, -4, -3});
    ck_var(mn_scale(x, 3), four, (float[]){-6, -1.5f, 0, 9});
    ck_var(mn_shift(x, 3), four, (float[]){1, 2.5f, 3, 6});
    ck_var(mn_relu(x), four, (float[]){0, 0, 0, 3});
    ck_var(mn_leaky_relu(x, 0.1), four, (float[]){-0.2f, -0.05f, 0, 3});
    ck_var(mn_square(x), four, (float[]){4, 0.25f, 0, 9});
    ck_var(mn_sqrt(y), four, (float[]){1, sqrtf(2), 2, 3});
    ck_var(mn_exp(x), four, (float[]){expf(-2), expf(-0.5f), 1, expf(3)});
    ck_var(mn_log(y), four, (float[]){0, logf(2), logf(4), logf(9)});
    ck_var(mn_clamp(x, -1, 1), four, (float[]){-1, -0.5f, 0, 1});
    ck_var(mn_hinge(x, 1), four, (float[]){3, 1.5f, 1, 0});
}
END_TEST

START_TEST(a_nan_is_never_hidden)
{
    set_up();
    mn_var *x = input(MN_SHAPE(1, 2), (float[]){1, NAN});
    mn_var *const all[] = {mn_sum(mn_relu(x)),
                           mn_sum(mn_leaky_relu(x, 0)),
                           mn_sum(mn_clamp(x, 0, 1)),
                           mn_sum(mn_hinge(x, 1)),
                           mn_sum(mn_row_max(x)),
                           mn_sum(mn_softmax(x)),
                           mn_sum(mn_log_softmax(x)),
                           mn_cross_entropy(x, (int32_t[]){0}),
                           mn_kl(x, x, 1),
                           mn_mse(x, x),
                           mn_sum(mn_row_normalise(x))};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ck_assert_msg(isnan(mn_item(all[i])), "op %d hides a NaN", (int)i);
    ck_assert_int_eq(mn_tape_status(tape), MN_OK); /* looking for NaNs is the runner's */
}
END_TEST

START_TEST(row_functions_have_their_textbook_values)
{
    set_up();
    mn_var *x = input(MN_SHAPE(2, 3), (float[]){1, 2, 3, -1, 4, 0});
    ck_var(mn_row_sum(x), MN_SHAPE(2), (float[]){6, 3});
    ck_var(mn_row_max(x), MN_SHAPE(2), (float[]){3, 4});
    ck_var(mn_sum(x), MN_SCALAR, (float[]){9});
    ck_var(mn_mean(x), MN_SCALAR, (float[]){1.5f});
    const float p[] = {0.09003057f, 0.24472847f, 0.66524096f,
                       0.00657327f, 0.97555875f, 0.01786798f};
    ck_var(mn_softmax(x), MN_SHAPE(2, 3), p);
    ck_var(mn_exp(mn_log_softmax(x)), MN_SHAPE(2, 3), p);
    mn_var *unit = mn_row_normalise(input(MN_SHAPE(2, 2), (float[]){3, 4, 0, 0}));
    ck_var(unit, MN_SHAPE(2, 2), (float[]){0.6f, 0.8f, 0, 0});
}
END_TEST

/* The second row differs from its own by a rounding of each element, the third is equal. */
START_TEST(rounding_is_no_distance_and_has_no_gradient)
{
    set_up();
    const mn_shape shape = MN_SHAPE(4, 2);
    const float a = 0.7f, b = -2.3f;
    const float of_x[] = {4, 5, nextafterf(a, 1), nextafterf(b, 0), a, b, 0.01f, 0};
    mn_var *x = mn_input(tape, shape, of_x, true);
    mn_var *y = input(shape, (float[]){1, 1, a, b, a, b, 0, 0});
    mn_var *distance = mn_row_distance(x, y);
    ck_var(distance, MN_SHAPE(4), (float[]){5, 0, 0, 0.01f});
    ck_assert_double_eq((double)mn_host(distance)[1], 0);
    ck_var(mn_gradient_of(mn_sum(distance), x), shape, (float[]){0.6f, 0.8f, 0, 0, 0, 0, 1, 0});
}
END_TEST

START_TEST(softmax_survives_large_numbers)
{
    set_up();
    mn_var *x = input(MN_SHAPE(1, 3), (float[]){1000, 0, -1000});
    ck_var(mn_softmax(x), MN_SHAPE(1, 3), (float[]){1, 0, 0});
    ck_var(mn_log_softmax(x), MN_SHAPE(1, 3), (float[]){0, -1000, -2000});
    ck_assert_double_eq(mn_item(mn_cross_entropy(x, (int32_t[]){2})), 2000);
    ck_assert_double_eq(mn_item(mn_kl(x, x, 1)), 0);
}
END_TEST

/* Long rows are made by loops of vectors, with an exponential of our own. */
START_TEST(a_softmax_of_any_length_is_exact_and_what_is_masked_has_no_share)
{
    enum { MOST = 131 };
    set_up();
    for (int columns = 1; columns <= MOST; columns++) {
        float x[2 * MOST];
        for (int j = 0; j < 2 * columns; j++)
            x[j] = (float)(3 * sin(7.0 * j)) - (j < columns ? 50 : -1000);
        x[0] = columns > 1 ? -INFINITY : x[0];
        mn_var *rows = input(MN_SHAPE(2, columns), x);
        const float *p = mn_host(mn_softmax(rows)), *log_p = mn_host(mn_log_softmax(rows));
        for (int i = 0; i < 2 * columns; i += columns) {
            double sum = 0;
            for (int j = i; j < i + columns; j++)
                sum += exp((double)(x[j] - x[i + columns - 1]));
            for (int j = i; j < i + columns; j++) {
                const double of_log = (double)(x[j] - x[i + columns - 1]) - log(sum);
                ck_assert_msg(fabs((double)p[j] - exp(of_log)) < 1e-6 * exp(of_log) + 1e-30,
                              "%d columns: %g, expected %g", columns, (double)p[j], exp(of_log));
                ck_assert(isinf(x[j])
                              ? isinf(log_p[j])
                              : fabs((double)log_p[j] - of_log) < 2e-6 * (1 + fabs(of_log)));
            }
        }
        ck_assert(columns == 1 || p[0] == 0);
        mn_tape_reset(tape);
    }
}
END_TEST

START_TEST(losses_have_their_textbook_values)
{
    set_up();
    mn_var *x = input(MN_SHAPE(2, 3), (float[]){1, 2, 3, -1, 4, 0});
    mn_var *y = input(MN_SHAPE(2, 3), (float[]){0, 2, 5, 0, 0, 0});
    ck_assert_double_eq_tol(mn_item(mn_mse(x, y)), (1 + 4 + 1 + 16) / 6.0, 1e-6);
    const int32_t labels[] = {2, 0};
    ck_assert_double_eq_tol(mn_item(mn_cross_entropy(x, labels)),
                            -(log(0.66524096) + log(0.00657327)) / 2, 1e-5);
    const int32_t upper[] = {2, 1};
    const double first = log(1 + exp(-1.0)), second = log(1 + exp(-4.0));
    ck_assert_double_eq_tol(mn_item(mn_cross_entropy_columns(x, upper, 1, 2)), (first + second) / 2,
                            1e-6);
    double divergence = 0; /* T = 2, teacher y, by the definition */
    const double a[2][3] = {{1, 2, 3}, {-1, 4, 0}}, b[2][3] = {{0, 2, 5}, {0, 0, 0}};
    for (int i = 0; i < 2; i++) {
        double of_a = 0, of_b = 0;
        for (int k = 0; k < 3; k++) {
            of_a += exp(a[i][k] / 2);
            of_b += exp(b[i][k] / 2);
        }
        for (int k = 0; k < 3; k++) {
            const double p = exp(b[i][k] / 2) / of_b, q = exp(a[i][k] / 2) / of_a;
            divergence += 4 * p * log(p / q) / 2;
        }
    }
    ck_assert_double_eq_tol(mn_item(mn_kl(x, y, 2)), divergence, 1e-5);
}
END_TEST

START_TEST(parts_and_shapes_hold_the_right_elements)
{
    set_up();
    mn_var *x = input(MN_SHAPE(3, 2), (float[]){1, 2, 3, 4, 5, 6});
    ck_var(mn_reshape(x, MN_SHAPE(2, 3)), MN_SHAPE(2, 3), (float[]){1, 2, 3, 4, 5, 6});
    ck_var(mn_transpose(x), MN_SHAPE(2, 3), (float[]){1, 3, 5, 2, 4, 6});
    ck_var(mn_rows(x, 1, 2), MN_SHAPE(2, 2), (float[]){3, 4, 5, 6});
    ck_var(mn_columns(x, 1, 1), MN_SHAPE(3, 1), (float[]){2, 4, 6});
    ck_var(mn_concat_rows((mn_var *[]){x, mn_rows(x, 0, 1)}, 2), MN_SHAPE(4, 2),
           (float[]){1, 2, 3, 4, 5, 6, 1, 2});
    ck_var(mn_concat_columns((mn_var *[]){x, mn_columns(x, 0, 1)}, 2), MN_SHAPE(3, 3),
           (float[]){1, 2, 1, 3, 4, 3, 5, 6, 5});
    int64_t index[] = {2, 0, 2};
    mn_var *gathered = mn_gather_rows(x, index, 3);
    index[0] = -7; /* it was copied */
    ck_var(gathered, MN_SHAPE(3, 2), (float[]){5, 6, 1, 2, 5, 6});
    ck_var(mn_rows_where(x, (bool[]){true, false, true}), MN_SHAPE(2, 2), (float[]){1, 2, 5, 6});
    ck_var(mn_linear(x, input(MN_SHAPE(1, 2), (float[]){10, 1}), input(MN_SHAPE(1), (float[]){5})),
           MN_SHAPE(3, 1), (float[]){17, 39, 61});
    ck_assert_int_eq(mn_rows_of(x), 3);
}
END_TEST

/* Everything a loss is made of, on batches without a row. */
START_TEST(an_empty_batch_costs_nothing_and_harms_nothing)
{
    set_up();
    mn_tensor *w, *dw, *statistic;
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(4, 3), &w));
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(4, 3), &dw));
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(4), &statistic));
    mn_var *x = input(MN_SHAPE(0, 3), NULL), *y = mn_linear(x, mn_leaf(tape, w, dw), NULL);
    y = mn_batch_norm(y, NULL, NULL, statistic, statistic, MN_NORM_BATCH, 0.1, 1e-5);
    mn_var *const losses[] = {mn_cross_entropy(y, NULL),
                              mn_cross_entropy_columns(y, NULL, 1, 2),
                              mn_mse(y, mn_zeros(tape, MN_SHAPE(0, 4))),
                              mn_kl(y, mn_zeros(tape, MN_SHAPE(0, 4)), 2),
                              mn_mean(mn_row_max(mn_softmax(y))),
                              mn_sum(mn_row_sum(mn_log_softmax(mn_relu(y)))),
                              mn_sum(mn_row_normalise(mn_rows_where(y, NULL))),
                              mn_sum(mn_matmul(mn_transpose(y), y))};
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        ck_assert_msg(mn_tape_status(tape) == MN_OK, "%s", mn_tape_error(tape));
        ck_assert_double_eq(mn_item(losses[i]), 0);
        ck_assert_ok(mn_backward(losses[i]));
    }
    ck_assert_double_eq(mn_tensor_norm(dw), 0);
    ck_assert_double_eq(mn_tensor_norm(statistic), 0);
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tensor_free(statistic);
}
END_TEST

START_TEST(axes_that_are_not_there_are_refused)
{
    set_up();
    const mn_shape shape = MN_SHAPE(2, 3);
    const char *along = "sum_axis: axis 2 of (2,3), expected 0 to 1";
    ck_refused(mn_sum_axis(mn_zeros(tape, shape), 2), MN_BAD_SHAPE, along);
    ck_refused(mn_mean_axis(mn_zeros(tape, MN_SHAPE(2, 0)), 1), MN_BAD_SHAPE,
               "mean_axis: 0 along axis 1, expected at least 1");
    ck_refused(mn_variance_axis(mn_zeros(tape, MN_SHAPE(2, 1)), 1, true), MN_BAD_SHAPE,
               "variance_axis: 1 along axis 1, expected at least 2");
    ck_refused(mn_permute(mn_zeros(tape, shape), (int[]){1, 1}), MN_BAD_SHAPE,
               "permute: axis 1 is named twice");
    ck_refused(mn_permute(mn_zeros(tape, shape), (int[]){0, 2}), MN_BAD_SHAPE,
               "permute: axis 2 of (2,3), expected 0 to 1");
    ck_refused(mn_slice(mn_zeros(tape, shape), 1, 2, 2), MN_BAD_SHAPE,
               "slice: 2 entries from 2 of 3");
    ck_refused(mn_slice(mn_zeros(tape, shape), -1, 0, 1), MN_BAD_SHAPE,
               "slice: axis -1 of (2,3), expected 0 to 1");
    ck_refused(mn_concat((mn_var *[]){mn_zeros(tape, shape), mn_zeros(tape, MN_SHAPE(3, 3))}, 2, 1),
               MN_BAD_SHAPE, "concat: (2,3) vs (3,3)");
    ck_refused(mn_broadcast_add(mn_zeros(tape, shape), mn_zeros(tape, MN_SHAPE(2))), MN_BAD_SHAPE,
               "broadcast_add: (2) along (2,3), expected for each axis its size or 1");
    ck_refused(mn_broadcast_mul(mn_zeros(tape, MN_SHAPE(3)), mn_zeros(tape, shape)), MN_BAD_SHAPE,
               "broadcast_mul: (2,3) along (3), expected for each axis its size or 1");
    ck_refused(mn_batched_matmul(mn_zeros(tape, shape), mn_zeros(tape, shape), false, false),
               MN_BAD_SHAPE, "batched_matmul: (2,3), expected (G,M,K) and (G,K,N)");
    ck_refused(mn_layer_norm(mn_zeros(tape, shape), mn_zeros(tape, MN_SHAPE(2)), NULL, 1e-5),
               MN_BAD_SHAPE, "layer_norm: the scale is (2), expected (3)");
    ck_refused(mn_mask_elements(mn_zeros(tape, shape), NULL, 0), MN_BAD_VALUE,
               "mask_elements: there are no marks");
    ck_refused(mn_softmax(mn_zeros(tape, MN_SCALAR)), MN_BAD_SHAPE,
               "softmax: a scalar has no rows");
}
END_TEST

START_TEST(a_row_of_zeros_has_length_0_and_no_slope)
{
    set_up();
    const float rows[] = {0, 0, 3, 4};
    mn_var *x = mn_input(tape, MN_SHAPE(2, 2), rows, true), *length = mn_row_norm(x);
    ck_assert_double_eq((double)mn_host(length)[0], 0);
    ck_assert_double_eq((double)mn_host(length)[1], 5);
    const float *slope = mn_host(mn_gradient_of(mn_sum(length), x));
    const float expected[] = {0, 0, 0.6f, 0.8f};
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq_tol((double)slope[i], (double)expected[i], 1e-6);
}
END_TEST

START_TEST(what_is_dropped_depends_on_the_key_alone)
{
    enum { COUNT = 4000 };
    set_up();
    const mn_key key = mn_key_of(3, "drop"), other = mn_key_of(4, "drop");
    mn_var *x = mn_shift(mn_zeros(tape, MN_SHAPE(COUNT / 4, 4)), 1);
    const float *once = mn_host(mn_dropout(x, 0.25, key));
    const float *again = mn_host(mn_dropout(x, 0.25, key));
    const float *differently = mn_host(mn_dropout(x, 0.25, other));
    int dropped = 0, differing = 0;
    for (int i = 0; i < COUNT; i++) {
        dropped += once[i] == 0;
        differing += once[i] != differently[i];
        ck_assert_double_eq((double)once[i], (double)again[i]);
        ck_assert(once[i] == 0 || fabs((double)once[i] - 4.0 / 3) < 1e-6);
    }
    ck_assert_int_gt(dropped, COUNT / 5);
    ck_assert_int_lt(dropped, COUNT * 3 / 10);
    ck_assert_int_gt(differing, COUNT / 4);
    const float *rows = mn_host(mn_drop_rows(x, 0.5, key));
    for (int i = 0; i < COUNT; i++)
        ck_assert_double_eq((double)rows[i], (double)rows[i / 4 * 4]);
    ck_assert_ptr_eq(mn_dropout(x, 0, key), x);
    ck_refused(mn_dropout(mn_zeros(tape, MN_SHAPE(2)), 1, key), MN_BAD_VALUE,
               "dropout: a rate of 1, expected at least 0 and below 1");
    ck_refused(mn_drop_rows(mn_zeros(tape, MN_SHAPE(2)), -0.5, key), MN_BAD_VALUE,
               "drop_rows: a rate of -0.5, expected at least 0 and below 1");
}
END_TEST

START_TEST(columns_are_found_and_numbers_counted_without_a_slope)
{
    set_up();
    mn_var *x = mn_input(tape, MN_SHAPE(3, 3), (float[]){1, 4, 4, -1, -3, -2, 0, NAN, 9}, true);
    ck_var(mn_row_argmax(x), MN_SHAPE(3), (float[]){1, 0, 1});
    mn_var *votes = input(MN_SHAPE(2, 4), (float[]){2, 0, 2, 2, 1, 1, 0, 0});
    ck_var(mn_histogram_rows(votes, 4), MN_SHAPE(2, 4), (float[]){1, 0, 3, 0, 2, 2, 0, 0});
    mn_var *counts = input(MN_SHAPE(2, 5), (float[]){5, 3, 8, 0, 0, 1, 1, 2, 1, 2});
    ck_var(mn_row_ranks(counts), MN_SHAPE(2, 5), (float[]){2, 3, 1, 4, 4, 3, 3, 1, 3, 1});
    ck_assert_int_eq(mn_backward(mn_sum(mn_row_ranks(x))), MN_OK);
    ck_assert_int_eq(mn_backward(mn_sum(mn_row_argmax(x))), MN_OK);
    ck_refused(mn_histogram_rows(votes, 2), MN_BAD_VALUE,
               "histogram_rows: 2, expected whole numbers from 0 to 1");
    votes = input(MN_SHAPE(1, 1), (float[]){NAN});
    ck_refused(mn_histogram_rows(votes, 2), MN_BAD_VALUE,
               "histogram_rows: nan, expected whole numbers from 0 to 1");
    ck_refused(mn_row_argmax(mn_zeros(tape, MN_SHAPE(2, 0))), MN_BAD_SHAPE,
               "row_argmax: rows without columns have no largest");
}
END_TEST

/* Zipf's label smoothing, worked out by hand: 5, 3, 8, 0 and 0 votes, the label has the most, all
 * logits are equal.  Ranks 2, 3, 4, 4 of the others make shares of 3/8, 1/4, 3/16, 3/16. */
START_TEST(ranks_of_votes_make_zipfs_target)
{
    set_up();
    mn_tensor *values, *gradient;
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(1, 5), &values));
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(1, 5), &gradient));
    mn_var *label = input(MN_SHAPE(1, 5), (float[]){0, 0, 1, 0, 0});
    mn_var *ranks = mn_row_ranks(input(MN_SHAPE(1, 5), (float[]){5, 3, 8, 0, 0}));
    mn_var *law = mn_axpby(-1, mn_log(ranks), -1e9, label);
    mn_var *loss = mn_kl(mn_axpby(1, mn_leaf(tape, values, gradient), -1e9, label), law, 1);
    ck_assert_double_eq_tol(mn_item(loss), 0.04417, 5e-6);
    ck_assert_ok(mn_backward(loss));
    ck_var(mn_const(tape, gradient), MN_SHAPE(1, 5), (float[]){-0.125F, 0, 0, 0.0625F, 0.0625F});
    mn_tensor_free(values);
    mn_tensor_free(gradient);
}
END_TEST

START_TEST(images_are_changed_by_one_draw_for_each_or_for_all)
{
    const mn_shape shape = MN_SHAPE(2, 1, 2, 3);
    const float pixels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    set_up();
    mn_var *x = input(shape, pixels), *two = input(MN_SHAPE(2), (float[]){1, -1});
    mn_var *one = input(MN_SHAPE(1), (float[]){3}), *three = mn_zeros(tape, MN_SHAPE(3));
    ck_var(mn_brightness(x, two), shape, (float[]){2, 3, 4, 5, 6, 7, 6, 7, 8, 9, 10, 11});
    ck_var(mn_saturation(x, one), shape, pixels); /* a single channel is its own mean */
    ck_var(mn_contrast(x, one), shape, (float[]){-4, -1, 2, 5, 8, 11, 2, 5, 8, 11, 14, 17});
    const int64_t moves[] = {1, -1, 0, 2};
    ck_var(mn_shift_images(x, moves, 2), shape, (float[]){0, 0, 0, 2, 3, 0, 0, 0, 7, 0, 0, 10});
    ck_var(mn_cutout(x, moves, 1, 2), shape, (float[]){1, 2, 3, 0, 5, 6, 7, 8, 9, 0, 11, 12});
    ck_var(mn_normalise_images(x, (float[]){2}, (float[]){0.5f}), shape,
           (float[]){-2, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20});
    ck_refused(mn_brightness(x, three), MN_BAD_SHAPE,
               "brightness: what is drawn is (3), expected (1) or (2)");
    x = input(shape, pixels);
    ck_refused(mn_contrast(x, NULL), MN_BAD_VALUE, "contrast: operand 2 is absent");
    x = input(shape, pixels);
    ck_refused(mn_shift_images(x, moves, 3), MN_BAD_VALUE,
               "shift_images: 3 places for 2 images, expected 1 or one an image");
    x = input(shape, pixels);
    ck_refused(mn_normalise_images(x, (float[]){2}, (float[]){0}), MN_BAD_VALUE,
               "normalise_images: the deviation of channel 0 is 0, expected above 0");
}
END_TEST

START_TEST(labels_outside_the_columns_are_refused_by_row)
{
    set_up();
    const mn_shape shape = MN_SHAPE(2, 3);
    ck_refused(mn_cross_entropy(mn_zeros(tape, shape), (int32_t[]){0, 3}), MN_BAD_VALUE,
               "cross_entropy: row 1 has label 3, expected 0 to 2");
    ck_refused(mn_cross_entropy(mn_zeros(tape, shape), (int32_t[]){-1, 0}), MN_BAD_VALUE,
               "cross_entropy: row 0 has label -1 (unlabelled; see mn_rows_where), "
               "expected 0 to 2");
    ck_refused(mn_cross_entropy_columns(mn_zeros(tape, shape), (int32_t[]){1, 0}, 1, 2),
               MN_BAD_VALUE, "cross_entropy_columns: row 1 has label 0, expected 1 to 2");
    ck_refused(mn_cross_entropy_columns(mn_zeros(tape, shape), (int32_t[]){1, 1}, 2, 2),
               MN_BAD_SHAPE, "cross_entropy_columns: 2 columns from 2 of 3");
    ck_refused(mn_cross_entropy_columns(mn_zeros(tape, shape), (int32_t[]){1, 1}, 0, -1),
               MN_BAD_SHAPE, "cross_entropy_columns: -1 columns from 0 of 3");
    ck_refused(mn_cross_entropy(mn_zeros(tape, shape), NULL), MN_BAD_VALUE,
               "cross_entropy: there are no labels");
}
END_TEST

START_TEST(shapes_and_values_out_of_place_are_refused)
{
    set_up();
    const mn_shape shape = MN_SHAPE(2, 3);
    mn_var *(*const of_matrices[])(mn_var *) = {mn_row_sum, mn_row_max, mn_row_normalise,
                                                mn_transpose};
    for (size_t i = 0; i < sizeof of_matrices / sizeof of_matrices[0]; i++) {
        of_matrices[i](mn_zeros(tape, MN_SHAPE(2)));
        ck_assert_int_eq(mn_tape_status(tape), MN_BAD_SHAPE);
        mn_tape_reset(tape);
    }
    ck_refused(mn_matmul(mn_zeros(tape, shape), mn_zeros(tape, shape)), MN_BAD_SHAPE,
               "matmul: (2,3) vs (2,3)");
    ck_refused(mn_linear(mn_zeros(tape, MN_SHAPE(2, 1, 3)), mn_zeros(tape, shape), NULL),
               MN_BAD_SHAPE, "linear: (2,1,3), expected (B,I)");
    ck_refused(mn_linear(mn_zeros(tape, shape), mn_zeros(tape, shape), mn_zeros(tape, shape)),
               MN_BAD_SHAPE, "linear: the bias is (2,3), expected (2)");
    ck_refused(mn_reshape(mn_zeros(tape, shape), MN_SHAPE(5)), MN_BAD_SHAPE,
               "reshape: (2,3) vs (5)");
    ck_refused(mn_rows(mn_zeros(tape, shape), 1, 2), MN_BAD_SHAPE, "rows: 2 rows from 1 of 2");
    ck_refused(mn_rows(mn_zeros(tape, shape), INT64_MAX, INT64_MAX), MN_BAD_SHAPE,
               "rows: 9223372036854775807 rows from 9223372036854775807 of 2");
    ck_refused(mn_rows(mn_zeros(tape, MN_SCALAR), 0, 1), MN_BAD_SHAPE,
               "rows: a scalar has no rows");
    ck_refused(mn_columns(mn_zeros(tape, shape), -1, 1), MN_BAD_SHAPE,
               "columns: 1 columns from -1 of 3");
    mn_var *different[] = {mn_zeros(tape, shape), mn_zeros(tape, MN_SHAPE(2, 4))};
    ck_refused(mn_concat_rows(different, 2), MN_BAD_SHAPE, "concat_rows: (2,3) vs (2,4)");
    ck_refused(mn_gather_rows(mn_zeros(tape, shape), (int64_t[]){0, 2}, 2), MN_BAD_VALUE,
               "gather_rows: index 1 is 2, but there are 2 rows");
    ck_refused(mn_kl(mn_zeros(tape, shape), mn_zeros(tape, shape), 0), MN_BAD_VALUE,
               "kl: the temperature is 0, expected one above 0");
    ck_refused(mn_input(tape, shape, NULL, false), MN_BAD_VALUE, "input: there are no elements");
    ck_refused(mn_zeros(tape, MN_SHAPE(-1)), MN_BAD_SHAPE, "zeros: (-1) is not a possible shape");
}
END_TEST

static mn_tensor *statistic_of(float a, float b)
{
    mn_tensor *tensor;
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(2), &tensor));
    ck_assert_ok(mn_tensor_write(tensor, (float[]){a, b}, 2 * sizeof(float)));
    return tensor;
}

static void ck_statistic(const mn_tensor *tensor, double a, double b)
{
    float elements[2];
    ck_assert_ok(mn_tensor_read(tensor, elements, sizeof elements));
    ck_assert_double_eq_tol((double)elements[0], a, 1e-6);
    ck_assert_double_eq_tol((double)elements[1], b, 1e-6);
}

/* Columns 1, 2, 6 and 0, 0, 3: means 3 and 1, variances 14/3 and 2, unbiased 7 and 3. */
/* An array on the stack of a helper is gone before backward. */
START_TEST(labels_are_copied_onto_the_tape)
{
    set_up();
    int32_t labels[] = {1, 0};
    mn_var *x = mn_input(tape, MN_SHAPE(2, 3), (float[]){1, 2, 3, -1, 4, 0}, true);
    mn_var *all = mn_cross_entropy(x, labels), *some = mn_cross_entropy_columns(x, labels, 0, 2);
    labels[0] = labels[1] = 2;
    ck_var(
        mn_gradient_of(all, x), MN_SHAPE(2, 3),
        (float[]){0.04501529f, -0.37763576f, 0.33262048f, -0.49671337f, 0.48777938f, 0.00893399f});
    ck_var(mn_gradient_of(some, x), MN_SHAPE(2, 3),
           (float[]){0.13447071f, -0.13447071f, 0, -0.49665358f, 0.49665358f, 0});
}
END_TEST

START_TEST(batch_norm_follows_pytorch_in_its_three_modes)
{
    set_up();
    const float elements[] = {1, 0, 2, 0, 6, 3};
    const mn_shape shape = MN_SHAPE(3, 2);
    mn_tensor *mean = statistic_of(1, -1), *variance = statistic_of(4, 9);
    mn_var *x = input(shape, elements), *scale = input(MN_SHAPE(2), (float[]){2, 1});
    mn_var *shift = input(MN_SHAPE(2), (float[]){0, 10});
    const float first = sqrtf(14.0f / 3), second = sqrtf(2);
    const float by_batch[] = {-4 / first,      10 - 1 / second, -2 / first,
                              10 - 1 / second, 6 / first,       10 + 2 / second};
    ck_var(mn_batch_norm(x, scale, shift, mean, variance, MN_NORM_BATCH_FROZEN, 0.1, 1e-9), shape,
           by_batch);
    ck_statistic(mean, 1, -1);
    ck_statistic(variance, 4, 9);
    ck_var(mn_batch_norm(x, scale, shift, mean, variance, MN_NORM_RUNNING, 0.1, 1e-9), shape,
           (float[]){0, 10 + 1 / 3.0f, 1, 10 + 1 / 3.0f, 5, 10 + 4 / 3.0f});
    ck_statistic(mean, 1, -1);
    ck_var(mn_batch_norm(x, scale, shift, mean, variance, MN_NORM_BATCH, 0.1, 1e-9), shape,
           by_batch);
    ck_statistic(mean, 0.9 * 1 + 0.1 * 3, 0.9 * -1 + 0.1 * 1);
    ck_statistic(variance, 0.9 * 4 + 0.1 * 7, 0.9 * 9 + 0.1 * 3);
    ck_refused(mn_batch_norm(mn_rows(x, 0, 1), NULL, NULL, mean, variance, MN_NORM_BATCH, 0.1, 1),
               MN_BAD_VALUE, "batch_norm: a batch of 1 row has no variance; expected 2 or more");
    ck_refused(mn_batch_norm(mn_zeros(tape, shape), NULL, NULL, NULL, NULL, MN_NORM_RUNNING, 0, 1),
               MN_BAD_VALUE, "batch_norm: running statistics are missing");
    ck_refused(mn_batch_norm(mn_zeros(tape, MN_SHAPE(3, 4)), NULL, NULL, mean, variance,
                             MN_NORM_BATCH, 0.1, 1),
               MN_BAD_SHAPE, "batch_norm: the running mean is (2), expected (4)");
    ck_statistic(mean, 0.9 * 1 + 0.1 * 3, 0.9 * -1 + 0.1 * 1); /* refused before it is moved */
    mn_tensor_free(mean);
    mn_tensor_free(variance);
}
END_TEST

MN_SUITE("ops", elementwise_functions_have_their_textbook_values, a_nan_is_never_hidden,
         row_functions_have_their_textbook_values, rounding_is_no_distance_and_has_no_gradient,
         softmax_survives_large_numbers,
         a_softmax_of_any_length_is_exact_and_what_is_masked_has_no_share,
         losses_have_their_textbook_values, parts_and_shapes_hold_the_right_elements,
         an_empty_batch_costs_nothing_and_harms_nothing,
         columns_are_found_and_numbers_counted_without_a_slope, ranks_of_votes_make_zipfs_target,
         images_are_changed_by_one_draw_for_each_or_for_all,
         labels_outside_the_columns_are_refused_by_row, axes_that_are_not_there_are_refused,
         a_row_of_zeros_has_length_0_and_no_slope, what_is_dropped_depends_on_the_key_alone,
         labels_are_copied_onto_the_tape, shapes_and_values_out_of_place_are_refused,
         batch_norm_follows_pytorch_in_its_three_modes)
