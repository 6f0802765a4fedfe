/* bench_run.h -- what programs share that measure the steps of whole runs: settings, and a clock
 * for the steps of the second task. */
#ifndef MN_BENCH_RUN_H
#define MN_BENCH_RUN_H

#include "bench.h"
#include <mneme/run.h>
#include <string.h>
#include <unistd.h>

enum { MN_BENCH_WARM_UP = 5, MN_BENCH_MOST_STEPS = 10000 };

typedef struct mn_bench_clock {
    double seconds[MN_BENCH_MOST_STEPS], last;
    int64_t steps, step;
} mn_bench_clock;

typedef struct mn_bench_value {
    const char *key, *text;
} mn_bench_value;

/* Progress is not reported at every step: what lies between two reports is shared by its steps. */
static inline void mn_bench_tick(void *context, const mn_progress *progress)
{
    mn_bench_clock *c = context;
    const double now = mn_bench_now();
    const int64_t since = progress->step - c->step;
    const bool counts = strcmp(progress->phase, "train") == 0 && progress->task == 1;
    if (counts && c->step >= MN_BENCH_WARM_UP && since > 0 && c->steps < MN_BENCH_MOST_STEPS)
        c->seconds[c->steps++] = (now - c->last) / (double)since;
    c->last = now;
    c->step = counts ? progress->step : 0;
}

static inline void mn_bench_set(mn_experiment *experiment, const mn_bench_value *values)
{
    for (; values->key != NULL; values++)
        mn_bench_demand(mn_experiment_set(experiment, values->key, values->text));
}

/* Makes so many steps a task, prints the line of JSON of those that count and frees the experiment;
 * 1: too few. */
static inline int mn_bench_run(mn_experiment *experiment, int steps)
{
    static mn_bench_clock clock;
    char count[32], path[64];
    snprintf(count, sizeof count, "%d", steps + MN_BENCH_WARM_UP);
    snprintf(path, sizeof path, "/tmp/mneme-bench-%d.mneme", (int)getpid());
    mn_bench_set(experiment, (const mn_bench_value[]){{"steps", count}, {NULL, NULL}});
    mn_bench_demand(mn_experiment_run(
        experiment, path, &(mn_observer){.context = &clock, .progress = mn_bench_tick}));
    (void)unlink(path);
    mn_experiment_free(experiment);
    if (clock.steps == 0) {
        fprintf(stderr, "too few steps to measure\n");
        return 1;
    }
    mn_bench_print_steps(clock.seconds, clock.steps);
    return 0;
}

#endif
