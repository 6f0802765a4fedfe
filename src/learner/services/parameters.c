/* parameters.c -- services that give a strategy tensors to train, without a network around them.
 *
 * They are networks of one parameter and no forward: optimisers, commits, copies and initial draws
 * need no second way. */
#include "learner/learner.h"
#include "store/records.h"

typedef struct parameters_options {
    int64_t initial; /* mn_initial */
    double scale;
} parameters_options;

/* In the order of mn_initial. */
static const char *const initials[] = {
    "zero", "one", "xavier_uniform", "kaiming_normal", "pytorch_uniform", "normal", NULL};

static const mn_option options[] = {
    MN_CHOICE(parameters_options, initial, MN_INITIAL_ZERO, initials, "first values"),
    MN_REAL(parameters_options, scale, 1, -1e9, 1e9, "which are multiplied by this"),
    MN_END,
};

static mn_status build(mn_network *network, const void *values)
{
    const parameters_options *o = values;
    MN_TRY(mn_network_parameter_add(network, "value", MN_WEIGHT, false,
                                    mn_network_spec_of(network)->input, (mn_initial)o->initial));
    mn_network_initial_scale(network, o->scale);
    return MN_OK;
}

static mn_forwarded forward(mn_network *network, const void *values, mn_var *x, mn_mode mode)
{
    (void)network, (void)values, (void)mode;
    mn_var *none = mn_tape_refuse(
        mn_tape_of(x), "parameters",
        mn_fail(MN_UNSUPPORTED, "parameters have no forward; bring them with mn_parameters()"));
    return (mn_forwarded){.logits = none, .features = none};
}

static const mn_network_type type = {
    MN_NETWORK_HEADER,
    .name = MN_PARAMETERS,
    .summary = "a tensor of a strategy's own",
    .options = options,
    .options_size = sizeof(parameters_options),
    .build = build,
    .forward = forward,
};

mn_status mn_add_parameters(mn_learner *learner, const char *name, mn_shape shape,
                            mn_initial initial, double scale, mn_network **parameters)
{
    const parameters_options values = {(int64_t)initial, scale};
    const mn_network_spec spec = {.input = shape, .classes = 1};
    char text[64];
    if (shape.rank < 1 || shape.rank >= MN_MAX_RANK)
        return mn_fail(MN_BAD_SHAPE, "parameters '%s' are %s; expected 1 to %d axes", name,
                       mn_shape_text(shape, text), MN_MAX_RANK - 1);
    return mn_add_network_of(learner, name, &type, &values, &spec, parameters);
}

mn_var *mn_parameters(mn_network *parameters, mn_tape *tape)
{
    const mn_parameter *only = parameters != NULL ? mn_network_parameter(parameters, 0) : NULL;
    if (only == NULL)
        return mn_tape_refuse(
            tape, "parameters",
            mn_fail(MN_BAD_VALUE, "the parameters are NULL; were they added in open?"));
    return mn_leaf(tape, only->value, only->gradient);
}
