/* reader.h -- what readers of data sets share. */
#ifndef MN_DATA_READER_H
#define MN_DATA_READER_H

#include "data/read/search.h"

#include <mneme/data.h>

/* Room for `count` images; images->count stays as it is. */
mn_status mn_images_allocate(mn_images *images, mn_row_type type, int64_t count, int64_t channels,
                             int64_t height, int64_t width);

/* The pixels alone, from mn_data_take(). */
mn_status mn_pixels_allocate(mn_row_type type, int64_t count, int64_t channels, int64_t height,
                             int64_t width, uint8_t **pixels);

/* Copies names of classes, and their number, into the data set. */
mn_status mn_dataset_name_classes(mn_dataset *dataset, int64_t classes, const char *const *names);

/* Makes the different texts the data set's domains, in the order of classes, and numbers those of
 * each part; a text for each image, those of training first.  A part without images stays as it is.
 * More than MN_MAX_TASKS: MN_UNSUPPORTED.  `path` stands in messages. */
mn_status mn_dataset_number_domains(mn_dataset *dataset, const char *path,
                                    const char *const *domain);

/* Notes, where `set`, that an option was given and does nothing: "csv.white does nothing: WHY". */
mn_status mn_note_idle(mn_dataset *dataset, bool set, const char *option, const char *why);

/* The order of classes, for qsort of char *: names that are numbers by size, in any notation, then
 * the others by their bytes. */
int mn_by_class_name(const void *a, const void *b);

#endif
