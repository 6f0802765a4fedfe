/* heads.h -- how many classes each task's layer of a network's classifier has. */
#ifndef MN_LEARNER_HEADS_H
#define MN_LEARNER_HEADS_H

#include <mneme/stream.h>

/* The options of a network, a JSON object, with network.head_classes filled in where head=multi
 * leaves it to the stream.  MN_UNSUPPORTED where the stream's tasks share their classes. */
mn_status mn_learner_fill_head(const mn_stream *stream, const char *options, const char **filled);

#endif
