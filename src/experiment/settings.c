/* settings.c -- the tables behind the command line's flags and a benchmark's keys. */
#include "experiment/settings.h"
#include "base/options.h"
#include "data/read/image_options.h"
#include "nn/optimiser.h"

#include <mneme/stream.h>
#include <string.h>

/* In the order of mn_dtype. */
static const char *const precisions[] = {"f32", "bf16", NULL};
/* In the order of mn_kept_values. */
static const char *const kept_values[] = {"data", "f32", "f16", "u8", "u4", "u2", "u1", NULL};
/* In the order of mn_consumption. */
static const char *const consumptions[] = {"decoded", "native", NULL};
/* In the order of mn_sight. */
static const char *const sights[] = {"all", "grey", "half", "grey-half", NULL};
static const mn_option train_options[] = {
    MN_INT(mn_run_settings, seed, 0, 0, 1e15, "seed of everything random but the class order"),
    MN_INT(mn_run_settings, epochs, 1, 1, 1e6, "passes over each task's data"),
    MN_INT(mn_run_settings, first_epochs, 0, 0, 1e6,
           "passes over the first task's data; 0: as many as the others'"),
    MN_INT(mn_run_settings, steps, 0, 0, 1e12,
           "steps of training in each task, in place of epochs; 0: count epochs"),
    MN_BOOL(mn_run_settings, keep_moments, false,
            "the optimiser's state goes on from task to task instead of beginning anew"),
    MN_INT(mn_run_settings, batch, 10, 1, 65536, "images of the stream in a step"),
    MN_REAL(mn_run_settings, lr, 0.03, 0, 1000, "learning rate"),
    MN_REAL(mn_run_settings, first_lr, 0, 0, 1000,
            "learning rate of the first task; 0: that of the others"),
    MN_REAL(mn_run_settings, clip, 0, 0, 1e9, "clip the gradient's norm to this; 0: never"),
    MN_INT(mn_run_settings, buffer_size, 500, 0, 1e9, "exemplars in the rehearsal buffer"),
    MN_INT(
        mn_run_settings, buffer_bytes, 0, 0, 1e15,
        "size of the buffer in bytes, with labels, columns and what is kept for each slot, instead "
        "of rows; 0: count rows"),
    MN_INT(
        mn_run_settings, memory_budget, 0, 0, 1e15,
        "refuse a run that would keep more bytes than these from task to task beside its network: "
        "exemplars, labels, columns, networks and tensors of strategies; 0: never",
        MN_CHANGES_NO_RESULT),
    MN_CHOICE(
        mn_run_settings, buffer_values, 0, kept_values,
        "what a value of a remembered row is kept as: as the data have it; a float of 32 or 16 "
        "bits; or one of 256, 16, 4 or 2 steps between the least and the greatest of its place"),
    MN_TEXT(mn_run_settings, codec, "raw",
            "form in which a row is remembered: raw, as it comes; resize:R, R x R means of areas; "
            "project:E, its coordinates, half floats, on E orthonormal directions that the seed "
            "draws"),
    MN_CHOICE(mn_run_settings, codec_consumption, MN_DECODED, consumptions,
              "what networks see: remembered rows decoded to what the stream has, beside the "
              "stream's as they are; or, native, all rows in the codec's form, also the test's"),
    MN_INT(
        mn_run_settings, buffer_memory, 0, 0, 1e15,
        "bytes of the buffer's rows to hold in memory, the latest used; the others are read from "
        "the run file.  0: all.  Changes no result",
        MN_CHANGES_NO_RESULT),
    MN_TEXT(mn_run_settings, buffer_policy, "reservoir", "which exemplars to keep"),
    /* The path of the initial weights changes nothing, their content does: init_digest. */
    MN_TEXT(mn_run_settings, init, "",
            "safetensors file of the network's initial weights, under PyTorch's names, Mammoth's "
            "or torchvision's; empty: drawn by the seed",
            MN_CHANGES_NO_RESULT),
    MN_BOOL(mn_run_settings, init_head, true,
            "init: the classifier too; otherwise everything but it, whatever its shape there"),
    MN_TEXT(mn_run_settings, init_digest, "",
            "init: CRC-32 the file must have; empty: whatever it has, which is then kept"),
    /* As with init: the paths change nothing, what they hold does. */
    MN_TEXT(mn_run_settings, teacher, "",
            "networks that strategies may learn from, which stay as they are: run files, or "
            "safetensors of teacher_network; a list with commas; {seed} stands for the run's",
            MN_CHANGES_NO_RESULT),
    MN_TEXT(mn_run_settings, teacher_network, "",
            "teacher: what a safetensors file is of, as the section network has it: "
            "{\"name\": \"plain-convnet\", \"width\": 32}"),
    MN_TEXT(mn_run_settings, teacher_digest, "",
            "teacher: digests that the networks must have, in order; empty: whatever they have, "
            "which is then kept"),
    MN_CHOICE(
        mn_run_settings, sees, 0, sights,
        "what the network sees of each image, and its teachers all of: all; grey, the mean of "
        "the channels; half, the means of 2 x 2 pixels; or both"),
    MN_TEXT(mn_run_settings, data_folder, "",
            "where the data set lies; empty: $MNEME_DATA and the usual places",
            MN_CHANGES_NO_RESULT),
    MN_REAL(mn_run_settings, validation, 0, 0, 0.9,
            "hold out this part of each class's training images and evaluate on it; the test set "
            "is not touched"),
    MN_BOOL(mn_run_settings, validation_beside, false,
            "validation: evaluate on it beside the test set, in scopes of its own; methods and "
            "schedules may look at it"),
    MN_INT(
        mn_run_settings, class_order_seed, -1, -2, 1e15,
        "shuffle the class order by this seed; -1: the benchmark's order; -2: shuffle by 'seed'"),
    MN_INT(mn_run_settings, eval_every, 0, 0, 1e12,
           "also evaluate all seen tasks every so many steps; 0: at the end of tasks alone",
           MN_CHANGES_NO_RESULT),
    MN_INT(mn_run_settings, eval_batch, 100, 1, 65536, "images evaluated at once",
           MN_CHANGES_NO_RESULT),
    MN_INT(mn_run_settings, log_every, 100, 1, 1e9, "steps between kept values of loss terms",
           MN_CHANGES_NO_RESULT),
    MN_INT(mn_run_settings, threads, 0, 0, 1024,
           "threads of the step, which change bits; 0: all cores for a network on images, else 1",
           MN_CHANGES_NO_RESULT),
    MN_CHOICE(mn_run_settings, precision, 0, precisions,
              "in which convolutions compute and images lie between them; weights, statistics and "
              "losses are f32.  bf16 is faster where the processor has it, and changes bits"),
    MN_REAL(mn_run_settings, commit_every, -1, -1, 1e9,
            "seconds between commits inside a task; -1: 30, or 100 times what a commit takes",
            MN_CHANGES_NO_RESULT),
    MN_INT(mn_run_settings, commit_steps, 0, 0, 1e12,
           "also commit every so many steps; 0: by time alone", MN_CHANGES_NO_RESULT),
    MN_BOOL(mn_run_settings, augment, true,
            "augment training and replayed images as the benchmark says"),
    MN_BOOL(mn_run_settings, shuffle, true, "shuffle each task's images anew in every epoch"),
    MN_BOOL(mn_run_settings, outputs, true, "keep the logits of every evaluation after a task",
            MN_CHANGES_NO_RESULT),
    MN_BOOL(mn_run_settings, profile, false,
            "at the end, show where the steps' time went, by op and layer", MN_CHANGES_NO_RESULT),
    MN_BOOL(mn_run_settings, rebuild, false,
            "at every commit, destroy the learner and rebuild it from the file (a test)",
            MN_CHANGES_NO_RESULT),
    MN_END,
};

static const char *const feature_types[] = {"f32", "f16", "u8", NULL};
static const mn_option features_options[] = {
    MN_TEXT(mn_features_settings, network, "",
            "a frozen network, whose features are seen in place of the images: its name, or as the "
            "section network has it, {\"name\": \"mobilenet-v2\", \"stem\": \"imagenet\"}; empty: "
            "none"),
    /* As with train.init: the path changes nothing, what it holds does. */
    MN_TEXT(mn_features_settings, init, "",
            "safetensors file of its weights, but for the classifier; empty: drawn by the seed",
            MN_CHANGES_NO_RESULT),
    MN_TEXT(mn_features_settings, init_digest, "",
            "init: CRC-32 the file must have; empty: whatever it has, which is then kept"),
    MN_TEXT(mn_features_settings, layer, "",
            "a map of it, layer3 of a ResNet; empty: what its last layer sees"),
    MN_CHOICE(mn_features_settings, type, 0, feature_types,
              "what a feature is kept as; u8: 256 steps in the range of its place"),
    MN_TEXT(mn_features_settings, mean, "",
            "of each channel of the images that it sees, in [0,1]; measured: of all training "
            "images; empty: 0"),
    MN_TEXT(mn_features_settings, deviation, "", "the same, which they are divided by; empty: 1"),
    MN_TEXT(mn_features_settings, cache, "",
            "folder in which features are kept for all runs; empty: $MNEME_CACHE, or mneme in "
            "$XDG_CACHE_HOME or ~/.cache",
            MN_CHANGES_NO_RESULT),
    MN_END,
};

static const char *const scenarios[] = {"class-incremental",
                                        "domain-permuted",
                                        "domain-rotated",
                                        "general-rotated",
                                        "domain-given",
                                        "class-repetition",
                                        NULL};
static const char *const tails[] = {"drawn", "arrival", NULL};
static const char *const noises[] = {"symmetric", "pairs", NULL};
static const mn_option stream_options[] = {
    MN_CHOICE(mn_stream_settings, scenario, 0, scenarios, "what changes from task to task"),
    MN_INT(mn_stream_settings, tasks, 5, 1, MN_MAX_TASKS, "tasks in the stream"),
    MN_INT(mn_stream_settings, classes, 0, 0, MN_MAX_CLASSES,
           "only the first so many classes of class_order; 0: all"),
    MN_INT(mn_stream_settings, rounds, 3, 1, 1000,
           "of a general stream: how often every class comes round"),
    MN_TEXT(mn_stream_settings, task_classes, "",
            "how many classes each task has, 50,10,10, or which, cat,dog;bird,cow; empty: even"),
    MN_TEXT(mn_stream_settings, class_order, "",
            "classes by arrival, by name or by number from 0; empty: as the data set has them"),
    MN_INT(mn_stream_settings, images_per_class, 0, 0, 1e9,
           "training images of each class, chosen by the seed; 0: all"),
    MN_INT(mn_stream_settings, first_images_per_class, 0, 0, 1e9,
           "the same of the first task's classes; 0: as of the others"),
    MN_TEXT(mn_stream_settings, domains, "",
            "where the data's domains are the tasks: which of them, in order; empty: all"),
    MN_REAL(mn_stream_settings, imbalance, 1, 1, 1e6,
            "a long tail: the class with most training images keeps so many times as many as the "
            "one with fewest, and those between fall off exponentially; 1: none"),
    MN_CHOICE(mn_stream_settings, imbalance_order, 0, tails,
              "which classes are in the tail: drawn by the seed, or the last to arrive"),
    MN_REAL(mn_stream_settings, blur, 0, 0, 0.999,
            "part of each task's training images, chosen by the seed, that comes in other tasks"),
    MN_END,
};

static const mn_option labels_options[] = {
    MN_INT(mn_label_settings, per_class, 0, 0, 1e9,
           "labelled training images of each class, chosen by the seed; 0: all"),
    MN_REAL(mn_label_settings, fraction, 1, 0, 1, "part of each class that is labelled"),
    MN_REAL(mn_label_settings, noise, 0, 0, 0.999,
            "part of each class's labelled training images, chosen by the seed, whose label is "
            "another class's of the task; test labels and held-out ones stay right"),
    MN_CHOICE(mn_label_settings, noise_kind, 0, noises,
              "which other class: any, drawn evenly, or the task's next one"),
    MN_REAL(mn_label_settings, pool, 1, 0, 1,
            "part of each task's images, chosen by the seed, that its unlabelled batches are made "
            "of; labelled images are labelled whether or not they are in it"),
    MN_END,
};

static const char *const schedules[] = {"constant", "step", "multistep", "cosine", "plateau", NULL};
static const mn_option schedule_options[] = {
    MN_CHOICE(mn_schedule_settings, name, 0, schedules, "how the learning rate moves in a task"),
    MN_REAL(mn_schedule_settings, factor, 0.1, 0, 1,
            "step, multistep, plateau: multiplied in each time"),
    MN_INT(mn_schedule_settings, every, 10, 1, 1e9, "step: epochs between changes"),
    MN_TEXT(mn_schedule_settings, milestones, "", "multistep: epochs, 35,45"),
    MN_REAL(mn_schedule_settings, least, 0, 0, 1,
            "cosine: the factor at the end; plateau: the one below which a phase ends"),
    MN_INT(mn_schedule_settings, patience, 10, 1, 1e9,
           "plateau: epochs without a lower validation loss until it falls"),
    MN_BOOL(mn_schedule_settings, restore, false,
            "plateau: the best epoch's weights come back when it falls, and at the end"),
    MN_INT(mn_schedule_settings, warm_up, 0, 0, 1e9, "steps of linear growth from `start`"),
    MN_REAL(mn_schedule_settings, start, 0, 0, 1, "warm_up: the factor it grows from"),
    MN_END,
};

static const mn_option normalise_options[] = {
    MN_TEXT(mn_normalise_settings, mean, "",
            "of each channel, in [0,1]; measured: of the stream's training images; empty: 0"),
    MN_TEXT(mn_normalise_settings, deviation, "",
            "of each channel; measured: of the stream's training images; empty: 1"),
    MN_END,
};

static const char *const pad_modes[] = {"zero", "edge", "reflect", NULL};
static const mn_option augment_options[] = {
    MN_INT(mn_augment_settings, pad, 0, 0, 4096,
           "cut each image at random out of itself with so many pixels added on every side"),
    MN_CHOICE(mn_augment_settings, pad_mode, 0, pad_modes, "what the added pixels are"),
    MN_BOOL(mn_augment_settings, flip, false, "mirror every other image left to right"),
    MN_BOOL(mn_augment_settings, views, false,
            "instead: random views as the section `views` has them, for methods that make none"),
    MN_END,
};

/* The defaults are those of NNCSL's authors for CIFAR. */
static const mn_option views_options[] = {
    MN_INT(mn_view_spec, size, 0, 0, 4096, "height and width in pixels; 0: those of the images"),
    MN_REAL(mn_view_spec, area_least, 0.75, 0, 1,
            "least part of the image in a random crop; 0: no crop"),
    MN_REAL(mn_view_spec, area_most, 1, 0, 1, "greatest part of the image in a random crop"),
    MN_REAL(mn_view_spec, aspect_least, 0.75, 0.01, 100, "least width / height of a crop"),
    MN_REAL(mn_view_spec, aspect_most, 4.0 / 3, 0.01, 100, "greatest width / height of a crop"),
    MN_REAL(mn_view_spec, flip, 0.5, 0, 1, "probability of mirroring left to right"),
    MN_REAL(mn_view_spec, jitter, 0.8, 0, 1, "probability of the next four, in random order"),
    MN_REAL(mn_view_spec, brightness, 0.4, 0, 10, "factors from 1 - this to 1 + this"),
    MN_REAL(mn_view_spec, contrast, 0.4, 0, 10, "factors from 1 - this to 1 + this"),
    MN_REAL(mn_view_spec, saturation, 0.4, 0, 10, "factors from 1 - this to 1 + this; colour only"),
    MN_REAL(mn_view_spec, hue, 0.1, 0, 0.5, "parts of the colour wheel, both ways; colour only"),
    MN_REAL(mn_view_spec, grey, 0, 0, 1, "probability of losing colour"),
    MN_REAL(mn_view_spec, blur, 0, 0, 1, "probability of a Gaussian blur"),
    MN_INT(mn_view_spec, blur_kernel, 3, 1, 4095, "pixels across which it is summed, odd"),
    MN_REAL(mn_view_spec, sigma_least, 0.1, 0.001, 1000, "least width of the blur in pixels"),
    MN_REAL(mn_view_spec, sigma_most, 2, 0.001, 1000, "greatest width of the blur in pixels"),
    MN_REAL(mn_view_spec, solarise, 0.2, 0, 1,
            "probability of the negative of all values above a random threshold"),
    MN_REAL(mn_view_spec, equalise, 0.2, 0, 1, "probability of a level histogram in each channel"),
    MN_REAL(mn_view_spec, cutout, 0, 0, 1, "probability of a square in the mean colour"),
    MN_REAL(mn_view_spec, cutout_size, 0.5, 0, 2, "its side, in parts of the view's"),
    MN_INT(mn_view_spec, small_size, 0, 0, 4096,
           "height and width of small views; 0: 9/16 of the images'"),
    MN_REAL(mn_view_spec, small_area_least, 0.3, 0, 1, "area_least of small views"),
    MN_REAL(mn_view_spec, small_area_most, 0.75, 0, 1, "area_most of small views"),
    MN_END,
};

static const struct {
    const char *name, *usual;
    mn_kind kind;
    const mn_option *table;
    size_t bytes;
} sections[MN_SECTION_STRATEGY] = {
#define OWN(id, name, settings)      {#name, NULL, MN_KINDS, name##_options, sizeof(settings)},
#define TYPED(id, name, kind, usual) {#name, usual, kind, NULL, 0},
    MN_SECTION_MAP(OWN, TYPED)
#undef OWN
#undef TYPED
};

const char *mn_section_name(int i)
{
    return i >= 0 && i < (int)MN_SECTION_STRATEGY ? sections[i].name : NULL;
}

const mn_option *mn_section_options(int i)
{
    return i >= 0 && i < (int)MN_SECTION_STRATEGY ? sections[i].table : NULL;
}

const mn_option *mn_run_options(void)
{
    return train_options;
}

const char *mn_section_usual_type(mn_section_id id)
{
    return sections[id].usual;
}

mn_kind mn_section_kind(mn_section_id id)
{
    return sections[id].kind;
}

mn_status mn_section_table(mn_section_id id, const char *type, const mn_option **table,
                           size_t *bytes)
{
    *table = sections[id].table;
    *bytes = sections[id].bytes;
    if (*table != NULL)
        return MN_OK;
    if (sections[id].kind == MN_KINDS) {
        *table = mn_optimiser_options(type);
        *bytes = mn_options_bytes(*table);
        return *table != NULL ? MN_OK : MN_NOT_FOUND;
    }
    const mn_descriptor *descriptor = mn_find(sections[id].kind, type);
    if (descriptor == NULL)
        return MN_NOT_FOUND;
    if (sections[id].kind == MN_KIND_DATASET)
        return mn_dataset_table((const void *)descriptor, table, bytes);
    *table = descriptor->options;
    *bytes = descriptor->options_size;
    return MN_OK;
}

static const mn_option *table_of(const char *section, const char *type)
{
    for (size_t i = 0; i < MN_SECTION_STRATEGY; i++) {
        const mn_option *table;
        size_t bytes;
        if (strcmp(sections[i].name, section) != 0)
            continue;
        if (sections[i].table == NULL && type == NULL)
            return NULL;
        return mn_section_table((mn_section_id)i, type, &table, &bytes) == MN_OK ? table : NULL;
    }
    const mn_descriptor *strategy = mn_find(MN_KIND_STRATEGY, section);
    return strategy != NULL ? strategy->options : NULL;
}

bool mn_setting_changes_result(const char *section, const char *type, const char *name)
{
    const mn_option *option = mn_option_find(table_of(section, type), name);
    if (option == NULL && strcmp(section, "dataset") == 0) /* of a plugin that is not loaded */
        option = mn_option_find(mn_dataset_options(), name);
    return option == NULL || !option->changes_no_result;
}
