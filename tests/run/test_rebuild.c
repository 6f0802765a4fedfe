/* The learner destroyed and rebuilt from the file at every commit gives the bytes of an undisturbed
 * run: every registered strategy on every benchmark whose data are here.  A new strategy joins by
 * existing; what it forgot to declare in `open` shows up here. */
#include "tensor/kernels.h"
#include "tests/run_files.h"
#include "tests/suite.h"
#include "tests/uses/uses.h"

#include <mneme/buffer.h>
#include <mneme/data.h>
#include <mneme/layers.h>
#include <mneme/strategy.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Enough steps to cross every boundary, and short. */
static const test_setting undisturbed[] = {
    {"commit_steps", "37"}, {"buffer_size", "60"}, {"eval_every", "50"}, {"log_every", "7"},
    {"batch", "128"},       {"threads", "1"},      {NULL, NULL}};

/* Networks that need hours for these; drawn figures stand in for their data elsewhere. */
static bool is_long(const char *benchmark)
{
    return strstr(benchmark, "cifar") != NULL || strstr(benchmark, "ssl-fmnist") != NULL ||
           strstr(benchmark, "fmnist-b4") != NULL || strstr(benchmark, "vandeven") != NULL;
}

/* The benchmarks on drawn figures run everywhere and fast; those on real data are a test apart. */
static bool is_drawn(const char *benchmark)
{
    return strstr(benchmark, "synthetic") != NULL;
}

static const char *precision = "f32";
static const test_setting *besides; /* what is set behind a test's own key; NULL: nothing */

static bool compare(const char *folder, const char *benchmark, const char *strategy,
                    const char *key, const char *value)
{
    char plain[600], rebuilt[600];
    snprintf(plain, sizeof plain, "%s/plain.mneme", folder);
    snprintf(rebuilt, sizeof rebuilt, "%s/rebuilt.mneme", folder);
    mn_status status = MN_OK;
    for (int i = 0; i < 2 && status == MN_OK; i++) {
        mn_experiment *experiment = NULL;
        ck_assert_ok(mn_experiment_new(benchmark, strategy, &experiment));
        for (const test_setting *s = undisturbed; s->key != NULL; s++)
            if (key == NULL || strcmp(key, "buffer_bytes") != 0 ||
                strcmp(s->key, "buffer_size") != 0)
                ck_assert_ok(mn_experiment_set(experiment, s->key, s->value));
        if (!is_drawn(benchmark)) { /* the real ones are long: a commit within a task does */
            ck_assert_ok(mn_experiment_set(experiment, "steps", "45"));
            ck_assert_ok(mn_experiment_set(experiment, "eval_every", "90"));
            if (strstr(benchmark, "360") == NULL) /* which has none */
                ck_assert_ok(mn_experiment_set(experiment, "stream.tasks", "2"));
            /* where no recipe was made, a strategy may diverge at the benchmark's rate */
            ck_assert_ok(mn_experiment_set(experiment, "lr", "0.03"));
        }
        ck_assert_ok(mn_experiment_set(experiment, "precision", precision));
        if (key != NULL)
            ck_assert_ok(mn_experiment_set(experiment, key, value));
        for (const test_setting *s = besides; s != NULL && s->key != NULL; s++)
            ck_assert_ok(mn_experiment_set(experiment, s->key, s->value));
        if (i == 1)
            ck_assert_ok(mn_experiment_set(experiment, "rebuild", "true"));
        const char *path = i == 0 ? plain : rebuilt;
        test_remove(path);
        status = mn_experiment_run(experiment, path, NULL);
        mn_experiment_free(experiment);
    }
    if (status == MN_NOT_FOUND || status == MN_UNSUPPORTED) {
        printf("%s on %s: not run: %s\n", strategy, benchmark, mn_error());
        return false;
    }
    ck_assert_msg(status == MN_OK, "%s on %s: %s", strategy, benchmark, mn_error());
    test_same_run(plain, rebuilt);
    test_remove(plain);
    test_remove(rebuilt);
    return true;
}

START_TEST(every_strategy_on_every_benchmark)
{
    const char *folder = test_folder("rebuild"), *benchmark;
    const bool real = getenv("MNEME_TEST_REAL") != NULL;
    int compared = 0, of_strategy[64] = {0};
    mn_benchmarks *benchmarks;
    if (!real) /* their settings are for drawn figures */
        test_register_uses();
    ck_assert_ok(mn_benchmarks_new(&benchmarks));
    for (int b = 0; (benchmark = mn_benchmark(benchmarks, b, NULL)) != NULL; b++) {
        if (is_long(benchmark) || is_drawn(benchmark) == real)
            continue;
        for (int s = 0; mn_registered(MN_KIND_STRATEGY, s) != NULL; s++) {
            const mn_strategy *strategy = (const void *)mn_registered(MN_KIND_STRATEGY, s);
            /* real benchmarks differ in their streams: all strategies on one, one on all */
            if (!is_drawn(benchmark) && strcmp(benchmark, "split-fmnist") != 0 &&
                strcmp(strategy->name, "derpp") != 0)
                continue;
            ck_assert_int_lt(s, 64);
            const bool ran = compare(folder, benchmark, strategy->name, NULL, NULL);
            compared += ran;
            of_strategy[s] += ran;
        }
    }
    mn_benchmarks_free(benchmarks);
    printf("%d runs compared\n", compared);
    for (int s = 0; !real && mn_registered(MN_KIND_STRATEGY, s) != NULL; s++)
        ck_assert_msg(of_strategy[s] > 0, "%s was refused on every benchmark",
                      mn_registered(MN_KIND_STRATEGY, s)->name);
    (void)rmdir(folder);
}
END_TEST

/* Maps are needed by some, attentions by others. */
static bool compare_somewhere(const char *folder, const char *strategy, const char *key,
                              const char *value)
{
    return compare(folder, "split-synthetic", strategy, key, value) ||
           compare(folder, "maps-synthetic", strategy, key, value) ||
           compare(folder, "attention-synthetic", strategy, key, value);
}

/* Each choice of each strategy's options that is not its default, and the numbers that open a way
 * of their own.  An option joins by existing. */
START_TEST(every_choice_of_every_strategy)
{
    static const char *const others[][3] = {{"mog-replay", "mog-replay.components", "2"},
                                            {"er+ncm", "ncm.from", "buffer"},
                                            {"derpp+condensed", "condensed.iterations", "7"},
                                            {"gdumb+condensed", "condensed.iterations", "7"},
                                            {"er+squeeze-span", "squeeze-span.rows", "12"},
                                            {"dgr+squeeze-span", "squeeze-span.share", "0.3"}};
    const char *folder = test_folder("rebuild-choices");
    char key[128];
    int compared = 0;
    test_register_uses();
    for (int s = 0; mn_registered(MN_KIND_STRATEGY, s) != NULL; s++) {
        const mn_strategy *strategy = (const void *)mn_registered(MN_KIND_STRATEGY, s);
        const mn_option *option = strategy->options;
        for (; option != NULL && option->name != NULL; option++) {
            snprintf(key, sizeof key, "%s.%s", strategy->name, option->name);
            if (option->type == MN_OPTION_BOOL)
                compared += compare_somewhere(folder, strategy->name, key,
                                              option->default_bool ? "false" : "true");
            for (int c = 0; option->type == MN_OPTION_CHOICE && option->choices[c] != NULL; c++)
                if (c != option->default_int)
                    compared += compare_somewhere(folder, strategy->name, key, option->choices[c]);
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert(compare_somewhere(folder, others[i][0], others[i][1], others[i][2]));
    printf("%d choices compared\n", compared);
    ck_assert_int_gt(compared, 0);
    (void)rmdir(folder);
}
END_TEST

START_TEST(every_buffer_policy)
{
    const char *folder = test_folder("rebuild-policy");
    for (int i = 0; mn_registered(MN_KIND_POLICY, i) != NULL; i++)
        ck_assert(compare(folder, "split-synthetic", "derpp", "buffer_policy",
                          mn_registered(MN_KIND_POLICY, i)->name));
    (void)rmdir(folder);
}
END_TEST

START_TEST(every_kind_of_optimiser_state)
{
    const char *folder = test_folder("rebuild-optimiser");
    ck_assert(compare(folder, "split-synthetic", "er", "optimiser.momentum", "0.9"));
    ck_assert(compare(folder, "split-synthetic", "er", "optimiser.name", "adam"));
    ck_assert(compare(folder, "split-synthetic", "er", "network.batch_norm", "true"));
    ck_assert(compare(folder, "split-synthetic", "er", "schedule.name", "cosine"));
    (void)rmdir(folder);
}
END_TEST

/* Convolutions, running statistics, layouts that the file knows nothing of, and dropout.  Networks
 * are narrow and tasks short: under the lowest instruction sets oneDNN's own reference code
 * convolves. */
START_TEST(networks_on_images)
{
    static const test_setting shared[] = {{"steps", "15"},
                                          {"commit_steps", "6"},
                                          {"batch", "16"},
                                          {"dataset.size", "8"},
                                          {"dataset.test_per_class", "10"}};
    static const struct {
        const char *strategy, *network;
        test_setting settings[6];
    } runs[] = {{"derpp", "resnet18-reduced", {{"network.width", "8"}}},
                {"er", "convnet", {{"network.width", "8"}}},
                {"er", "mobilenet-v2", {{"network.width", "0.25"}}},
                {"derpp",
                 "wide-resnet",
                 {{"network.depth", "10"}, {"network.widen", "1"}, {"network.dropout", "0.3"}}},
                {"derpp",
                 "vit",
                 {{"network.patch", "4"},
                  {"network.width", "16"},
                  {"network.depth", "2"},
                  {"network.heads", "2"},
                  {"network.drop_path", "0.5"}}}};
    enum { SHARED = sizeof shared / sizeof *shared, OWN = sizeof runs->settings / sizeof *shared };
    test_setting settings[SHARED + OWN];
    memcpy(settings, shared, sizeof shared);
    const char *folder = test_folder("rebuild-images");
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        memcpy(settings + SHARED, runs[i].settings, sizeof runs[i].settings);
        besides = settings;
        ck_assert(
            compare(folder, "split-synthetic", runs[i].strategy, "network.name", runs[i].network));
    }
    besides = NULL;
    (void)rmdir(folder);
}
END_TEST

/* Each head, the loss of one task's outputs, and who shares or refuses it. */
START_TEST(every_head_of_a_network)
{
    static const test_setting own[] = {{"er.classes", "task"}, {NULL, NULL}};
    static const test_setting own_of_base[] = {{"finetune.classes", "task"}, {NULL, NULL}};
    const char *folder = test_folder("rebuild-heads");
    for (int i = 1; mn_head_kinds[i] != NULL; i++)
        ck_assert(compare(folder, "split-synthetic", "derpp", "network.head", mn_head_kinds[i]));
    ck_assert(compare(folder, "split-synthetic", "lucir", "network.head", "cosine"));
    ck_assert(!compare(folder, "split-synthetic", "lucir", "network.head", "multi"));
    ck_assert_ptr_nonnull(strstr(mn_error(), "set network.head=cosine"));
    besides = own;
    ck_assert(compare(folder, "split-synthetic", "er", "network.head", "multi"));
    besides = own_of_base;
    ck_assert(compare(folder, "split-synthetic", "finetune+lwf+ewc", "network.head", "multi"));
    besides = NULL;
    ck_assert(!compare(folder, "perm-synthetic", "er", "network.head", "multi"));
    ck_assert_ptr_nonnull(strstr(mn_error(), "the tasks of this stream share their classes"));
    (void)rmdir(folder);
}
END_TEST

/* Add-ons on a transformer, and who has no attention, or not so many. */
START_TEST(attentions_that_stay)
{
    static const char *const strategies[] = {"er+pad",           "derpp+pad",  "lwf+pad",
                                             "finetune+ewc+pad", "er+crd+pad", "finetune+si"};
    const char *folder = test_folder("rebuild-attentions");
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++)
        ck_assert(compare(folder, "attention-synthetic", strategies[i], NULL, NULL));
    ck_assert(compare(folder, "attention-synthetic", "lwf+pad", "network.head", "multi"));
    ck_assert(compare(folder, "attention-synthetic", "pad", "pad.layers", "2"));
    ck_assert(compare(folder, "attention-synthetic", "lwf", "lwf.smoothing", "1e-5"));
    ck_assert(compare(folder, "maps-synthetic", "pad", "pad.on", "maps"));
    ck_assert(!compare(folder, "attention-synthetic", "pad", "pad.layers", "1,3"));
    ck_assert_ptr_nonnull(strstr(mn_error(), "the network has no layer 3"));
    ck_assert(!compare(folder, "maps-synthetic", "pad", NULL, NULL));
    ck_assert_ptr_nonnull(strstr(mn_error(), "the network has no attention"));
    ck_assert(!compare(folder, "split-synthetic", "pad", "pad.on", "maps"));
    ck_assert_ptr_nonnull(strstr(mn_error(), "has no places to pool"));
    (void)rmdir(folder);
}
END_TEST

START_TEST(networks_on_images_in_bf16)
{
    static const test_setting narrow[] = {{"network.width", "8"}, {"steps", "15"}, {NULL, NULL}};
    const char *folder = test_folder("rebuild-bf16");
    precision = "bf16";
    besides = narrow;
    if (mn_kernels_precision(MN_BF16) == MN_OK)
        ck_assert(compare(folder, "split-synthetic", "derpp", "network.name", "resnet18-reduced"));
    else
        fprintf(stderr, "not tried: bf16, from which this processor gains nothing\n");
    besides = NULL;
    precision = "f32";
    (void)rmdir(folder);
}
END_TEST

START_TEST(augmented_and_unshuffled_streams)
{
    const char *folder = test_folder("rebuild-augment");
    ck_assert(compare(folder, "split-synthetic", "derpp", "augment.pad", "2"));
    ck_assert(compare(folder, "split-synthetic", "er", "augment.flip", "true"));
    ck_assert(compare(folder, "split-synthetic", "er", "shuffle", "false"));
    (void)rmdir(folder);
}
END_TEST

START_TEST(several_epochs_and_partly_labelled_streams)
{
    const char *folder = test_folder("rebuild-labels");
    ck_assert(compare(folder, "split-synthetic", "derpp", "epochs", "3"));
    ck_assert(compare(folder, "split-synthetic", "derpp", "steps", "41"));
    ck_assert(compare(folder, "split-synthetic", "derpp", "keep_moments", "true"));
    ck_assert(compare(folder, "split-synthetic", "derpp", "labels.fraction", "0.3"));
    ck_assert(compare(folder, "split-synthetic", "derpp", "validation", "0.2"));
    ck_assert(compare(folder, "split-synthetic", "derpp", "labels.noise", "0.3"));
    ck_assert(compare(folder, "split-synthetic", "derpp", "stream.blur", "0.2"));
    ck_assert(compare(folder, "split-synthetic", "derpp", "stream.imbalance", "10"));
    ck_assert(compare(folder, "split-synthetic", "derpp", "first_epochs", "2"));
    ck_assert(compare(folder, "split-synthetic", "derpp", "buffer_bytes", "50000"));
    (void)rmdir(folder);
}
END_TEST

/* Image and logits of a figure take 220 bytes: twelve of sixty rows are in memory. */
START_TEST(a_buffer_larger_than_its_memory)
{
    const char *folder = test_folder("rebuild-memory");
    char whole[600], limited[600];
    test_setting settings[8] = {{"commit_steps", "17"}, {"buffer_size", "60"}, {"batch", "64"}};
    snprintf(whole, sizeof whole, "%s/whole.mneme", folder);
    snprintf(limited, sizeof limited, "%s/limited.mneme", folder);
    for (int i = 0; mn_registered(MN_KIND_POLICY, i) != NULL; i++) {
        settings[3] = (test_setting){"buffer_policy", mn_registered(MN_KIND_POLICY, i)->name};
        settings[4] = (test_setting){NULL, NULL};
        test_run("split-synthetic", "derpp", settings, whole);
        settings[4] = (test_setting){"buffer_memory", "2700"};
        test_run("split-synthetic", "derpp", settings, limited);
        test_same_run(whole, limited);
        settings[5] = (test_setting){"rebuild", "true"};
        test_run("split-synthetic", "derpp", settings, limited);
        test_same_run(whole, limited);
        settings[5] = (test_setting){NULL, NULL};
    }
    test_remove(whole);
    test_remove(limited);
    (void)rmdir(folder);
}
END_TEST

/* On real data there must be some: all strategies run on Fashion-MNIST. */
START_TEST(every_codec)
{
    static const char *const runs[][2] = {{"gdumb", "resize:7"},  {"er", "project:12"},
                                          {"er+ncm", "resize:5"}, {"knn", "project:12"},
                                          {"derpp", "resize:7"},  {"icarl", "project:20"}};
    static const test_setting native[] = {
        {"codec_consumption", "native"}, {"buffer_values", "u4"}, {NULL, NULL}};
    const char *folder = test_folder("rebuild-codec");
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        ck_assert(compare(folder, "split-synthetic", runs[i][0], "codec", runs[i][1]));
        besides = native;
        ck_assert(compare(folder, "split-synthetic", runs[i][0], "codec", runs[i][1]));
        besides = NULL;
    }
    (void)rmdir(folder);
}
END_TEST

static const char *why_not(void)
{
    mn_dataset *dataset = NULL;
    if (getenv("MNEME_TEST_REAL") == NULL)
        return NULL;
    const mn_status status = mn_dataset_open("fashion-mnist", NULL, NULL, &dataset);
    mn_dataset_free(dataset);
    return status == MN_NOT_FOUND ? mn_error() : NULL;
}

MN_SUITE_UNLESS(why_not(), "rebuild", every_strategy_on_every_benchmark,
                every_choice_of_every_strategy, every_buffer_policy, every_kind_of_optimiser_state,
                every_head_of_a_network, attentions_that_stay, networks_on_images,
                networks_on_images_in_bf16, every_codec, augmented_and_unshuffled_streams,
                several_epochs_and_partly_labelled_streams, a_buffer_larger_than_its_memory)
