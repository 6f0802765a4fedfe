/* bench_nncsl.c -- the milliseconds of NNCSL's step in the second task, as JSON:
 *
 *   bench_nncsl NETWORK WIDTH SIDE UNLABELLED LABELLED SMALL THREADS STEPS
 *
 * Whole steps of a run on drawn figures: LABELLED images of each of 4 classes and UNLABELLED ones
 * are drawn, seen in two views each (and SMALL small ones), and go through the network and the one
 * before the task.  The first steps plan and allocate; they do not count.  nncsl_torch.py prints
 * the same for PyTorch. */
#include "bench.h"
#include <mneme/run.h>
#include <string.h>
#include <unistd.h>

enum { WARM_UP = 5, MOST_STEPS = 10000 };

typedef struct clock_state {
    double seconds[MOST_STEPS], last;
    int64_t steps, step;
} clock_state;

/* Progress is not reported at every step: what lies between two reports is shared by its steps. */
static void tick(void *context, const mn_progress *progress)
{
    clock_state *c = context;
    const double now = mn_bench_now();
    const int64_t since = progress->step - c->step;
    const bool counts = strcmp(progress->phase, "train") == 0 && progress->task == 1;
    if (counts && c->step >= WARM_UP && since > 0 && c->steps < MOST_STEPS)
        c->seconds[c->steps++] = (now - c->last) / (double)since;
    c->last = now;
    c->step = counts ? progress->step : 0;
}

static void set(mn_experiment *experiment, const char *key, const char *value)
{
    mn_bench_demand(mn_experiment_set(experiment, key, value));
}

int main(int argc, char **argv)
{
    static const char *const fixed[][2] = {
        {"dataset.classes", "4"},      {"dataset.train_per_class", "500"}, {"stream.tasks", "2"},
        {"optimiser.name", "lars"},    {"labels.per_class", "20"},         {"buffer_size", "40"},
        {"nncsl.projection", "64,64"}, {"nncsl.embedding", "32"}};
    static clock_state clock;
    if (argc != 9) {
        fprintf(stderr, "usage: bench_nncsl NETWORK WIDTH SIDE UNLABELLED LABELLED SMALL THREADS "
                        "STEPS\n");
        return 2;
    }
    mn_experiment *experiment;
    mn_bench_demand(mn_experiment_new("ssl-synthetic", "nncsl", &experiment));
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        set(experiment, fixed[i][0], fixed[i][1]);
    set(experiment, "network.name", argv[1]);
    set(experiment, "network.width", argv[2]);
    if (strcmp(argv[1], "convnet") == 0)
        set(experiment, "network.norm", "batch");
    set(experiment, "dataset.size", argv[3]);
    set(experiment, "batch", argv[4]);
    set(experiment, "nncsl.labelled", argv[5]);
    set(experiment, "nncsl.small", argv[6]);
    set(experiment, "threads", argv[7]);
    char steps[32], path[64];
    snprintf(steps, sizeof steps, "%d", atoi(argv[8]) + WARM_UP);
    set(experiment, "steps", steps);
    snprintf(path, sizeof path, "/tmp/mneme-bench-%d.mneme", (int)getpid());
    mn_bench_demand(
        mn_experiment_run(experiment, path, &(mn_observer){.context = &clock, .progress = tick}));
    (void)unlink(path);
    mn_experiment_free(experiment);
    if (clock.steps == 0) {
        fprintf(stderr, "bench_nncsl: too few steps to measure\n");
        return 1;
    }
    mn_bench_print_steps(clock.seconds, clock.steps);
    return 0;
}
