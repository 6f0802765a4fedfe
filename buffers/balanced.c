/* balanced.c -- class-balanced reservoir: as equal as the stream allows, and within each class a
 * uniform sample of that class.
 *
 * A class is full once it has been the largest while the buffer had no free slot; being full, it is
 * sampled by a reservoir of its own.  The paper remembers which classes are full.  It need not be
 * remembered: a class that is not full has never given up a row, so it holds all it has seen, and
 * the largest size never grows once the slots are taken. */
#include <mneme/buffer.h>

typedef struct largest {
    int64_t rows, classes; /* rows of each of the largest, and how many classes are that large */
} largest;

static largest largest_classes(const mn_buffer *buffer)
{
    largest found = {1, 0}; /* a full buffer has a class of one row at least */
    for (int32_t label = MN_UNLABELLED; label < mn_buffer_classes(buffer); label++) {
        const int64_t rows = mn_buffer_count_label(buffer, label);
        if (rows > found.rows)
            found = (largest){rows, 1};
        else if (rows == found.rows)
            found.classes++;
    }
    return found;
}

/* The i-th row of the largest classes, as if they stood one behind the other. */
static int64_t slot_of_largest(const mn_buffer *buffer, int64_t rows, int64_t i)
{
    int64_t skip = i / rows;
    for (int32_t label = MN_UNLABELLED; label < mn_buffer_classes(buffer); label++)
        if (mn_buffer_count_label(buffer, label) == rows && skip-- == 0)
            return mn_buffer_slot_of_label(buffer, label, i % rows);
    return MN_NO_SLOT;
}

static int64_t place(const mn_buffer *buffer, const void *options, const mn_candidate *candidate,
                     mn_key key)
{
    (void)options;
    const int64_t free_slot = mn_buffer_free_slot(buffer);
    if (free_slot >= 0)
        return free_slot;
    const int64_t kept = mn_buffer_count_label(buffer, candidate->label);
    const largest most = largest_classes(buffer);
    const bool full = kept == most.rows || kept < candidate->class_seen;
    if (!full)
        return slot_of_largest(buffer, most.rows,
                               mn_random_below(key, 0, most.rows * most.classes));
    /* r < m of n is the paper's u <= m / n, and then uniform over the class's m rows. */
    return mn_buffer_slot_of_label(buffer, candidate->label,
                                   mn_random_below(key, 0, candidate->class_seen + 1));
}

MN_POLICY(balanced) = {
    MN_POLICY_HEADER,
    .name = "balanced",
    .summary = "Classes as equal as the stream allows, each a uniform sample of itself; unlabelled "
               "images count as one more class.",
    .cite = "Chrysakis and Moens, Online continual learning from imbalanced data, ICML 2020, "
            "algorithm 1",
    .place = place,
};
