/* optimiser.c -- SGD, Adam and RAdam by PyTorch's rules, on a network's whole slab, and LARS,
 * tensor by tensor.
 *
 * A moment is a slab parallel to the network's values, so a step is one pass over memory, and what
 * a run file keeps of an optimiser is a few tensors and a count.  An optimiser that needs no moment
 * has none: plain SGD keeps nothing but its count of steps. */
#include "nn/optimiser.h"
#include "base/names.h"
#include "base/options.h"
#include "nn/groups.h"
#include "tensor/kernels.h"
#include "tensor/tensor.h"

#include <math.h>
#include <mneme/memory.h>
#include <string.h>

enum { MOST_MOMENTS = 2 };

/* All begin with the groups. */
typedef struct sgd_options {
    const char *groups;
    double momentum, weight_decay;
    bool nesterov;
} sgd_options;

typedef struct adam_options {
    const char *groups;
    double beta1, beta2, epsilon, weight_decay;
    bool decoupled;
} adam_options;

typedef struct lars_options {
    const char *groups;
    double momentum, weight_decay, trust, epsilon, head_rate;
} lars_options;

#define GROUPS(type)                                                                               \
    MN_TEXT(                                                                                       \
        type, groups, "",                                                                          \
        "parameters with a rate or decay of their own, by name: *.bias,decay=0;conv1.*,frozen; "   \
        "factors of the optimiser's: rate=0.1, decay=0, or frozen")

/* Floats of the slabs that a step is taken on. */
typedef struct part {
    int64_t first, count;
    const mn_parameter *parameter; /* NULL: all of them, and the gaps between */
    double decay;                  /* factor of the weight decay */
} part;

typedef struct update_rule {
    const char *name;
    const mn_option *options;
    mn_status (*check)(const mn_optimiser *optimiser);
    int (*moments)(const mn_optimiser *optimiser);
    void (*step)(mn_optimiser *optimiser, double learning_rate, part of);
    const char *moment_names[MOST_MOMENTS];
    bool by_parameter; /* a step on each parameter, not on the whole slab */
} update_rule;

struct mn_optimiser {
    const update_rule *rule;
    union {
        const char *groups;
        sgd_options sgd;
        adam_options adam;
        lars_options lars;
    } options;
    mn_network *network; /* borrowed */
    bool head_only;
    mn_groups groups;
    const mn_optimiser *leader; /* whose groups count; NULL: its own */
    mn_tensor *moments[MOST_MOMENTS];
    int moment_count;
    int64_t steps;
};

/* NULL for a moment that this optimiser does without. */
static float *moment_floats(const mn_optimiser *optimiser, int i, int64_t first)
{
    return i < optimiser->moment_count ? mn_tensor_floats(optimiser->moments[i]) + first : NULL;
}

/* --- sgd: g += decay w; m = momentum m + g; w -= rate (nesterov ? g + momentum m : m) --- */

static const mn_option sgd_table[] = {
    MN_REAL(sgd_options, momentum, 0, 0, 1, "share of the last step's direction that is kept"),
    MN_REAL(sgd_options, weight_decay, 0, 0, 1e6, "L2 penalty added to the gradient"),
    MN_BOOL(sgd_options, nesterov, false, "look ahead along the momentum"),
    GROUPS(sgd_options),
    MN_END,
};

static mn_status sgd_check(const mn_optimiser *optimiser)
{
    const sgd_options *o = &optimiser->options.sgd;
    if (o->nesterov && o->momentum == 0)
        return mn_fail(MN_BAD_OPTION, "optimiser.nesterov: needs a momentum above 0; set "
                                      "optimiser.momentum, usually to 0.9");
    return MN_OK;
}

static int sgd_moments(const mn_optimiser *optimiser)
{
    return optimiser->options.sgd.momentum > 0 ? 1 : 0;
}

static void sgd_step(mn_optimiser *optimiser, double learning_rate, part of)
{
    const sgd_options *o = &optimiser->options.sgd;
    const mn_sgd_step step = {
        .rate = (float)learning_rate,
        .momentum = (float)o->momentum,
        .weight_decay = (float)(o->weight_decay * of.decay),
        .nesterov = o->nesterov,
        .first = optimiser->steps == 0,
    };
    mn_tensor *values = mn_network_values(optimiser->network);
    const mn_tensor *gradients = mn_network_gradients(optimiser->network);
    mn_kernel_sgd_step(of.count, &step, mn_tensor_floats(gradients) + of.first,
                       moment_floats(optimiser, 0, of.first), mn_tensor_floats(values) + of.first);
}

/* --- adam (Kingma and Ba 2015) --- */

static const mn_option adam_table[] = {
    MN_REAL(adam_options, beta1, 0.9, 0, 0.999999999, "decay of the mean of gradients"),
    MN_REAL(adam_options, beta2, 0.999, 0, 0.999999999, "decay of the mean of squared gradients"),
    MN_REAL(adam_options, epsilon, 1e-8, 1e-30, 1, "added to the root of the mean square"),
    MN_REAL(adam_options, weight_decay, 0, 0, 1e6, "L2 penalty added to the gradient"),
    MN_BOOL(adam_options, decoupled, false,
            "the penalty leaves the gradient alone and shrinks weights by lr times it (AdamW)"),
    GROUPS(adam_options),
    MN_END,
};

static mn_status check_nothing(const mn_optimiser *optimiser)
{
    (void)optimiser;
    return MN_OK;
}

static int adam_moments(const mn_optimiser *optimiser)
{
    (void)optimiser;
    return 2;
}

static void any_adam_step(mn_optimiser *optimiser, double learning_rate, part of, bool rectified)
{
    const adam_options *o = &optimiser->options.adam;
    const mn_adam_step step = {
        .rate = (float)learning_rate,
        .beta1 = (float)o->beta1,
        .beta2 = (float)o->beta2,
        .epsilon = (float)o->epsilon,
        .weight_decay = (float)(o->weight_decay * of.decay),
        .number = optimiser->steps + 1,
        .rectified = rectified,
        .decoupled = o->decoupled,
    };
    mn_tensor *values = mn_network_values(optimiser->network);
    const mn_tensor *gradients = mn_network_gradients(optimiser->network);
    mn_kernel_adam_step(of.count, &step, mn_tensor_floats(gradients) + of.first,
                        moment_floats(optimiser, 0, of.first),
                        moment_floats(optimiser, 1, of.first), mn_tensor_floats(values) + of.first);
}

static void adam_step(mn_optimiser *optimiser, double learning_rate, part of)
{
    any_adam_step(optimiser, learning_rate, of, false);
}

/* --- radam (Liu et al. 2020): Adam whose step waits until the mean square is known --- */

static void radam_step(mn_optimiser *optimiser, double learning_rate, part of)
{
    any_adam_step(optimiser, learning_rate, of, true);
}

/* --- lars (You et al. 2017) on momentum: a = trust |w| / (|g| + decay |w| + epsilon),
 * v = momentum v - rate a (g + decay w), w += v.  Where a norm is 0, a = 1 and nothing decays.
 * Outside of the classifier, biases and the scales and shifts of norms take a = 1 and no decay; the
 * classifier, bias included, has a rate of its own and no decay. --- */

static const mn_option lars_table[] = {
    MN_REAL(lars_options, momentum, 0.9, 0, 1, "share of the last step that is taken again"),
    MN_REAL(lars_options, weight_decay, 0, 0, 1e6,
            "L2 penalty on weights; none on biases, norms and the classifier"),
    MN_REAL(lars_options, trust, 0.001, 1e-12, 1e6,
            "length of a step, as a share of the weight's, at a rate of 1"),
    MN_REAL(lars_options, epsilon, 1e-8, 0, 1, "added to the length of the gradient"),
    MN_REAL(lars_options, head_rate, 1, 0, 1e6,
            "learning rate of the classifier, as a multiple of the others'"),
    GROUPS(lars_options),
    MN_END,
};

static int lars_moments(const mn_optimiser *optimiser)
{
    (void)optimiser;
    return 1;
}

static double length_of(int64_t n, const float *x)
{
    return sqrt(mn_kernel_dot(n, x, x));
}

static void lars_step(mn_optimiser *optimiser, double learning_rate, part of)
{
    const lars_options *o = &optimiser->options.lars;
    const bool head = of.parameter->head, scaled = head || of.parameter->kind == MN_WEIGHT;
    double decay = scaled && !head ? o->weight_decay * of.decay : 0;
    float *w = mn_tensor_floats(mn_network_values(optimiser->network)) + of.first;
    const float *g = mn_tensor_floats(mn_network_gradients(optimiser->network)) + of.first;
    double rate = head ? learning_rate * o->head_rate : learning_rate;
    if (scaled) {
        const double weight = length_of(of.count, w), slope = length_of(of.count, g);
        if (weight > 0 && slope > 0)
            rate *= o->trust * weight / (slope + decay * weight + o->epsilon);
        else
            decay = 0; /* a weight that nothing reaches stays, as in the code of NNCSL's authors */
    }
    mn_kernel_velocity_step(of.count, (float)o->momentum, (float)rate, (float)decay, g,
                            moment_floats(optimiser, 0, of.first), w);
}

/* --- by name --- */

static const update_rule rules[] = {
    {"adam",
     adam_table,
     check_nothing,
     adam_moments,
     adam_step,
     {"first_moment", "second_moment"},
     false},
    {"radam",
     adam_table,
     check_nothing,
     adam_moments,
     radam_step,
     {"first_moment", "second_moment"},
     false},
    {"lars", lars_table, check_nothing, lars_moments, lars_step, {"velocity", NULL}, true},
    {"sgd", sgd_table, sgd_check, sgd_moments, sgd_step, {"momentum", NULL}, false},
};
enum { RULES = sizeof rules / sizeof rules[0] };

const char *mn_optimiser_kind(int i)
{
    return i >= 0 && i < RULES ? rules[i].name : NULL;
}

static const update_rule *find_rule(const char *kind)
{
    const char *names[RULES + 1] = {NULL};
    for (int i = 0; i < RULES; i++) {
        if (strcmp(rules[i].name, kind) == 0)
            return &rules[i];
        names[i] = rules[i].name;
    }
    const char *nearest = mn_nearest(kind, names);
    if (nearest != NULL)
        (void)mn_fail(MN_BAD_OPTION, "no optimiser is called '%s'; did you mean '%s'?", kind,
                      nearest);
    else
        (void)mn_fail(MN_BAD_OPTION,
                      "no optimiser is called '%s'; expected adam, radam, lars or sgd", kind);
    return NULL;
}

const mn_option *mn_optimiser_options(const char *kind)
{
    const update_rule *found = find_rule(kind);
    return found != NULL ? found->options : NULL;
}

/* --- one optimiser --- */

static mn_status set_up(mn_optimiser *optimiser, const char *options)
{
    const update_rule *rule = optimiser->rule;
    mn_options_default(rule->options, &optimiser->options);
    MN_TRY(mn_options_from_text(rule->options, &optimiser->options, "optimiser", options));
    MN_TRY(rule->check(optimiser));
    MN_TRY(mn_groups_read(&optimiser->groups, optimiser->options.groups));
    const int moments = rule->moments(optimiser);
    const mn_shape shape = mn_tensor_shape(mn_network_values(optimiser->network));
    for (; optimiser->moment_count < moments; optimiser->moment_count++)
        MN_TRY(mn_tensor_new(MN_F32, shape, &optimiser->moments[optimiser->moment_count]));
    return MN_OK;
}

mn_status mn_optimiser_new(const char *kind, const char *options, mn_network *network,
                           mn_optimiser **optimiser)
{
    *optimiser = NULL;
    const update_rule *rule = find_rule(kind);
    if (rule == NULL)
        return MN_BAD_OPTION;
    mn_optimiser *made = mn_memory_take_zeroed(1, sizeof *made);
    if (made == NULL)
        return mn_fail(MN_NO_MEMORY, "out of memory for an optimiser");
    made->rule = rule;
    made->network = network;
    const mn_status status = set_up(made, options);
    if (status != MN_OK) {
        mn_optimiser_free(made);
        return status;
    }
    *optimiser = made;
    return MN_OK;
}

void mn_optimiser_free(mn_optimiser *optimiser)
{
    if (optimiser == NULL)
        return;
    for (int i = 0; i < optimiser->moment_count; i++)
        mn_tensor_free(optimiser->moments[i]);
    mn_groups_free(&optimiser->groups);
    mn_memory_give(optimiser);
}

void mn_optimiser_head_only(mn_optimiser *optimiser)
{
    optimiser->head_only = true;
}

/* --- groups --- */

static const mn_groups *groups_of(const mn_optimiser *optimiser)
{
    return optimiser->leader != NULL ? &optimiser->leader->groups : &optimiser->groups;
}

mn_status mn_optimiser_group(mn_optimiser *optimiser, const char *pattern, const double *rate,
                             const double *decay)
{
    return mn_groups_add(&optimiser->groups,
                         &(mn_group){.pattern = pattern, .rate = rate, .decay = decay});
}

void mn_optimiser_follow(mn_optimiser *optimiser, const mn_optimiser *leader)
{
    optimiser->leader = leader;
}

const char *mn_optimiser_pattern(const mn_optimiser *optimiser, int i)
{
    return i < optimiser->groups.count ? optimiser->groups.group[i].pattern : NULL;
}

mn_status mn_optimiser_forget_frozen(mn_optimiser *optimiser)
{
    for (int i = 0; i < mn_network_parameter_count(optimiser->network); i++) {
        const mn_parameter *parameter = mn_network_parameter(optimiser->network, i);
        double rate, decay;
        mn_groups_factors(groups_of(optimiser), parameter->name, &rate, &decay);
        if (rate == 0)
            MN_TRY(mn_tensor_fill(parameter->gradient, 0));
    }
    return MN_OK;
}

/* --- a step --- */

static void step_by_parameter(mn_optimiser *optimiser, double learning_rate)
{
    const float *slab = mn_tensor_floats(mn_network_values(optimiser->network));
    for (int i = 0; i < mn_network_parameter_count(optimiser->network); i++) {
        const mn_parameter *parameter = mn_network_parameter(optimiser->network, i);
        double rate, decay;
        mn_groups_factors(groups_of(optimiser), parameter->name, &rate, &decay);
        if (rate == 0 || (optimiser->head_only && !parameter->head))
            continue; /* neither the parameter nor its moments move */
        optimiser->rule->step(optimiser, learning_rate * rate,
                              (part){mn_tensor_floats(parameter->value) - slab,
                                     mn_tensor_count(parameter->value), parameter, decay});
    }
}

mn_status mn_optimiser_step(mn_optimiser *optimiser, double learning_rate)
{
    if (!isfinite(learning_rate) || learning_rate < 0)
        return mn_fail(MN_BAD_VALUE, "a learning rate of %g; expected a number of at least 0",
                       learning_rate);
    const int64_t all = mn_tensor_count(mn_network_values(optimiser->network));
    if (optimiser->head_only || optimiser->rule->by_parameter || groups_of(optimiser)->count > 0)
        step_by_parameter(optimiser, learning_rate);
    else
        optimiser->rule->step(optimiser, learning_rate, (part){0, all, NULL, 1});
    mn_tensor_changed();
    optimiser->steps++;
    return MN_OK;
}

mn_status mn_optimiser_reset(mn_optimiser *optimiser)
{
    for (int i = 0; i < optimiser->moment_count; i++)
        MN_TRY(mn_tensor_fill(optimiser->moments[i], 0));
    optimiser->steps = 0;
    return MN_OK;
}

int mn_optimiser_moment_count(const mn_optimiser *optimiser)
{
    return optimiser->moment_count;
}

mn_tensor *mn_optimiser_moment(const mn_optimiser *optimiser, int i, const char **name)
{
    if (i < 0 || i >= optimiser->moment_count)
        return NULL;
    if (name != NULL)
        *name = optimiser->rule->moment_names[i];
    return optimiser->moments[i];
}

int64_t *mn_optimiser_steps(mn_optimiser *optimiser)
{
    return &optimiser->steps;
}
