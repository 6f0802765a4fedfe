/* Streams whose classes or domains come again, with wrong labels, long tails and blurred borders.
 */
#include "data/stream/stream.h"
#include "tests/data/streams.h"

#include <string.h>

enum { CLASSES = 6, TRAIN_PER_CLASS = 20, TEST_PER_CLASS = 8, TRAIN = 120, TEST = 48 };

static mn_dataset *drawn(void)
{
    return drawn_of(CLASSES, TRAIN_PER_CLASS, TEST_PER_CLASS);
}

/* Gives the images of each class to three domains in turn. */
static void give_domains(mn_dataset *dataset)
{
    static const char *const names[] = {"day", "dusk", "night"};
    mn_images *parts[] = {&dataset->train, &dataset->test};
    dataset->domains = 3;
    dataset->domain_names = mn_data_take(sizeof names);
    memcpy((void *)dataset->domain_names, names, sizeof names);
    for (int part = 0; part < 2; part++) {
        parts[part]->domains =
            mn_data_take((size_t)parts[part]->count * sizeof *parts[part]->domains);
        for (int64_t i = 0; i < parts[part]->count; i++)
            parts[part]->domains[i] = (int32_t)(i / CLASSES % 3);
    }
}

static void refuse(const mn_dataset *dataset, const mn_stream_spec *spec, const char *why)
{
    mn_stream *stream;
    ck_assert_int_eq(mn_stream_new(dataset, spec, 1, &stream), MN_BAD_OPTION);
    ck_assert_msg(strstr(mn_error(), why) != NULL, "'%s' in '%s'", why, mn_error());
}

/* The task of each image of a part; -1: none, -2: several. */
static void tasks_of(const mn_stream *stream, mn_part part, int64_t count, int *task)
{
    for (int64_t i = 0; i < count; i++)
        task[i] = -1;
    for (int64_t t = 0; t < mn_stream_tasks(stream); t++) {
        const mn_stream_view view = mn_stream_view_of(stream, part, t);
        for (int64_t i = 0; i < view.count; i++) {
            int *at = &task[view.indices[i]];
            *at = *at == -1 ? (int)t : -2;
        }
    }
}

START_TEST(a_class_in_several_tasks_gives_each_its_share)
{
    mn_dataset *dataset = drawn();
    const int64_t sizes[] = {2, 3, 2}, classes[] = {3, 1, 1, 2, 0, 1, 4};
    mn_stream_spec spec = spec_of(MN_CLASS_REPETITION, 3);
    spec.task_classes = sizes;
    spec.class_order = classes;
    spec.validation = 0.1;
    mn_stream *stream = stream_of(dataset, &spec, 1);
    int train[TRAIN], held[TRAIN], test[TEST];
    tasks_of(stream, MN_PART_TRAIN, TRAIN, train);
    tasks_of(stream, MN_PART_VALIDATION, TRAIN, held);
    tasks_of(stream, MN_PART_TEST, TEST, test);
    int of_class_1[3] = {0};
    for (int i = 0; i < TRAIN; i++) {
        const int label = dataset->train.labels[i];
        ck_assert_int_eq(train[i] >= 0, label != 5 && held[i] < 0);
        ck_assert_int_ne(train[i], -2);
        if (label == 1 && train[i] >= 0)
            of_class_1[train[i]]++;
        if (label == 3 && train[i] >= 0)
            ck_assert_int_eq(train[i], 0);
    }
    for (int t = 0; t < 3; t++) /* 18 that are not held out */
        ck_assert_int_eq(of_class_1[t], 6);
    for (int i = 0; i < TEST; i++)
        ck_assert_int_eq(test[i] == -1, dataset->test.labels[i] == 5);
    ck_assert_int_eq(mn_stream_classes(stream), 5);
    const int64_t arrival[] = {3, 1, 2, 0, 4}, seen[] = {2, 4, 5};
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(mn_stream_original_class(stream, i), arrival[i]);
    for (int t = 0; t < 3; t++) {
        ck_assert_int_eq(mn_stream_task(stream, t).first_class, 0);
        ck_assert_int_eq(mn_stream_task(stream, t).classes, seen[t]);
    }
    ck_assert(mn_stream_task_has(stream, 2, 1) && !mn_stream_task_has(stream, 2, 0));
    ck_assert(!mn_stream_class_incremental(stream) && mn_stream_by_class(stream));
    mn_stream_free(stream);
    const int64_t twice[] = {3, 3, 1, 2, 0, 1, 4};
    spec.class_order = twice;
    refuse(dataset, &spec, "task 1 lists class 3, which it has already");
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(domains_of_the_data_are_tasks_in_the_order_asked_for)
{
    mn_dataset *dataset = drawn();
    mn_stream_spec spec = spec_of(MN_DOMAIN_GIVEN, 3);
    refuse(dataset, &spec, "does not say which domain");
    give_domains(dataset);
    mn_stream *stream = stream_of(dataset, &spec, 1);
    int train[TRAIN], test[TEST];
    tasks_of(stream, MN_PART_TRAIN, TRAIN, train);
    tasks_of(stream, MN_PART_TEST, TEST, test);
    for (int i = 0; i < TRAIN; i++)
        ck_assert_int_eq(train[i], i / CLASSES % 3);
    for (int i = 0; i < TEST; i++)
        ck_assert_int_eq(test[i], i / CLASSES % 3);
    ck_assert_int_eq(mn_stream_task(stream, 2).classes, CLASSES);
    ck_assert(!mn_stream_by_class(stream) && !mn_stream_shares_images(stream));
    ck_assert_str_eq(mn_stream_task_domain(stream, 2), dataset->domain_names[2]);
    ck_assert_ptr_null(mn_stream_task_domain(stream, 3));
    mn_stream_free(stream);
    const int64_t order[] = {2, 0};
    spec.domain_order = order;
    spec.tasks = 2;
    stream = stream_of(dataset, &spec, 1);
    tasks_of(stream, MN_PART_TRAIN, TRAIN, train);
    for (int i = 0; i < TRAIN; i++)
        ck_assert_int_eq(train[i], i / CLASSES % 3 == 2 ? 0 : i / CLASSES % 3 == 0 ? 1 : -1);
    ck_assert_str_eq(mn_stream_task_domain(stream, 0), dataset->domain_names[2]);
    ck_assert_str_eq(mn_stream_task_domain(stream, 1), dataset->domain_names[0]);
    mn_stream_free(stream);
    spec.domain_order = NULL;
    refuse(dataset, &spec, "'synthetic' has 3 domains; make it 3");
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(wrong_labels_are_a_fixed_part_of_each_class_and_of_its_task)
{
    mn_dataset *dataset = drawn();
    mn_stream_spec spec = spec_of(MN_CLASS_INCREMENTAL, 2);
    spec.validation = 0.2;
    spec.noise = 0.25;
    for (int pairs = 0; pairs < 2; pairs++) {
        spec.noise_pairs = pairs == 1;
        mn_stream *stream = stream_of(dataset, &spec, 1), *again = stream_of(dataset, &spec, 1),
                  *other = stream_of(dataset, &spec, 2);
        const int32_t *labels = mn_stream_labels(stream, MN_PART_TRAIN);
        int wrong[CLASSES] = {0}, differ = 0;
        for (int64_t i = 0; i < TRAIN; i++) {
            const int32_t truth = dataset->train.labels[i];
            ck_assert_int_eq(labels[i] != truth, mn_stream_noised(stream, i));
            ck_assert_int_eq(labels[i], mn_stream_labels(again, MN_PART_TRAIN)[i]);
            differ += mn_stream_noised(other, i) != mn_stream_noised(stream, i);
            wrong[truth] += labels[i] != truth;
            ck_assert_int_eq(labels[i] / 3, truth / 3); /* of the same task */
            if (pairs == 1 && labels[i] != truth)
                ck_assert_int_eq(labels[i] % 3, (truth + 1) % 3);
            ck_assert_int_eq(mn_stream_true_label(stream, MN_PART_TRAIN, i), truth);
        }
        for (int c = 0; c < CLASSES; c++) /* 16 are not held out */
            ck_assert_int_eq(wrong[c], 4);
        ck_assert_int_gt(differ, 0);
        for (int64_t task = 0; task < 2; task++) {
            const mn_stream_view held = mn_stream_view_of(stream, MN_PART_VALIDATION, task);
            for (int64_t i = 0; i < held.count; i++)
                ck_assert(!mn_stream_noised(stream, held.indices[i]));
            ck_assert_int_eq(mn_stream_task(stream, task).noised, 12);
        }
        for (int64_t i = 0; i < TEST; i++)
            ck_assert_int_eq(mn_stream_labels(stream, MN_PART_TEST)[i], dataset->test.labels[i]);
        mn_stream_free(stream);
        mn_stream_free(again);
        mn_stream_free(other);
    }
    spec.tasks = CLASSES;
    refuse(dataset, &spec, "labels.noise: task 1 has one class");
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(a_long_tail_falls_off_exponentially)
{
    mn_dataset *dataset = drawn();
    mn_stream_spec spec = spec_of(MN_CLASS_INCREMENTAL, CLASSES);
    const int64_t expected[CLASSES] = {20, 12, 7, 5, 3, 2}; /* 20 * 10^(-r / 5), rounded down */
    spec.imbalance = 10;
    spec.imbalance_by_arrival = true;
    mn_stream *stream = stream_of(dataset, &spec, 1);
    for (int64_t task = 0; task < CLASSES; task++) {
        ck_assert_int_eq(mn_stream_task(stream, task).train, expected[task]);
        ck_assert_int_eq(mn_stream_task(stream, task).test, TEST_PER_CLASS);
    }
    mn_stream_free(stream);
    spec.imbalance_by_arrival = false;
    int64_t found = 0;
    bool moved = false;
    stream = stream_of(dataset, &spec, 1);
    for (int64_t task = 0; task < CLASSES; task++) {
        found += mn_stream_task(stream, task).train;
        moved = moved || mn_stream_task(stream, task).train != expected[task];
    }
    ck_assert_int_eq(found, 49);
    ck_assert(moved);
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(blurred_borders_send_a_part_of_each_task_away)
{
    mn_dataset *dataset = drawn();
    mn_stream_spec spec = spec_of(MN_CLASS_INCREMENTAL, 3);
    spec.blur = 0.3;
    mn_stream *stream = stream_of(dataset, &spec, 1);
    int train[TRAIN], away[3] = {0};
    int64_t strangers = 0;
    tasks_of(stream, MN_PART_TRAIN, TRAIN, train);
    for (int i = 0; i < TRAIN; i++) {
        ck_assert_int_ge(train[i], 0);
        away[dataset->train.labels[i] / 2] += train[i] != dataset->train.labels[i] / 2;
    }
    for (int64_t task = 0; task < 3; task++) {
        ck_assert_int_eq(away[task], 12); /* of 40 */
        strangers += mn_stream_task(stream, task).strangers;
        ck_assert_int_eq(mn_stream_task(stream, task).test, 2 * TEST_PER_CLASS);
    }
    ck_assert_int_eq(strangers, 36);
    ck_assert(!mn_stream_class_incremental(stream) && mn_stream_by_class(stream));
    mn_stream_free(stream);
    spec.tasks = 1;
    refuse(dataset, &spec, "stream.blur: there is one task");
    spec = spec_of(MN_DOMAIN_PERMUTED, 3);
    spec.blur = 0.3;
    refuse(dataset, &spec, "stream.blur: all tasks have the same images");
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(the_first_task_may_have_another_number_of_images)
{
    mn_dataset *dataset = drawn();
    mn_stream_spec spec = spec_of(MN_CLASS_INCREMENTAL, 3);
    spec.first_images_per_class = 15;
    spec.images_per_class = 4;
    mn_stream *stream = stream_of(dataset, &spec, 1);
    ck_assert_int_eq(mn_stream_task(stream, 0).train, 30);
    ck_assert_int_eq(mn_stream_task(stream, 1).train, 8);
    mn_stream_free(stream);
    spec.first_images_per_class = 21;
    refuse(dataset, &spec, "stream.first_images_per_class: 21, but class 0 has only 20");
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(a_task_without_labelled_or_validation_images_is_refused)
{
    mn_dataset *dataset = drawn();
    const int64_t sizes[] = {2, 2, 4}, classes[] = {0, 1, 0, 1, 2, 3, 4, 5};
    mn_stream_spec spec = spec_of(MN_CLASS_REPETITION, 3);
    spec.task_classes = sizes;
    spec.class_order = classes;
    spec.labels_per_class = 1; /* the first task has them */
    refuse(dataset, &spec, "has no labelled images for task 2");
    spec.labels_per_class = 2;
    mn_stream_free(stream_of(dataset, &spec, 1));
    spec.validation = 0.05; /* one of twenty */
    refuse(dataset, &spec, "has no validation images for task 2");
    mn_dataset_free(dataset);
}
END_TEST

MN_SUITE("again", a_class_in_several_tasks_gives_each_its_share,
         domains_of_the_data_are_tasks_in_the_order_asked_for,
         wrong_labels_are_a_fixed_part_of_each_class_and_of_its_task,
         a_long_tail_falls_off_exponentially, blurred_borders_send_a_part_of_each_task_away,
         the_first_task_may_have_another_number_of_images,
         a_task_without_labelled_or_validation_images_is_refused)
