/* source.h -- where the images of a data set come from whose pixels are not in memory.
 *
 * Three kinds: pictures in files of their own, images in memory of another size than the data
 * set's, and pixels mapped from a packed file (packed.h). */
#ifndef MN_DATA_READ_SOURCE_H
#define MN_DATA_READ_SOURCE_H

#include <mneme/data.h>

enum { MN_TRAIN_PART, MN_TEST_PART, MN_PARTS };

typedef struct mn_image_source {
    /* Makes image i of a part, (image) bytes; NULL where mn_images has pixels, which are mapped. */
    mn_status (*read)(const mn_dataset *dataset, int part, int64_t i, uint8_t *pixels);
    /* Adds to a hash what tells changed data without reading files: mn_hash() of it. */
    uint64_t (*stamp)(const mn_dataset *dataset, uint64_t hash);
    void (*close)(void *from);
    void *from;
    char seen[MN_STAMP]; /* as mn_dataset_stamp() tells it */
    bool digested;       /* or told to be the data of that digest */
    uint32_t digest;
    const char *path; /* of a packed file, which says its digest: `says`; NULL: no file does */
    uint32_t says;
} mn_image_source;

mn_images *mn_images_of(mn_dataset *dataset, int part);
/* Closes it, and forgets pixels that were mapped; NULL is fine. */
void mn_source_close(mn_dataset *dataset);
/* Images, row type, shape and ranges are those of `from` from now on, which has none left; labels
 * and names stay.  As many of each part as there are, in memory. */
void mn_dataset_take_rows(mn_dataset *dataset, mn_dataset *from);
/* Reads all images into memory and closes the source. */
mn_status mn_source_read_all(mn_dataset *dataset);
/* Adds what to do to the failure of an image that is broken before a run has begun. */
mn_status mn_source_advise(mn_status status);
/* Fills what mn_dataset_stamp() and mn_dataset_digest() tell, of a data set that is whole: of
 * pixels in memory the digest, of others the stamp. */
mn_status mn_source_end(mn_dataset *dataset);
uint64_t mn_hash(uint64_t hash, const void *bytes, size_t count); /* FNV-1a */
/* The bytes that all images take in memory; INT64_MAX where that is no number. */
int64_t mn_source_bytes(const mn_dataset *dataset);

#endif
