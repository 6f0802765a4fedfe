/* A user's own data: folders of images, NumPy's arrays, tables of text; and what is wrong with
 * them. */
#include "data/array.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <archive.h>
#include <archive_entry.h>
#include <math.h>
#include <mneme/data.h>
#include <png.h>
#include <stdarg.h>
#include <sys/stat.h>

static mn_dataset *data;

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", scratch_folder, name);
    return path;
}

/* Makes the scratch folder and those in it. */
static void setup(int folders, const char *const *names)
{
    scratch_new();
    for (int i = 0; i < folders; i++)
        ck_assert_int_eq(mkdir(path_of(names[i]), 0777), 0);
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", scratch_folder);
    ck_assert_int_eq(system(command), 0);
}

/* Opens a data set of the scratch folder's `path` ("": itself) with further options as JSON. */
static mn_status open_data(const char *type, const char *path, const char *more)
{
    char options[1024];
    snprintf(options, sizeof options, "{\"path\": \"%s/%s\"%s%s}", scratch_folder, path,
             more[0] != '\0' ? ", " : "", more);
    data = NULL;
    return mn_dataset_open(type, options, NULL, &data);
}

static void close_data(void)
{
    mn_dataset_free(data);
    data = NULL;
}

static void write_file(const char *name, const void *bytes, size_t count)
{
    unlink(path_of(name)); /* a new file; ext4 would wait for the disk where one is cut to zero */
    FILE *out = fopen(path_of(name), "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, count, out), count);
    fclose(out);
}

/* --- folders of images --------------------------------------------------------------------------
 */

/* A PNG of one colour. */
static void write_image(const char *name, int width, int height, int red, int green, int blue)
{
    static uint8_t pixels[64 * 64 * 3];
    const uint8_t colour[3] = {(uint8_t)red, (uint8_t)green, (uint8_t)blue};
    for (int i = 0; i < width * height * 3; i++)
        pixels[i] = colour[i % 3];
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (unsigned)width,
                       .height = (unsigned)height,
                       .format = PNG_FORMAT_RGB};
    ck_assert(png_image_write_to_file(&image, path_of(name), 0, pixels, 0, NULL));
}

static void write_pets(void)
{
    static const char *const folders[] = {"pets",           "pets/train",     "pets/test",
                                          "pets/train/dog", "pets/train/cat", "pets/test/dog",
                                          "pets/test/cat",  "pets/.hidden"};
    setup(8, folders);
    write_image("pets/train/dog/b.png", 4, 3, 10, 20, 30);
    write_image("pets/train/dog/a.PNG", 4, 3, 40, 50, 60);
    write_image("pets/train/cat/z.png", 4, 3, 70, 80, 90);
    write_image("pets/test/dog/1.png", 4, 3, 1, 2, 3);
    write_image("pets/test/cat/1.png", 4, 3, 4, 5, 6);
    write_file("pets/readme.txt", "hello", 5);
    write_file("pets/train/cat/.DS_Store", "x", 1);
}

START_TEST(a_folder_of_folders_is_a_data_set)
{
    write_pets();
    ck_assert_ok(open_data("folder", "pets", ""));
    ck_assert_int_eq(data->classes, 2);
    ck_assert_str_eq(data->class_names[0], "cat");
    ck_assert_str_eq(data->class_names[1], "dog");
    ck_assert_int_eq(data->train.count, 3);
    ck_assert_int_eq(data->test.count, 2);
    ck_assert_int_eq(data->channels, 3);
    ck_assert_int_eq(data->height, 3);
    ck_assert_int_eq(data->width, 4);
    static const uint8_t colours[3][3] = {{70, 80, 90}, {40, 50, 60}, {10, 20, 30}};
    for (int i = 0; i < 3; i++) { /* classes, then files, by name */
        ck_assert_int_eq(data->train.labels[i], i > 0);
        for (int k = 0; k < 36; k++)
            ck_assert_int_eq(data->train.pixels[i * 36 + k], colours[i][k / 12]);
    }
    close_data();
    ck_assert_ok(open_data("folder", "pets", "\"size\": 2, \"channels\": \"grey\""));
    ck_assert_int_eq(data->channels, 1);
    ck_assert_int_eq(data->width, 2);
    ck_assert_int_eq(data->train.pixels[0], 78); /* .299 70 + .587 80 + .114 90 = 78.15 */
    close_data();
    teardown();
}
END_TEST

START_TEST(a_folder_without_a_test_set_is_split_by_seed)
{
    static const char *const folders[] = {"all", "all/x", "all/y"};
    setup(3, folders);
    for (int i = 0; i < 20; i++) {
        char name[64];
        snprintf(name, sizeof name, "all/%s/%02d.png", i % 2 == 0 ? "x" : "y", i);
        write_image(name, 2, 2, i, 0, 0);
    }
    ck_assert_ok(open_data("folder", "all", "\"test_fraction\": 0.3"));
    ck_assert_int_eq(data->train.count, 14);
    ck_assert_int_eq(data->test.count, 6);
    int seen[20] = {0}, tests[2] = {0};
    for (int i = 0; i < 14; i++)
        seen[data->train.pixels[12 * i]]++;
    for (int i = 0; i < 6; i++) {
        const int id = data->test.pixels[12 * i];
        seen[id]++;
        ck_assert_int_eq(data->test.labels[i], id % 2);
        tests[id % 2]++;
    }
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(seen[i], 1);
    ck_assert_int_eq(tests[0], 3);
    const uint32_t digest = data->digest;
    close_data();
    ck_assert_ok(open_data("folder", "all", "\"test_fraction\": 0.3"));
    ck_assert_uint_eq(data->digest, digest);
    close_data();
    ck_assert_ok(open_data("folder", "all", "\"test_fraction\": 0.3, \"split_seed\": 1"));
    ck_assert_uint_ne(data->digest, digest);
    close_data();
    teardown();
}
END_TEST

START_TEST(a_folder_that_is_wrong_is_told_how)
{
    write_pets();
    ck_assert_fails(open_data("folder", "cats", ""), MN_NOT_FOUND, "folder.path: there is no");
    ck_assert_fails(mn_dataset_open("folder", "", NULL, &data), MN_BAD_OPTION,
                    "folder.path: is empty; say where the data are");
    ck_assert_fails(mn_dataset_open("folder", "{\"path\": \"no/such\"}", NULL, &data), MN_NOT_FOUND,
                    "there is no no/such in any of ., ");
    ck_assert_fails(open_data("folder", "pets/readme.txt", ""), MN_BAD_OPTION, "is no folder");
    ck_assert_fails(open_data("folder", "pets/train/cat", ""), MN_BAD_OPTION,
                    "has 0 folders of images; expected one a class, at least 2");
    write_image("pets/train/dog/c.png", 5, 3, 0, 0, 0);
    ck_assert_fails(open_data("folder", "pets", ""), MN_BAD_OPTION,
                    "dog/c.png: is 5x3, but the images before it are 4x3; give a size");
    ck_assert_ok(open_data("folder", "pets", "\"size\": 3"));
    close_data();
    write_file("pets/train/dog/d.gif", "GIF89a", 6);
    ck_assert_fails(open_data("folder", "pets", "\"size\": 3"), MN_BAD_OPTION,
                    "dog/d.gif: expected a .png, .jpg or .jpeg");
    unlink(path_of("pets/train/dog/d.gif"));
    write_file("pets/train/dog/d.jpg", "GIF89a", 6);
    ck_assert_fails(open_data("folder", "pets", "\"size\": 3"), MN_CORRUPT,
                    "dog/d.jpg: is neither PNG nor JPEG");
    unlink(path_of("pets/train/dog/d.jpg"));
    unlink(path_of("pets/test/cat/1.png"));
    ck_assert_fails(open_data("folder", "pets", "\"size\": 3"), MN_BAD_OPTION,
                    "test/cat: holds no images");
    rmdir(path_of("pets/test/cat"));
    ck_assert_fails(open_data("folder", "pets", ""), MN_BAD_OPTION, "test: has 1 folder of images");
    mkdir(path_of("pets/test/cow"), 0777);
    write_image("pets/test/cow/1.png", 4, 3, 4, 5, 6);
    ck_assert_fails(open_data("folder", "pets", ""), MN_BAD_OPTION,
                    "test: there is no class 'cat', which");
    mkdir(path_of("pets/test/cat"), 0777);
    write_image("pets/test/cat/1.png", 4, 3, 4, 5, 6);
    ck_assert_fails(open_data("folder", "pets", ""), MN_BAD_OPTION,
                    "train: there is no class 'cow', which");
    teardown();
}
END_TEST

/* --- NumPy's arrays -----------------------------------------------------------------------------
 */

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
    mn_transform_apply(&transform, MN_SHAPE(1, 1, 4), 6, data->test.pixels, mn_key_of(0, "x"), NULL,
                       x[0]);
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

/* --- tables of text -----------------------------------------------------------------------------
 */

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

START_TEST(a_table_is_features_and_names_of_classes)
{
    static const char *const folders[] = {"flowers"};
    setup(1, folders);
    write_text("flowers/train.csv",
               "length, width ,\"kind\"\r\n1.5,2,setosa\r\n-1,4, \"big one\"\r\n"
               "\r\n0,3e0,setosa\r\n");
    write_text("flowers/test.csv", "length,width,kind\n0.25,2,big one\n1,1,setosa");
    ck_assert_ok(open_data("csv", "flowers", ""));
    ck_assert_int_eq(data->classes, 2);
    ck_assert_str_eq(data->class_names[0], "big one");
    ck_assert_int_eq(data->train.count, 3);
    ck_assert_int_eq(data->test.count, 2);
    ck_assert_int_eq(data->train.labels[1], 0);
    ck_assert_int_eq(data->test.labels[1], 1);
    ck_assert(data->offset[0] == -1);
    ck_assert(data->scale[0] == 2.5f);
    ck_assert_int_eq(data->train.pixels[0], 255);
    ck_assert_int_eq(data->train.pixels[4], 102); /* 0 is 1 above -1, of 2.5 */
    close_data();
    ck_assert_fails(open_data("csv", "flowers/train.csv", "\"label\": \"kind\""), MN_BAD_OPTION,
                    "class 0, big one, has 1 images; a test set takes at least one");
    teardown();
}
END_TEST

START_TEST(a_table_of_pixels_is_images)
{
    setup(0, NULL);
    write_text("digits.csv", "10,0,16,8,4\n2,16,16,16,16\n10,1,1,1,1\n2,0,0,0,0\n");
    static const char options[] =
        "\"label\": \"first\", \"height\": 2, \"width\": 2, \"white\": 16, \"test_fraction\": 0.5";
    ck_assert_ok(open_data("csv", "digits.csv", options));
    ck_assert_int_eq(data->height, 2);
    ck_assert_str_eq(data->class_names[0], "2"); /* numbers in the order of their size */
    ck_assert_str_eq(data->class_names[1], "10");
    ck_assert_int_eq(data->train.count, 2);
    ck_assert_ptr_null(data->scale);
    for (int i = 0; i < 2; i++) {
        const uint8_t *pixels =
            data->train.labels[i] == 1 ? data->train.pixels + 4 * i : data->test.pixels + 4 * i;
        ck_assert(pixels[0] == 0 || pixels[0] == 16 || pixels[0] == 255);
    }
    close_data();
    write_text("digits.csv", "10,0,17,8,4\n2,1,1,1,1\n");
    ck_assert_fails(open_data("csv", "digits.csv", options), MN_BAD_VALUE,
                    "pixel 1 of image 0 is 17, expected 0 (black) to 16 (white)");
    write_text("digits.csv", "10,0,16,8\n");
    ck_assert_fails(open_data("csv", "digits.csv", options), MN_BAD_OPTION,
                    "has 3 columns beside the label; images of 1x2x2 need 4");
    teardown();
}
END_TEST

static void refused(const char *text, const char *options, mn_status status, const char *why)
{
    write_text("wrong.csv", text);
    ck_assert_fails(open_data("csv", "wrong.csv", options), status, why);
}

START_TEST(a_table_that_is_wrong_is_told_where)
{
    static const char *const folders[] = {"both"};
    setup(1, folders);
    refused("", "", MN_BAD_OPTION, "wrong.csv: its first line has no commas");
    refused("1;2;3\n", "", MN_BAD_OPTION, "its first line has no commas");
    refused("a,b\n", "", MN_CORRUPT, "holds no rows");
    refused("1,2,x\n1,two,y\n", "", MN_CORRUPT, "line 2, column 2: 'two' is no number");
    refused("a,b,c\n1,2,x\n1,,y\n", "", MN_CORRUPT, "line 3, column 2: '' is no number");
    refused("1,2,x\n1,2\n", "", MN_CORRUPT, "line 2 has 2 columns, expected 3");
    refused("1,2,x\n1,2,3,4\n", "", MN_CORRUPT, "line 2 has more than 3 columns");
    refused("1,2,x\n1,2,\n", "", MN_CORRUPT, "line 2 has no label");
    refused("1,2,x\n", "\"label\": \"kind\"", MN_BAD_OPTION, "no column is called 'kind'");
    refused("1,2,x\n1,3,x\n", "", MN_UNSUPPORTED, "has 1 class, expected 2 to");
    refused("1,2,x\n1,nan,x\n3,4,y\n3,4,y\n", "", MN_BAD_VALUE, "value 1 of row 1 is nan");
    write_file("wrong.csv", "1,2\0,3", 7);
    ck_assert_fails(open_data("csv", "wrong.csv", ""), MN_CORRUPT, "is no text: there is a zero");
    write_text("both/train.csv", "1,2,x\n2,3,y\n");
    write_text("both/test.csv", "1,2,z\n");
    ck_assert_fails(open_data("csv", "both", ""), MN_CORRUPT,
                    "test.csv: row 1 has the label 'z', which no training row has");
    write_text("both/test.csv", "1,2,3,x\n");
    ck_assert_fails(open_data("csv", "both", ""), MN_BAD_SHAPE, "test.csv: has 4 columns, but");
    ck_assert_fails(open_data("csv", "both", "\"test\": \"exam.csv\""), MN_NOT_FOUND, "exam.csv");
    ck_assert_fails(open_data("csv", "both", "\"train\": \"lesson.csv\""), MN_NOT_FOUND,
                    "lesson.csv");
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

START_TEST(measurements_cannot_be_augmented)
{
    setup(0, NULL);
    write_text("t.csv", "1,2,x\n2,3,y\n1,2,x\n2,3,y\n");
    ck_assert_ok(open_data("csv", "t.csv", ""));
    const mn_stream_spec spec = {.tasks = 2, MN_STREAM_DEFAULTS};
    mn_stream *stream;
    mn_loader *loader;
    ck_assert_ok(mn_stream_new(data, &spec, 1, &stream));
    mn_transform transform = {
        .channels = 1, .deviation = {1}, .offset = data->offset, .scale = data->scale};
    ck_assert_ok(mn_loader_new(stream, MN_PART_TRAIN, 0, 0, 1, &transform, &loader));
    mn_loader_free(loader);
    transform.flip = true;
    ck_assert_fails(mn_loader_new(stream, MN_PART_TRAIN, 0, 0, 1, &transform, &loader),
                    MN_BAD_OPTION, "augment: 'csv' holds measurements");
    ck_assert_fails(mn_transform_check(&transform, data), MN_BAD_OPTION, "holds measurements");
    mn_stream_free(stream);
    close_data();
    teardown();
}
END_TEST

MN_SUITE("own_data", a_folder_of_folders_is_a_data_set,
         a_folder_without_a_test_set_is_split_by_seed, a_folder_that_is_wrong_is_told_how,
         arrays_of_bytes_are_images, arrays_of_floats_are_images_from_0_to_1_or_features,
         every_type_of_number_is_read, a_header_that_is_wrong_is_refused,
         an_npz_is_read_and_damage_to_it_is_seen, a_table_is_features_and_names_of_classes,
         a_table_of_pixels_is_images, a_table_that_is_wrong_is_told_where,
         features_come_out_of_a_safetensors_file, measurements_cannot_be_augmented)
