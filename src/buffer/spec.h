/* spec.h -- what a rehearsal buffer is asked to be. */
#ifndef MN_BUFFER_SPEC_H
#define MN_BUFFER_SPEC_H

#include "buffer/codec.h"
#include "store/handle.h"

#include <mneme/buffer.h>

typedef struct mn_buffer_spec {
    int64_t capacity;            /* rows */
    mn_shape image;              /* of the rows that come and go */
    mn_row_type type;            /* that the data set has */
    const float *offset, *scale; /* (image) of measurements; borrowed */
    mn_kept_values values;       /* what the values of rows are kept as, */
    mn_encoding_spec encoding;   /* in which form; raw: that in which they come */
    int64_t codec_bytes;         /* that a codec takes through which they came */
    int64_t classes;             /* of the whole stream */
    const mn_policy *policy;
    const void *options; /* of the policy; borrowed */
    mn_key key;       /* every decision's randomness comes from here and the count of images seen */
    int64_t memory;   /* bytes of images and columns in memory; 0: all of them */
    mn_runfile *file; /* where the others are; borrowed.  NULL: all are in memory */
} mn_buffer_spec;

#endif
