/* slots.c -- slot numbers kept sorted in an array.
 *
 * Order is what makes a buffer that was loaded from a file answer like the one that was saved: the
 * i-th slot of a class depends on what is stored, not on how it came there.  A class has a few
 * hundred slots, and moving those by one place costs less than any pointer structure would. */
#include "buffer/slots.h"

#include <mneme/memory.h>
#include <string.h>

enum { FIRST_ROOM = 16 };

mn_status mn_slots_reserve(mn_slots *slots, int64_t room)
{
    if (room <= slots->room)
        return MN_OK;
    int64_t more = slots->room > 0 ? 2 * slots->room : FIRST_ROOM;
    if (more < room)
        more = room;
    int64_t *grown = mn_memory_resize(slots->slot, (size_t)more, sizeof *grown);
    if (grown == NULL)
        return mn_fail(MN_NO_MEMORY, "no memory for a list of %lld buffer slots", (long long)more);
    slots->slot = grown;
    slots->room = more;
    return MN_OK;
}

/* How many slots are below `slot`. */
static int64_t below(const mn_slots *slots, int64_t slot)
{
    int64_t low = 0, high = slots->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (slots->slot[middle] < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void mn_slots_add(mn_slots *slots, int64_t slot)
{
    const int64_t at = below(slots, slot);
    memmove(slots->slot + at + 1, slots->slot + at,
            (size_t)(slots->count - at) * sizeof *slots->slot);
    slots->slot[at] = slot;
    slots->count++;
}

void mn_slots_remove(mn_slots *slots, int64_t slot)
{
    const int64_t at = below(slots, slot);
    slots->count--;
    memmove(slots->slot + at, slots->slot + at + 1,
            (size_t)(slots->count - at) * sizeof *slots->slot);
}

bool mn_slots_has(const mn_slots *slots, int64_t slot)
{
    const int64_t at = below(slots, slot);
    return at < slots->count && slots->slot[at] == slot;
}

int64_t mn_slots_lowest_absent(const mn_slots *slots)
{
    int64_t low = 0, high = slots->count; /* the first place whose slot is not its own number */
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (slots->slot[middle] == middle)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void mn_slots_free(mn_slots *slots)
{
    mn_memory_give(slots->slot);
    *slots = (mn_slots){0};
}
