/* si.c -- synaptic intelligence: a weight matters as much as the loss fell along its way.
 *
 *     path=travel:  omega += g (theta_before - theta_after)   each step, g = dL/dtheta, no
 * penalties path=squares: omega += lr g'^2 g' = clip(g + 2 c Omega (theta - theta*))        what
 * the optimiser gets
 *
 * and at the end of each task
 *
 *     Omega += omega / ((theta - theta*)^2 + xi),   theta* = theta,   omega = 0
 *
 * The penalty c Omega (theta - theta*)^2 is summed over weights, Omega is not cut off at 0, and
 * every element of g' is cut off at +-1.  Zenke et al. integrate along the way that was travelled,
 * as the DER authors' code does since 2024; before that, when its settings were tuned and
 * published, it took the squares, which the recipes therefore say.  Named before other penalties
 * ("si+ewc"), it sees the gradient without theirs.
 */
#include <mneme/strategy.h>

typedef struct si_options {
    double c, xi, clip;
    int64_t path;
} si_options;

enum { TRAVEL, SQUARES };
static const char *const paths[] = {"travel", "squares", NULL};

static const mn_option options[] = {
    MN_REAL(si_options, c, 0.5, 0, 1e12, "strength of the pull"),
    MN_REAL(si_options, xi, 1, 1e-12, 1e12, "keeps the importance of unmoved weights finite"),
    MN_REAL(si_options, clip, 1, 0, 1e12,
            "cuts every element of the gradient off at +-clip; 0: no"),
    MN_CHOICE(si_options, path, TRAVEL, paths,
              "what a weight's part in the fall of the loss is: gradient times way, or, as in the "
              "DER authors' code before 2024, the rate times the square of what the optimiser got"),
    MN_END,
};

static const char *const differs[] = {
    "van de Ven and Tolias's path integral takes the gradient with the penalty times the way; here "
    "it is the gradient without, as in the paper.",
    NULL,
};

typedef struct si_state {
    mn_tensor *importance, *path, *anchor; /* Omega, omega, theta*: like the network's slab */
    mn_tensor *gradient, *before;          /* of the update under way */
    bool under_way;
} si_state;

static mn_status open(mn_learner *learner)
{
    si_state *s = mn_state(learner);
    const mn_tensor *values = mn_network_values(mn_learner_network(learner));
    const mn_shape slab = mn_tensor_shape(values);
    MN_TRY(mn_keep_tensor(learner, "importance", slab, &s->importance));
    MN_TRY(mn_keep_tensor(learner, "path", slab, &s->path));
    MN_TRY(mn_keep_tensor(learner, "anchor", slab, &s->anchor));
    MN_TRY(mn_add_scratch(learner, slab, &s->gradient));
    MN_TRY(mn_add_scratch(learner, slab, &s->before));
    return mn_tensor_copy(s->anchor, values);
}

/* omega += g (theta_before - theta), for the update whose step the optimiser has taken. */
static mn_status finish_update(si_state *s, const mn_tensor *values)
{
    if (!s->under_way)
        return MN_OK;
    s->under_way = false;
    return mn_tensor_pull(s->path, 1, s->gradient, s->before, values);
}

/* omega += lr g^2 */
static mn_status add_squares(mn_learner *learner, const mn_tensor *g)
{
    const si_state *s = mn_state(learner);
    MN_TRY(mn_tensor_copy(s->gradient, g));
    MN_TRY(mn_tensor_mul(s->gradient, g));
    return mn_tensor_axpby(s->path, (float)mn_learning_rate(learner), s->gradient, 1);
}

static mn_status gradients(mn_learner *learner)
{
    const si_options *o = mn_options(learner);
    si_state *s = mn_state(learner);
    mn_network *network = mn_learner_network(learner);
    mn_tensor *g = mn_network_gradients(network);
    const mn_tensor *values = mn_network_values(network);
    MN_TRY(finish_update(s, values)); /* a step may have several */
    MN_TRY(mn_tensor_copy(s->gradient, g));
    MN_TRY(mn_tensor_copy(s->before, values));
    s->under_way = o->path == TRAVEL;
    MN_TRY(mn_tensor_pull(g, (float)(2 * o->c), s->importance, values, s->anchor));
    if (o->clip > 0)
        MN_TRY(mn_tensor_clamp(g, (float)-o->clip, (float)o->clip));
    return o->path == SQUARES ? add_squares(learner, g) : MN_OK;
}

static mn_status after_step(mn_learner *learner, const mn_batch *batch, const mn_out *out)
{
    (void)batch;
    (void)out;
    return finish_update(mn_state(learner), mn_network_values(mn_learner_network(learner)));
}

static mn_status after_task(mn_learner *learner)
{
    const si_options *o = mn_options(learner);
    const si_state *s = mn_state(learner);
    const mn_tensor *values = mn_network_values(mn_learner_network(learner));
    mn_tensor *denominator = s->before, *xi = s->gradient;
    MN_TRY(mn_tensor_copy(denominator, values));
    MN_TRY(mn_tensor_axpby(denominator, -1, s->anchor, 1));
    MN_TRY(mn_tensor_mul(denominator, denominator));
    MN_TRY(mn_tensor_fill(xi, (float)o->xi));
    MN_TRY(mn_tensor_axpby(denominator, 1, xi, 1));
    MN_TRY(mn_tensor_div(s->path, denominator));
    MN_TRY(mn_tensor_axpby(s->importance, 1, s->path, 1));
    MN_TRY(mn_tensor_fill(s->path, 0));
    return mn_tensor_copy(s->anchor, values);
}

MN_STRATEGY(si) = {
    MN_STRATEGY_HEADER,
    .name = "si",
    .summary = "Synaptic intelligence: a pull towards old weights by their part in the loss's fall "
               "(add-on).",
    .cite = "Zenke et al., Continual Learning Through Synaptic Intelligence, ICML 2017",
    .options = options,
    .options_size = sizeof(si_options),
    .state_size = sizeof(si_state),
    .needs = MN_NEEDS_TASK_BOUNDARIES,
    .open = open,
    .gradients = gradients,
    .after_step = after_step,
    .after_task = after_task,
    .differs = differs,
};
