/* parts.c -- the parts of a stream: lists of places, grouped by task. */
#include "data/stream/parts.h"

#include <mneme/memory.h>
#include <string.h>

void *mn_stream_array(int64_t count, size_t size)
{
    return mn_memory_take_zeroed((size_t)count, size);
}

mn_status mn_stream_no_memory(const mn_stream *stream)
{
    return mn_fail(MN_NO_MEMORY, "out of memory for a stream over '%s'", stream->dataset->name);
}

const mn_images *mn_part_images(const mn_dataset *dataset, mn_part part)
{
    return part == MN_PART_TEST ? &dataset->test : &dataset->train;
}

uint8_t mn_part_bit(mn_part part)
{
    return (uint8_t)(1u << part);
}

void mn_sort_by_group(int64_t count, const int32_t *group, int64_t groups, int64_t *first,
                      int64_t *places)
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

mn_status mn_part_fill(mn_stream *stream, mn_part part)
{
    const mn_images *images = mn_part_images(stream->dataset, part);
    int32_t *group = mn_stream_array(images->count, sizeof *group);
    if (group == NULL)
        return mn_stream_no_memory(stream);
    for (int64_t i = 0; i < images->count; i++) {
        const bool inside = part == MN_PART_TEST || (stream->parts[i] & mn_part_bit(part)) != 0;
        group[i] =
            inside ? (part == MN_PART_TEST ? stream->test_group : stream->train_group)[i] : -1;
    }
    mn_part_view *view = &stream->part[part];
    memset(view->first, 0, ((size_t)stream->groups + 1) * sizeof *view->first);
    mn_sort_by_group(images->count, group, stream->groups, view->first, view->indices);
    mn_memory_give(group);
    return MN_OK;
}
