/* show.c -- results in the terminal: one run in full, several as a table. */
#include "base/escape.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/json.h"
#include "cli/show/memory.h"
#include "cli/show/plot.h"
#include "cli/show/report.h"
#include "cli/study/meant.h"

#include <limits.h>
#include <mneme/results.h>
#include <stdio.h>

static int show_samples(const mn_arguments *arguments, const char *png)
{
    if (arguments->word_count > 1) {
        mn_complain("--samples draws one run; give one FILE");
        return MN_EXIT_USAGE;
    }
    const mn_status drawn = mn_results_samples(arguments->words[0], png);
    if (drawn == MN_OK)
        fprintf(stderr, "%s written\n", mn_shown(png));
    return mn_exit_of_work(drawn);
}

static void say_checked(void *context, const char *path, mn_status status)
{
    int *code = context;
    if (status == MN_OK)
        printf("%s is sound\n", path);
    else
        *code = mn_exit_of_work(status);
}

static int check(const mn_arguments *arguments)
{
    int code = MN_EXIT_DONE;
    const mn_status status =
        mn_results_check(arguments->words, arguments->word_count, say_checked, &code);
    return status == MN_OK ? code : mn_exit_of_work(status);
}

/* What each run keeps. */
static int show_memory(const mn_runs *runs, mn_writer *writer)
{
    const bool json = writer->form == MN_FORM_JSON;
    mn_status status = MN_OK;
    cJSON *list = mn_json_array();
    for (int64_t i = 0; i < runs->count && status == MN_OK; i++) {
        cJSON *one = NULL;
        mn_say(writer, i > 0 ? "\n" : "");
        status =
            json ? mn_memory_json(&runs->run[i], &one) : mn_memory_print(&runs->run[i], writer);
        if (one != NULL)
            cJSON_AddItemToArray(list, one);
    }
    if (json && status == MN_OK)
        mn_json_print(list);
    cJSON_Delete(list);
    return mn_exit_of_work(status);
}

static int show(const mn_arguments *arguments)
{
    if (mn_arguments_has(arguments, "check"))
        return check(arguments);
    const char *samples = mn_arguments_value(arguments, "samples");
    if (samples != NULL)
        return show_samples(arguments, samples);
    mn_writer writer;
    mn_runs *runs;
    const mn_status asked = mn_writer_read(arguments, &writer);
    if (asked != MN_OK)
        return mn_exit_of_request(asked);
    const mn_status status = mn_runs_meant(arguments->words, arguments->word_count, &runs);
    if (status != MN_OK)
        return mn_exit_of_work(status);
    int code = MN_EXIT_DONE;
    if (mn_arguments_has(arguments, "memory")) {
        code = show_memory(runs, &writer);
        mn_runs_free(runs);
        return code;
    }
    if (runs->count == 1 && writer.form != MN_FORM_JSON)
        mn_report_run(&runs->run[0], &writer);
    else
        mn_report_runs(runs, &writer);
    if (mn_arguments_has(arguments, "plot"))
        code = mn_exit_of_work(
            mn_plot_draw(runs, &(mn_plot_style){.scope = mn_plot_scope(runs)}, NULL));
    mn_runs_free(runs);
    return code;
}

static const mn_flag flags[] = {
    {.name = "plot", .help = "also draw the curves in the terminal (needs gnuplot)"},
    {.name = "json", .help = "as one JSON object: runs, and groups of equal settings"},
    MN_FORMAT_FLAG,
    {.name = "check",
     .help = "shows nothing, but reads every row: is the file what it was when it was closed?"},
    {.name = "memory",
     .help = "shows instead what a run keeps from task to task beside its network, in bytes: "
             "exemplars, labels, columns, and the networks and tensors of strategies"},
    {.name = "samples",
     .value = "FILE",
     .help = "draws what a run's generator made instead, by class and task, as a PNG"},
    {.name = NULL},
};

const mn_command mn_command_show = {
    .name = "show",
    .synopsis = "FILE... [flags]",
    .summary = "Shows accuracies and metrics of runs; several as a table with means over seeds.",
    .details = "A folder stands for the run files in it or, where there are none, in the folders "
               "below it, as a sweep leaves them; a sweep's manifest for the runs of its arms.  A "
               "run in progress is shown as of its last commit.  Of several runs, other forms than "
               "table have the means; 'mneme export' has each evaluation.",
    .examples = "  mneme show runs\n"
                "  mneme show benchmarks/studies/split-fmnist.json --format latex\n",
    .flags = flags,
    .least = 1,
    .most = INT_MAX,
    .words = "at least one FILE",
    .run = show,
};
