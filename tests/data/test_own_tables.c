/* Tables of text as a data set, and what is wrong with them. */
#include "tests/data/own_data.h"

#include <math.h>
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
    ck_assert_fails(open_data("csv", "flowers/train.csv", "\"label\": \"kind\", \"test\": \"\""),
                    MN_BAD_OPTION, "class 0, big one, has 1 images; a test set takes at least one");
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
    refused("1,2,x\n1,2,\n", "", MN_CORRUPT, "line 2, column 3: there is no label");
    refused("1,2,x\n", "\"label\": \"kind\"", MN_BAD_OPTION, "no column is called 'kind'");
    refused("a,kinds\n", "\"label\": \"kind\"", MN_BAD_OPTION, "did you mean 'kinds'?");
    refused("1,2,x,\n1,3,y,\n", "", MN_CORRUPT,
            "line 2, column 4: there is no label; where each line ends in a ',', drop=4 leaves");
    refused("1,a,x\n1,b,y\n", "", MN_CORRUPT,
            "column 2: 'b' is no number; drop=2 leaves the column");
    refused("1,2,x\n1,3,x\n", "", MN_UNSUPPORTED, "has 1 class, expected 2 to");
    refused("1,2,x\n1,nan,x\n3,4,y\n3,4,y\n", "", MN_CORRUPT,
            "line 2, column 2: 'nan' is no number");
    refused("1,2,x\n1,inf,x\n", "", MN_CORRUPT, "line 2, column 2: 'inf' is no number");
    refused("1,2,x\n1,0x10,x\n", "", MN_CORRUPT, "line 2, column 2: '0x10' is no number");
    write_file("wrong.csv", "1,2\0,3", 7);
    ck_assert_fails(open_data("csv", "wrong.csv", ""), MN_CORRUPT, "is no text: there is a zero");
    write_text("both/train.csv", "1,2,x\n2,3,y\n");
    write_text("both/test.csv", "1,2,z\n");
    ck_assert_fails(open_data("csv", "both", ""), MN_CORRUPT,
                    "test.csv: line 1 has the label 'z', which no training row has");
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

/* Names of the classes with bars between, and how many rows there are. */
static const char *classes(void)
{
    static char text[512];
    text[0] = '\0';
    for (int64_t c = 0; c < data->classes; c++)
        sprintf(text + strlen(text), "%s|", data->class_names[c]);
    sprintf(text + strlen(text), "%d", (int)(data->train.count + data->test.count));
    return text;
}

static void reads_as(const char *text, const char *options, const char *wanted)
{
    write_text("t.csv", text);
    ck_assert_ok(open_data("csv", "t.csv", options));
    ck_assert_str_eq(classes(), wanted);
    close_data();
}

static void field_reads_as(const char *path, const char *options, const char *wanted)
{
    ck_assert_ok(open_field("csv", path, options));
    ck_assert_str_eq(classes(), wanted);
    close_data();
}

START_TEST(a_header_is_told_from_data)
{
    setup(0, NULL);
    field_reads_as("csv/bom", "", "0|1|2|12");
    field_reads_as("csv/numbered-header-both", "", "0|1|2|39");
    reads_as("\xef\xbb\xbf"
             "1,2,x\n1,3,y\n1,2,x\n1,3,y\n",
             "", "x|y|4");
    reads_as("\xef\xbb\xbf\"a\",b,c\n1,2,x\n1,3,y\n1,2,x\n1,3,y\n", "\"label\": \"c\"", "x|y|4");
    reads_as("\xef\xbb\xbf"
             "k,b,c\nx,2,1\ny,3,1\nx,2,2\ny,3,2\n",
             "\"label\": \"k\"", "x|y|4");
    reads_as("0,1,2,kind\n1,2,3,x\n1,3,4,y\n1,2,5,x\n1,3,6,y\n", "", "x|y|4");
    reads_as("0,1,2,3\n1,2,3,1\n1,3,4,2\n1,2,5,1\n1,3,6,2\n", "", "1|2|4"); /* pandas' own names */
    reads_as("0,1,2,x\n1,3,4,y\n1,2,5,x\n1,3,6,y\n", "", "x|y|4"); /* x is a label of other rows */
    reads_as("0,1,2,3\n1,2,3,3\n1,3,4,4\n1,2,5,3\n1,3,6,4\n", "", "3|4|4"); /* 3 is a label too */
    refused("a,b\n1,x\n", "\"label\": \"b\", \"header\": \"no\"", MN_BAD_OPTION,
            "'b' is a name in the first line, which header=no says is none");
    reads_as("0,1,label\n1,2,x\n1,3,y\n1,2,x\n1,3,y\n", "", "x|y|4");
    reads_as("Class,0,1\nx,1,2\ny,1,3\nx,1,2\ny,1,3\n", "\"label\": \"first\"", "x|y|4");
    reads_as("sep=;\r\n1;2;x\n1;3;y\n1;2;x\n1;3;y\n", "\"delimiter\": \";\"", "x|y|4");
    reads_as("7,8,label\n1,2,1\n1,3,2\n1,2,1\n1,3,2\n", "", "1|2|4");
    reads_as("2019,a,label\n1,2,x\n1,3,y\n1,2,x\n1,3,y\n", "", "x|y|4");
    reads_as("1,2,x\n1,3,y\n1,2,x\n1,3,y\n1,2,x\n", "\"header\": \"yes\"", "x|y|4");
    reads_as("0,1,2,z\n0,1,2,z\n1,3,4,y\n1,2,5,y\n", "\"header\": \"no\"", "y|z|4");
    refused("1,,x\n1,3,y\n1,2,x\n1,3,y\n", "", MN_CORRUPT,
            "line 1, column 2: '' is no number; missing");
    refused("NA,1,x\n1,3,y\n1,2,x\n1,3,y\n", "", MN_CORRUPT, "line 1, column 1: 'NA' is no number");
    refused("1.2.3,1,x\n1,3,y\n1,2,x\n1,3,y\n", "", MN_CORRUPT,
            "line 1, column 1: '1.2.3' is no number among numbers; mend it, or say with header");
    refused("1,2,x\n1,3,y\n", "\"header\": \"maybe\"", MN_BAD_OPTION, "one of auto, yes, no");
    write_file("wrong.csv",
               "\xff\xfe"
               "1\0,\0",
               6);
    ck_assert_fails(open_data("csv", "wrong.csv", ""), MN_CORRUPT, "is UTF-16; save it as UTF-8");
    teardown();
}
END_TEST

START_TEST(cells_are_quoted_as_the_standard_has_it)
{
    setup(0, NULL);
    field_reads_as("csv/comma-label", "", "bear, polar|lion, sea|ox|12");
    reads_as("1,2,\"a \"\"b\"\"\"\n1,3,\"two\nlines\"\n1,2,\"a \"\"b\"\"\"\n1,3,\"two\nlines\"\n",
             "", "a \"b\"|two\nlines|4");
    reads_as("\"1\",\"2\",x\r\n\"1\",\"3\",y\r\n1,2,x\r\n1,3,y\r\n", "", "x|y|4");
    reads_as("1,2,x\r1,3,y\r1,2,x\r1,3,y", "", "x|y|4"); /* as old Macs end lines */
    reads_as("\"a,b\",\"c\r\nd\",k\n1,2,x\n1,3,y\n1,2,x\n1,3,y\n", "\"label\": \"k\"", "x|y|4");
    reads_as("1,2,5\" pipe\n1,3,y\n1,2,5\" pipe\n1,3,y\n", "", "5\" pipe|y|4");
    refused("1,2,\"x\n1,3,y\n", "", MN_CORRUPT,
            "line 1: a quote opens a cell and nothing closes it");
    refused("1,2,x\n1,\"3\"4,y\n", "", MN_CORRUPT,
            "line 2: '4,y' follows the quote that closes a cell");
    refused("1,\"a\nb\",x\n1,3\n", "\"label\": \"x\"", MN_CORRUPT,
            "line 3 has 2 columns, expected 3");
    teardown();
}
END_TEST

START_TEST(other_separators_and_commas_in_numbers)
{
    setup(0, NULL);
    reads_as("1,5;2;x\n2,5;3;y\n1,5;2;x\n2,5;3;y\n", "\"delimiter\": \";\", \"decimal\": \"comma\"",
             "x|y|4");
    reads_as("1\t2\tbig one\n1\t\t\n1\t3\ty\n1\t2\tbig one\n1\t3\ty\n",
             "\"delimiter\": \"tab\", \"missing\": \"skip\"", "big one|y|4");
    reads_as("1|2|x\n1|3|y\n1|2|x\n1|3|y\n", "\"delimiter\": \"|\"", "x|y|4");
    reads_as("1 2 x\n1 3 y\n1 2 x\n1 3 y\n", "\"delimiter\": \"space\"", "x|y|4");
    write_text("t.csv", "1,5;2;x\n2,5;3;y\n1,5;2;x\n2,5;3;y\n");
    ck_assert_ok(open_data("csv", "t.csv", "\"delimiter\": \";\", \"decimal\": \"comma\""));
    ck_assert(data->offset[0] == 1.5f && data->scale[0] == 1);
    close_data();
    refused("1;2;x\n1;3;y\n", "", MN_BAD_OPTION,
            "has no commas; expected values and a label with "
            "commas between, or delimiter=\";\"");
    refused("1\t2\tx\n1\t3\ty\n", "", MN_BAD_OPTION, "or delimiter=\"tab\"");
    refused("1.5;2;x\n2,5;3;y\n", "\"delimiter\": \";\", \"decimal\": \"comma\"", MN_CORRUPT,
            "line 1, column 1: '1.5' is no number among numbers");
    refused("1,2,x\n", "\"decimal\": \"comma\"", MN_BAD_OPTION, "already stands before fractions");
    refused("1,2,x\n", "\"delimiter\": \"ab\"", MN_BAD_OPTION, "not one character");
    teardown();
}
END_TEST

START_TEST(missing_cells_are_refused_skipped_or_filled)
{
    static const char *const marks[] = {"", "NA", "NaN", "null", "None", "?", "#N/A"};
    setup(0, NULL);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        char text[128];
        sprintf(text, "1,%s,x\n1,3,y\n1,5,x\n1,7,y\n1,5,x\n", marks[i]);
        refused(text, "", MN_CORRUPT, "line 1, column 2");
        reads_as(text, "\"missing\": \"skip\"", "x|y|4");
        reads_as(text, "\"missing\": \"mean\"", "x|y|5");
        ck_assert_ok(open_data("csv", "t.csv", "\"missing\": \"skip\""));
        ck_assert_ptr_nonnull(strstr(data->notes, "t.csv: 1 rows with missing cells are left out"));
        close_data();
    }
    write_text("train.csv", "1,,x\n1,3,y\n1,5,x\n1,7,y\n");
    write_text("test.csv", ",5,x\n1,3,y\n");
    ck_assert_ok(open_data("csv", "train.csv", "\"missing\": \"mean\""));
    ck_assert_double_eq_tol(value_of(&data->train, 0, 1), 5, 4.0 / 510);
    ck_assert_double_eq_tol(value_of(&data->test, 0, 0), 1, 1e-6); /* of the training rows */
    close_data();
    refused("1,,x\n2,,y\n", "\"missing\": \"mean\"", MN_CORRUPT,
            "no training row has a value in column");
    refused("1,2,x\n2,3,\n", "\"missing\": \"mean\"", MN_CORRUPT,
            "line 2, column 3: there is no label");
    teardown();
}
END_TEST

START_TEST(columns_are_matched_by_name)
{
    setup(0, NULL);
    write_text("train.csv", "a,b,kind\n1,20,x\n2,30,y\n");
    write_text("test.csv", "kind,b,a\ny,30,1\nx,20,2\n");
    ck_assert_ok(open_data("csv", "train.csv", ""));
    ck_assert(value_of(&data->test, 0, 0) == 1 && value_of(&data->test, 0, 1) == 30);
    ck_assert_int_eq(data->test.labels[0], 1);
    close_data();
    write_text("test.csv", "1,30,y\n2,20,x\n"); /* no header: by place */
    ck_assert_ok(open_data("csv", "train.csv", ""));
    ck_assert(value_of(&data->test, 1, 0) == 2 && value_of(&data->test, 1, 1) == 20);
    close_data();
    write_text("test.csv", "a,c,kind\n1,30,y\n");
    ck_assert_fails(open_data("csv", "train.csv", ""), MN_BAD_SHAPE,
                    "test.csv: has no column 'b', which");
    write_text("test.csv", "id,a,b,kind\n7,1,30,y\n");
    ck_assert_fails(open_data("csv", "train.csv", ""), MN_BAD_SHAPE, "has a column 'id', which");
    ck_assert_fails(open_data("csv", "train.csv", "\"drop\": \"id\""), MN_BAD_OPTION,
                    "train.csv: drop: there is no column 'id'; it has 3");
    write_text("test.csv", "b,a\n30,1\n");
    ck_assert_fails(open_data("csv", "train.csv", ""), MN_BAD_SHAPE, "has no column 'kind', which");
    write_text("test.csv", "p,q,r\n30,1,x\n");
    ck_assert_fails(open_data("csv", "train.csv", ""), MN_BAD_SHAPE,
                    "names none of the columns of");
    write_text("train.csv", "a,a,kind\n1,20,x\n2,30,y\n");
    write_text("test.csv", "kind,a,a\nx,2,30\n");
    ck_assert_fails(open_data("csv", "train.csv", ""), MN_BAD_SHAPE, "two columns are called 'a'");
    teardown();
}
END_TEST

START_TEST(a_column_that_nobody_meant_is_refused)
{
    char text[512] = "", *end = text;
    setup(0, NULL);
    ck_assert_fails(
        open_field("csv", "csv/pandas-index", ""), MN_BAD_OPTION,
        "column 1 has no name, as the index of a data frame; leave it out with drop=1, or "
        "keep every column with drop=none");
    static const char *const dropped[] = {"\"drop\": \"1\"", "\"drop\": [\"\"]", "\"drop\": [1]"};
    for (int i = 0; i < 3; i++) {
        ck_assert_ok(open_field("csv", "csv/pandas-index", dropped[i]));
        ck_assert_int_eq(data->width, 4);
        close_data();
    }
    ck_assert_ok(open_field("csv", "csv/pandas-index", "\"drop\": \"none\""));
    ck_assert_int_eq(data->width, 5);
    close_data();
    refused("Unnamed: 0,a,kind\n5,1,x\n3,2,y\n", "", MN_BAD_OPTION, "column 1 has no name");
    refused("a,,kind\n5,1,x\n3,2,y\n", "", MN_BAD_OPTION, "column 2 has no name");
    for (int i = 0; i < 12; i++)
        end += sprintf(end, "%d,%d,%c\n", i, i * i % 7, "xy"[i % 2]);
    refused(text, "", MN_BAD_OPTION, "column 1 counts the rows");
    reads_as(text, "\"drop\": \"none\"", "x|y|12");
    ck_assert_ok(open_data("csv", "t.csv", "\"drop\": \"1\""));
    ck_assert_int_eq(data->width, 1);
    close_data();
    reads_as("id,a,word,kind\n5,1,one,x\n3,2,two,y\n5,1,one,x\n3,2,two,y\n", "\"drop\": \"word,1\"",
             "x|y|4");
    reads_as("5,1,x,rest\n3,2,y,rest\n5,1,x,rest\n3,2,y,rest\n", "\"drop\": \"4\"", "x|y|4");
    refused("a,b\n1,2\n", "\"drop\": \"a\"", MN_BAD_OPTION, "has no column beside the label");
    refused("a,b\n1,2\n", "\"drop\": \"a,\"", MN_BAD_OPTION, "is not a list of columns");
    teardown();
}
END_TEST

START_TEST(labels_that_are_numbers_are_in_the_order_of_numbers)
{
    setup(0, NULL);
    field_reads_as("csv/float-label", "", "0.0|1.0|2.0|3.0|4.0|5.0|6.0|7.0|8.0|9.0|10.0|11.0|48");
    reads_as("1,1,1e1\n1,2,-2\n1,1,+3\n1,2,2.5\n1,1,1e1\n1,2,-2\n1,1,+3\n1,2,2.5\n", "",
             "-2|2.5|+3|1e1|8");
    reads_as("1,1,10\n1,2,b\n1,1,9\n1,2,a\n1,1,10\n1,2,b\n1,1,9\n1,2,a\n", "", "9|10|a|b|8");
    write_text("train.csv", "5,6,0.0\n7,8,1.0\n");
    write_text("test.csv", "5,6,0\n7,8,1\n");
    ck_assert_ok(open_data("csv", "train.csv", ""));
    ck_assert_int_eq(data->test.labels[1], 1);
    close_data();
    refused("5,6,1\n5,6,1.0\n", "", MN_CORRUPT, "'1' and '1.0' are labels and the same number");
    teardown();
}
END_TEST

START_TEST(a_training_file_finds_its_test_file)
{
    static const char *const folders[] = {"a", "b"};
    setup(2, folders);
    static const char *const options[] = {"", "\"test\": \"test.csv\""};
    for (int i = 0; i < 2; i++) {
        ck_assert_ok(open_field("csv", "csv/named-file/train.csv", options[i]));
        ck_assert_int_eq(data->test.count, 9);
        close_data();
    }
    write_text("a/one.csv", "5,6,x\n7,8,y\n5,6,x\n7,8,y\n");
    write_text("b/two.csv", "5,6,x\n");
    ck_assert_fails(open_data("csv", "a/one.csv", "\"test\": \"two.csv\""), MN_NOT_FOUND,
                    "a/two.csv");
    ck_assert_ok(open_data("csv", "a/one.csv", "\"test\": \"../b/two.csv\""));
    ck_assert_int_eq(data->test.count, 1);
    ck_assert_ptr_null(data->notes);
    close_data();
    ck_assert_ok(open_data("csv", "a/one.csv", ""));
    ck_assert_int_eq(data->test.count, 2); /* split off, which is said */
    ck_assert_ptr_nonnull(strstr(data->notes, "test.csv: 0.2 of each class becomes the test set"));
    close_data();
    ck_assert_ok(open_data("csv", "a/one.csv", "\"test\": \"\""));
    ck_assert_ptr_null(data->notes);
    close_data();
    teardown();
}
END_TEST

START_TEST(an_option_that_does_nothing_is_named)
{
    setup(0, NULL);
    write_text("train.csv", "5,6,x\n7,8,y\n5,6,x\n7,8,y\n");
    write_text("test.csv", "5,6,x\n");
    ck_assert_ok(open_data("csv", "train.csv",
                           "\"white\": 16, \"channels\": 3, \"split_seed\": 1, "
                           "\"test_fraction\": 0.5"));
    static const char *const idle[] = {"white", "channels", "split_seed", "test_fraction"};
    for (int i = 0; i < 4; i++) {
        char note[64];
        snprintf(note, sizeof note, "csv.%s does nothing: the", idle[i]);
        ck_assert_ptr_nonnull(strstr(data->notes, note));
    }
    close_data();
    teardown();
}
END_TEST

/* The difference between two rows is kept within a step of the column, however far it is from 0. */
static void keeps_differences(double from, double width)
{
    char text[2048], *end = text;
    for (int i = 0; i < 26; i++)
        end += sprintf(end, "%.17g,1,%c\n", from + width * ((i * 7) % 26) / 25, "xy"[i % 2]);
    write_text("t.csv", text);
    write_text("test.csv", text);
    ck_assert_ok(open_data("csv", "t.csv", ""));
    for (int i = 0; i < 26; i++)
        ck_assert_double_eq_tol(value_of(&data->train, i, 0) - value_of(&data->train, 0, 0),
                                width * ((i * 7) % 26) / 25, 1.05 * width / 510);
    close_data();
}

START_TEST(a_column_far_from_zero_keeps_its_information)
{
    setup(0, NULL);
    ck_assert_ok(open_field("csv", "csv/timestamps", ""));
    ck_assert_ptr_nonnull(strstr(data->notes, "lie far from 0"));
    for (int64_t i = 0; i < data->train.count; i++) {
        const double time = value_of(&data->train, i, 0) - (double)data->offset[0];
        ck_assert_double_le(fabs(time - 10 * data->train.labels[i]), 3.5);
    }
    close_data();
    keeps_differences(1700000000, 33);
    keeps_differences(-1e9, 1);
    keeps_differences(1.7e12, 5000);
    keeps_differences(300, 0.001);
    keeps_differences(0, 1);
    keeps_differences(999, 1);
    write_text("t.csv",
               "1000000,1,x\n1000000,2,y\n1000000,1,x\n1000000,2,y\n"); /* one value alone */
    ck_assert_ok(open_data("csv", "t.csv", "\"test\": \"\""));
    ck_assert(data->offset[0] == 1000000 && data->scale[0] == 0 && data->notes == NULL);
    close_data();
    teardown();
}
END_TEST

START_TEST(columns_are_standardised_by_their_training_rows)
{
    setup(0, NULL);
    write_text("train.csv", "1700000001,5,x\n1700000003,5,y\n1700000001,5,x\n1700000003,5,y\n");
    write_text("test.csv", "1700000005,6,x\n");
    ck_assert_ok(open_data("csv", "train.csv", "\"standardise\": true"));
    ck_assert_double_eq_tol(value_of(&data->train, 0, 0), -1, 4.0 / 510);
    ck_assert_double_eq_tol(value_of(&data->train, 1, 0), 1, 4.0 / 510);
    ck_assert_double_eq_tol(value_of(&data->test, 0, 0), 3, 4.0 / 510);
    ck_assert_double_eq_tol(value_of(&data->train, 0, 1), 0, 1e-6); /* constant in training */
    ck_assert_double_eq_tol(value_of(&data->test, 0, 1), 1, 1e-6);
    close_data();
    ck_assert_fails(
        open_data("csv", "train.csv", "\"standardise\": true, \"height\": 1, \"width\": 2"),
        MN_BAD_OPTION, "standardise: is for features");
    teardown();
}
END_TEST

MN_SUITE("own_tables", a_table_is_features_and_names_of_classes, a_table_of_pixels_is_images,
         a_table_that_is_wrong_is_told_where, a_header_is_told_from_data,
         cells_are_quoted_as_the_standard_has_it, other_separators_and_commas_in_numbers,
         missing_cells_are_refused_skipped_or_filled, columns_are_matched_by_name,
         a_column_that_nobody_meant_is_refused, labels_that_are_numbers_are_in_the_order_of_numbers,
         a_training_file_finds_its_test_file, an_option_that_does_nothing_is_named,
         a_column_far_from_zero_keeps_its_information,
         columns_are_standardised_by_their_training_rows, measurements_cannot_be_augmented)
