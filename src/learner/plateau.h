/* plateau.h -- the schedule that falls when the validation loss does not. */
#ifndef MN_LEARNER_PLATEAU_H
#define MN_LEARNER_PLATEAU_H

#include <mneme/early_stopping.h>

/* The room that it needs, where it is the run's schedule. */
mn_status mn_plateau_open(mn_learner *learner);
/* A phase begins. */
void mn_plateau_begin(mn_learner *learner);
/* An epoch has ended: a look at the validation images.  It may end the phase. */
mn_status mn_plateau_epoch(mn_learner *learner);
/* The phase has ended. */
mn_status mn_plateau_end(mn_learner *learner);
/* The factor of the learning rate; 1 for another schedule. */
double mn_plateau_factor(const mn_learner *learner);

#endif
