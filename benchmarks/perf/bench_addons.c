/* bench_addons.c -- the milliseconds of a strategy's step in the second task, as JSON:
 *
 *   bench_addons STRATEGY NETWORK WIDTH BATCH THREADS STEPS
 *
 * Whole steps of a run on drawn figures of 28 pixels, two tasks of 5 classes; an add-on that has no
 * base stands beside finetune.  Compare finetune with finetune+zipf and finetune+crd, and what asks
 * the network before the task, too: lwf.  The first steps plan and allocate; they do not count.
 * addons_torch.py prints the same for PyTorch. */
#include "bench_run.h"

static const mn_bench_value of_all[] = {{"stream.tasks", "2"},
                                        {"dataset.classes", "10"},
                                        {"dataset.train_per_class", "256"},
                                        {"dataset.test_per_class", "2"},
                                        {"dataset.size", "28"},
                                        {"lr", "0.01"},
                                        {NULL, NULL}};

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: bench_addons STRATEGY NETWORK WIDTH BATCH THREADS STEPS\n");
        return 2;
    }
    mn_experiment *experiment;
    mn_bench_demand(mn_experiment_new("maps-synthetic", argv[1], &experiment));
    const mn_bench_value given[] = {{"network.name", argv[2]},
                                    {"network.width", argv[3]},
                                    {"batch", argv[4]},
                                    {"threads", argv[5]},
                                    {NULL, NULL}};
    if (strcmp(argv[2], "plain-convnet") == 0)
        mn_bench_set(experiment, (const mn_bench_value[]){{"network.depth", "3"}, {NULL, NULL}});
    mn_bench_set(experiment, of_all);
    mn_bench_set(experiment, given);
    if (strstr(argv[1], "lwf") != NULL)
        mn_bench_set(experiment, (const mn_bench_value[]){{"lwf.warm_up", "0"}, {NULL, NULL}});
    if (strstr(argv[1], "crd") != NULL)
        mn_bench_set(experiment, (const mn_bench_value[]){{"crd.warm_up", "0"}, {NULL, NULL}});
    return mn_bench_run(experiment, atoi(argv[6]));
}
