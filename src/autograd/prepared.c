/* prepared.c -- a list, since a network has few such weights. */
#include "autograd/prepared.h"
#include "autograd/memory.h"
#include "autograd/tape.h"

struct mn_prepared {
    mn_prepared *next;
    const void *weight;
    const mn_layout *layout;
    uint64_t changes;
    void *memory;
};

void *mn_tape_prepared(mn_tape *tape, const void *weight, const mn_layout *layout, bool *fresh)
{
    mn_prepared *p = tape->prepared;
    while (p != NULL && (p->weight != weight || p->layout != layout))
        p = p->next;
    *fresh = p == NULL || p->changes != mn_tensor_changes();
    if (p == NULL) {
        p = mn_tape_take(tape, sizeof *p);
        void *memory = mn_tape_take(tape, mn_layout_bytes(layout));
        if (p == NULL || memory == NULL)
            return NULL;
        *p = (mn_prepared){tape->prepared, weight, layout, 0, memory};
        tape->prepared = p;
    }
    p->changes = mn_tensor_changes();
    return p->memory;
}
