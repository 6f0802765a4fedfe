/* nncsl.c -- a step of nncsl, csl and paws; the equations stand in nncsl.c.
 *
 * Targets are the votes themselves, without gradient and with the views swapped: there is no second
 * network, so nothing is voted on twice. */
#include "strategies/shared/nncsl.h"

#include <string.h>

enum { PROJECTION_BYTES = 512 };

/* --- networks --- */

static mn_status projection_options(const char *widths, char text[PROJECTION_BYTES])
{
    static const char before[] = "{\"batch_norm\":true,\"classifier\":false,\"init\":\"pytorch\","
                                 "\"widths\":\"";
    static const char after[] = "\"}";
    const size_t length = strlen(widths);
    bool list = sizeof before + length + sizeof after <= PROJECTION_BYTES;
    for (size_t i = 0; i < length; i++) /* what else it must be, the network says */
        list = list && widths[i] != '"' && widths[i] != '\\';
    if (!list)
        return mn_fail(MN_BAD_OPTION,
                       "projection: '%.60s' is no list of widths; expected numbers with commas "
                       "between them, as in 512,512",
                       widths);
    memcpy(text, before, sizeof before);
    memcpy(text + sizeof before - 1, widths, length);
    memcpy(text + sizeof before - 1 + length, after, sizeof after);
    return MN_OK;
}

static mn_status add_networks(mn_learner *learner)
{
    const mn_nncsl_options *o = mn_options(learner);
    mn_nncsl_state *s = mn_state(learner);
    const int64_t features = mn_network_features(mn_learner_network(learner));
    char text[PROJECTION_BYTES];
    if (features == 0)
        return mn_fail(MN_UNSUPPORTED, "the network has no classifier whose inputs are features");
    MN_TRY(projection_options(o->projection, text));
    const mn_network_spec spec = {"mlp", text, MN_SHAPE(features), o->embedding};
    MN_TRY(mn_add_network(learner, "projection", &spec, &s->projection));
    MN_TRY(mn_train_with_shared(learner, s->projection));
    if (o->distil == 0)
        return MN_OK;
    MN_TRY(mn_add_network(learner, "old", NULL, &s->old));
    return mn_add_network(learner, "old projection", &spec, &s->old_projection);
}

mn_status mn_nncsl_open(mn_learner *learner)
{
    const mn_nncsl_options *o = mn_options(learner);
    const int64_t rows = mn_buffer_capacity(mn_learner_buffer(learner));
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    const mn_view_spec full = mn_full_views(learner), small = mn_small_views(learner);
    if (rows < classes)
        return mn_fail(MN_BAD_OPTION,
                       "a buffer of %lld rows for %lld classes: one without a row has no vote; "
                       "raise buffer_size",
                       (long long)rows, (long long)classes);
    MN_TRY(mn_check_labelled(learner, o->labelled));
    MN_TRY(mn_check_views(learner, &full));
    if (o->small > 0)
        MN_TRY(mn_check_views(learner, &small));
    return add_networks(learner);
}

mn_status mn_nncsl_before_task(mn_learner *learner)
{
    const mn_nncsl_state *s = mn_state(learner);
    if (s->old == NULL || mn_task(learner) == 0)
        return MN_OK;
    MN_TRY(mn_network_copy(s->old, mn_learner_network(learner)));
    return mn_network_copy(s->old_projection, s->projection);
}

/* --- a step --- */

/* Views of one step.  S labelled images, P of them of present classes and first; U unlabelled. */
typedef struct views {
    const mn_batch *labelled, *full, *small; /* S; 2S + 2U: s1 s2 u1 u2; small x U */
    int64_t present;                         /* P */
} views;

/* What a network and its projection head make of them. */
typedef struct encoded {
    mn_var *supports; /* (2S, D) */
    mn_var *anchors;  /* ((2 + small) U, D) */
    mn_var *logits;   /* (2S, classes) */
} encoded;

static views draw_views(mn_learner *learner, const mn_batch *now)
{
    const mn_nncsl_options *o = mn_options(learner);
    const mn_view_spec full = mn_full_views(learner), small = mn_small_views(learner);
    views v = {.labelled = mn_draw_labelled_per_class(learner, "labelled", o->labelled)};
    v.present = v.labelled->stream_rows;
    v.full = mn_join(learner, mn_views(learner, "labelled", v.labelled, &full, 2),
                     mn_views(learner, "unlabelled", now, &full, 2));
    v.small = o->small > 0 ? mn_views(learner, "small", now, &small, o->small) : NULL;
    return v;
}

static encoded encode(mn_learner *learner, const views *v, mn_network *network,
                      mn_network *projection, mn_mode mode)
{
    const mn_nncsl_options *o = mn_options(learner);
    const int64_t supports = 2 * v->labelled->count, anchors = v->full->count - supports;
    const mn_out *full = mn_forward_with(learner, network, v->full, mode);
    mn_var *z = mn_network_forward(projection, full->features, mode).logits;
    encoded e = {.supports = mn_rows(z, 0, supports), .anchors = mn_rows(z, supports, anchors)};
    e.logits = mn_rows(full->logits, 0, supports);
    if (o->detach)
        e.logits =
            mn_network_classify(network, mn_detach(mn_rows(full->features, 0, supports)), mode);
    if (v->small != NULL) {
        const mn_out *small = mn_forward_with(learner, network, v->small, mode);
        mn_var *other = mn_network_forward(projection, small->features, mode).logits;
        e.anchors = mn_concat_rows((mn_var *[]){e.anchors, other}, 2);
    }
    return e;
}

/* Supports first..first+count-1 of each of the two views, which lie `stride` apart. */
static mn_var *of_both_views(mn_var *rows, int64_t stride, int64_t first, int64_t count)
{
    mn_var *both[] = {mn_rows(rows, first, count), mn_rows(rows, stride + first, count)};
    return mn_concat_rows(both, 2);
}

/* Who votes: supports, and the classes among which they do. */
typedef struct voters {
    int64_t first, count; /* of the S labelled images */
    mn_range classes;
    mn_var *labels; /* (2 count, classes), smoothed */
} voters;

static voters voters_of(mn_learner *learner, mn_tape *tape, const views *v, int64_t first,
                        int64_t count, mn_range classes)
{
    const mn_nncsl_options *o = mn_options(learner);
    mn_var *all =
        mn_one_hot(tape, v->labelled->labels + first, count, mn_classes(learner, MN_ALL).count);
    mn_var *one_hot = mn_columns(all, classes.first, classes.count);
    mn_var *smooth = mn_smooth_labels(one_hot, o->smoothing);
    return (voters){first, count, classes, mn_concat_rows((mn_var *[]){smooth, smooth}, 2)};
}

/* ((2 + small) U, classes) */
static mn_var *votes(mn_learner *learner, const views *v, const encoded *e, const voters *who)
{
    const mn_nncsl_options *o = mn_options(learner);
    mn_var *supports = of_both_views(e->supports, v->labelled->count, who->first, who->count);
    if (!o->support_gradient)
        supports = mn_detach(supports);
    return mn_soft_neighbours(e->anchors, supports, who->labels, o->temperature);
}

/* Sharpened votes on the other view; on small views the mean of both.  They are the same votes that
 * are to follow them, without gradient: there is no second network. */
static mn_var *targets(mn_learner *learner, mn_var *made, int64_t rows)
{
    const mn_nncsl_options *o = mn_options(learner);
    mn_var *sharp = mn_sharpen(mn_rows(mn_detach(made), 0, 2 * rows), o->sharpening);
    mn_var *one = mn_rows(sharp, 0, rows), *two = mn_rows(sharp, rows, rows);
    mn_var *parts[2 + MN_NNCSL_MOST_SMALL] = {two, one};
    for (int64_t i = 0; i < o->small; i++)
        parts[2 + i] = mn_axpby(0.5, one, 0.5, two);
    return mn_threshold(mn_concat_rows(parts, 2 + (int)o->small), o->threshold);
}

mn_status mn_nncsl_loss(mn_learner *learner, mn_tape *tape, const mn_batch *now)
{
    const mn_nncsl_options *o = mn_options(learner);
    const mn_nncsl_state *s = mn_state(learner);
    const mn_range past = mn_classes(learner, MN_PAST), seen = mn_classes(learner, MN_SEEN);
    const views v = draw_views(learner, now);
    const int64_t supports = v.labelled->count;
    const mn_mode mode = mn_task(learner) > 0 && o->freeze_norms ? MN_EVAL : MN_TRAIN;
    const encoded e = encode(learner, &v, mn_learner_network(learner), s->projection, mode);

    const voters who =
        o->mask ? voters_of(learner, tape, &v, 0, v.present, mn_classes(learner, MN_PRESENT))
                : voters_of(learner, tape, &v, 0, supports, seen);
    mn_var *made = votes(learner, &v, &e, &who);
    mn_term(learner, "neighbours", o->neighbours,
            mn_soft_cross_entropy(made, targets(learner, made, now->count)));
    mn_term(learner, "entropy", o->entropy, mn_mean_negentropy(mn_sharpen(made, o->sharpening)));
    mn_term(learner, "linear", o->linear,
            mn_cross_entropy_columns(e.logits, v.full->labels, seen.first, seen.count));

    if (past.count == 0 || s->old == NULL || supports == v.present)
        return MN_OK;
    const voters before = voters_of(learner, tape, &v, v.present, supports - v.present, past);
    /* Norms as the student's: at a task's first step both vote alike. */
    const mn_mode same = mode == MN_TRAIN ? MN_TRAIN_FROZEN : MN_EVAL;
    const encoded then = encode(learner, &v, s->old, s->old_projection, same | MN_NO_GRADIENT);
    mn_term(
        learner, "distil", o->distil,
        mn_soft_cross_entropy(votes(learner, &v, &e, &before), votes(learner, &v, &then, &before)));
    return MN_OK;
}

/* --- what is looked at --- */

/* The vote of the buffer's images, un-augmented, equally many of each class. */
static mn_var *probe(mn_learner *learner, mn_tape *tape, const mn_batch *batch,
                     mn_var *(*embed)(mn_learner *, mn_tape *, const mn_batch *))
{
    const mn_nncsl_options *o = mn_options(learner);
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    const int64_t share =
        mn_buffer_used(mn_learner_buffer(learner)) / mn_classes(learner, MN_SEEN).count;
    const mn_batch *rows =
        mn_plain(learner, mn_draw_per_class(learner, "probe", share > 0 ? share : 1));
    return mn_soft_neighbours(embed(learner, tape, batch), embed(learner, tape, rows),
                              mn_one_hot(tape, rows->labels, rows->count, classes), o->temperature);
}

static mn_var *embedding(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    const mn_nncsl_state *s = mn_state(learner);
    const mn_mode mode = MN_EVAL | MN_NO_GRADIENT;
    return mn_network_forward(s->projection, mn_forward(learner, batch, mode)->features, mode)
        .logits;
}

static mn_var *probe_network(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    return probe(learner, tape, batch, embedding);
}

static mn_var *probe_pixels(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    return probe(learner, tape, batch, mn_pixels);
}

const mn_probe mn_nncsl_probes[] = {
    {"neighbours", probe_network}, {"neighbours of pixels", probe_pixels}, {.name = NULL}};

const char *const mn_nncsl_differs[] = {
    "The authors' loader leaves out the last, smaller batch of a pass over the unlabelled "
    "images (19 batches of 256 from 5000); here it is trained on. The warm-up of a "
    "schedule is the recipe's 200 steps for their 190, and its first step is one notch "
    "up.",
    "Their LARS exempts from scaling and decay what has 'bn' in its name, so not the "
    "norms of the shortcuts; here all norms' parameters are exempt.",
    "The buffer's places that are left over go to a class's next row; in the authors' "
    "code to its last.",
    "Their ResNet-18 pads its first convolution by 2; here by 1.",
    NULL,
};
