/* codec.h -- what a row of the buffer is kept as: its payload.
 *
 * Rows come and go as batches have them; the codec says what of them is kept, in how many bytes:
 * first the form that they are brought into (encoding.h), then the bits of each of its values.
 */
#ifndef MN_BUFFER_CODEC_H
#define MN_BUFFER_CODEC_H

#include "data/encode/encoding.h"

/* What a value of a row is kept as, in the order of the option buffer_values. */
typedef enum mn_kept_values {
    MN_VALUES_AS_DATA, /* as the data set has them */
    MN_VALUES_F32,
    MN_VALUES_F16,
    MN_VALUES_U8, /* steps between the least and the greatest of its place: 256, */
    MN_VALUES_U4, /* 16, two to a byte, */
    MN_VALUES_U2, /* 4, */
    MN_VALUES_U1, /* 2: black and white */
} mn_kept_values;

typedef struct mn_codec_spec {
    mn_shape row;                /* of the rows that come and go */
    mn_row_type type;            /* that the data set has */
    const float *offset, *scale; /* (row) its ranges, borrowed; NULL: 0 and 1 */
    mn_kept_values values;
    mn_encoding_spec encoding;
} mn_codec_spec;

typedef struct mn_codec {
    mn_codec_spec spec;
    mn_encoding *encoding;       /* NULL: rows are kept in the form in which they come */
    void *form;                  /* a row in its form, on its way; NULL as above */
    mn_shape kept;               /* of the form */
    mn_row_type type;            /* of the form: as a data set would have it, */
    const float *offset, *scale; /* and its ranges; (kept) or NULL */
    mn_kept_values values;       /* never MN_VALUES_AS_DATA */
    mn_row_type gives;           /* type of the rows that go: that of those that come, or floats */
    size_t payload;              /* bytes */
} mn_codec;

/* The codec owns what it makes: mn_codec_free(), which takes one that failed, or of zeros, too. */
mn_status mn_codec_new(const mn_codec_spec *spec, mn_codec *codec);
void mn_codec_free(mn_codec *codec);
/* "f16": what values are kept as. */
const char *mn_codec_values_name(mn_kept_values values);
/* Of what the way back needs beside the payloads: the ranges of places, where values are steps, and
 * the seed of directions. */
int64_t mn_codec_parameter_bytes(const mn_codec *codec);
/* A row of batches' `type` into `payload`.  Not in two threads at once, as the way back. */
mn_status mn_codec_encode(const mn_codec *codec, mn_row_type type, const void *row,
                          uint8_t *payload);
/* The way back, into a row of type `gives`. */
mn_status mn_codec_decode(const mn_codec *codec, const uint8_t *payload, void *row);

#endif
