/* The tape: its arena, its errors, sweeps, and an op from outside. */
#include "suite.h"

#include <math.h>
#include <mneme/autograd.h>
#include <string.h>

static mn_tape *new_tape(void)
{
    mn_tape *tape;
    ck_assert_ok(mn_tape_new(&tape));
    return tape;
}

static mn_tensor *new_tensor(mn_shape shape, const float *elements)
{
    mn_tensor *tensor;
    ck_assert_ok(mn_tensor_new(MN_F32, shape, &tensor));
    if (elements != NULL)
        ck_assert_ok(mn_tensor_write(tensor, elements, mn_tensor_bytes(tensor)));
    return tensor;
}

static void ck_elements(const mn_tensor *tensor, const float *expected)
{
    float elements[64];
    ck_assert_ok(mn_tensor_read(tensor, elements, mn_tensor_bytes(tensor)));
    for (int64_t i = 0; i < mn_tensor_count(tensor); i++)
        ck_assert_msg(fabsf(elements[i] - expected[i]) < 1e-6f, "element %d: %g, expected %g",
                      (int)i, (double)elements[i], (double)expected[i]);
}

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

MN_SUITE("tape", backward_adds_into_the_parameters, the_first_error_names_op_shapes_and_scope)
