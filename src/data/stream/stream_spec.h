/* stream_spec.h -- what a stream is asked to be. */
#ifndef MN_DATA_STREAM_STREAM_SPEC_H
#define MN_DATA_STREAM_STREAM_SPEC_H

#include <mneme/stream.h>

/* Checks the part of the spec that needs no images; every message says what to write instead. */
mn_status mn_stream_spec_check(const mn_stream_spec *spec, const mn_dataset *dataset);
/* original[arrival] for the stream's classes, which a seed shuffles among themselves; a checked
 * spec. */
void mn_stream_class_order(const mn_stream_spec *spec, int64_t classes, int64_t *original);

#endif
