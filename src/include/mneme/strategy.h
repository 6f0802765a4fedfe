/* strategy.h -- what a continual-learning method is to mneme: one const descriptor of functions
 * that the runner's only training loop calls.  What those functions call back is in services.h.
 *
 * A strategy writes its loss as an expression and nothing else: no loops over data, no files, no
 * memory of its own.  Everything it needs to remember is declared in `open`, so that every method
 * resumes exactly and shows progress without a line for it.
 */
#ifndef MNEME_STRATEGY_H
#define MNEME_STRATEGY_H

#include <mneme/services.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { /* mn_strategy.needs */
    MN_NEEDS_BUFFER = 1 << 0, /* without a buffer the run is refused before it starts */
    MN_NEEDS_TASK_BOUNDARIES = 1 << 1,
    MN_NEEDS_CONTIGUOUS_CLASSES = 1 << 2, /* only class-incremental streams; others are refused */
    MN_NEEDS_TEST_TASK = 1 << 3,          /* has no class-IL numbers */
    MN_NEEDS_PAST_DATA = 1 << 4,          /* reads earlier tasks' data again: an upper bound */
    MN_USES_UNLABELLED = 1 << 5,          /* else its batches are of labelled rows alone */
    MN_NEEDS_SELECTION = 1 << 6,          /* a buffer policy that selects at the end of tasks */
    /* By itself: the policy must be reservoir, and what others remember is not kept. */
    MN_FILLS_BUFFER = 1 << 7,
};

typedef enum mn_source {
    MN_FROM_STREAM, /* the current task's training data */
    MN_FROM_SEEN,   /* all tasks' so far (MN_NEEDS_PAST_DATA) */
    MN_FROM_BUFFER, /* the buffer's rows */
    MN_FROM_NOTHING, /* empty batches */
    /* The current task's training data and the buffer's rows, in one order.  The buffer must stay
     * as it is in such a phase. */
    MN_FROM_BOTH,
    MN_FROM_HELD_OUT, /* what MN_FROM_BOTH leaves out; see mn_hold_out */
    /* The current task's validation images, which are evaluated beside the test images: to fit a
     * temperature, say.  Not to be remembered. */
    MN_FROM_VALIDATION,
} mn_source;

typedef enum mn_reset { MN_FRESH_EACH_TASK, MN_FRESH_EACH_PHASE, MN_KEPT } mn_reset;

/* One backward and one optimiser step.  One after the first of a step may add no term: then it makes
 * none. */
typedef struct mn_update {
    const char *name;
    const char *optimiser; /* declared in open with mn_add_optimiser; NULL: the run's own */
    mn_status (*loss)(mn_learner *learner, mn_tape *tape, const mn_batch *batch);
    int64_t every; /* 0 and 1: each step */
} mn_update;

/* A stretch of training inside a task. */
typedef struct mn_phase {
    const char *name; /* on the progress line and in the run file; NULL ends a list */
    mn_source source;
    /* Asked once, on entry; 0 skips.  NULL, or MN_USUAL_EPOCHS: the recipe's. */
    int64_t (*epochs)(mn_learner *learner);
    /* Instead of epochs, so many steps; those on the stream have full batches, and what is left
     * over in an epoch comes in another.  Asked once, on entry; 0 skips. */
    int64_t (*steps)(mn_learner *learner);
    int64_t (*batch)(mn_learner *learner); /* rows of a batch; NULL: the recipe's */
    /* One without name ends, and alone trains nothing; NULL: the strategy's loss. */
    const mn_update *updates;
    mn_reset reset; /* of optimiser state */
    /* Instead of updates: is shown each batch, un-shuffled and un-augmented, and nothing is
     * trained (Fisher information, class means).  Gradients are recorded. */
    mn_status (*visit)(mn_learner *learner, mn_tape *tape, const mn_batch *batch);
    bool as_trained; /* `visit` is shown what training is: shuffled and augmented */
    bool after_selection; /* a selecting buffer policy works before it, not after the last phase */
} mn_phase;

enum { MN_USUAL_EPOCHS = -1 };

/* Another classifier than `scores`, which is only looked at: see mn_strategy.probes. */
typedef struct mn_probe {
    const char *name; /* in the run file and in tables; NULL ends a list */
    mn_var *(*scores)(mn_learner *learner, mn_tape *tape, const mn_batch *batch);
} mn_probe;

typedef struct mn_strategy {
    uint32_t abi, size;
    const char *name, *summary, *cite;
    const mn_option *options;
    size_t options_size;
    size_t state_size; /* the host allocates it, zeroed */
    uint64_t needs;
    /* Declares networks, optimisers, buffer columns and kept state.  Called when a run starts and
     * again whenever it is rebuilt from its file; what was kept is restored right after. */
    mn_status (*open)(mn_learner *learner);
    /* NULL: a base has one phase, "train", over the stream; an add-on has none.  An add-on's
     * phases come after the base's, in order. */
    const mn_phase *phases;
    mn_status (*before_task)(mn_learner *learner);
    /* A strategy with a loss is a base; one without is an add-on, on top of finetune when it is
     * named first.  One that has scores and phases instead can be either: named first, it is a base
     * that trains nothing. */
    mn_status (*loss)(mn_learner *learner, mn_tape *tape, const mn_batch *batch);
    /* An add-on's terms of the base's loss, made from the forwards published in this step. */
    mn_status (*term)(mn_learner *learner, mn_tape *tape, const mn_out *const *published, int n);
    mn_status (*gradients)(mn_learner *learner); /* between backward and the optimiser's step */
    /* `out` is the step's first published forward.  A base's is not called in phases that an
     * add-on brings: those steps are none of its own. */
    mn_status (*after_step)(mn_learner *learner, const mn_batch *batch, const mn_out *out);
    mn_status (*after_epoch)(mn_learner *learner);
    mn_status (*after_task)(mn_learner *learner);
    /* The buffer policy where neither user nor benchmark asks for one; NULL: reservoir. */
    const char *policy;
    /* Scores of an evaluation batch (labels and tasks hidden), (B, classes); NULL: the logits.  An
     * add-on's are in the place of the base's: it looks at the network that the base trains. */
    mn_var *(*scores)(mn_learner *learner, mn_tape *tape, const mn_batch *batch);
    /* Phases before those of the base, an add-on's among them; NULL: none. */
    const mn_phase *phases_before;
    /* A base's: classifiers whose accuracy on the unlabelled training images of every task so far
     * is noted after each task, by class.  Labels and tasks are hidden, as in an evaluation, and
     * no strategy learns the result.  NULL: none. */
    const mn_probe *probes;
    /* A sentence for each difference from the authors' code that no option takes away; a NULL ends
     * them.  NULL: none is known. */
    const char *const *differs;
    /* The rows of these slots of the buffer are gone, overwritten or given up: what is kept beside
     * them (a memory bank) goes too.  Called before the service returns that changed the buffer;
     * slots: (count), ascending, each once.  The buffer must stay as it is here.  NULL: nothing is
     * kept by slot. */
    mn_status (*forget)(mn_learner *learner, mn_tape *tape, const int64_t *slots, int64_t count);
    /* Where it has scores: called before the first of an evaluation of a task, when weights and
     * buffer may be others than at the last, to compute in scratch what scores need of them: the
     * features of exemplars, by mn_visit_buffer().  NULL: nothing. */
    mn_status (*before_scores)(mn_learner *learner);
    /* Phases in which a strategy with MN_FILLS_BUFFER does so at the end of a task: where a policy
     * that selects would work, before the base's first phase that is after_selection, or after its
     * last.  NULL: none. */
    const mn_phase *phases_filling;
    /* What the buffer's column of that name, which this strategy keeps, is of rows that another one
     * has made, (B, width); x of the rows is as an evaluation sees it.  NULL: it keeps no such
     * column, or cannot say. */
    mn_var *(*column)(mn_learner *learner, mn_tape *tape, const mn_batch *rows, const char *name);
} mn_strategy;

#define MN_STRATEGY_HEADER .abi = MN_STRATEGY_ABI, .size = sizeof(mn_strategy)
#define MN_STRATEGY(id) MN_DEFINE(mn_strategy, MN_KIND_STRATEGY, mn_strategy_##id)

#ifdef __cplusplus
}
#endif
#endif
