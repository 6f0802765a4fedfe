/* hook.c -- whose function is running.
 *
 * One place for the process, that a handler of signals reads: it is written before a call and after
 * it, and never in between. */
#include "base/hook.h"
#include "base/status.h"

#include <stddef.h>

static volatile mn_hook_place running = {.task = -1, .step = -1};

mn_hook_place mn_hook_running(void)
{
    return (mn_hook_place){running.owner, running.hook, running.task, running.step};
}

void mn_hook_at(int64_t task, int64_t step)
{
    running.task = task;
    running.step = step;
}

mn_hook_place mn_hook_enter(const char *owner, const char *hook)
{
    const mn_hook_place before = mn_hook_running();
    if (before.owner == NULL)
        mn_error_forget(); /* what fails from here on and says nothing can be told */
    running.hook = hook;
    running.owner = owner;
    return before;
}

mn_status mn_hook_leave(mn_hook_place before, mn_status status)
{
    const mn_hook_place place = mn_hook_running();
    running.owner = before.owner;
    running.hook = before.hook;
    if (status == MN_OK || mn_error()[0] != '\0')
        return status;
    return mn_fail(status, "'%s' of %s returned a failure (%s) without a message; return mn_fail()",
                   place.hook, place.owner, mn_status_text(status));
}
