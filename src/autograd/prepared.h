/* prepared.h -- weights in the layout that a kernel reads. */
#ifndef MN_AUTOGRAD_PREPARED_H
#define MN_AUTOGRAD_PREPARED_H

#include "tensor/layout_kernels.h"
#include <mneme/autograd.h>

typedef struct mn_prepared mn_prepared; /* one weight in one layout; in the memory of its tape */

/* A weight in that layout, made at most once a step: *fresh says that the caller must fill the
 * memory now.  It is forgotten when any tensor changes.  NULL when memory ran out. */
void *mn_tape_prepared(mn_tape *tape, const void *weight, const mn_layout *layout, bool *fresh);

#endif
