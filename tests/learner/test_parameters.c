/* Parameters without a network and groups of parameters, asked inside runs. */
#include "tensor/file/safetensors.h"
#include "tests/learner/inside.h"
#include "tests/suite.h"

#include <mneme/results.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* --- parameters without a network --- */

static mn_status shapeless_open(mn_learner *learner)
{
    mn_network *parameters;
    return mn_add_parameters(learner, "none", (mn_shape){.rank = 0}, MN_INITIAL_ZERO, 1,
                             &parameters);
}

static const mn_strategy shapeless = {MN_STRATEGY_HEADER, .name = "shapeless",
                                      .open = shapeless_open, .loss = inside_loss};

START_TEST(parameters_are_trained_kept_and_exported)
{
    inside_begin("uses-parameters");
    char out[600], again[600];
    snprintf(out, sizeof out, "%s/weights.safetensors", test_folder("uses-parameters"));
    snprintf(again, sizeof again, "%s/again.mneme", test_folder("uses-parameters"));
    test_run("split-synthetic", "condense", inside_few, inside_path);
    ck_assert_int_eq(test_query(inside_path,
                                "SELECT count(*) FROM tensor WHERE name IN "
                                "('condense/images/value', 'condense/images/momentum')"),
                     2);
    ck_assert_int_eq(
        test_query(inside_path, "SELECT count(*) FROM network WHERE type = 'parameters'"), 1);
    ck_assert_int_gt(
        test_query(inside_path, "SELECT value FROM kept WHERE name = 'condense/images/steps'"), 0);
    ck_assert_ok(mn_export_weights(inside_path, out));
    mn_safetensors *file;
    ck_assert_ok(mn_safetensors_open(out, &file));
    bool found = false;
    for (int64_t i = 0; i < mn_safetensors_count(file); i++) {
        const char *name = mn_safetensors_at(file, i)->name;
        ck_assert_ptr_null(strstr(name, "random"));
        if (strcmp(name, "condense/images") != 0)
            continue;
        found = true;
        ck_assert(mn_shape_equal(mn_safetensors_at(file, i)->shape, MN_SHAPE(12, 1, 14, 14)));
    }
    ck_assert(found);
    mn_safetensors_close(file);
    const test_setting from[] = {{"dataset.train_per_class", "20"}, {"init", out}, {NULL, NULL}};
    test_run("split-synthetic", "finetune", from, again);
    test_remove(again);
    (void)unlink(out);
    inside_refused(&shapeless, "shapeless", MN_BAD_SHAPE, "expected 1 to 4 axes");
    inside_end("uses-parameters");
}
END_TEST

/* --- groups --- */

static void refused_groups(const char *groups, const char *why)
{
    const test_setting settings[] = {{"optimiser.groups", groups}, {NULL, NULL}};
    mn_experiment *experiment = test_experiment("split-synthetic", "finetune", settings);
    test_remove(inside_path);
    ck_assert_fails(mn_experiment_run(experiment, inside_path, NULL), MN_BAD_OPTION, why);
    mn_experiment_free(experiment);
}

START_TEST(groups_come_from_a_strategy_or_a_setting)
{
    inside_begin("uses-groups");
    char other[600];
    snprintf(other, sizeof other, "%s/other.mneme", test_folder("uses-groups"));
    test_run("split-synthetic", "grouped", inside_few, inside_path);
    /* 0.5 at each of two tasks; biases rest */
    ck_assert_int_eq(test_query(inside_path, "SELECT 1000 * value FROM kept WHERE name = "
                                             "'grouped/optimiser/*.weight/rate'"),
                     250);
    ck_assert_int_eq(test_query(inside_path, "SELECT value FROM kept WHERE name = "
                                             "'grouped/optimiser/*.bias/rate'"),
                     0);
    const test_setting frozen[] = {{"dataset.train_per_class", "20"},
                                   {"optimiser.groups", "fc*,frozen;*.bias,decay=0,rate=0.5"},
                                   {NULL, NULL}};
    test_run("split-synthetic", "finetune", frozen, inside_path);
    test_run("split-synthetic", "finetune", inside_few, other);
    mn_experiment *begun = test_experiment("split-synthetic", "finetune", inside_few);
    mn_experiment_free(begun);
    ck_assert_int_ne(
        test_query(inside_path, "SELECT crc FROM tensor WHERE name LIKE '%fc1.weight'"),
        test_query(other, "SELECT crc FROM tensor WHERE name LIKE '%fc1.weight'"));
    const test_setting still[] = {{"dataset.train_per_class", "20"}, {"lr", "0"}, {NULL, NULL}};
    test_run("split-synthetic", "finetune", still, other);
    ck_assert_int_eq(
        test_query(inside_path, "SELECT crc FROM tensor WHERE name LIKE '%fc1.weight'"),
        test_query(other, "SELECT crc FROM tensor WHERE name LIKE '%fc1.weight'"));
    ck_assert_int_ne(
        test_query(inside_path, "SELECT crc FROM tensor WHERE name LIKE '%classifier.weight'"),
        test_query(other, "SELECT crc FROM tensor WHERE name LIKE '%classifier.weight'"));
    test_remove(other);
    refused_groups("fc9.*,frozen", "no parameter is called 'fc9.*'; the network has fc1.weight");
    refused_groups("fc1.*", "nothing is said of 'fc1.*'");
    refused_groups("fc1.*,rate=-1", "'rate=-1' of 'fc1.*' is not rate=NUMBER");
    refused_groups("fc1.*,speed=1", "'speed=1' of 'fc1.*' is not rate=NUMBER");
    inside_end("uses-groups");
}
END_TEST

MN_SUITE("parameters", parameters_are_trained_kept_and_exported,
         groups_come_from_a_strategy_or_a_setting)
