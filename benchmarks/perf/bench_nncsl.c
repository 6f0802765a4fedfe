/* bench_nncsl.c -- the milliseconds of NNCSL's step in the second task, as JSON:
 *
 *   bench_nncsl NETWORK WIDTH CxHxW UNLABELLED LABELLED SMALL THREADS STEPS
 *
 * Whole steps of a run on drawn figures, or, for images of three channels, on the small CIFAR-10:
 * LABELLED images of each of 4 classes and UNLABELLED ones are drawn, seen in two views each (and
 * SMALL small ones), and go through the network and the one before the task.  Views are cropped,
 * mirrored, and changed in brightness and contrast.  The first steps plan and allocate; they do not
 * count.  nncsl_torch.py prints the same for PyTorch. */
#include "bench_run.h"

static const mn_bench_value of_all[] = {{"optimiser.name", "lars"},
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
static const mn_bench_value of_figures[] = {{"dataset.classes", "4"},
                                            {"dataset.train_per_class", "500"},
                                            {"labels.per_class", "20"},
                                            {NULL, NULL}};
static const mn_bench_value of_cifar[] = {{"dataset.name", "cifar10-small"},
                                          {"stream.classes", "4"},
                                          {"labels.fraction", "0.02"},
                                          {NULL, NULL}};

int main(int argc, char **argv)
{
    int channels, height;
    if (argc != 9 || sscanf(argv[3], "%dx%d", &channels, &height) != 2) {
        fprintf(stderr, "usage: bench_nncsl NETWORK WIDTH CxHxW UNLABELLED LABELLED SMALL THREADS "
                        "STEPS\n");
        return 2;
    }
    mn_experiment *experiment;
    const bool figures = channels == 1;
    char side[32];
    snprintf(side, sizeof side, "%d", height);
    mn_bench_demand(
        mn_experiment_new(figures ? "ssl-synthetic" : "ssl-cifar10", "nncsl", &experiment));
    mn_bench_set(experiment, of_all);
    mn_bench_set(experiment, figures ? of_figures : of_cifar);
    if (figures)
        mn_bench_set(experiment, (const mn_bench_value[]){{"dataset.size", side}, {NULL, NULL}});
    const mn_bench_value given[] = {{"network.name", argv[1]},
                                    {"network.width", argv[2]},
                                    {"batch", argv[4]},
                                    {"nncsl.labelled", argv[5]},
                                    {"nncsl.small", argv[6]},
                                    {"threads", argv[7]},
                                    {NULL, NULL}};
    mn_bench_set(experiment, given);
    if (strcmp(argv[1], "convnet") == 0)
        mn_bench_set(experiment, (const mn_bench_value[]){{"network.norm", "batch"}, {NULL, NULL}});
    return mn_bench_run(experiment, atoi(argv[8]));
}
