/* xder.h -- what the three variants of X-DER share. */
#ifndef MN_STRATEGIES_XDER_STEPS_H
#define MN_STRATEGIES_XDER_STEPS_H

#include <mneme/strategy.h>

typedef struct mn_xder_options {
    double alpha, beta, gamma, margin, eta;
    int64_t replay;
    bool past, past_logits, future, reference, align;
    double lambda, temperature; /* of xder alone */
    int64_t contrast, views;
    double distance;
    bool first_task, present_only; /* of xder-ce alone */
} mn_xder_options;

/* The options of all variants, with the defaults that differ. */
#define MN_XDER_OPTIONS(alpha_, beta_, margin_, eta_)                                              \
    MN_REAL(mn_xder_options, alpha, alpha_, 0, 1000, "weight of matching the remembered logits"),  \
        MN_REAL(mn_xder_options, beta, beta_, 0, 1000, "weight of the remembered labels"),         \
        MN_REAL(mn_xder_options, gamma, 0.85, 0, 1,                                                \
                "largest implanted logit, as a share of the logit of the image's class"),          \
        MN_REAL(mn_xder_options, margin, margin_, 0, 1000,                                         \
                "by which past and future classes must stay below"),                               \
        MN_REAL(mn_xder_options, eta, eta_, 0, 1000, "weight of both margins"),                    \
        MN_INT(mn_xder_options, replay, 32, 1, 65536,                                              \
               "exemplars in each of the two draws of a step"),                                    \
        MN_BOOL(mn_xder_options, past, true,                                                       \
                "keep past classes below the present ones on the stream (the authors' later code " \
                "does not)"),                                                                      \
        MN_BOOL(mn_xder_options, past_logits, false,                                               \
                "past: between logits instead of probabilities, whose gradient fades where the "   \
                "present ones are far below (not in the paper)"),                                  \
        MN_BOOL(mn_xder_options, future, true,                                                     \
                "keep future classes below those of an image's own task"),                         \
        MN_BOOL(mn_xder_options, reference, false,                                                 \
                "scale implanted logits also where the class's own is not above 0, as the "        \
                "authors' code does; else they are cut off below it"),                             \
        MN_BOOL(mn_xder_options, align, false,                                                     \
                "running statistics follow the first draw, to which the stream lends a task's "    \
                "share of rows, and nothing else (later code: true)")

/* How the variants differ. */
typedef struct mn_xder_variant {
    /* The logits, from what the network answers; NULL: they are that. */
    mn_var *(*head)(mn_tape *tape, mn_var *outputs);
    bool trains_future;    /* the stream's cross-entropy is over present and future classes */
    bool refreshes_future; /* at the end of a task, too: else present classes alone */
} mn_xder_variant;

typedef struct mn_xder_state {
    const mn_xder_variant *variant;
    mn_tensor *wanted; /* (classes): rows that each class still lacks at the end of its task */
} mn_xder_state;

mn_status mn_xder_open(mn_learner *learner, const mn_xder_variant *variant);
mn_status mn_xder_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now);
/* Training, and the end of a task: room is made, the stream fills it, all rows are refreshed. */
extern const mn_phase mn_xder_phases[];

/* The members that the descriptors of all variants share. */
#define MN_XDER_DESCRIPTOR                                                                         \
    .cite = "Boschini et al., Class-Incremental Continual Learning into the eXtended DER-verse, "  \
            "TPAMI 2022",                                                                          \
    .options_size = sizeof(mn_xder_options), .state_size = sizeof(mn_xder_state),                  \
    .needs = MN_NEEDS_BUFFER | MN_NEEDS_TASK_BOUNDARIES | MN_NEEDS_CONTIGUOUS_CLASSES |            \
             MN_FILLS_BUFFER,                                                                      \
    .phases = mn_xder_phases, .loss = mn_xder_loss

#endif
