/* Settings of an experiment: applied once, whole or not at all, and kept without loss. */
#include "base/registry.h"
#include "experiment/configuration.h"
#include "experiment/data.h"
#include "experiment/settings.h"
#include "tests/scratch.h"
#include "tests/suite.h"

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
    static const char *const how[] = {"threads", "commit_every", "commit_steps",  "outputs",
                                      "rebuild", "log_every",    "eval_every",    "eval_batch",
                                      "profile", "data_folder",  "buffer_memory", "init"};
    int count = 0;
    for (const mn_option *option = mn_run_options(); option->name != NULL; option++)
        count += !mn_setting_changes_result("train", NULL, option->name);
    ck_assert_int_eq(count, sizeof how / sizeof how[0]);
    for (size_t i = 0; i < sizeof how / sizeof how[0]; i++)
        ck_assert(!mn_setting_changes_result("train", NULL, how[i]));
    ck_assert(mn_setting_changes_result("train", NULL, "init_digest"));
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
        {"stream.task_classes", "2.5,1.5,2", "'2.5,1.5,2' is not a list"},
        {"stream.task_classes", "2,,2", "is not a list"},
        {"stream.task_classes", "2,2", "lists 2 tasks, but stream.tasks is 3"},
        {"stream.class_order", "0,1e300", "is not a list"},
        {"normalise.mean", "0.1,0.2", "should list 1 numbers"},
        {"normalise.mean", "x", "should list 1 numbers"},
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
                    "schedule.milestones: '3,4.5'");
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
         a_list_that_is_none_is_refused, milestones_become_a_schedule,
         benchmarks_are_listed_from_where_they_lie_now)
