/* greedy.c -- GDumb's sampler: a class takes what comes first until it has its share.
 *
 * With k slots and |Y| classes so far, an image is taken if its class is new or has fewer than
 * k / |Y| rows; where there is no free slot, a random row of the largest class gives way.  Later
 * images of a class that has its share are let go, unlike in the balanced policy: it is no uniform
 * sample of the class. */
#include <mneme/buffer.h>

static int32_t largest_class(const mn_buffer *buffer)
{
    int32_t largest = 0;
    for (int32_t label = 1; label < mn_buffer_classes(buffer); label++)
        if (mn_buffer_count_label(buffer, label) > mn_buffer_count_label(buffer, largest))
            largest = label;
    return largest;
}

static int64_t place(const mn_buffer *buffer, const void *options, const mn_candidate *candidate,
                     mn_key key)
{
    (void)options;
    if (candidate->label < 0)
        return MN_NO_SLOT;
    const int64_t kept = mn_buffer_count_label(buffer, candidate->label);
    int64_t classes = kept == 0;
    for (int32_t label = 0; label < mn_buffer_classes(buffer); label++)
        classes += mn_buffer_count_label(buffer, label) > 0;
    if (kept > 0 && kept * classes >= mn_buffer_capacity(buffer))
        return MN_NO_SLOT;
    const int64_t free_slot = mn_buffer_free_slot(buffer);
    if (free_slot >= 0)
        return free_slot;
    const int32_t largest = largest_class(buffer);
    const int64_t rows = mn_buffer_count_label(buffer, largest);
    /* With more classes than slots all have one row, and a new one takes nobody's. */
    return rows > 1 ? mn_buffer_slot_of_label(buffer, largest, mn_random_below(key, 0, rows))
                    : MN_NO_SLOT;
}

MN_POLICY(greedy) = {
    MN_POLICY_HEADER,
    .name = "greedy",
    .summary = "The first images of each class, in shares as equal as they can be; unlabelled ones "
               "are let go.",
    .cite = "Prabhu et al., GDumb: a simple approach that questions our progress in continual "
            "learning, ECCV 2020, algorithm 1",
    .wants = MN_FILLS_ONCE,
    .place = place,
};
