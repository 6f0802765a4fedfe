/* choose.c -- which images of a class are held out, shown and labelled.
 *
 * Every choice is made class by class from keys: it depends on the seed, and not on when a class
 * arrives. */
#include "data/stream/choose.h"

#include <math.h>
#include <mneme/memory.h>

void mn_choose_ranks(mn_stream *stream, const mn_stream_spec *spec)
{
    for (int64_t i = 0; i < stream->classes; i++)
        stream->rank[i] = i;
    if (spec->imbalance > 1 && !spec->imbalance_by_arrival)
        mn_random_permutation(mn_key_of(stream->seed, "stream.imbalance"), stream->classes,
                              stream->rank);
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
        stream->parts[members[order[i]]] = mn_part_bit(MN_PART_VALIDATION);
    *count = 0;
    for (int64_t i = 0; i < n; i++) /* what is left, still in order */
        if (stream->parts[members[i]] == 0)
            members[(*count)++] = members[i];
    return MN_OK;
}

/* How many of a class's images the tail of a class of this rank has. */
static int64_t of_long_tail(const mn_stream *stream, const mn_stream_spec *spec, int64_t rank,
                            int64_t images)
{
    if (spec->imbalance <= 1 || stream->classes < 2)
        return images;
    const double part =
        pow(spec->imbalance, -(double)rank / (double)(stream->classes - 1)) * (double)images;
    return part < 1 ? 1 : (int64_t)floor(part + 1e-9); /* as far as rounding takes from a whole */
}

/* All that is left becomes training, unless the spec wants fewer of each class. */
static mn_status choose_training(mn_stream *stream, const mn_stream_spec *spec, int64_t class,
                                 int64_t *members, int64_t *count, int64_t *order)
{
    const bool first =
        spec->first_images_per_class > 0 && stream->group[stream->arrival[class]] == 0;
    const int64_t n = *count, asked = first ? spec->first_images_per_class : spec->images_per_class;
    const int64_t rank = stream->rank[stream->arrival[class]];
    const int64_t wanted = of_long_tail(stream, spec, rank, asked > 0 ? asked : n);
    if (asked > n)
        return mn_fail(MN_BAD_OPTION,
                       "stream.%simages_per_class: %lld, but class %lld has only %lld training "
                       "images",
                       first ? "first_" : "", (long long)asked, (long long)class, (long long)n);
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    if (wanted < n)
        mn_random_permutation(mn_key_at(mn_key_of(stream->seed, "stream.images"), (uint64_t) class),
                              n, order);
    for (int64_t i = 0; i < wanted; i++)
        stream->parts[members[order[i]]] = mn_part_bit(MN_PART_TRAIN) | mn_part_bit(MN_PART_POOL);
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
        stream->parts[members[order[i]]] |= mn_part_bit(MN_PART_LABELLED);
    for (int64_t i = labelled; i < count; i++)
        stream->train_labels[members[order[i]]] = MN_UNLABELLED;
    return MN_OK;
}

/* Those in no task of a stream of some domains alone are not chosen from. */
static void sort_by_class(const mn_stream *stream, int32_t *label, int64_t *first, int64_t *members)
{
    const mn_images *train = &stream->dataset->train;
    for (int64_t i = 0; i < train->count; i++)
        label[i] = stream->train_group[i] >= 0 ? train->labels[i] : -1;
    mn_sort_by_group(train->count, label, stream->dataset->classes, first, members);
}

mn_status mn_choose_images(mn_stream *stream, const mn_stream_spec *spec)
{
    const mn_images *train = &stream->dataset->train;
    const int64_t classes = stream->dataset->classes;
    int64_t *first = mn_stream_array(classes + 1, sizeof *first);
    int64_t *members = mn_stream_array(train->count, sizeof *members);
    int64_t *order = mn_stream_array(train->count, sizeof *order);
    int32_t *label = mn_stream_array(train->count, sizeof *label);
    mn_status status = MN_OK;
    if (first == NULL || members == NULL || order == NULL || label == NULL)
        status = mn_stream_no_memory(stream);
    else
        sort_by_class(stream, label, first, members);
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
    mn_memory_give(label);
    mn_memory_give(members);
    mn_memory_give(order);
    return status;
}

mn_status mn_choose_pool(mn_stream *stream, double fraction)
{
    const mn_part_view *train = &stream->part[MN_PART_TRAIN];
    if (fraction >= 1)
        return MN_OK;
    MN_TRY(mn_part_fill(stream, MN_PART_TRAIN));
    int64_t *order = mn_stream_array(stream->dataset->train.count, sizeof *order);
    if (order == NULL)
        return mn_stream_no_memory(stream);
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
            const bool labelled = (*parts & mn_part_bit(MN_PART_LABELLED)) != 0;
            *parts = labelled ? mn_part_bit(MN_PART_TRAIN) | mn_part_bit(MN_PART_LABELLED) : 0;
        }
    }
    mn_memory_give(order);
    return status;
}
