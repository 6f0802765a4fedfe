/* suite.h -- what every unit test file ends with: MN_SUITE("name", test_a, test_b, ...).
 * CK_RUN_CASE in the environment names one of them, to be run alone. */
#ifndef MN_TESTS_SUITE_H
#define MN_TESTS_SUITE_H

#include <check.h>
#include <mneme/status.h>
#include <stdio.h>
#include <stdlib.h>

#define ck_assert_ok(expression)                                                                   \
    do {                                                                                           \
        mn_status status_ = (expression);                                                          \
        ck_assert_msg(status_ == MN_OK, "%s: %s", mn_status_text(status_), mn_error());            \
    } while (0)

/* Fails with `status`, and the message contains `text`. */
#define ck_assert_fails(expression, status, text)                                                  \
    do {                                                                                           \
        mn_status status_ = (expression);                                                          \
        ck_assert_msg(status_ == (status), "got '%s' (%s)", mn_status_text(status_), mn_error());  \
        ck_assert_msg(strstr(mn_error(), (text)) != NULL, "message was: %s", mn_error());          \
    } while (0)

#define MN_SUITE(called, ...) MN_SUITE_UNLESS(NULL, called, __VA_ARGS__)

/* The same, but skipped (77) with a sentence that says why, where why_not is one and not NULL. */
#define MN_SUITE_UNLESS(why_not, called, ...)                                                      \
    int main(void)                                                                                 \
    {                                                                                              \
        const char *why = (why_not);                                                               \
        if (why != NULL) {                                                                         \
            fprintf(stderr, "skipped: %s\n", why);                                                 \
            return 77;                                                                             \
        }                                                                                          \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        Suite *suite = suite_create(called);                                                       \
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {                              \
            TCase *alone = tcase_create(tests[i]->name);                                           \
            tcase_add_test(alone, tests[i]);                                                       \
            suite_add_tcase(suite, alone);                                                         \
        }                                                                                          \
        SRunner *runner = srunner_create(suite);                                                   \
        srunner_run_all(runner, CK_ENV);                                                           \
        const int failed = srunner_ntests_failed(runner);                                          \
        srunner_free(runner);                                                                      \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                          \
    }

#endif
