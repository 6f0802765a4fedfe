/* bench.h -- what the measuring programs share. */
#ifndef MN_BENCH_H
#define MN_BENCH_H

#include <mneme/status.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static inline double mn_bench_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static inline void mn_bench_demand(mn_status status)
{
    if (status == MN_OK)
        return;
    fprintf(stderr, "benchmark: %s\n", mn_error());
    exit(EXIT_FAILURE);
}

/* The most memory that the process has had, in bytes. */
static inline int64_t mn_bench_peak(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)usage.ru_maxrss * 1024;
}

static inline int mn_bench_ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the seconds of single steps and prints a line of JSON. */
static inline void mn_bench_print_steps(double *seconds, int64_t steps)
{
    qsort(seconds, (size_t)steps, sizeof *seconds, mn_bench_ascending);
    printf("{\"median_ms\": %.4f, \"least_ms\": %.4f, \"peak_mb\": %.1f}\n",
           1e3 * seconds[steps / 2], 1e3 * seconds[0], 1e-6 * (double)mn_bench_peak());
}

#endif
