/* network.h -- the network that a configuration describes, on its stream. */
#ifndef MN_EXPERIMENT_NETWORK_H
#define MN_EXPERIMENT_NETWORK_H

#include <mneme/experiment.h>
#include <mneme/network.h>
#include <mneme/stream.h>

/* What the network is made from that a run of the experiment trains on the stream.  Where
 * head=multi leaves head_classes to the stream, they are filled in: MN_UNSUPPORTED where the
 * stream's tasks share their classes. */
mn_status mn_experiment_network_spec(const mn_experiment *experiment, const mn_stream *stream,
                                     mn_network_spec *spec);

#endif
