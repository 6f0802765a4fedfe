/* Tensors: shapes, memory, views, and the flat arithmetic on them. */
#include "tests/suite.h"

#include "tensor/kernels.h"
#include "tensor/tensor.h"
#include <math.h>
#include <omp.h>
#include <string.h>

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
        ck_assert(elements[i] == expected[i]);
}

START_TEST(a_shape_counts_and_prints_itself)
{
    char text[64];
    ck_assert_int_eq(mn_shape_count(MN_SCALAR), 1);
    ck_assert_int_eq(mn_shape_count(MN_SHAPE(4, 0, 3)), 0);
    ck_assert_int_eq(mn_shape_count(MN_SHAPE(4, 3)), 12);
    ck_assert_str_eq(mn_shape_text(MN_SCALAR, text), "()");
    ck_assert_str_eq(mn_shape_text(MN_SHAPE(32, 10), text), "(32,10)");
    const int64_t large = (int64_t)1 << 60;
    mn_shape_text(MN_SHAPE(large, large, large, large, large), text);
    ck_assert_uint_eq(strlen(text), 63); /* cut, not overrun */
    ck_assert(mn_shape_equal(MN_SHAPE(2, 3), MN_SHAPE(2, 3)));
    ck_assert(!mn_shape_equal(MN_SHAPE(2, 3), MN_SHAPE(3, 2)));
    ck_assert(!mn_shape_equal(MN_SHAPE(2), MN_SHAPE(2, 1)));
}
END_TEST

START_TEST(a_new_tensor_is_aligned_and_zero)
{
    mn_tensor *tensor = new_tensor(MN_SHAPE(3, 5), NULL);
    ck_assert_uint_eq((uintptr_t)mn_tensor_floats(tensor) % 64, 0);
    ck_elements(tensor, (float[15]){0});
    ck_assert_uint_eq(mn_tensor_bytes(tensor), 60);
    ck_assert_int_eq(mn_tensor_dtype(tensor), MN_F32);
    mn_tensor_free(tensor);
    mn_tensor_free(NULL);
}
END_TEST

START_TEST(impossible_shapes_are_refused)
{
    mn_tensor *tensor;
    ck_assert_fails(mn_tensor_new(MN_F32, MN_SHAPE(3, -1), &tensor), MN_BAD_SHAPE, "(3,-1)");
    ck_assert_ptr_null(tensor);
    const int64_t large = (int64_t)1 << 40;
    ck_assert_fails(mn_tensor_new(MN_F32, MN_SHAPE(large, large), &tensor), MN_BAD_SHAPE,
                    "not a possible shape");
    ck_assert_fails(mn_tensor_new(MN_F32, MN_SHAPE(large, 0, large), &tensor), MN_BAD_SHAPE,
                    "not a possible shape");
    ck_assert_fails(mn_tensor_new(MN_F32, (mn_shape){6, {1}}, &tensor), MN_BAD_SHAPE, "6 axes");
}
END_TEST

START_TEST(elements_are_written_and_read_whole)
{
    mn_tensor *tensor = new_tensor(MN_SHAPE(2, 2), (float[]){1, 2, 3, 4});
    ck_elements(tensor, (float[]){1, 2, 3, 4});
    float elements[4];
    ck_assert_fails(mn_tensor_read(tensor, elements, 12), MN_BAD_SHAPE, "12 bytes");
    ck_assert_fails(mn_tensor_write(tensor, elements, 20), MN_BAD_SHAPE, "(2,2) of 16 bytes");
    mn_tensor_free(tensor);
}
END_TEST

START_TEST(a_view_shares_the_slab_it_is_cut_from)
{
    mn_tensor *slab = new_tensor(MN_SHAPE(6), (float[]){0, 1, 2, 3, 4, 5});
    mn_tensor view;
    ck_assert_ok(mn_tensor_view(slab, 2, MN_SHAPE(2, 2), &view));
    ck_elements(&view, (float[]){2, 3, 4, 5});
    ck_assert_ok(mn_tensor_fill(&view, 9));
    ck_elements(slab, (float[]){0, 1, 9, 9, 9, 9});
    ck_assert_ok(mn_tensor_view(slab, 6, MN_SHAPE(0), &view));
    ck_assert_fails(mn_tensor_view(slab, 3, MN_SHAPE(2, 2), &view), MN_BAD_SHAPE, "(2,2) at 3");
    ck_assert_fails(mn_tensor_view(slab, -1, MN_SHAPE(2), &view), MN_BAD_SHAPE, "at -1");
    mn_tensor_free(slab);
}
END_TEST

START_TEST(flat_arithmetic_is_what_it_says)
{
    mn_tensor *x = new_tensor(MN_SHAPE(3), (float[]){1, 2, 3});
    mn_tensor *y = new_tensor(MN_SHAPE(3), (float[]){10, 20, 30});
    ck_assert_ok(mn_tensor_axpby(y, 2, x, 0.5f));
    ck_elements(y, (float[]){7, 14, 21});
    ck_assert_ok(mn_tensor_axpby(y, 1, x, 1));
    ck_elements(y, (float[]){8, 16, 24});
    ck_assert_ok(mn_tensor_mul(y, x));
    ck_elements(y, (float[]){8, 32, 72});
    ck_assert_double_eq(mn_tensor_dot(x, y), 8 + 64 + 216);
    ck_assert_double_eq_tol(mn_tensor_norm(x), sqrt(14), 1e-12);
    ck_assert_ok(mn_tensor_copy(y, x));
    ck_elements(y, (float[]){1, 2, 3});
    ck_assert_ok(mn_tensor_axpby(y, 3, y, 1)); /* y on both sides */
    ck_elements(y, (float[]){4, 8, 12});
    mn_tensor_free(x);
    mn_tensor_free(y);
}
END_TEST

START_TEST(quotients_bounds_and_pulls_are_what_they_say)
{
    mn_tensor *x = new_tensor(MN_SHAPE(3), (float[]){4, -1, 0.5f});
    mn_tensor *w = new_tensor(MN_SHAPE(3), (float[]){2, 4, -0.25f});
    mn_tensor *y = new_tensor(MN_SHAPE(3), (float[]){4, -1, 0.5f});
    mn_tensor *anchor = new_tensor(MN_SHAPE(3), (float[]){2, 4, -0.25f});
    mn_tensor *other = new_tensor(MN_SHAPE(2), NULL);
    ck_assert_ok(mn_tensor_div(y, w));
    ck_elements(y, (float[]){2, -0.25f, -2});
    ck_assert_ok(mn_tensor_clamp(y, -1.5f, 1));
    ck_elements(y, (float[]){1, -0.25f, -1.5f});
    ck_assert_ok(mn_tensor_pull(y, 3, w, x, anchor));
    ck_elements(y, (float[]){1 + 3 * 2 * 2, -0.25f + 3 * 4 * -5, -1.5f + 3 * -0.25f * 0.75f});
    ck_assert_fails(mn_tensor_div(y, other), MN_BAD_SHAPE, "vs");
    ck_assert_fails(mn_tensor_pull(y, 1, w, x, other), MN_BAD_SHAPE, "vs");
    mn_tensor_free(x);
    mn_tensor_free(w);
    mn_tensor_free(y);
    mn_tensor_free(anchor);
    mn_tensor_free(other);
}
END_TEST

START_TEST(rows_are_copied_alone)
{
    mn_tensor *x = new_tensor(MN_SHAPE(3, 2), (float[]){1, 2, 3, 4, 5, 6});
    mn_tensor *y = new_tensor(MN_SHAPE(3, 2), (float[]){0, 0, 0, 0, 0, 0});
    mn_tensor *flat = new_tensor(MN_SHAPE(6), NULL);
    ck_assert_ok(mn_tensor_copy_rows(y, x, 1, 1));
    ck_elements(y, (float[]){0, 0, 3, 4, 0, 0});
    ck_assert_ok(mn_tensor_copy_rows(y, x, 3, 0));
    ck_assert_ok(mn_tensor_copy_rows(y, x, 1, 2));
    ck_elements(y, (float[]){0, 0, 3, 4, 5, 6});
    ck_assert_fails(mn_tensor_copy_rows(y, x, 2, 2), MN_BAD_SHAPE, "2 rows from row 2 on, of 3");
    ck_assert_fails(mn_tensor_copy_rows(y, flat, 0, 1), MN_BAD_SHAPE, "(6) vs (3,2)");
    mn_tensor_free(x);
    mn_tensor_free(y);
    mn_tensor_free(flat);
}
END_TEST

START_TEST(replacing_does_not_read_what_was_there)
{
    mn_tensor *x = new_tensor(MN_SHAPE(2), (float[]){1, 2});
    mn_tensor *y = new_tensor(MN_SHAPE(2), (float[]){NAN, INFINITY});
    ck_assert_ok(mn_tensor_axpby(y, 3, x, 0));
    ck_elements(y, (float[]){3, 6});
    mn_tensor_free(x);
    mn_tensor_free(y);
}
END_TEST

START_TEST(arithmetic_wants_floats_of_equal_count)
{
    mn_tensor *x = new_tensor(MN_SHAPE(3), NULL), *y = new_tensor(MN_SHAPE(4), NULL), *bytes;
    ck_assert_ok(mn_tensor_new(MN_U8, MN_SHAPE(3), &bytes));
    ck_assert_fails(mn_tensor_copy(y, x), MN_BAD_SHAPE, "(3) vs (4)");
    ck_assert_fails(mn_tensor_copy(x, bytes), MN_BAD_SHAPE, "not u8");
    ck_assert(isnan(mn_tensor_dot(x, y)));
    mn_tensor_free(x);
    mn_tensor_free(y);
    mn_tensor_free(bytes);
}
END_TEST

/* 1e8 + 1 is lost in float. */
START_TEST(sums_are_made_in_double)
{
    enum { COUNT = 1003 };
    static float x[COUNT];
    double expected = 0;
    for (int i = 0; i < COUNT; i++) {
        x[i] = i % 2 == 0 ? 1e8f : 1;
        expected += (double)x[i];
    }
    ck_assert_double_eq(mn_kernel_sum(COUNT, x), expected);
    ck_assert_double_eq(mn_kernel_sum(0, x), 0);
}
END_TEST

START_TEST(bits_do_not_depend_on_addresses)
{
    enum { COUNT = 251 };
    static float memory[2][COUNT + 16];
    double sum[16], dot[16];
    for (int shift = 0; shift < 16; shift++) {
        for (int i = 0; i < COUNT; i++) {
            memory[0][i + shift] = sinf((float)i);
            memory[1][i + shift] = cosf((float)i * 1.7f);
        }
        sum[shift] = mn_kernel_sum(COUNT, memory[0] + shift);
        dot[shift] = mn_kernel_dot(COUNT, memory[0] + shift, memory[1] + shift);
        ck_assert_mem_eq(&sum[shift], &sum[0], sizeof sum[0]);
        ck_assert_mem_eq(&dot[shift], &dot[0], sizeof dot[0]);
    }
}
END_TEST

START_TEST(products_depend_neither_on_addresses_nor_on_threads)
{
    enum { ROWS = 21, INNER = 133, COLUMNS = 50 };
    static float a[ROWS * INNER + 16], b[COLUMNS * INNER + 16], c[ROWS * COLUMNS + 16];
    static float first[ROWS * COLUMNS];
    for (int shift = 0; shift < 16; shift++) {
        for (int i = 0; i < ROWS * INNER; i++)
            a[i + shift] = sinf((float)i);
        for (int i = 0; i < COLUMNS * INNER; i++)
            b[i + 15 - shift] = cosf((float)i * 1.7f);
        omp_set_num_threads(1 + shift % 2);
        mn_kernel_gemm(false, true, ROWS, COLUMNS, INNER, a + shift, b + 15 - shift, c + shift / 2,
                       false);
        ck_assert_int_eq(omp_get_max_threads(), 1 + shift % 2); /* is left as it was */
        if (shift == 0)
            memcpy(first, c, sizeof first);
        ck_assert_mem_eq(c + shift / 2, first, sizeof first);
    }
}
END_TEST

/* 21 million multiplications: threads make panels of them. */
START_TEST(a_large_product_is_that_of_its_rows_and_repeats_its_bits)
{
    enum { ROWS = 531, INNER = 160, COLUMNS = 253 };
    static float a[ROWS * INNER], b[INNER * COLUMNS], c[ROWS * COLUMNS], again[ROWS * COLUMNS];
    for (int i = 0; i < ROWS * INNER; i++)
        a[i] = sinf((float)i);
    for (int i = 0; i < INNER * COLUMNS; i++)
        b[i] = cosf((float)i * 1.7f);
    for (int how = 0; how < 4; how++)
        for (int threads = 1; threads <= 5; threads += 2) {
            const bool turn_a = (how & 1) != 0, turn_b = (how & 2) != 0;
            omp_set_num_threads(threads);
            memset(c, 0xff, sizeof c);
            mn_kernel_gemm(turn_a, turn_b, ROWS, COLUMNS, INNER, a, b, c, false);
            for (int i = 0; i < ROWS; i += 59)
                for (int j = 0; j < COLUMNS; j += 21) {
                    double sum = 0;
                    for (int k = 0; k < INNER; k++)
                        sum += (double)a[turn_a ? k * ROWS + i : i * INNER + k] *
                               (double)b[turn_b ? j * INNER + k : k * COLUMNS + j];
                    ck_assert(fabs((double)c[i * COLUMNS + j] - sum) < 1e-4);
                }
            memset(again, 0, sizeof again);
            mn_kernel_gemm(turn_a, turn_b, ROWS, COLUMNS, INNER, a, b, again, true);
            mn_kernel_gemm(turn_a, turn_b, ROWS, COLUMNS, INNER, a, b, c, false);
            ck_assert_mem_eq(c, again, sizeof c);
            ck_assert_int_eq(omp_get_max_threads(), threads);
        }
    omp_set_num_threads(1);
}
END_TEST

/* (3,2) (2,4), in all four transpositions */
START_TEST(matrix_products_transpose_what_they_are_told_to)
{
    const float a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, 0, 2, -1, 3, 1, 0, 2};
    const float expected[] = {7, 2, 2, 3, 15, 4, 6, 5, 23, 6, 10, 7};
    float a_turned[6], b_turned[8], c[12];
    mn_kernel_transpose(3, 2, a, a_turned, false);
    mn_kernel_transpose(2, 4, b, b_turned, false);
    for (int how = 0; how < 4; how++) {
        const bool turn_a = (how & 1) != 0, turn_b = (how & 2) != 0;
        for (int i = 0; i < 12; i++)
            c[i] = NAN;
        const float *left = turn_a ? a_turned : a, *right = turn_b ? b_turned : b;
        mn_kernel_gemm(turn_a, turn_b, 3, 4, 2, left, right, c, false);
        ck_assert_mem_eq(c, expected, sizeof c);
        mn_kernel_gemm(turn_a, turn_b, 3, 4, 2, left, right, c, true);
        for (int i = 0; i < 12; i++)
            ck_assert(c[i] == 2 * expected[i]);
    }
    mn_kernel_gemm(false, false, 3, 4, 0, a, b, c, true);
    ck_assert(c[0] == 14);
    mn_kernel_gemm(false, false, 3, 4, 0, a, b, c, false);
    ck_assert_mem_eq(c, ((float[12]){0}), sizeof c);
}
END_TEST

START_TEST(projection_takes_away_only_what_points_against)
{
    mn_tensor *y, *x;
    float result[2];
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(2), &y));
    ck_assert_ok(mn_tensor_new(MN_F32, MN_SHAPE(2), &x));
    ck_assert_ok(mn_tensor_write(y, (float[]){3, -4}, 2 * sizeof(float)));
    ck_assert_ok(mn_tensor_write(x, (float[]){2, 0}, 2 * sizeof(float)));
    ck_assert_ok(mn_tensor_project(y, x)); /* they agree: nothing happens */
    ck_assert_ok(mn_tensor_read(y, result, sizeof result));
    ck_assert(result[0] == 3 && result[1] == -4);
    ck_assert_ok(mn_tensor_write(x, (float[]){0, 2}, 2 * sizeof(float)));
    ck_assert_ok(mn_tensor_project(y, x));
    ck_assert_ok(mn_tensor_read(y, result, sizeof result));
    ck_assert(result[0] == 3 && result[1] == 0);
    ck_assert_ok(mn_tensor_fill(x, 0));
    ck_assert_ok(mn_tensor_project(y, x)); /* a direction of no length is no direction */
    mn_tensor_free(y);
    mn_tensor_free(x);
}
END_TEST

START_TEST(of_equal_largest_values_the_first_is_meant)
{
    ck_assert_int_eq(mn_argmax((float[]){-3, 2, -1, 2}, 4), 1);
    ck_assert_int_eq(mn_argmax((float[]){-3, -4}, 2), 0);
    ck_assert_int_eq(mn_argmax(NULL, 0), 0);
}
END_TEST

MN_SUITE("tensor", projection_takes_away_only_what_points_against, a_shape_counts_and_prints_itself,
         a_new_tensor_is_aligned_and_zero, impossible_shapes_are_refused,
         elements_are_written_and_read_whole, a_view_shares_the_slab_it_is_cut_from,
         flat_arithmetic_is_what_it_says, quotients_bounds_and_pulls_are_what_they_say,
         rows_are_copied_alone, replacing_does_not_read_what_was_there,
         arithmetic_wants_floats_of_equal_count, sums_are_made_in_double,
         bits_do_not_depend_on_addresses, products_depend_neither_on_addresses_nor_on_threads,
         a_large_product_is_that_of_its_rows_and_repeats_its_bits,
         matrix_products_transpose_what_they_are_told_to,
         of_equal_largest_values_the_first_is_meant)
