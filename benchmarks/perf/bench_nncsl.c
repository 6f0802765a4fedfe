/* bench_nncsl.c -- the milliseconds of NNCSL's step in the second task, as JSON:
 *
 *   bench_nncsl NETWORK WIDTH CxHxW UNLABELLED LABELLED SMALL THREADS STEPS
 *
 * Whole steps of a run on drawn figures, or, for images of three channels, on the small CIFAR-10:
 * LABELLED images of each of 4 classes and UNLABELLED ones are drawn, seen in two views each (and
 * SMALL small ones), and go through the network and the one before the task.  Views are cropped,
 * mirrored, and changed in brightness and contrast.  The first steps plan and allocate; they do not
 * count.  nncsl_torch.py prints the same for PyTorch. */
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

typedef struct value {
    const char *key, *text;
} value;

static void set_all(mn_experiment *experiment, const value *values)
{
    for (; values->key != NULL; values++)
        set(experiment, values->key, values->text);
}

static const value of_all[] = {{"optimiser.name", "lars"},
                               {"schedule.warm_up", "0"},
                               {"stream.tasks", "2"},
                               {"nncsl.projection", "64,64"},
                               {"buffer_size", "40"},
                               {"nncsl.embedding", "32"},
                               {"views.brightness", "0.2"},
                               {"views.contrast", "0.2"},
                               {"views.saturation", "0"},
                               {"views.hue", "0"},
                               {"views.solarise", "0"},
                               {"views.equalise", "0"},
                               {"views.flip", "0.5"},
                               {"views.area_least", "0.75"},
                               {NULL, NULL}};
static const value of_figures[] = {{"dataset.classes", "4"},
                                   {"dataset.train_per_class", "500"},
                                   {"labels.per_class", "20"},
                                   {NULL, NULL}};
static const value of_cifar[] = {{"dataset.name", "cifar10-small"},
                                 {"stream.classes", "4"},
                                 {"labels.fraction", "0.02"},
                                 {NULL, NULL}};

int main(int argc, char **argv)
{
    static clock_state clock;
    int channels, height;
    if (argc != 9 || sscanf(argv[3], "%dx%d", &channels, &height) != 2) {
        fprintf(stderr, "usage: bench_nncsl NETWORK WIDTH CxHxW UNLABELLED LABELLED SMALL THREADS "
                        "STEPS\n");
        return 2;
    }
    mn_experiment *experiment;
    const bool figures = channels == 1;
    char steps[32], side[32], path[64];
    snprintf(steps, sizeof steps, "%d", atoi(argv[8]) + WARM_UP);
    snprintf(side, sizeof side, "%d", height);
    snprintf(path, sizeof path, "/tmp/mneme-bench-%d.mneme", (int)getpid());
    mn_bench_demand(
        mn_experiment_new(figures ? "ssl-synthetic" : "ssl-cifar10", "nncsl", &experiment));
    set_all(experiment, of_all);
    set_all(experiment, figures ? of_figures : of_cifar);
    if (figures)
        set(experiment, "dataset.size", side);
    const value given[] = {{"network.name", argv[1]}, {"network.width", argv[2]},
                           {"batch", argv[4]},        {"nncsl.labelled", argv[5]},
                           {"nncsl.small", argv[6]},  {"threads", argv[7]},
                           {"steps", steps},          {NULL, NULL}};
    set_all(experiment, given);
    if (strcmp(argv[1], "convnet") == 0)
        set(experiment, "network.norm", "batch");
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
