/* General streams: two classes at a time, mixed by what is left, every image turned by its angle.
 */
#include "data/stream/batch.h"
#include "data/stream/general.h"
#include "data/stream/pixel_map.h"
#include "data/stream/stream.h"
#include "tests/suite.h"

#include <math.h>
#include <mneme/stream.h>
#include <string.h>

enum { CLASSES = 5, A_CLASS = 24, TEST = 4, SIDE = 8, ROUNDS = 3, PIECE = A_CLASS / (2 * ROUNDS) };

static mn_dataset *drawn(void)
{
    mn_dataset *dataset;
    ck_assert_ok(mn_dataset_open("synthetic",
                                 "{\"classes\": 6, \"train_per_class\": 24, \"test_per_class\": 4, "
                                 "\"size\": 8}",
                                 NULL, &dataset));
    return dataset;
}

static mn_stream_spec spec_of(void)
{
    return (mn_stream_spec){
        .scenario = MN_GENERAL_ROTATED, .tasks = 1, .classes = CLASSES, MN_STREAM_DEFAULTS};
}

static mn_stream *stream_of(const mn_dataset *dataset, const mn_stream_spec *spec, uint64_t seed)
{
    mn_stream *stream;
    ck_assert_ok(mn_stream_new(dataset, spec, seed, &stream));
    return stream;
}

START_TEST(classes_come_in_pairs_round_after_round)
{
    mn_dataset *dataset = drawn();
    const mn_stream_spec spec = spec_of();
    mn_stream *stream = stream_of(dataset, &spec, 1);
    const mn_stream_view view = mn_stream_view_of(stream, MN_PART_TRAIN, 0);
    const int32_t *labels = mn_stream_labels(stream, MN_PART_TRAIN);
    int seen[6 * A_CLASS] = {0};
    ck_assert(!mn_stream_has_boundaries(stream));
    ck_assert_int_eq(mn_stream_classes(stream), CLASSES);
    ck_assert_int_eq(view.count, CLASSES * A_CLASS);
    for (int64_t i = 0; i < view.count; i++) {
        const int64_t pair = i / (2 * (int64_t)PIECE) % CLASSES, label = labels[view.indices[i]];
        ck_assert(label == pair || label == (pair + 1) % CLASSES);
        ck_assert_int_eq(seen[view.indices[i]]++, 0);
        if (i % 2 == 1) /* equal pieces, by turns */
            ck_assert_int_ne(label, labels[view.indices[i - 1]]);
    }
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(each_class_turns_once_in_the_order_in_which_its_images_come)
{
    mn_dataset *dataset = drawn();
    const mn_stream_spec spec = spec_of();
    mn_stream *stream = stream_of(dataset, &spec, 1);
    const mn_stream_view view = mn_stream_view_of(stream, MN_PART_TRAIN, 0);
    const mn_stream_view test = mn_stream_view_of(stream, MN_PART_TEST, 0);
    const float *angles = mn_stream_angles(stream, MN_PART_TRAIN);
    const float *test_angles = mn_stream_angles(stream, MN_PART_TEST);
    int64_t come[CLASSES] = {0}, tested[CLASSES] = {0};
    for (int64_t i = 0; i < view.count; i++) {
        const int32_t label = mn_stream_labels(stream, MN_PART_TRAIN)[view.indices[i]];
        const double want = 60.0 * (label - 1) + 360.0 * (double)come[label]++ / (double)A_CLASS;
        ck_assert_double_eq_tol((double)angles[view.indices[i]], want, 1e-4);
    }
    for (int64_t i = 0; i < test.count; i++) {
        const int32_t label = mn_stream_labels(stream, MN_PART_TEST)[test.indices[i]];
        const double want = 360.0 * (double)tested[label]++ / (double)TEST;
        ck_assert_double_eq_tol((double)test_angles[test.indices[i]], want, 1e-4);
    }
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(pieces_of_unequal_size_are_mixed_by_what_is_left)
{
    enum { ONE = 30, OTHER = 12 };
    int32_t labels[ONE + OTHER];
    const int32_t arrival[2] = {0, 1};
    int64_t places[ONE + OTHER], ones = 0;
    float angles[ONE + OTHER];
    for (int64_t i = 0; i < ONE + OTHER; i++) {
        labels[i] = i >= ONE;
        places[i] = i;
    }
    const mn_class_images images = {labels, arrival, 2, ONE + OTHER, places};
    ck_assert_ok(mn_general_order(&images, 1, mn_key_of(1, "test"), angles));
    for (int64_t i = 0; i < (ONE + OTHER) / 2; i++) { /* the first of the two pairs */
        ones += labels[places[i]] == 0;
        const double share = (double)((i + 1) * ONE) / (double)(ONE + OTHER);
        ck_assert_double_le(fabs((double)ones - share), 1);
    }
    ck_assert_int_eq(ones, ONE / 2);
}
END_TEST

START_TEST(parts_of_the_training_images_keep_the_order)
{
    mn_dataset *dataset = drawn();
    mn_stream_spec spec = spec_of();
    spec.label_fraction = 0.25;
    spec.validation = 0.25;
    mn_stream *stream = stream_of(dataset, &spec, 1);
    const mn_stream_view all = mn_stream_view_of(stream, MN_PART_TRAIN, 0);
    const mn_stream_view labelled = mn_stream_view_of(stream, MN_PART_LABELLED, 0);
    const mn_stream_view held_out = mn_stream_view_of(stream, MN_PART_VALIDATION, 0);
    int64_t at = 0;
    for (int64_t i = 0; i < all.count && at < labelled.count; i++)
        at += all.indices[i] == labelled.indices[at];
    ck_assert_int_eq(at, labelled.count);
    ck_assert_int_eq(labelled.count, 5 * CLASSES); /* a quarter of 18, rounded */
    ck_assert_int_eq(held_out.count, 6 * CLASSES);
    const float *angles = mn_stream_angles(stream, MN_PART_VALIDATION);
    double largest = 0;
    for (int64_t i = 0; i < held_out.count; i++)
        largest = fmax(largest, (double)angles[held_out.indices[i]]);
    ck_assert_double_eq_tol(largest, 300, 1e-3); /* the last of six */
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(the_loader_turns_every_image_by_its_own_angle)
{
    mn_dataset *dataset = drawn();
    const mn_stream_spec spec = spec_of();
    mn_stream *stream = stream_of(dataset, &spec, 1);
    const mn_transform transform = {.channels = 1, .deviation = {1}};
    mn_loader *loader;
    ck_assert_ok(mn_loader_new(stream, MN_PART_TRAIN, 0, 0, 7, &transform, &loader));
    const mn_batch *batch;
    ck_assert_ok(mn_loader_batch(loader, 5, &batch));
    const float *angles = mn_stream_angles(stream, MN_PART_TRAIN);
    for (int64_t i = 0; i < batch->count; i++) {
        int32_t map[SIDE * SIDE];
        const int64_t index = batch->indices[i];
        ck_assert_int_eq(index, mn_stream_view_of(stream, MN_PART_TRAIN, 0).indices[35 + i]);
        mn_rotation_map((double)angles[index], SIDE, SIDE, map);
        for (int64_t p = 0; p < SIDE * SIDE; p++) {
            const uint8_t *image = dataset->train.pixels + index * SIDE * SIDE;
            ck_assert_int_eq(batch->pixels[i * SIDE * SIDE + p], map[p] < 0 ? 0 : image[map[p]]);
        }
    }
    mn_loader_free(loader);
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}
END_TEST

START_TEST(what_has_no_meaning_is_refused)
{
    mn_dataset *dataset = drawn();
    mn_stream *stream;
    mn_stream_spec spec = spec_of();
    spec.tasks = 2;
    ck_assert_fails(mn_stream_new(dataset, &spec, 1, &stream), MN_BAD_OPTION, "no tasks");
    spec.tasks = 1;
    spec.rounds = 0;
    ck_assert_fails(mn_stream_new(dataset, &spec, 1, &stream), MN_BAD_OPTION, "rounds");
    spec.rounds = 1;
    spec.class_order_seed = 3;
    ck_assert_fails(mn_stream_new(dataset, &spec, 1, &stream), MN_BAD_OPTION, "class_order_seed");
    mn_dataset_free(dataset);
}
END_TEST

MN_SUITE("general", classes_come_in_pairs_round_after_round,
         each_class_turns_once_in_the_order_in_which_its_images_come,
         pieces_of_unequal_size_are_mixed_by_what_is_left,
         parts_of_the_training_images_keep_the_order, the_loader_turns_every_image_by_its_own_angle,
         what_has_no_meaning_is_refused)
