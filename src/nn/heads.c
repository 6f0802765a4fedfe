/* heads.c -- the classifier behind the features: a linear layer, cosines, or a layer for each task.
 *
 * A head is known by its parameters, so that a network need not say twice what it has: weights
 * whose rows are the classes, together, each with its bias or none; a factor beside them makes
 * cosines. */
#include "autograd/memory.h"
#include "base/numbers.h"

#include <mneme/layers.h>
#include <mneme/ops.h>
#include <stdio.h>

enum { MOST_TASKS = 4096 };

const char *const mn_head_kinds[] = {"linear", "cosine", "multi", NULL};

/* --- in build() ------------------------------------------------------------------------------- */

static mn_status add_cosines(mn_network *network, mn_shape weight, const mn_layer_start *start)
{
    MN_TRY(mn_network_parameter_add(network, "classifier.weight", MN_WEIGHT, true, weight,
                                    start->weight));
    if (start->scale != 0)
        mn_network_initial_scale(network, start->scale);
    return mn_network_parameter_add(network, "classifier.sigma", MN_NORM_SCALE, true, MN_SHAPE(1),
                                    MN_INITIAL_ONE);
}

static mn_status add_layer_a_task(mn_network *network, const char *classes, int64_t inputs,
                                  const mn_layer_start *start)
{
    const int64_t all = mn_network_spec_of(network)->classes;
    int64_t rows[MOST_TASKS], tasks, sum = 0;
    if (classes[0] == '\0')
        return mn_fail(MN_BAD_OPTION, "network.head_classes: head=multi needs the classes of each "
                                      "layer, such as 2,2,3");
    MN_TRY(mn_list_wholes("network.head_classes", classes, 1, all, MOST_TASKS, rows, &tasks));
    for (int64_t task = 0; task < tasks; task++)
        sum += rows[task];
    if (sum != all)
        return mn_fail(MN_BAD_OPTION,
                       "network.head_classes: layers of %lld classes together, expected %lld",
                       (long long)sum, (long long)all);
    for (int64_t task = 0; task < tasks; task++) {
        char prefix[48];
        snprintf(prefix, sizeof prefix, "classifier.%lld", (long long)task);
        MN_TRY(mn_layer_add(network, prefix, MN_SHAPE(rows[task], inputs), start));
    }
    return MN_OK;
}

mn_status mn_layer_add_head(mn_network *network, const mn_head *head, int64_t inputs,
                            const mn_layer_start *start)
{
    const mn_shape weight = MN_SHAPE(mn_network_spec_of(network)->classes, inputs);
    mn_layer_start of_head = {.weight = MN_INITIAL_PYTORCH_UNIFORM,
                              .bias = MN_INITIAL_PYTORCH_UNIFORM};
    if (start != NULL)
        of_head = *start;
    of_head.head = true;
    if (head != NULL && head->kind == MN_HEAD_COSINE)
        return add_cosines(network, weight, &of_head);
    if (head != NULL && head->kind == MN_HEAD_MULTI)
        return add_layer_a_task(network, head->classes, inputs, &of_head);
    return mn_layer_add(network, "classifier", weight, &of_head);
}

mn_status mn_layer_add_classifier(mn_network *network, int64_t inputs)
{
    return mn_layer_add_head(network, NULL, inputs, NULL);
}

/* --- afterwards ------------------------------------------------------------------------------- */

int mn_network_head(const mn_network *network, mn_parameter_kind kind)
{
    const int64_t rows = kind == MN_NORM_SCALE ? 1 : mn_network_spec_of(network)->classes;
    for (int i = mn_network_parameter_count(network) - 1; i >= 0; i--) {
        const mn_parameter *parameter = mn_network_parameter(network, i);
        if (parameter->head && parameter->kind == kind &&
            mn_tensor_shape(parameter->value).size[0] == rows)
            return i;
    }
    return -1;
}

int64_t mn_network_features(const mn_network *network)
{
    for (int i = mn_network_parameter_count(network) - 1; i >= 0; i--) {
        const mn_parameter *parameter = mn_network_parameter(network, i);
        const mn_shape shape = mn_tensor_shape(parameter->value);
        if (parameter->head && parameter->kind == MN_WEIGHT)
            return shape.rank == 2 ? shape.size[1] : 0;
    }
    return 0;
}

/* The layers of a head whose outputs lie side by side; 0: the classifier is something else. */
static int count_layers(const mn_network *network, int sigma)
{
    const int64_t features = mn_network_features(network);
    const mn_parameter *before = NULL;
    int64_t rows = 0;
    int layers = 0;
    for (int i = 0; i < mn_network_parameter_count(network); i++) {
        const mn_parameter *parameter = mn_network_parameter(network, i);
        const mn_shape shape = mn_tensor_shape(parameter->value);
        const bool follows = before != NULL && before->head && before->kind == MN_WEIGHT;
        before = parameter;
        if (!parameter->head || i == sigma || (parameter->kind == MN_BIAS && follows))
            continue;
        if (parameter->kind != MN_WEIGHT || shape.rank != 2 || shape.size[1] != features)
            return 0;
        rows += shape.size[0];
        layers++;
    }
    return rows == mn_network_spec_of(network)->classes ? layers : 0;
}

/* The first layer from the parameter at `i` on, which moves behind it. */
static mn_var *next_layer(mn_network *network, int *i, mn_var *features, mn_mode mode)
{
    while (!mn_network_parameter(network, *i)->head)
        ++*i;
    mn_var *weight = mn_network_leaf(network, (*i)++, features, mode);
    const mn_parameter *next = mn_network_parameter(network, *i);
    if (next != NULL && next->head && next->kind == MN_BIAS)
        return mn_linear(features, weight, mn_network_leaf(network, (*i)++, features, mode));
    return mn_linear(features, weight, NULL);
}

static mn_var *cosines(mn_network *network, int sigma, mn_var *features, mn_mode mode)
{
    const int weight = mn_network_head(network, MN_WEIGHT);
    mn_var *rows = mn_network_leaf(network, weight, features, mode);
    return mn_broadcast_mul(mn_cosines(features, rows),
                            mn_network_leaf(network, sigma, features, mode));
}

mn_var *mn_network_classify(mn_network *network, mn_var *features, mn_mode mode)
{
    const int sigma = mn_network_head(network, MN_NORM_SCALE),
              layers = count_layers(network, sigma);
    mn_tape *tape = mn_tape_of(features);
    if (layers == 0)
        return mn_tape_refuse(tape, "classify",
                              mn_fail(MN_UNSUPPORTED,
                                      "network '%s' has no classifier of one linear layer",
                                      mn_network_spec_of(network)->type));
    if (sigma >= 0)
        return cosines(network, sigma, features, mode);
    int i = 0;
    if (layers == 1)
        return next_layer(network, &i, features, mode);
    mn_var **logits = mn_tape_take(tape, (size_t)layers * sizeof *logits);
    if (logits == NULL)
        return mn_tape_refuse(tape, "classify", mn_fail(MN_NO_MEMORY, "out of memory for a head"));
    for (int layer = 0; layer < layers; layer++)
        logits[layer] = next_layer(network, &i, features, mode);
    return mn_concat_columns(logits, layers);
}
