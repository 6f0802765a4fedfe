/* Arrays whose values stay floats: rows, maps of many channels, and where their parts lie in a
 * range. */
#include "tensor/file/half.h"
#include "tests/data/own_npy.h"

#include <math.h>
#include <mneme/stream.h>
#include <string.h>

/* What training sees of a data set's rows, as they came and without normalisation. */
static void see(mn_part part, int64_t rows, float *values, float *x)
{
    const mn_transform transform = {.channels = mn_dataset_normalised(data),
                                    .mean = {0},
                                    .deviation = {1, 1, 1, 1},
                                    .offset = data->offset,
                                    .scale = data->scale,
                                    .type = data->type};
    const mn_stream_spec spec = {
        .tasks = 1, .label_fraction = 1, .pool = 1, .class_order_seed = -1};
    const int64_t width = mn_shape_count(mn_dataset_image(data));
    mn_stream *stream;
    mn_loader *loader;
    const mn_batch *batch;
    ck_assert_ok(mn_stream_new(data, &spec, 0, &stream));
    ck_assert_ok(mn_loader_new(stream, part, 0, 0, rows, &transform, &loader));
    ck_assert_ok(mn_loader_batch(loader, 0, &batch));
    ck_assert_int_eq(batch->count, rows);
    ck_assert_int_eq(batch->type, MN_ROW_F32);
    for (int64_t row = 0; row < rows; row++) {
        const size_t bytes = (size_t)width * sizeof(float);
        memcpy(values + batch->indices[row] * width, mn_batch_values(batch) + row * width, bytes);
        memcpy(x + batch->indices[row] * width, batch->x + row * width, bytes);
    }
    mn_loader_free(loader);
    mn_stream_free(stream);
}

START_TEST(floats_are_kept_as_they_are_where_the_user_asks)
{
    static const char *const folders[] = {"np"};
    setup(1, folders);
    float features[6][4], values[24], x[24];
    uint16_t halves[24];
    for (int i = 0; i < 24; i++) {
        features[i / 4][i % 4] = (float)sin(i) * (i % 4 == 3 ? 100 : 1);
        halves[i] = mn_half_of(features[i / 4][i % 4]);
    }
    const uint8_t labels[6] = {0, 1, 0, 1, 0, 1};
    write_npy("np/y_train.npy", "|u1", "(6,)", labels, 6);
    write_npy("np/y_test.npy", "|u1", "(6,)", labels, 6);
    write_npy("np/x_train.npy", "<f4", "(6, 4)", features, sizeof features);
    write_npy("np/x_test.npy", "<f4", "(6, 4)", features, sizeof features);
    ck_assert_ok(open_data("npy", "np", "\"dtype\": \"f32\""));
    ck_assert_int_eq(data->type, MN_ROW_F32);
    ck_assert_mem_eq(data->train.pixels, features, sizeof features);
    double greatest = -HUGE_VAL;
    for (int i = 0; i < 24; i++) {
        ck_assert(features[i / 4][i % 4] >= data->offset[i % 4]);
        greatest = fmax(greatest, (double)features[i / 4][i % 4]);
    }
    see(MN_PART_TEST, 6, values, x);
    ck_assert_mem_eq(values, features, sizeof features);
    ck_assert_mem_eq(x, features, sizeof features);
    mn_channel_values channel;
    ck_assert_ok((mn_dataset_channels(data, NULL, 6, &channel), MN_OK));
    ck_assert_double_eq(channel.greatest, greatest);
    close_data();
    ck_assert_ok(open_data("npy", "np", "\"dtype\": \"f16\""));
    ck_assert_mem_eq(data->train.pixels, halves, sizeof halves);
    see(MN_PART_TEST, 6, values, x);
    for (int i = 0; i < 24; i++)
        ck_assert(values[i] == mn_half_value(halves[i]) && x[i] == values[i]);
    close_data();
    features[2][1] = 70000;
    write_npy("np/x_test.npy", "<f4", "(6, 4)", features, sizeof features);
    ck_assert_fails(open_data("npy", "np", "\"dtype\": \"f16\""), MN_BAD_VALUE,
                    "value 1 of row 2 is 70000, but half floats end at 65504; set dtype to f32");
    ck_assert_ok(open_data("npy", "np", "\"dtype\": \"f32\""));
    close_data();
    features[2][1] = INFINITY;
    write_npy("np/x_test.npy", "<f4", "(6, 4)", features, sizeof features);
    ck_assert_fails(open_data("npy", "np", "\"dtype\": \"f32\""), MN_BAD_VALUE,
                    "value 1 of row 2 is inf");
    ck_assert_fails(open_data("npy", "np", "\"dtype\": \"f32\", \"white\": 255"), MN_BAD_OPTION,
                    "white: is for images, but with dtype=f32");
    ck_assert_fails(open_data("npy", "np", "\"dtype\": \"f64\""), MN_BAD_OPTION, "dtype");
    teardown();
}
END_TEST

START_TEST(maps_of_many_channels_are_kept_and_normalised_as_a_whole)
{
    static const char *const folders[] = {"np"};
    setup(1, folders);
    float maps[6][5][2][3], values[180], x[180];
    for (int i = 0; i < 180; i++)
        (&maps[0][0][0][0])[i] = (float)i - 90;
    const uint8_t labels[6] = {0, 1, 0, 1, 0, 1};
    write_npy("np/y_train.npy", "|u1", "(6,)", labels, 6);
    write_npy("np/y_test.npy", "|u1", "(6,)", labels, 6);
    write_npy("np/x_train.npy", "<f4", "(6, 5, 2, 3)", maps, sizeof maps);
    write_npy("np/x_test.npy", "<f4", "(6, 5, 2, 3)", maps, sizeof maps);
    ck_assert_fails(open_data("npy", "np", "\"layout\": \"chw\""), MN_BAD_VALUE,
                    "pixel 0 of image 0");
    ck_assert_ok(open_data("npy", "np", "\"dtype\": \"f32\", \"layout\": \"chw\""));
    ck_assert_int_eq(data->channels, 5);
    ck_assert_int_eq(mn_dataset_normalised(data), 1);
    see(MN_PART_TEST, 6, values, x);
    ck_assert_mem_eq(x, maps, sizeof maps);
    mn_channel_values whole;
    ck_assert_ok((mn_dataset_channels(data, NULL, 6, &whole), MN_OK));
    ck_assert_double_eq(whole.least, -90);
    ck_assert_double_eq(whole.greatest, 89);
    ck_assert_double_eq_tol(whole.mean, -0.5, 1e-9);
    close_data();
    ck_assert_ok(
        open_data("npy", "np", "\"dtype\": \"f32\", \"layout\": \"chw\", \"standardise\": true"));
    double sum = 0, square = 0;
    see(MN_PART_TRAIN, 6, values, x);
    for (int row = 0; row < 6; row++) {
        sum += (double)x[row * 30 + 7];
        square += (double)(x[row * 30 + 7] * x[row * 30 + 7]);
    }
    ck_assert_double_eq_tol(sum, 0, 1e-5);
    ck_assert_double_eq_tol(square / 6, 1, 1e-5);
    close_data();
    teardown();
}
END_TEST

START_TEST(rows_of_floats_go_to_parts_of_their_range_and_back)
{
    static const float offset[3] = {-2, 5, 0}, scale[3] = {4, 0, 10};
    const mn_shape image = MN_SHAPE(1, 1, 3);
    const mn_transform floats = {.channels = 1,
                                 .mean = {1},
                                 .deviation = {2},
                                 .offset = offset,
                                 .scale = scale,
                                 .type = MN_ROW_F32};
    mn_transform bytes = floats;
    bytes.type = MN_ROW_U8;
    const float row[3] = {-1, 5, 15};
    float unit[3], x[3], of_unit[3], back[3];
    mn_rows_to_unit(&floats, image, 1, MN_ROW_F32, row, unit);
    ck_assert(unit[0] == 0.25F && unit[1] == 0 && unit[2] == 1.5F);
    mn_rows_from_unit(&floats, image, 1, unit, MN_ROW_F32, back);
    ck_assert_mem_eq(back, row, sizeof row);
    ck_assert_ok(
        mn_transform_apply(&floats, image, 1, MN_ROW_F32, row, mn_key_of(0, "x"), NULL, x));
    ck_assert(x[0] == -1 && x[1] == 2 && x[2] == 7);
    mn_transform_unit(&floats, image, 1, unit, of_unit);
    ck_assert_mem_eq(of_unit, x, sizeof x);
    mn_transform_invert(&floats, image, x, MN_ROW_F32, back);
    ck_assert_mem_eq(back, row, sizeof row);
    /* Floats in the place of bytes are parts of the range. */
    ck_assert_ok(
        mn_transform_apply(&bytes, image, 1, MN_ROW_F32, unit, mn_key_of(0, "x"), NULL, x));
    ck_assert_mem_eq(of_unit, x, sizeof x);
    mn_transform_invert(&bytes, image, x, MN_ROW_F32, back);
    ck_assert_mem_eq(back, unit, sizeof unit);
    uint8_t nearest[3];
    mn_transform_invert(&bytes, image, x, MN_ROW_U8, nearest);
    ck_assert(nearest[0] == 64 && nearest[1] == 0 && nearest[2] == 255);
}
END_TEST

MN_SUITE("float_arrays", floats_are_kept_as_they_are_where_the_user_asks,
         maps_of_many_channels_are_kept_and_normalised_as_a_whole,
         rows_of_floats_go_to_parts_of_their_range_and_back)
