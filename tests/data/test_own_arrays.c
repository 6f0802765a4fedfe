/* NumPy's arrays as a data set, and features out of safetensors; and what is wrong with them. */
#include "data/read/array.h"
#include "data/read/npy.h"
#include "tests/data/own_data.h"

#include <archive.h>
#include <archive_entry.h>
#include <math.h>
#include <stdarg.h>

static uint8_t npy[1 << 16];

/* An .npy file of version 1 in `npy`; returns its bytes. */
static size_t make_npy(const char *header, const void *values, size_t bytes)
{
    const size_t length = strlen(header) + 1;
    memcpy(npy, "\x93NUMPY\x01", 7);
    npy[7] = 0;
    npy[8] = (uint8_t)length;
    npy[9] = (uint8_t)(length >> 8);
    memcpy(npy + 10, header, length - 1);
    npy[9 + length] = '\n';
    memcpy(npy + 10 + length, values, bytes);
    return 10 + length + bytes;
}

static void write_npy(const char *name, const char *type, const char *shape, const void *values,
                      size_t bytes)
{
    char header[256];
    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type,
             shape);
    write_file(name, npy, make_npy(header, values, bytes));
}

START_TEST(arrays_of_bytes_are_images)
{
    static const char *const folders[] = {"np"};
    setup(1, folders);
    uint8_t pixels[4][2][5][3];
    for (size_t i = 0; i < sizeof pixels; i++)
        (&pixels[0][0][0][0])[i] = (uint8_t)(i * 2);
    const int64_t labels[4] = {0, 1, 2, 1};
    write_npy("np/x_train.npy", "|u1", "(4, 2, 5, 3)", pixels, sizeof pixels);
    write_npy("np/y_train.npy", "<i8", "(4, 1)", labels, sizeof labels); /* as Keras has them */
    write_npy("np/x_test.npy", "|u1", "(1, 2, 5, 3)", pixels, sizeof pixels[0]);
    write_npy("np/y_test.npy", "<i8", "(1,)", labels + 2, 8);
    ck_assert_ok(open_data("npy", "np", ""));
    ck_assert_int_eq(data->classes, 3);
    ck_assert_int_eq(data->channels, 3);
    ck_assert_int_eq(data->height, 2);
    ck_assert_int_eq(data->width, 5);
    ck_assert_ptr_null(data->scale);
    for (int n = 0; n < 4; n++)
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < 10; i++)
                ck_assert_int_eq(data->train.pixels[n * 30 + c * 10 + i],
                                 pixels[n][i / 5][i % 5][c]);
    ck_assert_int_eq(data->test.labels[0], 2);
    close_data();
    ck_assert_fails(open_data("npy", "np", "\"classes\": 2"), MN_CORRUPT,
                    "label 2 of row 2 of y_train is not one of 0 to 1");
    write_npy("np/x_train.npy", "|u1", "(4, 3, 5, 2)", pixels, sizeof pixels); /* channels first */
    write_npy("np/x_test.npy", "|u1", "(1, 3, 5, 2)", pixels, sizeof pixels[0]);
    ck_assert_ok(open_data("npy", "np", ""));
    ck_assert_int_eq(data->channels, 3);
    ck_assert_mem_eq(data->train.pixels, pixels, sizeof pixels);
    close_data();
    write_npy("np/x_train.npy", "|u1", "(4, 3, 5, 1)", pixels, 60);
    write_npy("np/x_test.npy", "|u1", "(1, 3, 5, 1)", pixels, 15);
    ck_assert_fails(open_data("npy", "np", ""), MN_BAD_OPTION,
                    "x_train is (4, 3, 5, 1): say in layout whether");
    ck_assert_ok(open_data("npy", "np", "\"layout\": \"hwc\""));
    ck_assert_int_eq(data->height, 3);
    close_data();
    teardown();
}
END_TEST

START_TEST(arrays_of_floats_are_images_from_0_to_1_or_features)
{
    static const char *const folders[] = {"np"};
    setup(1, folders);
    float values[6][4];
    double doubles[6][4];
    for (int i = 0; i < 24; i++)
        doubles[i / 4][i % 4] = (double)(values[i / 4][i % 4] = (float)i / 23);
    const uint8_t labels[6] = {0, 1, 0, 1, 0, 1};
    write_npy("np/y_train.npy", "|u1", "(6,)", labels, 6);
    write_npy("np/x_train.npy", "<f8", "(6, 2, 2)", doubles, sizeof doubles);
    ck_assert_ok(open_data("npy", "np", "\"test_fraction\": 0.4"));
    ck_assert_int_eq(data->train.count, 4);
    ck_assert_int_eq(data->test.count, 2);
    for (int i = 0; i < 4; i++) /* rows that differ stay as they were */
        for (int k = 1; k < 4; k++)
            ck_assert_int_le(abs(data->train.pixels[4 * i + k] - data->train.pixels[4 * i] -
                                 (int)lround(255.0 * k / 23)),
                             1);
    close_data();
    values[3][1] = -2.5f;
    values[4][1] = 7;
    for (int i = 0; i < 6; i++)
        values[i][2] = 3.25f; /* always the same */
    write_npy("np/x_train.npy", "<f4", "(6, 2, 2)", values, sizeof values);
    ck_assert_fails(open_data("npy", "np", ""), MN_BAD_VALUE,
                    "pixel 2 of image 0 is 3.25, expected 0 (black) to 1 (white)");
    write_npy("np/x_train.npy", "<f4", "(6, 4)", values, sizeof values);
    write_npy("np/x_test.npy", "<f4", "(6, 4)", values, sizeof values);
    write_npy("np/y_test.npy", "|u1", "(6,)", labels, 6);
    ck_assert_ok(open_data("npy", "np", ""));
    ck_assert_int_eq(data->width, 4);
    ck_assert_int_eq(data->height, 1);
    const mn_transform transform = {
        .channels = 1, .mean = {1}, .deviation = {2}, .offset = data->offset, .scale = data->scale};
    float x[6][4];
    ck_assert_ok(mn_transform_apply(&transform, MN_SHAPE(1, 1, 4), 6, data->test.pixels,
                                    mn_key_of(0, "x"), NULL, x[0]));
    for (int i = 0; i < 24; i++) { /* back to within half a step of its column */
        const float back = x[i / 4][i % 4] * 2 + 1, step = data->scale[i % 4] / 255;
        ck_assert(fabsf(back - values[i / 4][i % 4]) <= step * 0.5001f + 1e-6f);
    }
    ck_assert(x[5][2] == (3.25f - 1) / 2); /* a column of one value is exact */
    close_data();
    values[2][1] = NAN;
    write_npy("np/x_test.npy", "<f4", "(6, 4)", values, sizeof values);
    ck_assert_fails(open_data("npy", "np", ""), MN_BAD_VALUE, "value 1 of row 2 is nan");
    teardown();
}
END_TEST

static double first_value(const char *type, const void *value, size_t bytes)
{
    char header[128];
    mn_array array;
    snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (1,), }",
             type);
    const size_t count = make_npy(header, value, bytes);
    uint8_t *block = malloc(count);
    memcpy(block, npy, count);
    ck_assert_ok(mn_npy_parse("one", block, count, &array));
    const double got = mn_array_value(&array, 0);
    mn_array_free(&array);
    return got;
}

START_TEST(every_type_of_number_is_read)
{
    const int64_t minus = -3;
    const uint16_t halves[] = {0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x8000};
    static const double values[] = {1, -2, 0.333251953125, 5.9604644775390625e-8, 65504, 0};
    ck_assert(first_value("|i1", &minus, 1) == -3);
    ck_assert(first_value("<i2", &minus, 2) == -3);
    ck_assert(first_value("<i4", &minus, 4) == -3);
    ck_assert(first_value("<i8", &minus, 8) == -3);
    ck_assert(first_value("|u1", &minus, 1) == 253);
    ck_assert(first_value("<u2", &minus, 2) == 65533);
    ck_assert(first_value("<u4", &minus, 4) == 4294967293.0);
    ck_assert(first_value("|b1", "\1", 1) == 1);
    ck_assert(first_value("<f4", &(float){0.1f}, 4) == (double)0.1f);
    ck_assert(first_value("<f8", &(double){0.1}, 8) == 0.1);
    for (int i = 0; i < 6; i++)
        ck_assert(first_value("<f2", &halves[i], 2) == values[i]);
    ck_assert(isnan(first_value("<f2", &(uint16_t){0x7e00}, 2)));
}
END_TEST

static mn_status parse(const char *header, size_t bytes)
{
    static const uint8_t zeros[256];
    mn_array array;
    const size_t count = make_npy(header, zeros, bytes);
    uint8_t *block = malloc(count);
    memcpy(block, npy, count);
    const mn_status status = mn_npy_parse("x.npy", block, count, &array);
    mn_array_free(&array);
    return status;
}

START_TEST(a_header_that_is_wrong_is_refused)
{
    ck_assert_ok(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24));
    ck_assert_ok(parse("{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}", 24));
    ck_assert_ok(parse("{'descr': '<f4', 'fortran_order': True, 'shape': (6,), }", 24));
    ck_assert_ok(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 4));
    ck_assert_fails(parse("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24),
                    MN_UNSUPPORTED, "in Fortran's order; save numpy.ascontiguousarray(x)");
    ck_assert_fails(parse("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", 24),
                    MN_UNSUPPORTED, "values of type '>f4'");
    ck_assert_fails(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 23),
                    MN_CORRUPT,
                    "has 23 bytes of values where its header announces 24; get it again");
    ck_assert_fails(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 25),
                    MN_CORRUPT, "has 25 bytes of values where its header announces 24");
    ck_assert_fails(
        parse("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 24),
        MN_CORRUPT, "announces more than");
    static const char *const wrong[] = {
        "",
        "{",
        "{'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'colour': False, 'shape': (2,)}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_fails(parse(wrong[i], 8), MN_CORRUPT,
                        "x.npy: its header is not that of an array");
    static const uint8_t other[16] = "GIF89a";
    mn_array array;
    uint8_t *block = malloc(16);
    memcpy(block, other, 16);
    ck_assert_fails(mn_npy_parse("x.npy", block, 16, &array), MN_CORRUPT, "x.npy: is no .npy file");
    memcpy(npy, "\x93NUMPY\x04", 7);
    block = malloc(16);
    memcpy(block, npy, 16);
    ck_assert_fails(mn_npy_parse("x.npy", block, 16, &array), MN_UNSUPPORTED,
                    "is version 4 of .npy");
    npy[6] = 1;
    npy[8] = 200;
    npy[9] = 0;
    block = malloc(16);
    memcpy(block, npy, 16);
    ck_assert_fails(mn_npy_parse("x.npy", block, 16, &array), MN_CORRUPT, "ends in its header");
}
END_TEST

static void add_member(struct archive *archive, const char *name, size_t count)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (la_int64_t)count);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    ck_assert_int_eq(archive_write_header(archive, entry), ARCHIVE_OK);
    ck_assert_int_eq(archive_write_data(archive, npy, count), (la_ssize_t)count);
    archive_entry_free(entry);
}

static void write_npz(const char *name, const char *compression, bool labels)
{
    static uint8_t pixels[10 * 9];
    for (int i = 0; i < 90; i++)
        pixels[i] = (uint8_t)(i * 3);
    struct archive *archive = archive_write_new();
    ck_assert_int_eq(archive_write_set_format_zip(archive), ARCHIVE_OK);
    ck_assert_int_eq(archive_write_set_options(archive, compression), ARCHIVE_OK);
    ck_assert_int_eq(archive_write_open_filename(archive, path_of(name)), ARCHIVE_OK);
    add_member(archive, "images.npy",
               make_npy("{'descr': '|u1', 'fortran_order': False, 'shape': (10, 3, 3), }", pixels,
                        sizeof pixels));
    const int32_t label[10] = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0};
    if (labels)
        add_member(archive, "labels.npy",
                   make_npy("{'descr': '<i4', 'fortran_order': False, 'shape': (10,), }", label,
                            sizeof label));
    ck_assert_int_eq(archive_write_free(archive), ARCHIVE_OK);
}

START_TEST(an_npz_is_read_and_damage_to_it_is_seen)
{
    static const char named[] = "\"x_train\": \"images\", \"y_train\": \"labels\"";
    setup(0, NULL);
    for (int i = 0; i < 2; i++) {
        write_npz("own.npz", i == 0 ? "zip:compression=store" : "zip:compression=deflate", true);
        ck_assert_ok(open_data("npy", "own.npz", named));
        ck_assert_int_eq(data->train.count + data->test.count, 10);
        ck_assert_int_eq(data->classes, 3);
        const uint32_t digest = data->digest;
        close_data();
        static uint8_t packed[4096];
        FILE *in = fopen(path_of("own.npz"), "rb");
        const size_t count = fread(packed, 1, sizeof packed, in);
        fclose(in);
        for (size_t bit = 0; bit < 8 * count; bit += 3) {
            packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
            write_file("own.npz", packed, count);
            if (open_data("npy", "own.npz", named) == MN_OK)
                ck_assert_uint_eq(data->digest, digest);
            close_data();
            packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    ck_assert_fails(open_data("npy", "own.npz", ""), MN_NOT_FOUND, "holds no array 'x_train'");
    unlink(path_of("own.npz"));
    write_npz("own.npz", "zip:compression=store", false);
    ck_assert_fails(open_data("npy", "own.npz", named), MN_NOT_FOUND, "holds no array 'labels'");
    write_file("own.npz", "x_train", 7);
    ck_assert_fails(open_data("npy", "own.npz", ""), MN_CORRUPT, "own.npz: ");
    teardown();
}
END_TEST

/* x_train (4, 2) in floats and y_train (4) in eight bytes each, as torch.save'd features are. */
static void write_features(const char *name, const char *header, const float x[8],
                           const int64_t y[4], size_t cut)
{
    char bytes[512];
    const uint64_t length = strlen(header);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    memcpy(bytes + 8 + length, x, 32);
    memcpy(bytes + 40 + length, y, 32);
    write_file(name, bytes, 72 + length - cut);
}

START_TEST(features_come_out_of_a_safetensors_file)
{
    static const char header[] =
        "{\"x_train\":{\"dtype\":\"F32\",\"shape\":[4,2],\"data_offsets\":[0,32]},"
        "\"y_train\":{\"dtype\":\"I64\",\"shape\":[4],\"data_offsets\":[32,64]}}";
    static const char other[] =
        "{\"x_train\":{\"dtype\":\"F32\",\"shape\":[4,2],\"data_offsets\":[0,32]},"
        "\"y\":{\"dtype\":\"I64\",\"shape\":[4],\"data_offsets\":[32,64]}}";
    static const float x[8] = {-3, 10, 5, 20, 1, 30, -1, 40};
    static const int64_t y[4] = {0, 1, 1, 0}, wrong[4] = {0, 1, -1, 0};
    setup(0, NULL);
    write_features("f.safetensors", header, x, y, 0);
    ck_assert_ok(open_data("npy", "f.safetensors", "\"test_fraction\": 0.5"));
    ck_assert_int_eq(data->train.count + data->test.count, 4);
    ck_assert_int_eq(data->classes, 2);
    ck_assert(data->channels == 1 && data->height == 1 && data->width == 2);
    ck_assert_ptr_nonnull(data->scale);
    ck_assert(data->offset[0] == -3 && data->offset[1] == 10 && data->scale[0] == 8);
    close_data();
    write_features("f.safetensors", header, x, wrong, 0);
    ck_assert_fails(open_data("npy", "f.safetensors", ""), MN_CORRUPT, "label -1 of row 2");
    write_features("f.safetensors", header, x, y, 1);
    ck_assert_fails(open_data("npy", "f.safetensors", ""), MN_CORRUPT, "f.safetensors");
    write_features("f.safetensors", other, x, y, 0);
    ck_assert_fails(open_data("npy", "f.safetensors", ""), MN_NOT_FOUND,
                    "holds no array 'y_train'");
    ck_assert_ok(open_data("npy", "f.safetensors", "\"y_train\": \"y\", \"test_fraction\": 0.5"));
    close_data();
    teardown();
}
END_TEST

MN_SUITE("own_arrays", arrays_of_bytes_are_images,
         arrays_of_floats_are_images_from_0_to_1_or_features, every_type_of_number_is_read,
         a_header_that_is_wrong_is_refused, an_npz_is_read_and_damage_to_it_is_seen,
         features_come_out_of_a_safetensors_file)
