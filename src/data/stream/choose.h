/* choose.h -- which training images a stream shows, holds out, and labels. */
#ifndef MN_DATA_STREAM_CHOOSE_H
#define MN_DATA_STREAM_CHOOSE_H

#include "data/stream/parts.h"

/* The places of classes in a long tail: drawn, or their arrival. */
void mn_choose_ranks(mn_stream *stream, const mn_stream_spec *spec);
/* Class by class: which images are held out, which are for training, which of them are labelled. */
mn_status mn_choose_images(mn_stream *stream, const mn_stream_spec *spec);
/* Marks a fraction of each task's images as its pool.  Images outside the pool and without a label
 * are never shown. */
mn_status mn_choose_pool(mn_stream *stream, double fraction);

#endif
