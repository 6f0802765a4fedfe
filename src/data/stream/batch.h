/* batch.h -- the memory behind a batch: grown once, then reused every step. */
#ifndef MN_DATA_BATCH_H
#define MN_DATA_BATCH_H

#include <mneme/data.h>

typedef struct mn_batch_space {
    mn_batch batch;   /* its pointers aim at the arrays below */
    int64_t capacity; /* images that the arrays have room for */
    int64_t values;   /* of each */
    mn_row_type type;
    float *x;
    uint8_t *pixels;
    int32_t *labels, *tasks;
    int64_t *indices, *slots;
    float *column[MN_MAX_COLUMNS];
    int64_t column_capacity[MN_MAX_COLUMNS]; /* floats */
} mn_batch_space;

/* Makes room for `rows` images of `type`, one of batches, and sets batch.count; contents are
 * undefined, columns are dropped, slots and indices are -1, stream_rows is 0.  After a failure the
 * batch is empty. */
mn_status mn_batch_space_prepare(mn_batch_space *space, mn_shape image, mn_row_type type,
                                 int64_t rows);
/* Fills x from the rows as they came: see mn_transform_apply(). */
mn_status mn_batch_space_transform(mn_batch_space *space, const mn_transform *transform, mn_key key,
                                   const int64_t *ids);
/* Adds a column of batch.count x width floats to be filled through *values. */
mn_status mn_batch_space_column(mn_batch_space *space, const char *name, int64_t width,
                                float **values);
/* NULL where the batch has no column of that name. */
const mn_batch_column *mn_batch_find_column(const mn_batch *batch, const char *name);
/* The i-th row of a batch as a batch of its own, without columns; borrowed. */
mn_batch mn_batch_row(const mn_batch *batch, int64_t i);
/* Row `row` of a batch of the same image as it came, and what is known of it, to row `at`: all but
 * x and columns.  Bytes become floats in a space of those. */
void mn_batch_space_copy_row(mn_batch_space *space, int64_t at, const mn_batch *from, int64_t row);
/* The same of all rows, to rows `at` and on, with their x. */
void mn_batch_space_copy(mn_batch_space *space, int64_t at, const mn_batch *from);
void mn_batch_space_free(mn_batch_space *space); /* the arrays, not the struct */

#endif
