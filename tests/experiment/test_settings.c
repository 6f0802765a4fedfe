/* Settings of an experiment: applied once, whole or not at all, and kept without loss. */
#include "base/registry.h"
#include "data/stream/stream.h"
#include "experiment/configuration.h"
#include "experiment/data.h"
#include "experiment/settings.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <math.h>
#include <string.h>
#include <time.h>

static mn_experiment *made(const char *benchmark, const char *strategies)
{
    mn_experiment *experiment;
    ck_assert_ok(mn_experiment_new(benchmark, strategies, &experiment));
    return experiment;
}

static mn_experiment *synthetic(void)
{
    return made("split-synthetic", "er");
}

START_TEST(a_refused_setting_changes_nothing)
{
    static const struct {
        const char *key, *value, *says;
    } refused[] = {
        {"lr", "-1", "lr"},
        {"buffer_policy", "reservior", "did you mean 'reservoir'?"},
        {"network.name", "resnet18", "network.widths"}, /* which a ResNet has not */
        {"optimiser.name", "adamm", "optimiser.name"},
        {"bufer.size", "1", "did you mean 'buffer'?"},
        {"er.nothing", "1", "no such option"},
    };
    mn_experiment *one = synthetic(), *other = synthetic();
    ck_assert_ok(mn_experiment_set(one, "lr", "0.5"));
    ck_assert_ok(mn_experiment_set(one, "network.widths", "7"));
    ck_assert_ok(mn_experiment_set(other, "lr", "0.5"));
    ck_assert_ok(mn_experiment_set(other, "network.widths", "7"));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        ck_assert_fails(mn_experiment_set(one, refused[i].key, refused[i].value), MN_BAD_OPTION,
                        refused[i].says);
        const mn_run_settings *settings = mn_experiment_settings(one);
        ck_assert_double_eq(settings->lr, 0.5);
        ck_assert_str_eq(settings->buffer_policy, "reservoir");
        ck_assert_str_eq(one->section[MN_SECTION_NETWORK].type, "mlp");
        ck_assert_int_eq(one->assignment_count, 2);
    }
    ck_assert_ok(mn_experiment_resolve(one));
    ck_assert_ok(mn_experiment_resolve(other));
    ck_assert_str_eq(mn_experiment_json(one), mn_experiment_json(other));
    mn_experiment_free(one);
    mn_experiment_free(other);
}
END_TEST

/* A key that chooses others' table or values is applied before what was set already. */
START_TEST(a_later_choice_is_below_what_the_user_set)
{
    mn_experiment *experiment = synthetic();
    ck_assert_ok(mn_experiment_set(experiment, "lr", "0.5"));
    ck_assert_ok(mn_experiment_set(experiment, "optimiser.name", "adam"));
    ck_assert_ok(mn_experiment_set(experiment, "buffer_size", "200"));
    ck_assert_ok(mn_experiment_set(experiment, "buffer_policy", "ring"));
    ck_assert_double_eq(mn_experiment_settings(experiment)->lr, 0.5);
    ck_assert_str_eq(experiment->section[MN_SECTION_OPTIMISER].type, "adam");
    ck_assert_ok(mn_experiment_resolve(experiment));
    ck_assert_double_eq(mn_experiment_settings(experiment)->lr, 0.5);
    ck_assert_str_eq(mn_experiment_settings(experiment)->buffer_policy, "ring");
    ck_assert_fails(mn_experiment_set(experiment, "lr", "1"), MN_OUT_OF_ORDER, "already resolved");
    mn_experiment_free(experiment);
}
END_TEST

static double seconds_of(mn_experiment *experiment, int count)
{
    const clock_t begin = clock();
    for (int i = 0; i < count; i++)
        ck_assert_ok(mn_experiment_set(experiment, i % 2 == 0 ? "lr" : "er.replay", "1"));
    return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

/* The same number again costs about as much, not three times as much. */
START_TEST(a_setting_costs_the_same_however_many_there_are)
{
    mn_experiment *experiment = synthetic();
    const double first = seconds_of(experiment, 2000), again = seconds_of(experiment, 2000);
    ck_assert_double_lt(again, 2 * first + 0.05);
    mn_experiment_free(experiment);
}
END_TEST

START_TEST(the_configuration_has_all_sections_in_their_order)
{
    mn_experiment *experiment = made("split-synthetic", "er+ewc");
    ck_assert_ok(mn_experiment_resolve(experiment));
    cJSON *json = cJSON_Parse(mn_experiment_json(experiment));
    const cJSON *member = cJSON_GetObjectItem(json, "plugins")->next;
    ck_assert_str_eq(member->string, "made");
    member = member->next;
    int count = 0;
    for (; mn_section_name(count) != NULL; count++, member = member->next)
        ck_assert_str_eq(member->string, mn_section_name(count));
    ck_assert_int_eq(count, MN_SECTION_STRATEGY);
    ck_assert_str_eq(member->string, "er");
    ck_assert_str_eq(member->next->string, "ewc");
    ck_assert_ptr_null(member->next->next);
    cJSON_Delete(json);
    mn_experiment_free(experiment);
}
END_TEST

START_TEST(only_what_says_how_to_work_changes_no_result)
{
    static const char *const how[] = {
        "threads",       "commit_every", "commit_steps",  "outputs", "rebuild",
        "log_every",     "eval_every",   "eval_batch",    "profile", "data_folder",
        "buffer_memory", "init",         "memory_budget", "teacher"};
    int count = 0;
    for (const mn_option *option = mn_run_options(); option->name != NULL; option++)
        count += !mn_setting_changes_result("train", NULL, option->name);
    ck_assert_int_eq(count, sizeof how / sizeof how[0]);
    for (size_t i = 0; i < sizeof how / sizeof how[0]; i++)
        ck_assert(!mn_setting_changes_result("train", NULL, how[i]));
    ck_assert(mn_setting_changes_result("train", NULL, "init_digest"));
    ck_assert(mn_setting_changes_result("train", NULL, "teacher_digest"));
    ck_assert(mn_setting_changes_result("train", NULL, "sees"));
    ck_assert(mn_setting_changes_result("network", "mlp", "widths"));
    ck_assert(mn_setting_changes_result("network", NULL, "widths"));
    ck_assert(mn_setting_changes_result("er", NULL, "replay"));
    ck_assert(mn_setting_changes_result("a plugin that is not loaded", NULL, "anything"));
}
END_TEST

START_TEST(a_mark_of_a_descriptor_counts_too)
{
    typedef struct options {
        int64_t how, what;
    } options;
    static const mn_option table[] = {
        MN_INT(options, how, 0, 0, 9, "How to work.", MN_CHANGES_NO_RESULT),
        MN_INT(options, what, 0, 0, 9, "What to find out."),
        MN_END,
    };
    static const mn_strategy marked = {MN_STRATEGY_HEADER, .name = "marked", .summary = "A test.",
                                       .options = table, .options_size = sizeof(options)};
    ck_assert_ok(mn_register(MN_KIND_STRATEGY, &marked));
    ck_assert(!mn_setting_changes_result("marked", NULL, "how"));
    ck_assert(mn_setting_changes_result("marked", NULL, "what"));
}
END_TEST

static void write_benchmark(const char *path, const char *source)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file,
            "{\"dataset\": {\"name\": \"synthetic\"}, \"stream\": {\"tasks\": 2}, \"recipes\": "
            "[{\"strategy\": \"er\", \"source\": \"%s\", \"set\": {\"lr\": 0.25, "
            "\"network.widths\": [20, 30]}}]}",
            source);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(a_recipe_is_described_whole_and_may_hold_lists)
{
    char path[128], source[1001];
    memset(source, 'x', sizeof source - 1);
    source[sizeof source - 1] = '\0';
    scratch_new();
    snprintf(path, sizeof path, "%s/own.json", scratch_folder);
    write_benchmark(path, source);
    mn_experiment *experiment = made(path, "er");
    ck_assert_ok(mn_experiment_resolve(experiment));
    const char *recipe = mn_experiment_recipe(experiment);
    ck_assert_ptr_nonnull(strstr(recipe, "recipe of own for er; x"));
    ck_assert_ptr_nonnull(strstr(recipe, source));
    ck_assert_double_eq(mn_experiment_settings(experiment)->lr, 0.25);
    ck_assert_ptr_nonnull(strstr(mn_experiment_json(experiment), "\"20,30\""));
    mn_experiment_free(experiment);
    scratch_remove();
}
END_TEST

enum { LONG_NAMES = 7, LONG_NAME = 100 };

static mn_status add_nothing(mn_learner *learner)
{
    (void)learner;
    return MN_OK;
}

START_TEST(names_of_strategies_are_kept_whole)
{
    static char names[LONG_NAMES][LONG_NAME + 1];
    static mn_strategy strategies[LONG_NAMES];
    char list[16 + LONG_NAMES * (LONG_NAME + 1)] = "finetune";
    for (int i = 0; i < LONG_NAMES; i++) {
        memset(names[i], 'a' + i, LONG_NAME);
        strategies[i] = (mn_strategy){MN_STRATEGY_HEADER, .name = names[i], .summary = "A test.",
                                      .open = add_nothing};
        ck_assert_ok(mn_register(MN_KIND_STRATEGY, &strategies[i]));
        strcat(strcat(list, "+"), names[i]);
    }
    mn_experiment *experiment = made("split-synthetic", list);
    ck_assert_str_eq(experiment->strategies, list);
    mn_experiment_free(experiment);
}
END_TEST

START_TEST(a_list_that_is_none_is_refused)
{
    static const struct {
        const char *key, *value, *says;
    } bad[] = {
        {"stream.task_classes", "2.5,1.5,2", "stream.task_classes[0]: '2.5' is not a whole number"},
        {"stream.task_classes", "2,-2,6", "task_classes[1]: '-2' is not a whole number from 1"},
        {"stream.task_classes", "0x2,2,2", "task_classes[0]: '0x2' is not a whole number"},
        {"stream.task_classes", "2,,2", "is not a list"},
        {"stream.task_classes", "2,2", "lists 2 tasks, but stream.tasks is 3"},
        {"stream.task_classes", "0,1;2,3", "lists 2 tasks, but stream.tasks is 3"},
        {"stream.task_classes", "0,1;2,3;4", "lists 5 classes, 6 are needed; stream.classes=5"},
        {"stream.task_classes", "0,1;2,3;4,2", "stream.task_classes[5]: class 2 is already at [2]"},
        {"stream.task_classes", "0,1;;2", "is not a list"},
        {"stream.class_order", "0,1e300", "[1]: 1e300 is not a whole number from 0 to 5"},
        {"stream.class_order", "5,4,3", "lists 3 classes, 6 are needed; stream.classes=3 leaves"},
        {"stream.class_order", "5,4,3,2,1,0,0", "class_order[6]: class 0 is already at [5]"},
        {"stream.class_order", "5,4,3,2,1,0.5", "[5]: 0.5 is not a whole number from 0 to 5"},
        {"stream.class_order", "5,4,3,2,1,-1", "[5]: -1 is not a whole number from 0 to 5"},
        {"stream.class_order", "5,4,3,2,1,0x0",
         "class_order[5]: no class is called '0x0'; list names"},
        {"stream.class_order", "5,4,3,2,1,6", "[5]: 6 is not a whole number from 0 to 5"},
        {"normalise.mean", "0.1,0.2", "should list 1 numbers"},
        {"normalise.mean", "x", "should list 1 numbers"},
        {"normalise.mean", "1e39", "should list 1 numbers"},
        {"normalise.deviation", "0", "normalise.deviation[0]: 0 is not above 0"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mn_experiment *experiment = synthetic();
        mn_dataset *dataset = NULL;
        mn_stream *stream = NULL;
        mn_transform transform;
        ck_assert_ok(mn_experiment_set(experiment, bad[i].key, bad[i].value));
        mn_status status = mn_experiment_read(experiment, &dataset);
        if (status == MN_OK)
            status = mn_experiment_stream(experiment, dataset, &stream, &transform);
        ck_assert_fails(status, MN_BAD_OPTION, bad[i].says);
        mn_stream_free(stream);
        mn_dataset_free(dataset);
        mn_experiment_free(experiment);
    }
}
END_TEST

/* The stream of a table with these labels: the names of its classes as they arrive. */
static const char *arrivals(const char *labels, const char *more)
{
    static char names[256];
    char path[128], csv[160], text[512], *copy = strdup(labels), *rest = copy;
    mn_dataset *dataset = NULL;
    mn_stream *stream = NULL;
    mn_transform transform;
    mn_experiment *experiment;
    scratch_new();
    snprintf(path, sizeof path, "%s/named.json", scratch_folder);
    snprintf(csv, sizeof csv, "%s/train.csv", scratch_folder);
    snprintf(text, sizeof text,
             "{\"name\": \"named\", \"dataset\": {\"name\": \"csv\", \"path\": \"%s\"}, "
             "\"network\": {\"name\": \"mlp\"}, \"stream\": {%s}}",
             csv, more);
    FILE *file = fopen(path, "w"), *table = fopen(csv, "w");
    for (char *label; (label = strsep(&rest, "|")) != NULL;)
        for (int i = 0; i < 3; i++)
            fprintf(table, "%d,1.5,%s\n", i, label);
    fputs(text, file);
    fclose(file);
    fclose(table);
    ck_assert_ok(mn_experiment_new(path, "er", &experiment));
    mn_status status = mn_experiment_read(experiment, &dataset);
    if (status == MN_OK)
        status = mn_experiment_stream(experiment, dataset, &stream, &transform);
    snprintf(names, sizeof names, "%s", status == MN_OK ? "" : mn_error());
    for (int64_t i = 0; stream != NULL && i < mn_stream_classes(stream); i++) {
        strcat(names, i == 0                                                            ? ""
                      : mn_stream_task_of(stream, i) > mn_stream_task_of(stream, i - 1) ? "/"
                                                                                        : "|");
        strcat(names, mn_stream_class_name(stream, i));
    }
    mn_stream_free(stream);
    mn_dataset_free(dataset);
    mn_experiment_free(experiment);
    free(copy);
    scratch_remove();
    return names;
}

START_TEST(classes_are_listed_by_name_or_by_number)
{
    static const char animals[] = "cat|\"lion, sea\"|ox|newt";
    ck_assert_str_eq(arrivals(animals, "\"tasks\": 2"), "cat|lion, sea/newt|ox");
    ck_assert_str_eq(arrivals(animals, "\"tasks\": 2, \"class_order\": [3, 2, 1, 0]"),
                     "ox|newt/lion, sea|cat");
    ck_assert_str_eq(arrivals(animals,
                              "\"tasks\": 2, \"class_order\": [\"ox\", \"lion, sea\", \"cat\", "
                              "\"newt\"]"),
                     "ox|lion, sea/cat|newt");
    ck_assert_str_eq(arrivals(animals, "\"tasks\": 2, \"class_order\": \"ox,newt,cat\", "
                                       "\"classes\": 2"),
                     "ox/newt");
    ck_assert_str_eq(arrivals(animals, "\"tasks\": 2, \"task_classes\": [[\"ox\"], [\"cat\", "
                                       "\"newt\", \"lion, sea\"]]"),
                     "ox/cat|newt|lion, sea");
    ck_assert_str_eq(arrivals(animals, "\"tasks\": 1, \"classes\": 2, \"task_classes\": "
                                       "[[\"ox\", \"cat\"]]"),
                     "ox|cat");
    ck_assert_str_eq(arrivals("3|1|2", "\"tasks\": 3, \"class_order\": [3, 1, 2]"), "3/1/2");
    ck_assert_str_eq(arrivals("3|1|2", "\"tasks\": 3, \"class_order\": [2, 1, 0]"), "3/2/1");
    ck_assert_str_eq(arrivals("0.5|1.5", "\"tasks\": 2, \"class_order\": [1.5, 0.5]"), "1.5/0.5");
    ck_assert_ptr_nonnull(
        strstr(arrivals(animals, "\"tasks\": 4, \"class_order\": [\"ox\", \"next\", \"cat\", 1]"),
               "stream.class_order[1]: no class is called 'next'; did you mean 'newt'?"));
    ck_assert_ptr_nonnull(
        strstr(arrivals(animals, "\"tasks\": 4, \"class_order\": [3, 2, 1, 0], \"task_classes\": "
                                 "[[0], [1], [2], [3]]"),
               "leave stream.class_order out"));
}
END_TEST

START_TEST(what_is_of_another_kind_in_a_benchmark_is_refused)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{\"train\": [5]}", "train: expected an object"},
        {"{\"train\": {\"epochs\": [5]}}", "train.epochs: found a list, expected a whole number"},
        {"{\"train\": {\"epochs\": \"0x3\"}}", "train.epochs: '0x3' is not a whole number"},
        {"{\"train\": {\"lr\": 1e999}}", "train.lr: 'inf' is not a number"},
        {"{\"train\": {\"epochs\": {}}}", "train.epochs: expected a number, a text"},
        {"{\"train\": {\"buffer_policy\": true}}", "found true or false, expected text"},
        {"{\"train\": {\"epochs\": 1, \"epochs\": 2}}", "the key 'epochs' is given twice"},
        {"{\"stream\": {\"task_classes\": [2, [2]]}}", "stream.task_classes: expected"},
        {"{\"stream\": {\"task_classes\": [[2, [2]]]}}", "stream.task_classes: expected"},
        {"{\"stream\": {\"task_classes\": [[]]}}", "stream.task_classes: expected"},
        {"{\"stream\": {\"class_order\": [true]}}", "stream.class_order: expected"},
        {"{\"dataset\": {\"name\": 3}}", "dataset.name: expected a text"},
        {"{\"dataset\": [\"name\"]}", "dataset: expected an object"},
        {"{\"name\": 3}", "name: expected a text"},
        {"{\"strategy\": 3}", "strategy: expected a text"},
        {"{\"strategy\": \"ewc\"}", "strategy: is 'ewc', but 'er' was asked for"},
        {"{\"strategy\": \"er+ewc\"}", "strategy: is 'er+ewc', but 'er' was asked for"},
        {"{\"plugins\": \"idea.so\"}", "plugins: expected a list of paths"},
        {"{\"plugins\": [1]}", "plugins: expected a list of paths"},
        {"{\"normalise\": \"mesured\"}", "normalise: 'mesured' is neither measured nor an object"},
        {"{\"normalise\": [0.5]}", "normalise: expected an object"},
        {"{\"er\": [1]}", "er: expected an object"},
        {"{\"recipes\": {\"strategy\": \"er\"}}", "recipes: expected a list"},
        {"{\"recipes\": [[\"er\"]]}", "recipes[0]: expected an object"},
        {"{\"recipes\": [{\"strategy\": \"er\", \"set\": [1]}]}",
         "recipes[0].set: expected an object"},
        {"{\"recipes\": [{\"set\": {\"lr\": 1}}]}", "recipes[0]: has no 'strategy'"},
        {"{\"recipes\": [{\"strategy\": \"er\", \"sets\": {}}]}", "did you mean 'set'?"},
        {"{\"recipes\": [{\"strategy\": \"er\", \"buffer_size\": \"5\"}]}",
         "buffer_size: expected"},
        {"{\"recipes\": [{\"strategy\": \"er\", \"buffer_size\": 0.5}]}", "not a whole number"},
    };
    char path[128];
    scratch_new();
    snprintf(path, sizeof path, "%s/bad.json", scratch_folder);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mn_experiment *experiment;
        FILE *file = fopen(path, "w");
        fputs(bad[i].text, file);
        fclose(file);
        ck_assert_fails(mn_experiment_new(path, "er", &experiment), MN_BAD_OPTION, bad[i].says);
    }
    scratch_remove();
}
END_TEST

/* A run's configuration is a benchmark of its strategy. */
START_TEST(a_benchmark_may_name_its_strategy)
{
    char path[128];
    mn_experiment *experiment;
    scratch_new();
    snprintf(path, sizeof path, "%s/own.json", scratch_folder);
    FILE *file = fopen(path, "w");
    fputs("{\"strategy\": \"er+ewc\"}", file);
    fclose(file);
    ck_assert_ok(mn_experiment_new(path, "er+ewc", &experiment));
    mn_experiment_free(experiment);
    ck_assert_ok(mn_experiment_new(path, NULL, &experiment));
    ck_assert_str_eq(experiment->strategies, "er+ewc");
    mn_experiment_free(experiment);
    file = fopen(path, "w");
    fputs("{\"plugins\": [\"missing.so\"]}", file);
    fclose(file);
    ck_assert_fails(mn_experiment_new(path, "er", &experiment), MN_NOT_FOUND, "missing.so");
    scratch_remove();
}
END_TEST

START_TEST(a_name_keeps_its_run_in_the_folder)
{
    char path[128], at[256];
    mn_experiment *experiment;
    scratch_new();
    snprintf(path, sizeof path, "%s/bad.json", scratch_folder);
    FILE *file = fopen(path, "w");
    fputs("{\"name\": \"../../x/y\"}", file);
    fclose(file);
    ck_assert_ok(mn_experiment_new(path, "er", &experiment));
    ck_assert_ok(mn_experiment_default_path(experiment, at, sizeof at));
    ck_assert_str_eq(at, "runs/..-..-x-y-er-s0.mneme");
    mn_experiment_free(experiment);
    scratch_remove();
}
END_TEST

static mn_transform transform_of(mn_experiment *experiment, mn_stream **stream,
                                 mn_dataset **dataset)
{
    mn_transform transform;
    ck_assert_ok(mn_experiment_read(experiment, dataset));
    ck_assert_ok(mn_experiment_stream(experiment, *dataset, stream, &transform));
    return transform;
}

/* Of training images alone: neither test images nor those held out, nor those of no task. */
START_TEST(normalisation_is_measured_on_training_images)
{
    mn_experiment *experiment = synthetic();
    mn_stream *stream;
    mn_dataset *dataset;
    static const char *const settings[][2] = {
        {"normalise.mean", "measured"}, {"normalise.deviation", "measured"},
        {"validation", "0.2"},          {"stream.classes", "4"},
        {"stream.tasks", "2"},          {"stream.class_order", "5,0,1,2,3,4"}};
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        ck_assert_ok(mn_experiment_set(experiment, settings[i][0], settings[i][1]));
    const mn_transform transform = transform_of(experiment, &stream, &dataset);
    const int64_t plane = dataset->height * dataset->width;
    double sum = 0, square = 0;
    int64_t count = 0;
    for (int64_t task = 0; task < 2; task++) {
        const mn_stream_view view = mn_stream_view_of(stream, MN_PART_TRAIN, task);
        for (int64_t i = 0; i < view.count * plane; i++) {
            const double value =
                dataset->train.pixels[view.indices[i / plane] * plane + i % plane] / 255.0;
            sum += value;
            square += value * value;
            count++;
        }
    }
    const double mean = sum / (double)count;
    ck_assert_int_lt(count, dataset->train.count * plane * 3 / 4);
    ck_assert_double_eq_tol((double)transform.mean[0], mean, 1e-6);
    ck_assert_double_eq_tol((double)transform.deviation[0],
                            sqrt(square / (double)count - mean * mean), 1e-6);
    mn_stream_free(stream);
    mn_dataset_free(dataset);
    mn_experiment_free(experiment);
}
END_TEST

START_TEST(one_of_mean_and_deviation_may_be_measured)
{
    mn_experiment *experiment = synthetic();
    mn_stream *stream;
    mn_dataset *dataset;
    ck_assert_ok(mn_experiment_set(experiment, "normalise.mean", "0.25"));
    ck_assert_ok(mn_experiment_set(experiment, "normalise.deviation", "measured"));
    const mn_transform transform = transform_of(experiment, &stream, &dataset);
    ck_assert(transform.mean[0] == 0.25f && transform.deviation[0] > 0.05f &&
              transform.deviation[0] < 0.5f);
    mn_stream_free(stream);
    mn_dataset_free(dataset);
    mn_experiment_free(experiment);
}
END_TEST

START_TEST(inputs_far_from_one_are_noticed)
{
    float offset[2] = {-1, 0}, scale[2] = {2, 1};
    char line[256];
    mn_dataset dataset = {.channels = 1, .height = 1, .width = 2, .offset = offset, .scale = scale};
    mn_transform transform = {.channels = 1, .deviation = {1}, .offset = offset, .scale = scale};
    ck_assert(!mn_experiment_is_far(&dataset, &transform, line, sizeof line));
    scale[1] = 255;
    ck_assert(mn_experiment_is_far(&dataset, &transform, line, sizeof line));
    ck_assert_ptr_nonnull(
        strstr(line, "inputs reach 255, and networks learn from values of about 1"));
    transform.mean[0] = 100;
    transform.deviation[0] = 80;
    ck_assert(!mn_experiment_is_far(&dataset, &transform, line, sizeof line));
    transform = (mn_transform){.channels = 1, .deviation = {1}};
    offset[0] = offset[1] = 0;
    scale[0] = scale[1] = 1e-3f;
    ck_assert(mn_experiment_is_far(&dataset, &transform, line, sizeof line));
    dataset.scale = dataset.offset = NULL; /* pixels are from 0 to 1 */
    ck_assert(!mn_experiment_is_far(&dataset, &transform, line, sizeof line));
}
END_TEST

START_TEST(milestones_become_a_schedule)
{
    mn_schedule schedule;
    mn_experiment *experiment = synthetic();
    ck_assert_ok(mn_experiment_set(experiment, "schedule.name", "multistep"));
    ck_assert_ok(mn_experiment_set(experiment, "schedule.milestones", "3,5"));
    ck_assert_ok(mn_experiment_schedule(experiment, &schedule));
    ck_assert_int_eq(schedule.kind, MN_MULTISTEP);
    ck_assert_int_eq(schedule.milestones[0], 3);
    ck_assert_int_eq(schedule.milestones[1], 5);
    ck_assert_int_eq(schedule.milestones[2], 0);
    ck_assert_ok(mn_experiment_set(experiment, "schedule.milestones", "3,4.5"));
    ck_assert_fails(mn_experiment_schedule(experiment, &schedule), MN_BAD_OPTION,
                    "schedule.milestones[1]: '4.5'");
    ck_assert_ok(mn_experiment_set(experiment, "schedule.milestones", "3,0,5"));
    ck_assert_fails(mn_experiment_schedule(experiment, &schedule), MN_BAD_OPTION, "[1]: '0'");
    ck_assert_ok(mn_experiment_set(experiment, "schedule.milestones", "-3"));
    ck_assert_fails(mn_experiment_schedule(experiment, &schedule), MN_BAD_OPTION, "[0]: '-3'");
    mn_experiment_free(experiment);
}
END_TEST

START_TEST(benchmarks_are_listed_from_where_they_lie_now)
{
    char path[128];
    mn_benchmarks *found;
    scratch_new();
    snprintf(path, sizeof path, "%s/later.json", scratch_folder);
    ck_assert_int_eq(setenv("MNEME_BENCHMARKS", scratch_folder, 1), 0);
    ck_assert_int_eq(chdir(scratch_folder), 0);
    ck_assert_ok(mn_benchmarks_new(&found));
    for (int i = 0; mn_benchmark(found, i, NULL) != NULL; i++)
        ck_assert_str_ne(mn_benchmark(found, i, NULL), "later");
    mn_benchmarks_free(found);
    write_benchmark(path, "");
    ck_assert_ok(mn_benchmarks_new(&found));
    int named = 0;
    for (int i = 0; mn_benchmark(found, i, NULL) != NULL; i++)
        named += strcmp(mn_benchmark(found, i, NULL), "later") == 0;
    mn_benchmarks_free(found);
    ck_assert_int_eq(named, 1);
    mn_experiment_free(made("later", "er"));
    mn_experiment *none;
    ck_assert_fails(mn_experiment_new("latter", "er", &none), MN_NOT_FOUND,
                    "did you mean 'later'?");
    scratch_remove();
}
END_TEST

MN_SUITE("settings", a_refused_setting_changes_nothing, a_later_choice_is_below_what_the_user_set,
         a_setting_costs_the_same_however_many_there_are,
         the_configuration_has_all_sections_in_their_order,
         only_what_says_how_to_work_changes_no_result, a_mark_of_a_descriptor_counts_too,
         a_recipe_is_described_whole_and_may_hold_lists, names_of_strategies_are_kept_whole,
         a_list_that_is_none_is_refused, classes_are_listed_by_name_or_by_number,
         what_is_of_another_kind_in_a_benchmark_is_refused, a_benchmark_may_name_its_strategy,
         a_name_keeps_its_run_in_the_folder, normalisation_is_measured_on_training_images,
         one_of_mean_and_deviation_may_be_measured, inputs_far_from_one_are_noticed,
         milestones_become_a_schedule, benchmarks_are_listed_from_where_they_lie_now)
