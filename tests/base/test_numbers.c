/* Numbers and lists as people write them, keys given twice, and names of files. */
#include "base/json.h"
#include "base/names.h"
#include "base/numbers.h"
#include "tests/suite.h"

#include <stdlib.h>
#include <string.h>

START_TEST(a_number_is_decimal_to_its_last_character)
{
    static const struct {
        const char *text;
        double value;
    } numbers[] = {{"0", 0},         {"-7", -7},   {"+3", 3},     {"1e2", 100},    {"0.25", 0.25},
                   {".5", 0.5},      {"5.", 5},    {"010", 10},   {"1E-3", 0.001}, {"-0.0", 0},
                   {"1e308", 1e308}, {"20.0", 20}, {"1e+2", 100}, {"4e-400", 0}};
    static const char *const none[] = {"",         "0x10",  "0X1p3", "inf", "nan",   "-inf",
                                       "infinity", "1e999", "1 ",    " 1",  "1,5",   "1e",
                                       "e5",       ".",     "-",     "+-1", "1.2.3", "--1",
                                       "1_000",    "1e1.5", "NaN",   "1d3", "٣",     "1\n"};
    double value;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ck_assert_msg(mn_number_real(numbers[i].text, &value), "%s", numbers[i].text);
        ck_assert_double_eq(value, numbers[i].value);
    }
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_msg(!mn_number_real(none[i], &value), "%s", none[i]);
}
END_TEST

START_TEST(a_whole_number_is_exact)
{
    static const char *const none[] = {"0x10", "1.5",  "1e-1", "9223372036854775808",
                                       "1e17", "0.1e0"};
    int64_t value;
    ck_assert(mn_number_whole("9223372036854775807", &value));
    ck_assert_int_eq(value, INT64_MAX);
    ck_assert(mn_number_whole("-12", &value));
    ck_assert_int_eq(value, -12);
    ck_assert(mn_number_whole("010", &value)); /* never octal */
    ck_assert_int_eq(value, 10);
    ck_assert(mn_number_whole("1.5e1", &value));
    ck_assert_int_eq(value, 15);
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_msg(!mn_number_whole(none[i], &value), "%s", none[i]);
}
END_TEST

START_TEST(a_number_is_written_as_short_as_it_can_be)
{
    static const char *const texts[] = {"0.1", "0.30000000000000004", "-1e-300", "100", "0.1307"};
    char text[MN_NUMBER_TEXT];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double value = 0;
        ck_assert(mn_number_real(texts[i], &value));
        mn_number_text(value, text);
        ck_assert_str_eq(text, texts[i]);
    }
}
END_TEST

/* The items of a text with '|' between, a '/' where a group ends, and '!' where it is no list. */
static const char *walked(const char *text)
{
    static char result[256];
    mn_list list = {.rest = text};
    int64_t group = 0;
    result[0] = '\0';
    while (mn_list_next(&list)) {
        if (result[0] != '\0')
            strcat(result, list.group > group ? "/" : "|");
        group = list.group;
        strcat(result, list.item);
    }
    return strcat(result, list.broken ? "!" : list.grouped ? ";" : "");
}

START_TEST(a_list_is_items_and_groups)
{
    ck_assert_str_eq(walked(""), "");
    ck_assert_str_eq(walked("  "), "");
    ck_assert_str_eq(walked("1"), "1");
    ck_assert_str_eq(walked(" 1 , 2,3 "), "1|2|3");
    ck_assert_str_eq(walked("cat,dog;bird"), "cat|dog/bird;");
    ck_assert_str_eq(walked("cat,dog; "), "cat|dog;"); /* one group */
    ck_assert_str_eq(walked("\"lion, sea\",\"a \"\"b\"\"\" ,big one"), "lion, sea|a \"b\"|big one");
    ck_assert_str_eq(walked("\"\""), "");
    ck_assert_str_eq(walked("1,"), "1!");
    ck_assert_str_eq(walked(",1"), "!");
    ck_assert_str_eq(walked("1,,2"), "1!");
    ck_assert_str_eq(walked(";"), "!");
    ck_assert_str_eq(walked("\"a"), "!");
    ck_assert_str_eq(walked("\"a\"b"), "!");
    ck_assert_str_eq(walked("a\"b\""), "!");
}
END_TEST

START_TEST(what_is_quoted_is_read_back)
{
    static const char *const items[] = {"cat",  "lion, sea", "a;b", "say \"no\"",
                                        " led", "big one",   ""};
    char text[64];
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        ck_assert_ptr_eq(mn_list_quote(items[i], text), text + strlen(text));
        ck_assert_uint_le(strlen(text), 2 * strlen(items[i]) + 2);
        mn_list list = {.rest = text};
        ck_assert(mn_list_next(&list));
        ck_assert_str_eq(list.item, items[i]);
        ck_assert(!mn_list_next(&list) && !list.broken);
    }
}
END_TEST

START_TEST(a_list_of_whole_numbers_is_checked_by_what_reads_it)
{
    int64_t numbers[3], count;
    ck_assert_ok(mn_list_wholes("list", "3, 1e1,-2", -5, 10, 3, numbers, &count));
    ck_assert_int_eq(count, 3);
    ck_assert_int_eq(numbers[1], 10);
    ck_assert_int_eq(numbers[2], -2);
    ck_assert_ok(mn_list_wholes("list", "", 0, 10, 3, numbers, &count));
    ck_assert_int_eq(count, 0);
    ck_assert_fails(mn_list_wholes("list", "1,2.5", 0, 10, 3, numbers, &count), MN_BAD_OPTION,
                    "list[1]: '2.5' is not a whole number from 0 to 10");
    ck_assert_fails(mn_list_wholes("list", "0x3", 0, 10, 3, numbers, &count), MN_BAD_OPTION,
                    "list[0]: '0x3'");
    ck_assert_fails(mn_list_wholes("list", "-1", 0, 10, 3, numbers, &count), MN_BAD_OPTION, "'-1'");
    ck_assert_fails(mn_list_wholes("list", "1,2,3,4", 0, 10, 3, numbers, &count), MN_BAD_OPTION,
                    "more than 3 numbers");
    ck_assert_fails(mn_list_wholes("list", "1 2", 0, 10, 3, numbers, &count), MN_BAD_OPTION,
                    "'1 2'");
    ck_assert_fails(mn_list_wholes("list", "1,", 0, 10, 3, numbers, &count), MN_BAD_OPTION,
                    "is not a list");
}
END_TEST

static void refused(const char *text, const char *why)
{
    cJSON *json;
    ck_assert_fails(mn_json_parse(text, "file", &json), MN_BAD_OPTION, why);
}

START_TEST(a_key_given_twice_is_refused_wherever_it_is)
{
    cJSON *json;
    refused("{\"a\": 1, \"b\": 2, \"a\": 1}", "file: the key 'a' is given twice; keep one");
    refused("{\"a\": {\"b\": 1, \"b\": 2}}", "the key 'b'");
    refused("[1, {\"a\": [{\"c\": 1, \"\\u0063\": 2}]}]", "the key 'c'");
    refused("{\"\": 1, \"\": 2}", "the key ''");
    ck_assert_ok(mn_json_parse("{\"a\": {\"a\": 1}, \"A\": {\"a\": 1}}", "file", &json));
    cJSON_Delete(json);
}
END_TEST

START_TEST(known_keys_are_asked_of_objects_alone)
{
    static const char *const known[] = {"a", NULL};
    static const char *const none[] = {"[1]", "1", "\"a\"", "null"};
    cJSON *json;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        ck_assert_ok(mn_json_parse(none[i], "file", &json));
        ck_assert_fails(mn_json_known(json, "file", known), MN_BAD_OPTION,
                        "file: expected an object");
        cJSON_Delete(json);
    }
}
END_TEST

START_TEST(a_name_becomes_one_part_of_a_path)
{
    static const char *const names[][2] = {{"../x", "..-x"},    {"a/b", "a-b"},  {"..", "--"},
                                           {".", "-"},          {"a\nb", "a-b"}, {"cat", "cat"},
                                           {"/etc/x", "-etc-x"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[16];
        strcpy(name, names[i][0]);
        mn_name_for_file(name);
        ck_assert_str_eq(name, names[i][1]);
    }
}
END_TEST

MN_SUITE("numbers", a_number_is_decimal_to_its_last_character, a_whole_number_is_exact,
         a_number_is_written_as_short_as_it_can_be, a_list_is_items_and_groups,
         what_is_quoted_is_read_back, a_list_of_whole_numbers_is_checked_by_what_reads_it,
         a_key_given_twice_is_refused_wherever_it_is, known_keys_are_asked_of_objects_alone,
         a_name_becomes_one_part_of_a_path)
