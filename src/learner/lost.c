/* lost.c -- strategies are told whose rows of the buffer are gone.
 *
 * They are told before the service that changed the buffer returns: a commit never falls in
 * between, so that what is kept beside the rows is as exact after a resume as the rows are. */
#include "learner/lost.h"
#include "base/hook.h"
#include "buffer/storage.h"

mn_status mn_learner_may_change_buffer(const mn_learner *learner)
{
    return !learner->telling_lost
               ? MN_OK
               : mn_fail(MN_OUT_OF_ORDER, "the buffer is changed in 'forget', which is told of a "
                                          "change; do it in after_step or after_task");
}

static mn_status tell(mn_learner *learner, int member, int64_t count)
{
    const mn_strategy *strategy = learner->member[member].strategy;
    if (strategy->forget == NULL)
        return MN_OK;
    learner->current = member;
    const mn_hook_place outer = mn_hook_enter(strategy->name, "forget");
    const mn_status status =
        mn_hook_leave(outer, strategy->forget(learner, learner->tape, learner->lost, count));
    return status == MN_OK ? MN_OK : mn_fail_in(status, "%s: forget", strategy->name);
}

/* The function that changed the buffer goes on afterwards, as the one that is running. */
mn_status mn_learner_tell_lost(mn_learner *learner)
{
    if (learner->lost == NULL)
        return MN_OK;
    const int64_t count = mn_buffer_take_lost(learner->buffer, learner->lost);
    const int outer = learner->current;
    mn_status status = MN_OK;
    learner->telling_lost = true;
    for (int i = 0; count > 0 && i < learner->members && status == MN_OK; i++)
        status = tell(learner, i, count);
    learner->telling_lost = false;
    learner->current = outer;
    MN_TRY(status);
    return mn_learner_check(learner);
}
