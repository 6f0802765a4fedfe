/* predict.h -- using what was trained: the network and the strategy of a run answer about images that
 * the run never saw.
 *
 * The run is opened as a resume would open it, with its own data, and answers as it does in an
 * evaluation: a strategy that does not ask its network's logits (nearest means, a corrected bias)
 * answers in its own way.
 */
#ifndef MNEME_PREDICT_H
#define MNEME_PREDICT_H

#include <mneme/data.h>
#include <mneme/experiment.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mn_predictor mn_predictor;

/* Opens a run as of its last commit; its data must be there.  MN_UNSUPPORTED: its strategy must be
 * told the task of an image, or it has learned from features of images.  MN_NOT_FOUND: it has
 * learned nothing yet. */
MN_API mn_status mn_predictor_open(const char *run, mn_predictor **predictor);
MN_API void mn_predictor_free(mn_predictor *predictor);

/* The run's own data set, whose images the network knows, before they took a codec's form.  Owned by
 * the predictor. */
MN_API const mn_dataset *mn_predictor_data(const mn_predictor *predictor);
/* Classes seen so far: answers are among them, numbered by arrival. */
MN_API int64_t mn_predictor_classes(const mn_predictor *predictor);
/* Its name, or its number in the data where it has none.  Owned by the predictor. */
MN_API const char *mn_predictor_class_name(const mn_predictor *predictor, int64_t label);
/* The task that brought it; MN_NO_TASK where all tasks have all classes. */
MN_API int64_t mn_predictor_task(const mn_predictor *predictor, int64_t label);

/* images: (count, image) as mn_images_read() gives them.  probabilities: (count, classes), the softmax
 * of the strategy's scores over the classes seen. */
MN_API mn_status mn_predict(mn_predictor *predictor, const uint8_t *images, int64_t count,
                            float *probabilities);

/* A class of other data, by its name there. */
typedef struct mn_recognised {
    const char *name; /* owned by the data set */
    int64_t label;    /* by arrival; -1: the run has seen no class of this name */
    int64_t images, right;
} mn_recognised;

/* Predicts all test images of other data, whose classes are those of the run that have the same
 * names (numbers, where classes have no names).  Images must have the same shape.  MN_BAD_OPTION: no
 * class is known.  recognised: (data->classes), for the caller to free. */
MN_API mn_status mn_predict_test(mn_predictor *predictor, const mn_dataset *data,
                                 mn_recognised **recognised);

#ifdef __cplusplus
}
#endif
#endif
