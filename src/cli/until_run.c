/* until_run.c -- stands in for src/run until it is there; to be deleted then. */
#include <mneme/run.h>

const char *mn_benchmark(int i, const char **summary)
{
    (void)i, (void)summary;
    return NULL;
}

mn_status mn_benchmark_json(const char *name_or_path, char **json)
{
    (void)json;
    return mn_fail(MN_NOT_FOUND, "%s: no benchmarks yet", name_or_path);
}
