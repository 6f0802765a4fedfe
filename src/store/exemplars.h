/* exemplars.h -- the rows of a rehearsal buffer in a run file. */
#ifndef MN_STORE_EXEMPLARS_H
#define MN_STORE_EXEMPLARS_H

#include "store/handle.h"

typedef struct mn_exemplar {
    int64_t slot, seen, source; /* source: index in the data set; -1 synthetic */
    int32_t label, task;
    bool labelled;
    const uint8_t *image;
    size_t image_bytes;
} mn_exemplar;
mn_status mn_runfile_put_exemplar(mn_runfile *file, const mn_exemplar *exemplar);
mn_status mn_runfile_delete_exemplar(mn_runfile *file, int64_t slot); /* and its columns */
mn_status mn_runfile_put_exemplar_column(mn_runfile *file, int64_t slot, const char *name,
                                         const float *values, int64_t width);
/* Calls `row` for every exemplar in order of slot, then `column` for every column in order of
 * slot and name; a failure of either ends the walk. */
typedef struct mn_exemplar_reader {
    void *context;
    mn_status (*row)(void *context, const mn_exemplar *exemplar);
    mn_status (*column)(void *context, int64_t slot, const char *name, const float *values,
                        int64_t width);
} mn_exemplar_reader;
mn_status mn_runfile_read_exemplars(mn_runfile *file, const mn_exemplar_reader *reader);
/* The same for one slot, found by its key; MN_NOT_FOUND: it holds none. */
mn_status mn_runfile_read_exemplar(mn_runfile *file, int64_t slot,
                                   const mn_exemplar_reader *reader);

#endif
