/* terms.h -- backward of the loss terms that an update added. */
#ifndef MN_LEARNER_TERMS_H
#define MN_LEARNER_TERMS_H

#include <mneme/services.h>

/* Sweeps backward what mn_backward_now() has not swept yet; *loss is the sum of all terms.  An
 * error names the term that is no finite number. */
mn_status mn_learner_backward(mn_learner *learner, double *loss);

#endif
