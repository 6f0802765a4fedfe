/* parts.h -- the structs that a learner is made of. */
#ifndef MN_LEARNER_PARTS_H
#define MN_LEARNER_PARTS_H

#include <mneme/strategy.h>

/* One strategy of the composition. */
typedef struct mn_member {
    const mn_strategy *strategy;
    const void *options; /* owned by the experiment */
    void *state;
} mn_member;

typedef struct mn_owned_network {
    const char *owner, *name; /* owner: a strategy, or "run" */
    mn_network *network;
    mn_key key;       /* of its initial weights */
    bool like_shared; /* declared as one more of the shared network: a snapshot of it, if it is
                         alike */
} mn_owned_network;

typedef struct mn_owned_optimiser {
    const char *owner, *name;
    mn_optimiser *optimiser;
    mn_network *network;
    double learning_rate;
    int leader; /* the optimiser in whose updates this one moves too; -1: its own */
} mn_owned_optimiser;

typedef enum mn_kept_type { MN_KEPT_TENSOR, MN_KEPT_INT, MN_KEPT_REAL } mn_kept_type;
typedef struct mn_kept {
    const char *owner; /* the strategy that keeps it */
    const char *name;  /* "ewc/fisher" */
    mn_kept_type type;
    mn_tensor *tensor;
    int64_t integer;
    double real;
} mn_kept;

typedef struct mn_loss_term {
    const char *name; /* "dark"; an add-on's "ewc/penalty" */
    double weight;
    mn_var *value;
    double item; /* of the value, once its group has been summed */
    int group;
} mn_loss_term;

/* A term's name as its member writes it, and its name in the run.  Kept, so that a step looks up no
 * names. */
typedef struct mn_term_name {
    int member;
    const char *given, *name;
} mn_term_name;

/* Images of a batch that a forward of this step has brought onto the tape. */
typedef struct mn_brought {
    const float *x; /* of the batch */
    mn_var *on_tape;
} mn_brought;

/* The best weights of a network so far: see mn_add_best(). */
struct mn_best {
    mn_network *network;
    mn_tensor *weights; /* the values of its slab, then of its statistics; kept, as the others */
    double *value;
    int64_t *offers, *waited;
};

typedef struct mn_plateau {
    mn_best *best;  /* NULL: another schedule */
    double *factor; /* of the learning rate, kept */
} mn_plateau;

#endif
