/* The tape's memory: what a step takes, and what is given back before its end. */
#include "autograd/backward.h"
#include "autograd/memory.h"
#include "autograd/tape.h"
#include "tests/autograd/tapes.h"

#include <math.h>
#include <mneme/losses.h>
#include <string.h>

static double one_step(mn_tape *tape, mn_tensor *w, mn_tensor *dw, const float **logits)
{
    static float elements[50 * 30];
    const int32_t labels[50] = {0};
    mn_tape_reset(tape);
    mn_var *x = mn_input(tape, MN_SHAPE(50, 30), elements, false), *leaf = mn_leaf(tape, w, dw);
    for (int i = 0; i < 60; i++)
        x = mn_relu(mn_linear(x, leaf, NULL));
    *logits = mn_host(x);
    mn_var *loss = mn_cross_entropy(x, labels);
    ck_assert_ok(mn_backward(loss));
    return mn_item(loss);
}

START_TEST(from_the_second_step_on_nothing_is_allocated_and_addresses_repeat)
{
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(30, 30), NULL), *dw = new_tensor(MN_SHAPE(30, 30), NULL);
    const float *logits, *again;
    one_step(tape, w, dw, &logits);
    ck_assert_int_gt(tape->arena.chunks_allocated, 1); /* or the test tests nothing */
    one_step(tape, w, dw, &logits);
    const int64_t allocated = tape->arena.chunks_allocated;
    const size_t bytes = mn_tape_bytes(tape);
    for (int i = 0; i < 3; i++) {
        one_step(tape, w, dw, &again);
        ck_assert_ptr_eq(again, logits);
    }
    ck_assert_int_eq(tape->arena.chunks_allocated, allocated);
    ck_assert_uint_eq(mn_tape_bytes(tape), bytes);
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

START_TEST(a_second_backward_takes_no_more_memory)
{
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(2, 2), NULL), *dw = new_tensor(MN_SHAPE(2, 2), NULL);
    mn_var *x = mn_square(mn_square(mn_leaf(tape, w, dw)));
    mn_var *one = mn_sum(x), *other = mn_mean(x);
    ck_assert_ok(mn_backward(mn_add(one, other)));
    const size_t bytes = mn_tape_bytes(tape);
    ck_assert_ok(mn_backward(one));
    ck_assert_ok(mn_backward(other));
    ck_assert_uint_eq(mn_tape_bytes(tape), bytes);
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

START_TEST(a_sweep_needs_room_for_a_few_gradients_however_long_the_way)
{
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(64, 64), NULL), *dw = new_tensor(MN_SHAPE(64, 64), NULL);
    mn_var *x = mn_leaf(tape, w, dw);
    for (int i = 0; i < 30; i++)
        x = mn_scale(x, 1.01);
    mn_var *loss = mn_sum(x);
    const size_t forward = mn_tape_bytes(tape);
    ck_assert_ok(mn_backward(loss));
    ck_assert_uint_lt(mn_tape_bytes(tape), forward + 4 * mn_tensor_bytes(w));
    ck_assert_ok(mn_backward(loss));
    ck_assert_uint_lt(mn_tape_bytes(tape), forward + 4 * mn_tensor_bytes(w));
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

/* mean((1.01^30 w)^2): thirty results of 16 KB, and as many for backward. */
static mn_var *long_way(mn_var *x)
{
    for (int i = 0; i < 30; i++)
        x = mn_scale(x, 1.01);
    return mn_mean(mn_square(x));
}

START_TEST(after_its_last_sweep_a_losss_memory_serves_the_next)
{
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(64, 64), NULL), *dw = new_tensor(MN_SHAPE(64, 64), NULL);
    ck_assert_ok(mn_tensor_fill(w, 1));
    ck_assert_ok(
        mn_backward(mn_add(long_way(mn_leaf(tape, w, dw)), long_way(mn_leaf(tape, w, dw)))));
    const size_t together = mn_tape_bytes(tape);
    const double norm = mn_tensor_norm(dw);
    mn_tape_free(tape);

    tape = new_tape();
    ck_assert_ok(mn_tensor_fill(dw, 0));
    ck_assert_ok(mn_backward_done(long_way(mn_leaf(tape, w, dw))));
    const size_t one = mn_tape_bytes(tape);
    ck_assert_ok(mn_backward_done(long_way(mn_leaf(tape, w, dw))));
    ck_assert_double_eq_tol(mn_tensor_norm(dw), norm, 1e-6 * norm);
    ck_assert_uint_lt(one, together / 2 + 4 * mn_tensor_bytes(w));
    ck_assert_uint_lt(mn_tape_bytes(tape), one + 2 * mn_tensor_bytes(w));
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

START_TEST(after_its_last_sweep_only_what_was_kept_can_be_read)
{
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(64, 64), NULL), *dw = new_tensor(MN_SHAPE(64, 64), NULL);
    ck_assert_ok(mn_tensor_fill(w, 1));
    mn_var *gone = mn_scale(mn_leaf(tape, w, dw), 2);
    mn_var *kept = mn_rows(mn_scale(gone, 3), 1, 62); /* a view: its memory is another's */
    mn_var_keep(kept);
    ck_assert_ok(mn_backward_done(mn_mean(mn_square(kept))));
    (void)long_way(mn_leaf(tape, w, dw)); /* takes what was given back */
    ck_assert(mn_host(kept)[61 * 64 + 63] == 6);
    ck_assert_ptr_null(mn_host(gone));
    const float *values;
    ck_assert_ok(mn_values(kept, &values));
    ck_assert(values[61 * 64 + 63] == 6);
    ck_assert_fails(mn_values(gone, &values), MN_OUT_OF_ORDER, "its values are gone");
    ck_assert_ok(mn_tape_status(tape));
    (void)mn_square(gone);
    ck_assert_int_eq(mn_tape_status(tape), MN_OUT_OF_ORDER);
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

START_TEST(a_released_result_gives_its_memory_to_the_next_and_nothing_else_does)
{
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(64, 64), NULL), *dw = new_tensor(MN_SHAPE(64, 64), NULL);
    ck_assert_ok(mn_tensor_fill(w, 1));

    mn_var *constant = mn_const(tape, w), *leaf = mn_leaf(tape, w, NULL);
    mn_var *made = mn_scale(constant, 2), *view = mn_reshape(made, MN_SHAPE(4096));
    mn_var *needed = mn_scale(mn_leaf(tape, w, dw), 2); /* backward reads it */
    mn_var *const stay[] = {constant, leaf, view, needed, mn_tape_poison(tape), NULL};
    for (size_t i = 0; i < sizeof stay / sizeof stay[0]; i++)
        mn_release(stay[i]);
    const float *values = mn_host(made);
    mn_var *next = mn_scale(constant, 3);
    ck_assert_ptr_ne(mn_host(next), values);
    ck_assert(mn_host(view)[4095] == 2 && mn_host(needed)[4095] == 2 && mn_host(leaf)[4095] == 1);

    mn_release(made);
    ck_assert_ptr_null(mn_host(made));
    next = mn_scale(constant, 4);
    ck_assert_ptr_eq(mn_host(next), values);
    ck_assert(mn_host(next)[4095] == 4);
    ck_assert_ok(mn_tape_status(tape));
    (void)mn_square(made);
    ck_assert_int_eq(mn_tape_status(tape), MN_OUT_OF_ORDER);
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

START_TEST(a_sweep_through_what_has_had_its_last_is_refused)
{
    mn_tape *tape = new_tape();
    mn_tensor *w = new_tensor(MN_SHAPE(2), (float[]){1, 2});
    mn_tensor *dw = new_tensor(MN_SHAPE(2), NULL);
    mn_var *shared = mn_square(mn_leaf(tape, w, dw));
    ck_assert_ok(mn_backward_done(mn_sum(shared)));
    ck_elements(dw, (float[]){2, 4});
    ck_assert_int_eq(mn_backward(mn_mean(shared)), MN_OUT_OF_ORDER);
    ck_assert_str_eq(mn_tape_error(tape), "square: the last sweep through it has been made");
    mn_tensor_free(w);
    mn_tensor_free(dw);
    mn_tape_free(tape);
}
END_TEST

MN_SUITE("tape memory", from_the_second_step_on_nothing_is_allocated_and_addresses_repeat,
         a_second_backward_takes_no_more_memory,
         a_sweep_needs_room_for_a_few_gradients_however_long_the_way,
         after_its_last_sweep_a_losss_memory_serves_the_next,
         after_its_last_sweep_only_what_was_kept_can_be_read,
         a_released_result_gives_its_memory_to_the_next_and_nothing_else_does,
         a_sweep_through_what_has_had_its_last_is_refused)
