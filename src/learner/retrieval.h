/* retrieval.h -- how much of a teacher's features can be told from the student's. */
#ifndef MN_LEARNER_RETRIEVAL_H
#define MN_LEARNER_RETRIEVAL_H

#include <mneme/strategy.h>

/* Of features x (N,K) of a student and y (N,L) of a teacher of N images: the linear map from x to y
 * by least squares, both less their means.  For features u (M,K) and v (M,L) of others: the share
 * of rows of u whose image under the map has, of all rows of v, its own as the nearest by the
 * cosine. *share is NaN where x does not vary. */
mn_status mn_retrieval(mn_var *x, mn_var *y, mn_var *u, mn_var *v, double *share);

/* When a task's training has ended: notes for every teacher of the run how like its features the
 * shared network's are (mn_linear_cka()), and that share, in the run file's table `scalar` as
 * "cka/OWNER/NAME" and "retrieval/OWNER/NAME" of phase "teacher".  Of the tasks so far: the map is
 * that of up to 2048 training images, the others are up to 256 evaluated ones, both evenly spaced.
 */
mn_status mn_learner_note_retrieval(mn_learner *learner);

#endif
