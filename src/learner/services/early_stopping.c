/* early_stopping.c -- services that look at validation images, keep the best weights, and end a
 * phase.
 */
#include "base/hook.h"
#include "learner/best.h"
#include "learner/learner.h"
#include "learner/scoring.h"

#include <mneme/stream.h>

/* --- validation --- */

mn_status mn_check_validation(const mn_learner *learner)
{
    return mn_validates(learner)
               ? MN_OK
               : mn_fail(MN_BAD_OPTION,
                         "there are no validation images to look at; set validation, to "
                         "0.1 for example, and validation_beside");
}

mn_status mn_validate(mn_learner *learner, mn_validation *validation)
{
    const mn_hook_place place = mn_hook_running();
    *validation = (mn_validation){.images = 0};
    MN_TRY(mn_check_validation(learner));
    if (learner->in_step || learner->cursor.task >= mn_stream_tasks(learner->stream))
        return mn_fail(MN_OUT_OF_ORDER,
                       "mn_validate() inside of a step or outside of a task; call it "
                       "in before_task, after_epoch or after_task");
    const mn_status status = mn_learner_validate(learner, validation);
    if (status == MN_OK)
        (void)mn_hook_enter(place.owner, place.hook); /* as the base's scores left it */
    return status;
}

/* --- the best weights --- */

mn_status mn_add_best(mn_learner *learner, const char *name, mn_network *network, mn_best **best)
{
    return mn_learner_add_best(learner, mn_learner_current_name(learner), name, network, best);
}

/* --- the end of a phase --- */

mn_status mn_end_phase(mn_learner *learner)
{
    if (!learner->in_phase)
        return mn_fail(MN_OUT_OF_ORDER,
                       "mn_end_phase() outside of a phase's steps and after_epoch");
    learner->phase_ends = true;
    return MN_OK;
}
