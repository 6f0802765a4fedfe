/* weights.c -- the logits of a network whose weights come from a safetensors file. */
#include "nn/weights.h"
#include "tensor/file/safetensors.h"
#include "tests/parity/driver.h"

#include <mneme/network.h>

static const char *text_of(const cJSON *described, const char *name)
{
    const cJSON *text = cJSON_GetObjectItem(described, name);
    return cJSON_IsString(text) ? text->valuestring : "";
}

enum { BATCH = 100 };

/* Images (B, inputs...) -> logits (B, classes), with running statistics. */
static mn_status forward_batch(exchange *e, mn_tape *tape, mn_network *network, mn_shape shape,
                               const float *images, cJSON *list)
{
    mn_tape_reset(tape);
    mn_var *x = mn_input(tape, shape, images, false);
    mn_var *logits = mn_network_forward(network, x, MN_EVAL | MN_NO_GRADIENT).logits;
    const float *host = mn_host(logits);
    return host == NULL ? mn_fail(mn_tape_status(tape), "%s", mn_tape_error(tape))
                        : exchange_put(e, list, mn_shape_of(logits), host);
}

/* Images (N, inputs...) -> a list of the logits of each batch. */
static mn_status forward(exchange *e, mn_network *network, mn_shape shape, const float *images,
                         cJSON *result)
{
    const int64_t rows = shape.size[0], row = mn_shape_count(shape) / rows;
    cJSON *list = cJSON_AddArrayToObject(result, "logits");
    mn_tape *tape;
    MN_TRY(mn_tape_new(&tape));
    mn_status status = MN_OK;
    for (int64_t first = 0; first < rows && status == MN_OK; first += BATCH) {
        shape.size[0] = rows - first < BATCH ? rows - first : BATCH;
        status = forward_batch(e, tape, network, shape, images + first * row, list);
    }
    mn_tape_free(tape);
    return status;
}

mn_status parity_weights(exchange *e, const cJSON *described, cJSON *result)
{
    mn_shape shape;
    const float *images;
    mn_network *network;
    char digest[MN_DIGEST_TEXT];
    const char *file = text_of(described, "file");
    const cJSON *classes = cJSON_GetObjectItem(described, "classes");
    MN_TRY(exchange_floats(e, cJSON_GetObjectItem(described, "images"), &shape, &images));
    mn_network_spec spec = {text_of(described, "network"), text_of(described, "options"), MN_SCALAR,
                            cJSON_IsNumber(classes) ? (int64_t)classes->valuedouble : 0};
    spec.input.rank = shape.rank - 1;
    for (int i = 0; i < spec.input.rank; i++)
        spec.input.size[i] = shape.size[i + 1];
    MN_TRY(mn_network_new(&spec, mn_key_of(0, "parity"), &network));
    mn_status status = mn_safetensors_file_digest(file, digest);
    if (status == MN_OK)
        status = mn_weights_load(network, file, digest, true);
    if (status == MN_OK)
        status = forward(e, network, shape, images, result);
    mn_network_free(network);
    return status;
}
