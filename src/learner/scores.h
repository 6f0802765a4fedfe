/* scores.h -- the scores of images that a buffer policy asks for. */
#ifndef MN_LEARNER_SCORES_H
#define MN_LEARNER_SCORES_H

#include <mneme/services.h>

/* Of the stream rows of `rows`, into scores (stream_rows). */
mn_status mn_learner_scores(mn_learner *learner, const mn_batch *rows, float *scores);
/* Anew, in the buffer, of the rows that the step was trained on. */
mn_status mn_learner_refresh_scores(mn_learner *learner);

#endif
