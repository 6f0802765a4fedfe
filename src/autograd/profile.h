/* profile.h -- where a step's time goes, by op and layer.
 *
 * A tape without a profile pays one comparison an op.  The layer is that of the parameter the op
 * reads; ops without parameters are counted together. */
#ifndef MN_AUTOGRAD_PROFILE_H
#define MN_AUTOGRAD_PROFILE_H

#include <mneme/autograd.h>

typedef struct mn_profile_row {
    const char *op;
    const char *parameter; /* "layer1.0.conv1.weight", whose layer it is; NULL: none */
    int64_t forwards, backwards;
    double forward_seconds, backward_seconds;
    double operations; /* multiplications and additions, in both directions */
    double bytes;      /* of operands, results and their gradients: what must at least be moved */
} mn_profile_row;

typedef struct mn_profile {
    mn_profile_row *rows;
    int count, capacity;
    double seconds; /* of all rows */
} mn_profile;       /* all zero is an empty one */

void mn_profile_free(mn_profile *profile);
/* Forgets what was counted: the first steps plan and allocate. */
void mn_profile_clear(mn_profile *profile);
/* Time spent on something else than an op; `what` outlives the profile. */
void mn_profile_add(mn_profile *profile, const char *what, double seconds);
/* Counts from now on what the tape does; NULL ends it.  Borrowed. */
void mn_tape_profile(mn_tape *tape, mn_profile *profile);
/* An op's forward or backward, begun at `since`. */
void mn_profile_forward(mn_profile *profile, const mn_node *node, double since);
void mn_profile_backward(mn_profile *profile, const mn_node *node, double since);

/* A leaf's parameter by name, which outlives the tape. */
void mn_var_name(mn_var *leaf, const char *name);

#endif
