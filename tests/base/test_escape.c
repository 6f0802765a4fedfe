/* Text of any bytes in the languages of the outputs. */
#include "base/escape.h"
#include "tests/suite.h"

#include <stdlib.h>
#include <string.h>

/* What a writer makes of a text; the caller frees. */
static char *written(void (*write)(FILE *out, const char *text), const char *text)
{
    char *made = NULL;
    size_t bytes;
    FILE *out = open_memstream(&made, &bytes);
    write(out, text);
    fclose(out);
    return made;
}

#define ck_written(write, text, expected)                                                          \
    do {                                                                                           \
        char *made_ = written(write, text);                                                        \
        ck_assert_str_eq(made_, expected);                                                         \
        free(made_);                                                                               \
    } while (0)

START_TEST(text_of_people_stays_as_it_is)
{
    static const char *const texts[] = {
        "", "er", "T-shirt/top, \"Trouser\" \\ 'x' ~", "größe", "日本", "😀 é", "a\xc2\xa0z"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_ptr_eq(mn_shown(texts[i]), texts[i]);
}
END_TEST

START_TEST(what_a_terminal_would_obey_is_shown)
{
    static const char *const cases[][2] = {
        {"a\033[2Jb", "a\\x1b[2Jb"},
        {"two\nlines\r\n\tand", "two\\nlines\\r\\n\\tand"},
        {"\x01\x7f", "\\x01\\x7f"},
        {"\xc2\x9b"
         "2J",
         "\\u009b2J"},                       /* CSI in one character */
        {"\xe2\x80\xaeoof", "\\u202eoof"},   /* right to left from here */
        {"\xff\xfe", "\\xff\\xfe"},          /* in no UTF-8 */
        {"\xc3", "\\xc3"},                   /* ends too early */
        {"\xe6\x97.", "\\xe6\\x97."},        /* ends too early */
        {"\xc0\xaf", "\\xc0\\xaf"},          /* overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_str_eq(mn_shown(cases[i][0]), cases[i][1]);
        const char *again = mn_shown(cases[i][0]);
        ck_assert_ptr_eq(mn_shown(again), again);
    }
}
END_TEST

START_TEST(markdown_and_latex_see_no_mark_in_a_name)
{
    ck_written(mn_write_markdown, "er|*x*_y <b> [a](b) $c$",
               "er\\|\\*x\\*\\_y \\<b\\> \\[a\\]\\(b\\) \\$c\\$");
    ck_written(mn_write_markdown, "a\nb größe", "a\\\\nb größe");
    ck_written(mn_write_latex, "100 % of er_20 & {x} #1 $y$",
               "100 \\% of er\\_20 \\& \\{x\\} \\#1 \\$y\\$");
    ck_written(mn_write_latex, "\\input{x}~^<|>",
               "\\textbackslash{}input\\{x\\}\\textasciitilde{}"
               "\\textasciicircum{}\\textless{}\\textbar{}"
               "\\textgreater{}");
    ck_written(mn_write_latex, "mean ± std, größe\n", "mean $\\pm$ std, größe\\textbackslash{}n");
}
END_TEST

START_TEST(no_control_character_is_left)
{
    for (int first = 1; first < 256; first++)
        for (int second = 1; second < 256; second++) {
            const char text[] = {(char)first, (char)second, '\0'};
            char shown[32];
            for (const char *c = mn_visible(text, shown, sizeof shown); *c != '\0'; c++)
                ck_assert((unsigned char)*c >= 0x20 && *c != 0x7f);
        }
}
END_TEST

START_TEST(a_text_that_is_cut_ends_with_a_whole_character)
{
    char room[8];
    ck_assert_str_eq(mn_visible("abcdefghij", room, sizeof room), "abcdefg");
    ck_assert_str_eq(mn_visible("abcdef\xc3\xb6", room, sizeof room), "abcdef");
    ck_assert_str_eq(mn_visible("abcdef\033", room, sizeof room), "abcdef");
    ck_assert_str_eq(mn_visible("\033\033", room, sizeof room), "\\x1b");
    ck_assert_str_eq(mn_visible("a", room, 1), "");
}
END_TEST

START_TEST(messages_are_one_visible_line)
{
    (void)mn_fail(MN_NOT_FOUND, "no '%s'", "a\nb\033]0;c\007\xff");
    ck_assert_str_eq(mn_error(), "no 'a\\nb\\x1b]0;c\\x07\\xff'");
    (void)mn_fail_in(MN_NOT_FOUND, "in\t%s", "d\n");
    ck_assert_str_eq(mn_error(), "in\\td\\n: no 'a\\nb\\x1b]0;c\\x07\\xff'");
}
END_TEST

static void write_gnuplot(FILE *out, const char *text)
{
    mn_write_gnuplot(out, text, false);
}

static void write_gnuplot_svg(FILE *out, const char *text)
{
    mn_write_gnuplot(out, text, true);
}

START_TEST(strings_of_gnuplot_hold_nothing_that_it_knows)
{
    ck_written(write_gnuplot, "er 20", "\"er \\062\\060\"");
    ck_written(write_gnuplot, "`x`", "\"\\140x\\140\"");
    ck_written(write_gnuplot, "'\"\\", "\"\\047\\042\\134\"");
    ck_written(write_gnuplot, "\n", "\"\\134n\"");
    ck_written(write_gnuplot, "ö1", "\"\\303\\266\\061\"");
    ck_written(write_gnuplot, "&1", "\"\\046\\061\"");
    ck_written(write_gnuplot_svg, "&1", "\"\\046\\043x\\062\\066\\073\\061\"");
}
END_TEST

START_TEST(cells_of_csv_are_text_or_numbers)
{
    static const char *const cases[][2] = {
        {"er", "er"},
        {"", ""},
        {"a,b", "\"a,b\""},
        {"say \"a\"", "\"say \"\"a\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"=1+2", "'=1+2"},
        {"=cmd|' /C calc'!A0, \"x\"", "\"'=cmd|' /C calc'!A0, \"\"x\"\"\""},
        {"@SUM(1)", "'@SUM(1)"},
        {"+1+2", "'+1+2"},
        {"-", "-"},
        {"-2+3", "'-2+3"},
        {"-x", "'-x"},
        {"\t=1", "'\t=1"},
        {"\r=1", "\"'\r=1\""},
        {"-2.5", "-2.5"},
        {"+1e3", "+1e3"},
        {"-inf", "'-inf"},
        {"a\033\xff", "a\\x1b\\xff"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_written(mn_write_csv, cases[i][0], cases[i][1]);
}
END_TEST

START_TEST(json_is_utf8_whatever_its_strings_held)
{
    ck_written(mn_write_json, "{\"a\": \"\xff\xc3\"}", "{\"a\": \"\\\\xff\\\\xc3\"}");
    ck_written(mn_write_json, "[\"\x7f\xc2\x9b\xe2\x80\xa8\"]", "[\"\\u007f\\u009b\\u2028\"]");
    ck_written(mn_write_json, "[\"größe\", \"\\n\",\n1]", "[\"größe\", \"\\n\",\n1]");
}
END_TEST

MN_SUITE("escape", text_of_people_stays_as_it_is, what_a_terminal_would_obey_is_shown,
         no_control_character_is_left, a_text_that_is_cut_ends_with_a_whole_character,
         messages_are_one_visible_line, strings_of_gnuplot_hold_nothing_that_it_knows,
         cells_of_csv_are_text_or_numbers, markdown_and_latex_see_no_mark_in_a_name,
         json_is_utf8_whatever_its_strings_held)
