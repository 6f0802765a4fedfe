/* gem.c -- gradient episodic memory: no step may raise the loss on any past task's exemplars.
 *
 *     g = dCE(f(x), y),  r_k = dCE on all exemplars of task k
 *     where some <g, r_k> < 0:  g += sum_k v_k r_k,  with v the least of
 *     1/2 v^T (R R^T + e I) v + (R g)^T v   over   v_k >= gamma
 *
 * which is the dual of the nearest gradient that agrees with every r_k; gamma > 0 goes beyond
 * agreeing.  e = 1e-3 keeps the programme strictly convex where tasks pull the same way.  Every
 * task leaves its share of the buffer, buffer_size / tasks exemplars, at its end.
 *
 * The programme has as many unknowns as there are past tasks, and is solved exactly by keeping the
 * set of bounds that hold with equality (Lawson and Hanson 1974, for v - gamma >= 0).
 */
#include <mneme/strategy.h>

enum { MOST_TASKS = 64 };
static const double ridge = 1e-3;

typedef struct gem_options {
    double gamma;
} gem_options;

static const mn_option options[] = {
    MN_REAL(gem_options, gamma, 0.5, 0, 1000, "least weight of every past task in a projection"),
    MN_END,
};

typedef struct gem_state {
    mn_tensor *past[MOST_TASKS]; /* r_k, like the network's slab */
} gem_state;

static const char *const differs[] = {
    "The authors make the gradients of past tasks before that of the stream; here they "
    "come after it. The running statistics of batch norms therefore end on the oldest "
    "task's exemplars. Without batch norm the two agree.",
    "The authors and the DER authors' code leave the quadratic programme to a library's "
    "iterations; here it is solved exactly.",
    NULL,
};

static mn_status open(mn_learner *learner)
{
    gem_state *s = mn_state(learner);
    const int64_t tasks = mn_tasks(learner);
    const mn_shape slab = mn_tensor_shape(mn_network_values(mn_learner_network(learner)));
    if (tasks > MOST_TASKS)
        return mn_fail(MN_UNSUPPORTED, "%lld tasks; gem takes at most %d", (long long)tasks,
                       MOST_TASKS);
    mn_require_rows(learner, tasks, "task");
    for (int64_t k = 0; k + 1 < tasks; k++)
        MN_TRY(mn_add_scratch(learner, slab, &s->past[k]));
    return MN_OK;
}

static int64_t share_of_task(mn_learner *learner)
{
    return mn_buffer_capacity(mn_learner_buffer(learner)) / mn_tasks(learner);
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    (void)tape;
    mn_term(learner, "stream", 1,
            mn_cross_entropy(mn_forward(learner, now, MN_TRAIN)->logits, now->labels));
    return MN_OK;
}

/* --- the quadratic programme: min 1/2 w^T P w + c^T w over w >= 0 ----------------------------- */

typedef struct programme {
    int n;
    double p[MOST_TASKS][MOST_TASKS], c[MOST_TASKS], w[MOST_TASKS];
    bool free[MOST_TASKS]; /* not held at 0 */
} programme;

/* Solves P z = -c over the free unknowns, the others being 0: Gaussian elimination, which needs no
 * pivots because P is positive definite. */
static void solve_free(const programme *q, double *z)
{
    double row[MOST_TASKS][MOST_TASKS + 1];
    int index[MOST_TASKS], m = 0;
    for (int i = 0; i < q->n; i++) {
        z[i] = 0;
        if (q->free[i])
            index[m++] = i;
    }
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < m; j++)
            row[i][j] = q->p[index[i]][index[j]];
        row[i][m] = -q->c[index[i]];
    }
    for (int i = 0; i < m; i++)
        for (int below = i + 1; below < m; below++) {
            const double factor = row[below][i] / row[i][i];
            for (int j = i; j <= m; j++)
                row[below][j] -= factor * row[i][j];
        }
    for (int i = m - 1; i >= 0; i--) {
        for (int j = i + 1; j < m; j++)
            row[i][m] -= row[i][j] * z[index[j]];
        z[index[i]] = row[i][m] / row[i][i];
    }
}

/* The held unknown along which the objective falls fastest; -1: none, w is the solution. */
static int steepest(const programme *q)
{
    int best = -1;
    double fall = 0;
    for (int i = 0; i < q->n; i++) {
        double slope = q->c[i], scale = q->c[i] < 0 ? -q->c[i] : q->c[i];
        for (int j = 0; j < q->n; j++) {
            const double share = q->p[i][j] * q->w[j];
            slope += share;
            scale += share < 0 ? -share : share;
        }
        if (!q->free[i] && -slope > 1e-12 * scale && -slope > fall) {
            best = i;
            fall = -slope;
        }
    }
    return best;
}

/* Goes towards z until the first free unknown meets its bound, and holds it there; true: z is
 * reached. */
static bool walk_to(programme *q, const double *z)
{
    double step = 1;
    int meets = -1;
    for (int i = 0; i < q->n; i++)
        if (q->free[i] && z[i] <= 0 && q->w[i] / (q->w[i] - z[i]) <= step) {
            step = q->w[i] / (q->w[i] - z[i]);
            meets = i;
        }
    for (int i = 0; i < q->n; i++)
        q->w[i] += step * (z[i] - q->w[i]);
    if (meets < 0)
        return true;
    q->w[meets] = 0;
    q->free[meets] = false;
    return false;
}

static void solve(programme *q)
{
    double z[MOST_TASKS];
    for (int rounds = 0; rounds < 3 * MOST_TASKS; rounds++) { /* ends sooner but for rounding */
        const int next = steepest(q);
        if (next < 0)
            return;
        q->free[next] = true;
        do
            solve_free(q, z);
        while (!walk_to(q, z));
    }
}

/* --- the projection --------------------------------------------------------------------------- */

/* r_k of every past task that left exemplars, in s->past; *n says how many. */
static mn_status past_gradients(mn_learner *learner, mn_tensor *g, int *n)
{
    const gem_state *s = mn_state(learner);
    const int64_t all = mn_buffer_capacity(mn_learner_buffer(learner));
    *n = 0;
    for (int64_t task = 0; task < mn_task(learner); task++) {
        const mn_batch *old = mn_draw_of_task(learner, "past", task, all);
        if (old->count == 0)
            continue;
        mn_var *logits = mn_forward(learner, old, MN_TRAIN)->logits;
        MN_TRY(mn_tensor_fill(s->past[*n], 0));
        MN_TRY(mn_backward_into(mn_cross_entropy(logits, old->labels), g, s->past[(*n)++]));
    }
    return MN_OK;
}

static mn_status gradients(mn_learner *learner)
{
    const gem_options *o = mn_options(learner);
    const gem_state *s = mn_state(learner);
    mn_tensor *g = mn_network_gradients(mn_learner_network(learner));
    programme q = {.n = 0};
    bool disagrees = false;
    MN_TRY(past_gradients(learner, g, &q.n));
    for (int i = 0; i < q.n; i++) {
        q.c[i] = mn_tensor_dot(s->past[i], g);
        disagrees = disagrees || q.c[i] < 0;
    }
    if (!disagrees)
        return MN_OK;
    for (int i = 0; i < q.n; i++)
        for (int j = 0; j <= i; j++)
            q.p[i][j] = q.p[j][i] = mn_tensor_dot(s->past[i], s->past[j]) + (i == j ? ridge : 0);
    for (int i = 0; i < q.n; i++) /* w = v - gamma */
        for (int j = 0; j < q.n; j++)
            q.c[i] += q.p[i][j] * o->gamma;
    solve(&q);
    for (int i = 0; i < q.n; i++)
        MN_TRY(mn_tensor_axpby(g, (float)(q.w[i] + o->gamma), s->past[i], 1));
    return MN_OK;
}

static mn_status after_task(mn_learner *learner)
{
    const mn_batch *rows = mn_draw_stream(learner, "memory", share_of_task(learner));
    return mn_remember(learner, rows, MN_WITHOUT);
}

MN_STRATEGY(gem) = {
    MN_STRATEGY_HEADER,
    .name = "gem",
    .summary = "Gradient episodic memory: projects the gradient so that a step does not raise the "
               "loss on any past task's exemplars.",
    .cite = "Lopez-Paz and Ranzato, Gradient Episodic Memory for Continual Learning, NIPS 2017",
    .options = options,
    .options_size = sizeof(gem_options),
    .state_size = sizeof(gem_state),
    .needs = MN_NEEDS_BUFFER | MN_NEEDS_TASK_BOUNDARIES,
    .open = open,
    .loss = loss,
    .gradients = gradients,
    .after_task = after_task,
    .differs = differs,
};
