/* marks.h -- how images of a class compare with others, in numbers. */
#ifndef MN_JUDGE_MARKS_H
#define MN_JUDGE_MARKS_H

#include "judge/images.h"

#include <mneme/judge.h>

/* Which class images are of, and how the judge looks at them. */
typedef struct mn_judge_view {
    int32_t label;
    int64_t seen, classes; /* classes that the run had seen by then, and all of them */
    int64_t width, pixels; /* of the judge's features, and of an image */
} mn_judge_view;

/* Of images that the judge has looked at, beside the class's training images. */
mn_judged_images mn_judge_measure(const mn_judge_view *view, const mn_judge_images *images,
                                  const mn_judge_images *train);

#endif
