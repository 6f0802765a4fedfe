/* packed.h -- a data set in one file, whose images are mapped instead of read.
 *
 * The file is safetensors: x_train and x_test, bytes (N, C, H, W); y_train and y_test, I32 (N); of
 * measurements also offset and scale, F32 (C, H, W).  Its metadata say what was packed:
 *
 *   dataset   the name of the data set
 *   options   those of its options that can change an image or a label, as a JSON object
 *   classes   how many, as a number
 *   names     of the classes, a JSON list; "null" where they are just numbers
 *   digest    mn_dataset_digest() of it */
#ifndef MN_DATA_READ_PACKED_H
#define MN_DATA_READ_PACKED_H

#include "base/json.h"

#include <mneme/data.h>

/* The options, of a table and its values, that can change an image or a label; NULL: there was no
 * memory.  The caller deletes it. */
cJSON *mn_packed_options(const mn_option *table, const void *values);
/* Maps what was packed of a data set with these options.  MN_BAD_OPTION: something else was. */
mn_status mn_packed_read(const char *path, const char *name, const mn_option *table,
                         const void *values, mn_dataset *dataset);

#endif
