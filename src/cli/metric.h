/* metric.h -- metrics and scopes by the names that a user types. */
#ifndef MN_CLI_METRIC_H
#define MN_CLI_METRIC_H

#include <mneme/results.h>

/* MN_BAD_OPTION, with the nearest name, unless there is such a metric; `where` begins the message.
 */
mn_status mn_metric_check(const char *where, const char *metric);
/* MN_SCOPES for NULL. */
mn_status mn_scope_find(const char *where, const char *name, mn_scope *scope);

#endif
