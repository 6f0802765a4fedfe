/* encoding.h -- rows in a smaller form: images resized, rows projected onto a few directions.
 *
 * Of F. Pelosin and A. Torsello, "More is better: an analysis of instance quantity/quality
 * trade-off in rehearsal-based continual learning", 2021 (arXiv 2105.14106).
 */
#ifndef MN_DATA_ENCODING_H
#define MN_DATA_ENCODING_H

#include <mneme/data.h>

typedef enum mn_encoding_kind {
    MN_ENCODE_RAW,     /* as they are */
    MN_ENCODE_RESIZE,  /* the means of size x size areas, bytes */
    MN_ENCODE_PROJECT, /* the coordinates of size orthonormal directions, half floats */
} mn_encoding_kind;

typedef struct mn_encoding_spec {
    mn_encoding_kind kind;
    int64_t size;
    mn_key key; /* of the directions */
} mn_encoding_spec;

/* Reads "raw", "resize:7" or "project:64"; `where` begins the message.  The key stays as it is. */
mn_status mn_encoding_parse(const char *where, const char *text, mn_encoding_spec *spec);

/* One that is made for rows of a shape; not for two threads at once. */
typedef struct mn_encoding mn_encoding;

/* For rows of a type; offset, scale (row): the ranges of measurements, borrowed, NULL of pixels.
 * MN_ENCODE_RAW makes NULL, as rows then need nothing.  MN_BAD_OPTION where they cannot be encoded
 * so, or become no smaller. */
mn_status mn_encoding_new(const mn_encoding_spec *spec, mn_shape row, mn_row_type type,
                          const float *offset, const float *scale, mn_encoding **encoding);
void mn_encoding_free(mn_encoding *encoding);
/* Of the rows that it makes: their shape, and what they are kept as. */
mn_shape mn_encoding_shape(const mn_encoding *encoding);
mn_row_type mn_encoding_type(const mn_encoding *encoding);
/* What must be kept for the way there and back beside the rows: the seed of the directions. */
int64_t mn_encoding_bytes(const mn_encoding_spec *spec);
/* A row of batches' `type` into the form, and the way back into a row of the type that batches of
 * such data have: resized by PIL's bilinear filter, z R' of a projection.  In the form too, rows
 * are as batches have them: bytes, or floats. */
mn_status mn_encoding_encode(mn_encoding *encoding, mn_row_type type, const void *row, void *form);
mn_status mn_encoding_decode(mn_encoding *encoding, const void *form, void *row);
/* The same as a data set in the form gives it to batches: bytes, or floats that went through the
 * halves that they are kept as. */
mn_status mn_encoding_show(mn_encoding *encoding, mn_row_type type, const void *row, void *form);

#endif
