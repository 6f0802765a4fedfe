/* Weights from elsewhere: whoever named them, they find their place or are named; a run that began
 * with them never needs their file again; and what is exported is what another run begins with. */
#include "base/registry.h"
#include "nn/weights.h"
#include "store/runfile.h"
#include "tensor/file/safetensors.h"
#include "tensor/file/safetensors_write.h"
#include "tests/run_files.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <mneme/observer.h>
#include <mneme/results.h>
#include <mneme/strategy.h>
#include <unistd.h>

static const char *path_of(const char *name)
{
    static char path[4][256];
    static int next;
    char *made = path[next++ % 4];
    snprintf(made, 256, "%s/%s", scratch_folder, name);
    return made;
}

/* --- a network with the names of a small residual one ------------------------------------------
 */

static mn_status build(mn_network *network, const void *options)
{
    (void)options;
    const int64_t classes = mn_network_spec_of(network)->classes;
    MN_TRY(mn_network_parameter_add(network, "conv1.weight", MN_WEIGHT, false, MN_SHAPE(4, 3),
                                    MN_INITIAL_KAIMING_NORMAL));
    MN_TRY(mn_network_parameter_add(network, "bn1.weight", MN_NORM_SCALE, false, MN_SHAPE(4),
                                    MN_INITIAL_ONE));
    MN_TRY(mn_network_parameter_add(network, "layer2.0.shortcut.0.weight", MN_WEIGHT, false,
                                    MN_SHAPE(5, 4), MN_INITIAL_KAIMING_NORMAL));
    MN_TRY(mn_network_parameter_add(network, "classifier.weight", MN_WEIGHT, true,
                                    MN_SHAPE(classes, 5), MN_INITIAL_KAIMING_NORMAL));
    return mn_network_statistic_add(network, "bn1.running_var", MN_SHAPE(4), 1);
}

static mn_forwarded forward(mn_network *network, const void *options, mn_var *x, mn_mode mode)
{
    (void)network;
    (void)options;
    (void)mode;
    return (mn_forwarded){x, x, NULL};
}

static const mn_network_type small = {MN_NETWORK_HEADER, .name = "small", .build = build,
                                      .forward = forward};

static mn_network *small_network(uint64_t seed)
{
    const mn_network_spec spec = {"small", NULL, MN_SHAPE(3), 2};
    mn_network *network;
    if (mn_find(MN_KIND_NETWORK, "small") == NULL)
        ck_assert_ok(mn_register(MN_KIND_NETWORK, &small));
    ck_assert_ok(mn_network_new(&spec, mn_key_of(seed, "test"), &network));
    return network;
}

enum { TENSORS = 5 };
static float numbers[64]; /* tensor t holds numbers[t].. */

/* A file of the small network's tensors in its own order, under these names; NULL leaves one out.
 */
static void write_named(const char *const names[TENSORS], const mn_named_values *also, int more)
{
    static const mn_shape shapes[TENSORS] = {
        {2, {4, 3}}, {1, {4}}, {2, {5, 4}}, {2, {2, 5}}, {1, {4}}};
    mn_named_values tensors[TENSORS + 8];
    int count = 0;
    for (int i = 0; i < 64; i++)
        numbers[i] = (float)(i + 1);
    for (int t = 0; t < TENSORS; t++)
        if (names[t] != NULL)
            tensors[count++] = (mn_named_values){names[t], shapes[t], numbers + t, MN_VALUES_F32};
    for (int i = 0; i < more; i++)
        tensors[count++] = also[i];
    ck_assert_ok(mn_safetensors_write(path_of("in.safetensors"), tensors, count));
}

static mn_status load(mn_network *network, bool head)
{
    char digest[MN_DIGEST_TEXT];
    ck_assert_ok(mn_safetensors_file_digest(path_of("in.safetensors"), digest));
    return mn_weights_load(network, path_of("in.safetensors"), digest, head);
}

static float first_of(const mn_tensor *tensor)
{
    float values[64];
    ck_assert_ok(mn_tensor_read(tensor, values, mn_tensor_bytes(tensor)));
    return values[0];
}

static void check_loaded(mn_network *network, bool head)
{
    for (int i = 0; i < 4; i++)
        if (i < 3 || head)
            ck_assert(first_of(mn_network_parameter(network, i)->value) == (float)(i + 1));
    ck_assert(first_of(mn_network_statistic(network, 0, NULL)) == 5.0f);
}

static void check_names(const char *const names[TENSORS])
{
    mn_network *network = small_network(0);
    write_named(names, NULL, 0);
    ck_assert_ok(load(network, true));
    check_loaded(network, true);
    mn_network_free(network);
}

static const char *const own[TENSORS] = {"conv1.weight", "bn1.weight", "layer2.0.shortcut.0.weight",
                                         "classifier.weight", "bn1.running_var"};

START_TEST(everybodys_names_are_understood)
{
    static const char *const torchvision[TENSORS] = {"conv1.weight", "bn1.weight",
                                                     "layer2.0.downsample.0.weight", "fc.weight",
                                                     "bn1.running_var"};
    static const char *const mammoth[TENSORS] = {"net.conv1.weight", "net.bn1.weight",
                                                 "net.layer2.0.shortcut.0.weight",
                                                 "net.linear.weight", "net.bn1.running_var"};
    static const char *const wrapped[TENSORS] = {
        "module.model.conv1.weight", "module.model.bn1.weight",
        "module.model.layer2.0.downsample.0.weight", "module.model.classifier.weight",
        "module.model.bn1.running_var"};
    scratch_new();
    check_names(own);
    check_names(torchvision);
    check_names(mammoth);
    check_names(wrapped);
    scratch_remove();
}
END_TEST

START_TEST(counters_and_modules_saved_twice_are_no_trouble)
{
    scratch_new();
    const mn_named_values also[] = {
        {"bn1.num_batches_tracked", MN_SHAPE(1), numbers + 60, MN_VALUES_F32},
        {"_features.0.weight", MN_SHAPE(4, 3), numbers, MN_VALUES_F32},
        {"linear.weight", MN_SHAPE(2, 5), numbers + 3, MN_VALUES_F32}};
    mn_network *network = small_network(0);
    write_named(own, also, 3);
    ck_assert_ok(load(network, true));
    check_loaded(network, true);
    const mn_named_values other = {"linear.weight", MN_SHAPE(2, 5), numbers + 4, MN_VALUES_F32};
    write_named(own, &other, 1);
    ck_assert_fails(load(network, true), MN_BAD_VALUE, "both the network's classifier.weight");
    mn_network_free(network);
    scratch_remove();
}
END_TEST

START_TEST(what_does_not_fit_is_named_in_one_line)
{
    static const char *const without[TENSORS] = {"conv1.weight", NULL, NULL, "classifier.weight",
                                                 "bn1.running_var"};
    static const char *const headless[TENSORS] = {
        "conv1.weight", "bn1.weight", "layer2.0.shortcut.0.weight", NULL, "bn1.running_var"};
    scratch_new();
    mn_network *network = small_network(0);
    const mn_named_values also[] = {{"layer9.weight", MN_SHAPE(4, 3), numbers + 9, MN_VALUES_F32},
                                    {"bn1.weight", MN_SHAPE(7), numbers, MN_VALUES_F32}};
    write_named(without, also, 2);
    ck_assert_fails(load(network, true), MN_BAD_SHAPE,
                    "does not fit the network small; missing layer2.0.shortcut.0.weight; extra "
                    "layer9.weight; misshapen bn1.weight, which is (7) instead of (4)");
    ck_assert_ptr_null(strstr(mn_error(), "--no-init-head"));
    write_named(headless, NULL, 0);
    ck_assert_fails(load(network, true), MN_BAD_SHAPE,
                    "missing classifier.weight; --no-init-head loads everything else");
    ck_assert_fails(mn_weights_load(network, path_of("in.safetensors"), "00000000", true),
                    MN_CORRUPT, "the run is to begin with 00000000");
    mn_network_free(network);
    scratch_remove();
}
END_TEST

START_TEST(names_of_any_length_and_number_fit_in_one_line)
{
    scratch_new();
    mn_network *network = small_network(0);
    char longest[400];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    for (size_t dot = 250; dot < 260; dot++) {
        longest[dot] = '.';
        const mn_named_values also = {longest, MN_SHAPE(4, 3), numbers + 9, MN_VALUES_F32};
        write_named(own, &also, 1);
        ck_assert_fails(load(network, true), MN_BAD_SHAPE, "; extra 1 with long names");
        longest[dot] = 'x';
    }
    char texts[8][60];
    mn_named_values also[8];
    for (int i = 0; i < 8; i++) {
        snprintf(texts[i], sizeof texts[i], "some.module.that.nobody.here.knows.%d.weight", i);
        also[i] = (mn_named_values){texts[i], MN_SHAPE(4, 3), numbers + 9 + i, MN_VALUES_F32};
    }
    write_named(own, also, 8);
    ck_assert_fails(load(network, true), MN_BAD_SHAPE, "knows.3.weight and 4 more");
    mn_network_free(network);
    scratch_remove();
}
END_TEST

/* "fc" and "head" are others' classifiers; what only begins so is another layer. */
START_TEST(what_begins_like_a_head_is_none)
{
    static const char *const others[] = {"fc_features.weight", "headless.0.weight", "fc1.weight",
                                         "linear_relu_stack.0.weight"};
    scratch_new();
    mn_network *network = small_network(0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const mn_named_values also = {others[i], MN_SHAPE(4, 3), numbers + 9, MN_VALUES_F32};
        write_named(own, &also, 1);
        ck_assert_fails(load(network, false), MN_BAD_SHAPE, others[i]);
    }
    mn_network_free(network);
    scratch_remove();
}
END_TEST

START_TEST(a_head_that_is_left_out_may_be_anything)
{
    static const char *const headless[TENSORS] = {
        "conv1.weight", "bn1.weight", "layer2.0.shortcut.0.weight", NULL, "bn1.running_var"};
    scratch_new();
    mn_network *network = small_network(0), *untouched = small_network(0);
    const mn_named_values thousand = {"fc.weight", MN_SHAPE(10, 5), numbers, MN_VALUES_F32};
    for (int more = 0; more < 2; more++) {
        write_named(headless, &thousand, more);
        ck_assert_ok(load(network, false));
        check_loaded(network, false);
        ck_assert(first_of(mn_network_parameter(network, 3)->value) ==
                  first_of(mn_network_parameter(untouched, 3)->value));
    }
    mn_network_free(network);
    mn_network_free(untouched);
    scratch_remove();
}
END_TEST

/* --- whole runs --------------------------------------------------------------------------------
 */

static void check_same_bytes(const char *one, const char *other)
{
    char command[600];
    snprintf(command, sizeof command, "cmp '%s' '%s'", one, other);
    ck_assert_int_eq(system(command), 0);
}

/* What follows the header, which says which strategy trained. */
static size_t read_values(const char *path, char *values, size_t room)
{
    uint64_t header;
    FILE *file = fopen(path, "rb");
    ck_assert(file != NULL && fread(&header, sizeof header, 1, file) == 1);
    ck_assert_int_eq(fseek(file, (long)header, SEEK_CUR), 0);
    const size_t count = fread(values, 1, room, file);
    ck_assert_int_eq(fclose(file), 0);
    return count;
}

static void check_same_values(const char *one, const char *other)
{
    static char of_one[1 << 20], of_other[1 << 20];
    const size_t count = read_values(one, of_one, sizeof of_one);
    ck_assert_uint_gt(count, 0);
    ck_assert_uint_eq(read_values(other, of_other, sizeof of_other), count);
    ck_assert_mem_eq(of_one, of_other, count);
}

/* Trains a little, and exports to in.safetensors. */
static void export_some(void)
{
    const test_setting settings[] = {
        {"stream.tasks", "2"}, {"batch", "64"}, {"network.batch_norm", "true"}, {NULL, NULL}};
    test_run("split-synthetic", "finetune", settings, path_of("first.mneme"));
    ck_assert_ok(mn_export_weights(path_of("first.mneme"), path_of("in.safetensors")));
}

START_TEST(what_was_exported_is_what_a_run_begins_with)
{
    scratch_new();
    export_some();
    char init[256];
    snprintf(init, sizeof init, "%s", path_of("in.safetensors"));
    /* At a learning rate of 0 the weights stay; the statistics of batch norm are not weights. */
    const test_setting settings[] = {
        {"init", init}, {"lr", "0"}, {"stream.tasks", "2"}, {"batch", "6400"}, {NULL, NULL}};
    static const char same[] = "SELECT count(*) FROM tensor a JOIN tensor b ON b.name = "
                               "replace(a.name, 'run/initial/', 'run/network/') "
                               "WHERE a.name LIKE 'run/initial/%' AND a.name NOT LIKE '%running%' "
                               "AND a.data = b.data";
    test_run("split-synthetic", "finetune",
             (const test_setting[]){settings[0],
                                    settings[1],
                                    settings[2],
                                    settings[3],
                                    {"network.batch_norm", "true"},
                                    {NULL, NULL}},
             path_of("second.mneme"));
    ck_assert_int_eq(test_query(path_of("second.mneme"), same), 10);
    /* Without statistics the whole file comes back, byte for byte. */
    test_run("split-synthetic", "finetune", (const test_setting[]){{"batch", "64"}, {NULL, NULL}},
             path_of("plain.mneme"));
    ck_assert_ok(mn_export_weights(path_of("plain.mneme"), init));
    test_run("split-synthetic", "finetune",
             (const test_setting[]){settings[0], settings[1], settings[3], {NULL, NULL}},
             path_of("third.mneme"));
    ck_assert_ok(mn_export_weights(path_of("third.mneme"), path_of("out.safetensors")));
    check_same_bytes(init, path_of("out.safetensors"));
    scratch_remove();
}
END_TEST

typedef struct stopping {
    int64_t steps_left;
} stopping;

static bool stop_soon(void *context)
{
    stopping *when = context;
    return when->steps_left-- == 0;
}

/* joint begins every task with the initial weights, so it needs them long after the start. */
static void check_resume(bool head, const char *rebuild)
{
    char init[256];
    snprintf(init, sizeof init, "%s", path_of("in.safetensors"));
    const test_setting settings[] = {{"init", init},
                                     {"init_head", head ? "true" : "false"},
                                     {"batch", "64"},
                                     {"stream.tasks", "2"},
                                     {"network.batch_norm", "true"},
                                     {"commit_steps", "7"},
                                     {"rebuild", rebuild},
                                     {NULL, NULL}};
    char whole[256], stopped[256], hidden[256];
    snprintf(whole, sizeof whole, "%s", path_of("whole.mneme"));
    snprintf(stopped, sizeof stopped, "%s", path_of("stopped.mneme"));
    snprintf(hidden, sizeof hidden, "%s", path_of("hidden.safetensors"));
    test_run("split-synthetic", "joint", settings, whole);
    test_remove(stopped);
    stopping when = {10};
    const mn_observer observer = {.context = &when, .stop = stop_soon};
    mn_experiment *experiment = test_experiment("split-synthetic", "joint", settings);
    ck_assert_int_eq(mn_experiment_run(experiment, stopped, &observer), MN_INTERRUPTED);
    mn_experiment_free(experiment);
    ck_assert_int_eq(rename(init, hidden), 0); /* never needed again */
    ck_assert_ok(mn_resume(stopped, NULL));
    ck_assert_int_eq(rename(hidden, init), 0);
    test_same_run(whole, stopped);
    ck_assert_int_eq(test_query(stopped, "SELECT count(*) FROM tensor WHERE name LIKE "
                                         "'run/initial/classifier.%'"),
                     head ? 2 : 0);
}

START_TEST(a_run_that_began_with_a_file_never_needs_it_again)
{
    scratch_new();
    export_some();
    check_resume(true, "false");
    check_resume(false, "true");
    scratch_remove();
}
END_TEST

/* joint draws a network anew for each task: at a learning rate of 0 it must end with the file's. */
START_TEST(a_strategy_that_begins_again_begins_with_the_file)
{
    static const char moved[] =
        "SELECT count(*) FROM tensor a JOIN tensor b ON b.name = replace(a.name, 'run/initial/', "
        "'run/network/') WHERE a.name LIKE 'run/initial/%' AND a.data <> b.data";
    char init[256], own_heads[256];
    scratch_new();
    test_run("split-synthetic", "finetune", (const test_setting[]){{"batch", "64"}, {NULL, NULL}},
             path_of("first.mneme"));
    snprintf(init, sizeof init, "%s", path_of("in.safetensors"));
    ck_assert_ok(mn_export_weights(path_of("first.mneme"), init));
    test_setting settings[] = {
        {"init", init}, {"lr", "0"}, {"batch", "640"}, {NULL, NULL}, {NULL, NULL}};
    test_run("split-synthetic", "joint", settings, path_of("joint.mneme"));
    ck_assert_ok(mn_export_weights(path_of("joint.mneme"), path_of("out.safetensors")));
    check_same_values(init, path_of("out.safetensors"));
    settings[3] = (test_setting){"init_head", "false"};
    snprintf(own_heads, sizeof own_heads, "%s", path_of("heads.mneme"));
    test_run("split-synthetic", "joint", settings, own_heads);
    ck_assert_int_eq(test_query(own_heads, moved), 0);
    ck_assert_int_eq(test_query(own_heads, "SELECT count(*) FROM tensor WHERE name LIKE "
                                           "'run/initial/%'"),
                     4);
    scratch_remove();
}
END_TEST

START_TEST(a_file_that_does_not_fit_leaves_no_run_behind)
{
    char init[256];
    scratch_new();
    export_some();
    snprintf(init, sizeof init, "%s", path_of("in.safetensors"));
    const test_setting settings[] = {{"init", init}, {NULL, NULL}}; /* but without batch norm */
    mn_experiment *experiment = test_experiment("split-synthetic", "finetune", settings);
    ck_assert_fails(mn_experiment_run(experiment, path_of("run.mneme"), NULL), MN_BAD_SHAPE,
                    "init: ");
    ck_assert_int_ne(access(path_of("run.mneme"), F_OK), 0);
    mn_experiment_free(experiment);
    /* Between the command and the first step, the file became another. */
    experiment = test_experiment("split-synthetic", "finetune", settings);
    ck_assert_ok(mn_safetensors_write(init, NULL, 0));
    ck_assert_fails(mn_experiment_run(experiment, path_of("run.mneme"), NULL), MN_CORRUPT,
                    "the run is to begin with");
    mn_experiment_free(experiment);
    ck_assert_int_eq(unlink(init), 0);
    ck_assert_ok(mn_experiment_new("split-synthetic", "finetune", &experiment));
    ck_assert_ok(mn_experiment_set(experiment, "init", init));
    ck_assert_fails(mn_experiment_resolve(experiment), MN_NOT_FOUND, "init: ");
    mn_experiment_free(experiment);
    scratch_remove();
}
END_TEST

START_TEST(a_run_without_weights_exports_none)
{
    scratch_new();
    mn_runfile *file;
    ck_assert_ok(mn_runfile_create(scratch_path, &file));
    ck_assert_ok(mn_runfile_close(file));
    ck_assert_fails(mn_export_weights(scratch_path, path_of("out.safetensors")), MN_NOT_FOUND,
                    "no weights yet");
    ck_assert_int_ne(access(path_of("out.safetensors"), F_OK), 0);
    scratch_remove();
}
END_TEST

MN_SUITE("weights", everybodys_names_are_understood,
         counters_and_modules_saved_twice_are_no_trouble, what_does_not_fit_is_named_in_one_line,
         names_of_any_length_and_number_fit_in_one_line, what_begins_like_a_head_is_none,
         a_head_that_is_left_out_may_be_anything, what_was_exported_is_what_a_run_begins_with,
         a_run_that_began_with_a_file_never_needs_it_again,
         a_strategy_that_begins_again_begins_with_the_file,
         a_file_that_does_not_fit_leaves_no_run_behind, a_run_without_weights_exports_none)
