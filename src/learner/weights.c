/* weights.c -- a run's beginning, kept for strategies that begin again. */
#include "learner/weights.h"
#include "store/tensors.h"

#include <stdio.h>

enum { NAME_BYTES = 256 };

static mn_status visit_tensor(mn_runfile *file, const char *name, mn_tensor *tensor, bool put)
{
    const mn_tensor_origin origin = {"run", "initial", MN_ROLE_KEPT};
    char kept[NAME_BYTES];
    snprintf(kept, sizeof kept, "run/initial/%s", name);
    return put ? mn_runfile_put_tensor(file, &origin, kept, tensor)
               : mn_runfile_get_tensor(file, kept, tensor);
}

static mn_status visit(mn_network *network, mn_runfile *file, bool head, bool put)
{
    for (int i = 0; i < mn_network_parameter_count(network); i++) {
        const mn_parameter *parameter = mn_network_parameter(network, i);
        if (head || !parameter->head)
            MN_TRY(visit_tensor(file, parameter->name, parameter->value, put));
    }
    for (int i = 0; i < mn_network_statistic_count(network); i++) {
        const char *name;
        mn_tensor *statistic = mn_network_statistic(network, i, &name);
        MN_TRY(visit_tensor(file, name, statistic, put));
    }
    return MN_OK;
}

mn_status mn_weights_keep(mn_network *network, mn_runfile *file, bool head)
{
    return visit(network, file, head, true);
}

mn_status mn_weights_restore(mn_network *network, mn_runfile *file, bool head)
{
    return visit(network, file, head, false);
}
