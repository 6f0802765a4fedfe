/* run.h -- from an experiment to a finished run file.
 *
 * A run is a file: it is created with its configuration before data are read, and continues from
 * its last commit after any interruption.
 */
#ifndef MNEME_RUN_H
#define MNEME_RUN_H

#include <mneme/experiment.h>
#include <mneme/observer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Creates `path` (refused when it exists) and runs to the end.  MN_INTERRUPTED when the observer
 * asked to stop: everything up to then is committed. */
MN_API mn_status mn_experiment_run(mn_experiment *experiment, const char *path,
                                   const mn_observer *observer);
/* Continues a run from its last commit; a finished run is MN_OK at once. */
MN_API mn_status mn_resume(const char *path, const mn_observer *observer);

#ifdef __cplusplus
}
#endif
#endif
