/* The registry: who looks a name up while others register theirs finds what is there. */
#include "base/registry.h"
#include "tests/suite.h"

#include <mneme/buffer.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ADDED = 200, TRIALS = 300 };

static atomic_bool ended;

/* All come before the built-in "tasks", which moves with each. */
static void *add_all(void *unused)
{
    static mn_descriptor added[ADDED];
    static char names[ADDED][16];
    (void)unused;
    for (int i = 0; i < ADDED; i++) {
        snprintf(names[i], sizeof names[i], "a%03d", (i * 77) % ADDED);
        added[i] = (mn_descriptor){.abi = MN_POLICY_ABI,
                                   .size = sizeof(mn_policy),
                                   .name = names[i],
                                   .summary = "A name of a test."};
        if (mn_register(MN_KIND_POLICY, &added[i]) != MN_OK)
            break;
    }
    ended = true;
    return NULL;
}

static bool is_in_order(void)
{
    const mn_descriptor *last = NULL, *now;
    for (int i = 0; (now = mn_registered(MN_KIND_POLICY, i)) != NULL; i++) {
        if (last != NULL && strcmp(last->name, now->name) >= 0)
            return false;
        last = now;
    }
    return last != NULL && strcmp(last->name, "tasks") == 0;
}

/* How often a look did not find "tasks" as it is. */
static int missed_while_adding(void)
{
    pthread_t writer;
    int missed = 0;
    if (mn_find(MN_KIND_POLICY, "tasks") == NULL ||
        pthread_create(&writer, NULL, add_all, NULL) != 0)
        return 1;
    do {
        const mn_descriptor *found = mn_find(MN_KIND_POLICY, "tasks");
        missed += found == NULL || strcmp(found->name, "tasks") != 0;
        missed += mn_plugin_path(MN_KIND_POLICY, "tasks") != NULL;
    } while (!ended);
    pthread_join(writer, NULL);
    return missed + (mn_find(MN_KIND_POLICY, "a000") == NULL) + !is_in_order();
}

/* Without the lock a look goes wrong in a few of a hundred processes. */
START_TEST(a_name_is_found_while_others_are_registered)
{
    for (int trial = 0; trial < TRIALS; trial++) {
        int status;
        const pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0)
            _exit(missed_while_adding() > 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
    }
}
END_TEST

START_TEST(an_unknown_name_is_answered_with_the_nearest)
{
    ck_assert_ptr_null(mn_find(MN_KIND_POLICY, "task"));
    ck_assert_ptr_nonnull(strstr(mn_error(), "did you mean 'tasks'?"));
    ck_assert_ptr_null(mn_find(MN_KIND_POLICY, "nothing-like-it"));
    ck_assert_ptr_nonnull(strstr(mn_error(), "'mneme list buffers' shows them"));
}
END_TEST

MN_SUITE("registry", a_name_is_found_while_others_are_registered,
         an_unknown_name_is_answered_with_the_nearest)
