/* training.c -- a few steps of training a network, with everything of interest written down. */
#include "tests/parity/driver.h"

#include <mneme/losses.h>
#include <mneme/optimiser.h>
#include <stdlib.h>
#include <string.h>

typedef struct training {
    mn_network *network;
    mn_optimiser *optimiser;
    mn_tape *tape;
    const float *images; /* (batches, B, inputs...) */
    mn_shape images_shape;
    int32_t *labels; /* (batches, B) */
    int64_t batches;
} training;

static const cJSON *member(const cJSON *described, const char *name)
{
    return cJSON_GetObjectItem(described, name);
}

static const char *text_of(const cJSON *described, const char *name)
{
    const cJSON *text = member(described, name);
    return cJSON_IsString(text) ? text->valuestring : "";
}

/* --- setting up ------------------------------------------------------------------------------- */

/* Each given weight to the parameter of its name; every parameter must be given. */
static mn_status set_weights(const exchange *e, mn_network *network, const cJSON *given)
{
    for (int i = 0; i < mn_network_parameter_count(network); i++) {
        const mn_parameter *parameter = mn_network_parameter(network, i);
        const cJSON *described = member(given, parameter->name);
        mn_shape shape;
        const float *floats;
        if (described == NULL)
            return mn_fail(MN_NOT_FOUND, "PyTorch's network has no '%s'", parameter->name);
        MN_TRY(exchange_floats(e, described, &shape, &floats));
        if (!mn_shape_equal(shape, mn_tensor_shape(parameter->value)))
            return mn_fail(MN_BAD_SHAPE, "'%s' has another shape in PyTorch", parameter->name);
        MN_TRY(mn_tensor_write(parameter->value, floats, mn_tensor_bytes(parameter->value)));
    }
    return MN_OK;
}

static mn_status read_labels(const cJSON *list, int32_t **labels)
{
    *labels = malloc((size_t)cJSON_GetArraySize(list) * sizeof **labels + 1);
    if (*labels == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for labels");
    int i = 0;
    const cJSON *label;
    cJSON_ArrayForEach(label, list)(*labels)[i++] = (int32_t)label->valuedouble;
    return MN_OK;
}

static mn_status set_up(exchange *e, const cJSON *described, training *t)
{
    mn_network_spec spec = {text_of(described, "network"), text_of(described, "options"), MN_SCALAR,
                            (int64_t)member(described, "classes")->valuedouble};
    MN_TRY(exchange_floats(e, member(described, "images"), &t->images_shape, &t->images));
    t->batches = t->images_shape.size[0];
    spec.input.rank = t->images_shape.rank - 2;
    for (int i = 0; i < spec.input.rank; i++)
        spec.input.size[i] = t->images_shape.size[i + 2];
    MN_TRY(mn_network_new(&spec, mn_key_of(0, "parity"), &t->network));
    MN_TRY(set_weights(e, t->network, member(described, "weights")));
    MN_TRY(mn_optimiser_new(text_of(described, "optimiser"),
                            text_of(described, "optimiser_options"), t->network, &t->optimiser));
    MN_TRY(read_labels(member(described, "labels"), &t->labels));
    return mn_tape_new(&t->tape);
}

static void tear_down(training *t)
{
    mn_tape_free(t->tape);
    mn_optimiser_free(t->optimiser);
    mn_network_free(t->network);
    free(t->labels);
}

/* --- training --------------------------------------------------------------------------------- */

static mn_var *batch_of(training *t, int64_t batch)
{
    mn_shape shape = {t->images_shape.rank - 1, {0}};
    for (int i = 0; i < shape.rank; i++)
        shape.size[i] = t->images_shape.size[i + 1];
    return mn_input(t->tape, shape, t->images + batch * mn_shape_count(shape), false);
}

static mn_status put_logits(exchange *e, training *t, mn_mode mode, const char *name, cJSON *result)
{
    mn_tape_reset(t->tape);
    mn_var *logits = mn_network_forward(t->network, batch_of(t, 0), mode).logits;
    MN_TRY(mn_tape_status(t->tape));
    return exchange_put(e, cJSON_AddArrayToObject(result, name), mn_shape_of(logits),
                        mn_host(logits));
}

static mn_status put_weights(exchange *e, training *t, const char *name, cJSON *result)
{
    cJSON *list = cJSON_AddArrayToObject(result, name);
    for (int i = 0; i < mn_network_parameter_count(t->network); i++)
        MN_TRY(exchange_put_tensor(e, list, mn_network_parameter(t->network, i)->value));
    return MN_OK;
}

static mn_status put_statistics(exchange *e, training *t, const char *name, cJSON *result)
{
    cJSON *list = cJSON_AddArrayToObject(result, name);
    for (int i = 0; i < mn_network_statistic_count(t->network); i++)
        MN_TRY(exchange_put_tensor(e, list, mn_network_statistic(t->network, i, NULL)));
    return MN_OK;
}

static mn_status put_gradients(exchange *e, training *t, cJSON *result)
{
    cJSON *list = cJSON_AddArrayToObject(result, "gradients");
    for (int i = 0; i < mn_network_parameter_count(t->network); i++)
        MN_TRY(exchange_put_tensor(e, list, mn_network_parameter(t->network, i)->gradient));
    return MN_OK;
}

/* The loss on a batch before the step that it leads to; the last batch leads to none. */
static mn_status step(exchange *e, training *t, int64_t batch, double rate, cJSON *losses,
                      cJSON *result)
{
    const int64_t rows = t->images_shape.size[1];
    mn_tape_reset(t->tape);
    MN_TRY(mn_network_zero_gradients(t->network));
    mn_var *logits = mn_network_forward(t->network, batch_of(t, batch), MN_TRAIN).logits;
    mn_var *loss = mn_cross_entropy(logits, t->labels + batch * rows);
    MN_TRY(mn_backward(loss));
    cJSON_AddItemToArray(losses, cJSON_CreateNumber(mn_item(loss)));
    if (batch == 0)
        MN_TRY(put_gradients(e, t, result));
    return batch < t->batches - 1 ? mn_optimiser_step(t->optimiser, rate) : MN_OK;
}

static mn_status train(exchange *e, const cJSON *described, training *t, cJSON *result)
{
    MN_TRY(set_up(e, described, t));
    const double rate = member(described, "rate")->valuedouble;
    cJSON *names = cJSON_AddArrayToObject(result, "parameters");
    for (int i = 0; i < mn_network_parameter_count(t->network); i++)
        cJSON_AddItemToArray(names, cJSON_CreateString(mn_network_parameter(t->network, i)->name));
    MN_TRY(put_logits(e, t, MN_TRAIN_FROZEN, "logits", result));
    cJSON *losses = cJSON_AddArrayToObject(result, "losses");
    for (int64_t batch = 0; batch < t->batches; batch++) {
        MN_TRY(step(e, t, batch, rate, losses, result));
        if (batch > 0)
            continue;
        MN_TRY(put_weights(e, t, "after_one", result));
        MN_TRY(put_statistics(e, t, "statistics_after_one", result));
    }
    MN_TRY(put_weights(e, t, "after_all", result));
    MN_TRY(put_statistics(e, t, "statistics", result));
    return put_logits(e, t, MN_EVAL, "eval_logits", result);
}

mn_status parity_training(exchange *e, const cJSON *described, cJSON *result)
{
    training t = {.network = NULL};
    const mn_status status = train(e, described, &t, result);
    tear_down(&t);
    return status;
}
