/* sweep.c -- a study: the arms of a manifest, each over its seeds, and the table of means.
 *
 * Expected ranges in the manifest, of means and of differences between arms, turn a study into a
 * check. */
#include "base/escape.h"
#include "cli/commands.h"
#include "cli/complain.h"
#include "cli/print.h"
#include "cli/show/table.h"
#include "cli/signals.h"
#include "cli/study/arms.h"
#include "cli/study/choice.h"
#include "cli/study/cost.h"
#include "cli/study/finding.h"
#include "cli/study/points.h"

#include <math.h>
#include <mneme/memory.h>

/* --- the table --- */

/* What a table is made of, and how many expectations stand how. */
typedef struct overview {
    const mn_manifest *manifest;
    const char *folder;
    int64_t seeds; /* of each arm; 0: the manifest's */
    bool costs;    /* whether these columns are shown */
    mn_grid_keys keys;
    mn_table *table;
    mn_writer *writer;
    int standing[MN_UNFINISHED + 1];
} overview;

static bool has_range(const mn_expectation *e)
{
    return isfinite(e->from) || isfinite(e->to);
}

/* "at least 10 [1]: yes", where notes below the table say what [1] is; else "at least 10: yes" */
static void add_verdict(mn_table *table, const mn_expectation *e, mn_standing standing, bool noted)
{
    static const char *const words[] = {
        [MN_MET] = "yes", [MN_MISSED] = "no", [MN_OPEN] = "not shown"};
    char source[16] = "";
    if (e->source > 0 && noted)
        snprintf(source, sizeof source, " [%d]", e->source);
    if (isfinite(e->from) && isfinite(e->to))
        mn_table_text(table, "%g to %g%s: %s", e->from, e->to, source, words[standing]);
    else if (has_range(e))
        mn_table_text(table, "%s %g%s: %s", isfinite(e->from) ? "at least" : "at most",
                      isfinite(e->from) ? e->from : e->to, source, words[standing]);
    else
        mn_table_none(table);
}

static void add_standing(mn_table *table, const mn_expectation *e, const mn_finding *f, bool noted)
{
    if (f->standing == MN_OTHER)
        mn_table_text(table, "the runs had another %s", f->since);
    else if (f->standing == MN_UNFINISHED && f->finished == 0)
        mn_table_text(table, "not run yet");
    else if (f->standing == MN_UNFINISHED)
        mn_table_text(table, "%lld of %lld run", (long long)f->finished, (long long)f->wanted);
    else if (f->standing == MN_NO_VALUE)
        mn_table_text(table, "%lld of %lld runs have a value", (long long)f->summary.n,
                      (long long)f->wanted);
    else
        add_verdict(table, e, f->standing, noted);
}

/* One row: a metric of an arm, beside what was expected of it.  `asked`: the manifest has it. */
static mn_status add_row(overview *study, const mn_arm *arm, const mn_expectation *e, bool asked)
{
    mn_finding f;
    mn_table *table = study->table;
    const int digits = mn_metric_digits(e->metric);
    MN_TRY(mn_finding_of(study->manifest, arm, e, study->folder, study->seeds, &f));
    mn_table_text(table, "%s", arm->benchmark);
    mn_table_text(table, "%s", arm->name);
    mn_grid_keys_add_cells(&study->keys, study->manifest, arm, table);
    if (f.scope < MN_SCOPES)
        mn_table_text(table, "%s", mn_scope_name(f.scope));
    else
        mn_table_none(table);
    if (e->minus < 0)
        mn_table_text(table, "%s", e->metric);
    else
        mn_table_text(table, "%s - %s", e->metric, study->manifest->arm[e->minus].name);
    mn_table_mean(table, f.summary.mean, f.summary.deviation, digits);
    if (f.summary.n < 2)
        mn_table_none(table);
    else
        mn_table_range(table, f.summary.low, f.summary.high, e->minus >= 0, digits);
    mn_table_number(table, (double)f.summary.n, 0);
    if (study->costs) {
        mn_table_number(table, f.images, 0);
        mn_table_number(table, f.seconds, 1);
    }
    add_standing(table, e, &f, study->writer->form == MN_FORM_TABLE);
    if (has_range(e) || f.standing == MN_OTHER || (asked && f.standing == MN_NO_VALUE))
        study->standing[f.standing]++;
    return MN_OK;
}

static bool only_differences(const mn_arm *arm)
{
    for (int i = 0; i < arm->expectations; i++)
        if (arm->expect[i].minus < 0)
            return false;
    return true;
}

/* Adds the rows of an arm.  Its own mean is always among them: a difference alone says little. */
static mn_status add_rows(overview *study, const mn_arm *arm)
{
    mn_expectation own = {"average_accuracy", MN_SCOPES, -1, -HUGE_VAL, HUGE_VAL, 0};
    if (study->manifest->choice.wanted) {
        own.metric = study->manifest->choice.metric;
        own.scope = study->manifest->choice.scope;
    }
    if (arm->expectations > 0) {
        own.metric = arm->expect[0].metric;
        own.scope = arm->expect[0].scope;
    }
    for (int i = only_differences(arm) ? -1 : 0; i < arm->expectations; i++)
        MN_TRY(add_row(study, arm, i < 0 ? &own : &arm->expect[i], i >= 0));
    return MN_OK;
}

static bool add_set(mn_table *table, const char *benchmark, const char *arm, const cJSON *set)
{
    if (cJSON_GetArraySize(set) == 0)
        return false;
    char *settings = mn_or_die(cJSON_PrintUnformatted(set));
    mn_table_text(table, "%s", benchmark);
    mn_table_text(table, "%s", arm);
    mn_table_text(table, "%s", settings);
    mn_memory_give(settings);
    return true;
}

static void say_seeds(mn_writer *writer, const char *before, const cJSON *seeds)
{
    const cJSON *seed;
    mn_say(writer, "%s", before);
    cJSON_ArrayForEach(seed, seeds)
    {
        mn_say(writer, " %d", seed->valueint);
    }
}

/* Prints what was chosen, by what, and what it was tested with. */
static void show_choices(const mn_manifest *manifest, mn_writer *writer)
{
    const mn_choice *choice = &manifest->choice;
    for (int i = 0; i < manifest->count; i++) {
        const mn_arm *arm = &manifest->arm[i];
        if (!arm->chosen || arm->best < 0)
            continue;
        mn_say(
            writer, "\n%s of %s is %s, the best of %d: %s %s on validation images, a share of %g",
            mn_shown(arm->name), mn_shown(arm->benchmark), mn_shown(manifest->arm[arm->best].name),
            arm->candidates, mn_metric_better(choice->metric) > 0 ? "highest" : "lowest",
            choice->metric, choice->held_out);
        say_seeds(writer, " of the training images, with seeds", choice->seed);
        say_seeds(writer, "; on test images with seeds", arm->seed);
        mn_say(writer, "\n");
    }
}

/* Prints where ranges come from, and each arm's settings: as columns they would make the table too
 * wide.  What a candidate has beside the arm's is in the columns of its grid. */
static void show_notes(const mn_manifest *manifest, mn_writer *writer)
{
    for (int i = 0; i < manifest->sources; i++)
        mn_say(writer, "%s[%d] %s\n", i == 0 ? "\n" : "", i + 1, manifest->source[i]);
    mn_table *table = mn_table_new(3);
    mn_table_text(table, "benchmark");
    mn_table_text(table, "arm");
    mn_table_text(table, "settings");
    bool any = add_set(table, "(all)", "(all)", manifest->set);
    for (int i = 0; i < manifest->count; i++) {
        const mn_arm *arm = &manifest->arm[i];
        any |= arm->chosen && !arm->is_candidate &&
               add_set(table, arm->benchmark, arm->name, arm->set);
    }
    if (any) {
        mn_say(writer, "\n");
        mn_table_print(table, writer);
    }
    mn_table_free(table);
}

/* One line about all expectations, where there are any; the exit code. */
static int sum_up(const overview *study)
{
    const int *n = study->standing;
    const int unmet = n[MN_MISSED] + n[MN_NO_VALUE] + n[MN_OTHER];
    if (unmet + n[MN_MET] + n[MN_OPEN] + n[MN_UNFINISHED] > 0)
        mn_say(study->writer, "\nexpectations: %d met, %d not met, %d not shown, %d not run\n",
               n[MN_MET], unmet, n[MN_OPEN], n[MN_UNFINISHED]);
    if (unmet + n[MN_OPEN] == 0)
        return MN_EXIT_DONE;
    mn_complain("of what the manifest expects %d %s not met and %d %s not shown", unmet,
                unmet == 1 ? "is" : "are", n[MN_OPEN], n[MN_OPEN] == 1 ? "is" : "are");
    return MN_EXIT_FAILED;
}

static int show_table(overview *study)
{
    static const char *const after[] = {"scope", "metric", "mean", "95 %", "seeds"};
    enum { AFTER = sizeof after / sizeof after[0] };
    const mn_manifest *manifest = study->manifest;
    study->keys = mn_grid_keys_of(manifest);
    study->table =
        mn_table_new(2 + mn_grid_keys_columns(&study->keys) + AFTER + 1 + 2 * study->costs);
    mn_table_text(study->table, "benchmark");
    mn_table_text(study->table, "arm");
    mn_grid_keys_add_heads(&study->keys, study->table);
    for (int i = 0; i < AFTER; i++)
        mn_table_text(study->table, "%s", after[i]);
    if (study->costs) {
        mn_table_text(study->table, "images");
        mn_table_text(study->table, "seconds");
    }
    mn_table_text(study->table, "expected");
    mn_status status = MN_OK;
    for (int i = 0; i < manifest->count && status == MN_OK; i++)
        if (manifest->arm[i].chosen)
            status = add_rows(study, &manifest->arm[i]);
    int code = mn_exit_of_work(status);
    if (status == MN_OK) {
        mn_table_print(study->table, study->writer);
        if (study->writer->form == MN_FORM_TABLE) {
            show_choices(manifest, study->writer);
            show_notes(manifest, study->writer);
        }
        code = sum_up(study);
    }
    mn_table_free(study->table);
    mn_grid_keys_free(&study->keys);
    return code;
}

/* --seeds cannot shorten lists: which of them were meant would be a guess. */
static mn_status read_seeds(const mn_arguments *arguments, const mn_manifest *manifest,
                            int64_t *seeds)
{
    MN_TRY(mn_arguments_int(arguments, "seeds", 1, 10000, seeds));
    if (*seeds == 0)
        return MN_OK;
    for (int i = 0; i < manifest->count; i++)
        if (manifest->arm[i].chosen && manifest->arm[i].seed != NULL)
            return mn_fail(MN_BAD_OPTION,
                           "--seeds: the manifest lists the seeds of arm '%s'; change them there",
                           manifest->arm[i].name);
    return MN_OK;
}

/* Chooses from what is there; what is missing is seen in the table. */
static int choose_and_show(overview *study, mn_manifest *manifest)
{
    bool all;
    const mn_status status = mn_choose(manifest, study->folder, false, &all);
    return status == MN_OK ? show_table(study) : mn_exit_of_work(status);
}

/* What is not chosen yet is taken to cost what the first of its candidates would. */
static mn_status cost_of(mn_manifest *manifest, const mn_arm *arm, mn_cost *cost)
{
    mn_arm as = *arm;
    if (arm->candidates > 0)
        mn_manifest_settle(manifest, &as, arm->first);
    const mn_status status = mn_cost_of(manifest, &as, cost);
    return status == MN_OK ? MN_OK
                           : mn_fail_in(status, "arm '%s' of %s", arm->name, arm->benchmark);
}

/* Runs nothing but a few steps: the arms, their runs, and what these will take. */
static mn_status plan(overview *study, mn_manifest *manifest)
{
    static const char *const after[] = {"runs", "steps of each", "seconds of all", "MB of all"};
    enum { AFTER = sizeof after / sizeof after[0] };
    int64_t runs = 0;
    int arms = 0;
    double seconds = 0, bytes = 0;
    mn_table_text(study->table, "benchmark");
    mn_table_text(study->table, "arm");
    mn_grid_keys_add_heads(&study->keys, study->table);
    for (int i = 0; i < AFTER; i++)
        mn_table_text(study->table, "%s", after[i]);
    for (int i = 0; i < manifest->count; i++) {
        const mn_arm *arm = &manifest->arm[i];
        const double count = (double)(study->seeds > 0 ? study->seeds : arm->seeds);
        mn_cost cost;
        if (!arm->chosen)
            continue;
        MN_TRY(cost_of(manifest, arm, &cost));
        mn_table_text(study->table, "%s", arm->benchmark);
        mn_table_text(study->table, "%s", arm->name);
        mn_grid_keys_add_cells(&study->keys, manifest, arm, study->table);
        mn_table_number(study->table, count, 0);
        mn_table_number(study->table, (double)cost.steps, 0);
        mn_table_number(study->table, count * cost.seconds, 1);
        mn_table_number(study->table, count * cost.bytes / (1 << 20), 2);
        runs += (int64_t)count;
        seconds += count * cost.seconds;
        bytes += count * cost.bytes;
        arms++;
    }
    char time[64], disk[64];
    mn_table_print(study->table, study->writer);
    mn_say(
        study->writer,
        "\nnothing is run: %d arms, %lld runs; by a few steps of each arm about %s, one run after "
        "the other, and %s of files beside the answers that evaluations store\n",
        arms, (long long)runs, mn_duration(seconds, time, sizeof time),
        mn_bytes(bytes, disk, sizeof disk));
    return MN_OK;
}

static int show_plan(overview *study, mn_manifest *manifest)
{
    mn_signals_catch();
    study->keys = mn_grid_keys_of(study->manifest);
    study->table = mn_table_new(2 + mn_grid_keys_columns(&study->keys) + 4);
    const int code = mn_exit_of_request(plan(study, manifest));
    mn_table_free(study->table);
    mn_grid_keys_free(&study->keys);
    return code;
}

static int sweep(const mn_arguments *arguments)
{
    mn_manifest manifest;
    mn_writer writer;
    const char *arms = mn_arguments_value(arguments, "arms");
    mn_status status = mn_manifest_read(arguments->words[0], &manifest);
    if (status != MN_OK)
        return mn_exit_of_request(status);
    int64_t seeds = 0;
    if (arms != NULL)
        status = mn_manifest_choose(&manifest, arms);
    if (status == MN_OK)
        status = mn_writer_read(arguments, &writer);
    if (status == MN_OK)
        status = read_seeds(arguments, &manifest, &seeds);
    const char *out = mn_arguments_value(arguments, "out");
    char *folder = out != NULL ? mn_text("%s", out) : mn_manifest_folder(&manifest);
    const bool dry = mn_arguments_has(arguments, "dry-run");
    overview study = {.manifest = &manifest,
                      .folder = folder,
                      .seeds = seeds,
                      .writer = &writer,
                      .costs = mn_arguments_has(arguments, "costs")};
    int code = mn_exit_of_request(status);
    if (code == MN_EXIT_DONE && dry)
        code = show_plan(&study, &manifest);
    else if (code == MN_EXIT_DONE && !mn_arguments_has(arguments, "table"))
        code = mn_run_arms(&manifest, folder, seeds, arguments);
    if (!dry && (code == MN_EXIT_DONE || code == MN_EXIT_FAILED)) {
        const int shown = choose_and_show(&study, &manifest);
        code = shown != MN_EXIT_DONE ? shown : code;
    }
    mn_memory_give(folder);
    mn_manifest_free(&manifest);
    return code;
}

static const mn_flag flags[] = {
    {.name = "out",
     .letter = 'o',
     .value = "FOLDER",
     .help = "where the arms' run files go (default runs/NAME)"},
    {.name = "arms", .value = "NAMES", .help = "only these arms, by name: er,derpp"},
    {.name = "seeds", .value = "N", .help = "seeds of each arm, instead of the manifest's"},
    {.name = "jobs", .value = "N", .help = "processes at a time (default: cores)"},
    {.name = "table", .help = "run nothing: show what has been finished so far"},
    {.name = "dry-run",
     .help = "run nothing but a few steps of each arm: print the arms, how many runs they are, and "
             "about how long these will take, one after the other, and how large their files"},
    {.name = "costs",
     .help = "also show the mean of the images that went through a network to train it, and of the "
             "seconds that a run took"},
    MN_FORMAT_FLAG,
    {.name = "quiet", .letter = 'q', .help = "no progress, only results and warnings"},
    {.name = NULL},
};

const mn_command mn_command_sweep = {
    .name = "sweep",
    .synopsis = "MANIFEST [flags]",
    .summary = "Runs the arms of a study over seeds and prints their means.",
    .details =
        "MANIFEST is a JSON file: {\"name\", \"seeds\", \"set\", \"arms\": [{\"benchmark\", "
        "\"strategy\", \"name\", \"seeds\", \"set\": {KEY: VALUE}, \"expect\": "
        "[{\"metric\", \"scope\", \"minus\", \"from\", \"to\", \"source\"}]}]}.  An arm without a "
        "name is called what its strategy is; names are unique in a benchmark.  An arm with "
        "\"grid\": "
        "{KEY: [VALUE, ...]} stands for an arm each combination; with \"choose\": {\"on\": "
        "\"validation\", \"held_out\", \"metric\", \"scope\", \"seeds\": [...], \"then\": "
        "\"test\"} "
        "beside \"arms\" the best of them is found on held-out training images, and run on test "
        "with the listed \"seeds\" of the study.  With \"minus\", "
        "the name of another arm of the benchmark, the range is that of the difference, paired "
        "by seed.  An expectation is met where Student's 95 % interval lies in the range, and "
        "not where it lies outside; else it is not shown.  Finished runs are kept, so the same "
        "command continues a study; with the runs finished, anything but met makes the exit "
        "code 1.",
    .examples = "  mneme sweep benchmarks/studies/split-fmnist.json\n"
                "  mneme sweep benchmarks/studies/grid-synthetic.json\n",
    .flags = flags,
    .least = 1,
    .most = 1,
    .words = "a MANIFEST",
    .run = sweep,
};
