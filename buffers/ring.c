/* ring.c -- a first-in-first-out ring for each class of the stream.
 *
 * The slots are cut into one slice a class, as equal as they can be: of B slots and C classes, each
 * class has B / C, and the first B % C classes one more.  With fewer slots than classes a slice is
 * one slot that the classes c, c + B, c + 2B, ... share, the newest of them staying.  Slices are
 * fixed, so the buffer is full only when every class has come; unlabelled images are let go. */
#include <mneme/buffer.h>

static int64_t place(const mn_buffer *buffer, const void *options, const mn_candidate *candidate,
                     mn_key key)
{
    (void)options;
    (void)key;
    const int64_t capacity = mn_buffer_capacity(buffer), classes = mn_buffer_classes(buffer);
    const int64_t label = candidate->label, share = capacity / classes, rest = capacity % classes;
    if (label < 0)
        return MN_NO_SLOT;
    if (share == 0)
        return label % capacity;
    const int64_t first = label * share + (label < rest ? label : rest);
    return first + candidate->class_seen % (share + (label < rest ? 1 : 0));
}

MN_POLICY(ring) = {
    MN_POLICY_HEADER,
    .name = "ring",
    .summary = "The latest images of each class, in slices of equal size; unlabelled ones are let "
               "go.",
    .cite = "Chaudhry et al., On tiny episodic memories in continual learning, arXiv 1902.10486, "
            "2019, section 4",
    .place = place,
};
