/* image_options.h -- the options that every data set has beside its own. */
#ifndef MN_DATA_READ_IMAGE_OPTIONS_H
#define MN_DATA_READ_IMAGE_OPTIONS_H

#include <mneme/data.h>

typedef enum mn_decode { MN_DECODE_AUTO, MN_DECODE_BEFORE, MN_DECODE_WHEN_NEEDED } mn_decode;

typedef struct mn_image_options {
    const char *size, *packed;
    int64_t resize, fit, decode;
} mn_image_options;

/* The table of a data set: its own options, then those of all data sets that it has not itself
 * under the same name; and the bytes of a struct of both, which begins with that of its own.  The
 * table lives as long as the process. */
mn_status mn_dataset_table(const mn_dataset_type *type, const mn_option **table, size_t *bytes);
/* What stands behind a data set's own options in that struct. */
const mn_image_options *mn_image_options_in(const mn_dataset_type *type, const void *values);

/* Makes images of the size that was asked for of what a reader has read, and decodes them now or
 * leaves it for when they are needed. */
mn_status mn_images_apply(const mn_image_options *options, mn_dataset *dataset);

#endif
