/* metric.c -- metrics and scopes by the names that a user types. */
#include "cli/metric.h"
#include "base/names.h"

#include <string.h>

mn_status mn_metric_check(const char *where, const char *metric)
{
    const char *names[64] = {NULL};
    for (int i = 0; i < 63 && mn_metric_name(i, NULL) != NULL; i++) {
        names[i] = mn_metric_name(i, NULL);
        if (strcmp(names[i], metric) == 0)
            return MN_OK;
    }
    const char *nearest = mn_nearest(metric, names);
    return mn_fail(MN_BAD_OPTION, "%s: metric: there is no '%s'%s%s%s", where, metric,
                   nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                   nearest != NULL ? "'?" : "");
}

mn_status mn_scope_find(const char *where, const char *name, mn_scope *scope)
{
    for (*scope = 0; *scope < MN_SCOPES; (*scope)++)
        if (name != NULL && strcmp(mn_scope_name(*scope), name) == 0)
            return MN_OK;
    return name == NULL
               ? MN_OK
               : mn_fail(MN_BAD_OPTION,
                         "%s: scope: '%s' is not class-il, task-il or domain-il, nor one of them "
                         "after validation-",
                         where, name);
}
