/* cmd_sweep.c -- a study: the arms of a manifest, each over its seeds, and the table of means.
 *
 * Every arm is a `mneme run --seeds` of its own process, so a study continues where it was stopped
 * exactly as a run does.  Expected ranges in the manifest turn a study into a check. */
#include "base/json.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/runs.h"
#include "cli/table.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MOST_WORDS = 256 };

/* The command line of an arm, grown word by word. */
typedef struct words {
    char *word[MOST_WORDS + 1]; /* NULL-ended, owned */
    int count;
} words;

static void add_word(words *line, char *word)
{
    if (line->count < MOST_WORDS)
        line->word[line->count++] = word;
    else
        free(word);
    line->word[line->count] = NULL;
}

static void free_words(words *line)
{
    for (int i = 0; i < line->count; i++)
        free(line->word[i]);
}

static mn_status check_arm(const cJSON *arm, int index, const char *manifest)
{
    static const char *const known[] = {"benchmark", "strategy", "set", "expect", "note", NULL};
    static const char *const needed[] = {"benchmark", "strategy"};
    char where[512];
    snprintf(where, sizeof where, "%s: arms[%d]", manifest, index);
    MN_TRY(mn_json_known(arm, where, known));
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        const char *text = NULL;
        MN_TRY(mn_json_text(arm, where, needed[i], &text));
        if (text == NULL)
            return mn_fail(MN_BAD_OPTION, "%s has no '%s'", where, needed[i]);
    }
    return MN_OK;
}

static mn_status read_manifest(const char *path, cJSON **manifest)
{
    static const char *const known[] = {"name", "summary", "seeds", "arms", "notes", NULL};
    MN_TRY(mn_json_read(path, manifest));
    mn_status status = mn_json_known(*manifest, path, known);
    const cJSON *arms = cJSON_GetObjectItemCaseSensitive(*manifest, "arms"), *arm;
    if (status == MN_OK && !cJSON_IsArray(arms))
        status = mn_fail(MN_BAD_OPTION, "%s: 'arms' should list what to run", path);
    int index = 0;
    cJSON_ArrayForEach(arm, arms)
    {
        if (status == MN_OK)
            status = check_arm(arm, index++, path);
    }
    if (status != MN_OK)
        cJSON_Delete(*manifest);
    return status;
}

static const char *text_of(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

/* "02-split-fmnist-er": the folder of an arm, in the order of the manifest. */
static char *arm_folder(const char *folder, const cJSON *arm, int index)
{
    return mn_text("%s/%02d-%s-%s", folder, index + 1, mn_path_base(text_of(arm, "benchmark")),
                   mn_path_base(text_of(arm, "strategy")));
}

static void add_settings(words *line, const cJSON *arm)
{
    const cJSON *setting;
    cJSON_ArrayForEach(setting, cJSON_GetObjectItemCaseSensitive(arm, "set"))
    {
        char *value = cJSON_IsString(setting) ? mn_text("%s", setting->valuestring)
                                              : mn_or_die(cJSON_PrintUnformatted(setting));
        add_word(line, mn_text("--set"));
        add_word(line, mn_text("%s=%s", setting->string, value));
        free(value);
    }
}

/* Runs the program itself; its results are shown at the end, so its standard output is dropped. */
static int run_itself(words *line)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t process;
    const int failed = posix_spawn(&process, "/proc/self/exe", &actions, NULL, line->word, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        mn_complain("cannot start an arm: %s", strerror(failed));
        return MN_EXIT_FAILED;
    }
    int how;
    while (waitpid(process, &how, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(how) ? WEXITSTATUS(how) : MN_EXIT_FAILED;
}

static int run_arm(const cJSON *arm, int index, int64_t seeds, const char *folder,
                   const mn_arguments *arguments)
{
    words line = {.count = 0};
    add_word(&line, mn_text("mneme"));
    add_word(&line, mn_text("run"));
    add_word(&line, mn_text("%s", text_of(arm, "benchmark")));
    add_word(&line, mn_text("%s", text_of(arm, "strategy")));
    add_word(&line, mn_text("--seeds"));
    add_word(&line, mn_text("%lld", (long long)seeds));
    add_word(&line, mn_text("--out"));
    add_word(&line, arm_folder(folder, arm, index));
    const char *jobs = mn_arguments_value(arguments, "jobs");
    if (jobs != NULL) {
        add_word(&line, mn_text("--jobs"));
        add_word(&line, mn_text("%s", jobs));
    }
    if (mn_arguments_has(arguments, "quiet"))
        add_word(&line, mn_text("--quiet"));
    add_settings(&line, arm);
    const int code = run_itself(&line);
    free_words(&line);
    return code;
}

/* --- the table --- */

static mn_scope scope_of(const mn_runs *runs, const char *name)
{
    for (mn_scope scope = MN_CLASS_IL; scope < MN_SCOPES; scope++)
        if (name != NULL ? strcmp(mn_scope_name(scope), name) == 0
                         : mn_results_has(runs->run[0].results, scope))
            return scope;
    return MN_CLASS_IL;
}

/* One row: a metric of an arm, beside what was expected of it.  True when it is as expected. */
static bool add_row(mn_table *table, const cJSON *arm, const mn_runs *runs, const cJSON *expected)
{
    const char *metric = text_of(expected, "metric");
    if (metric == NULL)
        metric = "average_accuracy";
    const mn_scope scope = scope_of(runs, text_of(expected, "scope"));
    const mn_summary summary = mn_group_summary(runs, 0, metric, scope);
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(expected, "from");
    const cJSON *to = cJSON_GetObjectItemCaseSensitive(expected, "to");
    const cJSON *set = cJSON_GetObjectItemCaseSensitive(arm, "set");
    char *settings = set != NULL ? mn_or_die(cJSON_PrintUnformatted(set)) : mn_text("{}");
    mn_table_text(table, "%s", text_of(arm, "benchmark"));
    mn_table_text(table, "%s", runs->run[0].strategy);
    mn_table_text(table, "%s", settings);
    free(settings);
    mn_table_text(table, "%s", mn_scope_name(scope));
    mn_table_text(table, "%s", metric);
    mn_table_mean(table, summary.mean, summary.deviation);
    mn_table_text(table, "%lld", (long long)summary.n);
    const double least = cJSON_IsNumber(from) ? from->valuedouble : -HUGE_VAL;
    const double most = cJSON_IsNumber(to) ? to->valuedouble : HUGE_VAL;
    const bool as_expected = summary.mean >= least && summary.mean <= most;
    if (!isfinite(least) && !isfinite(most)) {
        mn_table_text(table, "-");
        return true;
    }
    const char *verdict = as_expected ? "yes" : "NO";
    if (isfinite(least) && isfinite(most))
        mn_table_text(table, "%g to %g: %s", least, most, verdict);
    else
        mn_table_text(table, "%s %g: %s", isfinite(least) ? "at least" : "at most",
                      isfinite(least) ? least : most, verdict);
    return as_expected;
}

static mn_status add_arm(mn_table *table, const cJSON *arm, const char *folder, int *missed)
{
    mn_runs runs;
    MN_TRY(mn_runs_open(&folder, 1, &runs));
    const cJSON *expectations = cJSON_GetObjectItemCaseSensitive(arm, "expect"), *expected;
    if (cJSON_GetArraySize(expectations) == 0)
        (void)add_row(table, arm, &runs, NULL);
    cJSON_ArrayForEach(expected, expectations)
    {
        *missed += !add_row(table, arm, &runs, expected);
    }
    mn_runs_free(&runs);
    return MN_OK;
}

static int show_table(const cJSON *manifest, const char *folder)
{
    static const char *const headings[] = {"benchmark", "strategy", "settings", "scope",
                                           "metric",    "mean",     "seeds",    "expected"};
    mn_table *table = mn_table_new(sizeof headings / sizeof headings[0]);
    for (size_t i = 0; i < sizeof headings / sizeof headings[0]; i++)
        mn_table_text(table, "%s", headings[i]);
    int index = 0, missed = 0;
    mn_status status = MN_OK;
    const cJSON *arm;
    cJSON_ArrayForEach(arm, cJSON_GetObjectItemCaseSensitive(manifest, "arms"))
    {
        char *arm_path = arm_folder(folder, arm, index++);
        if (status == MN_OK)
            status = add_arm(table, arm, arm_path, &missed);
        free(arm_path);
    }
    if (status == MN_OK)
        mn_table_print(table, stdout);
    mn_table_free(table);
    if (status == MN_OK && missed > 0) {
        mn_complain("%d of the means %s outside what the manifest expects", missed,
                    missed == 1 ? "is" : "are");
        return MN_EXIT_FAILED;
    }
    return mn_exit_of_work(status);
}

static int sweep(const mn_arguments *arguments)
{
    cJSON *manifest;
    const char *path = arguments->words[0];
    int64_t seeds = 1;
    mn_status status = read_manifest(path, &manifest);
    if (status != MN_OK)
        return mn_exit_of_request(status);
    status = mn_json_int(manifest, path, "seeds", 1, 10000, &seeds);
    if (status == MN_OK)
        status = mn_arguments_int(arguments, "seeds", 1, 10000, &seeds);
    const char *name = text_of(manifest, "name"), *out = mn_arguments_value(arguments, "out");
    char *folder =
        out != NULL ? mn_text("%s", out) : mn_text("runs/%s", name != NULL ? name : "sweep");
    int code = mn_exit_of_request(status), index = 0;
    const cJSON *arm;
    cJSON_ArrayForEach(arm, cJSON_GetObjectItemCaseSensitive(manifest, "arms"))
    {
        if (code == MN_EXIT_DONE)
            code = run_arm(arm, index++, seeds, folder, arguments);
    }
    if (code == MN_EXIT_DONE)
        code = show_table(manifest, folder);
    free(folder);
    cJSON_Delete(manifest);
    return code;
}

static const mn_flag flags[] = {
    {.name = "out",
     .letter = 'o',
     .value = "FOLDER",
     .help = "where the arms' run files go (default runs/NAME)"},
    {.name = "seeds", .value = "N", .help = "seeds of each arm, instead of the manifest's"},
    {.name = "jobs", .value = "N", .help = "processes at a time (default: cores)"},
    {.name = "quiet", .letter = 'q', .help = "no progress, only results and warnings"},
    {.name = NULL},
};

const mn_command mn_command_sweep = {
    .name = "sweep",
    .synopsis = "MANIFEST [flags]",
    .summary = "Runs the arms of a study over seeds and prints their means.",
    .details = "MANIFEST is a JSON file: {\"name\", \"seeds\", \"arms\": [{\"benchmark\", "
               "\"strategy\", \"set\": {KEY: VALUE}, \"expect\": [{\"metric\", \"scope\", "
               "\"from\", \"to\"}]}]}.  Finished runs are kept, so the same command continues a "
               "study; a mean outside its expected range makes the exit code 1.",
    .examples = "  mneme sweep benchmarks/studies/split-fmnist.json\n",
    .flags = flags,
    .least = 1,
    .most = 1,
    .words = "a MANIFEST",
    .run = sweep,
};
