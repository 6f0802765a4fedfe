/* memory.h -- what runs keep, in bytes. */
#ifndef MN_CLI_SHOW_MEMORY_H
#define MN_CLI_SHOW_MEMORY_H

#include "cli/show/table.h"

#include <cjson/cJSON.h>
#include <mneme/groups.h>

/* Everything that a run keeps, part by part, with its sum. */
mn_status mn_memory_print(const mn_run *run, mn_writer *writer);
/* The same as an object, which the caller frees. */
mn_status mn_memory_json(const mn_run *run, cJSON **json);
/* A row for each group of runs: means of exemplars, of labels and columns, of all else, and the
 * sum. */
mn_status mn_memory_print_groups(const mn_runs *runs, mn_writer *writer);

#endif
