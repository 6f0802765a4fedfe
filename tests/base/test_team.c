/* Threads that the system does not start are an error like others: OpenMP would end the process. */
#include "base/team.h"
#include "tests/suite.h"

#include <omp.h>
#include <string.h>
#include <sys/resource.h>

static const char *no_limits(void)
{
#if defined __SANITIZE_ADDRESS__
    return "the sanitizer's own memory is above any limit";
#else
    return NULL;
#endif
}

/* So many bytes of addresses more than this process has. */
static void allow_more(size_t bytes)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    ck_assert(file != NULL && fscanf(file, "%llu", &pages) == 1);
    fclose(file);
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = pages * 4096 + bytes;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

START_TEST(too_many_threads_are_refused)
{
    struct rlimit before, stack = {8 << 20, RLIM_INFINITY};
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &before), 0);
    (void)setrlimit(RLIMIT_STACK, &stack); /* of each thread */
    allow_more((size_t)100 << 20);
    ck_assert_fails(mn_team_begin(64), MN_NO_MEMORY, " of 64 (");
    ck_assert_ptr_null(strchr(mn_error(), '\n'));
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &before), 0);
    ck_assert_ok(mn_team_begin(3));
    ck_assert_int_eq(omp_get_max_threads(), 3);
    int here = 0;
#pragma omp parallel
#pragma omp atomic
    here++;
    ck_assert_int_eq(here, 3);
}
END_TEST

MN_SUITE_UNLESS(no_limits(), "team", too_many_threads_are_refused)
