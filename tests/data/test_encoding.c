/* Rows in a smaller form: what a form is, what comes back of it, and a whole data set in it. */
#include "data/encode/encoded.h"
#include "data/encode/projection.h"
#include "data/read/resize.h"
#include "tensor/file/half.h"
#include "tests/suite.h"

#include <math.h>
#include <string.h>

static mn_encoding_spec spec_of(const char *text)
{
    mn_encoding_spec spec = {.key = mn_key_of(3, "test")};
    ck_assert_ok(mn_encoding_parse("codec", text, &spec));
    return spec;
}

START_TEST(forms_are_read_and_what_is_none_is_refused)
{
    static const char *const wrong[] = {"",           "resize",     "resize:",      "resize:0",
                                        "resize:7x7", "project:-1", "project:5000", "jpeg:3"};
    mn_encoding_spec spec = spec_of("raw");
    ck_assert_int_eq(spec.kind, MN_ENCODE_RAW);
    spec = spec_of("resize:7");
    ck_assert_int_eq(spec.kind, MN_ENCODE_RESIZE);
    ck_assert_int_eq(spec.size, 7);
    ck_assert_int_eq(mn_encoding_bytes(&spec), 0);
    spec = spec_of("project:64");
    ck_assert_int_eq(spec.kind, MN_ENCODE_PROJECT);
    ck_assert_int_eq(mn_encoding_bytes(&spec), 8);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_fails(mn_encoding_parse("codec", wrong[i], &spec), MN_BAD_OPTION,
                        "expected raw, resize:R");
}
END_TEST

START_TEST(a_form_that_rows_cannot_have_is_refused)
{
    static const float range[784] = {0};
    const mn_shape image = MN_SHAPE(1, 28, 28), line = MN_SHAPE(1, 1, 784);
    mn_encoding_spec spec = spec_of("resize:28");
    mn_encoding *encoding;
    ck_assert_fails(mn_encoding_new(&spec, image, MN_ROW_U8, NULL, NULL, &encoding), MN_BAD_OPTION,
                    "images of 28x28 smaller");
    spec = spec_of("resize:7");
    ck_assert_fails(mn_encoding_new(&spec, line, MN_ROW_U8, NULL, NULL, &encoding), MN_BAD_OPTION,
                    "choose project:E");
    ck_assert_fails(mn_encoding_new(&spec, image, MN_ROW_F32, range, range, &encoding),
                    MN_BAD_OPTION, "of measurements; choose project:E");
    spec = spec_of("project:785");
    ck_assert_fails(mn_encoding_new(&spec, image, MN_ROW_U8, NULL, NULL, &encoding), MN_BAD_OPTION,
                    "choose fewer");
    ck_assert_ptr_null(encoding);
}
END_TEST

START_TEST(directions_are_orthonormal_and_follow_from_the_key)
{
    enum { VALUES = 40, DIRECTIONS = 40 };
    mn_projection a, b, other;
    ck_assert_ok(mn_projection_draw(mn_key_of(1, "test"), VALUES, DIRECTIONS, &a));
    ck_assert_ok(mn_projection_draw(mn_key_of(1, "test"), VALUES, DIRECTIONS, &b));
    ck_assert_ok(mn_projection_draw(mn_key_of(2, "test"), VALUES, DIRECTIONS, &other));
    ck_assert_mem_eq(a.direction, b.direction, VALUES * DIRECTIONS * sizeof(float));
    ck_assert_mem_ne(a.direction, other.direction, VALUES * DIRECTIONS * sizeof(float));
    for (int c = 0; c < DIRECTIONS; c++)
        for (int d = 0; d <= c; d++) {
            double sum = 0;
            for (int i = 0; i < VALUES; i++)
                sum += (double)a.direction[i * DIRECTIONS + c] *
                       (double)a.direction[i * DIRECTIONS + d];
            ck_assert(fabs(sum - (c == d)) < 1e-6);
        }
    float row[VALUES], z[DIRECTIONS], back[VALUES]; /* as many directions as values: nothing lost */
    for (int i = 0; i < VALUES; i++)
        row[i] = (float)(i % 7) / 7;
    mn_projection_apply(&a, row, z);
    mn_projection_back(&a, z, back);
    for (int i = 0; i < VALUES; i++)
        ck_assert(fabsf(back[i] - row[i]) < 1e-5F);
    mn_projection_free(&a);
    mn_projection_free(&b);
    mn_projection_free(&other);
}
END_TEST

START_TEST(resized_images_are_means_of_areas_and_come_back_smooth)
{
    uint8_t image[2 * 4 * 4], form[2 * 2 * 2], back[sizeof image];
    const mn_encoding_spec spec = spec_of("resize:2");
    mn_encoding *encoding;
    for (int i = 0; i < 32; i++)
        image[i] = i < 16 ? (uint8_t)(i % 4 < 2 ? 40 : 200) : (uint8_t)(8 * (i - 16));
    ck_assert_ok(mn_encoding_new(&spec, MN_SHAPE(2, 4, 4), MN_ROW_U8, NULL, NULL, &encoding));
    ck_assert(mn_shape_equal(mn_encoding_shape(encoding), MN_SHAPE(2, 2, 2)));
    ck_assert_int_eq(mn_encoding_type(encoding), MN_ROW_U8);
    ck_assert_ok(mn_encoding_encode(encoding, MN_ROW_U8, image, form));
    ck_assert_mem_eq(form, ((uint8_t[]){40, 200, 40, 200, 20, 36, 84, 100}), sizeof form);
    ck_assert_ok(mn_encoding_decode(encoding, form, back));
    /* A quarter of a new pixel from a centre: three parts of it, one of its neighbour. */
    ck_assert_mem_eq(back, ((uint8_t[]){40, 80, 160, 200}), 4);
    ck_assert_fails(mn_encoding_encode(encoding, MN_ROW_F32, image, form), MN_BAD_VALUE,
                    "expected bytes");
    mn_encoding_free(encoding);
}
END_TEST

/* Projected again, what came back has the same coordinates: nothing but rounding to bytes is lost.
 */
START_TEST(what_comes_back_of_coordinates_has_the_same)
{
    enum { VALUES = 64 };
    const mn_encoding_spec spec = spec_of("project:9");
    static float offset[VALUES], scale[VALUES];
    uint8_t bytes[VALUES];
    float row[VALUES], z[9], again[9], back[VALUES];
    mn_encoding *encoding;
    for (int i = 0; i < VALUES; i++) {
        offset[i] = -1;
        scale[i] = 2;
        row[i] = sinf((float)i);
        bytes[i] = (uint8_t)(127 + 20 * sinf((float)i));
    }
    ck_assert_ok(
        mn_encoding_new(&spec, MN_SHAPE(1, 1, VALUES), MN_ROW_F16, offset, scale, &encoding));
    ck_assert_ok(mn_encoding_encode(encoding, MN_ROW_F32, row, z));
    ck_assert_ok(mn_encoding_decode(encoding, z, back));
    ck_assert_ok(mn_encoding_encode(encoding, MN_ROW_F32, back, again));
    for (int i = 0; i < 9; i++)
        ck_assert(fabsf(z[i] - again[i]) < 1e-5F);
    mn_encoding_free(encoding);
    /* Bytes of measurements are projected as the values that they stand for. */
    ck_assert_ok(
        mn_encoding_new(&spec, MN_SHAPE(1, 1, VALUES), MN_ROW_U8, offset, scale, &encoding));
    for (int i = 0; i < VALUES; i++)
        row[i] = -1 + 2 * ((float)bytes[i] / 255);
    ck_assert_ok(mn_encoding_encode(encoding, MN_ROW_U8, bytes, z));
    ck_assert_ok(mn_encoding_encode(encoding, MN_ROW_F32, row, again));
    for (int i = 0; i < 9; i++)
        ck_assert(fabsf(z[i] - again[i]) < 1e-5F);
    uint8_t near[VALUES];
    ck_assert_ok(mn_encoding_decode(encoding, z, near));
    ck_assert_ok(mn_encoding_encode(encoding, MN_ROW_U8, near, again));
    for (int i = 0; i < 9; i++)
        ck_assert(fabsf(z[i] - again[i]) < 0.05F);
    mn_encoding_free(encoding);
}
END_TEST

START_TEST(a_whole_data_set_is_what_its_images_are_and_keeps_its_digest)
{
    const mn_encoding_spec small = spec_of("resize:7"), lines = spec_of("project:5");
    mn_dataset *whole, *encoded, *projected;
    uint32_t before, after;
    ck_assert_ok(mn_dataset_open("synthetic", NULL, NULL, &whole));
    ck_assert_ok(mn_dataset_open("synthetic", NULL, NULL, &encoded));
    ck_assert_ok(mn_dataset_encode(encoded, &small));
    ck_assert_ok(mn_dataset_digest(whole, &before));
    ck_assert_ok(mn_dataset_digest(encoded, &after));
    ck_assert_int_eq(before, after);
    ck_assert(mn_shape_equal(mn_dataset_image(encoded), MN_SHAPE(1, 7, 7)));
    uint8_t image[28 * 28], a[49], b[49];
    for (int64_t i = 0; i < encoded->test.count; i++) { /* as dataset.size makes them */
        ck_assert_ok(mn_dataset_pixels(whole, &whole->test, i, image));
        ck_assert_ok(mn_dataset_pixels(encoded, &encoded->test, i, a));
        const mn_raster raster = mn_raster_of_image(image, 1, 28, 28);
        ck_assert_ok(mn_raster_place(&raster, MN_RESIZE_AREA, MN_FIT_CROP, 1, 7, 7, b));
        ck_assert_mem_eq(a, b, sizeof a);
    }
    ck_assert_ok(mn_dataset_open("synthetic", NULL, NULL, &projected));
    ck_assert_ok(mn_dataset_encode(projected, &lines));
    ck_assert_int_eq(projected->type, MN_ROW_F16);
    ck_assert(mn_shape_equal(mn_dataset_image(projected), MN_SHAPE(1, 1, 5)));
    const uint16_t *rows = (const void *)projected->train.pixels;
    for (int v = 0; v < 5; v++) { /* ranges reach from the least to the greatest of training rows */
        float least = HUGE_VALF, greatest = -HUGE_VALF;
        for (int64_t i = 0; i < projected->train.count; i++) {
            least = fminf(least, mn_half_value(rows[i * 5 + v]));
            greatest = fmaxf(greatest, mn_half_value(rows[i * 5 + v]));
        }
        ck_assert(projected->offset[v] == least);
        ck_assert(projected->scale[v] == greatest - least);
    }
    mn_dataset_free(whole);
    mn_dataset_free(encoded);
    mn_dataset_free(projected);
}
END_TEST

MN_SUITE("encoding", forms_are_read_and_what_is_none_is_refused,
         a_form_that_rows_cannot_have_is_refused,
         directions_are_orthonormal_and_follow_from_the_key,
         resized_images_are_means_of_areas_and_come_back_smooth,
         what_comes_back_of_coordinates_has_the_same,
         a_whole_data_set_is_what_its_images_are_and_keeps_its_digest)
