/* Images of any size, decoded before the run or when they are needed. */
#include "data/read/png.h"
#include "data/read/resize.h"
#include "tests/data/own_data.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

enum { CLASSES = 2, PICTURES = 6, MOST_BYTES = 3 * 64 * 64 };

/* Pictures of one size, or of different ones. */
static void write_pictures(bool one_size)
{
    static const char *const folders[] = {"all", "all/x", "all/y"};
    static uint8_t rgb[MOST_BYTES];
    setup(3, folders);
    for (int i = 0; i < CLASSES * PICTURES; i++) {
        char name[64];
        const int width = one_size ? 20 : 20 + 3 * i, height = one_size ? 16 : 40 - 2 * i;
        for (int k = 0; k < 3 * width * height; k++)
            rgb[k] = (uint8_t)(k * k / 7 + 37 * i);
        const mn_picture picture = {.width = width, .height = height, .rgb = rgb};
        snprintf(name, sizeof name, "all/%s/%02d.png", i % 2 == 0 ? "x" : "y", i);
        ck_assert_ok(mn_png_write(&picture, path_of(name)));
    }
}

static uint32_t digest_of(const mn_dataset *dataset)
{
    uint32_t digest;
    ck_assert_ok(mn_dataset_digest(dataset, &digest));
    return digest;
}

/* Compares two data sets image by image. */
static void expect_same(const mn_dataset *a, const mn_dataset *b)
{
    static uint8_t of_a[MOST_BYTES], of_b[MOST_BYTES];
    const mn_images *parts[2][2] = {{&a->train, &b->train}, {&a->test, &b->test}};
    const size_t bytes = (size_t)mn_shape_count(mn_dataset_image(a));
    ck_assert(mn_shape_equal(mn_dataset_image(a), mn_dataset_image(b)));
    for (int p = 0; p < 2; p++) {
        ck_assert_int_eq(parts[p][0]->count, parts[p][1]->count);
        for (int64_t i = parts[p][0]->count - 1; i >= 0; i--) {
            ck_assert_int_eq(parts[p][0]->labels[i], parts[p][1]->labels[i]);
            ck_assert_ok(mn_dataset_pixels(a, parts[p][0], i, of_a));
            ck_assert_ok(mn_dataset_pixels(b, parts[p][1], i, of_b));
            ck_assert_mem_eq(of_a, of_b, bytes);
        }
    }
}

static void expect_same_when_needed(const char *type, const char *path, const char *options)
{
    char more[256];
    snprintf(more, sizeof more, "%s, \"decode\": \"before\"", options);
    ck_assert_ok(open_data(type, path, more));
    mn_dataset *before = data;
    ck_assert(!mn_dataset_decodes(before));
    ck_assert_str_eq(mn_dataset_stamp(before), "");
    snprintf(more, sizeof more, "%s, \"decode\": \"when_needed\"", options);
    ck_assert_ok(open_data(type, path, more));
    ck_assert(mn_dataset_decodes(data));
    ck_assert_uint_eq(strlen(mn_dataset_stamp(data)), 16);
    expect_same(before, data);
    ck_assert_uint_eq(digest_of(data), before->digest);
    mn_dataset_free(before);
    close_data();
}

START_TEST(images_decoded_when_needed_are_those_decoded_before)
{
    write_pictures(false);
    expect_same_when_needed("folder", "all", "\"size\": 24");
    expect_same_when_needed("folder", "all", "\"size\": [12, 30], \"resize\": \"bilinear\"");
    expect_same_when_needed("folder", "all",
                            "\"size\": \"30,12\", \"fit\": \"stretch\", \"channels\": \"grey\"");
    teardown();
    write_pictures(true);
    expect_same_when_needed("folder", "all", "\"test_fraction\": 0.4");
    ck_assert_ok(open_data("folder", "all", "\"size\": [12, 30]"));
    ck_assert_int_eq(data->height, 12);
    ck_assert_int_eq(data->width, 30);
    ck_assert_ptr_nonnull(data->train.pixels); /* they are small */
    close_data();
    teardown();
}
END_TEST

START_TEST(data_that_look_as_they_did_are_not_read_again)
{
    static const char options[] = "\"size\": 8, \"decode\": \"when_needed\"";
    char found[MN_DIGEST], stamp[MN_STAMP], right[MN_DIGEST];
    bool same = false;
    write_pictures(false);
    ck_assert_ok(open_data("folder", "all", options));
    snprintf(stamp, sizeof stamp, "%s", mn_dataset_stamp(data));
    snprintf(right, sizeof right, "%08x", (unsigned)digest_of(data));
    close_data();

    ck_assert_ok(open_data("folder", "all", options));
    ck_assert_ok(mn_dataset_is(data, "01234567", stamp, &same, found)); /* is believed */
    ck_assert(same);
    close_data();
    ck_assert_ok(open_data("folder", "all", options));
    ck_assert_ok(mn_dataset_is(data, "01234567", "another", &same, found));
    ck_assert(!same);
    ck_assert_str_eq(found, right);
    close_data();
    ck_assert_ok(open_data("folder", "all", "\"size\": 9, \"decode\": \"when_needed\""));
    ck_assert_str_ne(mn_dataset_stamp(data), stamp);
    close_data();
    ck_assert_int_eq(utime(path_of("all/x/00.png"), &(struct utimbuf){1, 1}), 0);
    ck_assert_ok(open_data("folder", "all", options));
    ck_assert_str_ne(mn_dataset_stamp(data), stamp);
    ck_assert_ok(mn_dataset_is(data, right, stamp, &same, found)); /* the same images */
    ck_assert(same);
    close_data();
    teardown();
}
END_TEST

START_TEST(an_image_that_breaks_later_is_named_when_it_is_needed)
{
    static uint8_t pixels[MOST_BYTES];
    mn_channel_values channel[4];
    uint32_t digest;
    write_pictures(false);
    ck_assert_ok(open_data("folder", "all", "\"size\": 8, \"decode\": \"when_needed\""));
    write_file("all/x/00.png", "GIF89a", 6);
    int failed = 0;
    for (int64_t i = 0; i < data->train.count; i++)
        failed += mn_dataset_pixels(data, &data->train, i, pixels) != MN_OK;
    for (int64_t i = 0; i < data->test.count; i++)
        failed += mn_dataset_pixels(data, &data->test, i, pixels) != MN_OK;
    ck_assert_int_eq(failed, 1);
    ck_assert_ptr_nonnull(strstr(mn_error(), "all/x/00.png: is neither PNG nor JPEG"));
    ck_assert_fails(mn_dataset_digest(data, &digest), MN_CORRUPT, "all/x/00.png: ");
    unlink(path_of("all/x/00.png"));
    ck_assert_fails(mn_dataset_digest(data, &digest), MN_NOT_FOUND, "all/x/00.png: ");
    if (mn_dataset_channels(data, NULL, data->train.count, channel) != MN_OK)
        ck_assert_ptr_nonnull(strstr(mn_error(), "all/x/00.png: "));
    close_data();
    teardown();
}
END_TEST

/* What is in memory already is resized as a picture is. */
START_TEST(images_of_every_data_set_are_made_another_size)
{
    static uint8_t wanted[16 * 16], pixels[MOST_BYTES];
    mn_dataset *small, *large;
    static const char drawn[] = "{\"train_per_class\": 3, \"test_per_class\": 2, \"size\": 14}";
    ck_assert_ok(mn_dataset_open("synthetic", drawn, NULL, &small));
    static const char *const folders[] = {"one"};
    setup(1, folders);
    char header[128];
    const int length = snprintf(header + 10, sizeof header - 10,
                                "{'descr': '|u1', 'fortran_order': False, 'shape': (%d, 14, 14), }",
                                (int)small->train.count);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)length;
    header[9] = 0;
    const size_t bytes = (size_t)small->train.count * 196;
    memcpy(pixels, header, (size_t)length + 10);
    memcpy(pixels + length + 10, small->train.pixels, bytes);
    write_file("one/x_train.npy", pixels, (size_t)length + 10 + bytes);
    const int of_labels = snprintf(header + 10, sizeof header - 10,
                                   "{'descr': '<i4', 'fortran_order': False, 'shape': (%d,), }",
                                   (int)small->train.count);
    header[8] = (char)of_labels;
    memcpy(pixels, header, (size_t)of_labels + 10);
    memcpy(pixels + of_labels + 10, small->train.labels, (size_t)small->train.count * 4);
    write_file("one/y_train.npy", pixels, (size_t)(of_labels + 10 + small->train.count * 4));

    for (int resize = 0; resize < 2; resize++) {
        char more[128];
        snprintf(more, sizeof more, "\"size\": 16, \"resize\": \"%s\"",
                 resize == 0 ? "area" : "bilinear");
        expect_same_when_needed("npy", "one", more);
        ck_assert_ok(open_data("npy", "one", more));
        large = data;
        ck_assert_ok(open_data("npy", "one", ""));
        ck_assert_int_eq(large->train.count, data->train.count);
        ck_assert_int_eq(large->channels, 1);
        ck_assert_int_eq(large->classes, data->classes);
        for (int64_t i = 0; i < data->train.count; i++) {
            const mn_raster raster = mn_raster_of_image(data->train.pixels + 196 * i, 1, 14, 14);
            ck_assert_ok(
                mn_raster_place(&raster, (mn_resize)resize, MN_FIT_CROP, 1, 16, 16, wanted));
            ck_assert_mem_eq(large->train.pixels + 256 * i, wanted, sizeof wanted);
            ck_assert_int_eq(large->train.labels[i], data->train.labels[i]);
        }
        mn_dataset_free(large);
        close_data();
    }
    mn_dataset_free(small);
    teardown();
}
END_TEST

START_TEST(a_size_that_is_none_is_refused)
{
    static const struct {
        const char *options, *says;
    } bad[] = {
        {"\"size\": -1", "dataset.size[0]: '-1' is not a whole number from 0 to 4096"},
        {"\"size\": 5000", "dataset.size[0]: '5000' is not a whole number from 0 to 4096"},
        {"\"size\": 3.5", "dataset.size[0]: '3.5' is not a whole number"},
        {"\"size\": [3, 0]", "dataset.size: '3,0' has a side of 0; give height and width"},
        {"\"size\": [3, 4, 5]", "dataset.size: '3,4,5' lists more than 2 numbers"},
        {"\"size\": \"3,\"", "dataset.size: '3,' is not a list of numbers"},
        {"\"size\": true", "size: found true or false"},
        {"\"resize\": \"nearest\"", "resize: 'nearest' is not one of area, bilinear"},
        {"\"decode\": \"never\"", "decode: 'never' is not one of auto, before, when_needed"},
    };
    write_pictures(true);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_fails(open_data("folder", "all", bad[i].options), MN_BAD_OPTION, bad[i].says);
    write_file("table.csv", "1,2,a\n3,4,b\n1,2,a\n3,4,b\n", 24);
    ck_assert_fails(open_data("csv", "table.csv", "\"size\": 8"), MN_BAD_OPTION,
                    "dataset.size: is for images, but 'csv' holds measurements");
    ck_assert_ok(open_data("csv", "table.csv", "\"decode\": \"when_needed\""));
    ck_assert_ptr_nonnull(strstr(data->notes, "csv.decode does nothing"));
    close_data();
    teardown();
}
END_TEST

/* --- packed ---------------------------------------------------------------------------------- */

static char packed_path[512];

static mn_status pack(const char *type, const char *path, const char *more,
                      const mn_pack_watch *watch)
{
    char options[1024];
    snprintf(options, sizeof options, "{\"path\": \"%s/%s\"%s%s}", scratch_folder, path,
             more[0] != '\0' ? ", " : "", more);
    snprintf(packed_path, sizeof packed_path, "%s", path_of("packed.safetensors"));
    return mn_dataset_pack(type, options, NULL, packed_path, watch);
}

static mn_status open_packed(const char *type, const char *path, const char *more)
{
    char all[700];
    snprintf(all, sizeof all, "%s%s\"packed\": \"%s\"", more, more[0] != '\0' ? ", " : "",
             packed_path);
    return open_data(type, path, all);
}

static void expect_same_packed(const char *type, const char *path, const char *more)
{
    ck_assert_ok(pack(type, path, more, NULL));
    ck_assert_ok(open_data(type, path, more));
    mn_dataset *read = data;
    ck_assert_ok(open_packed(type, path, more));
    ck_assert(!mn_dataset_decodes(data));
    expect_same(read, data);
    ck_assert_uint_eq(digest_of(data), digest_of(read));
    ck_assert_int_eq(data->classes, read->classes);
    for (int64_t c = 0; c < data->classes; c++)
        ck_assert_str_eq(data->class_names[c], read->class_names[c]);
    ck_assert((data->scale != NULL) == (read->scale != NULL));
    const size_t row = (size_t)mn_shape_count(mn_dataset_image(data)) * sizeof(float);
    if (data->scale != NULL) {
        ck_assert_mem_eq(data->scale, read->scale, row);
        ck_assert_mem_eq(data->offset, read->offset, row);
    }
    mn_dataset_free(read);
    close_data();
}

START_TEST(packed_data_are_the_data)
{
    static const char table[] = "1,2,a\n3,4.5,\"b, c\"\n1,7,a\n3,4,\"b, c\"\n";
    write_pictures(false);
    expect_same_packed("folder", "all", "\"size\": [12, 30]");
    expect_same_packed("folder", "all", "\"size\": 9, \"channels\": \"grey\", \"split_seed\": 3");
    write_file("table.csv", table, sizeof table - 1);
    expect_same_packed("csv", "table.csv", "");
    /* The arrays are those that npy looks for. */
    ck_assert_ok(pack("folder", "all", "\"size\": 9", NULL));
    ck_assert_ok(open_data("folder", "all", "\"size\": 9"));
    mn_dataset *read = data;
    ck_assert_ok(open_data("npy", "packed.safetensors", ""));
    expect_same(read, data);
    ck_assert_uint_eq(data->digest, read->digest);
    mn_dataset_free(read);
    close_data();
    teardown();
}
END_TEST

START_TEST(what_was_packed_of_other_data_is_refused)
{
    write_pictures(false);
    ck_assert_ok(pack("folder", "all", "\"size\": 8", NULL));
    ck_assert_fails(open_packed("folder", "all", "\"size\": 9"), MN_BAD_OPTION,
                    "was packed with size=8, but dataset.size is 9; pack the data again");
    ck_assert_fails(open_packed("folder", "all", "\"size\": 8, \"resize\": \"bilinear\""),
                    MN_BAD_OPTION, "was packed with resize=area");
    ck_assert_fails(open_packed("csv", "all", ""), MN_BAD_OPTION,
                    "was packed of the data set 'folder', not of 'csv'");
    ck_assert_ok(open_packed("folder", "elsewhere", "\"size\": 8")); /* may be gone */
    close_data();
    snprintf(packed_path, sizeof packed_path, "%s", path_of("none.safetensors"));
    ck_assert_fails(open_packed("folder", "all", ""), MN_NOT_FOUND, "none.safetensors: No such");
    snprintf(packed_path, sizeof packed_path, "%s", path_of("all"));
    ck_assert_fails(open_packed("folder", "all", ""), MN_BAD_OPTION,
                    "is a folder; expected a file");
    teardown();
}
END_TEST

/* Every byte counts: it is refused, or it is one that changes nothing. */
START_TEST(a_packed_file_that_is_damaged_is_told)
{
    static uint8_t bytes[1 << 16];
    uint32_t digest, right;
    write_pictures(false);
    ck_assert_ok(pack("folder", "all", "\"size\": 5", NULL));
    ck_assert_ok(open_packed("folder", "all", "\"size\": 5"));
    right = digest_of(data);
    close_data();
    FILE *in = fopen(packed_path, "rb");
    const size_t count = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    ck_assert_uint_lt(count, sizeof bytes);
    for (size_t i = 0; i < count; i++) {
        bytes[i] ^= (uint8_t)(1u << i % 8);
        write_file("packed.safetensors", bytes, count);
        if (open_packed("folder", "all", "\"size\": 5") == MN_OK &&
            mn_dataset_digest(data, &digest) == MN_OK)
            ck_assert_uint_eq(digest, right);
        ck_assert_ptr_null(strchr(mn_error(), '\n'));
        close_data();
        bytes[i] ^= (uint8_t)(1u << i % 8);
    }
    bytes[count - 1] ^= 1;
    write_file("packed.safetensors", bytes, count);
    ck_assert_ok(open_packed("folder", "all", "\"size\": 5"));
    ck_assert_fails(mn_dataset_digest(data, &digest), MN_CORRUPT,
                    "it is damaged: pack the data again");
    close_data();
    for (size_t cut = 0; cut < count; cut += 97) {
        write_file("packed.safetensors", bytes, cut);
        ck_assert_fails(open_packed("folder", "all", "\"size\": 5"), MN_CORRUPT,
                        "packed.safetensors: ");
    }
    teardown();
}
END_TEST

static bool stop_at(void *context, int64_t done, int64_t all)
{
    ck_assert_int_eq(all, CLASSES * PICTURES);
    return done < *(const int *)context;
}

static bool die_at(void *context, int64_t done, int64_t all)
{
    (void)all;
    if (done == *(const int *)context)
        kill(getpid(), SIGKILL);
    return true;
}

static bool is_there(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

START_TEST(a_pack_that_is_stopped_or_killed_leaves_no_half_file)
{
    int at = 5;
    write_pictures(false);
    const mn_pack_watch stopping = {&at, stop_at}, dying = {&at, die_at};
    ck_assert_fails(pack("folder", "all", "\"size\": 8", &stopping), MN_INTERRUPTED,
                    "stopped after 5 of 12 images");
    ck_assert(!is_there("packed.safetensors") && !is_there("packed.safetensors.part"));
    const pid_t child = fork();
    if (child == 0) {
        (void)pack("folder", "all", "\"size\": 8", &dying);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert(!is_there("packed.safetensors"));
    ck_assert_ok(pack("folder", "all", "\"size\": 8", NULL));
    ck_assert(is_there("packed.safetensors") && !is_there("packed.safetensors.part"));
    /* What is there stays until the new one is whole. */
    ck_assert_fails(pack("folder", "all", "\"size\": 4", &stopping), MN_INTERRUPTED, "stopped");
    ck_assert_ok(open_packed("folder", "all", "\"size\": 8"));
    close_data();
    write_file("all/x/00.png", "GIF89a", 6);
    ck_assert_fails(pack("folder", "all", "\"size\": 4", NULL), MN_CORRUPT,
                    "all/x/00.png: is neither PNG nor JPEG");
    ck_assert(!is_there("packed.safetensors.part"));
    teardown();
}
END_TEST

MN_SUITE("sizes", images_decoded_when_needed_are_those_decoded_before,
         data_that_look_as_they_did_are_not_read_again,
         an_image_that_breaks_later_is_named_when_it_is_needed,
         images_of_every_data_set_are_made_another_size, a_size_that_is_none_is_refused,
         packed_data_are_the_data, what_was_packed_of_other_data_is_refused,
         a_packed_file_that_is_damaged_is_told,
         a_pack_that_is_stopped_or_killed_leaves_no_half_file)
