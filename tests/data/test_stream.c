/* Streams: every image in exactly one task, contiguous classes, nothing leaks, seeds decide. */
#include "data/stream/pixel_map.h"
#include "data/stream/stream.h"
#include "tests/data/streams.h"

#include <string.h>

enum { CLASSES = 7, TRAIN_PER_CLASS = 20, TEST_PER_CLASS = 4 };

static mn_dataset *drawn(void)
{
    return drawn_of(CLASSES, TRAIN_PER_CLASS, TEST_PER_CLASS);
}

/* How often each image of a part is in a task, over all tasks; its task's classes must hold it. */
static void count_images(const mn_stream *stream, mn_part part, int *count)
{
    const mn_images *images =
        part == MN_PART_TEST ? &mn_stream_dataset(stream)->test : &mn_stream_dataset(stream)->train;
    for (int64_t task = 0; task < mn_stream_tasks(stream); task++) {
        const mn_stream_view view = mn_stream_view_of(stream, part, task);
        const mn_task_info info = mn_stream_task(stream, task);
        for (int64_t i = 0; i < view.count; i++) {
            const int64_t index = view.indices[i];
            ck_assert_int_lt(index, images->count);
            count[index]++;
            const int32_t label = mn_stream_labels(stream, part)[index];
            if (label < 0)
                continue;
            ck_assert_int_eq(mn_stream_task_of(stream, label),
                             mn_stream_class_incremental(stream) ? task : -1);
            ck_assert_int_ge(label, info.first_class);
            ck_assert_int_lt(label, info.first_class + info.classes);
            ck_assert_int_eq(mn_stream_original_class(stream, label), images->labels[index]);
        }
    }
}

START_TEST(every_image_is_in_exactly_one_task)
{
    mn_dataset *dataset = drawn();
    const int64_t sizes[] = {4, 1, 2}, order[CLASSES] = {6, 2, 0, 5, 1, 4, 3};
    mn_stream_spec spec = spec_of(MN_CLASS_INCREMENTAL, 3);
    spec.task_classes = sizes;
    spec.class_order = order;
    spec.validation = 0.1;
    mn_stream *stream = stream_of(dataset, &spec, 1);
    int train[CLASSES * TRAIN_PER_CLASS] = {0}, test[CLASSES * TEST_PER_CLASS] = {0};
    count_images(stream, MN_PART_TRAIN, train);
    count_images(stream, MN_PART_VALIDATION, train); /* together, each training image once */
    count_images(stream, MN_PART_TEST, test);
    for (int i = 0; i < CLASSES * TRAIN_PER_CLASS; i++)
        ck_assert_int_eq(train[i], 1);
    for (int i = 0; i < CLASSES * TEST_PER_CLASS; i++)
        ck_assert_int_eq(test[i], 1);
    int64_t first = 0;
    for (int64_t task = 0; task < 3; task++) {
        const mn_task_info info = mn_stream_task(stream, task);
        ck_assert_int_eq(info.first_class, first); /* contiguous */
        ck_assert_int_eq(info.classes, sizes[task]);
        ck_assert_int_eq(info.train, 18 * sizes[task]);
        ck_assert_int_eq(info.labelled, 18 * sizes[task]);
        ck_assert_int_eq(info.validation, 2 * sizes[task]);
        ck_assert_int_eq(info.test, 4 * sizes[task]);
        first += sizes[task];
    }
    for (int i = 0; i < CLASSES; i++)
        ck_assert_int_eq(mn_stream_original_class(stream, i), order[i]);
    ck_assert_str_eq(mn_stream_class_name(stream, 0), "6");
    ck_assert(mn_stream_class_incremental(stream));
    ck_assert_int_eq(mn_stream_task_of(stream, -1), -1);
    ck_assert_int_eq(mn_stream_task_of(stream, first), -1);
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(every_class_gives_its_share_of_validation_and_of_labels)
{
    mn_dataset *dataset = drawn();
    mn_stream_spec spec = spec_of(MN_CLASS_INCREMENTAL, 7);
    spec.validation = 0.25;
    spec.labels_per_class = 3;
    mn_stream *stream = stream_of(dataset, &spec, 1);
    for (int64_t task = 0; task < 7; task++) { /* a class each */
        const mn_task_info info = mn_stream_task(stream, task);
        ck_assert_int_eq(info.train, 15);
        ck_assert_int_eq(info.validation, 5);
        ck_assert_int_eq(info.labelled, 3);
        const mn_stream_view held = mn_stream_view_of(stream, MN_PART_VALIDATION, task);
        for (int64_t i = 0; i < held.count; i++) /* what is held out keeps its label */
            ck_assert_int_eq(mn_stream_labels(stream, MN_PART_VALIDATION)[held.indices[i]], task);
    }
    mn_stream_free(stream);
    spec.labels_per_class = 0;
    spec.label_fraction = 0.2;
    stream = stream_of(dataset, &spec, 1);
    ck_assert_int_eq(mn_stream_task(stream, 0).labelled, 3); /* of the 15 that are left */
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}
END_TEST

/* How many images of a task are in a part with each of two properties. */
static void expect_counts(const mn_stream *stream, int64_t task, int64_t train, int64_t labelled,
                          int64_t pool)
{
    ck_assert_int_eq(mn_stream_task(stream, task).train, train);
    ck_assert_int_eq(mn_stream_task(stream, task).labelled, labelled);
    ck_assert_int_eq(mn_stream_view_of(stream, MN_PART_LABELLED, task).count, labelled);
    ck_assert_int_eq(mn_stream_view_of(stream, MN_PART_POOL, task).count, pool);
}

START_TEST(labelled_images_are_a_part_of_training_and_the_pool_is_all_of_it)
{
    mn_dataset *dataset = drawn();
    const int64_t sizes[] = {4, 3};
    mn_stream_spec spec = spec_of(MN_CLASS_INCREMENTAL, 2);
    spec.task_classes = sizes;
    spec.labels_per_class = 3;
    spec.images_per_class = 12;
    spec.validation = 0.1;
    mn_stream *stream = stream_of(dataset, &spec, 1);
    expect_counts(stream, 0, 48, 12, 48);
    expect_counts(stream, 1, 36, 9, 36);
    ck_assert_int_eq(mn_stream_task(stream, 1).validation, 6);
    int of_class[CLASSES] = {0}, seen[CLASSES * TRAIN_PER_CLASS] = {0};
    count_images(stream, MN_PART_TRAIN, seen);
    count_images(stream, MN_PART_VALIDATION, seen);
    for (int i = 0; i < CLASSES * TRAIN_PER_CLASS; i++) {
        ck_assert_int_le(seen[i], 1);
        of_class[dataset->train.labels[i]] += seen[i];
    }
    for (int c = 0; c < CLASSES; c++)
        ck_assert_int_eq(of_class[c], 14);
    int labelled[CLASSES * TRAIN_PER_CLASS] = {0}, count = 0;
    count_images(stream, MN_PART_LABELLED, labelled);
    for (int i = 0; i < CLASSES * TRAIN_PER_CLASS; i++) {
        ck_assert_int_eq(labelled[i],
                         mn_stream_labels(stream, MN_PART_TRAIN)[i] >= 0 && seen[i] && labelled[i]);
        count += labelled[i];
    }
    ck_assert_int_eq(count, 3 * CLASSES);
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(a_pool_is_a_random_part_of_a_task_and_takes_no_labels_away)
{
    mn_dataset *dataset = drawn();
    mn_stream_spec spec = spec_of(MN_CLASS_INCREMENTAL, 7);
    spec.labels_per_class = 8;
    spec.pool = 0.5;
    int64_t in_both = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        mn_stream *stream = stream_of(dataset, &spec, seed);
        for (int64_t task = 0; task < 7; task++) {
            int once[CLASSES * TRAIN_PER_CLASS] = {0};
            const mn_stream_view pool = mn_stream_view_of(stream, MN_PART_POOL, task);
            const mn_stream_view labelled = mn_stream_view_of(stream, MN_PART_LABELLED, task);
            for (int64_t i = 0; i < pool.count; i++)
                once[pool.indices[i]]++;
            int64_t both = 0;
            for (int64_t i = 0; i < labelled.count; i++)
                both += once[labelled.indices[i]];
            expect_counts(stream, task, 18 - both, 8, 10); /* 10 + 8, less what is in both */
            in_both += both;
        }
        mn_stream_free(stream);
    }
    /* 140 times 4 of 8; the variance of each is 8 * 0.25 * 12 / 19 */
    ck_assert_int_ge(in_both, 560 - 67);
    ck_assert_int_le(in_both, 560 + 67);
    mn_dataset_free(dataset);
}
END_TEST

static bool same_held_out(const mn_stream *a, const mn_stream *b)
{
    const mn_stream_view x = mn_stream_view_of(a, MN_PART_VALIDATION, 0);
    const mn_stream_view y = mn_stream_view_of(b, MN_PART_VALIDATION, 0);
    return x.count == y.count &&
           memcmp(x.indices, y.indices, (size_t)x.count * sizeof *x.indices) == 0;
}

static bool same_labels(const mn_stream *a, const mn_stream *b)
{
    return memcmp(mn_stream_labels(a, MN_PART_TRAIN), mn_stream_labels(b, MN_PART_TRAIN),
                  CLASSES * TRAIN_PER_CLASS * sizeof(int32_t)) == 0;
}

START_TEST(the_seed_decides_and_nothing_else)
{
    mn_dataset *dataset = drawn();
    mn_stream_spec spec = spec_of(MN_CLASS_INCREMENTAL, 7);
    spec.validation = 0.25;
    spec.labels_per_class = 3;
    mn_stream *a = stream_of(dataset, &spec, 5), *b = stream_of(dataset, &spec, 5);
    mn_stream *c = stream_of(dataset, &spec, 6);
    ck_assert(same_held_out(a, b) && same_labels(a, b));
    ck_assert(!same_held_out(a, c));
    /* The same images of a class are held out wherever the class arrives. */
    const int64_t reversed[CLASSES] = {6, 5, 4, 3, 2, 1, 0};
    spec.class_order = reversed;
    mn_stream *d = stream_of(dataset, &spec, 5);
    const mn_stream_view first = mn_stream_view_of(a, MN_PART_VALIDATION, 0);
    const mn_stream_view last = mn_stream_view_of(d, MN_PART_VALIDATION, 6);
    ck_assert_mem_eq(first.indices, last.indices, (size_t)first.count * sizeof *first.indices);
    mn_stream_free(a);
    mn_stream_free(b);
    mn_stream_free(c);
    mn_stream_free(d);
    spec.validation = 0;
    a = stream_of(dataset, &spec, 5);
    b = stream_of(dataset, &spec, 6);
    ck_assert(!same_labels(a, b));
    mn_stream_free(a);
    mn_stream_free(b);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(a_class_order_seed_shuffles_the_given_order)
{
    mn_dataset *dataset = drawn();
    const int64_t order[CLASSES] = {6, 2, 0, 5, 1, 4, 3};
    mn_stream_spec spec = spec_of(MN_CLASS_INCREMENTAL, 7);
    spec.class_order_seed = 3;
    mn_stream *shuffled = stream_of(dataset, &spec, 1);
    spec.class_order = order;
    mn_stream *over = stream_of(dataset, &spec, 2); /* the run's seed plays no part */
    int seen[CLASSES] = {0}, moved = 0;
    for (int i = 0; i < CLASSES; i++) {
        const int64_t original = mn_stream_original_class(shuffled, i);
        seen[original]++;
        moved += original != i;
        ck_assert_int_eq(mn_stream_original_class(over, i), order[original]);
    }
    for (int i = 0; i < CLASSES; i++)
        ck_assert_int_eq(seen[i], 1);
    ck_assert_int_gt(moved, 0);
    mn_stream_free(over);
    mn_stream_free(shuffled);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(a_stream_of_fewer_classes_shows_the_first_of_the_order)
{
    mn_dataset *dataset = drawn();
    const int64_t order[] = {6, 2, 0, 5};
    mn_stream_spec spec = spec_of(MN_CLASS_INCREMENTAL, 2);
    spec.classes = 4;
    spec.class_order = order;
    spec.validation = 0.1;
    mn_stream *stream = stream_of(dataset, &spec, 1);
    ck_assert_int_eq(mn_stream_classes(stream), 4);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(mn_stream_original_class(stream, i), order[i]);
    ck_assert_int_eq(mn_stream_original_class(stream, 4), -1);
    int train[CLASSES * TRAIN_PER_CLASS] = {0}, test[CLASSES * TEST_PER_CLASS] = {0};
    count_images(stream, MN_PART_TRAIN, train);
    count_images(stream, MN_PART_VALIDATION, train);
    count_images(stream, MN_PART_TEST, test);
    for (int i = 0; i < CLASSES * TRAIN_PER_CLASS; i++) {
        const int32_t label = dataset->train.labels[i];
        ck_assert_int_eq(train[i], label != 1 && label != 3 && label != 4);
    }
    for (int i = 0; i < CLASSES * TEST_PER_CLASS; i++) {
        const int32_t label = dataset->test.labels[i];
        ck_assert_int_eq(test[i], label != 1 && label != 3 && label != 4);
    }
    mn_stream_free(stream);

    spec.class_order_seed = 5; /* shuffles these four among themselves */
    stream = stream_of(dataset, &spec, 1);
    int seen[CLASSES] = {0};
    for (int i = 0; i < 4; i++)
        seen[mn_stream_original_class(stream, i)]++;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(seen[order[i]], 1);
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(domain_streams_show_every_image_in_every_task)
{
    mn_dataset *dataset = drawn();
    mn_stream_spec spec = spec_of(MN_DOMAIN_PERMUTED, 4);
    spec.validation = 0.1;
    mn_stream *stream = stream_of(dataset, &spec, 1);
    ck_assert(!mn_stream_class_incremental(stream));
    int train[CLASSES * TRAIN_PER_CLASS] = {0};
    count_images(stream, MN_PART_TRAIN, train);
    count_images(stream, MN_PART_VALIDATION, train);
    for (int i = 0; i < CLASSES * TRAIN_PER_CLASS; i++)
        ck_assert_int_eq(train[i], 4);
    for (int64_t task = 0; task < 4; task++) {
        const mn_task_info info = mn_stream_task(stream, task);
        ck_assert_int_eq(info.first_class, 0);
        ck_assert_int_eq(info.classes, CLASSES);
        ck_assert_int_eq(info.train + info.validation, CLASSES * TRAIN_PER_CLASS);
        ck_assert_int_eq(info.test, CLASSES * TEST_PER_CLASS);
    }
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(each_task_has_a_permutation_of_its_own)
{
    mn_dataset *dataset = drawn();
    const mn_stream_spec spec = spec_of(MN_DOMAIN_PERMUTED, 3);
    mn_stream *stream = stream_of(dataset, &spec, 1);
    int32_t map[3][SIDE * SIDE];
    for (int64_t task = 0; task < 3; task++) {
        int seen[SIDE * SIDE] = {0}, moved = 0;
        mn_stream_pixel_map(stream, task, map[task]);
        for (int i = 0; i < SIDE * SIDE; i++) {
            seen[map[task][i]]++;
            moved += map[task][i] != i;
        }
        for (int i = 0; i < SIDE * SIDE; i++)
            ck_assert_int_eq(seen[i], 1);
        ck_assert_int_gt(moved, SIDE * SIDE / 2); /* the first task too */
    }
    ck_assert_mem_ne(map[0], map[1], sizeof map[0]);
    ck_assert_mem_ne(map[1], map[2], sizeof map[1]);
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(rotations_turn_counter_clockwise_about_the_middle)
{
    int32_t map[12];
    mn_rotation_map(0, 3, 4, map);
    for (int i = 0; i < 12; i++)
        ck_assert_int_eq(map[i], i);
    mn_rotation_map(180, 3, 4, map);
    for (int i = 0; i < 12; i++)
        ck_assert_int_eq(map[i], 11 - i);
    mn_rotation_map(90, 3, 3, map); /* the right column becomes the top row */
    const int32_t quarter[9] = {2, 5, 8, 1, 4, 7, 0, 3, 6};
    ck_assert_mem_eq(map, quarter, sizeof quarter);
    mn_rotation_map(45, 3, 3, map); /* corners come from outside; the right one moves to the top */
    ck_assert_int_eq(map[4], 4);
    ck_assert_int_eq(map[0], 1);
    int32_t large[28 * 28];
    mn_rotation_map(45, 28, 28, large);
    ck_assert_int_eq(large[0], -1);
    ck_assert_int_eq(large[27], -1);
    ck_assert_int_eq(large[27 * 28], -1);
}
END_TEST

static void refuse(const mn_dataset *dataset, const mn_stream_spec *spec, const char *text)
{
    mn_stream *stream;
    ck_assert_fails(mn_stream_new(dataset, spec, 0, &stream), MN_BAD_OPTION, text);
}

START_TEST(impossible_splits_say_what_to_write)
{
    mn_dataset *dataset = drawn();
    mn_stream_spec spec = spec_of(MN_CLASS_INCREMENTAL, 0);
    refuse(dataset, &spec, "stream.tasks: 0 is not from 1 to 1024");
    spec.tasks = 8;
    refuse(dataset, &spec, "8 tasks, but 'synthetic' has 7 classes");
    spec.tasks = 3;
    refuse(dataset, &spec,
           "7 classes do not divide evenly into 3 tasks; write task_classes, such "
           "as [3, 2, 2]");
    spec.task_classes = (const int64_t[]){3, 0, 4};
    refuse(dataset, &spec, "stream.task_classes[1]: 0 is not from 1 to 7");
    spec.task_classes = (const int64_t[]){3, 2, 1};
    refuse(dataset, &spec, "add up to 6, but 'synthetic' has 7 classes");
    spec.task_classes = (const int64_t[]){3, 2, 2};
    spec.class_order = (const int64_t[]){0, 1, 2, 3, 4, 5, 7};
    refuse(dataset, &spec, "stream.class_order[6]: 7 is not from 0 to 6");
    spec.class_order = (const int64_t[]){0, 1, 2, 3, 4, 1, 6};
    refuse(dataset, &spec, "stream.class_order[5]: class 1 is already at [1]");
    spec = spec_of(MN_CLASS_INCREMENTAL, 2);
    spec.classes = 8;
    refuse(dataset, &spec, "stream.classes: 8, but 'synthetic' has 7 (0: all of them)");
    spec.classes = 5;
    refuse(dataset, &spec, "5 classes do not divide evenly into 2 tasks");
    spec.task_classes = (const int64_t[]){3, 4};
    refuse(dataset, &spec, "add up to 7, but stream.classes is 5");
    spec.tasks = 6;
    refuse(dataset, &spec, "6 tasks, but stream.classes is 5");
    spec = spec_of(MN_DOMAIN_ROTATED, 3);
    spec.class_order_seed = 0;
    refuse(dataset, &spec, "class_order_seed: has no meaning here");
    spec = spec_of((mn_scenario)9, 3);
    refuse(dataset, &spec, "stream.scenario: 9");
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(impossible_fractions_say_why)
{
    mn_dataset *dataset = drawn();
    mn_stream_spec spec = spec_of(MN_CLASS_INCREMENTAL, 7);
    spec.validation = 1;
    refuse(dataset, &spec, "validation: 1 is not at least 0 and below 1");
    spec.validation = 0.01;
    refuse(dataset, &spec, "validation: 0.01 of the 20 training images of class 0 is none");
    spec.validation = 0.99;
    refuse(dataset, &spec, "is all of them");
    spec.validation = 0;
    spec.label_fraction = 0;
    refuse(dataset, &spec, "labels.fraction: 0 is not above 0");
    spec.label_fraction = 0.01;
    refuse(dataset, &spec, "labels.fraction: 0.01 of the 20 training images of class 0 is none");
    spec.labels_per_class = 2;
    refuse(dataset, &spec, "set per_class to 0 or fraction to 1");
    spec.label_fraction = 1;
    spec.labels_per_class = 21;
    refuse(dataset, &spec, "labels.per_class: 21, but class 0 has only 20 training images");
    spec.labels_per_class = -1;
    refuse(dataset, &spec, "labels.per_class: -1 is below 0");
    spec.labels_per_class = 0;
    spec.images_per_class = 21;
    refuse(dataset, &spec, "stream.images_per_class: 21, but class 0 has only 20 training images");
    spec.images_per_class = 4;
    spec.labels_per_class = 5;
    refuse(dataset, &spec, "labels.per_class: 5, but class 0 has only 4 training images");
    spec.labels_per_class = 0;
    spec.images_per_class = -1;
    refuse(dataset, &spec, "stream.images_per_class: -1 is below 0");
    spec.images_per_class = 0;
    spec.pool = 0;
    refuse(dataset, &spec, "labels.pool: 0 is not above 0");
    spec.pool = 0.01;
    refuse(dataset, &spec, "labels.pool: 0.01 of the 20 training images of task 1 is none");
    mn_dataset_free(dataset);
}
END_TEST

MN_SUITE("stream", every_image_is_in_exactly_one_task,
         every_class_gives_its_share_of_validation_and_of_labels,
         labelled_images_are_a_part_of_training_and_the_pool_is_all_of_it,
         a_pool_is_a_random_part_of_a_task_and_takes_no_labels_away,
         the_seed_decides_and_nothing_else, a_class_order_seed_shuffles_the_given_order,
         a_stream_of_fewer_classes_shows_the_first_of_the_order,
         domain_streams_show_every_image_in_every_task, each_task_has_a_permutation_of_its_own,
         rotations_turn_counter_clockwise_about_the_middle, impossible_splits_say_what_to_write,
         impossible_fractions_say_why)
