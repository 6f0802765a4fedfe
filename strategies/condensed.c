/* condensed.c -- a memory that is made: of each class a few images whose mean features are those of
 * the class' real images, whatever network looks at them.
 *
 *     L = sum_c | mean_{x in R_c} f(A(x)) - mean_{s in S_c} f(A(s)) |^2,
 *     f drawn anew in each iteration and never trained, A drawn anew for each class
 *
 * (distribution matching, Zhao and Bilen 2023).  The pixels of all S_c move by SGD with momentum;
 * they are neither cut off nor normalised again.  At the end of a task its classes are condensed
 * from their real images, R_c drawn from them, and written into the buffer in place of what the
 * base would remember.  Where the buffer's shares shrink, a class is condensed again: then R_c are
 * the images that the buffer has of it.
 */
#include "strategies/shared/dsa.h"

typedef struct condensed_options {
    int64_t per_class, iterations, real, width, depth, initial, augmentation, networks, shrink;
    double lr;
    bool flip;
} condensed_options;

enum { INITIAL_REAL, INITIAL_NOISE };
static const char *const initials[] = {"real", "noise", NULL};
enum { SHARED, APART, NONE };
static const char *const augmentations[] = {"shared", "apart", "none", NULL};
enum { NETWORKS_NEW, NETWORKS_FIXED };
static const char *const networks[] = {"new", "fixed", NULL};
enum { SHRINK_CONDENSES, SHRINK_DROPS };
static const char *const shrinkings[] = {"condense", "drop", NULL};

static const mn_option options[] = {
    MN_INT(condensed_options, per_class, 0, 0, 65536,
           "condensed images of each class; 0: the buffer, shared equally by the classes so far"),
    MN_INT(condensed_options, iterations, 500, 1, 10000000, "steps of the images in each task"),
    MN_INT(condensed_options, real, 64, 1, 65536,
           "real images of each class in an iteration; all, where it has fewer"),
    MN_REAL(condensed_options, lr, 1, 0, 1e6,
            "learning rate of the images; their gradient is 1 / per_class each"),
    MN_CHOICE(condensed_options, initial, INITIAL_REAL, initials,
              "what the images begin as: real ones, or normal noise"),
    MN_INT(condensed_options, width, 32, 1, 4096, "channels of the random ConvNets"),
    MN_INT(condensed_options, depth, 3, 1, 12, "blocks of the random ConvNets"),
    MN_CHOICE(condensed_options, augmentation, SHARED, augmentations,
              "whether the real and the condensed images of a class share one draw of the "
              "augmentation, have draws apart, or none"),
    MN_BOOL(condensed_options, flip, true, "flips are among the augmentations; not for digits"),
    MN_CHOICE(condensed_options, networks, NETWORKS_NEW, networks,
              "a random network in each iteration, or the first one throughout a task"),
    MN_CHOICE(condensed_options, shrink, SHRINK_CONDENSES, shrinkings,
              "where a class' share of the buffer shrinks, its images are condensed into fewer, or "
              "the last ones dropped"),
    MN_END,
};

static const char *const differs[] = {
    "The authors condense for 20000 iterations of 256 real images a class by networks of 128 "
    "channels; the defaults are what a processor does in minutes.",
    "Theirs is a memory of fixed size for each class, condensed once (per_class); shares that "
    "shrink are this framework's addition.",
    "A run's clip holds for the images, too.",
    NULL,
};

typedef struct condensed_state {
    mn_network *images; /* (rows, image...), of all classes that are condensed now */
    mn_network *random;
} condensed_state;

/* --- what is condensed --- */

/* Rows of the buffer for a class once the task is over. */
static int64_t share_of(mn_learner *learner, int64_t label)
{
    const condensed_options *o = mn_options(learner);
    const int64_t capacity = mn_buffer_capacity(mn_learner_buffer(learner));
    const int64_t classes = mn_classes(learner, MN_SEEN).count;
    return o->per_class > 0 ? o->per_class
                            : capacity / classes + (label < capacity % classes ? 1 : 0);
}

static bool shrinks(mn_learner *learner, int64_t label)
{
    return mn_buffer_count_label(mn_learner_buffer(learner), (int32_t)label) >
           share_of(learner, label);
}

/* A class that is condensed, and its rows of the images. */
typedef struct part {
    int64_t label, first, rows;
    bool old; /* from its images in the buffer, else from those of the task */
} part;

static const part before_all = {.label = -1};

/* The next class: past ones whose shares shrink, then the present ones. */
static bool next_part(mn_learner *learner, part *at)
{
    const condensed_options *o = mn_options(learner);
    const mn_range seen = mn_classes(learner, MN_SEEN), past = mn_classes(learner, MN_PAST);
    for (int64_t label = at->label + 1; label < seen.count; label++) {
        const bool old = label < past.count;
        if (old && (o->shrink == SHRINK_DROPS || !shrinks(learner, label)))
            continue;
        *at = (part){label, at->first + at->rows, share_of(learner, label), old};
        return true;
    }
    return false;
}

/* --- declaring --- */

static mn_status add_images(mn_learner *learner, mn_shape image)
{
    const condensed_options *o = mn_options(learner);
    condensed_state *s = mn_state(learner);
    int64_t rows = mn_buffer_capacity(mn_learner_buffer(learner)), most = 0;
    for (int64_t task = 0; task < mn_tasks(learner); task++) {
        const int64_t classes = mn_classes_of_task(learner, task).count;
        most = classes > most ? classes : most;
    }
    if (o->per_class > 0)
        rows = most * o->per_class;
    MN_TRY(mn_add_parameters(learner, "images",
                             MN_SHAPE(rows, image.size[0], image.size[1], image.size[2]),
                             MN_INITIAL_ZERO, 1, &s->images));
    return mn_add_optimiser(learner, "images", "sgd", "{\"momentum\": 0.5}", s->images, o->lr);
}

static mn_status add_random_network(mn_learner *learner, mn_shape image)
{
    const condensed_options *o = mn_options(learner);
    condensed_state *s = mn_state(learner);
    char text[96];
    const mn_network_spec spec = {
        "convnet",
        mn_options_text(text, sizeof text,
                        "{\"norm\": \"instance\", \"width\": %lld, \"depth\": %lld}",
                        (long long)o->width, (long long)o->depth),
        image, mn_classes(learner, MN_ALL).count};
    return mn_add_network(learner, "random", &spec, &s->random);
}

static mn_status open(mn_learner *learner)
{
    const condensed_options *o = mn_options(learner);
    const mn_shape image = mn_network_spec_of(mn_learner_network(learner))->input;
    const int64_t classes = mn_classes(learner, MN_ALL).count;
    char text[96];
    if (image.rank != 3 || image.size[1] == 1 || image.size[2] == 1)
        return mn_fail(MN_UNSUPPORTED,
                       "rows of %s are features, and images are condensed; choose another strategy",
                       mn_shape_text(image, text));
    MN_TRY(mn_check_labelled(learner, 1));
    mn_require_rows(learner, classes * (o->per_class > 0 ? o->per_class : 1),
                    o->per_class > 0 ? "condensed image" : "class");
    MN_TRY(add_random_network(learner, image));
    return add_images(learner, image);
}

/* --- the images before the first iteration --- */

static mn_tensor *values_of_images(mn_learner *learner)
{
    const condensed_state *s = mn_state(learner);
    return mn_network_parameter(s->images, 0)->value;
}

static mn_var *on_tape(mn_tape *tape, const mn_batch *batch)
{
    const mn_shape image = batch->image;
    return mn_input(tape, MN_SHAPE(batch->count, image.size[0], image.size[1], image.size[2]),
                    batch->x, false);
}

static bool has_label(const mn_batch *batch, int64_t row, void *context)
{
    return batch->labels[row] == *(const int64_t *)context;
}

/* Up to `wanted` images that the class is condensed from; `stored`: all of the buffer's rows. */
static const mn_batch *real_images(mn_learner *learner, const char *name, part at,
                                   const mn_batch *stored, int64_t wanted)
{
    return at.old ? mn_subset(learner, stored, has_label, &at.label, NULL)
                  : mn_draw_stream_of_class(learner, name, at.label, wanted);
}

/* Real ones, again from the first on where there are too few. */
static mn_status begin_as_real(mn_learner *learner, mn_tape *tape, const mn_batch *stored)
{
    for (part at = before_all; next_part(learner, &at);) {
        const mn_batch *real = real_images(learner, "initial", at, stored, at.rows);
        mn_var *x = on_tape(tape, real);
        for (int64_t done = 0; done < at.rows && real->count > 0; done += real->count) {
            const int64_t left = at.rows - done;
            mn_var *some = mn_rows(x, 0, left < real->count ? left : real->count);
            MN_TRY(mn_store_rows(some, values_of_images(learner), at.first + done));
        }
    }
    return MN_OK;
}

static mn_status begin(mn_learner *learner, mn_tape *tape, const mn_batch *stored)
{
    const condensed_options *o = mn_options(learner);
    const condensed_state *s = mn_state(learner);
    if (o->networks == NETWORKS_FIXED)
        MN_TRY(mn_network_initialise(s->random, mn_strategy_key(learner, "random")));
    if (o->initial == INITIAL_REAL)
        return begin_as_real(learner, tape, stored);
    const mn_shape shape = mn_tensor_shape(values_of_images(learner));
    return mn_store(mn_noise(learner, tape, "initial", shape), values_of_images(learner));
}

/* --- an iteration --- */

/* The mean features (K) that the random network has of images. */
static mn_var *mean_of(mn_learner *learner, mn_var *x, mn_key key)
{
    const condensed_options *o = mn_options(learner);
    const condensed_state *s = mn_state(learner);
    if (o->augmentation != NONE)
        x = mn_dsa(x, o->flip, false, key);
    return mn_mean_axis(mn_network_forward(s->random, x, MN_EVAL | MN_NO_GRADIENT).features, 0);
}

static mn_status match(mn_learner *learner, mn_tape *tape, const mn_batch *none)
{
    const condensed_options *o = mn_options(learner);
    const condensed_state *s = mn_state(learner);
    part first = before_all; /* past classes come first */
    const bool again = next_part(learner, &first) && first.old;
    const int64_t used = again ? mn_buffer_used(mn_learner_buffer(learner)) : 0;
    const mn_batch *stored = mn_plain(learner, mn_draw(learner, "stored", used));
    (void)none;
    mn_set_learning_rate(learner, o->lr); /* whatever the run's schedule */
    if (!(mn_phase_done(learner) > 0))
        MN_TRY(begin(learner, tape, stored));
    if (o->networks == NETWORKS_NEW)
        MN_TRY(mn_network_initialise(s->random, mn_strategy_key(learner, "random")));
    mn_var *images = mn_parameters(s->images, tape), *sum = NULL;
    for (part at = before_all; next_part(learner, &at);) {
        const mn_batch *real = real_images(learner, "real", at, stored, o->real);
        const mn_key key = mn_key_at(mn_strategy_key(learner, "augment"), (uint64_t)at.label);
        const mn_key made = o->augmentation == APART ? mn_key_at(key, UINT64_MAX) : key;
        mn_var *wanted = mean_of(learner, on_tape(tape, real), key);
        mn_var *is = mean_of(learner, mn_rows(images, at.first, at.rows), made);
        mn_var *apart = mn_sum(mn_square(mn_sub(wanted, is)));
        sum = sum == NULL ? apart : mn_add(sum, apart);
    }
    mn_term(learner, "match", 1, sum);
    return MN_OK;
}

/* --- into the buffer --- */

static mn_status put(mn_learner *learner, mn_var *images, part at)
{
    enum { PIECE = 256 };
    int32_t labels[PIECE];
    for (int64_t done = 0; done < at.rows; done += PIECE) {
        const int64_t left = at.rows - done, count = left < PIECE ? left : PIECE;
        for (int64_t i = 0; i < count; i++)
            labels[i] = (int32_t)at.label;
        MN_TRY(mn_put(learner, mn_rows(images, at.first + done, count), labels, NULL, MN_WITHOUT));
    }
    return MN_OK;
}

/* Past classes give up their rows before the present ones need them. */
static mn_status write(mn_learner *learner, mn_tape *tape, const mn_batch *none)
{
    const condensed_options *o = mn_options(learner);
    const condensed_state *s = mn_state(learner);
    const mn_range past = mn_classes(learner, MN_PAST);
    mn_var *images = mn_parameters(s->images, tape);
    (void)none;
    for (int64_t label = 0; label < past.count && o->shrink == SHRINK_DROPS; label++)
        if (shrinks(learner, label))
            MN_TRY(mn_shrink_class(learner, (int32_t)label, share_of(learner, label)));
    for (part at = before_all; next_part(learner, &at);) {
        if (at.old)
            MN_TRY(mn_shrink_class(learner, (int32_t)at.label, 0));
        MN_TRY(put(learner, images, at));
    }
    const int64_t used = mn_buffer_used(mn_learner_buffer(learner));
    const mn_batch *all = mn_plain(learner, mn_draw(learner, "made", used));
    return mn_keep_samples(learner,
                           mn_augmented_images(learner, "made", on_tape(tape, all), all->labels));
}

static int64_t iterations(mn_learner *learner)
{
    const condensed_options *o = mn_options(learner);
    return o->iterations;
}

static const mn_update updates[] = {{.name = "condense", .optimiser = "images", .loss = match},
                                    {.name = NULL}};
static const mn_phase phases[] = {{.name = "condense",
                                   .source = MN_FROM_NOTHING,
                                   .steps = iterations,
                                   .updates = updates,
                                   .reset = MN_FRESH_EACH_PHASE},
                                  {.name = "write", .source = MN_FROM_NOTHING, .visit = write},
                                  {.name = NULL}};

MN_STRATEGY(condensed) = {
    MN_STRATEGY_HEADER,
    .name = "condensed",
    .summary = "Add-on: a buffer of condensed images, whose features are those of the real ones.",
    .cite = "Zhao and Bilen, Dataset Condensation with Distribution Matching, WACV 2023",
    .options = options,
    .options_size = sizeof(condensed_options),
    .state_size = sizeof(condensed_state),
    .needs = MN_NEEDS_BUFFER | MN_FILLS_BUFFER | MN_NEEDS_CONTIGUOUS_CLASSES,
    .open = open,
    .phases_filling = phases,
    .differs = differs,
};
