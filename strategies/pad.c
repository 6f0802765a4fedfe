/* pad.c -- pooled attention distillation: what attentions make of new images stays as it was, or
 * only loses nothing.
 *
 *     L = base + mu 1/L sum_l 1/B sum_b |d_lb|_2
 *     symmetric    d = n(pool(X'^2)) - n(pool(X^2))
 *     asymmetric   d = max(0, n(pool(X')) - n(pool(X)))
 *
 * X and X' (B, heads, P, Q) are what a layer is now and was in the network before the task, n(x) =
 * x / |x|_2 of each image's row.  `on`: an attention's scores before the softmax (attentional),
 * what its heads make of them (functional), or maps with names, of convolutions too (maps; squared
 * and pooled along both axes that is PODNet's, Douillard et al. 2020).  The asymmetric form asks
 * nothing of what grew; without the squares, as these would hide which way a value went.  With
 * pool=pixel rows are normalised across heads at each place, and d is along Q alone.
 *
 * At a task's first step the two networks are equal and the loss is 0, where a norm has no slope:
 * mn_row_norm() gives 0 there.
 */
#include <mneme/layers.h>
#include <mneme/strategy.h>

enum { ATTENTIONAL, FUNCTIONAL, MAPS };
static const char *const places[] = {"attentional", "functional", "maps", NULL};
enum { SYMMETRIC, ASYMMETRIC };
static const char *const forms[] = {"symmetric", "asymmetric", NULL};
enum { WIDTH, HEIGHT, SPATIAL, GAP, PIXEL };
static const char *const pools[] = {"width", "height", "spatial", "gap", "pixel", NULL};

typedef struct pad_options {
    double mu;
    int64_t on, form, pool;
    const char *layers;
} pad_options;

static const mn_option options[] = {
    MN_REAL(pad_options, mu, 1, 0, 1e6, "weight of keeping the layers"),
    MN_CHOICE(pad_options, on, ATTENTIONAL, places,
              "what is kept: scores of attentions, outputs of their heads, or maps with names"),
    MN_CHOICE(pad_options, form, ASYMMETRIC, forms,
              "every change costs, or only what the network has lost"),
    MN_CHOICE(pad_options, pool, SPATIAL, pools,
              "sums along the last axis, the one before, both side by side; means over both; none"),
    {.name = "layers",
     .type = MN_OPTION_TEXT,
     .offset = offsetof(pad_options, layers),
     .default_text = "",
     .help =
         "the layers that are kept, counted from 1 in order of the forward, as 1,4; empty: all"},
    MN_END,
};

static const char *const differs[] = {
    "The authors' code has a path (attentional and asymmetric without after-norm) that normalises "
    "rows behind the ReLU and takes one norm over all of them: about sqrt(B) / 100, whose gradient "
    "is 0. Here rows are normalised first, as everywhere else in that code.",
    NULL,
};

typedef struct pad_state {
    mn_network *old;
    int64_t layers[MN_MOST_LAYERS];
    int count; /* 0: all layers */
} pad_state;

/* --- one layer -------------------------------------------------------------------------------- */

/* (B, heads, P, Q), or (B, P, Q) as one head -> (B, heads, P, Q) */
static mn_var *with_heads(mn_var *x)
{
    const mn_shape shape = mn_shape_of(x);
    char text[64];
    if (shape.rank == 4)
        return x;
    if (shape.rank == 3)
        return mn_reshape(x, MN_SHAPE(shape.size[0], 1, shape.size[1], shape.size[2]));
    return mn_tape_refuse(mn_tape_of(x), "pad",
                          mn_fail(MN_UNSUPPORTED,
                                  "a map of shape %s has no places to pool; choose pad.layers, or "
                                  "another network",
                                  mn_shape_text(shape, text)));
}

/* (B, ...) -> (B, K) */
static mn_var *flat(mn_var *x)
{
    const mn_shape shape = mn_shape_of(x);
    const int64_t rows = mn_rows_of(x);
    return mn_reshape(x, MN_SHAPE(rows, rows > 0 ? mn_shape_count(shape) / rows : 0));
}

/* Each place's vector across heads brought to length 1, and rows along Q: (B heads P, Q) */
static mn_var *normalised_pixels(mn_var *x)
{
    const mn_shape s = mn_shape_of(x);
    const int64_t places_of = s.size[2] * s.size[3];
    mn_var *last = mn_permute(mn_reshape(x, MN_SHAPE(s.size[0], s.size[1], places_of)),
                              (int[]){0, 2, 1}); /* (B, P Q, heads) */
    mn_var *n = mn_row_normalise(mn_reshape(last, MN_SHAPE(s.size[0] * places_of, s.size[1])));
    mn_var *back =
        mn_permute(mn_reshape(n, MN_SHAPE(s.size[0], places_of, s.size[1])), (int[]){0, 2, 1});
    return mn_reshape(back, MN_SHAPE(s.size[0] * s.size[1] * s.size[2], s.size[3]));
}

/* X (B, heads, P, Q) -> n(pool(X)), rows of which the norm is taken */
static mn_var *pooled(mn_var *x, int64_t pool)
{
    mn_var *sums[2];
    switch (pool) {
    case WIDTH: return mn_row_normalise(flat(mn_sum_axis(x, 3)));
    case HEIGHT: return mn_row_normalise(flat(mn_sum_axis(x, 2)));
    case SPATIAL:
        sums[0] = flat(mn_sum_axis(x, 2));
        sums[1] = flat(mn_sum_axis(x, 3));
        return mn_row_normalise(mn_concat_columns(sums, 2));
    case GAP: return mn_row_normalise(mn_mean_axis(mn_mean_axis(x, 3), 2));
    default: return normalised_pixels(x);
    }
}

static mn_var *distance(const pad_options *o, mn_var *old, mn_var *now)
{
    old = with_heads(old);
    now = with_heads(now);
    if (o->form == SYMMETRIC) {
        old = mn_square(old);
        now = mn_square(now);
    }
    mn_var *lost = mn_sub(pooled(old, o->pool), pooled(now, o->pool));
    return mn_mean(mn_row_norm(o->form == SYMMETRIC ? lost : mn_relu(lost)));
}

/* --- all of them ------------------------------------------------------------------------------ */

/* The layer chosen i-th; NULL past the last. */
static mn_var *layer(mn_learner *learner, const mn_out *out, int i)
{
    static const mn_map_role roles[] = {MN_MAP_SCORES, MN_MAP_HEADS, MN_MAP_NAMED};
    const pad_options *o = mn_options(learner);
    const pad_state *s = mn_state(learner);
    if (s->count == 0 || i >= s->count)
        return s->count == 0 ? mn_map_of_role(out, roles[o->on], i).value : NULL;
    const int64_t chosen = s->layers[i];
    mn_var *map = mn_map_of_role(out, roles[o->on], 0).value; /* says what is missing */
    if (chosen > 1 && map != NULL)
        map = mn_map_of_role(out, roles[o->on], (int)chosen - 1).value;
    if (map == NULL)
        map = mn_tape_refuse(
            mn_tape_of(out->logits), "pad",
            mn_fail(MN_NOT_FOUND, "pad.layers: the network has no layer %lld", (long long)chosen));
    return map;
}

static void look(mn_learner *learner, const mn_out *out)
{
    const mn_tape *tape = mn_tape_of(out->logits);
    mn_var *map;
    for (int i = 0; (map = layer(learner, out, i)) != NULL && mn_tape_status(tape) == MN_OK; i++)
        (void)with_heads(map);
}

static mn_status open(mn_learner *learner)
{
    const pad_options *o = mn_options(learner);
    pad_state *s = mn_state(learner);
    if (o->layers[0] != '\0')
        MN_TRY(mn_layer_widths("pad.layers", o->layers, s->layers, &s->count));
    MN_TRY(mn_try_forward(learner, look));
    return mn_add_network(learner, "old", NULL, &s->old);
}

static mn_status before_task(mn_learner *learner)
{
    const pad_state *s = mn_state(learner);
    return mn_network_copy(s->old, mn_learner_network(learner));
}

static mn_status term(mn_learner *learner, mn_tape *tape, const mn_out *const *published, int n)
{
    const pad_options *o = mn_options(learner);
    const pad_state *s = mn_state(learner);
    const mn_out *now = n > 0 ? published[0] : NULL;
    if (mn_task(learner) == 0 || now == NULL || now->network != mn_learner_network(learner) ||
        now->batch->count == 0)
        return MN_OK;
    const mn_out *old =
        mn_forward_with(learner, s->old, now->batch, MN_EVAL | MN_NO_GRADIENT | MN_ATTENTIONS);
    mn_var *sum = NULL, *map;
    int count = 0;
    for (; (map = layer(learner, now, count)) != NULL && mn_tape_status(tape) == MN_OK; count++) {
        mn_var *apart = distance(o, layer(learner, old, count), map);
        sum = sum == NULL ? apart : mn_add(sum, apart);
    }
    if (sum != NULL)
        mn_term(learner, "distil", o->mu, mn_scale(sum, 1 / (double)count));
    return MN_OK;
}

MN_STRATEGY(pad) = {
    MN_STRATEGY_HEADER,
    .name = "pad",
    .summary = "Pooled attention distillation: a transformer's attentions stay, or lose nothing "
               "(add-on).",
    .cite = "Pelosin, Jha, Torsello, Raducanu and van de Weijer, Towards Exemplar-Free Continual "
            "Learning in Vision Transformers, CVPR Workshops 2022",
    .options = options,
    .options_size = sizeof(pad_options),
    .state_size = sizeof(pad_state),
    .needs = MN_NEEDS_TASK_BOUNDARIES,
    .open = open,
    .before_task = before_task,
    .term = term,
    .differs = differs,
};
