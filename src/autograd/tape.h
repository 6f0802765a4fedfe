/* tape.h -- what a tape holds, for the files of this floor alone. */
#ifndef MN_AUTOGRAD_TAPE_H
#define MN_AUTOGRAD_TAPE_H

#include "autograd/node.h"
#include "base/arena.h"

/* Gradients of parameters themselves; or the squares of rows' own, summed over rows, at the same
 * place of `to`; or the products of every two rows' own, summed over parameters, `to` (B, B). */
typedef enum mn_rows_sweep { MN_ROWS_TOGETHER, MN_ROWS_SQUARED, MN_ROWS_MULTIPLIED } mn_rows_sweep;

/* The state of a backward sweep, kept by the tape between sweeps. */
typedef struct mn_sweep {
    uint64_t number;
    const mn_var *input;   /* of mn_gradient_of(); NULL: parameters' gradients are wanted */
    const mn_tensor *from; /* gradients in this slab go to the same place of `to` */
    mn_tensor *to;
    bool last;          /* through these nodes: each gives its memory back when its turn is over */
    mn_rows_sweep rows; /* per-row results go to `to`; no ordinary gradient is written */
} mn_sweep;

struct mn_tape {
    mn_arena arena;
    mn_node *last;                /* of the nodes that a gradient flows through */
    struct mn_prepared *prepared; /* autograd/prepared.h */
    struct mn_profile *profile;   /* autograd/profile.h; NULL: off */
    mn_sweep sweep;
    mn_var poison;
    float not_a_number;
    bool recording;
    mn_dtype precision;
    mn_status status;
    char error[512];
    char scope[64];
};

/* The tape keeps the first failure and passes on its poison; NULL of no tape. */
mn_var *mn_tape_poison(mn_tape *tape);
/* Records "op: message in scope", the message being mn_error(), unless the tape has failed. */
void mn_tape_fail(mn_tape *tape, const char *op, mn_status status);
/* The tape of the first operand there is; NULL when there is none. */
mn_tape *mn_tape_of_any(mn_var *const *inputs, int n);

#endif
