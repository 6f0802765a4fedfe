/* learner.h -- a run in memory: data, networks, optimisers, buffer, kept state, and the step.
 *
 * Everything in it is either derived from the configuration or saved at every commit
 * (checkpoint.h), so that it can be destroyed at any commit point and rebuilt from the file.
 */
#ifndef MN_LEARNER_LEARNER_H
#define MN_LEARNER_LEARNER_H

#include "data/stream/batch.h"
#include "experiment/configuration.h"
#include "learner/parts.h"
#include "store/records.h"

#include <mneme/strategy.h>
#include <mneme/stream.h>

enum {
    MN_MOST_NETWORKS = 32,
    MN_MOST_OPTIMISERS = 32,
    MN_MOST_KEPT = 64,
    MN_MOST_SCRATCH = 128,
    MN_MOST_PUBLISHED = 128,
    MN_MOST_TERMS = 32,
    MN_MOST_SPACES = 128,
};

struct mn_learner {
    const mn_experiment *experiment;
    const mn_run_settings *settings;
    const mn_stream *stream;
    const mn_transform *transform; /* of training and replay */
    mn_transform plain;            /* of evaluation: the same, nothing random */
    mn_runfile *file;
    mn_schedule schedule;

    mn_member member[MN_MOST_STRATEGIES];
    int members, current; /* the member whose hook is running */
    int training;         /* the member whose phase it is, */
    int update;           /* and which of its updates is being made */

    mn_owned_network network[MN_MOST_NETWORKS]; /* the first is the shared one */
    int networks;
    mn_network *teacher[MN_MOST_TEACHERS]; /* among them */
    int teachers;
    mn_owned_optimiser optimiser[MN_MOST_OPTIMISERS]; /* the first is the run's own */
    int optimisers;
    mn_buffer *buffer; /* NULL when no strategy needs one */
    int64_t *lost;     /* (capacity) slots that `forget` is told of; NULL: nobody asks */
    bool telling_lost;
    int64_t least_rows;     /* that some strategy requires, */
    char least_reason[160]; /* and why */
    mn_kept *kept;          /* (MN_MOST_KEPT): addresses are handed out */
    int kept_count;
    mn_best best[MN_MOST_NETWORKS];
    int bests;
    mn_plateau plateau;
    mn_tensor *scratch[MN_MOST_SCRATCH]; /* lent to strategies, never saved */
    int scratch_count;

    mn_cursor cursor;
    int64_t epoch;          /* of the phase */
    int64_t phase_steps;    /* that it has */
    bool in_phase, in_step; /* its steps and ends of epochs are made; a step is */
    bool phase_ends;        /* with this step, by mn_end_phase */
    int64_t images;         /* that went through a network with gradients, since the run began */
    double held_out;        /* fraction of the buffer, by mn_hold_out */
    bool held_out_as_many;
    mn_when trained;      /* classes of the base's softmax, by mn_train_classes */
    bool image_gradients; /* by mn_want_image_gradients */
    double learning_rate;

    /* the step */
    mn_tape *tape;
    mn_brought brought[MN_MOST_SPACES];
    int brought_count;
    mn_out published[MN_MOST_PUBLISHED];
    int published_by[MN_MOST_PUBLISHED];   /* the member that asked for each */
    int published_count, published_before; /* the latter in earlier updates of the step */
    mn_out unpublished;                    /* the answer to a forward above MN_MOST_PUBLISHED */
    mn_loss_term term[MN_MOST_TERMS];
    int terms;
    mn_term_name *term_name; /* of all steps so far */
    int term_names;
    int group, groups_done; /* of terms, swept together; those whose backward has been made */
    mn_batch_space space[MN_MOST_SPACES]; /* batches handed out in this step */
    int spaces;
    mn_key draw[MN_MOST_SPACES]; /* of draws in this step */
    int draws;
    int64_t *slots; /* scratch for draws */
    int64_t slots_capacity;
    mn_status status; /* first failure of a service that has no status to return */
    char error[512];
};

/* The parts a learner is built from; borrowed, and they outlive it. */
typedef struct mn_learner_spec {
    const mn_experiment *experiment;
    const mn_stream *stream;
    const mn_transform *transform;
    mn_runfile *file;
    bool begins; /* a new run: weights from elsewhere are read.  false: the file's state follows */
} mn_learner_spec;

/* Calls every `open`; the buffer has so many rows.  Runs begin with mn_learner_new()
 * (accounting.h). */
mn_status mn_learner_make(const mn_learner_spec *spec, int64_t buffer_rows, mn_learner **learner);
void mn_learner_free(mn_learner *learner);

/* Networks and optimisers belong to "run" or to a strategy and are saved with the run. */
/* A type that is not registered comes with the values of its options; NULL: that of the spec.  It
 * sees all of what it is shown. */
mn_status mn_learner_add_network(mn_learner *learner, const char *owner, const char *name,
                                 const mn_network_type *type, const void *options,
                                 const mn_network_spec *spec, mn_network **network);
/* One that sees what the run's network sees: that itself, and copies of it. */
mn_status mn_learner_add_seeing(mn_learner *learner, const char *owner, const char *name,
                                const mn_network_spec *spec, mn_network **network);
mn_status mn_learner_add_optimiser(mn_learner *learner, const char *owner, const char *name,
                                   const char *kind, const char *options, mn_network *network,
                                   double learning_rate);

/* A new step: tape, published forwards, terms and batches of the last one are gone. */
void mn_learner_begin_step(mn_learner *learner);
/* What was on the tape is gone, and forwards with it; batches and terms stay. */
void mn_learner_reset_tape(mn_learner *learner);
/* A new update of the step: its terms begin. */
void mn_learner_begin_terms(mn_learner *learner);
/* The first failure of a service in this step or hook, or of the tape, with its message; MN_OK. */
mn_status mn_learner_check(mn_learner *learner);
void mn_learner_remember_failure(mn_learner *learner, mn_status status);
/* "er", the strategy whose hook is running. */
const char *mn_learner_current_name(const mn_learner *learner);
/* "er/fisher", for as long as the process lives: names of strategies in one run never meet. */
mn_status mn_learner_owned_name(const char *owner, const char *name, const char **full);
mn_status mn_learner_own_name(const mn_learner *learner, const char *name, const char **full);
/* That of a member, or with NULL the run's own; NULL, with a message, where it declared none. */
mn_owned_optimiser *mn_learner_optimiser(mn_learner *learner, int member, const char *name);
/* The type of rows in batches of the stream. */
mn_row_type mn_learner_row_type(const mn_learner *learner);
/* The task whose class a label is; the current one where every task has it. */
int32_t mn_learner_task_of(const mn_learner *learner, int32_t label);
/* An empty batch to fill, valid until the next step; MN_UNSUPPORTED after MN_MOST_SPACES of them.
 */
mn_status mn_learner_space(mn_learner *learner, mn_batch_space **space);
/* The batch, once filled; after a failure, which is remembered, one without rows. */
const mn_batch *mn_learner_batch(mn_learner *learner, mn_status status,
                                 const mn_batch_space *space);

/* Around the call of a strategy's function: the member becomes the current one.  Leaving returns
 * the function's status, or the first failure of a service that it called. */
void mn_learner_enter(mn_learner *learner, int member, const char *hook);
mn_status mn_learner_leave(mn_learner *learner, mn_status status);

/* Runs one hook of every strategy in order. */
typedef mn_status (*mn_hook)(mn_learner *learner);
typedef enum mn_occasion {
    MN_BEFORE_TASK,
    MN_GRADIENTS,
    MN_AFTER_EPOCH,
    MN_AFTER_TASK
} mn_occasion;
mn_status mn_learner_call(mn_learner *learner, mn_occasion occasion);

#endif
