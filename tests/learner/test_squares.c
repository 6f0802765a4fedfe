/* Sums over rows of squared gradients, and products of rows' gradients: what one sweep adds is what
 * the rows add one at a time, and where it cannot be told, nothing is added. */
#include "base/registry.h"
#include "tests/suite.h"

#include <math.h>
#include <mneme/network.h>
#include <mneme/ops.h>
#include <string.h>

enum { ROWS = 7, INPUTS = 12, CLASSES = 5 };

static const int32_t labels[ROWS] = {0, 4, 2, 2, 1, 3, 0};
static float images[ROWS * INPUTS];

static mn_network *network_of(const char *options)
{
    for (int i = 0; i < ROWS * INPUTS; i++)
        images[i] = (float)mn_random_normal(mn_key_of(1, "images"), (uint64_t)i);
    const mn_network_spec spec = {"mlp", options, MN_SHAPE(INPUTS), CLASSES};
    mn_network *network;
    ck_assert_ok(mn_network_new(&spec, mn_key_of(2, "weights"), &network));
    return network;
}

/* A sum over rows first..first+count-1 whose terms are far from alike. */
static mn_var *row_sum(mn_tape *tape, mn_network *network, int first, int count, mn_mode mode)
{
    mn_var *x = mn_input(tape, MN_SHAPE(count, INPUTS), images + first * INPUTS, false);
    mn_var *logits = mn_network_forward(network, x, mode).logits;
    mn_var *weight = mn_mul(mn_one_hot(tape, labels + first, count, CLASSES),
                            mn_sqrt(mn_softmax(mn_detach(logits))));
    return mn_sum(mn_mul(mn_log_softmax(logits), weight));
}

static mn_tensor *slab_like(mn_network *network)
{
    mn_tensor *slab;
    ck_assert_ok(mn_tensor_new(MN_F32, mn_tensor_shape(mn_network_values(network)), &slab));
    return slab;
}

static mn_tensor *one_at_a_time(mn_network *network, mn_mode mode)
{
    mn_tensor *squares = slab_like(network), *gradient = mn_network_gradients(network);
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    for (int i = 0; i < ROWS; i++) {
        mn_tape_reset(tape);
        ck_assert_ok(mn_network_zero_gradients(network));
        ck_assert_ok(mn_backward(row_sum(tape, network, i, 1, mode)));
        ck_assert_ok(mn_tensor_mul(gradient, gradient));
        ck_assert_ok(mn_tensor_axpby(squares, 1, gradient, 1));
    }
    mn_tape_free(tape);
    return squares;
}

static void check_equal(const mn_tensor *found, const mn_tensor *expected)
{
    mn_tensor *difference;
    ck_assert_ok(mn_tensor_new(MN_F32, mn_tensor_shape(found), &difference));
    ck_assert_ok(mn_tensor_copy(difference, found));
    ck_assert_ok(mn_tensor_axpby(difference, -1, expected, 1));
    ck_assert_double_gt(mn_tensor_norm(expected), 0.01);
    ck_assert_double_le(mn_tensor_norm(difference), 1e-6 * mn_tensor_norm(expected));
    mn_tensor_free(difference);
}

static void compare(const char *options)
{
    mn_network *network = network_of(options);
    mn_tensor *expected = one_at_a_time(network, MN_EVAL), *found = slab_like(network);
    mn_tensor *before = slab_like(network);
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    ck_assert_ok(mn_tensor_copy(before, mn_network_gradients(network)));
    for (int i = 0; i < 2; i++) /* it adds, and twice is twice */
        ck_assert_ok(mn_backward_squares(row_sum(tape, network, 0, ROWS, MN_EVAL),
                                         mn_network_gradients(network), found));
    ck_assert_ok(mn_tensor_axpby(found, 0, found, 0.5F));
    check_equal(found, expected);
    ck_assert_ok(mn_tensor_axpby(before, -1, mn_network_gradients(network), 1));
    ck_assert_double_eq(mn_tensor_norm(before), 0); /* the gradients themselves are left alone */
    mn_tape_free(tape);
    mn_tensor_free(before);
    mn_tensor_free(expected);
    mn_tensor_free(found);
    mn_network_free(network);
}

START_TEST(one_sweep_gives_what_the_rows_give_one_at_a_time)
{
    compare("{\"widths\": \"9,6\"}");
    compare("{\"widths\": \"\"}");
    compare("{\"widths\": \"9,6\", \"batch_norm\": true}");
}
END_TEST

/* (ROWS, ROWS) from a gradient of every row. */
static void products_of_rows(mn_network *network, float products[ROWS * ROWS])
{
    mn_tensor *row[ROWS];
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    for (int i = 0; i < ROWS; i++) {
        row[i] = slab_like(network);
        mn_tape_reset(tape);
        ck_assert_ok(mn_backward_into(row_sum(tape, network, i, 1, MN_EVAL),
                                      mn_network_gradients(network), row[i]));
    }
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < ROWS; j++)
            products[i * ROWS + j] = (float)mn_tensor_dot(row[i], row[j]);
    for (int i = 0; i < ROWS; i++)
        mn_tensor_free(row[i]);
    mn_tape_free(tape);
}

static void compare_products(const char *options)
{
    mn_network *network = network_of(options);
    float expected[ROWS * ROWS], found[ROWS * ROWS];
    products_of_rows(network, expected);
    mn_tensor *products, *gradients = mn_network_gradients(network);
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(ROWS, ROWS), &products));
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    for (int i = 0; i < 2; i++) /* it adds, and twice is twice */
        ck_assert_ok(
            mn_backward_products(row_sum(tape, network, 0, ROWS, MN_EVAL), gradients, products));
    ck_assert_ok(mn_tensor_read(products, found, sizeof found));
    ck_assert_double_eq(mn_tensor_norm(gradients), 0);
    for (int i = 0; i < ROWS * ROWS; i++) {
        const double scale =
            sqrt((double)expected[i / ROWS * (ROWS + 1)] * (double)expected[i % ROWS * (ROWS + 1)]);
        ck_assert_double_gt(scale, 1e-3);
        ck_assert_double_le(fabs((double)found[i] / 2 - (double)expected[i]), 2e-6 * scale);
    }
    mn_tape_free(tape);
    mn_tensor_free(products);
    mn_network_free(network);
}

START_TEST(products_of_rows_are_those_of_their_gradients)
{
    compare_products("{\"widths\": \"9,6\"}");
    compare_products("{\"widths\": \"\"}");
    compare_products("{\"widths\": \"9,6\", \"batch_norm\": true}");
}
END_TEST

static void refused(mn_tape *tape, mn_network *network, mn_var *loss, const char *text)
{
    mn_tensor *found = slab_like(network);
    ck_assert_fails(mn_backward_squares(loss, mn_network_gradients(network), found), MN_UNSUPPORTED,
                    text);
    ck_assert_double_eq(mn_tensor_norm(found), 0);
    ck_assert_ok(mn_tape_status(tape)); /* the step may go on */
    ck_assert_ok(mn_backward(loss));
    mn_tensor_free(found);
}

static mn_var *leaf_of(mn_tape *tape, mn_network *network, int i)
{
    const mn_parameter *p = mn_network_parameter(network, i);
    return mn_leaf(tape, p->value, p->gradient);
}

START_TEST(rows_that_meet_are_refused_and_nothing_is_added)
{
    mn_network *normed = network_of("{\"widths\": \"9\", \"batch_norm\": true}");
    mn_network *network = network_of("{\"widths\": \"9\"}");
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    refused(tape, normed, row_sum(tape, normed, 0, ROWS, MN_TRAIN_FROZEN), "batch_norm");

    mn_var *sum = row_sum(tape, network, 0, ROWS, MN_EVAL);
    refused(tape, network, mn_square(sum), "square");
    refused(tape, network, mn_mul(sum, sum), "mul");
    refused(tape, network, mn_add(sum, row_sum(tape, network, 0, ROWS, MN_EVAL)), "twice");

    mn_var *x = mn_input(tape, MN_SHAPE(ROWS, INPUTS), images, false);
    mn_var *weight = leaf_of(tape, network, 0);
    refused(tape, network, mn_sum(mn_matmul(x, mn_transpose(weight))), "matmul");
    refused(tape, network, mn_sum(mn_square(weight)), "square");
    mn_var *hidden = mn_linear(x, weight, NULL); /* (7, 9) */
    refused(tape, network, mn_sum(mn_linear(mn_zeros(tape, MN_SHAPE(3, 9)), hidden, NULL)),
            "no parameter");
    refused(tape, network, mn_sum(mn_square(mn_reshape(hidden, MN_SHAPE(1, 63)))), "reshape");
    mn_tape_free(tape);
    mn_network_free(normed);
    mn_network_free(network);
}
END_TEST

START_TEST(parameters_outside_the_slab_take_no_squares)
{
    mn_network *network = network_of(NULL), *other = network_of(NULL);
    mn_tensor *found = slab_like(network);
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    ck_assert_ok(mn_backward_squares(row_sum(tape, other, 0, ROWS, MN_EVAL),
                                     mn_network_gradients(network), found));
    ck_assert_double_eq(mn_tensor_norm(found), 0);
    ck_assert_double_eq(mn_tensor_norm(mn_network_gradients(other)), 0);
    mn_tape_free(tape);
    mn_tensor_free(found);
    mn_network_free(network);
    mn_network_free(other);
}
END_TEST

START_TEST(mistakes_are_refused_by_name)
{
    mn_network *network = network_of(NULL);
    mn_tensor *gradients = mn_network_gradients(network), *small;
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(3), &small));
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    mn_var *sum = row_sum(tape, network, 0, ROWS, MN_EVAL);
    ck_assert_fails(mn_backward_squares(sum, gradients, small), MN_BAD_SHAPE, "vs");
    ck_assert_fails(mn_backward_squares(sum, gradients, NULL), MN_BAD_VALUE, "missing");
    ck_assert_ok(mn_tape_status(tape));
    const int32_t wrong[2] = {0, 5};
    mn_var *one_hot = mn_one_hot(tape, wrong, 2, CLASSES);
    ck_assert_fails(mn_backward_squares(one_hot, gradients, gradients), MN_BAD_VALUE,
                    "row 1 has label 5");
    ck_assert_fails(mn_backward_products(one_hot, gradients, small), MN_BAD_SHAPE, "(B,B)");
    mn_tape_free(tape);
    mn_tensor_free(small);
    mn_network_free(network);
}
END_TEST

START_TEST(products_of_other_rows_than_there_are_are_refused)
{
    mn_network *network = network_of(NULL);
    mn_tensor *products;
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(ROWS - 1, ROWS - 1), &products));
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    ck_assert_fails(mn_backward_products(row_sum(tape, network, 0, ROWS, MN_EVAL),
                                         mn_network_gradients(network), products),
                    MN_UNSUPPORTED, "7 rows");
    ck_assert_double_eq(mn_tensor_norm(products), 0);
    ck_assert_ok(mn_tape_status(tape));
    mn_tape_free(tape);
    mn_tensor_free(products);
    mn_network_free(network);
}
END_TEST

MN_SUITE("squares", one_sweep_gives_what_the_rows_give_one_at_a_time,
         products_of_rows_are_those_of_their_gradients,
         products_of_other_rows_than_there_are_are_refused,
         rows_that_meet_are_refused_and_nothing_is_added,
         parameters_outside_the_slab_take_no_squares, mistakes_are_refused_by_name)
