/* idx.h -- the IDX files of the MNIST family. */
#ifndef MN_DATA_IDX_H
#define MN_DATA_IDX_H

#include <mneme/status.h>
#include <stdint.h>

enum { MN_IDX_MAX_RANK = 4 };

typedef struct mn_idx {
    int64_t size[MN_IDX_MAX_RANK];
    uint8_t *bytes; /* (size...), for mn_memory_give() */
} mn_idx;

/* Reads an IDX file of unsigned bytes with `rank` axes, compressed or not.  Anything else, too few
 * bytes or too many: MN_CORRUPT. */
mn_status mn_idx_read(const char *path, int rank, mn_idx *idx);

#endif
