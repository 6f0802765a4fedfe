/* driver.h -- the kinds of case that the driver carries out. */
#ifndef MN_TESTS_PARITY_DRIVER_H
#define MN_TESTS_PARITY_DRIVER_H

#include "tests/parity/exchange.h"
#include <mneme/network.h>

/* One op on given inputs: result {"output": [t], "gradients": [t, ...], "statistics": [t, ...]}.
 * The loss is sum(upstream * output), so every element of the output has its own gradient. */
mn_status parity_op(exchange *e, const cJSON *described, cJSON *result);

/* Steps of training from given weights on given batches: {"parameters": their names in order,
 * "after_one": [t, ...] and "after_all": [t, ...] their values, "logits": [t] of the first step,
 * "losses": [steps + 1], "statistics": [t, ...], "eval_logits": [t]}. */
mn_status parity_training(exchange *e, const cJSON *described, cJSON *result);

/* A network with the weights of a safetensors file on given images: {"logits": [t]}. */
mn_status parity_weights(exchange *e, const cJSON *described, cJSON *result);

/* One change of a view, or a resized crop, of a given image: {"view": [t]}. */
mn_status parity_view(exchange *e, const cJSON *described, cJSON *result);

/* An image of bytes made another size, as readers of data sets do it: {"image": [t]}. */
mn_status parity_resize(exchange *e, const cJSON *described, cJSON *result);

#endif
