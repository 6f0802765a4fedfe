/* exchange.h -- tensors passed between the parity driver and PyTorch: JSON that describes them, and
 * one file of float32 that holds them. */
#ifndef MN_TESTS_PARITY_EXCHANGE_H
#define MN_TESTS_PARITY_EXCHANGE_H

#include <cjson/cJSON.h>
#include <mneme/tensor.h>
#include <stdio.h>

typedef struct exchange {
    cJSON *cases;  /* what PyTorch's side wrote: cases.json */
    float *floats; /* and cases.f32 */
    int64_t float_count;
    cJSON *results; /* what goes back: results.json */
    FILE *written;  /* and results.f32 */
    int64_t written_count;
} exchange;

mn_status exchange_open(exchange *e, const char *folder);
/* Writes results.json.  Frees everything. */
mn_status exchange_close(exchange *e, const char *folder);

/* {"at": 12, "shape": [3, 4]}: a shape, and the floats of one. */
mn_status exchange_shape(const cJSON *described, mn_shape *shape);
mn_status exchange_floats(const exchange *e, const cJSON *described, mn_shape *shape,
                          const float **floats);
/* A new tensor that holds them; the caller frees. */
mn_status exchange_tensor(const exchange *e, const cJSON *described, mn_tensor **tensor);

/* Appends elements (of shape `shape`) and their description to `list`. */
mn_status exchange_put(exchange *e, cJSON *list, mn_shape shape, const float *elements);
mn_status exchange_put_tensor(exchange *e, cJSON *list, const mn_tensor *tensor);

#endif
