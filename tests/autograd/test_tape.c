/* The tape: its errors, its sweeps, and ops from outside. */
#include "autograd/backward.h"
#include "autograd/tape.h"
#include "tests/autograd/tapes.h"

#include <math.h>
#include <mneme/losses.h>
#include <string.h>

START_TEST(backward_adds_into_the_parameters)
{
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(1, 2), (float[]){3, -2});
    mn_tensor *dw = new_tensor(MN_SHAPE(1, 2), (float[]){100, 100});
    mn_var *x = mn_input(tape, MN_SHAPE(1, 2), (float[]){1, 2}, false);
    mn_var *y = mn_linear(x, mn_leaf(tape, w, dw), NULL); /* -1 */
    mn_var *loss = mn_mse(y, mn_zeros(tape, MN_SHAPE(1, 1)));
    ck_assert_double_eq_tol(mn_item(loss), 1, 1e-6);
    ck_assert_ok(mn_backward(loss)); /* 2 y x = -2, -4 */
    ck_elements(dw, (float[]){98, 96});
    ck_assert_ok(mn_backward(loss));
    ck_elements(dw, (float[]){96, 92});
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

START_TEST(the_first_error_names_op_shapes_and_scope)
{
    mn_tape *tape = new_tape();
    mn_var *x = mn_zeros(tape, MN_SHAPE(32, 10)), *y = mn_zeros(tape, MN_SHAPE(32, 7));
    mn_tape_scope(tape, "replay");
    mn_var *loss = mn_mse(x, y);
    mn_tape_scope(tape, "stream");
    loss = mn_add(loss, mn_matmul(x, x));
    ck_assert(isnan(mn_item(loss)));
    ck_assert_ptr_null(mn_host(x));
    ck_assert_fails(mn_backward(loss), MN_BAD_SHAPE, "mse: (32,10) vs (32,7) in replay");
    ck_assert_str_eq(mn_tape_error(tape), "mse: (32,10) vs (32,7) in replay");
    mn_tape_reset(tape);
    ck_assert_int_eq(mn_tape_status(tape), MN_OK);
    ck_assert_str_eq(mn_tape_error(tape), "");
    mn_tape_free(tape);
}
END_TEST

/* --- errors --- */

START_TEST(poison_may_be_passed_to_anything)
{
    mn_tape *tape = new_tape();
    mn_var *x = mn_zeros(tape, MN_SHAPE(2, 3)), *bad = mn_add(x, mn_zeros(tape, MN_SHAPE(2)));
    ck_assert_int_eq(mn_tape_status(tape), MN_BAD_SHAPE);
    const int32_t labels[2] = {0, 1};
    const bool keep[2] = {true, true};
    const int64_t index[1] = {0};
    mn_var *none[] = {NULL, NULL}, *pair[] = {bad, x};
    for (int round = 0; round < 2; round++) { /* the poison, then NULL */
        mn_var *v = round == 0 ? bad : NULL, **list = round == 0 ? pair : none;
        mn_var *const results[] = {mn_detach(v),
                                   mn_add(v, v),
                                   mn_sub(v, v),
                                   mn_mul(v, v),
                                   mn_scale(v, 2),
                                   mn_shift(v, 1),
                                   mn_axpby(1, v, 2, v),
                                   mn_matmul(v, v),
                                   mn_linear(v, v, v),
                                   mn_relu(v),
                                   mn_leaky_relu(v, 0.1),
                                   mn_square(v),
                                   mn_sqrt(v),
                                   mn_exp(v),
                                   mn_log(v),
                                   mn_clamp(v, 0, 1),
                                   mn_hinge(v, 1),
                                   mn_sum(v),
                                   mn_mean(v),
                                   mn_row_sum(v),
                                   mn_row_max(v),
                                   mn_softmax(v),
                                   mn_log_softmax(v),
                                   mn_row_normalise(v),
                                   mn_reshape(v, MN_SCALAR),
                                   mn_transpose(v),
                                   mn_rows(v, 0, 1),
                                   mn_columns(v, 0, 1),
                                   mn_concat_rows(list, 2),
                                   mn_concat_columns(list, 2),
                                   mn_gather_rows(v, index, 1),
                                   mn_rows_where(v, keep),
                                   mn_cross_entropy(v, labels),
                                   mn_cross_entropy_columns(v, labels, 0, 2),
                                   mn_mse(v, v),
                                   mn_kl(v, v, 2),
                                   mn_batch_norm(v, v, v, NULL, NULL, MN_NORM_BATCH, 0.1, 1e-5),
                                   mn_gradient_of(v, v)};
        for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
            ck_assert_ptr_eq(results[i], v == NULL ? NULL : mn_tape_poison(tape));
        mn_shape_of(v);
        ck_assert_int_eq(mn_rows_of(v), 1);
        ck_assert(isnan(mn_item(v)));
        ck_assert_ptr_null(mn_host(v));
        ck_assert(mn_backward(v) != MN_OK);
        ck_assert(mn_backward_into(v, NULL, NULL) != MN_OK);
    }
    ck_assert_ptr_eq(mn_zeros(tape, MN_SCALAR), mn_tape_poison(tape));
    ck_assert_str_eq(mn_tape_error(tape), "add: (2,3) vs (2)");
    mn_tape_free(tape);
}
END_TEST

START_TEST(an_absent_operand_is_an_error_where_a_tape_is_known)
{
    mn_tape *tape = new_tape();
    mn_var *x = mn_zeros(tape, MN_SHAPE(2, 3));
    ck_assert_fails(mn_backward(mn_sub(NULL, x)), MN_BAD_VALUE, "sub: operand 1 is absent");
    mn_tape_reset(tape);
    x = mn_zeros(tape, MN_SHAPE(2, 3));
    ck_assert_fails(mn_backward(mn_mse(x, NULL)), MN_BAD_VALUE, "mse: operand 2 is absent");
    mn_tape_reset(tape);
    mn_var *list[] = {mn_zeros(tape, MN_SHAPE(2, 3)), NULL};
    ck_assert_fails(mn_backward(mn_concat_rows(list, 2)), MN_BAD_VALUE, "operand 2 is absent");
    mn_tape_reset(tape);
    ck_assert_fails(mn_backward(mn_const(tape, NULL)), MN_BAD_VALUE, "const: there is no tensor");
    mn_tape_free(tape);
}
END_TEST

START_TEST(operands_of_two_tapes_are_refused)
{
    mn_tape *one = new_tape(), *other = new_tape();
    mn_var *x = mn_add(mn_zeros(one, MN_SHAPE(2)), mn_zeros(other, MN_SHAPE(2)));
    ck_assert_fails(mn_backward(x), MN_BAD_VALUE, "add: operand 2 is on another tape");
    ck_assert_int_eq(mn_tape_status(other), MN_OK);
    mn_tape_free(one);
    mn_tape_free(other);
}
END_TEST

START_TEST(what_cannot_be_differentiated_says_so)
{
    mn_tape *tape = new_tape();
    ck_assert_fails(mn_backward(mn_zeros(tape, MN_SHAPE(3, 2))), MN_BAD_SHAPE,
                    "backward: the loss is (3,2), expected a scalar");
    mn_tape_reset(tape);
    mn_tape_record(tape, false);
    ck_assert_fails(mn_backward(mn_zeros(tape, MN_SCALAR)), MN_OUT_OF_ORDER, "not recording");
    mn_tape_record(tape, true);
    mn_tape_reset(tape);
    mn_var *x = mn_input(tape, MN_SHAPE(2), (float[]){1, 2}, false);
    mn_gradient_of(mn_sum(x), x);
    ck_assert_str_eq(mn_tape_error(tape),
                     "gradient_of: the input is not differentiable or on another tape");
    mn_tape_reset(tape);
    ck_assert_ok(mn_backward(mn_zeros(tape, MN_SCALAR))); /* depends on nothing: nothing to do */
    mn_tape_free(tape);
}
END_TEST

START_TEST(a_tape_without_memory_says_so)
{
    mn_tape *tape = new_tape();
    const int64_t large = (int64_t)1 << 21;
    mn_var *x = mn_zeros(tape, MN_SHAPE(large, 0)), *y = mn_zeros(tape, MN_SHAPE(0, large));
    ck_assert_fails(mn_backward(mn_sum(mn_matmul(x, y))), MN_NO_MEMORY, "tape: no memory for");
    mn_tape_free(tape);
}
END_TEST

/* --- sweeps --- */

START_TEST(a_forgotten_gradient_is_written_once_and_then_added_to)
{
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(2), (float[]){1, 2});
    mn_tensor *dw = new_tensor(MN_SHAPE(2), (float[]){7, 7});
    dw->forgotten = true;
    ck_assert_ok(mn_backward(mn_add(mn_sum(mn_leaf(tape, w, dw)), mn_sum(mn_leaf(tape, w, dw)))));
    ck_elements(dw, (float[]){2, 2});
    ck_assert_ok(mn_backward(mn_sum(mn_leaf(tape, w, dw))));
    ck_elements(dw, (float[]){3, 3});
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

START_TEST(two_losses_on_one_tape_have_their_own_gradients)
{
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(2), (float[]){1, 2});
    mn_tensor *dw = new_tensor(MN_SHAPE(2), NULL);
    mn_var *x = mn_square(mn_leaf(tape, w, dw));
    mn_var *one = mn_sum(x), *other = mn_scale(one, 10);
    ck_assert_ok(mn_backward(other)); /* 20 w */
    ck_elements(dw, (float[]){20, 40});
    ck_assert_ok(mn_tensor_fill(dw, 0));
    ck_assert_ok(mn_backward(one)); /* 2 w */
    ck_elements(dw, (float[]){2, 4});
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

START_TEST(backward_into_writes_the_other_slab)
{
    mn_tape *tape = new_tape();
    mn_tensor *values = new_tensor(MN_SHAPE(4), (float[]){1, 2, 3, 4});
    mn_tensor *gradients = new_tensor(MN_SHAPE(4), (float[]){7, 7, 7, 7});
    mn_tensor *instead = new_tensor(MN_SHAPE(4), (float[]){1, 1, 1, 1});
    mn_tensor *outside = new_tensor(MN_SHAPE(2), NULL), *narrow = new_tensor(MN_SHAPE(3), NULL);
    mn_tensor value[2], gradient[2];
    for (int i = 0; i < 2; i++) {
        ck_assert_ok(mn_tensor_view(values, 2 * i, MN_SHAPE(2), &value[i]));
        ck_assert_ok(mn_tensor_view(gradients, 2 * i, MN_SHAPE(2), &gradient[i]));
    }
    mn_var *x = mn_leaf(tape, &value[0], &gradient[0]), *y = mn_leaf(tape, &value[1], &gradient[1]);
    mn_var *z = mn_leaf(tape, &value[0], outside);
    mn_var *loss = mn_sum(mn_mul(mn_mul(x, y), z));
    ck_assert_ok(mn_backward_into(loss, gradients, instead));
    ck_elements(gradients, (float[]){7, 7, 7, 7});
    ck_elements(instead, (float[]){4, 9, 2, 5}); /* 1 + y z, 1 + x z */
    ck_elements(outside, (float[]){3, 8});       /* x y: not in the slab, so in its own place */
    ck_assert_ok(mn_backward(loss));
    ck_elements(gradients, (float[]){10, 15, 8, 11});
    ck_elements(instead, (float[]){4, 9, 2, 5});
    ck_assert_fails(mn_backward_into(loss, gradients, narrow), MN_BAD_SHAPE,
                    "backward: (4) vs (3)");
    mn_tensor_free(values);
    mn_tensor_free(gradients);
    mn_tensor_free(instead);
    mn_tensor_free(outside);
    mn_tensor_free(narrow);
    mn_tape_free(tape);
}
END_TEST

START_TEST(backward_into_knows_which_of_the_others_were_forgotten)
{
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(2), (float[]){1, 2});
    mn_tensor *inside = new_tensor(MN_SHAPE(2), (float[]){7, 7});
    mn_tensor *instead = new_tensor(MN_SHAPE(2), NULL);
    mn_tensor *outside = new_tensor(MN_SHAPE(2), (float[]){7, 7});
    inside->forgotten = outside->forgotten = true;
    mn_var *loss = mn_sum(mn_add(mn_leaf(tape, w, inside), mn_leaf(tape, w, outside)));
    ck_assert_ok(mn_backward_into(loss, inside, instead));
    ck_elements(instead, (float[]){1, 1});
    ck_elements(outside, (float[]){1, 1});
    ck_assert(inside->forgotten && !outside->forgotten);
    mn_tensor_free(w);
    mn_tensor_free(inside);
    mn_tensor_free(instead);
    mn_tensor_free(outside);
    mn_tape_free(tape);
}
END_TEST

START_TEST(gradient_of_leaves_the_parameters_alone)
{
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(2), (float[]){3, 5});
    mn_tensor *dw = new_tensor(MN_SHAPE(2), (float[]){1, 1});
    mn_var *x = mn_input(tape, MN_SHAPE(2), (float[]){10, 20}, true);
    mn_var *loss = mn_sum(mn_mul(mn_square(x), mn_leaf(tape, w, dw)));
    mn_var *gradient = mn_gradient_of(loss, x); /* 2 x w */
    ck_assert_ptr_nonnull(mn_host(gradient));
    ck_assert(mn_host(gradient)[0] == 60);
    ck_assert(mn_host(gradient)[1] == 200);
    ck_elements(dw, (float[]){1, 1});
    ck_assert_ok(mn_backward(loss));
    ck_elements(dw, (float[]){101, 401});
    /* a constant: usable in a further loss, through which nothing flows back to x */
    ck_assert_ok(mn_backward(mn_sum(mn_mul(gradient, gradient))));
    ck_elements(dw, (float[]){101, 401});
    ck_assert(mn_host(gradient)[0] == 60);
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

START_TEST(gradient_of_works_for_parameters_and_values_on_the_way)
{
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(1), (float[]){3});
    mn_tensor *dw = new_tensor(MN_SHAPE(1), (float[]){1});
    mn_var *leaf = mn_leaf(tape, w, dw), *half = mn_square(leaf);
    mn_var *loss = mn_sum(mn_square(half)), *unrelated = mn_sum(mn_leaf(tape, w, dw));
    ck_assert_ok(mn_backward(loss)); /* so that the leaf's gradient points outside the tape */
    ck_elements(dw, (float[]){109});
    ck_assert_double_eq(mn_item(mn_gradient_of(loss, leaf)), 108);
    ck_assert_double_eq(mn_item(mn_gradient_of(loss, half)), 18);
    ck_assert_double_eq(mn_item(mn_gradient_of(loss, loss)), 1);
    ck_assert_double_eq(mn_item(mn_gradient_of(unrelated, half)), 0);
    ck_elements(dw, (float[]){109});
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

START_TEST(gradients_of_two_losses_by_one_input_are_kept_apart)
{
    mn_tape *tape = new_tape();
    mn_var *x = mn_input(tape, MN_SHAPE(1), (float[]){3}, true), *y = mn_square(x);
    mn_var *one = mn_gradient_of(mn_sum(y), x), *other = mn_gradient_of(mn_scale(mn_sum(y), 5), x);
    ck_assert_double_eq(mn_item(one), 6);
    ck_assert_double_eq(mn_item(other), 30);
    mn_tape_free(tape);
}
END_TEST

/* Which inputs' gradients were wanted, a bit each. */
static unsigned wanted;

static mn_status watch_shape(mn_node *node, mn_shape *out)
{
    (void)node;
    *out = MN_SCALAR;
    return MN_OK;
}

static mn_status watch_forward(mn_node *node)
{
    return mn_tensor_fill(mn_node_output(node), 0);
}

static mn_status watch_backward(mn_node *node)
{
    for (int i = 0; i < mn_node_inputs(node); i++)
        wanted |= mn_node_input_gradient(node, i) != NULL ? 1u << i : 0;
    return MN_OK;
}

START_TEST(only_gradients_somebody_wants_are_worked_out)
{
    static const mn_op watch = {"watch", 0, watch_shape, watch_forward, watch_backward};
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SCALAR, NULL), *dw = new_tensor(MN_SCALAR, NULL);
    mn_var *const inputs[] = {mn_input(tape, MN_SCALAR, (float[]){1}, true), mn_leaf(tape, w, dw),
                              mn_zeros(tape, MN_SCALAR), mn_detach(mn_leaf(tape, w, dw))};
    mn_var *loss = mn_apply(&watch, inputs, 4, NULL);
    wanted = 0;
    ck_assert_ok(mn_backward(loss));
    ck_assert_uint_eq(wanted, 2); /* the parameter's */
    wanted = 0;
    mn_gradient_of(loss, inputs[0]);
    ck_assert_uint_eq(wanted, 1); /* the input's */
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

START_TEST(nothing_flows_through_detach_constants_or_an_unrecorded_part)
{
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(1), (float[]){3}), *dw = new_tensor(MN_SHAPE(1), NULL);
    mn_var *leaf = mn_leaf(tape, w, dw);
    mn_tape_record(tape, false);
    mn_var *teacher = mn_square(leaf);
    mn_tape_record(tape, true);
    mn_var *loss = mn_sum(mn_mul(leaf, mn_detach(leaf)));
    loss = mn_add(loss, mn_sum(mn_mul(leaf, mn_const(tape, w))));
    loss = mn_add(loss, mn_sum(mn_mul(leaf, teacher)));
    ck_assert_double_eq(mn_item(loss), 9 + 9 + 27);
    ck_assert_ok(mn_backward(loss));
    ck_elements(dw, (float[]){3 + 3 + 9});
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

/* --- an op from outside --- */

static mn_status cube_shape(mn_node *node, mn_shape *out)
{
    *out = mn_tensor_shape(mn_node_input(node, 0));
    return mn_node_inputs(node) == 1 ? MN_OK : mn_fail(MN_BAD_VALUE, "wants one input");
}

static mn_status cube_forward(mn_node *node)
{
    const mn_tensor *x = mn_node_input(node, 0);
    mn_tensor *y = mn_node_output(node), *kept = mn_node_saved(node, 3, MN_F32, mn_tensor_shape(x));
    const float *factor = mn_node_attributes(node);
    MN_TRY(mn_tensor_copy(kept, x));
    MN_TRY(mn_tensor_mul(kept, x)); /* x^2, for the way back */
    MN_TRY(mn_tensor_axpby(y, *factor, kept, 0));
    return mn_tensor_mul(y, x);
}

static mn_status cube_backward(mn_node *node)
{
    const mn_tensor *x = mn_node_input(node, 0);
    mn_tensor *kept = mn_node_saved(node, 3, MN_F32, mn_tensor_shape(x));
    mn_tensor *scratch = mn_node_saved(node, 4, MN_F32, mn_tensor_shape(x));
    mn_tensor *dx = mn_node_input_gradient(node, 0);
    if (dx == NULL)
        return MN_OK;
    MN_TRY(mn_tensor_copy(scratch, mn_node_output_gradient(node)));
    MN_TRY(mn_tensor_mul(scratch, kept));
    return mn_tensor_axpby(dx, 3 * *(const float *)mn_node_attributes(node), scratch, 1);
}

/* A reshape's gradient becomes its input's without a copy, unless there is one already. */
START_TEST(what_a_reshape_hands_over_is_added_to_and_asked_for)
{
    enum { COUNT = 2048 }; /* so large that the tape takes the memory back */
    mn_tape *tape = new_tape();
    static float numbers[COUNT], sum[COUNT];
    for (int i = 0; i < COUNT; i++)
        numbers[i] = (float)(i % 13) - 6;
    mn_tensor *value = new_tensor(MN_SHAPE(COUNT), numbers);
    mn_tensor *gradient = new_tensor(MN_SHAPE(COUNT), sum);
    for (int order = 0; order < 2; order++) { /* the last use comes back first */
        mn_tape_reset(tape);
        ck_assert_ok(mn_tensor_write(gradient, sum, sizeof sum));
        mn_var *x = mn_scale(mn_leaf(tape, value, gradient), 2), *terms[2];
        for (int i = 0; i < 2; i++)
            terms[i == order] =
                i == order ? mn_sum(mn_square(x))
                           : mn_sum(mn_scale(mn_reshape(mn_reshape(x, MN_SHAPE(COUNT / 4, 4)),
                                                        MN_SHAPE(4, COUNT / 4)),
                                             3));
        mn_var *loss = mn_add(terms[0], terms[1]);
        for (int sweep = 1; sweep <= 2; sweep++) {
            ck_assert_ok(mn_backward(loss));
            static float found[COUNT];
            ck_assert_ok(mn_tensor_read(gradient, found, sizeof found));
            for (int i = 0; i < COUNT; i++)
                ck_assert(found[i] == (float)sweep * (2 * 3 + 8 * numbers[i]));
        }
        const float *of_x = mn_host(mn_gradient_of(loss, x));
        for (int i = 0; i < COUNT; i++)
            ck_assert(of_x[i] == 3 + 4 * numbers[i]);
    }
    mn_tensor_free(value);
    mn_tensor_free(gradient);
    mn_tape_free(tape);
}
END_TEST

START_TEST(an_op_from_outside_is_differentiated_like_any_other)
{
    static const mn_op cube = {"cube", sizeof(float), cube_shape, cube_forward, cube_backward};
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(2), (float[]){1, 2});
    mn_tensor *dw = new_tensor(MN_SHAPE(2), NULL);
    mn_var *x = mn_leaf(tape, w, dw), *pair[] = {x, x};
    float factor = 10;
    mn_var *y = mn_apply(&cube, &x, 1, &factor);
    factor = 0; /* it was copied */
    ck_assert_double_eq(mn_item(mn_sum(y)), 90);
    ck_assert_ok(mn_backward(mn_sum(y)));
    ck_elements(dw, (float[]){30, 120});
    ck_assert_ok(mn_backward(mn_sum(mn_square(x))));
    ck_elements(dw, (float[]){32, 124});
    ck_assert_fails(mn_backward(mn_apply(&cube, pair, 2, &factor)), MN_BAD_VALUE,
                    "cube: wants one input");
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

START_TEST(an_op_without_backward_stops_the_gradient)
{
    static const mn_op cube = {"cube", sizeof(float), cube_shape, cube_forward, NULL};
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(1), (float[]){2}), *dw = new_tensor(MN_SHAPE(1), NULL);
    mn_var *x = mn_leaf(tape, w, dw);
    const float factor = 1;
    ck_assert_ok(mn_backward(mn_sum(mn_mul(x, mn_apply(&cube, &x, 1, &factor)))));
    ck_elements(dw, (float[]){8});
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

START_TEST(rows_are_stored_where_they_belong_or_refused)
{
    mn_tape *tape = new_tape();
    mn_tensor *kept = new_tensor(MN_SHAPE(3, 2), (float[]){1, 2, 3, 4, 5, 6});
    mn_var *one = mn_input(tape, MN_SHAPE(1, 2), (float[]){7, 8}, false);
    ck_assert_ok(mn_store_rows(one, kept, 2));
    ck_elements(kept, (float[]){1, 2, 3, 4, 7, 8});
    ck_assert_ok(mn_store_rows(mn_rows(mn_const(tape, kept), 1, 2), kept, 0));
    ck_elements(kept, (float[]){3, 4, 7, 8, 7, 8});
    ck_assert_fails(mn_store_rows(one, kept, 3), MN_BAD_SHAPE,
                    "1 rows from row 3 on do not fit in 3");
    ck_assert_fails(mn_store_rows(one, kept, -1), MN_BAD_SHAPE, "from row -1 on do not fit");
    mn_var *wide = mn_zeros(tape, MN_SHAPE(1, 3));
    ck_assert_fails(mn_store_rows(wide, kept, 0), MN_BAD_SHAPE, "(1,3) are no rows of (3,2)");
    ck_assert_fails(mn_store_rows(mn_sum(one), kept, 0), MN_BAD_SHAPE, "are no rows of (3,2)");
    mn_tensor *bytes;
    ck_assert_ok(mn_tensor_new(MN_U8, MN_SHAPE(3, 2), &bytes));
    ck_assert_fails(mn_store_rows(one, bytes, 0), MN_BAD_SHAPE, "8 bytes");
    mn_tensor_free(bytes);
    ck_assert_fails(mn_store_rows(mn_add(one, wide), kept, 0), MN_BAD_SHAPE, "add");
    ck_elements(kept, (float[]){3, 4, 7, 8, 7, 8});
    mn_tensor_free(kept);
    mn_tape_free(tape);
}
END_TEST

START_TEST(rows_are_scattered_to_the_places_that_are_named)
{
    mn_tape *tape = new_tape();
    mn_tensor *kept = new_tensor(MN_SHAPE(4, 2), (float[]){1, 2, 3, 4, 5, 6, 7, 8});
    mn_var *two = mn_input(tape, MN_SHAPE(2, 2), (float[]){-1, -2, -3, -4}, false);
    ck_assert_ok(mn_store_at(two, kept, (int64_t[]){3, 0}));
    ck_elements(kept, (float[]){-3, -4, 3, 4, 5, 6, -1, -2});
    ck_assert_ok(mn_store_at(two, kept, (int64_t[]){1, 1})); /* the last one stays */
    ck_elements(kept, (float[]){-3, -4, -3, -4, 5, 6, -1, -2});
    ck_assert_ok(mn_store_at(mn_zeros(tape, MN_SHAPE(0, 2)), kept, NULL));
    ck_assert_fails(mn_store_at(two, kept, (int64_t[]){2, 4}), MN_BAD_VALUE, "no row 4 in 4");
    ck_assert_fails(mn_store_at(two, kept, (int64_t[]){2, -1}), MN_BAD_VALUE, "no row -1 in 4");
    mn_var *wide = mn_zeros(tape, MN_SHAPE(1, 3));
    ck_assert_fails(mn_store_at(wide, kept, (int64_t[]){0}), MN_BAD_SHAPE, "are no rows of (4,2)");
    ck_assert_fails(mn_store_at(mn_add(two, wide), kept, (int64_t[]){0, 1}), MN_BAD_SHAPE, "add");
    ck_elements(kept, (float[]){-3, -4, -3, -4, 5, 6, -1, -2});
    mn_tensor_free(kept);
    mn_tape_free(tape);
}
END_TEST

MN_SUITE("tape", rows_are_stored_where_they_belong_or_refused,
         rows_are_scattered_to_the_places_that_are_named, backward_adds_into_the_parameters,
         the_first_error_names_op_shapes_and_scope, poison_may_be_passed_to_anything,
         an_absent_operand_is_an_error_where_a_tape_is_known, operands_of_two_tapes_are_refused,
         what_cannot_be_differentiated_says_so, a_tape_without_memory_says_so,
         a_forgotten_gradient_is_written_once_and_then_added_to,
         two_losses_on_one_tape_have_their_own_gradients, backward_into_writes_the_other_slab,
         backward_into_knows_which_of_the_others_were_forgotten,
         gradient_of_leaves_the_parameters_alone,
         gradient_of_works_for_parameters_and_values_on_the_way,
         gradients_of_two_losses_by_one_input_are_kept_apart,
         only_gradients_somebody_wants_are_worked_out,
         nothing_flows_through_detach_constants_or_an_unrecorded_part,
         what_a_reshape_hands_over_is_added_to_and_asked_for,
         an_op_from_outside_is_differentiated_like_any_other,
         an_op_without_backward_stops_the_gradient)
