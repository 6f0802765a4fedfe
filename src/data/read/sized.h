/* sized.h -- images in memory, of another size than the data set's. */
#ifndef MN_DATA_READ_SIZED_H
#define MN_DATA_READ_SIZED_H

#include "data/read/resize.h"
#include "data/read/source.h"

/* Takes the pixels of the data set, of which images of height x width are made. */
mn_status mn_sized_new(mn_dataset *dataset, int64_t height, int64_t width, mn_resize resize,
                       mn_fit fit);

#endif
