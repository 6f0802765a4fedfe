/* tensors.h -- tensors in a run file. */
#ifndef MN_STORE_TENSORS_H
#define MN_STORE_TENSORS_H

#include "store/handle.h"

#include <mneme/tensor.h>

/* Whose a tensor is, and what for. */
typedef enum mn_tensor_role {
    MN_ROLE_WEIGHT, /* a parameter or statistic of a network */
    MN_ROLE_MOMENT, /* of an optimiser */
    MN_ROLE_KEPT,   /* what a strategy keeps */
} mn_tensor_role;
typedef struct mn_tensor_origin {
    const char *owner, *part; /* a strategy, or "run"; its network or optimiser, or "" */
    mn_tensor_role role;
} mn_tensor_origin;

/* Tensors by name, plain row-major.  get fills a tensor of the same dtype and shape. */
mn_status mn_runfile_put_tensor(mn_runfile *file, const mn_tensor_origin *origin, const char *name,
                                const mn_tensor *tensor);
mn_status mn_runfile_get_tensor(mn_runfile *file, const char *name, mn_tensor *tensor);
/* Calls `each` for every tensor whose name begins with `prefix`, in order of name; a failure of it
 * ends the walk.  The tensor is `each`'s until it returns. */
typedef mn_status (*mn_tensor_reader)(void *context, const char *name, const mn_tensor *tensor);
mn_status mn_runfile_read_tensors(mn_runfile *file, const char *prefix, mn_tensor_reader each,
                                  void *context);

/* (rows) labels by arrival of a task's test set in its stored order. */
mn_status mn_runfile_add_test_labels(mn_runfile *file, int64_t on_task, const int32_t *labels,
                                     int64_t rows);
/* (rows, width) logits of a test set in its stored order, kept as IEEE half floats. */
mn_status mn_runfile_add_output(mn_runfile *file, int64_t after_task, int64_t on_task,
                                const float *logits, int64_t rows, int64_t width);
/* The same as it was added, with its labels, for the caller to give back; *rows 0 where the file
 * has none.  MN_CORRUPT where they are damaged or do not fit each other. */
mn_status mn_runfile_get_output(mn_runfile *file, int64_t after_task, int64_t on_task,
                                float **logits, int32_t **labels, int64_t *rows, int64_t *width);

#endif
