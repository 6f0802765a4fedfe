/* keep.h -- values that are saved with the run, of a strategy or of the run itself. */
#ifndef MN_LEARNER_KEEP_H
#define MN_LEARNER_KEEP_H

#include <mneme/keep.h>

/* "OWNER/NAME" */
mn_status mn_learner_keep_tensor(mn_learner *learner, const char *owner, const char *name,
                                 mn_shape shape, mn_tensor **tensor);
mn_status mn_learner_keep_int(mn_learner *learner, const char *owner, const char *name,
                              int64_t **value);
mn_status mn_learner_keep_real(mn_learner *learner, const char *owner, const char *name,
                               double **value);

#endif
