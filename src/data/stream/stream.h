/* stream.h -- what a loader asks of a stream beyond the public questions. */
#ifndef MN_DATA_STREAM_H
#define MN_DATA_STREAM_H

#include <mneme/data.h>
#include <mneme/random.h>
#include <mneme/stream.h>

/* The images of one part of one task: places in the data set's part, in their order there. */
typedef struct mn_stream_view {
    int64_t count;
    const int64_t *indices; /* (count) */
} mn_stream_view;

mn_stream_view mn_stream_view_of(const mn_stream *stream, mn_part part, int64_t task);
/* Labels by arrival, -1 where unlabelled, by place in the data set's part. */
const int32_t *mn_stream_labels(const mn_stream *stream, mn_part part);
/* The label by arrival of an image by its place, whether or not the stream calls it labelled: for
 * an examiner, never for a strategy. */
int64_t mn_stream_true_label(const mn_stream *stream, mn_part part, int64_t place);

/* Whether a training image has another class's label, which the stream gave it. */
bool mn_stream_noised(const mn_stream *stream, int64_t place);
/* Whether all tasks have the same images. */
bool mn_stream_shares_images(const mn_stream *stream);
/* Whether accuracies are of classes that have come, not of domains. */
bool mn_stream_by_class(const mn_stream *stream);

/* Whether the stream moves pixels about, and if so from where: map (height, width) holds for each
 * pixel the place it comes from, -1 for black. */
bool mn_stream_moves_pixels(const mn_stream *stream);
void mn_stream_pixel_map(const mn_stream *stream, int64_t task, int32_t *map);
/* Rotation in degrees of each image, by its place in the data set's part (test images, or the
 * others); NULL unless the stream rotates every image by its own angle. */
const float *mn_stream_angles(const mn_stream *stream, mn_part part);

/* The key of one epoch of a phase: of its order ("stream.shuffle") and of what is random about its
 * images ("stream.augment"). */
mn_key mn_epoch_key(int64_t seed, const char *purpose, int64_t task, int64_t phase, int64_t epoch);

#endif
