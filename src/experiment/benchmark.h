/* benchmark.h -- benchmark files, found by name or by path. */
#ifndef MN_EXPERIMENT_BENCHMARK_H
#define MN_EXPERIMENT_BENCHMARK_H

#include "base/json.h"

/* The JSON of a benchmark; the caller deletes it. */
mn_status mn_benchmark_read(const char *name_or_path, cJSON **json);

#endif
