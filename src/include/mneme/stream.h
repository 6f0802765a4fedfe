/* stream.h -- streams of tasks, and the loaders that walk them.
 *
 * A stream is a pure function of (data set, spec, seed): which classes in which task, in which order,
 * which images are labelled, which are held out.  A loader walks one part of it in batches.
 */
#ifndef MNEME_STREAM_H
#define MNEME_STREAM_H

#include <mneme/data.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- streams ---------------------------------------------------------------------------------- */
typedef enum mn_scenario {
    MN_CLASS_INCREMENTAL, /* each task brings new classes */
    MN_DOMAIN_PERMUTED,   /* each task permutes the pixels anew; all classes in each */
    MN_DOMAIN_ROTATED,    /* each task rotates by its own angle in [0, 180) degrees */
    /* One task that never says where anything begins: two classes at a time, in a fixed order, each
     * turning by 360 degrees over its images. */
    MN_GENERAL_ROTATED,
    MN_DOMAIN_GIVEN, /* each task is one domain of the data's; all classes in each */
    /* Classes come in several tasks, as task_classes lists them or as the data's domains have them:
     * an image in one of them. */
    MN_CLASS_REPETITION,
} mn_scenario;

typedef struct mn_stream_spec {
    mn_scenario scenario;
    int64_t tasks;
    int64_t classes;             /* > 0: only the first so many classes of the order; 0: all */
    const int64_t *task_classes; /* (tasks) classes of each task; NULL: even */
    /* (classes) original labels by arrival; NULL: 0, 1, 2, ...  Of MN_CLASS_REPETITION those of the
     * first task, of the second, ...; NULL: the data's domains are the tasks. */
    const int64_t *class_order;
    const int64_t *domain_order; /* (tasks) domains by task; NULL: 0, 1, 2, ... */
    int64_t class_order_seed;    /* >= 0: a shuffled order of its own seed, over class_order */
    double validation;           /* fraction of each class's training images held out; 0: none */
    int64_t rounds;              /* MN_GENERAL_ROTATED: how often each class comes */
    int64_t images_per_class;    /* > 0: so many training images a class; the others are left out */
    int64_t first_images_per_class; /* > 0: so many of the classes of the first task */
    /* Above 1: the class of rank r of C keeps imbalance^(-r / (C - 1)) of its images; 0 and 1: all. */
    double imbalance;
    bool imbalance_by_arrival; /* ranks are those of arrival; else the seed draws them */
    double blur;  /* part of each task's training images that comes in other tasks */
    double noise; /* part of each class's labelled training images with another class's label: */
    bool noise_pairs; /* the task's next class; else one of its others, drawn evenly */
    int64_t labels_per_class;    /* > 0: so many labelled training images a class */
    double label_fraction;       /* < 1: that fraction of each class is labelled */
    double pool;                 /* < 1: that fraction of each task's images is its pool */
} mn_stream_spec;

/* For initialisers: the members whose "nothing was asked for" is not zero. */
#define MN_STREAM_DEFAULTS .class_order_seed = -1, .label_fraction = 1, .pool = 1, .rounds = 3

typedef struct mn_stream mn_stream;

typedef struct mn_task_info {
    /* Its classes by arrival: a contiguous range.  Where classes come again, and not all at once:
     * from 0, all that have come by then. */
    int64_t first_class, classes;
    int64_t train, labelled, validation, test; /* images */
    int64_t noised, strangers; /* training images with a wrong label, and of other tasks */
} mn_task_info;

typedef enum mn_part {
    MN_PART_TRAIN,
    MN_PART_VALIDATION,
    MN_PART_TEST,
    MN_PART_LABELLED, /* of training */
    /* Of training: what semi-supervised methods take as unlabelled.  It may hold labelled images;
     * where spec.pool is below 1 it does not hold all of them. */
    MN_PART_POOL,
} mn_part;

/* Borrows the data set.  More tasks or classes than there are: MN_BAD_OPTION. */
MN_API mn_status mn_stream_new(const mn_dataset *dataset, const mn_stream_spec *spec, uint64_t seed,
                               mn_stream **stream);
MN_API void mn_stream_free(mn_stream *stream);
MN_API int64_t mn_stream_tasks(const mn_stream *stream);
MN_API int64_t mn_stream_classes(const mn_stream *stream); /* outputs a network needs */
MN_API bool mn_stream_class_incremental(const mn_stream *stream); /* contiguous by task */
/* Whether a method may know where tasks begin and end; else the stream has one, in a fixed order. */
MN_API bool mn_stream_has_boundaries(const mn_stream *stream);
MN_API mn_task_info mn_stream_task(const mn_stream *stream, int64_t task);
/* Whether a task has training or test images of a class. */
MN_API bool mn_stream_task_has(const mn_stream *stream, int64_t task, int64_t arrival);
/* The task that brings a class of a class-incremental stream; MN_NO_TASK: none does. */
MN_API int64_t mn_stream_task_of(const mn_stream *stream, int64_t arrival);
/* The original label of the class that arrived `arrival`-th, and its name. */
MN_API int64_t mn_stream_original_class(const mn_stream *stream, int64_t arrival);
MN_API const char *mn_stream_class_name(const mn_stream *stream, int64_t arrival);
/* The name of the domain that a task is; NULL where the data's domains are not the tasks. */
MN_API const char *mn_stream_task_domain(const mn_stream *stream, int64_t task);
MN_API const mn_dataset *mn_stream_dataset(const mn_stream *stream);

/* --- loaders ---------------------------------------------------------------------------------- */
typedef struct mn_loader mn_loader;

/* Walks images of tasks first_task..last_task in batches of `batch`.  The last may be short; where it
 * would be one image alone, the last two share theirs, so that norms over a batch have a variance.
 * Borrows the stream. */
MN_API mn_status mn_loader_new(const mn_stream *stream, mn_part part, int64_t first_task,
                               int64_t last_task, int64_t batch, const mn_transform *transform,
                               mn_loader **loader);
MN_API void mn_loader_free(mn_loader *loader);
MN_API int64_t mn_loader_images(const mn_loader *loader);
MN_API int64_t mn_loader_batches(const mn_loader *loader); /* of one epoch */
/* Sets the order of an epoch: shuffled by `key`, or as stored when key is NULL. */
MN_API mn_status mn_loader_shuffle(mn_loader *loader, const mn_key *key);
/* Sets the key of an epoch's augmentations; each image has its own random numbers under it. */
MN_API void mn_loader_augment(mn_loader *loader, mn_key key);
/* The images at these places of the stored order, as one batch.  Valid until the next call. */
MN_API mn_status mn_loader_rows(mn_loader *loader, const int64_t *places, int64_t count,
                                const mn_batch **batch);
/* The i-th batch of the current order; any i at any time.  Valid until the next call. */
MN_API mn_status mn_loader_batch(mn_loader *loader, int64_t i, const mn_batch **batch);

#ifdef __cplusplus
}
#endif
#endif
