/* genifer.c -- Genifer: a generator replays images in which the classifier sees what it saw in
 * those of the data; no image is stored.
 *
 *     L = w_new CE(f(x), y) over seen classes                           x of the task
 *       + w_old (-mean sum_{k past} p_k log q_k)                        x' replayed
 *       + w_phi mean |phi(x') - phi_old(x')|_2
 *     p = softmax of f_old(x') / T over past classes, q = softmax of f(x') / T over seen ones
 *
 * f_old is the network as it was before the task, phi the maps of a stage.  Half of a batch is
 * replayed, and both halves go through each network together.  Labels that images were made for are
 * not trained on.  After each task but the last the generator is trained (genifer_gan.c): first the
 * classifier, then a generator of what it has just learned to see.
 *
 * As in the authors' code f_old normalises by the statistics of the batch, and its running ones
 * drift; statistics=running keeps them, and statistics=frozen those of both networks: then images
 * that the generator made are seen as it learned to make them, whatever the batch.  Replayed images
 * are brought to bytes before they are cropped and mirrored as training's are.
 *
 * All classes have outputs from the beginning; what weight decay made of those of new classes is
 * put back to what the run began with, as if the outputs were new.  The decay is the authors'
 * RAdam's, which does not go through the moments.
 */
#include "strategies/genifer/gan.h"

static const char *const sees_names[] = {"features", "pixels", NULL};
static const char *const statistics_names[] = {"batch", "running", "frozen", NULL};

static const mn_option options[] = {
    MN_TEXT(mn_genifer_options, stage, "layer3",
            "maps of the network that are matched and held in place"),
    MN_REAL(mn_genifer_options, new_weight, 0.02, 0, 1000, "weight of the new images' labels"),
    MN_REAL(mn_genifer_options, old_weight, 0.98, 0, 1000, "weight of the old probabilities"),
    MN_REAL(mn_genifer_options, feature_weight, 1, 0, 1000, "weight of holding maps in place"),
    MN_REAL(mn_genifer_options, temperature, 1, 0.01, 1000, "flattens probabilities above 1"),
    MN_REAL(mn_genifer_options, later_lr, 1e-4, 0, 100,
            "learning rate of the classifier after the first task, by RAdam"),
    MN_CHOICE(
        mn_genifer_options, statistics, MN_GENIFER_BATCH_STATISTICS, statistics_names,
        "by which the old network normalises after the first task: those of the batch, or its "
        "running ones; frozen: both networks, and neither's change"),
    MN_BOOL(mn_genifer_options, augment_replay, true,
            "replayed images are augmented as training's are"),
    MN_BOOL(mn_genifer_options, generator, true,
            "false: none, and maps and probabilities are held on the new images"),
    MN_CHOICE(mn_genifer_options, sees, MN_GENIFER_FEATURES, sees_names,
              "what the discriminator sees of images"),
    MN_INT(mn_genifer_options, steps, 250000, 1, 1000000000,
           "of the generator's training after the first task"),
    MN_INT(mn_genifer_options, later_steps, 80000, 1, 1000000000, "after later tasks"),
    MN_INT(mn_genifer_options, gan_batch, 64, 2, 512, "images of a step of it"),
    MN_REAL(mn_genifer_options, generator_lr, 0.0025, 0, 100, "learning rate of the generator"),
    MN_REAL(mn_genifer_options, discriminator_lr, 0.0025, 0, 100,
            "of the discriminator, times 16/17 where there is a penalty"),
    MN_REAL(mn_genifer_options, gamma, 0.5, 0, 1000, "weight of the penalty R1; 0: none"),
    MN_REAL(mn_genifer_options, distil, 10, 0, 1000,
            "weight of the old generator's images, times past classes / present ones"),
    MN_REAL(mn_genifer_options, half_life, 500000, 0, 1e12,
            "images after which half of the generator's average is new"),
    MN_REAL(mn_genifer_options, most_augmented, 0.5, 0, 1,
            "largest probability of each random change before the discriminator; 0: none"),
    MN_REAL(mn_genifer_options, collapsed, 0.001, 0, 1,
            "mean loss of the discriminator below which the run stops"),
    MN_INT(mn_genifer_options, latent, 512, 1, 65536, "random numbers that an image is made of"),
    MN_INT(mn_genifer_options, embedding, 256, 1, 65536, "width of a class's embedding"),
    MN_INT(mn_genifer_options, style, 512, 1, 65536, "width of the style"),
    MN_INT(mn_genifer_options, width, 512, 1, 65536, "channels of the generator's first maps"),
    MN_INT(mn_genifer_options, doublings, 3, 1, 8, "from them to the image; each halves channels"),
    MN_INT(mn_genifer_options, discriminator_width, 256, 1, 65536, "channels of its first block"),
    MN_INT(mn_genifer_options, discriminator_most, 512, 1, 65536, "of its last ones at most"),
    MN_INT(mn_genifer_options, blocks, 2, 1, 8, "of the discriminator, each of which halves maps"),
    MN_INT(mn_genifer_options, convolutions, 2, 1, 8, "in a block"),
    MN_INT(mn_genifer_options, dense, 512, 1, 65536, "width behind the last maps"),
    MN_INT(mn_genifer_options, projection, 128, 1, 65536, "width in which maps and class meet"),
    MN_INT(mn_genifer_options, samples, 16, 1, 512,
           "images of each class that the run file keeps after a task, to be looked at"),
    MN_END,
};

/* --- outputs of new classes --- */

static mn_tensor *of_outputs(mn_learner *learner, mn_parameter_kind kind)
{
    const mn_network *network = mn_learner_network(learner);
    const int i = mn_network_head(network, kind);
    return i >= 0 ? mn_network_parameter(network, i)->value : NULL;
}

static mn_status keep_first_outputs(mn_learner *learner)
{
    mn_genifer_state *s = mn_state(learner);
    const mn_tensor *rows = of_outputs(learner, MN_WEIGHT), *bias = of_outputs(learner, MN_BIAS);
    if (rows == NULL || bias == NULL)
        return mn_fail(MN_UNSUPPORTED, "the network has no linear classifier with biases");
    MN_TRY(mn_keep_tensor(learner, "first-rows", mn_tensor_shape(rows), &s->first_rows));
    return mn_keep_tensor(learner, "first-bias", mn_tensor_shape(bias), &s->first_bias);
}

static mn_status begin_outputs(mn_learner *learner)
{
    const mn_genifer_state *s = mn_state(learner);
    mn_tensor *rows = of_outputs(learner, MN_WEIGHT), *bias = of_outputs(learner, MN_BIAS);
    const mn_range new = mn_classes(learner, MN_PRESENT);
    if (mn_task(learner) == 0) {
        MN_TRY(mn_tensor_copy(s->first_rows, rows));
        return mn_tensor_copy(s->first_bias, bias);
    }
    MN_TRY(mn_tensor_copy_rows(rows, s->first_rows, new.first, new.count));
    return mn_tensor_copy_rows(bias, s->first_bias, new.first, new.count);
}

static const char *const differs[] = {
    "The authors' update of the generator makes a step's images again, with new noise "
    "maps and changes; here both updates see the same, and old images have the same noise "
    "maps on both sides.",
    "The authors' RAdam stands still in the first five steps of a task; here these go by "
    "the mean of gradients, as in the paper of Liu et al. (2020).",
    "The authors count the steps of the penalty and of the changes' probability over all "
    "tasks; here within a task.",
    NULL,
};

static mn_status open(mn_learner *learner)
{
    mn_genifer_state *s = mn_state(learner);
    s->image = mn_network_spec_of(mn_learner_network(learner))->input;
    if (s->image.rank != 3)
        return mn_fail(MN_UNSUPPORTED, "the data are no images, and a generator makes images");
    const mn_genifer_options *o = mn_options(learner);
    if (mn_batch_size(learner) < 2 || mn_batch_size(learner) > 1024)
        return mn_fail(MN_BAD_OPTION,
                       "train.batch: %lld; half of a batch is replayed, expected 2 to 1024",
                       (long long)mn_batch_size(learner));
    MN_TRY(mn_add_network(learner, "before", NULL, &s->before));
    MN_TRY(mn_add_optimiser(learner, "later", "radam",
                            "{\"weight_decay\": 5e-4, \"decoupled\": true}",
                            mn_learner_network(learner), o->later_lr));
    MN_TRY(keep_first_outputs(learner));
    return mn_genifer_open_gan(learner);
}

static mn_status before_task(mn_learner *learner)
{
    const mn_genifer_state *s = mn_state(learner);
    const mn_genifer_options *o = mn_options(learner);
    MN_TRY(begin_outputs(learner));
    MN_TRY(mn_network_copy(s->before, mn_learner_network(learner)));
    return o->generator ? mn_genifer_begin_gan(learner) : MN_OK;
}

/* --- the classifier --- */

static int64_t base_epochs(mn_learner *learner)
{
    return mn_task(learner) == 0 ? MN_USUAL_EPOCHS : 0;
}

static int64_t later_epochs(mn_learner *learner)
{
    return mn_task(learner) > 0 ? MN_USUAL_EPOCHS : 0;
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    (void)tape;
    mn_term(learner, "labels", 1,
            mn_cross_entropy_columns(mn_forward(learner, batch, MN_TRAIN)->logits, batch->labels, 0,
                                     mn_classes(learner, MN_SEEN).count));
    return MN_OK;
}

static bool in_first_half(const mn_batch *batch, int64_t row, void *context)
{
    (void)batch;
    return row < *(const int64_t *)context;
}

/* Half a batch of the task's images, then as many of replayed ones. */
static const mn_batch *half_replayed(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const mn_genifer_options *o = mn_options(learner);
    int32_t labels[512];
    int64_t half = mn_batch_size(learner) / 2;
    if (!o->generator)
        return batch;
    const mn_batch *new = mn_subset(learner, batch, in_first_half, &half, NULL);
    mn_var *images =
        mn_genifer_replay(learner, tape, "replay", mn_classes(learner, MN_PAST), half, labels);
    const mn_batch *old = mn_augmented_images(learner, "replay", images, labels);
    return mn_join(learner, new, o->augment_replay ? old : mn_plain(learner, old));
}

/* (B, C, H, W) -> (n, C H W) of rows `first` to before first + n */
static mn_var *rows_of_maps(const mn_out *out, const char *stage, int64_t first, int64_t n)
{
    mn_var *maps = mn_rows(mn_out_map(out, stage), first, n);
    const int64_t row = n > 0 ? mn_shape_count(mn_shape_of(maps)) / n : 0;
    return mn_reshape(maps, MN_SHAPE(n, row));
}

static mn_var *log_share(mn_learner *learner, mn_var *logits)
{
    const mn_genifer_options *o = mn_options(learner);
    const int64_t past = mn_classes(learner, MN_PAST).count;
    mn_var *seen = mn_columns(logits, 0, mn_classes(learner, MN_SEEN).count);
    return mn_columns(mn_log_softmax(mn_scale(seen, 1 / o->temperature)), 0, past);
}

static mn_var *old_share(mn_learner *learner, mn_var *logits)
{
    const mn_genifer_options *o = mn_options(learner);
    mn_var *past = mn_columns(logits, 0, mn_classes(learner, MN_PAST).count);
    return mn_softmax(mn_scale(past, 1 / o->temperature));
}

static mn_status later_loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const mn_genifer_options *o = mn_options(learner);
    const mn_genifer_state *s = mn_state(learner);
    const mn_batch *both = half_replayed(learner, tape, batch);
    const int64_t new = both->stream_rows, first = o->generator ? new : 0;
    const int64_t old = both->count - first; /* rows that are held where they were */
    const mn_mode of_now = o->statistics == MN_GENIFER_FROZEN_STATISTICS ? MN_EVAL : MN_TRAIN;
    const mn_mode of_old = o->statistics == MN_GENIFER_BATCH_STATISTICS ? MN_TRAIN : MN_EVAL;
    const mn_out *now = mn_forward(learner, both, of_now);
    const mn_out *was = mn_forward_with(learner, s->before, both, of_old | MN_NO_GRADIENT);
    mn_term(learner, "labels", o->new_weight,
            mn_cross_entropy_columns(mn_rows(now->logits, 0, new), both->labels, 0,
                                     mn_classes(learner, MN_SEEN).count));
    mn_var *agreement = mn_mul(old_share(learner, mn_rows(was->logits, first, old)),
                               log_share(learner, mn_rows(now->logits, first, old)));
    mn_term(learner, "distil", o->old_weight, mn_scale(mn_mean(mn_row_sum(agreement)), -1));
    mn_var *maps = rows_of_maps(now, o->stage, first, old);
    mn_var *old_maps = rows_of_maps(was, o->stage, first, old);
    mn_term(learner, "features", o->feature_weight, mn_mean(mn_row_distance(maps, old_maps)));
    return MN_OK;
}

static mn_status after_step(mn_learner *learner, const mn_batch *batch, const mn_out *out)
{
    (void)batch, (void)out;
    return mn_genifer_after_updates(learner);
}

static const mn_update later[] = {
    {.name = "later", .optimiser = "later", .loss = later_loss},
    {.name = NULL},
};
static const mn_update both[] = {
    {.name = "discriminator", .optimiser = "discriminator", .loss = mn_genifer_discriminator_loss},
    {.name = "generator", .optimiser = "generator", .loss = mn_genifer_generator_loss},
    {.name = NULL},
};
static const mn_phase phases[] = {
    {.name = "train", .epochs = base_epochs},
    {.name = "train", .epochs = later_epochs, .updates = later},
    {.name = "generator",
     .steps = mn_genifer_gan_steps,
     .batch = mn_genifer_gan_batch,
     .updates = both,
     .reset = MN_FRESH_EACH_PHASE},
    {.name = "samples",
     .source = MN_FROM_NOTHING,
     .epochs = mn_genifer_classes_to_keep,
     .visit = mn_genifer_keep_class},
    {.name = NULL},
};

MN_STRATEGY(genifer) = {
    MN_STRATEGY_HEADER,
    .name = "genifer",
    .summary = "Genifer: a generator replays images that the classifier's features match.",
    .cite = "Thandiackal et al., Match What Matters: Generative Implicit Feature Replay for "
            "Continual Learning, Image and Vision Computing 2024",
    .options = options,
    .options_size = sizeof(mn_genifer_options),
    .state_size = sizeof(mn_genifer_state),
    .needs = MN_NEEDS_TASK_BOUNDARIES | MN_NEEDS_CONTIGUOUS_CLASSES,
    .open = open,
    .phases = phases,
    .before_task = before_task,
    .loss = loss,
    .after_step = after_step,
    .differs = differs,
};
