/* eval.c -- what a run's network recognises in the test images of other data. */
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/show/table.h"
#include "cli/study/attend.h"

#include <math.h>
#include <mneme/memory.h>
#include <mneme/predict.h>
#include <mneme/results.h>
#include <string.h>

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? 100 * (double)part / (double)whole : (double)NAN;
}

static void add_row(mn_table *table, const char *name, int64_t task, int64_t images, double right)
{
    mn_table_text(table, "%s", name);
    mn_table_number(table, task < 0 ? (double)NAN : (double)task + 1, 0);
    mn_table_number(table, (double)images, 0);
    mn_table_number(table, right, 2);
}

/* Classes that the run has never seen are shown, and do not count. */
static void print(const mn_predictor *predictor, const mn_dataset *data, const mn_recognised *list,
                  mn_writer *writer)
{
    int64_t images = 0, right = 0, unknown = 0;
    mn_table *table = mn_table_new(4);
    mn_table_text(table, "class");
    mn_table_text(table, "task");
    mn_table_text(table, "images");
    mn_table_text(table, "accuracy");
    for (int64_t k = 0; k < data->classes; k++) {
        const mn_recognised *class = &list[k];
        const bool known = class->label >= 0;
        char *name =
            class->name != NULL ? mn_text("%s", class->name) : mn_text("%lld", (long long)k);
        add_row(table, name, known ? mn_predictor_task(predictor, class->label) : -1, class->images,
                known ? share(class->right, class->images) : (double)NAN);
        images += known ? class->images : 0;
        right += class->right;
        unknown += known ? 0 : class->images;
        mn_memory_give(name);
    }
    add_row(table, "all", -1, images, share(right, images));
    mn_table_print(table, writer);
    mn_table_free(table);
    if (unknown > 0)
        mn_say(writer, "\n%lld images are of classes that the run has not seen, and do not count\n",
               (long long)unknown);
}

/* The data of the other benchmark, which needs some strategy to be resolved. */
static mn_status read_data(const mn_arguments *arguments, mn_dataset **data)
{
    mn_experiment *experiment;
    MN_TRY(mn_experiment_new(arguments->words[1], "finetune", &experiment));
    mn_status status = mn_set_given(experiment, arguments);
    if (status == MN_OK)
        status = mn_experiment_resolve(experiment);
    if (status == MN_OK)
        status = mn_experiment_dataset(experiment, data);
    mn_experiment_free(experiment);
    return status;
}

static mn_status evaluate(const mn_arguments *arguments, mn_writer *writer)
{
    mn_predictor *predictor = NULL;
    mn_dataset *data = NULL;
    mn_recognised *list = NULL;
    mn_status status = read_data(arguments, &data);
    if (status == MN_OK)
        status = mn_predictor_open(arguments->words[0], &predictor);
    if (status == MN_OK)
        status = mn_predict_test(predictor, data, &list);
    if (status == MN_OK)
        print(predictor, data, list, writer);
    mn_memory_give(list);
    mn_predictor_free(predictor);
    mn_dataset_free(data);
    return status;
}

static int eval(const mn_arguments *arguments)
{
    mn_writer writer;
    const int code = mn_exit_of_request(mn_writer_read(arguments, &writer));
    return code != MN_EXIT_DONE ? code : mn_exit_of_request(evaluate(arguments, &writer));
}

static const mn_flag flags[] = {
    {.name = "set",
     .value = "KEY=VALUE",
     .help = "a setting of the other benchmark: --set dataset.size=32"},
    MN_FORMAT_FLAG,
    {.name = NULL},
};

const mn_command mn_command_eval = {
    .name = "eval",
    .synopsis = "FILE BENCHMARK [flags]",
    .summary = "Measures what a run's network recognises in the test images of other data.",
    .details =
        "Classes are the same where they are called the same.  All answers are among all classes "
        "that the run has seen, and no image's task is told: accuracy is that of class-il.  Images "
        "are normalised as the run's own; they must have the same channels, height and width.",
    .examples = "  mneme eval runs/split-fmnist-derpp-s0.mneme ./my-photos.json\n",
    .flags = flags,
    .least = 2,
    .most = 2,
    .words = "a FILE and a BENCHMARK",
    .run = eval,
};
