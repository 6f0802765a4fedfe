/* Tables of text as a data set, and what is wrong with them. */
#include "tests/data/own_data.h"

#include <mneme/stream.h>

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

MN_SUITE("own_tables", a_table_is_features_and_names_of_classes, a_table_of_pixels_is_images,
         a_table_that_is_wrong_is_told_where, measurements_cannot_be_augmented)
