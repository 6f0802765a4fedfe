/* progress.h -- what the observer of a run is told. */
#ifndef MN_RUN_PROGRESS_H
#define MN_RUN_PROGRESS_H

#include "learner/learner.h"

#include <mneme/observer.h>

enum { MN_MOST_UPDATES_SHOWN = 4 };

/* The losses of the last step. */
typedef struct mn_losses {
    double loss; /* of the last update */
    struct {
        const char *name;
        double loss;
    } update[MN_MOST_UPDATES_SHOWN];
    int updates;
} mn_losses;

typedef struct mn_reporter {
    const mn_observer *observer; /* NULL: nobody looks on */
    mn_losses losses;
    double started, reported, window_started; /* by the clock of this process */
    int64_t first_step;                       /* that this process makes */
    int64_t window_images;                    /* of the stream, since the window started */
    double images_per_second;
    int64_t made; /* images that features were made of as this process began to; 0: not known yet */
    double made_since;
} mn_reporter;

void mn_reporter_start(mn_reporter *reporter, const mn_observer *observer);
/* `phase` says where the phase is (phase, epoch, epochs, step, steps); the rest is filled in here.
 * The observer is not told more often than the eye can see. */
void mn_report_progress(mn_reporter *reporter, const mn_learner *learner, mn_progress phase);
void mn_report_log(const mn_observer *observer, mn_log_level level, const char *format, ...)
    MN_PRINTF(3, 4);
/* For mn_experiment_watch(), of a reporter: how far data are made before the first task, which has
 * `tasks` 0. */
bool mn_report_made(void *reporter, int64_t done, int64_t all);
bool mn_stop_wanted(const mn_observer *observer);

#endif
