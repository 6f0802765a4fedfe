/* Option tables: defaults, text, JSON, ranges, and messages that help. */
#include "base/options.h"
#include "tests/suite.h"

#include <string.h>

typedef struct settings {
    double alpha;
    int64_t replay, kind;
    bool nesterov;
    const char *widths;
} settings;

static const char *const kinds[] = {"step", "cosine", NULL};
static const mn_option table[] = {
    MN_REAL(settings, alpha, 0.5, 0, 10, "weight of the distillation term"),
    MN_INT(settings, replay, 10, 1, 1024, "rows of a replay draw"),
    MN_CHOICE(settings, kind, 1, kinds, "schedule"),
    MN_BOOL(settings, nesterov, false, "look ahead"),
    MN_TEXT(settings, widths, "100,100", "hidden units"),
    MN_END,
};

START_TEST(defaults_and_text)
{
    settings s;
    mn_options_default(table, &s);
    ck_assert_double_eq(s.alpha, 0.5);
    ck_assert_int_eq(s.kind, 1);
    ck_assert_str_eq(s.widths, "100,100");
    ck_assert_ok(mn_options_set(table, &s, "der", "alpha", "0.25"));
    ck_assert_ok(mn_options_set(table, &s, "der", "replay", "1e2"));
    ck_assert_ok(mn_options_set(table, &s, "der", "kind", "step"));
    ck_assert_ok(mn_options_set(table, &s, "der", "nesterov", "true"));
    ck_assert_double_eq(s.alpha, 0.25);
    ck_assert_int_eq(s.replay, 100);
    ck_assert_int_eq(s.kind, 0);
    ck_assert(s.nesterov);
}
END_TEST

START_TEST(refusals_say_what_was_expected)
{
    settings s;
    mn_options_default(table, &s);
    ck_assert_fails(mn_options_set(table, &s, "der", "alpah", "1"), MN_BAD_OPTION,
                    "der.alpah: no such option; did you mean 'alpha'?");
    ck_assert_fails(mn_options_set(table, &s, "der", "alpha", "11"), MN_BAD_OPTION,
                    "der.alpha: '11' is not a number from 0 to 10");
    ck_assert_fails(mn_options_set(table, &s, "der", "alpha", "nan"), MN_BAD_OPTION, "nan");
    ck_assert_fails(mn_options_set(table, &s, "der", "alpha", "1x"), MN_BAD_OPTION, "1x");
    ck_assert_fails(mn_options_set(table, &s, "der", "alpha", ""), MN_BAD_OPTION, "''");
    ck_assert_fails(mn_options_set(table, &s, "der", "replay", "1.5"), MN_BAD_OPTION,
                    "a whole number from 1 to 1024");
    ck_assert_fails(mn_options_set(table, &s, "der", "kind", "cosin"), MN_BAD_OPTION,
                    "one of step, cosine");
    ck_assert_fails(mn_options_set(table, &s, "", "nesterov", "yes"), MN_BAD_OPTION,
                    "true or false");
    ck_assert_double_eq(s.alpha, 0.5); /* a refused value changes nothing */
}
END_TEST

START_TEST(json_in_and_out)
{
    settings s, back;
    mn_options_default(table, &s);
    mn_options_default(table, &back);
    ck_assert_ok(mn_options_from_text(table, &s, "der",
                                      "{\"alpha\": 0.1, \"replay\": 7, \"nesterov\": true, "
                                      "\"kind\": \"step\", \"widths\": \"5\"}"));
    cJSON *json = mn_options_to_json(table, &s);
    ck_assert_ok(mn_options_from_json(table, &back, "der", json));
    cJSON_Delete(json);
    ck_assert_double_eq(back.alpha, 0.1); /* to the bit: 17 digits travel */
    ck_assert_int_eq(back.replay, 7);
    ck_assert_int_eq(back.kind, 0);
    ck_assert_str_eq(back.widths, "5");
    ck_assert_fails(mn_options_from_text(table, &s, "der", "{\"alpha\": {}}"), MN_BAD_OPTION,
                    "der.alpha");
    ck_assert_ok(mn_options_from_text(table, &s, "der", "{\"widths\": [64, 32]}"));
    ck_assert_str_eq(s.widths, "64,32");
    ck_assert_ok(mn_options_set(table, &s, "der", "widths", "[64, 32]"));
    ck_assert_str_eq(s.widths, "64,32");
    ck_assert_ok(mn_options_set(table, &s, "der", "widths", "[[\"a, b\", \"c\"], [1]]"));
    ck_assert_str_eq(s.widths, "\"a, b\",c;1;");
    ck_assert_ok(mn_options_set(table, &s, "der", "widths", "[x"));
    ck_assert_str_eq(s.widths, "[x");
    ck_assert_fails(mn_options_from_text(table, &s, "der", "{\"replay\": [7]}"), MN_BAD_OPTION,
                    "der.replay: found a list, expected a whole number from 1 to 1024");
    ck_assert_fails(mn_options_from_text(table, &s, "er", "[1]"), MN_BAD_OPTION,
                    "er: expected an object");
    ck_assert_fails(mn_options_from_text(table, &s, "er", "{\"alpha\": 1,\n}"), MN_BAD_OPTION,
                    "er: not JSON at line 2");
}
END_TEST

MN_SUITE("options", defaults_and_text, refusals_say_what_was_expected, json_in_and_out)
