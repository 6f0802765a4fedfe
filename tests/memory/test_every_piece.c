/* What programs ask of mneme is done with one piece of memory refused, each in its turn: it says so
 * in one line, or does what it does with all the memory there is, and gives back what it took.
 *
 * All memory of mneme, of its JSON and of its SQLite comes from the hooks below.  A try is a
 * process of its own, so that what is kept for the life of a process (names, kernels) is asked for
 * anew.  It does its work twice, the second time in peace: as many pieces must then be out as where
 * the first time was peaceful, too.
 *
 * Of each case MOST_TRIES pieces are tried, spread evenly; with MNEME_EVERY=1 in the environment,
 * all. */
#include "data/read/cifar.h"
#include "tensor/file/safetensors.h"
#include "tests/run_files.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <mneme/groups.h>
#include <mneme/judge.h>
#include <mneme/memory.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MOST_TRIES = 24, MOST_BYTES = 1 << 16, GARBAGE = 0xA5, RECORD = 2 + 3072 };

/* --- memory that counts -------------------------------------------------------------------------
 */
static long asked, refused_at; /* the piece that is refused, counted from 1; 0: none */
static long out;               /* pieces that are taken and not given */

typedef struct piece {
    alignas(max_align_t) void *block;
    size_t bytes;
} piece;

static void give(void *memory)
{
    out--;
    free(((piece *)memory - 1)->block);
}

static void *take(void *earlier, size_t alignment, size_t bytes)
{
    if (++asked == refused_at)
        return NULL;
    const size_t front = (sizeof(piece) + alignment - 1) / alignment * alignment;
    char *block = aligned_alloc(alignment, (front + bytes + alignment - 1) / alignment * alignment);
    piece *made = (piece *)(void *)(block + front) - 1;
    *made = (piece){block, bytes};
    memset(made + 1, GARBAGE, bytes);
    out++;
    if (earlier != NULL) {
        const size_t had = ((piece *)earlier - 1)->bytes;
        memcpy(made + 1, earlier, had < bytes ? had : bytes);
        give(earlier);
    }
    return made + 1;
}

__attribute__((constructor)) static void hook(void)
{
    static const mn_memory_hooks hooks = {take, give};
    if (mn_memory_use(&hooks) != MN_OK)
        abort();
}

/* --- what is done -------------------------------------------------------------------------------
 */
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

static const char *in(const char *name)
{
    static char path[4][512];
    static int next;
    char *made = path[next++ % 4];
    snprintf(made, sizeof path[0], "%s/%s", scratch_folder, name);
    return made;
}

static void copy(const char *from, const char *to)
{
    char buffer[1 << 16];
    FILE *source = fopen(from, "rb"), *target = fopen(to, "wb");
    ck_assert(source != NULL && target != NULL);
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, source)) > 0;)
        ck_assert_uint_eq(fwrite(buffer, 1, got, target), got);
    fclose(source);
    fclose(target);
}

/* A command in the scratch folder. */
static void shell(const char *what)
{
    char command[256];
    snprintf(command, sizeof command, "cd %s && %s", scratch_folder, what);
    ck_assert_int_eq(system(command), 0);
}

static mn_status configure(mn_experiment *experiment)
{
    static const char *const set[][2] = {{"dataset.train_per_class", "12"},
                                         {"dataset.test_per_class", "5"},
                                         {"buffer_size", "10"},
                                         {"commit_steps", "5"},
                                         {"eval_every", "4"}};
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        MN_TRY(mn_experiment_set(experiment, set[i][0], set[i][1]));
    return MN_OK;
}

static mn_status run_with(const char *strategies, const char *path, const mn_observer *observer)
{
    mn_experiment *experiment;
    MN_TRY(mn_experiment_new("split-synthetic", strategies, &experiment));
    mn_status status = configure(experiment);
    if (status == MN_OK)
        status = mn_experiment_run(experiment, path, observer);
    mn_experiment_free(experiment);
    return status;
}

static mn_status run(void)
{
    return run_with("derpp+ewc", scratch_path, NULL);
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
static const char *corpus(const char *name)
{
    static char path[512];
    const char *source = getenv("MNEME_SOURCE");
    ck_assert_ptr_nonnull(source);
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", source, name);
    return path;
}

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

/* --- what they find -----------------------------------------------------------------------------
 */
static void write_table(void)
{
    FILE *table = fopen(in("table.csv"), "w");
    ck_assert_ptr_nonnull(table);
    fputs("length,width,kind\n", table);
    for (int i = 0; i < 24; i++)
        fprintf(table, "%d,%g,\"%s\"\n", i * i % 7, i / 4.0, i % 3 == 0 ? "oak tree" : "elm");
    fclose(table);
}

static void write_pictures(void)
{
    static const char *const pictures[] = {"rgb.png", "palette.png", "rgb.jpg", "grey.jpg"};
    static const char *const classes[] = {"animals", "animals/ant", "animals/bee"};
    char name[64];
    for (int c = 0; c < 3; c++) {
        ck_assert_int_eq(mkdir(in(classes[c]), 0700), 0);
        for (int i = 0; c > 0 && i < 4; i++) {
            char from[512];
            snprintf(name, sizeof name, "picture/%s", pictures[i]);
            snprintf(from, sizeof from, "%s", corpus(name));
            snprintf(name, sizeof name, "%s/%s", classes[c], pictures[i]);
            copy(from, in(name));
        }
    }
}

/* So many bytes in turn after a head. */
static void write_bytes(const char *name, const void *head, size_t head_bytes, int count, int turn)
{
    FILE *file = fopen(in(name), "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(head, 1, head_bytes, file), head_bytes);
    for (int i = 0; i < count; i++)
        putc(i % turn, file);
    fclose(file);
}

static void write_idx(void)
{
    static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 12, 0, 0, 0, 4, 0, 0, 0, 4};
    static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 12};
    ck_assert_int_eq(mkdir(in("mnist"), 0700), 0);
    write_bytes("mnist/train-images-idx3-ubyte", images, sizeof images, 192, 251);
    write_bytes("mnist/train-labels-idx1-ubyte", labels, sizeof labels, 12, 10);
    shell("gzip mnist/train-images-idx3-ubyte");
    write_bytes("mnist/t10k-images-idx3-ubyte", images, sizeof images, 192, 249);
    write_bytes("mnist/t10k-labels-idx1-ubyte", labels, sizeof labels, 12, 10);
}

static void write_array(const char *name, const char *shape, int count, int turn)
{
    char head[256];
    memcpy(head, "\x93NUMPY\x01\0\x76", 10);
    snprintf(head + 10, sizeof head - 10,
             "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }%100s", shape, "");
    head[127] = '\n';
    write_bytes(name, head, 128, count, turn);
}

static void write_arrays(void)
{
    ck_assert_int_eq(mkdir(in("arrays"), 0700), 0);
    write_array("arrays/x_train.npy", "(16, 3, 3)", 144, 250);
    write_array("arrays/y_train.npy", "(16,)", 16, 4);
    write_array("arrays/x_test.npy", "(8, 3, 3)", 72, 249);
    write_array("arrays/y_test.npy", "(8,)", 8, 4);
}

/* Three images, three and two, of which each has two labels. */
static void write_records(void)
{
    ck_assert_int_eq(mkdir(in("set"), 0700), 0);
    ck_assert_int_eq(mkdir(in("set/set-bin"), 0700), 0);
    write_bytes("set/set-bin/one.bin", "", 0, 3 * RECORD, 2);
    write_bytes("set/set-bin/two.bin", "", 0, 3 * RECORD, 2);
    write_bytes("set/set-bin/test.bin", "", 0, 2 * RECORD, 2);
    shell("cd set && tar czf set-binary.tar.gz set-bin && rm -r set-bin");
}

static bool stop_in_second_task(void *steps)
{
    return ++*(int *)steps == 9;
}

/* Runs: finished ones, one that was stopped, and the first one's end. */
static void make_runs(void)
{
    int steps = 0;
    const mn_observer stops = {.context = &steps, .stop = stop_in_second_task};
    ck_assert_ok(run_with("derpp+ewc", in("finished.mneme"), NULL));
    ck_assert_ok(run_with("er", in("other.mneme"), NULL));
    ck_assert_int_eq(run_with("derpp+ewc", in("begun.mneme"), &stops), MN_INTERRUPTED);
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
} deed;

static const deed deeds[] = {
    {"run", begin_run, run, same_run, 500},
    {"resume", begin_resume, resume, same_run, 500},
    {"show", begin_finished, show, nothing, 500},
    {"draw", begin_finished, draw, nothing, 50},
    {"export", begin_finished, export, nothing, 50},
    {"copy", begin_finished, copy_run, nothing, 50},
    {"weights", nothing, read_weights, nothing, 10},
    {"csv", nothing, read_csv, nothing, 10},
    {"npy", nothing, read_npy, nothing, 10},
    {"folder", nothing, read_folder, nothing, 10},
    {"idx", nothing, read_idx, nothing, 5},
    {"cifar", nothing, read_cifar, nothing, 5},
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

static void check_deed(const deed *d)
{
    static outcome peaceful, found;
    ck_assert_msg(try(d, 0, NULL, &peaceful), "%s: not even in peace", d->name);
    ck_assert_msg(peaceful.asked >= d->least, "%s: asks for %ld pieces", d->name, peaceful.asked);
    const bool every = getenv("MNEME_EVERY") != NULL;
    const long tries = every || peaceful.asked < MOST_TRIES ? peaceful.asked : MOST_TRIES;
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

static const deed *deed_named(const char *name)
{
    const deed *d = deeds;
    while (strcmp(d->name, name) != 0)
        d++;
    return d;
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

START_TEST(what_is_refused_a_piece_says_so_and_loses_none)
{
    begin_scratch();
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++)
        if (getenv("MNEME_DEED") == NULL || deed_named(getenv("MNEME_DEED")) == &deeds[i])
            check_deed(&deeds[i]);
    end_scratch();
}
END_TEST

MN_SUITE("every piece", what_is_refused_a_piece_says_so_and_loses_none)
