/* busy.h -- a strategy for tests, which uses every service there is. */
#ifndef MN_TESTS_BUSY_H
#define MN_TESTS_BUSY_H

#include <mneme/strategy.h>

extern const mn_strategy busy;
extern int busy_epochs_asked; /* by the runner, of phases that say how many */

#endif
