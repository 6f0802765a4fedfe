/* NumPy's arrays as a data set, and features out of safetensors; and what is wrong with them. */
#include "data/read/file.h"
#include "data/read/idx.h"
#include "data/read/npy.h"
#include "tests/data/own_npy.h"

#include <archive.h>
#include <archive_entry.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

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
    ck_assert_ok(mn_transform_apply(&transform, MN_SHAPE(1, 1, 4), 6, MN_ROW_U8, data->test.pixels,
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

START_TEST(arrays_of_the_field_are_read)
{
    static const char *const files[] = {"npy/bool.npz", "npy/lt-u1.npz", "npy/fortran-u8.npz"};
    uint32_t digest = 0;
    for (int i = 0; i < 3; i++) {
        ck_assert_ok(open_field("npy", files[i], ""));
        ck_assert(data->height == 6 && data->width == 5 && data->classes == 3);
        for (int64_t k = 0; i == 0 && k < data->train.count * 30; k++)
            ck_assert(data->train.pixels[k] == 0 || data->train.pixels[k] == 255);
        if (i == 1)
            digest = data->digest;
        if (i == 2)
            ck_assert_uint_eq(data->digest, digest); /* of the same images */
        close_data();
    }
    ck_assert_fails(open_field("npy", "npy/y-from-1.npz", ""), MN_CORRUPT,
                    "y_train has the labels 1 to 3, but labels count from 0; save y_train - 1");
    ck_assert_fails(open_field("npy", "npy/f4-255.npz", ""), MN_BAD_VALUE,
                    "all are from 0 to 255; say with white which number is white");
    ck_assert_ok(open_field("npy", "npy/f4-255.npz", "\"white\": 255"));
    ck_assert_ptr_null(data->scale);
    close_data();
}
END_TEST

START_TEST(what_a_number_of_a_pixel_means)
{
    static const char *const folders[] = {"np"};
    static const uint8_t labels[4] = {0, 1, 0, 1}, truth[8] = {0, 1, 1, 0, 0, 1, 1, 0};
    static const uint16_t deep[8] = {0, 65535, 32768, 0, 0, 65535, 32768, 0};
    static const float both[8] = {-1, 1, 0, 0.5f, -1, 1, 0, 0.5f},
                       bytes[8] = {0, 255, 51, 0, 0, 255, 51};
    setup(1, folders);
    write_npy("np/y_train.npy", "|u1", "(4,)", labels, 4);
    write_npy("np/x_train.npy", "|b1", "(4, 2)", truth, 8); /* also of rows */
    ck_assert_ok(open_data("npy", "np", ""));
    ck_assert_int_eq(data->train.pixels[0] + data->train.pixels[1], 255);
    close_data();
    write_npy("np/x_train.npy", "<u2", "(4, 1, 2)", deep, 16);
    ck_assert_fails(open_data("npy", "np", ""), MN_BAD_VALUE,
                    "all are from 0 to 65535; say with white");
    ck_assert_ok(open_data("npy", "np", "\"white\": 65535"));
    close_data();
    write_npy("np/x_train.npy", "<f4", "(4, 1, 2)", both, 32);
    ck_assert_fails(open_data("npy", "np", ""), MN_BAD_VALUE,
                    "all are from -1 to 1; save (x - x.min()) / (x.max() - x.min()) instead");
    write_npy("np/x_train.npy", "<f4", "(4, 2)", bytes, 32);
    ck_assert_ok(open_data("npy", "np", "")); /* features */
    ck_assert_ptr_nonnull(data->scale);
    close_data();
    ck_assert_ok(open_data("npy", "np", "\"white\": 255")); /* pixels, as they were said to be */
    ck_assert_ptr_null(data->scale);
    close_data();
    ck_assert_ok(open_data("npy", "np", "\"standardise\": true"));
    close_data();
    write_npy("np/x_train.npy", "|b1", "(4, 1, 2)", truth, 8);
    ck_assert_fails(open_data("npy", "np", "\"standardise\": true"), MN_BAD_OPTION,
                    "standardise: is for features");
    teardown();
}
END_TEST

START_TEST(labels_say_what_to_do)
{
    static const char *const folders[] = {"np"};
    static const uint8_t pixels[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    static const double whole[4] = {0, 1, 1, 0}, parts[4] = {0, 1, 0.5, 0};
    static const int64_t below[4] = {-1, 0, 1, 0}, gap[4] = {0, 3, 3, 0},
                         hot[8] = {1, 0, 0, 1, 1, 0, 0, 1}, late[4] = {5, 6, 6, 5};
    setup(1, folders);
    write_npy("np/x_train.npy", "|u1", "(4, 1, 2)", pixels, 8);
    write_npy("np/y_train.npy", "<f8", "(4,)", whole, 32);
    ck_assert_ok(open_data("npy", "np", ""));
    close_data();
    write_npy("np/y_train.npy", "<f8", "(4,)", parts, 32);
    ck_assert_fails(open_data("npy", "np", ""), MN_CORRUPT, "label 0.5 of row 2 of y_train");
    write_npy("np/y_train.npy", "<i8", "(4,)", below, 32);
    ck_assert_fails(open_data("npy", "np", ""), MN_CORRUPT,
                    "label -1 of row 0 of y_train is not one of 0 to 1; number the labels");
    ck_assert_fails(open_data("npy", "np/y_train.npy", ""), MN_BAD_OPTION,
                    "is one array alone; name the folder of x_train.npy and y_train.npy");
    write_npy("np/y_train.npy", "<i8", "(4,)", gap, 32);
    ck_assert_fails(open_data("npy", "np", ""), MN_BAD_OPTION,
                    "no image is of class 1, though there are 4 classes; number them without gaps");
    write_npy("np/y_train.npy", "<i8", "(4, 2)", hot, 64);
    ck_assert_fails(open_data("npy", "np", ""), MN_BAD_SHAPE, "save y_train.argmax(1)");
    write_npy("np/y_train.npy", "<i8", "(4,)", late, 32);
    write_npy("np/x_test.npy", "|u1", "(4, 1, 2)", pixels, 8);
    write_npy("np/y_test.npy", "<i8", "(4,)", late, 32);
    ck_assert_fails(
        open_data("npy", "np", ""), MN_CORRUPT,
        "labels 5 to 6, but labels count from 0; save y_train - 5, and the same of y_test");
    write_npy("np/y_train.npy", "<U2", "(4,)", late, 32);
    ck_assert_fails(open_data("npy", "np", ""), MN_UNSUPPORTED,
                    "numpy.unique(y, return_inverse=True)");
    teardown();
}
END_TEST

/* Fortran's order against that of rows, for every number of axes. */
START_TEST(the_order_of_axes_changes_no_value)
{
    static const int64_t sizes[4] = {3, 2, 4, 5};
    setup(0, NULL);
    for (int rank = 1; rank <= 4; rank++) {
        char shape[64] = "(", header[128];
        int64_t count = 1;
        uint16_t values[120];
        for (int axis = 0; axis < rank; axis++) {
            sprintf(shape + strlen(shape), "%d,", (int)sizes[axis]);
            count *= sizes[axis];
        }
        for (int64_t i = 0; i < count; i++) {
            int64_t rest = i, place = 0, step = 1, at[4];
            for (int axis = rank - 1; axis >= 0; axis--) {
                at[axis] = rest % sizes[axis];
                rest /= sizes[axis];
            }
            for (int axis = 0; axis < rank; axis++) {
                place += at[axis] * step;
                step *= sizes[axis];
            }
            values[place] = (uint16_t)(i << 8 | i >> 8); /* big-endian as well */
        }
        snprintf(header, sizeof header, "{'descr': '>u2', 'fortran_order': True, 'shape': %s), }",
                 shape);
        write_file("f.npy", npy, make_npy(header, values, (size_t)(2 * count)));
        mn_array array;
        ck_assert_ok(mn_npy_read(path_of("f.npy"), &array));
        for (int64_t i = 0; i < count; i++)
            ck_assert(mn_array_value(&array, i) == (double)i);
        mn_array_free(&array);
    }
    teardown();
}
END_TEST

/* A file of a few kilobytes that announces, and holds, far more. */
START_TEST(a_small_file_fills_no_memory)
{
    static const char *const filters[] = {"gzip", "xz", "bzip2", "zstd"};
    static const uint8_t zeros[1 << 16];
    enum { MEGABYTES = 80 };
    setup(0, NULL);
    for (int f = 0; f < 4; f++) {
        mn_array array;
        mn_idx idx;
        mn_data_file *file;
        uint8_t *bytes;
        size_t count;
        for (int kind = 0; kind < (f == 0 ? 3 : 2); kind++) {
            struct archive *archive = archive_write_new();
            ck_assert_int_eq(archive_write_set_format_raw(archive), ARCHIVE_OK);
            ck_assert_int_ge(archive_write_add_filter_by_name(archive, filters[f]), ARCHIVE_WARN);
            ck_assert_int_eq(archive_write_open_filename(archive, path_of("bomb")), ARCHIVE_OK);
            struct archive_entry *entry = archive_entry_new();
            archive_entry_set_filetype(entry, AE_IFREG);
            ck_assert_int_eq(archive_write_header(archive, entry), ARCHIVE_OK);
            archive_entry_free(entry);
            static const uint8_t of_idx[8] = {0, 0, 8, 1, MEGABYTES / 16, 0, 0, 0};
            const size_t head = kind == 2 ? 0
                                : kind == 1
                                    ? 8
                                    : make_npy("{'descr': '|u1', 'fortran_order': False, 'shape': "
                                               "(83886080,), }",
                                               zeros, 0);
            archive_write_data(archive, kind == 1 ? of_idx : npy, head);
            for (int i = 0; i < (kind == 2 ? 16 * MEGABYTES : 1); i++) /* others only announce */
                archive_write_data(archive, zeros, sizeof zeros);
            ck_assert_int_eq(archive_write_free(archive), ARCHIVE_OK);
            if (kind == 0)
                ck_assert_fails(mn_npy_read(path_of("bomb"), &array), MN_CORRUPT,
                                "bomb: unpacks to 83886080 bytes or more, from a file of ");
            if (kind == 1)
                ck_assert_fails(mn_idx_read(path_of("bomb"), 1, &idx), MN_CORRUPT,
                                "bomb: unpacks to 83886080 bytes or more");
            if (kind == 2) {
                ck_assert_ok(mn_data_file_open(path_of("bomb"), &file));
                ck_assert_fails(mn_data_file_whole(file, (size_t)1 << 36, &bytes, &count),
                                MN_CORRUPT, "if that is right, unpack it before");
                mn_data_file_close(file);
            }
        }
    }
    teardown();
}
END_TEST

MN_SUITE("own_arrays", arrays_of_bytes_are_images,
         arrays_of_floats_are_images_from_0_to_1_or_features,
         an_npz_is_read_and_damage_to_it_is_seen, features_come_out_of_a_safetensors_file,
         arrays_of_the_field_are_read, what_a_number_of_a_pixel_means, labels_say_what_to_do,
         the_order_of_axes_changes_no_value, a_small_file_fills_no_memory)
