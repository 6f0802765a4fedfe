/* nncsl.h -- what nncsl, csl and paws share; they differ in the defaults of three options. */
#ifndef MN_STRATEGIES_NNCSL_STEPS_H
#define MN_STRATEGIES_NNCSL_STEPS_H

#include <mneme/strategy.h>

enum { MN_NNCSL_MOST_SMALL = 16 };

typedef struct mn_nncsl_options {
    double temperature, smoothing, sharpening, threshold;
    double neighbours, entropy, linear, distil;
    int64_t labelled, small, embedding;
    const char *projection;
    bool mask, detach, freeze_norms, support_gradient;
} mn_nncsl_options;

#define MN_NNCSL_OPTIONS(by_mask, by_detach, by_distil)                                            \
    MN_REAL(mn_nncsl_options, temperature, 0.1, 1e-4, 1e4, "tau: of the votes' softmax"),          \
        MN_REAL(mn_nncsl_options, smoothing, 0.1, 1e-6, 1, "of the supports' labels"),             \
        MN_REAL(mn_nncsl_options, sharpening, 0.25, 1e-2, 100,                                     \
                "temperature that sharpens votes: to the power 1 / this"),                         \
        MN_REAL(mn_nncsl_options, threshold, 1e-4, 0, 1, "targets below it are 0"),                \
        MN_REAL(mn_nncsl_options, neighbours, 1, 0, 1000,                                          \
                "weight of the votes on unlabelled images"),                                       \
        MN_REAL(mn_nncsl_options, entropy, 1, 0, 1000, "weight of the mean vote's entropy"),       \
        MN_REAL(mn_nncsl_options, linear, 0.005, 0, 1000, "weight of the classifier's loss"),      \
        MN_REAL(mn_nncsl_options, distil, by_distil, 0, 1000,                                      \
                "weight of keeping past classes' votes (the authors' 0.2 for nncsl alone)"),       \
        MN_INT(mn_nncsl_options, labelled, 5, 1, 4096,                                             \
               "labelled images of each class seen, in a step: no more than a class has; those "   \
               "of past classes again where the buffer has fewer"),                                \
        MN_INT(mn_nncsl_options, small, 0, 0, MN_NNCSL_MOST_SMALL,                                 \
               "small views of each unlabelled image (the authors: 2); networks must take them"),  \
        MN_TEXT(mn_nncsl_options, projection, "512,512",                                           \
                "units of the projection head's hidden layers"),                                   \
        MN_INT(mn_nncsl_options, embedding, 128, 1, 65536, "outputs of the projection head"),      \
        MN_BOOL(mn_nncsl_options, mask, by_mask,                                                   \
                "only supports of present classes vote on unlabelled images"),                     \
        MN_BOOL(mn_nncsl_options, detach, by_detach,                                               \
                "the classifier's loss does not reach the network"),                               \
        MN_BOOL(mn_nncsl_options, freeze_norms, true,                                              \
                "batch norms keep their statistics after the first task, as the authors' do"),     \
        MN_BOOL(mn_nncsl_options, support_gradient, true,                                          \
                "the votes' gradient reaches the supports, too"),                                  \
        MN_END

typedef struct mn_nncsl_state {
    mn_network *projection;
    mn_network *old, *old_projection; /* as they were before the task; NULL without distillation */
} mn_nncsl_state;

mn_status mn_nncsl_open(mn_learner *learner);
mn_status mn_nncsl_before_task(mn_learner *learner);
mn_status mn_nncsl_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now);

/* The vote as a classifier of unlabelled images, and the same vote on raw pixels. */
extern const mn_probe mn_nncsl_probes[];
extern const char *const mn_nncsl_differs[];

/* The velocity of the optimiser goes on from task to task, as the authors' does. */
#define MN_NNCSL_PHASES                                                                            \
    {                                                                                              \
        {.name = "train", .source = MN_FROM_STREAM, .reset = MN_KEPT},                             \
        {                                                                                          \
            .name = NULL                                                                           \
        }                                                                                          \
    }

#define MN_NNCSL_CITE                                                                              \
    "Kang et al., A soft nearest-neighbor framework for continual semi-supervised learning, ICCV " \
    "2023"

#define MN_NNCSL_VARIANT                                                                           \
    .options_size = sizeof(mn_nncsl_options), .state_size = sizeof(mn_nncsl_state),                \
    .needs = MN_NEEDS_BUFFER | MN_NEEDS_TASK_BOUNDARIES | MN_NEEDS_CONTIGUOUS_CLASSES |            \
             MN_USES_UNLABELLED | MN_NEEDS_SELECTION,                                              \
    .policy = "first", .open = mn_nncsl_open, .before_task = mn_nncsl_before_task,                 \
    .loss = mn_nncsl_loss, .probes = mn_nncsl_probes, .differs = mn_nncsl_differs

#endif
