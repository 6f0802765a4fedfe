/* An experiment is configured with less and less memory: each time the n-th piece is refused.  It
 * says so, or becomes what it becomes with all the memory there is; it never becomes another.
 *
 * The linker puts the functions below in the place of the C library's (--wrap).  They serve cJSON
 * too, which asks mn_json_parse() for memory. */
#include "experiment/experiment.h"
#include "experiment/sections.h"
#include "tests/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static long refused_at, asked; /* the piece that is refused, counted from 1; 0: none */

static bool is_refused(void)
{
    return ++asked == refused_at;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    return is_refused() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return is_refused() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    return is_refused() ? NULL : __real_realloc(memory, bytes);
}

char *__wrap_strdup(const char *text)
{
    return is_refused() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t bytes)
{
    return is_refused() ? NULL : __real_strndup(text, bytes);
}

/* Everything that learners and run files take from an experiment, in one text. */
static mn_status tell(const mn_experiment *experiment, char *told, size_t bytes)
{
    const char *network, *optimiser;
    MN_TRY(mn_experiment_section_json(experiment, MN_SECTION_NETWORK, &network));
    MN_TRY(mn_experiment_section_json(experiment, MN_SECTION_OPTIMISER, &optimiser));
    snprintf(told, bytes, "%s\n%s\n%s\n%s\n%s\n%s\n", mn_experiment_json(experiment),
             mn_experiment_recipe(experiment), experiment->benchmark, experiment->strategies,
             network, optimiser);
    return MN_OK;
}

static mn_status configure(mn_experiment *experiment)
{
    static const char *const set[][2] = {
        {"seed", "7"},           {"lr", "0.3"},      {"optimiser.name", "adam"},
        {"buffer_size", "30"},   {"er.replay", "3"}, {"network.widths", "20,30"},
        {"buffer_policy", "gss"}};
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        MN_TRY(mn_experiment_set(experiment, set[i][0], set[i][1]));
    return mn_experiment_resolve(experiment);
}

static mn_status begin(char *told, size_t bytes)
{
    mn_experiment *experiment;
    MN_TRY(mn_experiment_new("split-synthetic", "er+ewc", &experiment));
    mn_status status = configure(experiment);
    if (status == MN_OK)
        status = tell(experiment, told, bytes);
    mn_experiment_free(experiment);
    return status;
}

static char *kept; /* a configuration as a run file has it */

static mn_status restore(char *told, size_t bytes)
{
    mn_experiment *experiment = NULL;
    mn_status status = mn_experiment_restore(kept, &experiment);
    if (status == MN_OK)
        status = tell(experiment, told, bytes);
    mn_experiment_free(experiment);
    return status;
}

enum { MOST_BYTES = 1 << 16, LEFT_IN_PEACE = 3 };

/* In a process of its own, for texts that are kept would be there in the next try. */
static void check_try(mn_status (*what)(char *, size_t), long n, const char *expected, bool *ended)
{
    int status;
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        static char told[MOST_BYTES];
        asked = 0;
        refused_at = n;
        const mn_status result = what(told, sizeof told);
        const bool passed = asked < n;
        refused_at = 0;
        if (result == MN_NO_MEMORY && mn_error()[0] != '\0' && strchr(mn_error(), '\n') == NULL)
            _exit(0);
        if (result != MN_OK || strcmp(told, expected) != 0) {
            fprintf(stderr, "piece %ld refused: %s\n%s", n, mn_error(), told);
            _exit(1);
        }
        _exit(passed ? LEFT_IN_PEACE : 0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "piece %ld refused: killed by signal %d", n, WTERMSIG(status));
    *ended = WEXITSTATUS(status) == LEFT_IN_PEACE;
    ck_assert_msg(*ended || WEXITSTATUS(status) == 0, "piece %ld refused: see above", n);
}

/* What is told with all the memory there is; a child tells it, so that this process keeps no text.
 */
static void tell_whole(mn_status (*what)(char *, size_t), char *told, size_t bytes)
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        refused_at = 0;
        if (what(told, bytes) != MN_OK || write(ends[1], told, strlen(told)) < 0)
            _exit(1);
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; (got = read(ends[0], told + length, bytes - 1 - length)) > 0;)
        length += (size_t)got;
    told[length] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_gt(length, 500);
}

static void check_all(mn_status (*what)(char *, size_t), long least)
{
    static char expected[MOST_BYTES];
    tell_whole(what, expected, sizeof expected);
    bool ended = false;
    long n = 1;
    for (; !ended; n++)
        check_try(what, n, expected, &ended);
    ck_assert_int_gt(n, least);
    printf("%ld pieces of memory refused\n", n - 2);
}

START_TEST(a_new_experiment_is_whole_or_refused)
{
    check_all(begin, 100);
}
END_TEST

START_TEST(a_restored_experiment_is_whole_or_refused)
{
    static char told[MOST_BYTES];
    tell_whole(begin, told, sizeof told);
    *strstr(told, "\n}\n") = '\0'; /* the configuration comes first, as an object in lines */
    kept = strcat(told, "\n}");
    check_all(restore, 100);
}
END_TEST

MN_SUITE("scarce memory", a_new_experiment_is_whole_or_refused,
         a_restored_experiment_is_whole_or_refused)
