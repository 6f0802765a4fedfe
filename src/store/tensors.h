/* tensors.h -- tensors in a run file. */
#ifndef MN_STORE_TENSORS_H
#define MN_STORE_TENSORS_H

#include "store/handle.h"

#include <mneme/tensor.h>

/* Tensors by name, plain row-major.  get fills a tensor of the same dtype and shape. */
mn_status mn_runfile_put_tensor(mn_runfile *file, const char *name, const mn_tensor *tensor);
mn_status mn_runfile_get_tensor(mn_runfile *file, const char *name, mn_tensor *tensor);
/* Calls `each` for every tensor whose name begins with `prefix`, in order of name; a failure of it
 * ends the walk.  The tensor is `each`'s until it returns. */
typedef mn_status (*mn_tensor_reader)(void *context, const char *name, const mn_tensor *tensor);
mn_status mn_runfile_read_tensors(mn_runfile *file, const char *prefix, mn_tensor_reader each,
                                  void *context);

/* (rows, width) logits of a test set in its stored order, kept as IEEE half floats. */
mn_status mn_runfile_add_output(mn_runfile *file, int64_t after_task, int64_t on_task,
                                const float *logits, int64_t rows, int64_t width);

#endif
