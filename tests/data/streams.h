/* streams.h -- drawn data and streams over them, for the tests of streams. */
#ifndef MN_TESTS_DATA_STREAMS_H
#define MN_TESTS_DATA_STREAMS_H

#include "tests/suite.h"

#include <mneme/stream.h>
#include <stdio.h>

enum { SIDE = 8 };

/* Images of SIDE x SIDE pixels. */
static inline mn_dataset *drawn_of(int classes, int train_per_class, int test_per_class)
{
    mn_dataset *dataset;
    char options[120];
    snprintf(options, sizeof options,
             "{\"classes\": %d, \"train_per_class\": %d, \"test_per_class\": %d, \"size\": %d}",
             classes, train_per_class, test_per_class, SIDE);
    ck_assert_ok(mn_dataset_open("synthetic", options, NULL, &dataset));
    return dataset;
}

static inline mn_stream_spec spec_of(mn_scenario scenario, int64_t tasks)
{
    return (mn_stream_spec){.scenario = scenario, .tasks = tasks, MN_STREAM_DEFAULTS};
}

static inline mn_stream *stream_of(const mn_dataset *dataset, const mn_stream_spec *spec,
                                   uint64_t seed)
{
    mn_stream *stream;
    ck_assert_ok(mn_stream_new(dataset, spec, seed, &stream));
    return stream;
}

#endif
