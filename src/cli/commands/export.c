/* export.c -- results and weights of a run for other programs. */
#include "base/escape.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/show/report_json.h"
#include "cli/study/meant.h"

#include <limits.h>
#include <math.h>
#include <mneme/memory.h>
#include <stdio.h>
#include <string.h>

/* --- tables
 * ---------------------------------------------------------------------------------------
 */

/* Settings that some of several runs have, one a column: NULL-ended, borrowed from the runs. */
static const char **all_keys(const mn_runs *runs)
{
    int64_t most = 0, count = 0;
    for (int64_t i = 0; i < runs->count; i++)
        most += runs->run[i].settings.count;
    const char **keys = mn_or_die(mn_memory_take_zeroed((size_t)most + 1, sizeof *keys));
    for (int64_t i = 0; i < runs->count; i++)
        for (int64_t j = 0; j < runs->run[i].settings.count; j++) {
            const char *key = runs->run[i].settings.setting[j].key;
            int64_t at = 0;
            while (at < count && strcmp(keys[at], key) != 0)
                at++;
            if (at == count)
                keys[count++] = key;
        }
    return keys;
}

static void print_row(const mn_run *run, mn_scope scope, int64_t on, const mn_curve_point *point,
                      const char *const *keys)
{
    mn_write_csv(stdout, run->benchmark);
    putchar(',');
    mn_write_csv(stdout, run->strategy);
    printf(",%lld,%s,%lld,%lld,%lld,", (long long)run->seed, mn_scope_name(scope),
           (long long)point->step, (long long)point->after_task, (long long)on);
    if (!isnan(point->accuracy))
        printf("%.10g", point->accuracy);
    if (keys != NULL) {
        putchar(',');
        mn_write_csv(stdout, run->path);
    }
    for (; keys != NULL && *keys != NULL; keys++) {
        const char *value = mn_settings_value(&run->settings, *keys);
        putchar(',');
        mn_write_csv(stdout, value != NULL ? value : "");
    }
    putchar('\n');
}

/* One row an evaluation, the run's identity in each; then the file and its settings, or (NULL)
 * neither: such tables of single runs can be put one below the other. */
static mn_status print_rows(const mn_run *run, const char *const *keys)
{
    for (mn_scope scope = 0; scope < MN_SCOPES; scope++)
        for (int64_t on = 0; on < run->tasks && mn_results_has(run->results, scope); on++) {
            mn_curve_point *point;
            int64_t count;
            MN_TRY(mn_results_curve(run->results, scope, on, &point, &count));
            for (int64_t i = 0; i < count; i++)
                print_row(run, scope, on, &point[i], keys);
            mn_memory_give(point);
        }
    return MN_OK;
}

static mn_status print_csv(const mn_runs *runs, bool single)
{
    const char **keys = single ? NULL : all_keys(runs);
    printf("benchmark,strategy,seed,scope,step,after_task,on_task,accuracy%s",
           single ? "" : ",file");
    for (int64_t i = 0; !single && keys[i] != NULL; i++) {
        putchar(',');
        mn_write_csv(stdout, keys[i]);
    }
    putchar('\n');
    mn_status status = MN_OK;
    for (int64_t i = 0; i < runs->count && status == MN_OK; i++)
        status = print_rows(&runs->run[i], keys);
    mn_memory_give(keys);
    return status;
}

static mn_status export_results(const mn_runs *runs, bool single, const char *format)
{
    if (strcmp(format, "csv") == 0)
        return print_csv(runs, single);
    if (strcmp(format, "json") != 0)
        return mn_fail(MN_BAD_OPTION, "--format: '%s' is not csv, json or safetensors", format);
    cJSON *json = single ? mn_report_run_json(&runs->run[0]) : mn_report_runs_json(runs);
    mn_json_print(json);
    cJSON_Delete(json);
    return MN_OK;
}

/* --- files
 * ----------------------------------------------------------------------------------------
 */

/* "runs/a.mneme" -> "runs/a.safetensors"; the caller frees. */
static char *weights_path(const char *run_file)
{
    static const char ending[] = ".mneme";
    const size_t length = strlen(run_file), cut = sizeof ending - 1;
    const bool usual = length > cut && strcmp(run_file + length - cut, ending) == 0;
    return mn_text("%.*s.safetensors", (int)(usual ? length - cut : length), run_file);
}

/* Writes the weights to `out`, or to a file named after the run, which never overwrites one. */
static int export_weights(const char *run_file, const char *out)
{
    char *path = out != NULL ? mn_text("%s", out) : weights_path(run_file);
    const mn_status status =
        out == NULL && mn_path_exists(path)
            ? mn_fail(MN_BAD_OPTION, "%s exists; name it with -o to replace it", path)
            : mn_export_weights(run_file, path);
    const int code = mn_exit_of_work(status);
    if (status == MN_OK)
        fprintf(stderr, "%s written\n", mn_shown(path));
    mn_memory_give(path);
    return code;
}

static int export(const mn_arguments *arguments)
{
    const char *format = mn_arguments_value(arguments, "format");
    const char *out = mn_arguments_value(arguments, "out");
    const char *copy = mn_arguments_value(arguments, "copy");
    if (copy != NULL && (format != NULL || out != NULL)) {
        mn_complain("--copy makes a whole run file; give it without --format and --out");
        return MN_EXIT_USAGE;
    }
    if (arguments->word_count > 1 &&
        (copy != NULL || (format != NULL && strcmp(format, "safetensors") == 0))) {
        mn_complain("weights and copies are of one run; give one FILE");
        return MN_EXIT_USAGE;
    }
    if (copy != NULL)
        return mn_exit_of_work(mn_results_copy(arguments->words[0], copy));
    if (format == NULL) {
        mn_complain("export needs --format csv, json or safetensors, or --copy FILE");
        return MN_EXIT_USAGE;
    }
    if (strcmp(format, "safetensors") == 0)
        return export_weights(arguments->words[0], out);
    if (out != NULL) {
        mn_complain("--out is for safetensors; results go to standard output: redirect them");
        return MN_EXIT_USAGE;
    }
    mn_runs *runs;
    mn_status status = mn_runs_meant(arguments->words, arguments->word_count, &runs);
    if (status != MN_OK)
        return mn_exit_of_work(status);
    const bool single =
        arguments->word_count == 1 && strcmp(runs->run[0].path, arguments->words[0]) == 0;
    status = export_results(runs, single, format);
    mn_runs_free(runs);
    return mn_exit_of_work(status);
}

static const mn_flag flags[] = {
    {.name = "format",
     .value = "NAME",
     .help = "csv: one row an evaluation; json: configuration, accuracy matrices and metrics; "
             "safetensors: weights and statistics of the network under PyTorch's names"},
    {.name = "out",
     .letter = 'o',
     .value = "FILE",
     .help = "safetensors: the file to write (default: FILE's name, ending in .safetensors)"},
    {.name = "copy",
     .value = "FILE",
     .help = "a consistent copy of the run file, also while the run is in progress"},
    {.name = NULL},
};

const mn_command mn_command_export = {
    .name = "export",
    .synopsis = "FILE... --format csv|json|safetensors [-o FILE] | --copy FILE",
    .summary = "Hands results or weights of runs to other programs.",
    .details =
        "A folder, or the manifest of a sweep, stands for its runs.  The CSV of a folder or of "
        "several files has "
        "a column for the file and one for each setting, the JSON all runs and their groups.  "
        "Results go to standard output; tasks are numbered from 0, and after_task -1 is the "
        "untrained network.  In CSV, text that a spreadsheet would compute (=1+2) has an "
        "apostrophe in front.  Weights go to a file, which load_state_dict() in PyTorch and "
        "'mneme run --init' take.",
    .flags = flags,
    .least = 1,
    .most = INT_MAX,
    .words = "at least one FILE",
    .run = export,
};
