/* What programs ask of mneme is done with one piece of memory refused, each in its turn: it says so
 * in one line, or does what it does with all the memory there is, and gives back what it took.
 *
 * A try is a process of its own, so that what is kept for the life of a process (names, kernels) is
 * asked for anew.  It does its work twice, the second time in peace: as many pieces must then be
 * out as where the first time was peaceful, too.
 *
 * Of what takes long SOME pieces are tried, spread evenly.  With MNEME_EVERY=1 in the environment
 * all are, and runs of all strategies are added, SOME pieces of each. */
#include "data/read/cifar.h"
#include "experiment/experiment.h"
#include "experiment/sections.h"
#include "tensor/file/safetensors.h"
#include "tests/memory/counted.h"
#include "tests/memory/small_data.h"
#include "tests/run_files.h"
#include "tests/suite.h"
#include "tests/uses/uses.h"

#include <mneme/groups.h>
#include <mneme/registry.h>
#include <stdarg.h>
#include <sys/wait.h>

enum { SOME = 24, MOST_BYTES = 1 << 16 };

/* --- experiments --- */
static char told[MOST_BYTES]; /* its results, as text */
static size_t told_bytes;

static void tell(const char *format, ...) MN_PRINTF(1, 2);
static void tell(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int more = vsnprintf(told + told_bytes, sizeof told - told_bytes, format, arguments);
    va_end(arguments);
    ck_assert(more >= 0 && told_bytes + (size_t)more < sizeof told);
    told_bytes += (size_t)more;
}

/* Everything that learners and run files take from an experiment. */
static mn_status tell_experiment(const mn_experiment *experiment)
{
    const char *network, *optimiser;
    MN_TRY(mn_experiment_section_json(experiment, MN_SECTION_NETWORK, &network));
    MN_TRY(mn_experiment_section_json(experiment, MN_SECTION_OPTIMISER, &optimiser));
    tell("%s\n%s\n%s\n%s\n%s\n%s\n", mn_experiment_json(experiment),
         mn_experiment_recipe(experiment), experiment->benchmark, experiment->strategies, network,
         optimiser);
    return MN_OK;
}

static mn_status set_all(mn_experiment *experiment, const test_setting *settings)
{
    for (; settings->key != NULL; settings++)
        MN_TRY(mn_experiment_set(experiment, settings->key, settings->value));
    return mn_experiment_resolve(experiment);
}

static mn_status configure(void)
{
    static const test_setting settings[] = {{"seed", "7"},
                                            {"lr", "0.3"},
                                            {"optimiser.name", "adam"},
                                            {"buffer_size", "30"},
                                            {"er.replay", "3"},
                                            {"network.widths", "20,30"},
                                            {"buffer_policy", "gss"},
                                            {NULL, NULL}};
    mn_experiment *experiment;
    MN_TRY(mn_experiment_new("split-synthetic", "er+ewc", &experiment));
    mn_status status = set_all(experiment, settings);
    if (status == MN_OK)
        status = tell_experiment(experiment);
    mn_experiment_free(experiment);
    return status;
}

static char configuration[MOST_BYTES]; /* as a run file has it */

static mn_status restore(void)
{
    mn_experiment *experiment = NULL;
    mn_status status = mn_experiment_restore(configuration, &experiment);
    if (status == MN_OK)
        status = tell_experiment(experiment);
    mn_experiment_free(experiment);
    return status;
}

static mn_status list(void)
{
    mn_benchmarks *benchmarks;
    MN_TRY(mn_benchmarks_new(&benchmarks));
    const char *name, *summary;
    for (int i = 0; (name = mn_benchmark(benchmarks, i, &summary)) != NULL; i++)
        tell("%s: %s\n", name, summary);
    mn_benchmarks_free(benchmarks);
    return MN_OK;
}

/* Draws images of training, as `mneme data` does. */
static mn_status preview(void)
{
    mn_experiment *experiment;
    MN_TRY(mn_experiment_new("split-synthetic", "er", &experiment));
    mn_status status = mn_experiment_set(experiment, "augment.pad", "2");
    if (status == MN_OK)
        status = mn_experiment_resolve(experiment);
    if (status == MN_OK)
        status = mn_experiment_sheet(experiment, MN_SHEET_AUGMENTED, in("preview.png"));
    mn_experiment_free(experiment);
    return status;
}

/* --- runs --- */
static const test_setting small[] = {{"dataset.train_per_class", "12"},
                                     {"dataset.test_per_class", "5"},
                                     {"buffer_size", "10"},
                                     {"commit_steps", "5"},
                                     {"eval_every", "4"},
                                     {NULL, NULL}};

static mn_status run_with(const char *benchmark, const char *strategies, const char *weights,
                          const char *path, const mn_observer *observer)
{
    mn_experiment *experiment;
    MN_TRY(mn_experiment_new(benchmark, strategies, &experiment));
    mn_status status = mn_experiment_set(experiment, "init", weights);
    if (status == MN_OK)
        status = set_all(experiment, small);
    if (status == MN_OK)
        status = mn_experiment_run(experiment, path, observer);
    mn_experiment_free(experiment);
    return status;
}

static mn_status run(void)
{
    return run_with("split-synthetic", "derpp+ewc", "", scratch_path, NULL);
}

static mn_status run_from_weights(void)
{
    return run_with("split-synthetic", "finetune", in("weights.safetensors"), scratch_path, NULL);
}

static const char *strategy; /* of the run that follows */

static mn_status run_strategy(void)
{
    return run_with(test_benchmark_of(strategy), strategy, "", scratch_path, NULL);
}

static mn_status resume(void)
{
    return mn_resume(scratch_path, NULL);
}

static mn_status tell_curves(const mn_runs *runs, const mn_results *results)
{
    mn_mean_point *means;
    mn_curve_point *points;
    int64_t count;
    MN_TRY(mn_group_averages(runs, 0, MN_CLASS_IL, &means, &count));
    for (int64_t i = 0; i < count; i++)
        tell("%g %g\n", means[i].when, means[i].mean);
    mn_memory_give(means);
    MN_TRY(mn_results_curve(results, MN_CLASS_IL, 0, &points, &count));
    for (int64_t i = 0; i < count; i++)
        tell("%lld %g\n", (long long)points[i].step, points[i].accuracy);
    mn_memory_give(points);
    return MN_OK;
}

static mn_status tell_memories(const mn_results *results)
{
    mn_buffer_count *rows;
    mn_probed *probes;
    mn_kept_state *kept;
    int64_t count;
    MN_TRY(mn_results_buffer(results, &rows, &count));
    for (int64_t i = 0; i < count; i++)
        tell("%d: %lld\n", (int)rows[i].label, (long long)rows[i].rows);
    mn_memory_give(rows);
    MN_TRY(mn_results_kept(results, &kept, &count));
    for (int64_t i = 0; i < count; i++)
        tell("%s: %lld\n", kept[i].name, (long long)kept[i].bytes);
    mn_memory_give(kept);
    MN_TRY(mn_results_probes(results, &probes, &count));
    mn_memory_give(probes);
    return MN_OK;
}

static mn_status tell_runs(const mn_runs *runs)
{
    const mn_results *results = runs->run[0].results;
    const char *name;
    for (int i = 0; (name = mn_metric_name(i, NULL)) != NULL; i++)
        tell("%s %g\n", name, mn_results_metric(results, name, MN_CLASS_IL));
    for (int64_t i = 0; i < runs->run[0].settings.count; i++)
        tell("%s=%s\n", runs->run[0].settings.setting[i].key,
             runs->run[0].settings.setting[i].value);
    for (int64_t task = 0; task < mn_results_tasks(results); task++)
        tell("%s: %g\n", mn_results_task_classes(results, task),
             mn_results_accuracy(results, MN_CLASS_IL, task, 0));
    MN_TRY(tell_curves(runs, results));
    return tell_memories(results);
}

/* What `mneme show`, `mneme compare` and `mneme buffer` ask for. */
static mn_status show(void)
{
    static const char *const metrics[] = {"average_accuracy", "forgetting", NULL};
    const char *const paths[] = {scratch_path, in("other.mneme")};
    mn_runs *runs;
    mn_difference *differences;
    int64_t count;
    MN_TRY(mn_runs_open(paths, 2, &runs));
    mn_status status = tell_runs(runs);
    if (status == MN_OK)
        status = mn_differences(runs, metrics, MN_SCOPES, &differences, &count);
    if (status == MN_OK) {
        for (int64_t i = 0; i < count; i++)
            tell("%s %s: %g\n", runs->group[differences[i].of].label, differences[i].metric,
                 differences[i].summary.mean);
        mn_memory_give(differences);
    }
    mn_runs_free(runs);
    return status;
}

static mn_status draw(void)
{
    return mn_results_sheet(scratch_path, in("sheet.png"));
}

static mn_status export(void)
{
    return mn_export_weights(scratch_path, in("weights.safetensors"));
}

static mn_status copy_run(void)
{
    (void)unlink(in("copy.mneme"));
    return mn_results_copy(scratch_path, in("copy.mneme"));
}

static mn_status read_weights(void)
{
    mn_safetensors *file;
    MN_TRY(mn_safetensors_open(in("weights.safetensors"), &file));
    mn_status status = MN_OK;
    for (int64_t i = 0; status == MN_OK && i < mn_safetensors_count(file); i++) {
        float *values;
        status = mn_safetensors_floats(file, i, &values);
        if (status == MN_OK) {
            tell("%s %g\n", mn_safetensors_at(file, i)->name, (double)values[0]);
            mn_memory_give(values);
        }
    }
    mn_safetensors_close(file);
    return status;
}

/* --- readers of data ----------------------------------------------------------------------------
 */
static mn_status read_data(const char *type, const char *options, const char *folder)
{
    mn_dataset *data;
    MN_TRY(mn_dataset_open(type, options, folder, &data));
    tell("%lld x %lld x %lld, %lld + %lld images of %lld classes, digest %u\n",
         (long long)data->channels, (long long)data->height, (long long)data->width,
         (long long)data->train.count, (long long)data->test.count, (long long)data->classes,
         (unsigned)data->digest);
    for (int64_t i = 0; data->class_names != NULL && i < data->classes; i++)
        tell("%s\n", data->class_names[i]);
    mn_dataset_free(data);
    return MN_OK;
}

static mn_status read_at(const char *type, const char *path)
{
    char options[640];
    snprintf(options, sizeof options, "{\"path\": \"%s\"}", path);
    return read_data(type, options, NULL);
}

static mn_status read_csv(void)
{
    return read_at("csv", in("table.csv"));
}

static mn_status read_npy(void)
{
    return read_at("npy", in("arrays"));
}

static mn_status read_folder(void)
{
    char options[640];
    snprintf(options, sizeof options, "{\"path\": \"%s\", \"size\": 8}", in("animals"));
    return read_data("folder", options, NULL);
}

static mn_status read_idx(void)
{
    return read_data("mnist", NULL, in("mnist"));
}

static mn_status read_cifar(void)
{
    const mn_cifar_layout layout = {.folder = "set-bin",
                                    .archive = "set-binary",
                                    .file = {"one.bin", "two.bin", "test.bin"},
                                    .files = 3,
                                    .train_images = 3,
                                    .test_images = 2,
                                    .labels = 2,
                                    .classes = {2, 7}};
    mn_dataset data = {.classes = 0};
    const mn_status status = mn_cifar_read(&layout, in("set"), 1, &data);
    mn_memory_give(data.train.pixels);
    mn_memory_give(data.train.labels);
    mn_memory_give(data.test.pixels);
    mn_memory_give(data.test.labels);
    mn_memory_give(data.memory);
    return status;
}

/* --- what they find --- */
static bool stop_in_second_task(void *steps)
{
    return ++*(int *)steps == 9;
}

/* Runs: finished ones, one that was stopped, and the first one's end. */
static void make_runs(void)
{
    int steps = 0;
    const mn_observer stops = {.context = &steps, .stop = stop_in_second_task};
    ck_assert_ok(run_with("split-synthetic", "derpp+ewc", "", in("finished.mneme"), NULL));
    ck_assert_ok(run_with("split-synthetic", "er", "", in("other.mneme"), NULL));
    ck_assert_int_eq(run_with("split-synthetic", "derpp+ewc", "", in("begun.mneme"), &stops),
                     MN_INTERRUPTED);
}

static void begin_run(void)
{
    test_remove(scratch_path);
}

static void begin_resume(void)
{
    test_remove(scratch_path);
    copy(in("begun.mneme"), scratch_path);
}

/* The configuration of the deed before, which comes first in what it tells: an object in lines. */
static void begin_restore(void)
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0)
        _exit(configure() == MN_OK && write(ends[1], told, told_bytes) > 0 ? 0 : 1);
    close(ends[1]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    const ssize_t got = read(ends[0], configuration, sizeof configuration - 1);
    close(ends[0]);
    ck_assert(status == 0 && got > 0);
    *strstr(configuration, "\n}\n") = '\0';
    strcat(configuration, "\n}");
}

static void begin_finished(void)
{
    test_remove(scratch_path);
    copy(in("finished.mneme"), scratch_path);
}

static void same_run(void)
{
    test_same_run(scratch_path, in("finished.mneme"));
}

static void nothing(void)
{
}

typedef struct deed {
    const char *name;
    void (*begin)(void); /* makes what it finds */
    mn_status (*perform)(void);
    void (*check)(void); /* of what it left, beside what it told */
    long least;          /* pieces that it asks for */
    bool all;            /* are tried, also where others are tried in part */
} deed;

static const deed deeds[] = {
    {"configure", nothing, configure, nothing, 100, true},
    {"restore", begin_restore, restore, nothing, 100, true},
    {"list", nothing, list, nothing, 50, false},
    {"preview", nothing, preview, nothing, 50, false},
    {"run", begin_run, run, same_run, 500, false},
    {"run from weights", begin_run, run_from_weights, nothing, 500, false},
    {"resume", begin_resume, resume, same_run, 500, false},
    {"show", begin_finished, show, nothing, 500, false},
    {"draw", begin_finished, draw, nothing, 50, false},
    {"export", begin_finished, export, nothing, 50, false},
    {"copy", begin_finished, copy_run, nothing, 50, false},
    {"weights", nothing, read_weights, nothing, 10, true},
    {"csv", nothing, read_csv, nothing, 10, true},
    {"npy", nothing, read_npy, nothing, 10, true},
    {"folder", nothing, read_folder, nothing, 10, true},
    {"idx", nothing, read_idx, nothing, 5, true},
    {"cifar", nothing, read_cifar, nothing, 5, true},
};

/* --- trying -------------------------------------------------------------------------------------
 */
typedef struct outcome {
    long asked, out; /* pieces: of the first time; that are out after the second */
    size_t bytes;
    char told[MOST_BYTES];
} outcome;

/* Twice in a process of its own; the first time a piece is refused (0: none). */
static void twice(const deed *d, long refused, const outcome *peaceful, outcome *found)
{
    for (int i = 0; i < 2; i++) {
        d->begin();
        told_bytes = 0;
        asked = 0;
        refused_at = i == 0 ? refused : 0;
        const mn_status status = d->perform();
        refused_at = 0;
        if (i == 0)
            found->asked = asked;
        if (i == 0 && refused > 0 && status == MN_NO_MEMORY) {
            ck_assert_msg(mn_error()[0] != '\0' && strchr(mn_error(), '\n') == NULL,
                          "the message is no line: %s", mn_error());
            continue;
        }
        ck_assert_msg(status == MN_OK, "%s: %s", mn_status_text(status), mn_error());
        ck_assert_msg(peaceful == NULL || (told_bytes == peaceful->bytes &&
                                           memcmp(told, peaceful->told, told_bytes) == 0),
                      "it tells something else:\n%.*s", (int)told_bytes, told);
        if (peaceful != NULL)
            d->check();
    }
    found->out = out;
    found->bytes = told_bytes;
    memcpy(found->told, told, told_bytes);
}

/* Where the sanitizer is there, it says who took what is lost. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* False: the process ended in another way, or said what is wrong. */
static bool try(const deed *d, long refused, const outcome *peaceful, outcome *found)
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        static outcome mine;
        twice(d, refused, peaceful, &mine);
        if (peaceful != NULL && mine.out != peaceful->out && __lsan_do_recoverable_leak_check)
            (void)__lsan_do_recoverable_leak_check();
        for (size_t done = 0; done < sizeof mine;) {
            const ssize_t more = write(ends[1], (char *)&mine + done, sizeof mine - done);
            if (more <= 0)
                _exit(1);
            done += (size_t)more;
        }
        _exit(0);
    }
    close(ends[1]);
    size_t got = 0;
    for (ssize_t more; (more = read(ends[0], (char *)found + got, sizeof *found - got)) > 0;)
        got += (size_t)more;
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        printf("%s: piece %ld refused: killed by signal %d\n", d->name, refused, WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 && got == sizeof *found;
}

static void check_deed(const deed *d, bool all)
{
    static outcome peaceful, found;
    ck_assert_msg(try(d, 0, NULL, &peaceful), "%s: not even in peace", d->name);
    ck_assert_msg(peaceful.asked >= d->least, "%s: asks for %ld pieces", d->name, peaceful.asked);
    const long tries = all || peaceful.asked < SOME ? peaceful.asked : SOME;
    long wrong = 0, lost = 0;
    for (long i = 0; i < tries; i++) {
        const long refused = 1 + i * peaceful.asked / tries;
        if (!try(d, refused, &peaceful, &found)) {
            printf("%s: piece %ld refused: see above\n", d->name, refused);
            wrong++;
        } else if (found.out != peaceful.out) {
            printf("%s: piece %ld refused: %ld pieces are lost\n", d->name, refused,
                   found.out - peaceful.out);
            lost++;
        }
    }
    printf("%s: %ld pieces, %ld of them refused, %ld wrong, %ld with a loss\n", d->name,
           peaceful.asked, tries, wrong, lost);
    ck_assert_int_eq(wrong + lost, 0);
}

static void begin_scratch(void)
{
    int status;
    scratch_new();
    write_table();
    write_pictures();
    write_idx();
    write_arrays();
    write_records();
    const pid_t child = fork(); /* a run keeps kernels, and enters OpenMP */
    if (child == 0) {
        make_runs();
        test_remove(scratch_path);
        ck_assert_ok(mn_export_weights(in("finished.mneme"), in("weights.safetensors")));
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

static void end_scratch(void)
{
    shell("rm -r $PWD");
}

static bool every(void)
{
    return getenv("MNEME_EVERY") != NULL;
}

START_TEST(what_is_refused_a_piece_says_so_and_loses_none)
{
    const char *only = getenv("MNEME_DEED");
    begin_scratch();
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++)
        if (only == NULL || strcmp(only, deeds[i].name) == 0)
            check_deed(&deeds[i], deeds[i].all || every());
    end_scratch();
}
END_TEST

START_TEST(no_strategy_loses_any)
{
    const char *only = getenv("MNEME_DEED");
    begin_scratch();
    test_register_uses();
    for (int i = 0; every() && mn_registered(MN_KIND_STRATEGY, i) != NULL; i++) {
        strategy = mn_registered(MN_KIND_STRATEGY, i)->name;
        if (only == NULL || strcmp(only, strategy) == 0)
            check_deed(&(deed){strategy, begin_run, run_strategy, nothing, 500, false}, false);
    }
    end_scratch();
}
END_TEST

MN_SUITE("every piece", what_is_refused_a_piece_says_so_and_loses_none, no_strategy_loses_any)
