/* reservoir.c -- every image ever offered is in the buffer with the same probability.
 *
 * Vitter's algorithm R: the first B images fill the slots; then image number n (counted from 0)
 * draws r uniformly from {0, ..., n} and takes slot r if r < B.  Both of the usual mistakes are one
 * off here: drawing from {0, ..., n - 1}, and one n for a whole batch.  Slots that a strategy has
 * freed are filled first. */
#include <mneme/buffer.h>

static int64_t place(const mn_buffer *buffer, const void *options, const mn_candidate *candidate,
                     mn_key key)
{
    (void)options;
    const int64_t free_slot = mn_buffer_free_slot(buffer);
    if (free_slot >= 0)
        return free_slot;
    const int64_t slot = mn_random_below(key, 0, candidate->seen + 1);
    return slot < mn_buffer_capacity(buffer) ? slot : MN_NO_SLOT;
}

MN_POLICY(reservoir) = {
    MN_POLICY_HEADER,
    .name = "reservoir",
    .summary = "A uniform sample of all images offered so far, labelled or not.",
    .cite = "Vitter, Random sampling with a reservoir, ACM TOMS 11(1), 1985, algorithm R",
    .place = place,
};
