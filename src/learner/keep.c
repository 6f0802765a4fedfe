/* keep.c -- values that are saved with every commit, each under its owner's name. */
#include "learner/keep.h"
#include "learner/learner.h"

#include <string.h>

static mn_status keep(mn_learner *learner, const char *owner, const char *name, mn_kept_type type,
                      mn_kept **kept)
{
    const char *full;
    MN_TRY(mn_learner_owned_name(owner, name, &full));
    for (int i = 0; i < learner->kept_count; i++)
        if (strcmp(learner->kept[i].name, full) == 0)
            return mn_fail(MN_OUT_OF_ORDER, "'%s' is kept twice", full);
    if (learner->kept_count == MN_MOST_KEPT)
        return mn_fail(MN_UNSUPPORTED, "'%s': more than %d kept values in one run", full,
                       MN_MOST_KEPT);
    *kept = &learner->kept[learner->kept_count++];
    **kept = (mn_kept){.owner = owner, .name = full, .type = type};
    return MN_OK;
}

mn_status mn_learner_keep_tensor(mn_learner *learner, const char *owner, const char *name,
                                 mn_shape shape, mn_tensor **tensor)
{
    mn_kept *kept;
    MN_TRY(keep(learner, owner, name, MN_KEPT_TENSOR, &kept));
    MN_TRY(mn_tensor_new(MN_F32, shape, &kept->tensor));
    *tensor = kept->tensor;
    return MN_OK;
}

mn_status mn_learner_keep_int(mn_learner *learner, const char *owner, const char *name,
                              int64_t **value)
{
    mn_kept *kept;
    MN_TRY(keep(learner, owner, name, MN_KEPT_INT, &kept));
    *value = &kept->integer;
    return MN_OK;
}

mn_status mn_learner_keep_real(mn_learner *learner, const char *owner, const char *name,
                               double **value)
{
    mn_kept *kept;
    MN_TRY(keep(learner, owner, name, MN_KEPT_REAL, &kept));
    *value = &kept->real;
    return MN_OK;
}
