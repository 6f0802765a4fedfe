/* stream.c -- a stream of tasks as views into one data set.
 *
 * Images are never copied: a part is a list of places, grouped by task.  In a domain stream all
 * tasks share one group, and the loader moves the pixels.  Every choice is made class by class from
 * keys: it depends on the seed, and not on when a class arrives. */
#include "data/stream/stream.h"
#include "data/stream/again.h"
#include "data/stream/choose.h"
#include "data/stream/general.h"
#include "data/stream/noise.h"
#include "data/stream/parts.h"
#include "data/stream/pixel_map.h"
#include "data/stream/stream_spec.h"

#include <mneme/memory.h>
#include <mneme/stream.h>
#include <stdio.h>
#include <string.h>

static mn_status allocate(mn_stream *stream)
{
    const mn_dataset *dataset = stream->dataset;
    const int64_t classes = stream->classes;
    stream->original = mn_stream_array(dataset->classes, sizeof *stream->original);
    stream->arrival = mn_stream_array(dataset->classes, sizeof *stream->arrival);
    stream->group = mn_stream_array(classes, sizeof *stream->group);
    stream->rank = mn_stream_array(classes, sizeof *stream->rank);
    stream->train_labels = mn_stream_array(dataset->train.count, sizeof *stream->train_labels);
    stream->test_labels = mn_stream_array(dataset->test.count, sizeof *stream->test_labels);
    stream->parts = mn_stream_array(dataset->train.count, sizeof *stream->parts);
    stream->noised = mn_stream_array(dataset->train.count, sizeof *stream->noised);
    stream->moved = mn_stream_array(dataset->train.count, sizeof *stream->moved);
    stream->train_group = mn_stream_array(dataset->train.count, sizeof *stream->train_group);
    stream->test_group = mn_stream_array(dataset->test.count, sizeof *stream->test_group);
    stream->info = mn_stream_array(stream->tasks, sizeof *stream->info);
    stream->number_name = mn_stream_array(classes, sizeof *stream->number_name);
    stream->domain = mn_stream_array(stream->tasks, sizeof *stream->domain);
    bool missing = stream->rank == NULL || stream->original == NULL || stream->arrival == NULL ||
                   stream->group == NULL || stream->train_labels == NULL ||
                   stream->test_labels == NULL || stream->parts == NULL || stream->info == NULL ||
                   stream->number_name == NULL || stream->noised == NULL || stream->moved == NULL ||
                   stream->train_group == NULL || stream->test_group == NULL ||
                   stream->domain == NULL;
    for (int i = 0; i < MN_STREAM_PARTS; i++) {
        mn_part_view *view = &stream->part[i];
        view->first = mn_stream_array(stream->groups + 1, sizeof *view->first);
        view->indices =
            mn_stream_array(mn_part_images(dataset, (mn_part)i)->count, sizeof *view->indices);
        missing = missing || view->first == NULL || view->indices == NULL;
    }
    return missing ? mn_fail(MN_NO_MEMORY, "out of memory for a stream over '%s'", dataset->name)
                   : MN_OK;
}

static mn_status arrange_classes(mn_stream *stream, const mn_stream_spec *spec)
{
    if (stream->scenario == MN_CLASS_REPETITION)
        MN_TRY(mn_repetition_order(spec, stream->dataset, &stream->classes, stream->original));
    else
        mn_stream_class_order(spec, stream->classes, stream->original);
    const int64_t classes = stream->classes;
    for (int64_t label = 0; label < stream->dataset->classes; label++)
        stream->arrival[label] = -1;
    for (int64_t arrival = 0; arrival < classes; arrival++) {
        stream->arrival[stream->original[arrival]] = (int32_t)arrival;
        snprintf(stream->number_name[arrival], MN_CLASS_NUMBER_BYTES, "%d",
                 (int)stream->original[arrival]);
    }
    int64_t first = 0;
    for (int64_t task = 0; task < stream->tasks; task++) {
        const int64_t n = stream->scenario != MN_CLASS_INCREMENTAL ? classes
                          : spec->task_classes != NULL             ? spec->task_classes[task]
                                                                   : classes / stream->tasks;
        stream->info[task] = (mn_task_info){.first_class = first, .classes = n};
        if (stream->scenario != MN_CLASS_INCREMENTAL)
            continue; /* every class in every task: one group, group 0 */
        for (int64_t i = first; i < first + n; i++)
            stream->group[i] = (int32_t)task;
        first += n;
    }
    return MN_OK;
}

static void label_all(const mn_stream *stream, const mn_images *images, int32_t *labels)
{
    for (int64_t i = 0; i < images->count; i++)
        labels[i] = stream->arrival[images->labels[i]]; /* -1 where no task shows it */
}

/* --- which task each image comes in --- */

static bool is_dealt(const mn_stream_spec *spec)
{
    return spec->scenario == MN_CLASS_REPETITION && spec->class_order != NULL;
}

/* Whether the data's domains are the tasks. */
static bool brings_domains(const mn_stream_spec *spec)
{
    return spec->scenario == MN_DOMAIN_GIVEN ||
           (spec->scenario == MN_CLASS_REPETITION && !is_dealt(spec));
}

static mn_grouped grouped(const mn_stream *stream, bool test)
{
    return (mn_grouped){.images = test ? &stream->dataset->test : &stream->dataset->train,
                        .arrival = stream->arrival,
                        .kind = test ? NULL : stream->parts,
                        .group = test ? stream->test_group : stream->train_group};
}

/* What classes or domains decide. */
static void group_images(const mn_stream *stream, const mn_stream_spec *spec)
{
    const bool given = brings_domains(spec);
    for (int test = 0; test < 2 && !is_dealt(spec); test++) {
        const mn_grouped part = grouped(stream, test == 1);
        if (given)
            mn_domain_groups(spec, &part);
        for (int64_t i = 0; i < part.images->count && !given; i++) {
            const int32_t arrival = stream->arrival[part.images->labels[i]];
            part.group[i] = arrival >= 0 ? stream->group[arrival] : -1;
        }
    }
}

/* The domain that each task is, of streams whose tasks are some of the data's. */
static void name_domains(mn_stream *stream, const mn_stream_spec *spec)
{
    for (int64_t task = 0; task < spec->tasks && brings_domains(spec); task++)
        stream->domain[task] = stream->dataset->domain_names[mn_domain_of_task(spec, task)];
}

/* What is drawn, once it is known which images are held out and labelled: each task gets its share
 * of those too. */
static mn_status deal_images(const mn_stream *stream, const mn_stream_spec *spec)
{
    for (int test = 0; test < 2 && is_dealt(spec); test++) {
        const mn_grouped part = grouped(stream, test == 1);
        MN_TRY(mn_repetition_deal(
            spec, &part, stream->classes,
            mn_key_at(mn_key_of(stream->seed, "stream.repetition"), (uint64_t)test)));
    }
    return MN_OK;
}

/* --- the parts --- */

/* Wrong labels, among the classes that a task brings; then borders are blurred. */
static mn_status disturb(mn_stream *stream, const mn_stream_spec *spec)
{
    const mn_part_view *train = &stream->part[MN_PART_TRAIN];
    const mn_noise noise = {.part = spec->noise,
                            .pairs = spec->noise_pairs,
                            .classes = stream->classes,
                            .key = mn_key_of(stream->seed, "stream.noise")};
    if (spec->noise > 0 || spec->blur > 0)
        MN_TRY(mn_part_fill(stream, MN_PART_TRAIN));
    for (int64_t g = 0; g < stream->groups && spec->noise > 0; g++)
        MN_TRY(mn_noise_add(&noise, g, train->indices + train->first[g],
                            train->first[g + 1] - train->first[g], stream->train_labels,
                            stream->noised));
    return spec->blur > 0
               ? mn_blur(spec->blur, stream->groups, train->first, train->indices,
                         mn_key_of(stream->seed, "stream.blur"), stream->train_group, stream->moved)
               : MN_OK;
}

/* Training images of a task that have a wrong label, and that are of another task. */
static void count_disturbed(const mn_stream *stream, int64_t task, mn_task_info *info)
{
    const mn_stream_view view = mn_stream_view_of(stream, MN_PART_TRAIN, task);
    for (int64_t i = 0; i < view.count; i++) {
        info->noised += stream->noised[view.indices[i]];
        info->strangers += stream->moved[view.indices[i]];
    }
}

/* The first class, by arrival, that no image up to a task is of. */
static int64_t classes_by(const mn_stream *stream, int64_t task, int64_t before)
{
    static const mn_part parts[] = {MN_PART_TRAIN, MN_PART_TEST};
    int64_t most = before;
    for (int p = 0; p < 2; p++) {
        const mn_stream_view view = mn_stream_view_of(stream, parts[p], task);
        const mn_images *images = mn_part_images(stream->dataset, parts[p]);
        for (int64_t i = 0; i < view.count; i++) {
            const int64_t class = stream->arrival[images->labels[view.indices[i]]];
            most = class >= most ? class + 1 : most;
        }
    }
    return most;
}

static mn_status count_tasks(mn_stream *stream, bool validates)
{
    for (int64_t task = 0; task < stream->tasks; task++) {
        mn_task_info *info = &stream->info[task];
        info->train = mn_stream_view_of(stream, MN_PART_TRAIN, task).count;
        info->labelled = mn_stream_view_of(stream, MN_PART_LABELLED, task).count;
        info->validation = mn_stream_view_of(stream, MN_PART_VALIDATION, task).count;
        info->test = mn_stream_view_of(stream, MN_PART_TEST, task).count;
        const char *missing = info->test == 0                      ? "test"
                              : info->train == 0                   ? "training"
                              : info->labelled == 0                ? "labelled"
                              : validates && info->validation == 0 ? "validation"
                                                                   : NULL;
        if (missing != NULL)
            return mn_fail(MN_BAD_OPTION,
                           "data set '%s' has no %s images for task %lld; bring more images of a "
                           "class, or fewer tasks",
                           stream->dataset->name, missing, (long long)task + 1);
        count_disturbed(stream, task, info);
        if (mn_stream_by_class(stream) && !mn_stream_class_incremental(stream)) {
            info->first_class = 0;
            info->classes = classes_by(stream, task, task > 0 ? stream->info[task - 1].classes : 0);
        }
    }
    return MN_OK;
}

static mn_class_images view_images(const mn_stream *stream, mn_part part)
{
    return (mn_class_images){.labels = mn_part_images(stream->dataset, part)->labels,
                             .arrival = stream->arrival,
                             .classes = stream->classes,
                             .count = stream->part[part].first[1],
                             .places = stream->part[part].indices};
}

/* Puts a part of the training images in the order that these are in. */
static void follow_order(mn_stream *stream, mn_part part)
{
    const mn_part_view *train = &stream->part[MN_PART_TRAIN];
    int64_t *to = stream->part[part].indices;
    for (int64_t i = 0; i < train->first[1]; i++)
        if ((stream->parts[train->indices[i]] & mn_part_bit(part)) != 0)
            *to++ = train->indices[i];
}

/* The angles of all images, and the one order of the training images. */
static mn_status arrange_general(mn_stream *stream)
{
    const mn_dataset *dataset = stream->dataset;
    if (stream->scenario != MN_GENERAL_ROTATED)
        return MN_OK;
    stream->train_angles = mn_stream_array(dataset->train.count, sizeof *stream->train_angles);
    stream->test_angles = mn_stream_array(dataset->test.count, sizeof *stream->test_angles);
    if (stream->train_angles == NULL || stream->test_angles == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a stream over '%s'", dataset->name);
    mn_class_images train = view_images(stream, MN_PART_TRAIN);
    const mn_class_images test = view_images(stream, MN_PART_TEST);
    const mn_class_images validation = view_images(stream, MN_PART_VALIDATION);
    MN_TRY(mn_general_order(&train, stream->rounds, mn_key_of(stream->seed, "stream.general"),
                            stream->train_angles));
    follow_order(stream, MN_PART_LABELLED);
    follow_order(stream, MN_PART_POOL);
    MN_TRY(mn_general_angles(&validation, stream->train_angles));
    return mn_general_angles(&test, stream->test_angles);
}

mn_status mn_stream_new(const mn_dataset *dataset, const mn_stream_spec *spec, uint64_t seed,
                        mn_stream **stream)
{
    MN_TRY(mn_stream_spec_check(spec, dataset));
    mn_stream *made = mn_memory_take_zeroed(1, sizeof *made);
    if (made == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory");
    made->dataset = dataset;
    made->scenario = spec->scenario;
    made->seed = seed;
    made->rounds = spec->rounds;
    made->tasks = spec->tasks;
    made->classes = spec->classes > 0 ? spec->classes : dataset->classes;
    made->blurred = spec->blur > 0;
    made->groups = spec->scenario == MN_CLASS_INCREMENTAL || spec->scenario == MN_DOMAIN_GIVEN ||
                           spec->scenario == MN_CLASS_REPETITION
                       ? spec->tasks
                       : 1;
    mn_status status = allocate(made);
    if (status == MN_OK)
        status = arrange_classes(made, spec);
    if (status == MN_OK) {
        mn_choose_ranks(made, spec);
        label_all(made, &dataset->train, made->train_labels);
        label_all(made, &dataset->test, made->test_labels);
        group_images(made, spec);
        name_domains(made, spec);
        status = mn_choose_images(made, spec);
    }
    if (status == MN_OK)
        status = deal_images(made, spec);
    if (status == MN_OK)
        status = mn_choose_pool(made, spec->pool);
    if (status == MN_OK)
        status = disturb(made, spec);
    for (int i = 0; i < MN_STREAM_PARTS && status == MN_OK; i++)
        status = mn_part_fill(made, (mn_part)i);
    if (status == MN_OK)
        status = arrange_general(made);
    if (status == MN_OK)
        status = count_tasks(made, spec->validation > 0);
    if (status != MN_OK) {
        mn_stream_free(made);
        return status;
    }
    *stream = made;
    return MN_OK;
}

void mn_stream_free(mn_stream *stream)
{
    if (stream == NULL)
        return;
    mn_memory_give(stream->original);
    mn_memory_give(stream->arrival);
    mn_memory_give(stream->group);
    mn_memory_give(stream->rank);
    mn_memory_give(stream->noised);
    mn_memory_give(stream->moved);
    mn_memory_give(stream->train_group);
    mn_memory_give(stream->test_group);
    mn_memory_give(stream->train_labels);
    mn_memory_give(stream->test_labels);
    mn_memory_give(stream->parts);
    mn_memory_give(stream->train_angles);
    mn_memory_give(stream->test_angles);
    mn_memory_give(stream->info);
    mn_memory_give(stream->number_name);
    mn_memory_give(stream->domain);
    for (int i = 0; i < MN_STREAM_PARTS; i++) {
        mn_memory_give(stream->part[i].first);
        mn_memory_give(stream->part[i].indices);
    }
    mn_memory_give(stream);
}

/* --- questions --- */

int64_t mn_stream_tasks(const mn_stream *stream)
{
    return stream->tasks;
}

int64_t mn_stream_classes(const mn_stream *stream)
{
    return stream->classes;
}

bool mn_stream_class_incremental(const mn_stream *stream)
{
    return stream->scenario == MN_CLASS_INCREMENTAL && !stream->blurred;
}

bool mn_stream_by_class(const mn_stream *stream)
{
    return stream->scenario == MN_CLASS_INCREMENTAL || stream->scenario == MN_CLASS_REPETITION;
}

bool mn_stream_shares_images(const mn_stream *stream)
{
    return stream->groups == 1;
}

bool mn_stream_noised(const mn_stream *stream, int64_t place)
{
    return stream->noised[place];
}

bool mn_stream_task_has(const mn_stream *stream, int64_t task, int64_t arrival)
{
    static const mn_part parts[] = {MN_PART_TRAIN, MN_PART_TEST};
    for (int p = 0; p < 2; p++) {
        const mn_stream_view view = mn_stream_view_of(stream, parts[p], task);
        for (int64_t i = 0; i < view.count; i++)
            if (mn_stream_true_label(stream, parts[p], view.indices[i]) == arrival)
                return true;
    }
    return false;
}

bool mn_stream_has_boundaries(const mn_stream *stream)
{
    return stream->scenario != MN_GENERAL_ROTATED;
}

mn_task_info mn_stream_task(const mn_stream *stream, int64_t task)
{
    return task >= 0 && task < stream->tasks ? stream->info[task] : (mn_task_info){.classes = 0};
}

int64_t mn_stream_task_of(const mn_stream *stream, int64_t arrival)
{
    for (int64_t task = 0; task < stream->tasks && mn_stream_class_incremental(stream); task++) {
        const mn_task_info *info = &stream->info[task];
        if (arrival >= info->first_class && arrival < info->first_class + info->classes)
            return task;
    }
    return MN_NO_TASK;
}

int64_t mn_stream_original_class(const mn_stream *stream, int64_t arrival)
{
    return arrival >= 0 && arrival < stream->classes ? stream->original[arrival] : -1;
}

const char *mn_stream_class_name(const mn_stream *stream, int64_t arrival)
{
    if (arrival < 0 || arrival >= stream->classes)
        return "?";
    const char *const *names = stream->dataset->class_names;
    return names != NULL ? names[stream->original[arrival]] : stream->number_name[arrival];
}

const char *mn_stream_task_domain(const mn_stream *stream, int64_t task)
{
    return task >= 0 && task < stream->tasks ? stream->domain[task] : NULL;
}

const mn_dataset *mn_stream_dataset(const mn_stream *stream)
{
    return stream->dataset;
}

mn_stream_view mn_stream_view_of(const mn_stream *stream, mn_part part, int64_t task)
{
    const mn_part_view *view = &stream->part[part];
    const int64_t group = stream->groups > 1 ? task : 0;
    return (mn_stream_view){.count = view->first[group + 1] - view->first[group],
                            .indices = view->indices + view->first[group]};
}

const int32_t *mn_stream_labels(const mn_stream *stream, mn_part part)
{
    return part == MN_PART_TEST ? stream->test_labels : stream->train_labels;
}

int64_t mn_stream_true_label(const mn_stream *stream, mn_part part, int64_t place)
{
    return stream->arrival[mn_part_images(stream->dataset, part)->labels[place]];
}

bool mn_stream_moves_pixels(const mn_stream *stream)
{
    return stream->scenario == MN_DOMAIN_PERMUTED || stream->scenario == MN_DOMAIN_ROTATED;
}

const float *mn_stream_angles(const mn_stream *stream, mn_part part)
{
    return part == MN_PART_TEST ? stream->test_angles : stream->train_angles;
}

void mn_stream_pixel_map(const mn_stream *stream, int64_t task, int32_t *map)
{
    const int64_t height = stream->dataset->height, width = stream->dataset->width;
    if (stream->scenario == MN_DOMAIN_ROTATED)
        mn_rotation_map(
            180 * mn_random_uniform(mn_key_of(stream->seed, "stream.rotation"), (uint64_t)task),
            height, width, map);
    else
        mn_permutation_map(mn_key_at(mn_key_of(stream->seed, "stream.permutation"), (uint64_t)task),
                           height * width, map);
}

mn_key mn_epoch_key(int64_t seed, const char *purpose, int64_t task, int64_t phase, int64_t epoch)
{
    const mn_key key = mn_key_of((uint64_t)seed, purpose);
    return mn_key_at(mn_key_at(mn_key_at(key, (uint64_t)task), (uint64_t)phase), (uint64_t)epoch);
}
