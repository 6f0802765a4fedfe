/* judge.h -- how good the images made by a run's generator are, measured by a classifier that took
 * no part in that run.
 *
 * The judge is a run of its own, on the same data in the same order of classes; best a `joint` run
 * with another network and seed.  It compares images by its features, the inputs of its last layer.
 */
#ifndef MNEME_JUDGE_H
#define MNEME_JUDGE_H

#include <mneme/status.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Images of one class: those that the generator made after a task, or real ones that nobody trained
 * on (test images; of a run with `validation`, those held out that the judge was not trained on). */
typedef struct mn_judged_images {
    int64_t count;
    int64_t agreed;   /* the judge takes them for the class, among those seen by then */
    double diversity; /* mean distance between two of them, in features */
    /* Mean distance to the nearest training image of the class: in features, and in pixels of 0 to
     * 1. */
    double nearest, nearest_pixels;
} mn_judged_images;

typedef struct mn_judged_class {
    int64_t after_task;
    int32_t label; /* by arrival */
    char name[64];
    mn_judged_images made, real;
} mn_judged_class;

/* A requirement on the images made after a task, over all classes, and the measured value. */
typedef struct mn_judged_mark {
    const char *name, *meaning; /* "agreement", ... */
    double value, least;        /* the least that passes */
} mn_judged_mark;
enum { MN_JUDGED_MARKS = 5 };

/* Judges the samples in the run file `path` by the network of the finished run `judge`.  Classes
 * come by task and label, those of which nothing was made (count 0, the rest NaN) among them; the
 * caller frees.  MN_NOT_FOUND: the run kept no samples. */
MN_API mn_status mn_judge_samples(const char *path, const char *judge, mn_judged_class **classes,
                                  int64_t *count);
/* Of `count` classes of one task: agreement (all, and of the worst class), diversity and both
 * distances as shares of those of real images. */
MN_API void mn_judge_marks(const mn_judged_class *classes, int64_t count,
                           mn_judged_mark marks[MN_JUDGED_MARKS]);

#ifdef __cplusplus
}
#endif
#endif
