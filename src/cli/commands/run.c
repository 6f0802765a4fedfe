/* run.c -- one run, from the command line to a finished file. */
#include "base/escape.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/files.h"
#include "cli/study/attend.h"
#include "cli/study/seeds.h"

#include <stdio.h>

enum { MOST_SEEDS = 10000, MOST_JOBS = 1024, PATH_BYTES = 4096 };

/* What would be run: every setting as it came out, on standard output. */
static int show_plan(const mn_experiment *experiment, const char *path)
{
    fprintf(stderr, "%s\n", mn_shown(mn_experiment_recipe(experiment)));
    fprintf(stderr, "nothing is run; the run would be written to %s%s\n", mn_shown(path),
            mn_path_exists(path) ? ", which is there" : "");
    mn_write_json(stdout, mn_experiment_json(experiment));
    putchar('\n');
    return MN_EXIT_DONE;
}

static int run_one(const mn_arguments *arguments)
{
    const bool quiet = mn_arguments_has(arguments, "quiet");
    mn_experiment *experiment = NULL;
    mn_status status = mn_requested_experiment(arguments, NULL, &experiment);
    if (status != MN_OK)
        return mn_exit_of_request(status);
    int code;
    char path[PATH_BYTES];
    const char *out = mn_arguments_value(arguments, "out");
    if (out != NULL)
        status = snprintf(path, sizeof path, "%s", out) < (int)sizeof path
                     ? MN_OK
                     : mn_fail(MN_BAD_OPTION, "--out: the path is too long");
    else
        status = mn_experiment_default_path(experiment, path, sizeof path);
    if (mn_arguments_has(arguments, "dry-run")) {
        code = status == MN_OK ? show_plan(experiment, path) : mn_exit_of_work(status);
        mn_experiment_free(experiment);
        return code;
    }
    if (status == MN_OK && mn_arguments_has(arguments, "overwrite"))
        status = mn_remove_run(path);
    code = mn_exit_of_work(status);
    if (status == MN_OK) {
        if (!quiet)
            fprintf(stderr, "%s\n", mn_shown(mn_experiment_recipe(experiment)));
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
    if (status == MN_OK && seeds > 0 && mn_arguments_has(arguments, "dry-run"))
        status = mn_fail(MN_BAD_OPTION, "--dry-run shows one run; leave --seeds out");
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
    {.name = "overwrite",
     .help = "begin anew where a run file is there; without it a file is continued, or kept"},
    {.name = "dry-run",
     .help = "run nothing: print every setting as it comes out of defaults, benchmark, recipe and "
             "command line, as JSON"},
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
               "Ctrl-C commits and stops (exit code 75); the same command, or 'mneme resume FILE', "
               "continues.",
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
