/* optimiser.h -- what moves a network's parameters, and how fast in which step.
 */
#ifndef MNEME_OPTIMISER_H
#define MNEME_OPTIMISER_H

#include <mneme/network.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- optimisers ------------------------------------------------------------------------------- */
typedef struct mn_optimiser mn_optimiser;

/* `kind` is "sgd" (momentum, nesterov, weight_decay), "adam" or "radam" (beta1, beta2, epsilon,
 * weight_decay, decoupled), or "lars" (momentum, weight_decay, trust, epsilon, head_rate); `options`
 * a JSON object.  Works on all parameters of `network`, borrowed. */
MN_API mn_status mn_optimiser_new(const char *kind, const char *options, mn_network *network,
                                  mn_optimiser **optimiser);
MN_API void mn_optimiser_free(mn_optimiser *optimiser);
MN_API void mn_optimiser_head_only(mn_optimiser *optimiser); /* from now on */
/* Parameters whose names match `pattern`, in which * stands for any text and ? for any character, are
 * a group: *rate and *decay, borrowed, multiply the learning rate and the weight decay of their steps,
 * as they are when a step is made.  At a rate of 0 they are frozen: parameter and moments stay.  Of
 * several groups that match the factors multiply.  Those that do not change stand among the
 * optimiser's options: {"groups": "*.bias,decay=0;conv1.*,frozen;classifier.*,rate=10"}. */
MN_API mn_status mn_optimiser_group(mn_optimiser *optimiser, const char *pattern,
                                    const double *rate, const double *decay);
MN_API mn_status mn_optimiser_step(mn_optimiser *optimiser, double learning_rate);
MN_API mn_status mn_optimiser_reset(mn_optimiser *optimiser); /* fresh moments, step count 0 */
/* State to be kept: moments as (name, slab) and the step count. */
MN_API int mn_optimiser_moment_count(const mn_optimiser *optimiser);
MN_API mn_tensor *mn_optimiser_moment(const mn_optimiser *optimiser, int i, const char **name);
MN_API int64_t *mn_optimiser_steps(mn_optimiser *optimiser);

/* --- learning-rate schedules: factors of the base rate, pure functions of position ------------ */
typedef enum mn_schedule_kind {
    MN_CONSTANT, MN_STEP, MN_MULTISTEP, MN_COSINE,
    MN_PLATEAU, /* depends on what is learnt: of the position alone it is 1 */
} mn_schedule_kind;
#define MN_SCHEDULE_MILESTONES 8
typedef struct mn_schedule {
    mn_schedule_kind kind;
    double factor;                              /* STEP, MULTISTEP: multiplied in each time */
    int64_t every;                              /* STEP: epochs between milestones */
    int64_t milestones[MN_SCHEDULE_MILESTONES]; /* MULTISTEP: epochs, ascending; 0 ends */
    double least;    /* COSINE, which falls step by step: the factor at the end */
    int64_t warm_up; /* steps of linear growth: times start + (1 - start) (step + 1) / warm_up */
    double start;    /* the factor that growth begins at */
} mn_schedule;
/* The factor at `step` of `steps` in `epoch` of `epochs` (all 0-based within the phase). */
MN_API double mn_schedule_factor(const mn_schedule *schedule, int64_t step, int64_t steps,
                                 int64_t epoch, int64_t epochs);

#ifdef __cplusplus
}
#endif
#endif
