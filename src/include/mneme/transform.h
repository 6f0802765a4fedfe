/* transform.h -- how rows are prepared for a network: cut, mirrored, normalised; and the way back.
 */
#ifndef MNEME_TRANSFORM_H
#define MNEME_TRANSFORM_H

#include <mneme/random.h>
#include <mneme/rows.h>
#include <mneme/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mn_pad_mode {
    MN_PAD_ZERO,    /* black */
    MN_PAD_EDGE,    /* the nearest pixel of the image */
    MN_PAD_REFLECT, /* mirrored about the edge pixel, which is not repeated */
} mn_pad_mode;

/* First the random part: a crop of the image's own size out of the image padded by `pad` on every
 * side, then, when `flip`, a mirroring left to right of every other image.  Then
 * x = (pixel / 255 - mean) / deviation per channel. */
typedef struct mn_transform {
    int64_t channels;
    float mean[4], deviation[4]; /* 0 and 1: raw [0,1] pixels */
    int64_t pad;                 /* 0: no crop; MN_PAD_REFLECT: below height and width */
    mn_pad_mode pad_mode;
    bool flip;
    /* In place of both: a random view of the image's own size (views.h); borrowed.  NULL: none. */
    const struct mn_view_spec *views;
    /* Of measurements: (image), borrowed from the data set; x is then (value - mean) / deviation, and
     * there is no random part. */
    const float *offset, *scale;
    mn_row_type type; /* of the data set */
} mn_transform;
/* A transform without its random part: what evaluation sees. */
MN_API mn_transform mn_transform_plain(const mn_transform *transform);
/* rows (count, image) of `type`, one of batches -> x (count, image); MN_ROW_X as it is.  `key` is the rows' purpose, `ids` (count) name the
 * random numbers of each row; NULL: its place among the rows.  Rows are shared out among the
 * step's threads, which changes no bit.  Where a view cannot be made, x is not whole. */
MN_API mn_status mn_transform_apply(const mn_transform *transform, mn_shape image, int64_t count,
                                    mn_row_type type, const void *rows, mn_key key,
                                    const int64_t *ids, float *x);
/* The way back, of one image: x (image) -> a row of `type`; bytes are the nearest. */
MN_API void mn_transform_invert(const mn_transform *transform, mn_shape image, const float *x,
                                mn_row_type type, void *row);

/* Values in [0,1], between the least and the greatest of their place, are what generators work with.
 * unit (count, image) -> x (count, image), and to and from rows of `type`. */
MN_API void mn_transform_unit(const mn_transform *transform, mn_shape image, int64_t count,
                              const float *unit, float *x);
MN_API void mn_rows_to_unit(const mn_transform *transform, mn_shape image, int64_t count,
                            mn_row_type type, const void *rows, float *unit);
MN_API void mn_rows_from_unit(const mn_transform *transform, mn_shape image, int64_t count,
                              const float *unit, mn_row_type type, void *rows);

#ifdef __cplusplus
}
#endif
#endif
