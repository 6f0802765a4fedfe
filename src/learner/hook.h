/* hook.h -- which strategy's function is running, for whoever must say where a run broke. */
#ifndef MN_LEARNER_HOOK_H
#define MN_LEARNER_HOOK_H

#include <mneme/observer.h>

/* Before a call: whose function it is.  Both names outlive it. */
void mn_hook_begin(mn_hook_place place);
/* After it: its status.  A failure without a message gets one. */
mn_status mn_hook_end(mn_status status);

#endif
