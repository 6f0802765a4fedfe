/* Loaders: what comes in a batch, in which order, and the float that a byte becomes. */
#include "data/stream/batch.h"
#include "data/stream/stream.h"
#include "tests/suite.h"

#include <mneme/stream.h>
#include <string.h>

enum { CLASSES = 6, TRAIN = 20, TEST = 4, SIDE = 8, PIXELS = SIDE * SIDE, BATCH = 7 };

static const mn_transform raw = {.channels = 1, .deviation = {1}};
static mn_dataset *dataset;
static mn_stream *stream;

static void open_stream(mn_scenario scenario, int64_t labels_per_class)
{
    ck_assert_ok(mn_dataset_open("synthetic",
                                 "{\"classes\": 6, \"train_per_class\": 20, \"test_per_class\": 4, "
                                 "\"size\": 8}",
                                 NULL, &dataset));
    mn_stream_spec spec = {.scenario = scenario, .tasks = 3, MN_STREAM_DEFAULTS};
    spec.labels_per_class = labels_per_class;
    if (scenario == MN_CLASS_INCREMENTAL)
        spec.class_order_seed = 1;
    ck_assert_ok(mn_stream_new(dataset, &spec, 1, &stream));
}

static mn_loader *loader_of(mn_part part, int64_t first_task, int64_t last_task)
{
    mn_loader *loader;
    ck_assert_ok(mn_loader_new(stream, part, first_task, last_task, BATCH, &raw, &loader));
    return loader;
}

static void close_all(mn_loader *loader)
{
    mn_loader_free(loader);
    mn_stream_free(stream);
    mn_dataset_free(dataset);
}

static const mn_batch *batch_of(mn_loader *loader, int64_t i)
{
    const mn_batch *batch;
    ck_assert_ok(mn_loader_batch(loader, i, &batch));
    return batch;
}

START_TEST(a_batch_holds_what_the_data_set_holds)
{
    open_stream(MN_CLASS_INCREMENTAL, 0);
    mn_loader *loader = loader_of(MN_PART_TRAIN, 1, 2);
    ck_assert_int_eq(mn_loader_images(loader), 4 * TRAIN);
    ck_assert_int_eq(mn_loader_batches(loader), 12);
    int64_t rows = 0;
    for (int64_t i = 0; i < 12; i++) {
        const mn_batch *batch = batch_of(loader, i);
        ck_assert_int_eq(batch->count, i < 11 ? BATCH : 3);
        ck_assert_int_eq(batch->stream_rows, batch->count);
        ck_assert_int_eq(batch->columns, 0);
        ck_assert(mn_shape_equal(batch->image, MN_SHAPE(1, SIDE, SIDE)));
        for (int64_t row = 0; row < batch->count; row++, rows++) {
            const int64_t index = batch->indices[row];
            const mn_task_info info = mn_stream_task(stream, batch->tasks[row]);
            ck_assert_int_eq(batch->tasks[row], rows < 2 * TRAIN ? 1 : 2);
            ck_assert_int_ge(batch->labels[row], info.first_class);
            ck_assert_int_lt(batch->labels[row], info.first_class + info.classes);
            ck_assert_int_eq(mn_stream_original_class(stream, batch->labels[row]),
                             dataset->train.labels[index]);
            ck_assert_int_eq(batch->slots[row], -1);
            ck_assert_mem_eq(batch->pixels + row * PIXELS, dataset->train.pixels + index * PIXELS,
                             PIXELS);
            for (int k = 0; k < PIXELS; k++)
                ck_assert(batch->x[row * PIXELS + k] ==
                          (float)batch->pixels[row * PIXELS + k] / 255.0f);
        }
    }
    ck_assert_int_eq(rows, mn_loader_images(loader));
    close_all(loader);
}
END_TEST

START_TEST(no_batch_is_one_image_left_over)
{
    static const int64_t rows[] = {13, 13, 7, 7}; /* of 40 images: 3 times 13, and 1 */
    open_stream(MN_CLASS_INCREMENTAL, 0);
    mn_loader *loader;
    ck_assert_ok(mn_loader_new(stream, MN_PART_TRAIN, 0, 0, 13, &raw, &loader));
    ck_assert_int_eq(mn_loader_batches(loader), 4);
    bool seen[CLASSES * TRAIN] = {false};
    for (int64_t i = 0; i < 4; i++) {
        const mn_batch *batch = batch_of(loader, i);
        ck_assert_int_eq(batch->count, rows[i]);
        for (int64_t row = 0; row < batch->count; row++) {
            ck_assert(!seen[batch->indices[row]]);
            seen[batch->indices[row]] = true;
        }
    }
    close_all(loader);
}
END_TEST

START_TEST(a_shuffled_epoch_covers_everything_once)
{
    open_stream(MN_DOMAIN_PERMUTED, 0);
    mn_loader *loader = loader_of(MN_PART_TRAIN, 0, 2);
    const mn_key key = mn_key_of(1, "epoch");
    ck_assert_ok(mn_loader_shuffle(loader, &key));
    int seen[3][CLASSES * TRAIN] = {{0}}, moved = 0;
    int64_t position = 0;
    for (int64_t i = 0; i < mn_loader_batches(loader); i++) {
        const mn_batch *batch = batch_of(loader, i);
        for (int64_t row = 0; row < batch->count; row++, position++) {
            seen[batch->tasks[row]][batch->indices[row]]++;
            moved += batch->indices[row] != position % (CLASSES * TRAIN);
        }
    }
    for (int task = 0; task < 3; task++)
        for (int i = 0; i < CLASSES * TRAIN; i++)
            ck_assert_int_eq(seen[task][i], 1);
    ck_assert_int_gt(moved, 2 * CLASSES * TRAIN);
    ck_assert_ok(mn_loader_shuffle(loader, NULL)); /* and back */
    ck_assert_int_eq(batch_of(loader, 1)->indices[0], BATCH);
    close_all(loader);
}
END_TEST

START_TEST(any_batch_can_be_asked_for_at_any_time)
{
    open_stream(MN_DOMAIN_ROTATED, 0);
    mn_loader *walked = loader_of(MN_PART_TRAIN, 0, 2), *asked = loader_of(MN_PART_TRAIN, 0, 2);
    const mn_key key = mn_key_of(1, "epoch"), other = mn_key_of(2, "epoch");
    ck_assert_ok(mn_loader_shuffle(walked, &key));
    ck_assert_ok(mn_loader_shuffle(asked, &other)); /* what came before leaves no trace */
    ck_assert_ok(mn_loader_shuffle(asked, &key));
    const int64_t batches = mn_loader_batches(walked);
    for (int64_t i = 0; i < batches; i++) {
        const mn_batch *a = batch_of(walked, i);
        (void)batch_of(asked, (i * 5 + 3) % batches);
        const mn_batch *b = batch_of(asked, i);
        ck_assert_int_eq(a->count, b->count);
        ck_assert_mem_eq(a->x, b->x, (size_t)a->count * PIXELS * sizeof *a->x);
        ck_assert_mem_eq(a->labels, b->labels, (size_t)a->count * sizeof *a->labels);
        ck_assert_mem_eq(a->indices, b->indices, (size_t)a->count * sizeof *a->indices);
    }
    mn_loader_free(walked);
    close_all(asked);
}
END_TEST

START_TEST(rows_come_by_their_places)
{
    open_stream(MN_CLASS_INCREMENTAL, 0);
    mn_loader *loader = loader_of(MN_PART_TRAIN, 1, 2);
    const int64_t index = batch_of(loader, 2)->indices[3]; /* place 2 * 7 + 3 */
    const mn_key key = mn_key_of(1, "order");
    ck_assert_ok(mn_loader_shuffle(loader, &key)); /* of no concern */
    const mn_batch *batch;
    const int64_t places[] = {17, 0, 17, 79};
    ck_assert_ok(mn_loader_rows(loader, places, 4, &batch));
    ck_assert_int_eq(batch->count, 4);
    ck_assert_int_eq(batch->stream_rows, 4);
    ck_assert_int_eq(batch->indices[0], index);
    ck_assert_int_eq(batch->indices[2], index);
    ck_assert_mem_eq(batch->x, batch->x + 2 * (ptrdiff_t)PIXELS, PIXELS * sizeof(float));
    ck_assert_int_eq(batch->tasks[3], 2);
    ck_assert_fails(mn_loader_rows(loader, (int64_t[]){80}, 1, &batch), MN_BAD_VALUE, "80");
    close_all(loader);
}
END_TEST

START_TEST(train_and_test_images_are_permuted_alike)
{
    open_stream(MN_DOMAIN_PERMUTED, 0);
    int32_t map[PIXELS];
    mn_stream_pixel_map(stream, 2, map);
    mn_loader *train = loader_of(MN_PART_TRAIN, 2, 2), *test = loader_of(MN_PART_TEST, 2, 2);
    const mn_batch *a = batch_of(train, 1), *b = batch_of(test, 1);
    for (int64_t row = 0; row < BATCH; row++)
        for (int k = 0; k < PIXELS; k++) {
            ck_assert_int_eq(a->pixels[row * PIXELS + k],
                             dataset->train.pixels[a->indices[row] * PIXELS + map[k]]);
            ck_assert_int_eq(b->pixels[row * PIXELS + k],
                             dataset->test.pixels[b->indices[row] * PIXELS + map[k]]);
        }
    mn_loader_free(train);
    close_all(test);
}
END_TEST

START_TEST(unlabelled_images_come_without_a_label_and_tests_with_one)
{
    open_stream(MN_CLASS_INCREMENTAL, 2);
    mn_loader *train = loader_of(MN_PART_TRAIN, 0, 2), *test = loader_of(MN_PART_TEST, 0, 2);
    int labelled = 0;
    for (int64_t i = 0; i < mn_loader_batches(train); i++) {
        const mn_batch *batch = batch_of(train, i);
        for (int64_t row = 0; row < batch->count; row++)
            labelled += batch->labels[row] >= 0;
    }
    ck_assert_int_eq(labelled, 2 * CLASSES);
    for (int64_t i = 0; i < mn_loader_batches(test); i++)
        for (int64_t row = 0; row < batch_of(test, i)->count; row++)
            ck_assert_int_ge(batch_of(test, i)->labels[row], 0);
    mn_loader_free(train);
    close_all(test);
}
END_TEST

START_TEST(channels_are_normalised_each_with_its_own_numbers)
{
    const mn_transform transform = {
        .channels = 2, .mean = {0.25f, 0.5f}, .deviation = {0.5f, 0.25f}};
    const uint8_t pixels[2][2][3] = {{{0, 51, 255}, {0, 51, 255}}, {{1, 2, 3}, {4, 5, 6}}};
    float x[2][2][3];
    ck_assert_ok(mn_transform_apply(&transform, MN_SHAPE(2, 1, 3), 2, MN_ROW_U8, &pixels[0][0][0],
                                    mn_key_of(0, "x"), NULL, &x[0][0][0]));
    for (int row = 0; row < 2; row++)
        for (int channel = 0; channel < 2; channel++)
            for (int i = 0; i < 3; i++)
                ck_assert(x[row][channel][i] ==
                          ((float)pixels[row][channel][i] / 255.0f - transform.mean[channel]) /
                              transform.deviation[channel]);
}
END_TEST

START_TEST(what_cannot_be_loaded_is_refused)
{
    open_stream(MN_CLASS_INCREMENTAL, 0);
    mn_loader *loader;
    const mn_transform colour = {.channels = 3, .deviation = {1, 1, 1}}, flat = {.channels = 1};
    ck_assert_fails(mn_loader_new(stream, MN_PART_TRAIN, 0, 3, BATCH, &raw, &loader), MN_BAD_VALUE,
                    "tasks 0 to 3 of a stream of 3");
    ck_assert_fails(mn_loader_new(stream, MN_PART_TRAIN, 0, 0, 0, &raw, &loader), MN_BAD_OPTION,
                    "batch: 0 is below 1");
    ck_assert_fails(mn_loader_new(stream, MN_PART_TRAIN, 0, 0, 1, &colour, &loader), MN_BAD_OPTION,
                    "for 3 channels, but 'synthetic' has 1");
    ck_assert_fails(mn_loader_new(stream, MN_PART_TRAIN, 0, 0, 1, &flat, &loader), MN_BAD_OPTION,
                    "normalise.deviation[0]: 0 is not above 0");
    ck_assert_fails(mn_loader_new(stream, MN_PART_VALIDATION, 0, 0, 1, &raw, &loader),
                    MN_BAD_OPTION, "no validation images in this stream; set validation above 0");
    loader = loader_of(MN_PART_TRAIN, 0, 0);
    const mn_batch *batch;
    ck_assert_fails(mn_loader_batch(loader, 6, &batch), MN_BAD_VALUE, "batch 6 of 6");
    close_all(loader);
}
END_TEST

START_TEST(a_batch_space_grows_once_and_is_reused)
{
    mn_batch_space space = {.capacity = 0};
    const mn_shape image = MN_SHAPE(1, 2, 3);
    float *logits, *features;
    ck_assert_ok(
        mn_batch_space_prepare(&space, image, MN_ROW_U8, 0)); /* a draw from an empty buffer */
    ck_assert_int_eq(space.batch.count, 0);
    ck_assert_ok(mn_batch_space_prepare(&space, image, MN_ROW_U8, 5));
    ck_assert_ok(mn_batch_space_column(&space, "logits", 10, &logits));
    ck_assert_ok(mn_batch_space_column(&space, "features", 4, &features));
    memset(space.x, 0, 5 * 6 * sizeof *space.x); /* all of it is ours */
    memset(logits, 0, 5 * 10 * sizeof *logits);
    memset(features, 0, 5 * 4 * sizeof *features);
    ck_assert_int_eq(space.batch.columns, 2);
    ck_assert_ptr_eq(space.batch.column[0].values, logits);
    ck_assert_str_eq(space.batch.column[1].name, "features");
    ck_assert_int_eq(space.batch.slots[4], -1);
    ck_assert_int_eq(space.batch.indices[4], -1);
    ck_assert_fails(mn_batch_space_column(&space, "logits", 10, &logits), MN_BAD_VALUE, "already");
    const float *x = space.x;
    ck_assert_ok(mn_batch_space_prepare(&space, image, MN_ROW_U8, 3));
    ck_assert_int_eq(space.batch.columns, 0);
    ck_assert_ptr_eq(space.batch.x, x);
    ck_assert_ok(
        mn_batch_space_prepare(&space, MN_SHAPE(3, 8, 8), MN_ROW_U8, 5)); /* larger images */
    memset(space.x, 0, 5 * 192 * sizeof *space.x);
    memset(space.pixels, 0, 5 * 192);
    ck_assert_ok(mn_batch_space_prepare(&space, image, MN_ROW_U8, 0));
    for (int i = 0; i < MN_MAX_COLUMNS; i++) {
        const char name[2] = {(char)('a' + i), '\0'};
        ck_assert_ok(mn_batch_space_column(&space, name, 1, &logits));
    }
    ck_assert_fails(mn_batch_space_column(&space, "more", 1, &logits), MN_UNSUPPORTED, "at most 8");
    mn_batch_space_free(&space);
}
END_TEST

START_TEST(a_batch_space_without_memory_holds_an_empty_batch)
{
    mn_batch_space space = {.capacity = 0};
    const mn_shape image = MN_SHAPE(1, SIDE, SIDE);
    const int64_t too_many[] = {INT64_MAX, INT64_MAX / PIXELS, -1};
    for (size_t i = 0; i < sizeof too_many / sizeof too_many[0]; i++) {
        ck_assert_ok(mn_batch_space_prepare(&space, image, MN_ROW_U8, 3));
        space.batch.stream_rows = 3;
        ck_assert_int_ne(mn_batch_space_prepare(&space, image, MN_ROW_U8, too_many[i]), MN_OK);
        ck_assert_int_eq(space.batch.count, 0);
        ck_assert_int_eq(space.batch.stream_rows, 0);
        ck_assert_ptr_null(space.batch.labels);
        ck_assert_ptr_null(space.batch.x);
    }
    /* An image of one value is not what the failure left room for. */
    ck_assert_fails(mn_batch_space_prepare(&space, image, MN_ROW_U8, INT64_MAX), MN_NO_MEMORY,
                    "of memory");
    ck_assert_ok(mn_batch_space_prepare(&space, MN_SHAPE(1), MN_ROW_U8, 2));
    ck_assert_ptr_nonnull(space.batch.x);
    mn_batch_space_free(&space);
}
END_TEST

MN_SUITE("loader", a_batch_holds_what_the_data_set_holds, no_batch_is_one_image_left_over,
         a_shuffled_epoch_covers_everything_once, any_batch_can_be_asked_for_at_any_time,
         rows_come_by_their_places, train_and_test_images_are_permuted_alike,
         unlabelled_images_come_without_a_label_and_tests_with_one,
         channels_are_normalised_each_with_its_own_numbers, what_cannot_be_loaded_is_refused,
         a_batch_space_grows_once_and_is_reused, a_batch_space_without_memory_holds_an_empty_batch)
