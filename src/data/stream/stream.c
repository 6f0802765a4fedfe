/* stream.c -- a stream of tasks as views into one data set.
 *
 * Images are never copied: a part is a list of places, grouped by task.  In a domain stream all
 * tasks share one group, and the loader moves the pixels.  Every choice is made class by class from
 * keys: it depends on the seed, and not on when a class arrives. */
#include "data/stream/stream.h"
#include "data/stream/general.h"
#include "data/stream/pixel_map.h"
#include "data/stream/stream_spec.h"

#include <math.h>
#include <mneme/memory.h>
#include <mneme/stream.h>
#include <stdio.h>
#include <string.h>

enum { PARTS = 5, NAME_BYTES = 8 };

typedef struct part_view {
    int64_t *first;   /* (groups + 1) into indices */
    int64_t *indices; /* grouped by task, in the data set's order within a group */
} part_view;

struct mn_stream {
    const mn_dataset *dataset;
    mn_scenario scenario;
    uint64_t seed;
    int64_t tasks, groups, classes, rounds;
    int64_t *original;     /* (classes) by arrival */
    int32_t *arrival;      /* (dataset->classes) by original label; -1: not in the stream */
    int32_t *group;        /* (classes) by arrival */
    int32_t *train_labels; /* (train.count) by arrival, or MN_UNLABELLED */
    int32_t *test_labels;  /* (test.count) by arrival */
    uint8_t *parts;        /* (train.count) bits of the parts that a training image is in */
    float *train_angles, *test_angles; /* of a general stream, by place; else NULL */
    part_view part[PARTS];
    mn_task_info *info;              /* (tasks) */
    char (*number_name)[NAME_BYTES]; /* (classes) names of classes that are only numbers */
};

static void *array(int64_t count, size_t size)
{
    return mn_memory_take_zeroed((size_t)count, size);
}

static const mn_images *images_of(const mn_dataset *dataset, mn_part part)
{
    return part == MN_PART_TEST ? &dataset->test : &dataset->train;
}

static mn_status allocate(mn_stream *stream)
{
    const mn_dataset *dataset = stream->dataset;
    const int64_t classes = stream->classes;
    stream->original = array(classes, sizeof *stream->original);
    stream->arrival = array(dataset->classes, sizeof *stream->arrival);
    stream->group = array(classes, sizeof *stream->group);
    stream->train_labels = array(dataset->train.count, sizeof *stream->train_labels);
    stream->test_labels = array(dataset->test.count, sizeof *stream->test_labels);
    stream->parts = array(dataset->train.count, sizeof *stream->parts);
    stream->info = array(stream->tasks, sizeof *stream->info);
    stream->number_name = array(classes, sizeof *stream->number_name);
    bool missing = stream->original == NULL || stream->arrival == NULL || stream->group == NULL ||
                   stream->train_labels == NULL || stream->test_labels == NULL ||
                   stream->parts == NULL || stream->info == NULL || stream->number_name == NULL;
    for (int i = 0; i < PARTS; i++) {
        part_view *view = &stream->part[i];
        view->first = array(stream->groups + 1, sizeof *view->first);
        view->indices = array(images_of(dataset, (mn_part)i)->count, sizeof *view->indices);
        missing = missing || view->first == NULL || view->indices == NULL;
    }
    return missing ? mn_fail(MN_NO_MEMORY, "out of memory for a stream over '%s'", dataset->name)
                   : MN_OK;
}

/* A counting sort: the places of group g end up in places[first[g]..first[g + 1]), in ascending
 * order; those of group -1 nowhere.  `first` comes in as zeros. */
static void sort_by_group(int64_t count, const int32_t *group, int64_t groups,
                          int64_t *first /* (groups + 1) */, int64_t *places)
{
    for (int64_t i = 0; i < count; i++)
        if (group[i] >= 0)
            first[group[i] + 1]++;
    for (int64_t g = 0; g < groups; g++)
        first[g + 1] += first[g];
    for (int64_t i = 0; i < count; i++)
        if (group[i] >= 0)
            places[first[group[i]]++] = i;
    for (int64_t g = groups; g > 0; g--) /* each start has moved on to that of the next group */
        first[g] = first[g - 1];
    first[0] = 0;
}

static void arrange_classes(mn_stream *stream, const mn_stream_spec *spec)
{
    const int64_t classes = stream->classes;
    mn_stream_class_order(spec, classes, stream->original);
    for (int64_t label = 0; label < stream->dataset->classes; label++)
        stream->arrival[label] = -1;
    for (int64_t arrival = 0; arrival < classes; arrival++) {
        stream->arrival[stream->original[arrival]] = (int32_t)arrival;
        snprintf(stream->number_name[arrival], NAME_BYTES, "%d", (int)stream->original[arrival]);
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
}

static void label_all(const mn_stream *stream, const mn_images *images, int32_t *labels)
{
    for (int64_t i = 0; i < images->count; i++)
        labels[i] = stream->arrival[images->labels[i]]; /* -1 where no task shows it */
}

/* --- which images of a class are held out, and which are labelled --- */

static uint8_t bit_of(mn_part part)
{
    return (uint8_t)(1u << part);
}

static mn_status hold_out(mn_stream *stream, double fraction, int64_t class, int64_t *members,
                          int64_t *count, int64_t *order)
{
    const int64_t n = *count, held = llround(fraction * (double)n);
    if (n == 0)
        return mn_fail(MN_BAD_OPTION, "data set '%s' has no training images of class %lld",
                       stream->dataset->name, (long long)class);
    if (fraction > 0 && (held < 1 || held == n))
        return mn_fail(MN_BAD_OPTION,
                       "validation: %g of the %lld training images of class %lld is %s", fraction,
                       (long long)n, (long long)class, held < 1 ? "none" : "all of them");
    if (held > 0)
        mn_random_permutation(
            mn_key_at(mn_key_of(stream->seed, "stream.validation"), (uint64_t) class), n, order);
    for (int64_t i = 0; i < held; i++)
        stream->parts[members[order[i]]] = bit_of(MN_PART_VALIDATION);
    *count = 0;
    for (int64_t i = 0; i < n; i++) /* what is left, still in order */
        if (stream->parts[members[i]] == 0)
            members[(*count)++] = members[i];
    return MN_OK;
}

/* All that is left becomes training, unless the spec wants fewer of each class. */
static mn_status choose_training(mn_stream *stream, const mn_stream_spec *spec, int64_t class,
                                 int64_t *members, int64_t *count, int64_t *order)
{
    const int64_t n = *count, wanted = spec->images_per_class > 0 ? spec->images_per_class : n;
    if (wanted > n)
        return mn_fail(MN_BAD_OPTION,
                       "stream.images_per_class: %lld, but class %lld has only %lld training "
                       "images",
                       (long long)wanted, (long long)class, (long long)n);
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    if (wanted < n)
        mn_random_permutation(mn_key_at(mn_key_of(stream->seed, "stream.images"), (uint64_t) class),
                              n, order);
    for (int64_t i = 0; i < wanted; i++)
        stream->parts[members[order[i]]] = bit_of(MN_PART_TRAIN) | bit_of(MN_PART_POOL);
    *count = 0;
    for (int64_t i = 0; i < n; i++) /* what is taken, still in order */
        if (stream->parts[members[i]] != 0)
            members[(*count)++] = members[i];
    return MN_OK;
}

static mn_status choose_labelled(mn_stream *stream, const mn_stream_spec *spec, int64_t class,
                                 const int64_t *members, int64_t count, int64_t *order)
{
    const int64_t labelled = spec->labels_per_class > 0
                                 ? spec->labels_per_class
                                 : llround(spec->label_fraction * (double)count);
    if (labelled > count)
        return mn_fail(MN_BAD_OPTION,
                       "labels.per_class: %lld, but class %lld has only %lld training images",
                       (long long)labelled, (long long)class, (long long)count);
    if (labelled < 1)
        return mn_fail(MN_BAD_OPTION,
                       "labels.fraction: %g of the %lld training images of class %lld is none",
                       spec->label_fraction, (long long)count, (long long)class);
    for (int64_t i = 0; i < count; i++)
        order[i] = i;
    if (labelled < count)
        mn_random_permutation(mn_key_at(mn_key_of(stream->seed, "stream.labels"), (uint64_t) class),
                              count, order);
    for (int64_t i = 0; i < labelled; i++)
        stream->parts[members[order[i]]] |= bit_of(MN_PART_LABELLED);
    for (int64_t i = labelled; i < count; i++)
        stream->train_labels[members[order[i]]] = MN_UNLABELLED;
    return MN_OK;
}

static mn_status choose(mn_stream *stream, const mn_stream_spec *spec)
{
    const mn_images *train = &stream->dataset->train;
    const int64_t classes = stream->dataset->classes;
    int64_t *first = array(classes + 1, sizeof *first);
    int64_t *members = array(train->count, sizeof *members);
    int64_t *order = array(train->count, sizeof *order);
    mn_status status = MN_OK;
    if (first == NULL || members == NULL || order == NULL)
        status =
            mn_fail(MN_NO_MEMORY, "out of memory for a stream over '%s'", stream->dataset->name);
    else
        sort_by_group(train->count, train->labels, classes, first, members);
    for (int64_t c = 0; c < classes && status == MN_OK; c++) {
        if (stream->arrival[c] < 0)
            continue;
        int64_t *own = members + first[c], count = first[c + 1] - first[c];
        status = hold_out(stream, spec->validation, c, own, &count, order);
        if (status == MN_OK)
            status = choose_training(stream, spec, c, own, &count, order);
        if (status == MN_OK)
            status = choose_labelled(stream, spec, c, own, count, order);
    }
    mn_memory_give(first);
    mn_memory_give(members);
    mn_memory_give(order);
    return status;
}

/* --- the parts --- */

static mn_status fill_view(mn_stream *stream, mn_part part)
{
    const mn_images *images = images_of(stream->dataset, part);
    int32_t *group = array(images->count, sizeof *group);
    if (group == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a stream over '%s'", stream->dataset->name);
    for (int64_t i = 0; i < images->count; i++) {
        const bool inside = part == MN_PART_TEST || (stream->parts[i] & bit_of(part)) != 0;
        const int32_t arrival = stream->arrival[images->labels[i]];
        group[i] = inside && arrival >= 0 ? stream->group[arrival] : -1;
    }
    part_view *view = &stream->part[part];
    memset(view->first, 0, ((size_t)stream->groups + 1) * sizeof *view->first);
    sort_by_group(images->count, group, stream->groups, view->first, view->indices);
    mn_memory_give(group);
    return MN_OK;
}

/* Marks a fraction of each task's images as its pool.  Images outside the pool and without a label
 * are never shown. */
static mn_status choose_pool(mn_stream *stream, double fraction)
{
    const part_view *train = &stream->part[MN_PART_TRAIN];
    if (fraction >= 1)
        return MN_OK;
    MN_TRY(fill_view(stream, MN_PART_TRAIN));
    int64_t *order = array(stream->dataset->train.count, sizeof *order);
    if (order == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for a stream over '%s'", stream->dataset->name);
    mn_status status = MN_OK;
    for (int64_t g = 0; g < stream->groups && status == MN_OK; g++) {
        const int64_t *images = train->indices + train->first[g];
        const int64_t n = train->first[g + 1] - train->first[g];
        const int64_t wanted = llround(fraction * (double)n);
        if (wanted < 1)
            status = mn_fail(MN_BAD_OPTION,
                             "labels.pool: %g of the %lld training images of task %lld is none",
                             fraction, (long long)n, (long long)g + 1);
        mn_random_permutation(mn_key_at(mn_key_of(stream->seed, "stream.pool"), (uint64_t)g), n,
                              order);
        for (int64_t i = wanted; i < n; i++) {
            uint8_t *parts = &stream->parts[images[order[i]]];
            const bool labelled = (*parts & bit_of(MN_PART_LABELLED)) != 0;
            *parts = labelled ? bit_of(MN_PART_TRAIN) | bit_of(MN_PART_LABELLED) : 0;
        }
    }
    mn_memory_give(order);
    return status;
}

static mn_status count_tasks(mn_stream *stream)
{
    for (int64_t task = 0; task < stream->tasks; task++) {
        mn_task_info *info = &stream->info[task];
        info->train = mn_stream_view_of(stream, MN_PART_TRAIN, task).count;
        info->labelled = mn_stream_view_of(stream, MN_PART_LABELLED, task).count;
        info->validation = mn_stream_view_of(stream, MN_PART_VALIDATION, task).count;
        info->test = mn_stream_view_of(stream, MN_PART_TEST, task).count;
        if (info->test == 0)
            return mn_fail(MN_BAD_OPTION, "data set '%s' has no test images for task %lld",
                           stream->dataset->name, (long long)task);
    }
    return MN_OK;
}

static mn_class_images view_images(const mn_stream *stream, mn_part part)
{
    return (mn_class_images){.labels = images_of(stream->dataset, part)->labels,
                             .arrival = stream->arrival,
                             .classes = stream->classes,
                             .count = stream->part[part].first[1],
                             .places = stream->part[part].indices};
}

/* Puts a part of the training images in the order that these are in. */
static void follow_order(mn_stream *stream, mn_part part)
{
    const part_view *train = &stream->part[MN_PART_TRAIN];
    int64_t *to = stream->part[part].indices;
    for (int64_t i = 0; i < train->first[1]; i++)
        if ((stream->parts[train->indices[i]] & bit_of(part)) != 0)
            *to++ = train->indices[i];
}

/* The angles of all images, and the one order of the training images. */
static mn_status arrange_general(mn_stream *stream)
{
    const mn_dataset *dataset = stream->dataset;
    if (stream->scenario != MN_GENERAL_ROTATED)
        return MN_OK;
    stream->train_angles = array(dataset->train.count, sizeof *stream->train_angles);
    stream->test_angles = array(dataset->test.count, sizeof *stream->test_angles);
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
    made->groups = spec->scenario == MN_CLASS_INCREMENTAL ? spec->tasks : 1;
    mn_status status = allocate(made);
    if (status == MN_OK) {
        arrange_classes(made, spec);
        label_all(made, &dataset->train, made->train_labels);
        label_all(made, &dataset->test, made->test_labels);
        status = choose(made, spec);
    }
    if (status == MN_OK)
        status = choose_pool(made, spec->pool);
    for (int i = 0; i < PARTS && status == MN_OK; i++)
        status = fill_view(made, (mn_part)i);
    if (status == MN_OK)
        status = arrange_general(made);
    if (status == MN_OK)
        status = count_tasks(made);
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
    mn_memory_give(stream->train_labels);
    mn_memory_give(stream->test_labels);
    mn_memory_give(stream->parts);
    mn_memory_give(stream->train_angles);
    mn_memory_give(stream->test_angles);
    mn_memory_give(stream->info);
    mn_memory_give(stream->number_name);
    for (int i = 0; i < PARTS; i++) {
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
    return stream->scenario == MN_CLASS_INCREMENTAL;
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

const mn_dataset *mn_stream_dataset(const mn_stream *stream)
{
    return stream->dataset;
}

mn_stream_view mn_stream_view_of(const mn_stream *stream, mn_part part, int64_t task)
{
    const part_view *view = &stream->part[part];
    const int64_t group = stream->scenario == MN_CLASS_INCREMENTAL ? task : 0;
    return (mn_stream_view){.count = view->first[group + 1] - view->first[group],
                            .indices = view->indices + view->first[group]};
}

const int32_t *mn_stream_labels(const mn_stream *stream, mn_part part)
{
    return part == MN_PART_TEST ? stream->test_labels : stream->train_labels;
}

int64_t mn_stream_true_label(const mn_stream *stream, mn_part part, int64_t place)
{
    return stream->arrival[images_of(stream->dataset, part)->labels[place]];
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
