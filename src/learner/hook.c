/* hook.c -- which strategy's function is running.
 *
 * One place for the process, that a handler of signals reads: it is written before a call and after
 * it, and never in between. */
#include "learner/hook.h"
#include "base/status.h"

#include <stddef.h>

static volatile mn_hook_place running;

mn_hook_place mn_hook_running(void)
{
    return (mn_hook_place){running.strategy, running.hook, running.task, running.step};
}

void mn_hook_begin(mn_hook_place place)
{
    mn_error_forget();
    running.task = place.task;
    running.step = place.step;
    running.hook = place.hook;
    running.strategy = place.strategy;
}

mn_status mn_hook_end(mn_status status)
{
    const mn_hook_place place = mn_hook_running();
    running.strategy = NULL;
    if (status == MN_OK || mn_error()[0] != '\0')
        return status;
    return mn_fail(status, "'%s' of %s returned a failure (%s) without a message; return mn_fail()",
                   place.hook, place.strategy, mn_status_text(status));
}
