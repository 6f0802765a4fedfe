/* hook.h -- whose function is running, for whoever must say where a run broke. */
#ifndef MN_BASE_HOOK_H
#define MN_BASE_HOOK_H

#include <mneme/observer.h>
#include <mneme/status.h>

/* Where the run is; what is entered from now on is there. */
void mn_hook_at(int64_t task, int64_t step);
/* Before a call of `owner`'s function `hook`; both names outlive it.  Returns who was at work until
 * now: a strategy whose hook stores an image calls the buffer's policy. */
mn_hook_place mn_hook_enter(const char *owner, const char *hook);
/* After it: who is at work again, and its status.  A failure without a message gets one. */
mn_status mn_hook_leave(mn_hook_place before, mn_status status);

#endif
