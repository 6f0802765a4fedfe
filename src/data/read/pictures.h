/* pictures.h -- pictures in files of their own. */
#ifndef MN_DATA_READ_PICTURES_H
#define MN_DATA_READ_PICTURES_H

#include "data/read/resize.h"
#include "data/read/source.h"

enum { MN_PICTURE_PATH = 2 * 4096 };
/* What a reader knows of its pictures. */
typedef struct mn_picture_files {
    void *files; /* the reader's; mn_pictures_new() takes it over */
    void (*close)(void *files);
    /* The path of a picture, by its number. */
    void (*path)(const void *files, int64_t number, char path[MN_PICTURE_PATH]);
    int64_t
        count[MN_PARTS]; /* of each part; the test pictures' numbers follow the training ones' */
} mn_picture_files;

/* For readers, in place of pixels: gives the data set its pictures and room for their labels, and
 * fills the counts.  `files` are closed with the data set, also after a failure. */
mn_status mn_pictures_new(mn_dataset *dataset, mn_picture_files files);
/* (count) the numbers of a part's pictures, from mn_data_take(); NULL: its images are no pictures
 * in files. */
int64_t **mn_pictures_numbers(const mn_dataset *dataset, int part);
/* How images of other sizes are made into those of the data set: as its own pictures are, or else
 * by area and cropped. */
void mn_pictures_made(const mn_dataset *dataset, mn_resize *resize, mn_fit *fit);
/* How they are made images of height x width; 0: they are to have the size of the first, and have
 * it. Fills the data set's height and width. */
mn_status mn_pictures_size(mn_dataset *dataset, int64_t height, int64_t width, mn_resize resize,
                           mn_fit fit);

/* Whether a file of a folder is an image, by its ending.  One of a kind that is not read is
 * refused: who put it there wants it read. */
mn_status mn_is_image(const char *folder, const char *name, bool *image);

#endif
