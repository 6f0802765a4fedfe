/* slots.h -- a set of slot numbers in ascending order. */
#ifndef MN_BUFFER_SLOTS_H
#define MN_BUFFER_SLOTS_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct mn_slots {
    int64_t *slot; /* (count), ascending */
    int64_t count, room;
} mn_slots;

mn_status mn_slots_reserve(mn_slots *slots, int64_t room);
void mn_slots_add(mn_slots *slots, int64_t slot);    /* not yet in it; room was reserved */
void mn_slots_remove(mn_slots *slots, int64_t slot); /* is in it */
bool mn_slots_has(const mn_slots *slots, int64_t slot);
int64_t mn_slots_lowest_absent(const mn_slots *slots);
void mn_slots_free(mn_slots *slots); /* the memory, not the struct */

#endif
