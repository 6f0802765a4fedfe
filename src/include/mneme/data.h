/* data.h -- data sets, the batches that networks see of them, and how their images are prepared.
 *
 * dataset -> stream -> loader -> batch.  A data set is rows and labels: images of bytes, or values
 * of any kind as floats.  stream.h has the two in between.
 */
#ifndef MNEME_DATA_H
#define MNEME_DATA_H

#include <mneme/option.h>
#include <mneme/random.h>
#include <mneme/registry.h>
#include <mneme/rows.h>
#include <mneme/tensor.h>
#include <mneme/transform.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MN_MAX_TASKS   1024
#define MN_MAX_CLASSES 4096

/* What stands where there is no such thing. */
enum {
    MN_UNLABELLED = -1, /* a label */
    MN_NO_TASK = -1,    /* a task; an evaluation hides it */
    MN_NO_INDEX = -1,   /* a place in the data set, of images that were made */
    MN_NO_SLOT = -1,    /* a slot of the buffer */
};

/* --- data sets -------------------------------------------------------------------------------- */
typedef struct mn_images {
    int64_t count;
    /* (count, channels, height, width), of the data set's row type; NULL: each is made when needed
     */
    uint8_t *pixels;
    int32_t *labels; /* (count), 0..classes-1 */
    int32_t *domains; /* (count), 0..domains-1: the domain or task of each; NULL: nothing says it */
} mn_images;

typedef struct mn_dataset {
    char name[64];
    int64_t channels, height, width, classes;
    const char *const *class_names; /* (classes), NULL when they are just numbers */
    void *memory; /* what the reader wants freed with the data set, names for one; NULL: nothing */
    mn_images train, test;
    /* Measurements: the least value of each place in a row, and how far the greatest is above it.
     * As bytes, value = offset + scale * byte / 255.  NULL: pixels, 0 and 1. */
    float *offset, *scale; /* (channels, height, width) */
    uint32_t digest;       /* of pixels in memory; mn_dataset_digest() tells every data set's */
    char *
        notes; /* what its user should know, in lines; mn_dataset_note() adds one.  NULL: nothing */
    struct mn_image_source
        *source;      /* the host's, of pixels that are not in memory; NULL: all are */
    mn_row_type type; /* floats are measurements */
    bool moved; /* before they were kept, means were taken off measurements, or they were brought to
                 * deviation 1: others' are not comparable as they are */
    int64_t domains; /* 0: nothing says what domain an image is of */
    const char **domain_names; /* (domains), one block with the texts, from mn_data_take() */
} mn_dataset;

/* A kind of data set; registered by name, built in or by a plugin.  `read` takes memory for pixels,
 * labels, domains, their names, `memory`, `offset` and `scale` from mn_data_take(); the host frees it,
 * also when `read` fails, and makes images of another size of them where the user asks for one.  A type that brings
 * no data of its own, but reads what its options name, leaves `obtain` NULL. */
typedef struct mn_dataset_type {
    uint32_t abi, size;
    const char *name, *summary, *cite;
    const mn_option *options;
    size_t options_size;
    const char *obtain; /* what brings it: "apt-get install dataset-fashion-mnist" */
    mn_status (*read)(const void *options, const char *folder, mn_dataset *dataset);
} mn_dataset_type;

#define MN_DATASET_HEADER .abi = MN_DATASET_ABI, .size = sizeof(mn_dataset_type)
#define MN_DATASET(id)    MN_DEFINE(mn_dataset_type, MN_KIND_DATASET, mn_dataset_##id)

/* Memory for the members of a data set, of any contents.  It comes from the C library of the host,
 * which may be another than the plugin's.  NULL, with a message, when memory ran out. */
MN_API void *mn_data_take(size_t bytes);

/* For readers: adds a line to what the user of the data is told, such as what was left out. */
MN_API mn_status mn_dataset_note(mn_dataset *dataset, const char *format, ...) MN_PRINTF(2, 3);

/* Reads the data set `name`, with its options as a JSON object (NULL or "": the defaults), from
 * `folder` or that folder's sub-folder `name`; NULL looks in $MNEME_DATA, ../shared/data,
 * ~/.local/share/mneme and /usr/share/datasets, each with the data set's own sub-folder.
 * MN_NOT_FOUND says where it looked and what brings the data. */
MN_API mn_status mn_dataset_open(const char *name, const char *options, const char *folder,
                                 mn_dataset **dataset);
MN_API void mn_dataset_free(mn_dataset *dataset);
/* Asked before each image of a long work, with how many of `all` are done; false stops it. */
typedef struct mn_pack_watch {
    void *context;
    bool (*go_on)(void *context, int64_t done, int64_t all);
} mn_pack_watch;
/* Opens the same and writes it into one file, safetensors, which the option `packed` names: images
 * then stay in the file until they are needed.  It is there whole or not at all.  watch: or NULL.
 */
MN_API mn_status mn_dataset_pack(const char *name, const char *options, const char *folder,
                                 const char *path, const mn_pack_watch *watch);
/* The options that every data set has beside its own: size, resize, ... */
MN_API const mn_option *mn_dataset_options(void);

/* Image i of a part of the data set, (image) of its row type: copied, or decoded from its file,
 * which a failure names. */
MN_API mn_status mn_dataset_pixels(const mn_dataset *dataset, const mn_images *part, int64_t i,
                                   uint8_t *pixels);
/* The images in a file that belongs to no data set, made into images like those of `like`: of a PNG
 * or JPEG one, resized where it has another size; of an .npy array of bytes, (images, height,
 * width[, channels]), as many as it has; for a data set of floats, rows of values.  pixels: (count,
 * image) of the row type of `like`'s batches, for the caller to give back with mn_memory_give(). */
MN_API mn_status mn_images_read(const mn_dataset *like, const char *path, int64_t *count,
                                uint8_t **pixels);
/* Calls `found` with the path of each image that mn_images_read() reads, in a folder and in those
 * within it, in the order of names; stops where that fails.  A picture of a kind that is not read
 * is refused. */
MN_API mn_status mn_images_find(const char *folder,
                                mn_status (*found)(void *context, const char *path), void *context);
/* Whether images are decoded when they are needed. */
MN_API bool mn_dataset_decodes(const mn_dataset *dataset);
/* CRC-32 over both parts, pixels and labels; of images that are not in memory, all are read for it.
 */
MN_API mn_status mn_dataset_digest(const mn_dataset *dataset, uint32_t *digest);
enum { MN_DIGEST = 9, MN_STAMP = 24 };
/* What tells that files have changed, without reading them: their names, sizes and times of change.
 * "" of data in memory. */
MN_API const char *mn_dataset_stamp(const mn_dataset *dataset);
/* Whether the data set is the one that had this digest, in hexadecimal, and this stamp (NULL: not
 * known) when it was looked at before: an equal stamp is believed, and no image read.  `found`: its
 * digest now. */
MN_API mn_status mn_dataset_is(const mn_dataset *dataset, const char *digest, const char *stamp,
                               bool *same, char found[MN_DIGEST]);
/* What a channel's values are: pixels in [0,1], or measurements. */
typedef struct mn_channel_values {
    double least, greatest, mean, deviation;
} mn_channel_values;
/* How many channels have a mean and a deviation of their own: all, or where there are more than 4
 * the whole row as one. */
MN_API int64_t mn_dataset_normalised(const mn_dataset *dataset);
/* Over the training images at these places, (count) of them, or with NULL the first so many.
 * channel: (mn_dataset_normalised). */
MN_API mn_status mn_dataset_channels(const mn_dataset *dataset, const int64_t *places,
                                     int64_t count, mn_channel_values *channel);
/* The shape of one of its images: (channels, height, width). */
MN_API mn_shape mn_dataset_image(const mn_dataset *dataset);

/* --- batches ---------------------------------------------------------------------------------- */
#define MN_MAX_COLUMNS 8
#define MN_COLUMN_NAME 32

/* A named float column of remembered rows: (count, width). */
typedef struct mn_batch_column {
    char name[MN_COLUMN_NAME];
    int64_t width;
    const float *values;
} mn_batch_column;

/* Rows of images with everything that is known about them.  Owned by its loader, buffer or
 * learner; valid until the end of the step. */
typedef struct mn_batch {
    int64_t count;          /* may be 0: a draw from an empty buffer */
    int64_t stream_rows;    /* the first so many are the stream's, the rest are from memory */
    mn_shape image;         /* (channels, height, width) */
    const float *x;         /* (count, image...): augmented and normalised */
    const uint8_t *pixels;  /* (count, image...): as they came, of the batch's `type` */
    const int32_t *labels;  /* (count): by arrival, or MN_UNLABELLED */
    const int32_t *tasks;   /* (count), or MN_NO_TASK */
    const int64_t *indices; /* (count): place in the data set's part, or MN_NO_INDEX */
    const int64_t *slots;   /* (count): of the buffer; MN_NO_SLOT for stream rows */
    int columns;
    mn_batch_column column[MN_MAX_COLUMNS];
    mn_row_type type; /* of `pixels`: MN_ROW_U8, MN_ROW_F32, or MN_ROW_X of mn_keep_rows() */
} mn_batch;
/* The values of a batch of floats as they came, (count, image...); NULL where they are bytes. */
MN_API const float *mn_batch_values(const mn_batch *batch);

/* MN_BAD_OPTION where it does not fit the images, or they are measurements and it has a random
 * part. */
MN_API mn_status mn_transform_check(const mn_transform *transform, const mn_dataset *dataset);

#ifdef __cplusplus
}
#endif
#endif
