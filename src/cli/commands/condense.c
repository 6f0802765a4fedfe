/* condense.c -- a data set made small: a run whose only task is to condense it, and a file of what
 * it made. */
#include "base/escape.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/files.h"
#include "cli/study/attend.h"

#include <mneme/data.h>
#include <mneme/memory.h>
#include <mneme/results.h>
#include <stdio.h>
#include <string.h>

enum { MOST_PER_CLASS = 65536 };
static const char strategies[] = "gdumb+condensed";

/* Classes of the benchmark's data: the rows that the memory may need. */
static mn_status count_classes(const mn_arguments *arguments, int64_t *classes)
{
    mn_experiment *experiment;
    mn_dataset *dataset = NULL;
    MN_TRY(mn_experiment_new(arguments->words[0], strategies, &experiment));
    mn_status status = mn_set_given(experiment, arguments);
    if (status == MN_OK)
        status = mn_experiment_resolve(experiment);
    if (status == MN_OK)
        status = mn_experiment_dataset(experiment, &dataset);
    if (status == MN_OK)
        *classes = dataset->classes;
    mn_dataset_free(dataset);
    mn_experiment_free(experiment);
    return status;
}

/* What is typed comes over what a condensation is: all classes at once, floats, the authors'
 * evaluation of the images. */
static mn_status set_all(mn_experiment *experiment, const mn_arguments *arguments,
                         int64_t per_class, int64_t rows)
{
    static const char *const usual[][2] = {{"stream.tasks", "1"},
                                           {"stream.task_classes", ""},
                                           {"buffer_values", "f32"},
                                           {"batch", "256"},
                                           {"clip", "0"},
                                           {"gdumb.epochs", "300"},
                                           {"gdumb.lr", "0.01"},
                                           {"gdumb.schedule", "step"},
                                           {"gdumb.cutmix", "0"},
                                           {"gdumb.augmentation", "dsa"}};
    char number[32];
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        MN_TRY(mn_experiment_set(experiment, usual[i][0], usual[i][1]));
    snprintf(number, sizeof number, "%lld", (long long)rows);
    MN_TRY(mn_experiment_set(experiment, "buffer_size", number));
    snprintf(number, sizeof number, "%lld", (long long)per_class);
    MN_TRY(mn_experiment_set(experiment, "condensed.per_class", number));
    MN_TRY(mn_set_given(experiment, arguments));
    return mn_experiment_resolve(experiment);
}

static int run_and_export(const mn_arguments *arguments, mn_experiment *experiment, const char *out)
{
    char *path = mn_text("%s.mneme", out);
    const bool quiet = mn_arguments_has(arguments, "quiet");
    mn_status status = mn_arguments_has(arguments, "overwrite") ? mn_remove_run(path) : MN_OK;
    mn_begun begun = MN_NOT_BEGUN;
    if (status == MN_OK)
        status = mn_begun_already(experiment, path, &begun);
    int code = mn_exit_of_work(status);
    if (status == MN_OK && begun != MN_FINISHED)
        code = mn_attended_run(experiment, path, quiet);
    if (code == MN_EXIT_DONE) {
        code = mn_exit_of_work(mn_export_memory(path, out));
        if (code == MN_EXIT_DONE)
            fprintf(stderr, "%s written\n", mn_shown(out));
    }
    if (code == MN_EXIT_DONE)
        code = mn_show_file(path, mn_arguments_has(arguments, "json"));
    mn_memory_give(path);
    return code;
}

static int condense(const mn_arguments *arguments)
{
    const char *out = mn_arguments_value(arguments, "out");
    int64_t per_class = 0, classes = 0;
    const mn_status asked = mn_arguments_int(arguments, "per-class", 1, MOST_PER_CLASS, &per_class);
    if (asked != MN_OK)
        return mn_exit_of_request(asked);
    if (per_class == 0 || out == NULL) {
        mn_complain("condense needs --per-class N, the images of each class, and -o FILE");
        return MN_EXIT_USAGE;
    }
    mn_experiment *experiment = NULL;
    mn_status status = count_classes(arguments, &classes);
    if (status == MN_OK)
        status = mn_experiment_new(arguments->words[0], strategies, &experiment);
    if (status == MN_OK)
        status = set_all(experiment, arguments, per_class, per_class * classes);
    const int code =
        status == MN_OK ? run_and_export(arguments, experiment, out) : mn_exit_of_request(status);
    mn_experiment_free(experiment);
    return code;
}

static const mn_flag flags[] = {
    {.name = "per-class", .value = "N", .help = "images that each class is condensed into"},
    {.name = "out",
     .letter = 'o',
     .value = "FILE",
     .help = "the file to write, safetensors: x_train, floats in which black is 0 and white 1, and "
             "y_train"},
    {.name = "set", .value = "KEY=VALUE", .help = "an option, --set condensed.iterations=2000"},
    {.name = "overwrite", .help = "begin anew where FILE.mneme is there"},
    {.name = "quiet", .letter = 'q', .help = "no progress, only results and warnings"},
    {.name = "json", .help = "results as one JSON object"},
    {.name = NULL},
};

const mn_command mn_command_condense = {
    .name = "condense",
    .synopsis = "BENCHMARK --per-class N -o FILE [flags]",
    .summary = "Makes a few images of each class from which a network learns what it learns from "
               "all.",
    .details = "A run of gdumb+condensed on all classes at once, kept in FILE.mneme: stopped, the "
               "same command continues it; finished, it writes FILE again.  A network that is "
               "trained on the images alone, as the authors of the method train theirs, is then "
               "tested on the test images.  Some pixels lie beyond black and white, so they are "
               "floats: the data set npy reads FILE, called NAME.safetensors, with dtype=f32, and "
               "'mneme buffer FILE.mneme --sheet made.png' draws them.",
    .examples = "  mneme condense split-fmnist-convnet --per-class 1 -o one.safetensors\n",
    .flags = flags,
    .options = mn_run_options,
    .least = 1,
    .most = 1,
    .words = "one BENCHMARK",
    .run = condense,
};
