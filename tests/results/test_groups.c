/* Runs in groups: what makes a group, means and differences over seeds, and accuracy over time. */
#include "store/records.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include "store/runfile.h"
#include <math.h>
#include <mneme/groups.h>
#include <mneme/memory.h>
#include <stdlib.h>

enum { TASKS = 2, MOST = 16, IMAGES = 100 };

/* Paths of the run files of a test, in the order in which they were made. */
static char paths[MOST][160];
static const char *given[MOST];
static int made;

static void begin(void)
{
    scratch_new();
    made = 0;
}

static const char whole[] = "done", half[] = "stopped"; /* what the status of a run says */

/* A run whose accuracies after each task are these, on task 0 after 0, and on 0 and 1 after 1;
 * `more` is put into the section "train" of its configuration. */
static void add_run(const char *strategy, int seed, const char *more, const char *status,
                    const int64_t correct[3])
{
    mn_runfile *file;
    char config[512], text[16];
    given[made] = paths[made];
    snprintf(paths[made], sizeof paths[made], "%s/%s%d.mneme", scratch_folder, strategy, made);
    ck_assert_ok(mn_runfile_create(paths[made++], &file));
    ck_assert_ok(mn_runfile_begin(file));
    snprintf(config, sizeof config,
             "{\"train\":{\"seed\":%d,\"threads\":%d,\"lr\":0.1%s},\"network\":{\"name\":\"mlp\"}}",
             seed, made, more);
    snprintf(text, sizeof text, "%d", seed);
    ck_assert_ok(mn_runfile_set(file, "benchmark", "split-test"));
    ck_assert_ok(mn_runfile_set(file, "strategy", strategy));
    ck_assert_ok(mn_runfile_set(file, "seed", text));
    ck_assert_ok(mn_runfile_set(file, "tasks", "2"));
    ck_assert_ok(mn_runfile_set(file, "images", seed % 2 == 0 ? "100" : "300"));
    ck_assert_ok(mn_runfile_set(file, "config", config));
    ck_assert_ok(mn_runfile_set(file, "status", status));
    const int64_t tasks = status == whole ? TASKS : 1;
    ck_assert_ok(mn_runfile_set_cursor(file, &(mn_cursor){.task = tasks, .step = 10 * tasks}));
    for (int64_t i = 0, k = 0; i < tasks; i++)
        for (int64_t j = 0; j <= i; j++)
            ck_assert_ok(mn_runfile_add_evaluation(file, 10 * (i + 1), i, j, "class-il",
                                                   correct[k++], IMAGES));
    ck_assert_ok(mn_runfile_commit(file));
    ck_assert_ok(mn_runfile_close(file));
}

/* Writes a fact down in the run that was made last. */
static void note(const char *key, const char *value)
{
    mn_runfile *file;
    ck_assert_ok(mn_runfile_open(paths[made - 1], MN_WRITE, &file));
    ck_assert_ok(mn_runfile_begin(file));
    ck_assert_ok(mn_runfile_set(file, key, value));
    ck_assert_ok(mn_runfile_commit(file));
    ck_assert_ok(mn_runfile_close(file));
}

/* After the last task: 50, 70. */
static const int64_t first[] = {80, 40, 60}, second[] = {90, 60, 80};

static mn_runs *open_all(void)
{
    mn_runs *runs;
    ck_assert_ok(mn_runs_open(given, made, &runs));
    ck_assert_int_eq(runs->count, made);
    return runs;
}

static void end(mn_runs *runs)
{
    mn_runs_free(runs);
    scratch_remove();
}

START_TEST(runs_that_differ_by_seed_and_manner_of_work_are_one_group)
{
    begin();
    add_run("derpp", 0, ",\"log_every\":1", whole, first);
    add_run("derpp", 1, ",\"log_every\":5", whole, second);
    add_run("derpp", 2, ",\"alpha\":0.5", half, first); /* a setting that the others do not know */
    mn_runs *runs = open_all();
    ck_assert_int_eq(runs->group_count, 1);
    ck_assert_str_eq(runs->group[0].label, "derpp");
    ck_assert_int_eq(runs->group[0].members, 3);
    ck_assert_int_eq(runs->group[0].finished, 2);
    ck_assert_ptr_eq(runs->group[0].run, &runs->run[0]);
    ck_assert(mn_run_is_finished(&runs->run[1]) && !mn_run_is_finished(&runs->run[2]));
    ck_assert(mn_runs_have(runs, MN_CLASS_IL) && !mn_runs_have(runs, MN_TASK_IL));
    ck_assert_str_eq(mn_settings_value(&runs->run[0].settings, "train.lr"), "0.1");
    ck_assert_str_eq(mn_settings_value(&runs->run[0].settings, "network.name"), "mlp");
    ck_assert_ptr_null(mn_settings_value(&runs->run[0].settings, "train.seed"));
    end(runs);
}
END_TEST

START_TEST(another_setting_makes_another_group_and_its_label)
{
    begin();
    add_run("derpp", 0, ",\"batch\":10,\"epochs\":1", whole, first);
    add_run("derpp", 0, ",\"batch\":20,\"epochs\":1", whole, second);
    add_run("finetune", 0, ",\"batch\":20,\"epochs\":1", whole, second);
    mn_runs *runs = open_all();
    ck_assert_int_eq(runs->group_count, 3);
    ck_assert_str_eq(runs->group[0].label, "derpp (batch=10)");
    ck_assert_str_eq(runs->group[1].label, "derpp (batch=20)");
    ck_assert_str_eq(runs->group[2].label, "finetune");
    ck_assert_int_eq(runs->run[2].group, 2);
    end(runs);
}
END_TEST

/* Adds a run made under these facts, "" for none; `plugins` stands in the configuration. */
static void add_made(int seed, const char *data, const char *numerics, const char *plugins)
{
    char more[160] = "";
    if (plugins[0] != '\0')
        snprintf(more, sizeof more, "},\"made\":{\"plugins\":\"%s\"", plugins);
    add_run("derpp", seed, more, whole, first);
    if (data[0] != '\0')
        note("dataset_digest", data);
    if (numerics[0] != '\0')
        note("numerics", numerics);
}

static void ck_groups(int64_t expected, const char *label, const char *refusal)
{
    mn_runs *runs = open_all();
    ck_assert_int_eq(runs->group_count, expected);
    ck_assert_str_eq(runs->group[expected - 1].label, label);
    if (refusal == NULL)
        ck_assert_ok(mn_runs_check_budgets(runs));
    else
        ck_assert_fails(mn_runs_check_budgets(runs), MN_BAD_OPTION, refusal);
    end(runs);
}

START_TEST(runs_of_other_data_numbers_or_plugins_are_not_put_together)
{
    begin();
    add_made(0, "aa", "2", "none");
    add_made(1, "aa", "2", "none");
    add_made(2, "bb", "2", "none");
    ck_groups(2, "derpp (data=bb)", "made with data aa");
    begin();
    add_made(0, "aa", "", ""); /* of before numbers were counted */
    add_made(1, "aa", "1", "none");
    add_made(2, "aa", "2", "none");
    ck_groups(2, "derpp (numerics=2)", "made with numerics 1");
    begin();
    add_made(0, "aa", "2", "none");
    add_made(1, "aa", "1 then 2", "none");
    ck_groups(2, "derpp (numerics=1 then 2)", "made with numerics 2");
    begin();
    add_made(0, "aa", "2", "derpp 01");
    add_made(1, "aa", "2", "derpp 02");
    ck_groups(2, "derpp (plugins=derpp 02)", NULL); /* two builds may be compared */
    begin();
    add_made(0, "aa", "2", "none");
    add_made(1, "aa", "2", "derpp 02");
    ck_groups(2, "derpp (plugins=derpp 02)", NULL);
}
END_TEST

/* Finetune has no buffer, so that its size cannot matter; a strategy that nobody knows may have. */
START_TEST(settings_of_a_buffer_count_where_a_strategy_needs_one)
{
    static const char *const with[] = {"derpp", "finetune+derpp", "unknown"};
    const char *config = "{\"train\":{\"buffer_size\":200},\"buffer\":{\"rows\":3}}";
    mn_settings settings;
    for (size_t i = 0; i < sizeof with / sizeof with[0]; i++) {
        ck_assert_ok(mn_settings_read(config, with[i], &settings));
        ck_assert_str_eq(mn_settings_value(&settings, "train.buffer_size"), "200");
        ck_assert_str_eq(mn_settings_value(&settings, "buffer.rows"), "3");
        mn_settings_free(&settings);
    }
    ck_assert_ok(mn_settings_read(config, "finetune", &settings));
    ck_assert_int_eq(settings.count, 0);
    mn_settings_free(&settings);
    ck_assert_fails(mn_settings_read("{", "finetune", &settings), MN_BAD_OPTION, "configuration");
    ck_assert_ptr_null(settings.setting);
}
END_TEST

START_TEST(two_configurations_differ_by_what_both_have)
{
    mn_settings a, b;
    ck_assert_ok(mn_settings_read("{\"train\":{\"lr\":0.1,\"old\":1,\"name\":\"x\"}}", "er", &a));
    ck_assert_ok(mn_settings_read("{\"train\":{\"lr\":0.1,\"new\":2,\"name\":\"y\"}}", "er", &b));
    const mn_setting *other = mn_settings_differ(&a, &b);
    ck_assert_ptr_nonnull(other);
    ck_assert_str_eq(other->key, "train.name");
    ck_assert_str_eq(other->value, "x");
    ck_assert_ptr_null(mn_settings_differ(&a, &a));
    mn_settings_free(&a);
    mn_settings_free(&b);
}
END_TEST

START_TEST(a_group_has_the_mean_of_its_finished_runs)
{
    begin();
    add_run("derpp", 0, "", whole, first);
    add_run("derpp", 1, "", whole, second);
    add_run("derpp", 2, "", half, second);
    add_run("finetune", 0, "", whole, second);
    mn_runs *runs = open_all();
    mn_summary s;
    ck_assert_ok(mn_group_summary(runs, 0, "average_accuracy", MN_CLASS_IL, &s));
    ck_assert_int_eq(s.n, 2);
    ck_assert_double_eq_tol(s.mean, 60, 1e-9);
    ck_assert_double_eq_tol(s.deviation, sqrt(200), 1e-9);
    ck_assert_ok(mn_group_summary(runs, 0, "average_accuracy", MN_TASK_IL, &s));
    ck_assert(s.n == 0 && isnan(s.mean));
    ck_assert_double_eq_tol(mn_group_mean(runs, 0, "images"), 200, 1e-9);
    ck_assert(isnan(mn_group_mean(runs, 0, "nothing")));
    end(runs);
}
END_TEST

START_TEST(a_difference_is_taken_seed_by_seed)
{
    static const int64_t low[] = {70, 30, 40}, lower[] = {70, 20, 40}; /* 35, 30 */
    begin();
    add_run("finetune", 1, "", whole, lower);
    add_run("finetune", 0, "", whole, low);
    add_run("finetune", 5, "", whole, low);
    add_run("derpp", 0, "", whole, first);
    add_run("derpp", 1, "", whole, second);
    add_run("derpp", 5, "", half, second);
    mn_runs *runs = open_all();
    mn_summary s;
    ck_assert_ok(mn_paired_difference(runs, 1, 0, "average_accuracy", MN_CLASS_IL, &s));
    ck_assert_int_eq(s.n, 2); /* 50 - 35, 70 - 30 */
    ck_assert_double_eq_tol(s.mean, 27.5, 1e-9);
    ck_assert_double_eq_tol(s.deviation, sqrt(2 * 12.5 * 12.5), 1e-9);
    ck_assert_ok(mn_paired_difference(runs, 0, 1, "average_accuracy", MN_CLASS_IL, &s));
    ck_assert_double_eq_tol(s.mean, -27.5, 1e-9);
    ck_assert_fails(mn_runs_check_pairs(runs), MN_BAD_OPTION, "is not finished (1 of 2 tasks)");
    end(runs);
}
END_TEST

/* Holm's correction by its definition: of p_(1) <= ... <= p_(m), the largest of (m - k + 1) p_(k)
 * up to one's own place. */
static double corrected_by_hand(const mn_difference *list, int64_t count, int64_t of)
{
    int64_t tests = 0;
    double largest = 0;
    for (int64_t i = 0; i < count; i++)
        tests += !isnan(list[i].probability);
    for (int64_t i = 0; i < count; i++) {
        int64_t smaller = 0;
        if (!(list[i].probability <= list[of].probability))
            continue;
        for (int64_t k = 0; k < count; k++)
            smaller += list[k].probability < list[i].probability;
        largest = fmax(largest, (double)(tests - smaller) * list[i].probability);
    }
    return fmin(1, largest);
}

START_TEST(all_differences_are_corrected_together)
{
    static const char *const metrics[] = {"average_accuracy", "forgetting", NULL};
    begin();
    for (int seed = 0; seed < 4; seed++) {
        const int64_t a[] = {80, 40 + seed, 60}, b[] = {80, 45 + 2 * seed, 60 - seed},
                      c[] = {80 + seed, 60 + seed % 2, 75};
        add_run("er", seed, "", whole, a);
        add_run("derpp", seed, "", whole, b);
        add_run("joint", seed, "", whole, c);
        if (seed == 0) /* a single pair is shown, and is no test */
            add_run("gem", seed, "", whole, a);
    }
    mn_runs *runs = open_all();
    mn_difference *list;
    int64_t count;
    ck_assert_ok(mn_differences(runs, metrics, MN_SCOPES, &list, &count));
    ck_assert_int_eq(count, 12); /* four groups, two metrics, one scope that was measured */
    int64_t raised = 0;
    for (int64_t i = 0; i < count; i++) {
        const mn_difference *d = &list[i];
        mn_summary s;
        ck_assert_str_eq(d->metric, metrics[i / 6]);
        ck_assert_ok(mn_paired_difference(runs, d->of, d->minus, d->metric, d->scope, &s));
        ck_assert(s.n == d->summary.n && s.mean == d->summary.mean);
        ck_assert(isnan(d->probability) == (s.n == 1));
        ck_assert(isnan(d->corrected) == (s.n == 1));
        if (s.n == 1)
            continue;
        ck_assert(d->probability == mn_probability_under_none(&s));
        ck_assert_double_eq_tol(d->corrected, corrected_by_hand(list, count, i), 1e-15);
        raised += d->corrected > d->probability;
    }
    ck_assert_int_ge(raised, 3);
    mn_memory_give(list);
    ck_assert_ok(mn_differences(runs, metrics, MN_TASK_IL, &list, &count));
    ck_assert_int_eq(count, 0);
    mn_memory_give(list);
    end(runs);
}
END_TEST

/* What joint training gets right of a task when it has just come, minus what the others do. */
START_TEST(intransigence_is_measured_against_joint_training)
{
    static const char *const metrics[] = {"intransigence", NULL};
    static const int64_t er[] = {80, 40, 60}, joint[] = {90, 70, 80}; /* learning: 70, 85 */
    begin();
    for (int seed = 0; seed < 2; seed++) {
        add_run("er", seed, "", whole, er);
        add_run("joint", seed, "", whole, joint);
        add_run("derpp", seed, "", whole, first);
    }
    mn_runs *runs = open_all();
    mn_difference *list;
    int64_t count;
    ck_assert_ok(mn_differences(runs, metrics, MN_CLASS_IL, &list, &count));
    ck_assert_int_eq(count, 2); /* of er and of derpp, not of one against the other */
    for (int64_t i = 0; i < count; i++) {
        ck_assert_str_eq(runs->group[list[i].of].run->strategy, "joint");
        ck_assert_double_eq_tol(list[i].summary.mean, 15, 1e-9);
    }
    mn_memory_give(list);
    end(runs);
}
END_TEST

START_TEST(groups_that_cannot_be_compared_are_refused)
{
    begin();
    add_run("finetune", 0, ",\"epochs\":1,\"lr_drop\":1", whole, first);
    mn_runs *runs = open_all();
    ck_assert_fails(mn_runs_check_pairs(runs), MN_BAD_OPTION, "only runs of finetune were given");
    mn_runs_free(runs);
    add_run("derpp", 1, ",\"epochs\":2,\"lr_drop\":2", whole, first);
    runs = open_all();
    ck_assert_fails(mn_runs_check_pairs(runs), MN_BAD_OPTION, "have no seed in common");
    ck_assert_fails(mn_runs_check_budgets(runs), MN_BAD_OPTION,
                    "finetune has train.epochs=1, but derpp has 2");
    mn_runs_free(runs);
    made = 1;
    add_run("er", 0, ",\"epochs\":1,\"lr_drop\":2", whole, first); /* no budget is unequal */
    runs = open_all();
    ck_assert_ok(mn_runs_check_pairs(runs));
    ck_assert_ok(mn_runs_check_budgets(runs));
    mn_runs_free(runs);
    add_run("er", 0, ",\"epochs\":1,\"lr_drop\":2", whole, first);
    runs = open_all();
    ck_assert_fails(mn_runs_check_pairs(runs), MN_BAD_OPTION, "are the same run: er with seed 0");
    end(runs);
}
END_TEST

START_TEST(codecs_are_compared_at_equal_bytes_alone)
{
    begin();
    add_run("knn", 0, ",\"buffer_bytes\":0,\"codec\":\"raw\"", whole, first);
    add_run("er", 0, ",\"buffer_bytes\":0,\"codec\":\"resize:7\"", whole, first);
    mn_runs *runs = open_all();
    ck_assert_fails(mn_runs_check_budgets(runs), MN_BAD_OPTION,
                    "knn has train.codec=raw, but er has resize:7");
    mn_runs_free(runs);
    made = 0;
    add_run("derpp", 0, ",\"buffer_bytes\":900,\"codec\":\"raw\"", whole, first);
    add_run("gss", 0, ",\"buffer_bytes\":900,\"codec\":\"resize:7\"", whole, first);
    runs = open_all();
    ck_assert_ok(mn_runs_check_budgets(runs));
    mn_runs_free(runs);
    add_run("der", 0, ",\"buffer_bytes\":901,\"codec\":\"raw\"", whole, first);
    runs = open_all();
    ck_assert_fails(mn_runs_check_budgets(runs), MN_BAD_OPTION, "train.buffer_bytes=900");
    end(runs);
}
END_TEST

START_TEST(a_folder_stands_for_its_run_files_in_order)
{
    begin();
    for (int seed = 0; seed < 11; seed++)
        add_run("er", seed, "", whole, first);
    const char *folder = scratch_folder;
    mn_runs *runs;
    ck_assert_ok(mn_runs_open(&folder, 1, &runs));
    ck_assert_int_eq(runs->count, 11);
    for (int i = 0; i < 11; i++)
        ck_assert_int_eq(runs->run[i].seed, i); /* er2 before er10 */
    end(runs);
    begin();
    folder = scratch_folder;
    ck_assert_fails(mn_runs_open(&folder, 1, &runs), MN_NOT_FOUND, "no run file (*.mneme)");
    ck_assert_ptr_null(runs);
    folder = "/no/such.mneme";
    ck_assert_fails(mn_runs_open(&folder, 1, &runs), MN_NOT_FOUND, "/no/such.mneme");
    scratch_remove();
}
END_TEST

START_TEST(averages_after_each_task_are_those_of_the_view)
{
    begin();
    add_run("er", 0, "", whole, first);
    add_run("er", 1, "", whole, second);
    add_run("er", 2, "", half, first);
    mn_runs *runs = open_all();
    mn_mean_point *points;
    int64_t count;
    ck_assert_ok(mn_group_averages(runs, 0, MN_CLASS_IL, &points, &count));
    ck_assert_int_eq(count, 2);
    ck_assert(points[0].when == 1 && points[0].n == 3 && points[1].when == 2 && points[1].n == 2);
    ck_assert_double_eq_tol(points[0].mean, 250.0 / 3, 1e-9);
    ck_assert_double_eq_tol(points[1].mean, 60, 1e-9);
    ck_assert_double_eq_tol(points[1].deviation, sqrt(200), 1e-9);
    ck_assert_double_eq(mn_results_average_after(runs->run[0].results, MN_CLASS_IL, 1), 50);
    ck_assert(isnan(mn_results_average_after(runs->run[0].results, MN_CLASS_IL, 2)));
    ck_assert(isnan(mn_results_average_after(runs->run[0].results, MN_TASK_IL, 1)));
    free(points);
    ck_assert_ok(mn_group_averages(runs, 0, MN_TASK_IL, &points, &count));
    ck_assert_int_eq(count, 0);
    free(points);
    end(runs);
}
END_TEST

START_TEST(a_curve_begins_where_its_task_is_learned)
{
    begin();
    add_run("er", 0, "", whole, first);
    add_run("er", 1, "", whole, second);
    add_run("er", 2, "", half, first);
    mn_runfile *file; /* the first one was also evaluated inside its tasks */
    ck_assert_ok(mn_runfile_open(paths[0], MN_WRITE, &file));
    ck_assert_ok(mn_runfile_begin(file));
    ck_assert_ok(mn_runfile_add_evaluation(file, 5, 0, 0, "class-il", 20, IMAGES));
    ck_assert_ok(mn_runfile_add_evaluation(file, 5, 0, 1, "class-il", 10, IMAGES));
    ck_assert_ok(mn_runfile_add_evaluation(file, 14, 1, 0, "class-il", 30, IMAGES));
    ck_assert_ok(mn_runfile_commit(file));
    ck_assert_ok(mn_runfile_close(file));
    mn_runs *runs = open_all();
    static const struct {
        double when, mean;
        int64_t n;
    } expected[] = {{0.5, 20, 1}, {1, 250.0 / 3, 3}, {1.4, 30, 1}, {2, 50, 2}};
    mn_mean_point *points;
    int64_t count;
    ck_assert_ok(mn_group_curve(runs, 0, MN_CLASS_IL, 0, &points, &count));
    ck_assert_int_eq(count, 4);
    for (int i = 0; i < 4; i++) {
        ck_assert_double_eq_tol(points[i].when, expected[i].when, 1e-9);
        ck_assert_double_eq_tol(points[i].mean, expected[i].mean, 1e-9);
        ck_assert_int_eq(points[i].n, expected[i].n);
    }
    free(points);
    ck_assert_ok(mn_group_curve(runs, 0, MN_CLASS_IL, 1, &points, &count));
    ck_assert_int_eq(count, 1);
    ck_assert(points[0].when == 2 && points[0].n == 2 && fabs(points[0].mean - 70) < 1e-9);
    free(points);
    end(runs);
}
END_TEST

MN_SUITE("groups", runs_that_differ_by_seed_and_manner_of_work_are_one_group,
         another_setting_makes_another_group_and_its_label,
         runs_of_other_data_numbers_or_plugins_are_not_put_together,
         settings_of_a_buffer_count_where_a_strategy_needs_one,
         two_configurations_differ_by_what_both_have, a_group_has_the_mean_of_its_finished_runs,
         a_difference_is_taken_seed_by_seed, all_differences_are_corrected_together,
         intransigence_is_measured_against_joint_training,
         groups_that_cannot_be_compared_are_refused, codecs_are_compared_at_equal_bytes_alone,
         a_folder_stands_for_its_run_files_in_order, averages_after_each_task_are_those_of_the_view,
         a_curve_begins_where_its_task_is_learned)
