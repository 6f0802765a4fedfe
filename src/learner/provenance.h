/* provenance.h -- what made a run: versions, machine, data, tasks. */
#ifndef MN_LEARNER_PROVENANCE_H
#define MN_LEARNER_PROVENANCE_H

#include "learner/learner.h"

/* What the file should know about the run: at creation, the configuration and this machine; */
mn_status mn_describe_run(const mn_experiment *experiment, mn_runfile *file);
/* and once the run has begun, the data, the tasks and the networks. */
mn_status mn_describe_tasks(mn_learner *learner, mn_runfile *file);

/* Whether libraries or instruction sets are others than the run began with; then `text` is one line
 * that says so.  What an older mneme did not write down counts as equal. */
mn_status mn_arithmetic_differs(mn_runfile *file, char *text, size_t bytes, bool *differs);

/* The digest of the data, and what tells that they are these without reading them all. */
mn_status mn_describe_data(mn_runfile *file, const mn_dataset *dataset);
/* MN_CORRUPT unless the run in the file began with this data set. */
mn_status mn_check_same_data(mn_runfile *file, const mn_dataset *dataset);
/* MN_CORRUPT where the run in the file began with other classes in a task, or in another order: of
 * equal data their names may have changed, which the digest does not see. */
mn_status mn_check_same_stream(mn_runfile *file, const mn_stream *stream);

#endif
