/* crd.c -- contrastive representation distillation: an image's new feature is known among those of
 * other images by its old one.
 *
 *     L = the base's loss + weight L_crd + kd T^2 KL(softmax(z_old / T) || softmax(z / T))
 *
 * u_i = W f(x_i) + b and v_i = W' f_old(x_i) + b', each brought to length 1, f_old the features of
 * the network after the last task, or of a network that is given (the option `teacher` of the run;
 * of several, L_crd is the sum and KL the mean); W and W' are learned, begin anew at each task, and
 * are used for nothing else.  In the batch (InfoNCE), with G_ij = <u_i, v_j> / tau:
 *
 *     L_crd = 1/2 mean_i (-log softmax_j G_ij at i) + 1/2 mean_j (-log softmax_i G_ij at j)
 *
 * where images of the same label are no negatives of each other, if the step's rows are of at least
 * four classes.  With the paper's bank of rows U and V, one for each image of the data set and for
 * each slot of the buffer, and K images of other classes k for each i:
 *
 *     a_ij = <u_i, V_j> / tau,  beta = ln(K mean(exp(a))) of the task's first batch
 *     L_crd = mean_i [softplus(beta - a_ii) + sum_k softplus(a_ik - beta)]  + the same of v and U
 *
 * then U_i <- n(m U_i + (1 - m) u_i), and V alike, n bringing to length 1.  It is the paper's
 * h = s / (s + K / M) with s = exp(a) / Z and Z = M mean(exp(a)), in logarithms, where M is gone.
 */
#include "strategies/shared/labelled.h"

#include <math.h>

typedef struct crd_options {
    double weight, temperature, kd, kd_temperature, momentum;
    int64_t negatives, width, memory, warm_up;
} crd_options;

enum { IN_BATCH, BANK };
static const char *const memories[] = {"batch", "bank", NULL};

enum { MASKED_FROM = 4 }; /* classes: with fewer, what is left says little but the class */

static const mn_option options[] = {
    MN_REAL(crd_options, weight, 0.8, 0, 1000, "weight of the contrast"),
    MN_CHOICE(crd_options, memory, IN_BATCH, memories,
              "negatives are the other images of a step, or rows of a memory bank"),
    MN_REAL(crd_options, temperature, 0.1, 1e-3, 1000, "tau: of cosines"),
    MN_INT(crd_options, width, 64, 1, 65536, "d: numbers that a feature is projected to"),
    MN_INT(crd_options, negatives, 512, 1, 1 << 20, "K of each image, with a bank"),
    MN_REAL(crd_options, momentum, 0.5, 0, 1, "m: share of a bank's row that stays"),
    MN_INT(crd_options, warm_up, 50, 0, 1000000,
           "steps of a task in which the projections alone are trained by the contrast"),
    MN_REAL(crd_options, kd, 0, 0, 1000, "weight of keeping the old logits (Hinton et al. 2015)"),
    MN_REAL(crd_options, kd_temperature, 2, 0.01, 1000, "T of the old logits"),
    MN_END,
};

static const char *const differs[] = {
    "The authors distil a trained teacher into a student once (mneme distil does that); in a "
    "stream "
    "the teacher is the network after the last task, and the first task has none.",
    "Their negatives come without replacement where there are enough, from the whole data set; "
    "here from the images of the task.",
    NULL,
};

/* One teacher, and what tells features by its. */
typedef struct crd_pair {
    mn_network *old;                         /* after the last task, or given */
    mn_network *student, *teacher;           /* the projections W and W' */
    mn_network *student_bank, *teacher_bank; /* U and V (images + slots, d); NULL in the batch */
    double *student_mean, *teacher_mean; /* of exp(a), each against the other's bank; 0: not yet */
} crd_pair;

typedef struct crd_state {
    crd_pair pair[MN_MOST_TEACHERS];
    int pairs;
    int64_t *steps; /* of the task */
} crd_state;

/* --- what is kept --- */

/* What is kept of each pair, by its place. */
typedef struct pair_names {
    const char *student, *teacher, *student_bank, *teacher_bank, *student_mean, *teacher_mean;
} pair_names;
#define OF(n)                                                                                      \
    {                                                                                              \
        "student" n, "teacher" n, "student bank" n, "teacher bank" n, "student_mean" n,            \
            "teacher_mean" n                                                                       \
    }
static const pair_names names_of[MN_MOST_TEACHERS] = {OF(""), OF(" 2"), OF(" 3"), OF(" 4"),
                                                      OF(" 5")};

static mn_status add_banks(mn_learner *learner, crd_pair *p, int i)
{
    const crd_options *o = mn_options(learner);
    const mn_buffer *buffer = mn_learner_buffer(learner);
    const int64_t slots = buffer != NULL ? mn_buffer_capacity(buffer) : 0;
    const mn_shape shape = MN_SHAPE(mn_train_images(learner, MN_NO_TASK) + slots, o->width);
    const double root = 1.7320508075688772; /* +- sqrt(3 / d): rows of length 1, on average */
    MN_TRY(mn_add_parameters(learner, names_of[i].student_bank, shape, MN_INITIAL_PYTORCH_UNIFORM,
                             root, &p->student_bank));
    MN_TRY(mn_add_parameters(learner, names_of[i].teacher_bank, shape, MN_INITIAL_PYTORCH_UNIFORM,
                             root, &p->teacher_bank));
    MN_TRY(mn_keep_real(learner, names_of[i].student_mean, &p->student_mean));
    return mn_keep_real(learner, names_of[i].teacher_mean, &p->teacher_mean);
}

static mn_status add_projection(mn_learner *learner, const mn_network *of, const char *name,
                                mn_network **projection)
{
    const crd_options *o = mn_options(learner);
    const int64_t features = mn_network_features(of);
    const mn_network_spec spec = {"mlp", "{\"widths\":\"\",\"init\":\"pytorch\"}",
                                  MN_SHAPE(features), o->width};
    if (features == 0)
        return mn_fail(MN_UNSUPPORTED, "the network has no classifier whose inputs are features");
    MN_TRY(mn_add_network(learner, name, &spec, projection));
    return mn_train_with_shared(learner, *projection);
}

static mn_status add_pair(mn_learner *learner, crd_pair *p, int i)
{
    const crd_options *o = mn_options(learner);
    p->old = mn_teacher(learner, i);
    if (p->old == NULL)
        MN_TRY(mn_add_network(learner, "old", NULL, &p->old));
    MN_TRY(add_projection(learner, mn_learner_network(learner), names_of[i].student, &p->student));
    MN_TRY(add_projection(learner, p->old, names_of[i].teacher, &p->teacher));
    return o->memory == BANK ? add_banks(learner, p, i) : MN_OK;
}

static mn_status open(mn_learner *learner)
{
    crd_state *s = mn_state(learner);
    const int given = mn_teachers(learner);
    for (s->pairs = 0; s->pairs == 0 || s->pairs < given; s->pairs++)
        MN_TRY(add_pair(learner, &s->pair[s->pairs], s->pairs));
    return mn_keep_int(learner, "steps", &s->steps);
}

static mn_status begin_pair(mn_learner *learner, const crd_pair *p)
{
    MN_TRY(mn_reinitialise(learner, p->student));
    MN_TRY(mn_reinitialise(learner, p->teacher));
    if (p->student_bank == NULL)
        return MN_OK;
    *p->student_mean = *p->teacher_mean = 0;
    MN_TRY(mn_reinitialise(learner, p->student_bank));
    return mn_reinitialise(learner, p->teacher_bank);
}

static mn_status before_task(mn_learner *learner)
{
    const crd_state *s = mn_state(learner);
    *s->steps = 0;
    for (int i = 0; i < s->pairs; i++)
        MN_TRY(begin_pair(learner, &s->pair[i]));
    return MN_OK;
}

static mn_status after_task(mn_learner *learner)
{
    const crd_state *s = mn_state(learner);
    return mn_teachers(learner) > 0 ? MN_OK
                                    : mn_network_copy(s->pair[0].old, mn_learner_network(learner));
}

/* --- both forms --- */

/* Rows of the step's training forwards of the shared network. */
typedef struct rows {
    mn_var *features, *targets[MN_MOST_TEACHERS];  /* (B, features) of the network, and of others */
    mn_var *logits, *old_logits[MN_MOST_TEACHERS]; /* (B, classes) */
    mn_var *labels; /* (B, classes), 1 at the label; NULL: some have none */
    int64_t count;
    bool unlabelled;
} rows;

static bool has_labels(const mn_batch *batch)
{
    for (int64_t i = 0; i < batch->count; i++)
        if (batch->labels[i] < 0)
            return false;
    return true;
}

static void add_rows(mn_learner *learner, mn_tape *tape, const mn_out *out, rows *r)
{
    const crd_state *s = mn_state(learner);
    const mn_batch *batch = out->batch;
    r->features = mn_rows_below(r->features, out->features);
    r->logits = mn_rows_below(r->logits, out->logits);
    for (int i = 0; i < s->pairs; i++) {
        mn_network *old = s->pair[i].old;
        r->targets[i] = mn_rows_below(r->targets[i], mn_target(learner, old, batch, "features"));
        r->old_logits[i] =
            mn_rows_below(r->old_logits[i], mn_target(learner, old, batch, "logits"));
    }
    r->unlabelled = r->unlabelled || !has_labels(batch);
    if (!r->unlabelled)
        r->labels = mn_rows_below(r->labels, mn_one_hot(tape, batch->labels, batch->count,
                                                        mn_classes(learner, MN_ALL).count));
    r->count += batch->count;
}

/* (B, d), of length 1 */
static mn_var *project(mn_network *projection, mn_var *features)
{
    return mn_row_normalise(mn_network_forward(projection, features, MN_TRAIN).logits);
}

/* What the contrast tells the network, once the projections are worth it. */
static mn_var *of_student(mn_learner *learner, const crd_pair *p, mn_var *features)
{
    const crd_options *o = mn_options(learner);
    const crd_state *s = mn_state(learner);
    return project(p->student, *s->steps < o->warm_up ? mn_detach(features) : features);
}

/* --- in the batch --- */

/* (B, B), 1 where two rows are of one label; NULL where labels are missing or too few differ. */
static mn_var *same_label(const rows *r)
{
    if (r->unlabelled)
        return NULL;
    const int64_t classes = mn_shape_of(r->labels).size[1];
    mn_var *there = mn_sum_axis(r->labels, 0); /* (classes): rows of each */
    const float *count = mn_host(there);
    int64_t differ = 0;
    for (int64_t i = 0; i < classes && count != NULL; i++)
        differ += count[i] > 0;
    return differ >= MASKED_FROM ? mn_matmul(r->labels, mn_transpose(r->labels)) : NULL;
}

/* -log softmax over each row of scores (B, B) at the row's own column, whose scores are own (B, 1).
 */
static mn_var *contrast(mn_var *scores, mn_var *own, mn_var *same)
{
    if (same != NULL) { /* a row's own stands beside the others, of which no label is its own */
        mn_var *all = mn_concat_columns((mn_var *[]){own, mn_axpby(1, scores, -1e9, same)}, 2);
        return mn_scale(mn_mean(mn_columns(mn_log_softmax(all), 0, 1)), -1);
    }
    mn_var *normaliser = mn_sub(mn_columns(scores, 0, 1), mn_columns(mn_log_softmax(scores), 0, 1));
    return mn_mean(mn_sub(normaliser, own));
}

static mn_var *in_batch(mn_learner *learner, const rows *r, int i)
{
    const crd_options *o = mn_options(learner);
    const crd_state *s = mn_state(learner);
    const crd_pair *p = &s->pair[i];
    mn_var *u = of_student(learner, p, r->features), *v = project(p->teacher, r->targets[i]);
    mn_var *scores = mn_scale(mn_matmul(u, mn_transpose(v)), 1 / o->temperature);
    mn_var *own =
        mn_reshape(mn_scale(mn_row_sum(mn_mul(u, v)), 1 / o->temperature), MN_SHAPE(r->count, 1));
    mn_var *same = same_label(r);
    return mn_axpby(0.5, contrast(scores, own, same), 0.5,
                    contrast(mn_transpose(scores), own, same));
}

/* --- with a bank --- */

/* A row of a bank for each image of the data set, by its place in it, and for each slot behind
 * them; MN_NO_INDEX: the row comes from nowhere. */
static int64_t place_of(const mn_learner *learner, const mn_batch *batch, int64_t row)
{
    return row < batch->stream_rows ? batch->indices[row]
           : batch->slots[row] >= 0 ? mn_train_images(learner, MN_NO_TASK) + batch->slots[row]
                                    : MN_NO_INDEX;
}

static bool has_places(const mn_learner *learner, const mn_batch *batch)
{
    for (int64_t i = 0; i < batch->count; i++)
        if (place_of(learner, batch, i) < 0)
            return false;
    return true;
}

static mn_tensor *values_of(mn_network *bank)
{
    return mn_network_parameter(bank, 0)->value;
}

/* The batch's own rows of a bank, (B, d). */
static mn_var *own_rows(const mn_learner *learner, const mn_batch *batch, mn_var *bank)
{
    const int64_t images = mn_train_images(learner, MN_NO_TASK), first = batch->stream_rows;
    mn_var *of_images = mn_gather_rows(bank, batch->indices, first);
    if (first == batch->count)
        return of_images;
    mn_var *of_slots = mn_gather_rows(mn_rows(bank, images, mn_rows_of(bank) - images),
                                      batch->slots + first, batch->count - first);
    return mn_concat_rows((mn_var *[]){of_images, of_slots}, 2);
}

/* Of anchors (B, d) against their own rows (B, d) and negatives (B K, d) of the other side's bank.
 */
static mn_var *against_bank(const crd_options *o, mn_var *anchors, mn_var *own, mn_var *negatives,
                            double *mean)
{
    const int64_t count = mn_rows_of(anchors), k = o->negatives, d = o->width;
    mn_var *products = mn_batched_matmul(mn_reshape(negatives, MN_SHAPE(count, k, d)),
                                         mn_reshape(anchors, MN_SHAPE(count, d, 1)), false, false);
    mn_var *others = mn_scale(mn_reshape(products, MN_SHAPE(count, k)), 1 / o->temperature);
    mn_var *same = mn_scale(mn_row_sum(mn_mul(anchors, own)), 1 / o->temperature);
    if (*mean == 0)
        *mean = (mn_item(mn_sum(mn_exp(mn_detach(others)))) +
                 mn_item(mn_sum(mn_exp(mn_detach(same))))) /
                (double)(count * (k + 1));
    const double beta = log((double)k * *mean);
    return mn_add(mn_mean(mn_softplus(mn_shift(mn_scale(same, -1), beta))),
                  mn_mean(mn_row_sum(mn_softplus(mn_shift(others, -beta)))));
}

static mn_status move_rows(mn_learner *learner, mn_network *bank, const mn_batch *batch,
                           mn_var *before, mn_var *now)
{
    const crd_options *o = mn_options(learner);
    mn_var *after =
        mn_row_normalise(mn_axpby(o->momentum, before, 1 - o->momentum, mn_detach(now)));
    for (int64_t i = 0; i < batch->count; i++)
        MN_TRY(mn_store_rows(mn_rows(after, i, 1), values_of(bank), place_of(learner, batch, i)));
    return MN_OK;
}

/* Of one teacher, with negatives (B K) for a batch, in `others`; the banks are moved behind the
 * scores. */
static mn_status of_pair(mn_learner *learner, mn_tape *tape, const crd_pair *p, const mn_out *out,
                         const int64_t *others, mn_var **loss)
{
    const crd_options *o = mn_options(learner);
    const mn_batch *batch = out->batch;
    const int64_t count = batch->count * o->negatives;
    mn_var *u = of_student(learner, p, out->features);
    mn_var *v = project(p->teacher, mn_target(learner, p->old, batch, "features"));
    mn_var *of_student_bank = mn_const(tape, values_of(p->student_bank));
    mn_var *of_teacher_bank = mn_const(tape, values_of(p->teacher_bank));
    mn_var *own_u = own_rows(learner, batch, of_student_bank);
    mn_var *own_v = own_rows(learner, batch, of_teacher_bank);
    *loss = mn_add(
        against_bank(o, u, own_v, mn_gather_rows(of_teacher_bank, others, count), p->student_mean),
        against_bank(o, v, own_u, mn_gather_rows(of_student_bank, others, count), p->teacher_mean));
    MN_TRY(move_rows(learner, p->student_bank, batch, own_u, u));
    return move_rows(learner, p->teacher_bank, batch, own_v, v);
}

/* NULL where the rows have no negatives. */
static mn_status with_bank(mn_learner *learner, mn_tape *tape, const mn_out *out, const char *name,
                           mn_var **loss)
{
    const crd_options *o = mn_options(learner);
    const crd_state *s = mn_state(learner);
    const mn_batch *batch = out->batch;
    *loss = NULL;
    if (!has_places(learner, batch) || mn_classes(learner, MN_PRESENT).count < 2)
        return MN_OK;
    const int64_t *others = mn_draw_other_classes(learner, name, batch, o->negatives);
    for (int i = 0; i < s->pairs && others != NULL; i++) { /* NULL: the failure is the learner's */
        mn_var *one;
        MN_TRY(of_pair(learner, tape, &s->pair[i], out, others, &one));
        *loss = i == 0 ? one : mn_add(*loss, one);
    }
    return MN_OK;
}

/* A slot's row is that of another image now: it begins anew. */
static mn_status forget(mn_learner *learner, mn_tape *tape, const int64_t *slots, int64_t count)
{
    const crd_options *o = mn_options(learner);
    const crd_state *s = mn_state(learner);
    const int64_t images = mn_train_images(learner, MN_NO_TASK);
    if (o->memory != BANK)
        return MN_OK;
    const double bound = sqrt(3 / (double)o->width);
    const int64_t all = 2 * s->pairs * count;
    mn_var *drawn = mn_uniform(learner, tape, "forgotten", MN_SHAPE(all, o->width));
    mn_var *fresh = mn_shift(mn_scale(drawn, 2 * bound), -bound);
    for (int64_t i = 0; i < all; i++) {
        const crd_pair *p = &s->pair[i / (2 * count)];
        mn_network *bank = i / count % 2 == 0 ? p->student_bank : p->teacher_bank;
        MN_TRY(mn_store_rows(mn_rows(fresh, i, 1), values_of(bank), images + slots[i % count]));
    }
    return MN_OK;
}

/* --- the term --- */

static mn_status add_contrast(mn_learner *learner, mn_tape *tape, const mn_out *const *published,
                              int n, const rows *r)
{
    static const char *const names[] = {"first", "second", "third", "fourth"}; /* forwards */
    const crd_options *o = mn_options(learner);
    const crd_state *s = mn_state(learner);
    mn_var *sum = NULL;
    int drawn = 0;
    if (o->memory == IN_BATCH) {
        for (int i = 0; i < s->pairs; i++)
            sum = i == 0 ? in_batch(learner, r, i) : mn_add(sum, in_batch(learner, r, i));
        mn_term(learner, "crd", o->weight, sum);
        return MN_OK;
    }
    for (int i = 0; i < n && drawn < (int)(sizeof names / sizeof names[0]); i++) {
        mn_var *loss;
        if (!mn_is_training_forward(learner, published[i]))
            continue;
        MN_TRY(with_bank(learner, tape, published[i], names[drawn++], &loss));
        if (loss == NULL)
            continue;
        const double share = (double)published[i]->batch->count / (double)r->count;
        sum = sum == NULL ? mn_scale(loss, share) : mn_axpby(1, sum, share, loss);
    }
    if (sum != NULL)
        mn_term(learner, "crd", o->weight, sum);
    return MN_OK;
}

/* Of past classes; where tasks share theirs, or teachers are given, of those of the base's
 * cross-entropy. */
static void add_kd(mn_learner *learner, const rows *r)
{
    const crd_options *o = mn_options(learner);
    const crd_state *s = mn_state(learner);
    const mn_range past = mn_classes(learner, MN_PAST);
    const bool all = past.count == 0 || mn_teachers(learner) > 0;
    const mn_range kept = all ? mn_trained_classes(learner) : past;
    mn_var *sum = NULL;
    for (int i = 0; i < s->pairs; i++) {
        mn_var *loss =
            mn_kl(mn_columns(r->logits, kept.first, kept.count),
                  mn_columns(r->old_logits[i], kept.first, kept.count), o->kd_temperature);
        sum = i == 0 ? loss : mn_add(sum, loss);
    }
    mn_term(learner, "kd", o->kd / s->pairs, sum);
}

static mn_status term(mn_learner *learner, mn_tape *tape, const mn_out *const *published, int n)
{
    const crd_options *o = mn_options(learner);
    rows r = {.count = 0};
    if (mn_task(learner) == 0 && mn_teachers(learner) == 0)
        return MN_OK;
    for (int i = 0; i < n; i++)
        if (mn_is_training_forward(learner, published[i]))
            add_rows(learner, tape, published[i], &r);
    if (r.count == 0)
        return MN_OK;
    if (o->kd > 0)
        add_kd(learner, &r);
    return o->weight > 0 ? add_contrast(learner, tape, published, n, &r) : MN_OK;
}

static mn_status after_step(mn_learner *learner, const mn_batch *batch, const mn_out *out)
{
    (void)batch, (void)out;
    const crd_state *s = mn_state(learner);
    ++*s->steps;
    return MN_OK;
}

MN_STRATEGY(crd) = {
    MN_STRATEGY_HEADER,
    .name = "crd",
    .summary = "Contrastive distillation: an image's new feature is told by its old one (add-on).",
    .cite = "Tian et al., Contrastive Representation Distillation, ICLR 2020",
    .options = options,
    .options_size = sizeof(crd_options),
    .state_size = sizeof(crd_state),
    .needs = MN_NEEDS_TASK_BOUNDARIES,
    .open = open,
    .before_task = before_task,
    .term = term,
    .after_step = after_step,
    .after_task = after_task,
    .forget = forget,
    .differs = differs,
};
