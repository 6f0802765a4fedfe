/* IDX files: what is read, and what every kind of damage is called. */
#include "data/read/idx.h"
#include "tests/suite.h"

#include <mneme/data.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { IMAGES = 12, SIDE = 5, IMAGE_BYTES = 16 + IMAGES * SIDE * SIDE, LABEL_BYTES = 8 + IMAGES };

static char folder[64];
static uint8_t images[IMAGE_BYTES + 1], labels[LABEL_BYTES + 1];

static const char *path_of(const char *file)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return path;
}

static void write_plain(const char *file, const void *bytes, size_t count)
{
    unlink(path_of(file)); /* a new file; ext4 would wait for the disk where one is cut to zero */
    FILE *out = fopen(path_of(file), "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, count, out), count);
    fclose(out);
}

static void write_gzip(const char *file, const void *bytes, size_t count)
{
    gzFile out = gzopen(path_of(file), "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(gzwrite(out, bytes, (unsigned)count), (int)count);
    gzclose(out);
}

/* Makes a folder with a small, sound data set; the tests then damage it. */
static void write_sound(void)
{
    strcpy(folder, "/tmp/mneme-idx-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    const uint8_t image_header[16] = {0, 0, 8, 3, 0, 0, 0, IMAGES, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    const uint8_t label_header[8] = {0, 0, 8, 1, 0, 0, 0, IMAGES};
    memcpy(images, image_header, sizeof image_header);
    memcpy(labels, label_header, sizeof label_header);
    for (int i = 16; i < IMAGE_BYTES; i++)
        images[i] = (uint8_t)(i * 37);
    for (int i = 0; i < IMAGES; i++)
        labels[8 + i] = (uint8_t)(i % 10);
    write_gzip("train-images-idx3-ubyte.gz", images, IMAGE_BYTES);
    write_gzip("train-labels-idx1-ubyte.gz", labels, LABEL_BYTES);
    write_plain("t10k-images-idx3-ubyte", images, IMAGE_BYTES);
    write_plain("t10k-labels-idx1-ubyte", labels, LABEL_BYTES);
}

static void remove_all(void)
{
    static const char *const files[] = {
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
        "damaged",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        unlink(path_of(files[i]));
    ck_assert_int_eq(rmdir(folder), 0);
}

static mn_status open_here(void)
{
    mn_dataset *dataset = NULL;
    const mn_status status = mn_dataset_open("mnist", NULL, folder, &dataset);
    mn_dataset_free(dataset);
    return status;
}

static mn_status read_damaged(int rank)
{
    mn_idx idx;
    const mn_status status = mn_idx_read(path_of("damaged"), rank, &idx);
    free(idx.bytes);
    return status;
}

START_TEST(four_files_make_a_data_set)
{
    write_sound();
    mn_dataset *dataset, *again;
    ck_assert_ok(mn_dataset_open("mnist", NULL, folder, &dataset));
    ck_assert_ok(mn_dataset_open("mnist", "", folder, &again));
    ck_assert_int_eq(dataset->train.count, IMAGES);
    ck_assert_int_eq(dataset->height, SIDE);
    ck_assert_int_eq(dataset->width, SIDE);
    ck_assert_int_eq(dataset->classes, 10);
    ck_assert_mem_eq(dataset->train.pixels, images + 16, IMAGE_BYTES - 16);
    ck_assert_mem_eq(dataset->test.pixels, images + 16, IMAGE_BYTES - 16);
    for (int i = 0; i < IMAGES; i++)
        ck_assert_int_eq(dataset->test.labels[i], i % 10);
    ck_assert_uint_eq(dataset->digest, again->digest);
    mn_dataset_free(again);
    labels[8] = 7;
    write_plain("t10k-labels-idx1-ubyte", labels, LABEL_BYTES);
    ck_assert_ok(mn_dataset_open("mnist", NULL, folder, &again));
    ck_assert_uint_ne(dataset->digest, again->digest);
    mn_dataset_free(again);
    mn_dataset_free(dataset);
    remove_all();
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused)
{
    write_sound();
    for (size_t bytes = 0; bytes < IMAGE_BYTES; bytes++) {
        write_plain("damaged", images, bytes);
        ck_assert_fails(read_damaged(3), MN_CORRUPT, "damaged: ends after");
    }
    write_plain("damaged", images, IMAGE_BYTES);
    ck_assert_ok(read_damaged(3));
    write_plain("damaged", images, IMAGE_BYTES + 1);
    ck_assert_fails(read_damaged(3), MN_CORRUPT, "goes on after the 300 bytes");
    remove_all();
}
END_TEST

static size_t read_back(const char *file, uint8_t *bytes, size_t most)
{
    FILE *in = fopen(path_of(file), "rb");
    ck_assert_ptr_nonnull(in);
    const size_t got = fread(bytes, 1, most, in);
    fclose(in);
    return got;
}

START_TEST(a_gzip_cut_anywhere_is_refused)
{
    write_sound();
    uint8_t packed[2 * IMAGE_BYTES];
    const size_t count = read_back("train-images-idx3-ubyte.gz", packed, sizeof packed);
    for (size_t bytes = 0; bytes < count; bytes++) {
        write_plain("damaged", packed, bytes);
        ck_assert_fails(read_damaged(3), MN_CORRUPT, "damaged: ");
    }
    remove_all();
}
END_TEST

START_TEST(a_flipped_bit_in_a_gzip_never_changes_an_image)
{
    write_sound();
    uint8_t packed[2 * IMAGE_BYTES];
    const size_t count = read_back("train-images-idx3-ubyte.gz", packed, sizeof packed);
    int refused = 0;
    for (size_t bit = 0; bit < 8 * count; bit++) {
        packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        write_plain("damaged", packed, count);
        mn_idx idx;
        const mn_status status = mn_idx_read(path_of("damaged"), 3, &idx);
        if (status == MN_OK) /* a date, padding: some bits of a gzip mean nothing */
            ck_assert_mem_eq(idx.bytes, images + 16, IMAGE_BYTES - 16);
        else
            ck_assert_int_eq(status, MN_CORRUPT);
        refused += status != MN_OK;
        free(idx.bytes);
        packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_int_ge(refused, (int)(8 * count) - 80 - 7);
    packed[count - 8] ^= 1; /* the checksum itself */
    write_plain("damaged", packed, count);
    ck_assert_fails(
        read_damaged(3), MN_CORRUPT,
        "damaged: the compressed data are damaged (incorrect data check); get it again");
    remove_all();
}
END_TEST

static void write_header(int at, uint8_t value)
{
    uint8_t changed[IMAGE_BYTES];
    memcpy(changed, images, sizeof changed);
    changed[at] = value;
    write_plain("damaged", changed, sizeof changed);
}

START_TEST(a_wrong_header_says_what_was_expected)
{
    write_sound();
    write_header(0, 0x89);
    ck_assert_fails(read_damaged(3), MN_CORRUPT, "begins with 89 00 08 03, expected 00 00 08 03");
    write_header(2, 0x0D);
    ck_assert_fails(read_damaged(3), MN_CORRUPT, "type 0x0d, expected 0x08");
    ck_assert_fails(read_damaged(1), MN_CORRUPT, "type 0x0d");
    write_header(3, 1);
    ck_assert_fails(read_damaged(3), MN_CORRUPT, "has 1 axes, expected 3; are images and labels");
    write_header(4, 0x7F); /* 2 131 thousand million images: must not be allocated */
    ck_assert_fails(read_damaged(3), MN_CORRUPT, "ends after 300 of the");
    write_header(8, 0xFF);
    ck_assert_fails(read_damaged(3), MN_CORRUPT, "ends after 300 of the");
    write_header(7, 0);
    ck_assert_fails(read_damaged(3), MN_CORRUPT, "no elements");
    memset(images + 4, 0xFF, 12);
    write_plain("damaged", images, IMAGE_BYTES);
    ck_assert_fails(read_damaged(3), MN_CORRUPT, "more than a terabyte");
    for (int i = 4; i < 16; i += 4) /* a product that fits 64 bits */
        images[i] = images[i + 1] = 0;
    write_plain("damaged", images, IMAGE_BYTES);
    ck_assert_fails(read_damaged(3), MN_CORRUPT, "more than a terabyte");
    remove_all();
}
END_TEST

START_TEST(images_and_labels_must_agree)
{
    write_sound();
    labels[7] = IMAGES - 1;
    write_gzip("train-labels-idx1-ubyte.gz", labels, LABEL_BYTES - 1);
    ck_assert_fails(open_here(), MN_CORRUPT, "train-labels-idx1-ubyte.gz: has 11 labels for 12");
    labels[7] = IMAGES;
    labels[8 + 4] = 10;
    write_gzip("train-labels-idx1-ubyte.gz", labels, LABEL_BYTES);
    ck_assert_fails(open_here(), MN_CORRUPT, "label 10 of image 4 is not one of 0 to 9");
    labels[8 + 4] = 9;
    write_gzip("train-labels-idx1-ubyte.gz", labels, LABEL_BYTES);
    ck_assert_ok(open_here());
    images[11] = SIDE * SIDE;
    images[15] = 1;
    write_plain("t10k-images-idx3-ubyte", images, IMAGE_BYTES);
    ck_assert_fails(open_here(), MN_CORRUPT, "25x1, but the training images are 5x5");
    write_gzip("train-images-idx3-ubyte.gz", labels, LABEL_BYTES);
    ck_assert_fails(open_here(), MN_CORRUPT, "are images and labels swapped?");
    remove_all();
}
END_TEST

START_TEST(what_is_missing_is_named_with_what_brings_it)
{
    write_sound();
    unlink(path_of("t10k-labels-idx1-ubyte"));
    ck_assert_fails(open_here(), MN_NOT_FOUND, "there is no t10k-labels-idx1-ubyte.gz in /tmp/");
    mn_dataset *dataset;
    ck_assert_fails(mn_dataset_open("fashion-mnist", NULL, "/nowhere", &dataset), MN_NOT_FOUND,
                    "there is no folder /nowhere");
    ck_assert_fails(mn_dataset_open("fashion-mnist", NULL, "/", &dataset), MN_NOT_FOUND,
                    "apt-get install dataset-fashion-mnist");
    ck_assert_fails(mn_dataset_open("fashion-mist", NULL, NULL, &dataset), MN_NOT_FOUND,
                    "did you mean 'fashion-mnist'?");
    ck_assert_fails(mn_dataset_open("mnist", "{\"color\": true}", folder, &dataset), MN_BAD_OPTION,
                    "mnist.color: no such option");
    ck_assert_fails(mn_dataset_open("mnist", NULL, "/dev/null", &dataset), MN_NOT_FOUND,
                    "/dev/null");
    remove_all();
}
END_TEST

START_TEST(folders_are_searched_in_order)
{
    write_sound();
    char parent[64] = "/tmp/mneme-data-XXXXXX", child[96];
    ck_assert_ptr_nonnull(mkdtemp(parent));
    snprintf(child, sizeof child, "%s/mnist", parent);
    ck_assert_int_eq(rename(folder, child), 0);
    mn_dataset *dataset;
    ck_assert_ok(mn_dataset_open("mnist", NULL, parent, &dataset)); /* a folder of data sets */
    mn_dataset_free(dataset);
    setenv("MNEME_DATA", parent, 1);
    ck_assert_ok(mn_dataset_open("mnist", NULL, NULL, &dataset));
    ck_assert_int_eq(dataset->train.count, IMAGES); /* not the real one, were it there */
    mn_dataset_free(dataset);
    ck_assert_int_eq(rename(child, folder), 0);
    ck_assert_int_eq(rmdir(parent), 0);
    remove_all();
}
END_TEST

START_TEST(fashion_mnist_is_what_its_authors_published)
{
    mn_dataset *dataset;
    const mn_status status = mn_dataset_open("fashion-mnist", NULL, NULL, &dataset);
    if (status == MN_NOT_FOUND) {
        printf("skipped: %s\n", mn_error());
        return;
    }
    ck_assert_ok(status);
    ck_assert_int_eq(dataset->train.count, 60000);
    ck_assert_int_eq(dataset->test.count, 10000);
    ck_assert_str_eq(dataset->class_names[dataset->train.labels[0]], "Ankle boot");
    ck_assert_uint_eq(dataset->digest, 0x50221339);
    mn_dataset_free(dataset);
}
END_TEST

MN_SUITE("idx", four_files_make_a_data_set, a_file_cut_anywhere_is_refused,
         a_gzip_cut_anywhere_is_refused, a_flipped_bit_in_a_gzip_never_changes_an_image,
         a_wrong_header_says_what_was_expected, images_and_labels_must_agree,
         what_is_missing_is_named_with_what_brings_it, folders_are_searched_in_order,
         fashion_mnist_is_what_its_authors_published)
