/* Lists of images as a data set: they are the folder's where they say the same, and told what is
 * wrong with them. */
#include "tests/data/own_data.h"

#include <png.h>
#include <unistd.h>

/* A PNG of 2x2 pixels of one grey. */
static void write_image(const char *name, int grey)
{
    uint8_t pixels[12];
    memset(pixels, grey, sizeof pixels);
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = 2, .height = 2, .format = PNG_FORMAT_RGB};
    ck_assert(png_image_write_to_file(&image, path_of(name), 0, pixels, 0, NULL));
}

static void write_pets(void)
{
    static const char *const folders[] = {"pets",           "pets/train",     "pets/test",
                                          "pets/train/dog", "pets/train/cat", "pets/test/dog",
                                          "pets/test/cat"};
    setup(7, folders);
    write_image("pets/train/cat/z z.png", 10);
    write_image("pets/train/dog/a.png", 20);
    write_image("pets/train/dog/b.png", 30);
    write_image("pets/test/cat/1.png", 40);
    write_image("pets/test/dog/1.png", 50);
}

/* The data set of the list is the folder's, to its last byte. */
static void expect_the_folder(const char *path, const char *options)
{
    uint32_t wanted, found;
    ck_assert_ok(open_data("folder", "pets", ""));
    ck_assert_ok(mn_dataset_digest(data, &wanted));
    close_data();
    ck_assert_ok(open_data("list", path, options));
    ck_assert_ok(mn_dataset_digest(data, &found));
    ck_assert_uint_eq(found, wanted);
    ck_assert_int_eq(data->classes, 2);
    ck_assert_str_eq(data->class_names[0], "cat");
    ck_assert_str_eq(data->class_names[1], "dog");
    close_data();
}

START_TEST(a_list_is_the_folder_that_it_describes)
{
    write_pets();
    write_text("pets/all.csv", "Filename,mood,label,split\r\ntest/cat/1.png,good,cat,test\r\n"
                               "train/cat/z z.png,bad,cat,train\r\n"
                               "train/dog/a.png,,dog,train\r\ntest/dog/1.png,,dog,test\r\n"
                               "\"train/dog/b.png\",,dog,train\r\n");
    expect_the_folder("pets/all.csv", "");
    ck_assert_ok(open_data("list", "pets/all.csv", ""));
    ck_assert_ptr_nonnull(strstr(data->notes, "column 'mood' is not read"));
    close_data();
    write_text("train.txt", "train/cat/z z.png\tcat\ntrain/dog/a.png\tdog\ntrain/dog/b.png\tdog\n");
    write_text("test.txt", "test/cat/1.png cat\ntest/dog/1.png dog\n");
    char root[600];
    snprintf(root, sizeof root, "\"root\": \"%s\"", path_of("pets"));
    expect_the_folder("", root);
    teardown();
}
END_TEST

START_TEST(a_list_keeps_its_order_and_may_have_no_test_part)
{
    write_pets();
    write_text("pets/all.txt", "train/dog/b.png 10\ntest/cat/1.png 9\n"
                               "train/dog/a.png 10\ntest/dog/1.png 9\n");
    ck_assert_ok(open_data("list", "pets/all.txt", "\"test_fraction\": 0.5"));
    ck_assert_int_eq(data->train.count, 2);
    ck_assert_int_eq(data->test.count, 2);
    ck_assert_str_eq(data->class_names[0], "9"); /* numbers by size */
    ck_assert_int_eq(data->train.labels[0] + data->train.labels[1], 1);
    close_data();
    teardown();
}
END_TEST

START_TEST(a_list_that_is_wrong_is_told_how)
{
    write_pets();
    static const char *const cases[][2] = {
        {"train/dog/a.png dog\ntrain/dog/no.png cat\n", "line 2: "},
        {"train/dog/a.png dog\ntrain/dog/no.png cat\n", "cannot be read; list.root says where"},
        {"train/cat/z z.png cat\n", "has 3 cells, expected 2: a path and a label"},
        {"path,label\ntrain/dog/a.png,\n", "line 2: its label is empty"},
        {"path,label,split\ntrain/dog/a.png,dog,vall\n", "split: 'vall' is neither train nor test"},
        {"path,label,split\ntrain/dog/a.png,dog,test\n", "lists no training image"},
        {"train/dog/a.png dog\ntrain/dog/b.png dog\n", "has 1 class, expected 2"},
        {"train/dog/a.png 1\ntrain/dog/b.png 1.0\n", "are labels and the same number"},
        {"path,label,split\ntrain/dog/a.png,dog,train\ntrain/dog/b.png,cat,train\n"
         "train/dog/a.png,bear,test\n",
         "train/dog/a.png has the label 'bear', which no training image has"},
        {"", "lists no training image"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_text("pets/all.txt", cases[i][0]);
        const mn_status status = open_data("list", "pets/all.txt", "");
        ck_assert_int_ne(status, MN_OK);
        ck_assert_msg(strstr(mn_error(), cases[i][1]) != NULL, "%s", mn_error());
    }
    ck_assert_fails(open_data("list", "pets", ""), MN_NOT_FOUND, "train.txt");
    ck_assert_fails(mn_dataset_open("list", "", NULL, &data), MN_BAD_OPTION,
                    "list.path: is empty; say where the data are");
    teardown();
}
END_TEST

MN_SUITE("own lists", a_list_is_the_folder_that_it_describes,
         a_list_keeps_its_order_and_may_have_no_test_part, a_list_that_is_wrong_is_told_how)
