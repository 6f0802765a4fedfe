/* Features that a benchmark asks for: made once, kept, and made anew where data, weights or the
 * file are others; by one process at a time, and never half-written. */
#include "tests/suite.h"

#include "tests/scratch.h"

#include <math.h>
#include <mneme/features.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { TRAIN = 1200, TEST = 300, ALL = TRAIN + TEST, WIDTH = 20 };

/* What a watch saw: how often it was asked, and of what; it stops with so many images done. */
typedef struct seen {
    int64_t asked, first, last, stop; /* stop: -1: never */
    long pause;                       /* nanoseconds before each image */
} seen;

static bool go_on(void *context, int64_t done, int64_t all)
{
    seen *s = context;
    const struct timespec pause = {.tv_nsec = s->pause};
    ck_assert_int_eq(all, ALL);
    if (s->asked++ == 0)
        s->first = done;
    s->last = done;
    if (s->pause > 0)
        nanosleep(&pause, NULL);
    return s->stop < 0 || done < s->stop;
}

static mn_experiment *experiment_with(const char *network, const char *key, const char *value)
{
    mn_experiment *experiment;
    ck_assert_ok(mn_experiment_new("split-synthetic", NULL, &experiment));
    ck_assert_ok(mn_experiment_set(experiment, "features.network", network));
    ck_assert_ok(mn_experiment_set(experiment, "features.cache", scratch_folder));
    if (key != NULL)
        ck_assert_ok(mn_experiment_set(experiment, key, value));
    ck_assert_ok(mn_experiment_resolve(experiment));
    return experiment;
}

static const char hidden[] = "{\"name\": \"mlp\", \"widths\": \"20\"}";

static mn_status read_with(const char *network, const char *key, const char *value, seen *s,
                           mn_dataset **dataset)
{
    mn_experiment *experiment = experiment_with(network, key, value);
    const mn_pack_watch watch = {s, go_on};
    mn_experiment_watch(experiment, &watch);
    const mn_status status = mn_experiment_dataset(experiment, dataset);
    mn_experiment_free(experiment);
    return status;
}

/* How many images were looked at to have the data. */
static int64_t made(const char *network, const char *key, const char *value)
{
    seen s = {.stop = -1};
    mn_dataset *dataset;
    ck_assert_ok(read_with(network, key, value, &s, &dataset));
    ck_assert_int_eq(dataset->train.count, TRAIN);
    mn_dataset_free(dataset);
    return s.asked > 0 ? ALL - s.first : 0;
}

/* The path of the one file of features in the folder; "": there is none. */
static const char *kept_file(void)
{
    static char path[512];
    DIR *folder = opendir(scratch_folder);
    path[0] = '\0';
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const size_t length = strlen(entry->d_name);
        if (length > 12 && strcmp(entry->d_name + length - 12, ".safetensors") == 0) {
            ck_assert_str_eq(path, "");
            snprintf(path, sizeof path, "%s/%s", scratch_folder, entry->d_name);
        }
    }
    closedir(folder);
    return path;
}

static mn_dataset *written(void)
{
    char path[128], options[256];
    mn_dataset *dataset;
    mn_experiment *experiment;
    const mn_features_spec spec = {NULL, MN_ROW_F32};
    snprintf(path, sizeof path, "%s/written", scratch_folder);
    snprintf(options, sizeof options, "{\"path\": \"%s\", \"dtype\": \"f32\"}", path);
    ck_assert_ok(mn_experiment_new("split-synthetic", NULL, &experiment));
    ck_assert_ok(mn_experiment_set(experiment, "network.widths", "20"));
    ck_assert_ok(mn_experiment_resolve(experiment));
    ck_assert_ok(mn_features_write(experiment, &spec, path, NULL));
    mn_experiment_free(experiment);
    char named[160];
    snprintf(named, sizeof named, "%s.safetensors", path);
    ck_assert_int_eq(rename(path, named), 0);
    snprintf(options, sizeof options, "{\"path\": \"%s\", \"dtype\": \"f32\"}", named);
    ck_assert_ok(mn_dataset_open("npy", options, NULL, &dataset));
    ck_assert_int_eq(unlink(named), 0);
    return dataset;
}

START_TEST(features_stand_in_place_of_the_images)
{
    scratch_new();
    seen s = {.stop = -1};
    mn_dataset *dataset, *images, *file = written();
    uint32_t of_features, of_images;
    ck_assert_ok(read_with(hidden, NULL, NULL, &s, &dataset));
    ck_assert_ok(read_with("", NULL, NULL, &s, &images));
    ck_assert_int_eq(dataset->type, MN_ROW_F32);
    ck_assert_int_eq(dataset->channels * dataset->height * dataset->width, WIDTH);
    const float *x = (const float *)(const void *)dataset->train.pixels;
    const float *expected = (const float *)(const void *)file->train.pixels;
    double most = 0;
    for (int64_t i = 0; i < (int64_t)TRAIN * WIDTH; i++) {
        ck_assert(fabsf(x[i] - expected[i]) <= 1e-5f);
        most = fmax(most, (double)fabsf(x[i]));
    }
    ck_assert(most > 0.01);
    ck_assert_mem_eq(dataset->train.labels, file->train.labels, TRAIN * sizeof(int32_t));
    ck_assert_mem_eq(dataset->test.labels, file->test.labels, TEST * sizeof(int32_t));
    ck_assert_ok(mn_dataset_digest(dataset, &of_features));
    ck_assert_ok(mn_dataset_digest(images, &of_images));
    ck_assert_uint_eq(of_features, of_images);
    ck_assert_str_eq(dataset->name, "synthetic");
    ck_assert_ptr_nonnull(strstr(dataset->notes, kept_file()));
    mn_dataset_free(dataset);
    mn_dataset_free(images);
    mn_dataset_free(file);
    scratch_remove();
}
END_TEST

START_TEST(they_are_made_once_for_data_and_weights)
{
    scratch_new();
    ck_assert_int_eq(made(hidden, NULL, NULL), ALL);
    ck_assert_int_eq(made(hidden, NULL, NULL), 0);
    ck_assert_int_eq(made(hidden, "lr", "0.7"), 0);
    ck_assert_int_eq(made(hidden, "stream.tasks", "2"), 0);
    ck_assert_int_eq(made(hidden, "seed", "1"), ALL); /* draws other weights */
    ck_assert_int_eq(made(hidden, "dataset.seed", "9"), ALL);
    ck_assert_int_eq(made(hidden, "features.mean", "0.5"), ALL);
    ck_assert_int_eq(made(hidden, "features.type", "u8"), ALL);
    ck_assert_int_eq(made("{\"name\": \"mlp\", \"widths\": \"21\"}", NULL, NULL), ALL);
    ck_assert_int_eq(made(hidden, "features.type", "u8"), 0);
    ck_assert_int_eq(made(hidden, NULL, NULL), 0);
    scratch_remove();
}
END_TEST

static void write_table(const char *path, double value)
{
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs("a,b,label\n", out);
    for (int i = 0; i < 40; i++)
        fprintf(out, "%d,%g,%s\n", i * i % 7, value * i, i % 2 == 0 ? "even" : "odd");
    ck_assert_int_eq(fclose(out), 0);
}

static bool count_images(void *context, int64_t done, int64_t all)
{
    (void)done;
    *(int64_t *)context = all;
    return true;
}

static int64_t made_of_table(const char *path)
{
    int64_t images = 0;
    char benchmark[160];
    mn_dataset *dataset;
    mn_experiment *experiment;
    const mn_pack_watch watch = {&images, count_images};
    snprintf(benchmark, sizeof benchmark, "%s/b.json", scratch_folder);
    FILE *out = fopen(benchmark, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(
        out,
        "{\"dataset\": {\"name\": \"csv\", \"path\": \"%s\", \"label\": \"label\"}, \"stream\": "
        "{\"tasks\": 1}, \"features\": {\"network\": {\"name\": \"mlp\", \"widths\": [3]}, "
        "\"cache\": \"%s\"}}",
        path, scratch_folder);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_ok(mn_experiment_new(benchmark, NULL, &experiment));
    ck_assert_ok(mn_experiment_resolve(experiment));
    mn_experiment_watch(experiment, &watch);
    ck_assert_ok(mn_experiment_dataset(experiment, &dataset));
    ck_assert_int_eq(dataset->width, 3);
    mn_dataset_free(dataset);
    mn_experiment_free(experiment);
    return images;
}

START_TEST(they_are_made_again_of_other_data_in_the_same_place)
{
    scratch_new();
    char path[160];
    snprintf(path, sizeof path, "%s/t.csv", scratch_folder);
    write_table(path, 0.5);
    ck_assert_int_eq(made_of_table(path), 40);
    ck_assert_int_eq(made_of_table(path), 0);
    write_table(path, -0.5);
    ck_assert_int_eq(made_of_table(path), 40);
    ck_assert_int_eq(made_of_table(path), 0);
    ck_assert_str_ne(kept_file(), ""); /* in place of the old one */
    scratch_remove();
}
END_TEST

START_TEST(one_that_was_stopped_goes_on_and_shows_nothing_before_it_is_whole)
{
    scratch_new();
    seen s = {.stop = 500}, on = {.stop = -1};
    mn_dataset *dataset;
    ck_assert_fails(read_with(hidden, NULL, NULL, &s, &dataset), MN_INTERRUPTED,
                    "stopped after 500 of 1500 images");
    ck_assert_str_eq(kept_file(), "");
    ck_assert_ok(read_with(hidden, NULL, NULL, &on, &dataset));
    ck_assert_int_eq(on.first, 500);
    ck_assert_str_ne(kept_file(), "");
    mn_dataset_free(dataset);
    scratch_remove();
}
END_TEST

START_TEST(one_that_is_cut_off_is_made_again)
{
    scratch_new();
    struct stat is;
    ck_assert_int_eq(made(hidden, NULL, NULL), ALL);
    ck_assert_int_eq(stat(kept_file(), &is), 0);
    ck_assert_int_eq(truncate(kept_file(), is.st_size - 8), 0);
    ck_assert_int_eq(made(hidden, NULL, NULL), ALL);
    ck_assert_int_eq(made(hidden, NULL, NULL), 0);
    scratch_remove();
}
END_TEST

/* As where the disk is full: files end at so many bytes. */
START_TEST(a_full_disk_leaves_nothing_half_written)
{
    scratch_new();
    struct rlimit before, limit;
    mn_dataset *dataset;
    seen s = {.stop = -1};
    static const rlim_t ends[] = {2048, 30000, 124500}; /* its beginning, its rows, the file */
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    for (int i = 0; i < 3; i++) {
        limit = before;
        limit.rlim_cur = ends[i];
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        const mn_status status = read_with(hidden, NULL, NULL, &s, &dataset);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
        ck_assert_int_eq(status, MN_IO_FAILED);
        ck_assert_str_eq(kept_file(), "");
    }
    ck_assert_int_lt(made(hidden, NULL, NULL), ALL); /* rows that fitted are not made again */
    scratch_remove();
}
END_TEST

START_TEST(two_processes_make_them_once)
{
    scratch_new();
    mn_dataset *dataset;
    seen s = {.stop = -1};
    const struct timespec a_while = {.tv_nsec = 100000000};
    const pid_t child = fork();
    if (child == 0) {
        s.pause = 50000000;
        _exit(read_with(hidden, NULL, NULL, &s, &dataset) == MN_OK && s.asked > 0 ? 0 : 1);
    }
    char part[64];
    DIR *folder;
    for (part[0] = '\0'; part[0] == '\0'; nanosleep(&a_while, NULL)) {
        folder = opendir(scratch_folder);
        for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
            if (strstr(entry->d_name, ".part") != NULL)
                snprintf(part, sizeof part, "%.60s", entry->d_name);
        closedir(folder);
    }
    int ended;
    ck_assert_ok(read_with(hidden, NULL, NULL, &s, &dataset));
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    ck_assert_int_eq(ended, 0);
    ck_assert_int_gt(s.asked, 0); /* it waited, */
    ck_assert_int_eq(s.last, 0);  /* and made none */
    mn_dataset_free(dataset);
    scratch_remove();
}
END_TEST

static void refuses(const char *network, const char *key, const char *value, mn_status expected,
                    const char *says)
{
    mn_experiment *experiment;
    mn_dataset *dataset;
    ck_assert_ok(mn_experiment_new("split-synthetic", NULL, &experiment));
    ck_assert_ok(mn_experiment_set(experiment, "features.network", network));
    ck_assert_ok(mn_experiment_set(experiment, "features.cache", scratch_folder));
    ck_assert_ok(mn_experiment_set(experiment, key, value));
    mn_status status = mn_experiment_resolve(experiment);
    if (status == MN_OK)
        status = mn_experiment_dataset(experiment, &dataset);
    ck_assert_fails(status, expected, says);
    mn_experiment_free(experiment);
}

START_TEST(what_makes_no_sense_is_refused_before_anything_is_made)
{
    scratch_new();
    refuses("mlpp", "seed", "0", MN_BAD_OPTION, "did you mean 'mlp'?");
    refuses("{\"widths\": \"20\"}", "seed", "0", MN_BAD_OPTION, "has no \"name\"");
    refuses("{\"name\": \"mlp\", \"width\": 20}", "seed", "0", MN_BAD_OPTION, "widths");
    refuses("mlp", "features.layer", "layer9", MN_NOT_FOUND, "this network has hidden1");
    refuses("mlp", "features.mean", "1,2,3", MN_BAD_OPTION, "features.mean: '1,2,3'");
    refuses("mlp", "features.init", "/nowhere.safetensors", MN_NOT_FOUND, "/nowhere.safetensors");
    refuses("mlp", "augment.flip", "true", MN_BAD_OPTION, "--no-augment");
    refuses("", "features.init", "x.safetensors", MN_BAD_OPTION, "features.network");
    refuses("mlp", "stream.tasks", "4", MN_BAD_OPTION, "stream.tasks");
    refuses("mlp", "features.cache", "/proc/none", MN_IO_FAILED, "/proc/none");
    ck_assert_str_eq(kept_file(), "");
    mn_experiment *experiment = experiment_with(hidden, NULL, NULL);
    const mn_features_spec spec = {NULL, MN_ROW_F32};
    ck_assert_fails(mn_features_write(experiment, &spec, scratch_path, NULL), MN_BAD_OPTION,
                    "names the network of its features itself");
    mn_experiment_free(experiment);
    scratch_remove();
}
END_TEST

MN_SUITE("kept features", features_stand_in_place_of_the_images,
         they_are_made_once_for_data_and_weights,
         they_are_made_again_of_other_data_in_the_same_place,
         one_that_was_stopped_goes_on_and_shows_nothing_before_it_is_whole,
         one_that_is_cut_off_is_made_again, a_full_disk_leaves_nothing_half_written,
         two_processes_make_them_once, what_makes_no_sense_is_refused_before_anything_is_made)
