/* run.c -- one run, from the command line to a finished file. */
#include "cli/cli.h"
#include "cli/experiment.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/show/print.h"
#include "cli/show/progress.h"
#include "cli/show/report.h"
#include "cli/signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SEEDS = 10000, MOST_JOBS = 1024, PATH_BYTES = 4096 };

/* --set KEY=VALUE */
static mn_status set_pair(mn_experiment *experiment, const char *pair)
{
    const char *equals = strchr(pair, '=');
    if (equals == NULL || equals == pair)
        return mn_fail(MN_BAD_OPTION, "--set '%s': expected KEY=VALUE, as in --set er.replay=10",
                       pair);
    char *key = mn_text("%.*s", (int)(equals - pair), pair);
    const mn_status status = mn_experiment_set(experiment, key, equals + 1);
    free(key);
    return status == MN_OK ? MN_OK : mn_fail_in(status, "--set");
}

mn_status mn_set_given(mn_experiment *experiment, const mn_arguments *arguments)
{
    for (int i = 0; i < arguments->given_count; i++) {
        const mn_given *given = &arguments->given[i];
        if (given->option)
            MN_TRY(mn_experiment_set(experiment, given->name, given->value));
        else if (strcmp(given->name, "set") == 0)
            MN_TRY(set_pair(experiment, given->value));
    }
    return MN_OK;
}

mn_status mn_requested_experiment(const mn_arguments *arguments, const char *seed,
                                  mn_experiment **experiment)
{
    MN_TRY(mn_experiment_new(arguments->words[0], arguments->words[1], experiment));
    mn_status status = mn_set_given(*experiment, arguments);
    if (status == MN_OK && seed != NULL)
        status = mn_experiment_set(*experiment, "seed", seed);
    /* Runs side by side use the cores better than threads do. */
    int64_t threads = 0;
    if (status == MN_OK && seed != NULL)
        status = mn_arguments_int(arguments, "threads", 0, 1024, &threads);
    if (status == MN_OK && seed != NULL && threads == 0)
        status = mn_experiment_set(*experiment, "threads", "1");
    if (status == MN_OK)
        status = mn_experiment_resolve(*experiment);
    if (status != MN_OK) {
        mn_experiment_free(*experiment);
        *experiment = NULL;
    }
    return status;
}

int mn_attended_run(mn_experiment *experiment, const char *path, bool quiet)
{
    mn_signals_catch();
    mn_status_line line = mn_status_line_new(quiet);
    const mn_observer observer = mn_progress_observer(&line);
    mn_status_line_draw(&line, "reading the data");
    const double began = mn_clock();
    const bool was_there = mn_path_exists(path);
    const mn_status status = experiment != NULL ? mn_experiment_run(experiment, path, &observer)
                                                : mn_resume(path, &observer);
    mn_status_line_clear(&line);
    if (status == MN_INTERRUPTED) {
        mn_complain("stopped on request; 'mneme resume %s' continues", path);
        return MN_EXIT_INTERRUPTED;
    }
    if (status != MN_OK) {
        const int code = mn_exit_of_work(status);
        if (!was_there && mn_path_exists(path) && !quiet)
            fprintf(stderr, "what was committed before is kept in %s\n", path);
        return code;
    }
    char text[32];
    if (experiment != NULL)
        mn_status_line_say(&line, "%s written in %s", path,
                           mn_duration(mn_clock() - began, text, sizeof text));
    else
        mn_status_line_say(&line, "%s is complete", path);
    return MN_EXIT_DONE;
}

int mn_show_file(const char *path, bool json)
{
    mn_runs runs;
    const mn_status status = mn_runs_open(&path, 1, &runs);
    if (status != MN_OK)
        return mn_exit_of_work(status);
    if (json) {
        cJSON *report = mn_report_run_json(&runs.run[0]);
        mn_json_print(report);
        cJSON_Delete(report);
    } else {
        mn_report_run(&runs.run[0]);
    }
    mn_runs_free(&runs);
    return MN_EXIT_DONE;
}

static int run_one(const mn_arguments *arguments)
{
    const bool quiet = mn_arguments_has(arguments, "quiet");
    mn_experiment *experiment = NULL;
    mn_status status = mn_requested_experiment(arguments, NULL, &experiment);
    if (status != MN_OK)
        return mn_exit_of_request(status);
    char path[PATH_BYTES];
    const char *out = mn_arguments_value(arguments, "out");
    if (out != NULL)
        status = snprintf(path, sizeof path, "%s", out) < (int)sizeof path
                     ? MN_OK
                     : mn_fail(MN_BAD_OPTION, "--out: the path is too long");
    else
        status = mn_experiment_default_path(experiment, path, sizeof path);
    int code = mn_exit_of_work(status);
    if (status == MN_OK) {
        if (!quiet)
            fprintf(stderr, "%s\n", mn_experiment_recipe(experiment));
        code = mn_attended_run(experiment, path, quiet);
    }
    mn_experiment_free(experiment);
    return code == MN_EXIT_DONE ? mn_show_file(path, mn_arguments_has(arguments, "json")) : code;
}

static int run(const mn_arguments *arguments)
{
    int64_t seeds = 0, jobs = 0;
    mn_status status = mn_arguments_int(arguments, "seeds", 1, MOST_SEEDS, &seeds);
    if (status == MN_OK)
        status = mn_arguments_int(arguments, "jobs", 1, MOST_JOBS, &jobs);
    if (status == MN_OK && jobs > 0 && seeds == 0)
        status = mn_fail(MN_BAD_OPTION, "--jobs needs --seeds N: a single run is one process");
    if (status != MN_OK)
        return mn_exit_of_request(status);
    return seeds > 0 ? mn_run_seeds(arguments, seeds, jobs) : run_one(arguments);
}

static const mn_flag flags[] = {
    {.name = "out",
     .letter = 'o',
     .value = "FILE",
     .help = "the run file; with --seeds a folder (default runs/BENCHMARK-STRATEGY-sSEED.mneme)"},
    {.name = "seeds",
     .value = "N",
     .help = "N runs in processes of their own, with seeds from --seed on; finished files in the "
             "folder are kept, unfinished ones resumed"},
    {.name = "jobs", .value = "N", .help = "with --seeds: processes at a time (default: cores)"},
    {.name = "set",
     .value = "KEY=VALUE",
     .help = "an option of a strategy, network, data set, ...: --set derpp.alpha=0.3; may be "
             "repeated"},
    {.name = "quiet", .letter = 'q', .help = "no progress, only results and warnings"},
    {.name = "json", .help = "results as one JSON object"},
    {.name = NULL},
};

const mn_command mn_command_run = {
    .name = "run",
    .synopsis = "BENCHMARK STRATEGY[+ADDON...] [flags]",
    .summary = "Trains a strategy on a benchmark and writes one run file.",
    .details = "BENCHMARK is a name from 'mneme list benchmarks' or the path of a JSON file, "
               "STRATEGY a name from 'mneme list strategies' or the path of a plugin (.so).  "
               "Ctrl-C commits and stops (exit code 75); 'mneme resume FILE' continues.",
    .examples = "  mneme run split-fmnist er\n"
                "  mneme run split-fmnist derpp --buffer-size 200 --set derpp.alpha=0.3\n"
                "  mneme run split-fmnist er --seeds 5 --out study\n",
    .flags = flags,
    .options = mn_run_options,
    .least = 2,
    .most = 2,
    .words = "BENCHMARK and STRATEGY",
    .run = run,
};
