/* gdumb.c -- no continual learning at all: keep a balanced sample, and train from scratch on it
 * when asked.
 *
 * The stream only fills the buffer.  At the end of each task (or of the last) a network drawn anew
 * is fitted to the buffer by SGD with the paper's schedule: a tenth of the rate in the first epoch,
 * then cosines from `lr` to `least_lr` that restart after 1, 2, 4, ... epochs.  CutMix pastes a box
 * of another image of the batch, its neighbour (batches are shuffled), and mixes the two losses by
 * area.  For a memory that is condensed (Zhao and Bilen 2023), batches may be changed by one
 * operation of differentiable siamese augmentation instead, and the rate fall to a tenth, with
 * fresh momentum, in the middle of the fit.  The paper's greedy sampler is for tasks that bring new
 * classes: where all classes come again in each task, choose another policy, a reservoir as in the
 * port.
 */
#include "strategies/shared/dsa.h"

#include <math.h>

typedef struct gdumb_options {
    int64_t epochs, fit, schedule, augmentation;
    double lr, least_lr, cutmix;
    bool flip;
} gdumb_options;

enum { FIT_EVERY_TASK, FIT_AT_THE_END, LARGEST_SIDE = 1024 };
static const char *const fit_names[] = {"every_task", "at_the_end", NULL};
enum { SCHEDULE_COSINES, SCHEDULE_STEP };
static const char *const schedules[] = {"cosines", "step", NULL};
enum { AUGMENTATION_NONE, AUGMENTATION_DSA };
static const char *const augmentations[] = {"none", "dsa", NULL};

static const mn_option options[] = {
    MN_INT(gdumb_options, epochs, 256, 1, 100000, "epochs of fitting the buffer"),
    MN_CHOICE(gdumb_options, fit, FIT_EVERY_TASK, fit_names,
              "when to fit: only the last line of the accuracies means anything at the_end"),
    MN_REAL(gdumb_options, lr, 0.05, 0, 100, "largest learning rate of the fit"),
    MN_REAL(gdumb_options, least_lr, 0.0005, 0, 100, "smallest learning rate of the fit"),
    MN_CHOICE(gdumb_options, schedule, SCHEDULE_COSINES, schedules,
              "cosines that restart, or steps: a tenth of the rate, and fresh momentum, in the "
              "second half, and a weight decay of 5e-4 in place of 1e-6"),
    MN_REAL(gdumb_options, cutmix, 0.5, 0, 1, "probability that a batch is mixed by CutMix"),
    MN_CHOICE(
        gdumb_options, augmentation, AUGMENTATION_NONE, augmentations,
        "dsa: a batch that is not mixed is changed by one differentiable siamese augmentation, "
        "each image by a strength of its own"),
    MN_BOOL(gdumb_options, flip, true, "with dsa, flips are among its operations; not for digits"),
    MN_END,
};

static const char *const differs[] = {
    "The authors fit once, when asked; here after every task, so that each line of the accuracies "
    "means something (fit=at_the_end: the same network at the end).",
    "The DER authors' port samples with a plain reservoir and always mixes by CutMix; "
    "here, as in the authors' code, the sampler is greedy and a batch is mixed with "
    "probability cutmix.",
    "The authors' batches are of 16, gradients are clipped at a norm of 10, crops are "
    "padded by 4 on digits too, and images of digits are not mixed: the recipes of their "
    "benchmarks set this.",
    "The authors compute in half precision, and paste the images of another order of the "
    "batch; here it is the batch's next image.",
    NULL,
};

static mn_status open(mn_learner *learner)
{
    const gdumb_options *o = mn_options(learner);
    const mn_shape image = mn_network_spec_of(mn_learner_network(learner))->input;
    if (o->augmentation != AUGMENTATION_NONE &&
        (image.rank != 3 || image.size[1] == 1 || image.size[2] == 1))
        return mn_fail(MN_UNSUPPORTED, "gdumb.augmentation changes images, and these are features; "
                                       "leave it out");
    if (o->augmentation != AUGMENTATION_NONE && mn_batch_size(learner) > MN_MOST_DSA)
        return mn_fail(MN_BAD_OPTION,
                       "gdumb.augmentation takes batches of at most %d images; "
                       "lower batch",
                       MN_MOST_DSA);
    const char *sgd = o->schedule == SCHEDULE_STEP ? "{\"momentum\": 0.9, \"weight_decay\": 5e-4}"
                                                   : "{\"momentum\": 0.9, \"weight_decay\": 1e-6}";
    return mn_add_optimiser(learner, "fit", "sgd", sgd, mn_learner_network(learner), o->lr);
}

static mn_status before_task(mn_learner *learner)
{
    const int64_t rows = mn_buffer_capacity(mn_learner_buffer(learner));
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    if (rows < classes)
        return mn_fail(MN_BAD_OPTION,
                       "a buffer of %lld rows for %lld classes: "
                       "what is not in it is not learned; raise buffer_size",
                       (long long)rows, (long long)classes);
    return mn_reinitialise(learner, mn_learner_network(learner));
}

static double rate_of(const gdumb_options *o, int64_t epoch)
{
    if (o->schedule == SCHEDULE_STEP)
        return o->lr; /* of the first half */
    if (epoch == 0)
        return 0.1 * o->lr;
    int64_t length = 1; /* of the cosine that this epoch is in; it begins at that epoch */
    while (2 * length <= epoch)
        length *= 2;
    const double done = (double)(epoch - length) / (double)length;
    return o->least_lr + (o->lr - o->least_lr) / 2 * (1 + cos(acos(-1.0) * done));
}

/* --- CutMix --- */

typedef struct box {
    int64_t top, bottom, left, right;
} box;

/* Where the box lies; numbers (4): whether, share of the area kept, and the box's centre. */
static box box_of(const float *number, mn_shape image)
{
    const double height = (double)image.size[1], width = (double)image.size[2];
    const double side = sqrt(1 - (double)number[1]);
    const double y = floor((double)number[2] * height), x = floor((double)number[3] * width);
    const double half_height = floor(floor(height * side) / 2);
    const double half_width = floor(floor(width * side) / 2);
    return (box){(int64_t)fmax(y - half_height, 0), (int64_t)fmin(y + half_height, height),
                 (int64_t)fmax(x - half_width, 0), (int64_t)fmin(x + half_width, width)};
}

/* 1 from `first` to before `end` of `count`, else 0, as a column or a row. */
static mn_var *interval(mn_tape *tape, mn_shape shape, int64_t count, int64_t first, int64_t end)
{
    float mark[LARGEST_SIDE];
    for (int64_t i = 0; i < count; i++)
        mark[i] = i >= first && i < end ? 1 : 0;
    return mn_input(tape, shape, mark, false);
}

/* The rows moved down by one, the last coming first; with `up` the other way round. */
static mn_var *rotate(mn_var *x, bool up)
{
    const int64_t rows = mn_rows_of(x), first = up ? 1 : rows - 1;
    mn_var *parts[] = {mn_rows(x, first, rows - first), mn_rows(x, 0, first)};
    return mn_concat_rows(parts, 2);
}

/* x (B, C, H, W) with the box of the next image in each. */
static mn_var *paste(mn_tape *tape, mn_var *x, box b)
{
    const mn_shape shape = mn_shape_of(x);
    const int64_t planes = shape.size[0] * shape.size[1];
    const int64_t height = shape.size[2], width = shape.size[3];
    mn_var *inside = mn_matmul(interval(tape, MN_SHAPE(height, 1), height, b.top, b.bottom),
                               interval(tape, MN_SHAPE(1, width), width, b.left, b.right));
    mn_var *ones = mn_shift(mn_zeros(tape, MN_SHAPE(planes, 1)), 1);
    mn_var *mask =
        mn_reshape(mn_matmul(ones, mn_reshape(inside, MN_SHAPE(1, height * width))), shape);
    return mn_add(x, mn_mul(mask, mn_sub(rotate(x, true), x)));
}

/* --- fitting --- */

static mn_shape shape_of(const mn_batch *batch)
{
    const mn_shape image = batch->image;
    return MN_SHAPE(batch->count, image.size[0], image.size[1], image.size[2]);
}

/* Of the batch as it is, or changed. */
static mn_var *logits_of(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const gdumb_options *o = mn_options(learner);
    if (o->augmentation == AUGMENTATION_NONE)
        return mn_forward(learner, batch, MN_TRAIN)->logits;
    mn_var *x = mn_input(tape, shape_of(batch), batch->x, false);
    x = mn_dsa(x, o->flip, true, mn_strategy_key(learner, "dsa"));
    return mn_forward_value(learner, mn_learner_network(learner), x, batch, MN_TRAIN)->logits;
}

static mn_status fit_at(mn_learner *learner, mn_tape *tape, const mn_batch *batch, double rate)
{
    const gdumb_options *o = mn_options(learner);
    mn_set_learning_rate(learner, rate);
    const float *number;
    MN_TRY(mn_values(mn_uniform(learner, tape, "cutmix", MN_SHAPE(4)), &number));
    const int64_t height = batch->image.size[1], width = batch->image.size[2];
    if ((double)number[0] >= o->cutmix || batch->count < 2) {
        mn_term(learner, "fit", 1,
                mn_cross_entropy(logits_of(learner, tape, batch), batch->labels));
        return MN_OK;
    }
    if (height > LARGEST_SIDE || width > LARGEST_SIDE)
        return mn_fail(MN_UNSUPPORTED,
                       "CutMix of images above %d pixels a side; set gdumb.cutmix=0", LARGEST_SIDE);
    const box b = box_of(number, batch->image);
    const double area = (double)((b.bottom - b.top) * (b.right - b.left));
    const double pasted = area / (double)(height * width);
    mn_var *x = mn_input(tape, shape_of(batch), batch->x, false);
    mn_var *logits =
        mn_network_forward(mn_learner_network(learner), paste(tape, x, b), MN_TRAIN).logits;
    mn_term(learner, "fit", 1 - pasted, mn_cross_entropy(logits, batch->labels));
    /* Row i has the box of row i + 1: rotated down, it stands beside that row's label. */
    mn_term(learner, "pasted", pasted, mn_cross_entropy(rotate(logits, false), batch->labels));
    return MN_OK;
}

static mn_status loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    return fit_at(learner, tape, batch, rate_of(mn_options(learner), mn_epoch(learner)));
}

/* The second half of a fit in steps. */
static mn_status later_loss(mn_learner *learner, mn_tape *tape, const mn_batch *batch)
{
    const gdumb_options *o = mn_options(learner);
    return fit_at(learner, tape, batch, 0.1 * o->lr);
}

static mn_status after_step(mn_learner *learner, const mn_batch *now, const mn_out *out)
{
    (void)out;
    return mn_remember(learner, now, MN_WITHOUT); /* none of the rows while fitting */
}

static int64_t one_epoch(mn_learner *learner)
{
    (void)learner;
    return 1;
}

/* Epochs of the second half, where there are halves. */
static int64_t later(const gdumb_options *o)
{
    return o->schedule == SCHEDULE_STEP ? (o->epochs - 1) / 2 : 0;
}

static bool fits_now(mn_learner *learner)
{
    const gdumb_options *o = mn_options(learner);
    return o->fit == FIT_EVERY_TASK || mn_task(learner) == mn_tasks(learner) - 1;
}

static int64_t fitting_epochs(mn_learner *learner)
{
    const gdumb_options *o = mn_options(learner);
    return fits_now(learner) ? o->epochs - later(o) : 0;
}

static int64_t later_epochs(mn_learner *learner)
{
    return fits_now(learner) ? later(mn_options(learner)) : 0;
}

static const mn_update nothing[] = {{.name = NULL}};
static const mn_update fit[] = {{.name = "fit", .optimiser = "fit", .loss = loss}, {.name = NULL}};
static const mn_update later_fit[] = {{.name = "fit", .optimiser = "fit", .loss = later_loss},
                                      {.name = NULL}};
static const mn_phase phases[] = {
    {.name = "store", .source = MN_FROM_STREAM, .epochs = one_epoch, .updates = nothing},
    {.name = "fit",
     .source = MN_FROM_BUFFER,
     .epochs = fitting_epochs,
     .updates = fit,
     .reset = MN_FRESH_EACH_PHASE, /* as the network is new */
     .after_selection = true},
    {.name = "fit, later",
     .source = MN_FROM_BUFFER,
     .epochs = later_epochs,
     .updates = later_fit,
     .reset = MN_FRESH_EACH_PHASE},
    {.name = NULL},
};

MN_STRATEGY(gdumb) = {
    MN_STRATEGY_HEADER,
    .name = "gdumb",
    .summary = "Greedy sampler and dumb learner: trains from scratch on a balanced buffer.",
    .cite = "Prabhu et al., GDumb: A Simple Approach that Questions Our Progress in Continual "
            "Learning, ECCV 2020",
    .options = options,
    .options_size = sizeof(gdumb_options),
    .needs = MN_NEEDS_BUFFER,
    .policy = "greedy",
    .open = open,
    .before_task = before_task,
    .phases = phases,
    .loss = loss,
    .after_step = after_step,
    .differs = differs,
};
