/* attend.c -- from the arguments of `mneme run` to an experiment, a run under observation, and its
 * results. */
#include "cli/study/attend.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/json.h"
#include "cli/complain.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/show/progress.h"
#include "cli/show/report.h"
#include "cli/signals.h"

#include <errno.h>
#include <mneme/groups.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --set KEY=VALUE */
static mn_status set_pair(mn_experiment *experiment, const char *pair)
{
    const char *equals = strchr(pair, '=');
    if (equals == NULL || equals == pair)
        return mn_fail(MN_BAD_OPTION, "--set '%s': expected KEY=VALUE, as in --set er.replay=10",
                       pair);
    char *key = mn_text("%.*s", (int)(equals - pair), pair);
    const mn_status status = mn_experiment_set(experiment, key, equals + 1);
    mn_memory_give(key);
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

/* Whether an option of the run was given, by its flag or by --set, and not as 0. */
static bool is_given(const mn_arguments *arguments, const char *name)
{
    bool given = false;
    char *set = mn_text("%s=", name), *set_train = mn_text("train.%s=", name);
    for (int i = 0; i < arguments->given_count; i++) {
        const mn_given *one = &arguments->given[i];
        const char *value = one->option && strcmp(one->name, name) == 0 ? one->value : NULL;
        if (strcmp(one->name, "set") == 0 &&
            (strncmp(one->value, set, strlen(set)) == 0 ||
             strncmp(one->value, set_train, strlen(set_train)) == 0))
            value = strchr(one->value, '=') + 1;
        if (value != NULL)
            given = strcmp(value, "0") != 0;
    }
    mn_memory_give(set);
    mn_memory_give(set_train);
    return given;
}

mn_status mn_resolved_number(const mn_experiment *experiment, const char *name, int64_t *value)
{
    cJSON *json;
    MN_TRY(mn_json_parse(mn_experiment_json(experiment), "configuration", &json));
    const mn_status status = mn_json_int(cJSON_GetObjectItemCaseSensitive(json, "train"), "train",
                                         name, INT64_MIN, INT64_MAX, value);
    cJSON_Delete(json);
    return status;
}

mn_status mn_requested_experiment(const mn_arguments *arguments, const char *seed,
                                  mn_experiment **experiment)
{
    MN_TRY(mn_experiment_new(arguments->words[0], arguments->words[1], experiment));
    mn_status status = mn_set_given(*experiment, arguments);
    if (status == MN_OK && seed != NULL)
        status = mn_experiment_set(*experiment, "seed", seed);
    /* Runs side by side use the cores better than threads do. */
    if (status == MN_OK && seed != NULL && !is_given(arguments, "threads"))
        status = mn_experiment_set(*experiment, "threads", "1");
    if (status == MN_OK)
        status = mn_experiment_resolve(*experiment);
    if (status != MN_OK) {
        mn_experiment_free(*experiment);
        *experiment = NULL;
    }
    return status;
}

mn_status mn_may_remove_run(const char *path)
{
    mn_results *results;
    if (!mn_path_exists(path))
        return MN_OK;
    const mn_status status = mn_results_open_uncalibrated(path, &results);
    if (status != MN_OK)
        return mn_fail_in(status, "--overwrite replaces run files alone");
    const char *standing = mn_results_value(results, "status");
    const bool running = standing != NULL && strcmp(standing, "running") == 0;
    mn_results_free(results);
    return running ? mn_fail(MN_BUSY, "%s is being written by another process; stop it first", path)
                   : MN_OK;
}

mn_status mn_remove_run(const char *path)
{
    static const char *const beside[] = {"", "-wal", "-shm", "-journal"};
    MN_TRY(mn_may_remove_run(path));
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        char *name = mn_text("%s%s", path, beside[i]);
        const bool failed = mn_path_exists(name) && unlink(name) != 0;
        mn_memory_give(name);
        if (failed)
            return mn_fail(MN_IO_FAILED, "%s cannot be removed: %s", path, strerror(errno));
    }
    return MN_OK;
}

mn_status mn_begun_already(const mn_experiment *experiment, const char *path, mn_begun *begun)
{
    mn_runs *runs;
    *begun = MN_NOT_BEGUN;
    if (!mn_path_holds_something(path))
        return MN_OK;
    MN_TRY(mn_runs_open(&path, 1, &runs));
    const mn_run *run = &runs->run[0];
    *begun = mn_run_is_finished(run) ? MN_FINISHED : MN_UNFINISHED;
    mn_settings settings;
    mn_status status = mn_settings_read(mn_experiment_json(experiment), run->strategy, &settings);
    if (status == MN_OK) {
        const mn_setting *other = mn_settings_differ(&settings, &run->settings);
        if (other != NULL)
            status = mn_fail(MN_BAD_OPTION,
                             "%s is of another study: it has %s=%s, this one %s; choose another "
                             "--out",
                             path, other->key, mn_settings_value(&run->settings, other->key),
                             other->value);
        mn_settings_free(&settings);
    }
    mn_runs_free(runs);
    return status;
}

mn_status mn_check_finished_data(const mn_experiment *experiment, const char *path)
{
    mn_results *results;
    mn_dataset *dataset;
    MN_TRY(mn_results_open_uncalibrated(path, &results));
    mn_status status = MN_OK;
    const char *then = mn_results_value(results, "dataset_digest");
    if (then != NULL && mn_experiment_dataset(experiment, &dataset) == MN_OK) {
        char now[MN_DIGEST];
        bool same = true;
        status =
            mn_dataset_is(dataset, then, mn_results_value(results, "dataset_stamp"), &same, now);
        if (status == MN_OK && !same)
            status = mn_fail(MN_BAD_OPTION,
                             "%s was made with other data: their digest was %s and is %s now; "
                             "choose another --out, or put the old data back",
                             path, then, now);
        mn_dataset_free(dataset);
    }
    mn_results_free(results);
    return status;
}

/* The same command again goes on with what it began; a finished file is never overwritten. */
static mn_status run_or_continue(mn_experiment *experiment, const char *path, mn_status_line *line,
                                 const mn_observer *observer)
{
    mn_begun begun = MN_UNFINISHED;
    if (experiment != NULL && mn_begun_already(experiment, path, &begun) != MN_OK)
        begun = MN_FINISHED; /* of something else: refused like any file that is there */
    if (begun != MN_UNFINISHED)
        return mn_experiment_run(experiment, path, observer);
    if (experiment != NULL)
        mn_status_line_say(line, "continues %s", path);
    return mn_resume(path, observer);
}

int mn_attended_run(mn_experiment *experiment, const char *path, bool quiet)
{
    mn_signals_catch();
    mn_status_line line = mn_status_line_new(quiet);
    const mn_observer observer = mn_progress_observer(&line);
    if (line.terminal)
        mn_status_line_draw(&line, "reading the data");
    const double began = mn_now();
    const bool was_there = mn_path_exists(path);
    const mn_status status = run_or_continue(experiment, path, &line, &observer);
    mn_status_line_clear(&line);
    if (status == MN_INTERRUPTED) {
        mn_complain("stopped on request; 'mneme resume %s' continues", path);
        return MN_EXIT_INTERRUPTED;
    }
    if (status != MN_OK) {
        const int code = mn_exit_of_work(status);
        if (!was_there && mn_path_exists(path) && !quiet)
            fprintf(stderr, "what was committed before is kept in %s\n", mn_shown(path));
        return code;
    }
    char text[32];
    if (experiment != NULL)
        mn_status_line_say(&line, "%s written in %s", path,
                           mn_duration(mn_now() - began, text, sizeof text));
    else
        mn_status_line_say(&line, "%s is complete", path);
    return MN_EXIT_DONE;
}

int mn_show_file(const char *path, bool json)
{
    mn_runs *runs;
    const mn_status status = mn_runs_open(&path, 1, &runs);
    if (status != MN_OK)
        return mn_exit_of_work(status);
    mn_writer writer = {.form = json ? MN_FORM_JSON : MN_FORM_TABLE, .stream = stdout};
    mn_report_run(&runs->run[0], &writer);
    mn_runs_free(runs);
    return MN_EXIT_DONE;
}
